from pathlib import Path

import pygit2
import pytest
from pygit2.enums import ObjectType

from hfdeploy_localhub.errors import BadRequest, InvalidPath
from hfdeploy_localhub.model import LargeFile
from hfdeploy_localhub.store.incoming import Incoming, NewFile
from hfdeploy_localhub.store.pointers import format_pointer

SIGNATURE = pygit2.Signature("a", "a@localhost", 0, 0)
Tree = dict[str, "bytes | Tree"]


class Repo:
    """A bare repo to commit to without moving a ref."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git = pygit2.init_repository(str(folder), bare=True, initial_head="main")

    def tree(self, files: Tree) -> pygit2.Oid:
        builder = self.git.TreeBuilder()
        for name, content in files.items():
            if isinstance(content, bytes):
                builder.insert(name, self.git.create_blob(content), 0o100644)
            else:
                builder.insert(name, self.tree(content), 0o040000)
        return builder.write()

    def commit(self, files: Tree, *parents: str, title: str = "c") -> str:
        ids = [pygit2.Oid(hex=parent) for parent in parents]
        return str(self.git.create_commit(None, SIGNATURE, SIGNATURE, title, self.tree(files), ids))

    def new_paths(self, commit: str) -> list[str]:
        return sorted(file.path for file in Incoming(self.folder, None).new_files(commit))


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "repo")


def test_a_first_commit_brings_all_its_files(repo: Repo) -> None:
    assert repo.new_paths(repo.commit({"a": b"1", "d": {"b": b"2", "e": {"c": b"3"}}})) == [
        "a",
        "d/b",
        "d/e/c",
    ]


def test_a_later_one_brings_what_it_changes(repo: Repo) -> None:
    first = repo.commit({"a": b"1", "d": {"b": b"2", "c": b"3"}})
    repo.git.references.create("refs/heads/main", pygit2.Oid(hex=first))
    assert repo.new_paths(repo.commit({"a": b"1", "d": {"b": b"4", "c": b"3"}}, first)) == ["d/b"]
    assert repo.new_paths(repo.commit({"a": b"1"}, first)) == []
    assert repo.new_paths(first) == []


def test_commits_in_between_are_looked_at_too(repo: Repo) -> None:
    first = repo.commit({"a": b"1"})
    repo.git.references.create("refs/heads/main", pygit2.Oid(hex=first))
    hidden = repo.commit({"a": b"1", "evil": b"x"}, first)
    assert repo.new_paths(repo.commit({"a": b"1"}, hidden)) == ["evil"]


def test_a_merge_brings_what_no_side_had(repo: Repo) -> None:
    base = repo.commit({"a": b"1"})
    left, right = repo.commit({"a": b"2"}, base), repo.commit({"a": b"1", "b": b"3"}, base)
    for name, oid in (("l", left), ("r", right)):
        repo.git.references.create(f"refs/heads/{name}", pygit2.Oid(hex=oid))
    assert repo.new_paths(repo.commit({"a": b"2", "b": b"3"}, left, right)) == []
    assert repo.new_paths(repo.commit({"a": b"2", "b": b"4"}, left, right)) == ["b"]


def test_sizes_and_pointers_are_told(repo: Repo) -> None:
    large = LargeFile("ab" * 32, 7)
    pointer = format_pointer(large)
    files = Incoming(repo.folder, None).new_files(repo.commit({"w": pointer, "t": b"12345"}))
    assert set(files) == {NewFile("w", len(pointer), large), NewFile("t", 5, None)}


def test_a_name_that_is_not_utf8_is_refused(repo: Repo) -> None:
    content = b"100644 \xff\x00" + bytes(repo.git.create_blob(b"x").raw)
    tree = repo.git.odb.write(ObjectType.TREE, content)
    commit = repo.git.create_commit(None, SIGNATURE, SIGNATURE, "c", tree, [])
    with pytest.raises(InvalidPath):
        repo.new_paths(str(commit))


def test_depth_is_no_way_to_stop_it(repo: Repo) -> None:
    tree = repo.tree({"f": b"x"})
    for _ in range(3000):
        builder = repo.git.TreeBuilder()
        builder.insert("d", tree, 0o040000)
        tree = builder.write()
    commit = repo.git.create_commit(None, SIGNATURE, SIGNATURE, "c", tree, [])
    assert repo.new_paths(str(commit)) == ["d/" * 3000 + "f"]


def test_refs_lead_to_commits(repo: Repo) -> None:
    commit = repo.commit({"a": b"1"})
    tag = repo.git.create_tag("v1", pygit2.Oid(hex=commit), ObjectType.COMMIT, SIGNATURE, "v1")
    incoming = Incoming(repo.folder, None)
    assert incoming.commit_of(commit) == incoming.commit_of(str(tag)) == commit
    for oid in (str(repo.tree({"a": b"1"})), "1" * 40):
        with pytest.raises(BadRequest, match="not a commit"):
            incoming.commit_of(oid)


def test_quarantine_is_read_together_with_the_repo(repo: Repo, tmp_path: Path) -> None:
    first = repo.commit({"a": b"1"})
    other = Repo(tmp_path / "other")
    blob = other.git.create_blob(b"new")
    with pytest.raises(BadRequest):
        Incoming(repo.folder, None).commit_of(str(blob))
    assert other.git.odb.exists(blob)
    lone = other.commit({"q": b"new"})
    incoming = Incoming(repo.folder, other.folder / "objects")
    assert [file.path for file in incoming.new_files(incoming.commit_of(lone))] == ["q"]
    assert incoming.commit_of(first) == first


def test_titles_of_new_commits_oldest_first(repo: Repo) -> None:
    first = repo.commit({}, title="one")
    second = repo.commit({}, first, title="two\n\nmore")
    third = repo.commit({}, second, title="three")
    titles = Incoming(repo.folder, None).new_titles(first, third)
    assert titles == [(second, "two"), (third, "three")]

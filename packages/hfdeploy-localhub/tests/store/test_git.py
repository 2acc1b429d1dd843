import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hfdeploy_localhub.errors import EntryNotFound, HeadMoved, RevisionNotFound
from hfdeploy_localhub.model import LargeFile
from hfdeploy_localhub.store.git import MAIN, Author, GitRepository
from hfdeploy_localhub.store.pointers import format_pointer

NOW = datetime(2026, 11, 21, tzinfo=UTC)
AUTHOR = Author("alice", "a@localhost")


@pytest.fixture
def git(tmp_path: Path) -> GitRepository:
    return GitRepository.create(tmp_path / "r.git")


def commit(git: GitRepository, files: dict[str, bytes | None], parent: str | None, message: str = "m") -> str:
    blobs = {path: None if content is None else git.add_blob(content) for path, content in files.items()}
    return git.commit(MAIN, blobs, parent=parent, message=message, author=AUTHOR, now=NOW)


def listing(git: GitRepository, revision: str) -> dict[str, bytes]:
    return {
        entry.path: git.read(entry) for entry in git.walk(revision, recursive=True) if entry.kind == "file"
    }


def test_git_itself_agrees(git: GitRepository, tmp_path: Path) -> None:
    first = commit(git, {"a/b.txt": b"one", "ü x": b""}, None, "first\n\nmore")
    commit(git, {"a/b.txt": None, "c": b"three"}, first, "second")
    subprocess.run(["git", "clone", "-q", tmp_path / "r.git", tmp_path / "c"], check=True)
    assert sorted(p.name for p in (tmp_path / "c").iterdir()) == [".git", "c", "ü x"]
    fsck = subprocess.run(
        ["git", "-C", tmp_path / "r.git", "fsck", "--strict"], capture_output=True, text=True
    )
    assert (fsck.returncode, fsck.stdout) == (0, "")
    assert [(c.title, c.message) for c in git.log(git.head())] == [("second", ""), ("first", "more")]


def test_a_moved_head_is_told(git: GitRepository) -> None:
    first = commit(git, {"a": b"1"}, None)
    commit(git, {"a": b"2"}, first)
    with pytest.raises(HeadMoved):
        commit(git, {"a": b"3"}, first)
    with pytest.raises(HeadMoved):
        commit(git, {"a": b"3"}, None)


def test_a_missing_path_cannot_be_deleted(git: GitRepository) -> None:
    first = commit(git, {"a": b"1"}, None)
    with pytest.raises(EntryNotFound, match="A file with this name doesn't exist"):
        commit(git, {"b": None}, first)
    assert git.head() == first


def test_revisions(git: GitRepository) -> None:
    first = commit(git, {"a": b"1"}, None)
    for revision in ("main", "refs/heads/main", "HEAD", first, first[:7]):
        assert git.resolve(revision) == first
    for revision in ("nope", first[:4], "refs/pr/1", "0" * 40, "", "a..b"):
        with pytest.raises(RevisionNotFound):
            git.resolve(revision)
    assert git.branch("main") == MAIN
    for revision in (first, "nope", "refs/tags/x"):
        with pytest.raises(RevisionNotFound):
            git.branch(revision)


def test_large_files_show_their_real_size(git: GitRepository) -> None:
    large = LargeFile("ab" * 32, 10**10)
    head = commit(git, {"w.bin": format_pointer(large), "s": b"small"}, None)
    entry = git.entry(head, "w.bin")
    assert (entry.size, entry.large, entry.etag) == (10**10, large, "ab" * 32)
    assert entry.pointer_size == len(format_pointer(large))
    assert git.entry(head, "s").etag == git.entry(head, "s").oid


def test_a_folder_is_deleted_with_all_it_holds(git: GitRepository) -> None:
    first = commit(git, {"d/a": b"1", "d/e/b": b"2", "x": b"3"}, None)
    assert listing(git, commit(git, {"d": None}, first)) == {"x": b"3"}


def test_a_file_takes_the_place_of_a_folder_and_back(git: GitRepository) -> None:
    first = commit(git, {"a/b": b"1", "a/c/d": b"2"}, None)
    second = commit(git, {"a/b": None, "a/c/d": None, "a": b"file"}, first)
    assert listing(git, second) == {"a": b"file"}
    third = commit(git, {"a": None, "a/b": b"1"}, second)
    assert listing(git, third) == {"a/b": b"1"}


def test_attributes_decide_what_is_large(git: GitRepository) -> None:
    head = commit(git, {".gitattributes": b"*.bin filter=lfs\nsaved/**/* filter=lfs\n"}, None)
    rules = git.large_file_rules(head)
    assert [rules(path) for path in ("a/x.bin", "saved/a/b", "x.txt")] == [True, True, False]
    assert git.large_file_rules(head, "*.txt filter=lfs\n")("x.txt")
    assert git.head() == head


def test_last_change_of_each_path(git: GitRepository) -> None:
    first = commit(git, {"a": b"1", "b": b"1"}, None, "first")
    second = commit(git, {"b": b"2"}, first, "second")
    found = git.last_change(second, ["a", "b"])
    assert {path: change.title for path, change in found.items()} == {"a": "first", "b": "second"}


names = st.sampled_from(["a", "b", "c.txt", "d e", "ü"])
paths = st.lists(names, min_size=1, max_size=3).map("/".join)
changes = st.dictionaries(paths, st.one_of(st.none(), st.binary(max_size=5)), max_size=5)


def model_commit(model: dict[str, bytes], change: dict[str, bytes | None]) -> dict[str, bytes]:
    """What a commit does, said with a dictionary."""
    after = dict(model)
    for path, content in change.items():
        for other in list(after):
            if other == path or other.startswith(f"{path}/") or path.startswith(f"{other}/"):
                del after[other]
        if content is not None:
            after[path] = content
    return after


def conflicting(change: dict[str, bytes | None]) -> bool:
    return any(f"{other}/" == path[: len(other) + 1] for path in change for other in change)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.lists(changes.filter(lambda change: not conflicting(change)), min_size=1, max_size=4))
def test_a_series_of_commits_gives_the_tree_that_a_dictionary_does(
    tmp_path_factory: pytest.TempPathFactory, series: list[dict[str, bytes | None]]
) -> None:
    git = GitRepository.create(tmp_path_factory.mktemp("r") / "r.git")
    head: str | None = None
    model: dict[str, bytes] = {}
    for change in series:
        known = {
            path: content
            for path, content in change.items()
            if content is not None or any(p == path or p.startswith(f"{path}/") for p in model)
        }
        head, model = commit(git, known, head), model_commit(model, known)
        assert listing(git, head) == model
    assert head is not None
    everything = [entry.path for entry in git.walk(head, recursive=True)]
    for position, path in enumerate(everything):
        rest = [entry.path for entry in git.walk(head, recursive=True, after=path)]
        assert rest == everything[position + 1 :]


@pytest.mark.parametrize("recursive", [True, False])
@pytest.mark.parametrize("gone", ["b", "c", "c/d", "c/d/e", "f"])
def test_a_listing_goes_on_where_somebody_deleted_what_it_had_reached(
    git: GitRepository, gone: str, recursive: bool
) -> None:
    files = dict.fromkeys(["a", "b", "c-", "c/a", "c/d/e", "c/z", "f", "g"], b"1")
    first = commit(git, files, None)
    everything = [entry.path for entry in git.walk(first, recursive=recursive)]
    if gone not in everything:
        return
    second = commit(git, {gone: None}, first)
    left = [entry.path for entry in git.walk(second, recursive=recursive)]
    rest = [entry.path for entry in git.walk(second, recursive=recursive, after=gone)]
    behind = everything[everything.index(gone) + 1 :]
    assert set(rest) >= {path for path in behind if path in left}
    assert rest == left[len(left) - len(rest) :]

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfdeploy_localhub.model import LargeFile
from hfdeploy_localhub.store.git import MAIN, Author, GitRepository
from hfdeploy_localhub.store.large_references import LargeReferences
from hfdeploy_localhub.store.pointers import format_pointer

AUTHOR = Author("alice", "alice@localhost")
NOW = datetime(2026, 1, 2, tzinfo=UTC)
A, B, C = (LargeFile(letter * 64, number) for number, letter in enumerate("abc"))

paths = st.sampled_from(["x", "y", "d/x", "d/e/x", "f/x"])
changes = st.dictionaries(paths, st.sampled_from([None, A, B, C]), min_size=1, max_size=4)


class Repo:
    """A git repository that is written to by commits of pointers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git = GitRepository.create(folder)

    def commit(self, files: dict[str, LargeFile | None], ref: str = MAIN, parent: str | None = None) -> str:
        blobs = {
            path: self.git.add_blob(format_pointer(file) if file else b"text") for path, file in files.items()
        }
        return self.git.commit(ref, blobs, parent=parent, message="change", author=AUTHOR, now=NOW)

    def files(self, commit: str) -> dict[str, str]:
        """Path -> sha256 of the pointer there, or nothing for a text."""
        entries = [entry for entry in self.git.walk(commit, recursive=True) if entry.kind == "file"]
        return {entry.path: entry.large.sha256 if entry.large else "" for entry in entries}


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "r.git")


def test_the_first_commit_on_main_counts(repo: Repo) -> None:
    first = repo.commit({"d/x": A})
    repo.git.set_ref("refs/heads/a-side", first)
    repo.commit({"d/y": A, "z": B}, parent=first)
    repo.commit({"w": C}, ref="refs/heads/a-side", parent=first)
    found = LargeReferences(repo.folder).find()
    assert {sha256: (at.path, at.ref) for sha256, at in found.items()} == {
        A.sha256: ("d/x", MAIN),
        B.sha256: ("z", MAIN),
        C.sha256: ("w", "refs/heads/a-side"),
    }
    assert {at.pushed_at for at in found.values()} == {NOW}


def test_dropping_what_is_not_there_moves_nothing(repo: Repo) -> None:
    head = repo.commit({"x": A})
    assert LargeReferences(repo.folder).drop({B.sha256}) == {}
    assert repo.git.head() == head


def test_both_sides_of_a_merge_are_rewritten(repo: Repo) -> None:
    first = repo.commit({"x": A, "t": None})
    repo.git.set_ref("refs/heads/side", first)
    side = repo.commit({"s": B}, ref="refs/heads/side", parent=first)
    repo.commit({"m": C}, parent=first)
    repo.git.merge(MAIN, side, message="merge", author=AUTHOR, now=NOW)
    moved = LargeReferences(repo.folder).drop({A.sha256})
    assert sorted(moved) == [MAIN, "refs/heads/side"]
    merged = repo.git.show(moved[MAIN])
    assert merged.parents[1] == moved["refs/heads/side"]
    assert repo.files(moved[MAIN]) == {"t": "", "s": B.sha256, "m": C.sha256}


@settings(max_examples=60, deadline=None)
@given(st.lists(changes, min_size=1, max_size=5), st.sets(st.sampled_from([A, B, C])))
def test_history_is_what_it_was_but_for_the_dropped(
    tmp_path_factory: pytest.TempPathFactory, history: list[dict[str, LargeFile | None]], gone: set[LargeFile]
) -> None:
    repo = Repo(tmp_path_factory.mktemp("repos") / "r.git")
    head: str | None = None
    for files in history:
        head = repo.commit(files, parent=head)
    assert head is not None
    names = {file.sha256 for file in gone}
    before = [repo.files(commit.id) for commit in repo.git.log(head)]
    LargeReferences(repo.folder).drop(names)
    after = [repo.files(commit.id) for commit in repo.git.log(repo.git.head())]
    kept = [{path: name for path, name in files.items() if name not in names} for files in before]
    assert after == kept
    assert not names & LargeReferences(repo.folder).find().keys()

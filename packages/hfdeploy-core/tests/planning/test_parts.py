from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_core.errors import CommitTooLarge
from hfdeploy_core.model import CommitFiles, FileEntry, Plan, PutFile, RepoRef, RepoType
from hfdeploy_core.planning.parts import Limits, check_parts, count_commits, split_commit

PATHS = st.sampled_from(["README.md", "a", "b/c", "d.bin", "e/f.safetensors", "g", "h/i/j"])
SIZES = st.sampled_from([0, 1, 5, 20, 20_000_000])
LIMITS = st.builds(Limits, st.integers(1, 4), st.integers(1, 40))


@st.composite
def commits(draw: st.DrawFn) -> CommitFiles:
    sizes = draw(st.dictionaries(PATHS, SIZES))
    puts = tuple(PutFile(FileEntry(path, sizes[path], "1" * 40, None), False) for path in sorted(sizes))
    deletions = draw(st.sets(st.sampled_from(["old", "b", "a/x", "e"])))
    return CommitFiles(puts, tuple(sorted(deletions)), "title")


def is_large(put: PutFile) -> bool:
    return put.entry.size_bytes > 1000 or put.entry.path.endswith((".bin", ".safetensors"))


@given(commits(), LIMITS)
def test_the_parts_do_together_what_the_commit_does_and_each_fits(
    commit: CommitFiles, limits: Limits
) -> None:
    parts = split_commit(commit, RepoType.MODEL, limits)
    puts = [put for part in parts for put in part.puts]
    assert sorted(puts, key=lambda put: put.entry.path) == list(commit.puts)
    assert sorted(path for part in parts for path in part.deletions) == list(commit.deletions)
    for part in parts:
        regular = [put.entry.size_bytes for put in part.puts if not is_large(put)]
        assert sum(is_large(put) for put in part.puts) <= limits.large_files or len(part.puts) == 1
        assert sum(regular) <= limits.regular_bytes or len([size for size in regular if size]) == 1


@given(commits(), LIMITS)
def test_what_is_in_the_way_goes_first_and_the_card_comes_last(commit: CommitFiles, limits: Limits) -> None:
    parts = split_commit(commit, RepoType.MODEL, limits)
    if len(parts) == 1:
        assert parts == (commit,)
        return
    present = set(commit.deletions)
    for part in parts:
        present -= set(part.deletions)
        for put in part.puts:
            folders = {put.entry.path.rpartition("/")[0]}
            assert not any(path in folders or path.startswith(f"{put.entry.path}/") for path in present)
    assert not any(put.entry.path == "README.md" for part in parts[:-1] for put in part.puts)


@given(commits(), st.integers(1, 4), st.integers(1, 40), st.integers(0, 3), st.integers(0, 40))
def test_whoever_may_send_more_needs_no_more_commits(
    commit: CommitFiles, files: int, size: int, more_files: int, more_size: int
) -> None:
    few = split_commit(commit, RepoType.MODEL, Limits(files, size))
    assert len(split_commit(commit, RepoType.MODEL, Limits(files + more_files, size + more_size))) <= len(few)


def test_more_than_one_commit_needs_consent() -> None:
    commit = CommitFiles((), (), "title")
    plan = Plan(RepoRef(RepoType.MODEL, "a", "b"), "c" * 40, (commit,))
    check_parts(plan)
    two = replace(plan, changes=(commit, commit))
    assert count_commits(two) == 2
    with pytest.raises(CommitTooLarge, match="2 commits") as caught:
        check_parts(two)
    assert "--allow-partial" in caught.value.remedy
    check_parts(replace(two, allows_partial=True))


def test_images_are_large_files_in_a_dataset() -> None:
    puts = tuple(PutFile(FileEntry(f"{n}.png", 9, "1" * 40, None), False) for n in range(4))
    commit, limits = CommitFiles(puts, (), "t"), Limits(large_files=2, regular_bytes=100)
    assert len(split_commit(commit, RepoType.DATASET, limits)) == 2
    assert len(split_commit(commit, RepoType.MODEL, limits)) == 1

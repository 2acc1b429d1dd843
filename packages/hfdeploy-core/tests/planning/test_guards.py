from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_core.model import CommitFiles, FileEntry, Plan, PutFile, RepoRef, RepoType, SetSecret
from hfdeploy_core.planning.guards import find_doubts, find_dropped


def plan(repo_type: RepoType, *paths: str) -> Plan:
    puts = tuple(PutFile(FileEntry(path, 1, "1" * 40, None), replaces=False) for path in paths)
    return Plan(RepoRef(repo_type, "alice", "app"), None, (CommitFiles(puts, (), "t"),))


@pytest.mark.parametrize("path", ["x.parquet", "a/b.arrow"])
def test_data_outside_of_a_dataset_is_doubtful(path: str) -> None:
    (told,) = find_doubts(plan(RepoType.MODEL, "a.py", path))
    assert path in told
    assert list(find_doubts(plan(RepoType.DATASET, path))) == []
    assert list(find_doubts(plan(RepoType.MODEL, "a.py"))) == []


def test_a_deploy_that_takes_several_commits_says_so() -> None:
    two = replace(plan(RepoType.MODEL, "a"), changes=(CommitFiles((), (), "t"),) * 2)
    (told,) = find_doubts(two)
    assert told == "This takes 2 commits, each of which readers will see, and needs --allow-partial."
    (told,) = find_doubts(replace(two, allows_partial=True))
    assert told == "This takes 2 commits, each of which readers will see."


def test_a_secret_that_may_be_there_already_is_said_to_be_sent_again() -> None:
    secrets = (SetSecret("NEW", replaces=False), SetSecret("OLD", replaces=True))
    (told,) = find_doubts(replace(plan(RepoType.SPACE), changes=secrets))
    assert told.startswith("The secret OLD is sent again")


def test_more_deletions_than_are_allowed_are_doubtful() -> None:
    gone = replace(plan(RepoType.MODEL), changes=(CommitFiles((), ("a", "b"), "t"),), most_deletions=1)
    (told,) = find_doubts(gone)
    assert told.endswith("more than the 1 allowed: deploying it needs --max-delete 2.")
    assert list(find_doubts(replace(gone, most_deletions=2))) == []


PATHS = st.sets(st.sampled_from(["a.log", "dist/a", "b/dist/c", "d"]))
LINES = st.lists(st.sampled_from(["*.log", "dist/", "/dist", "# comment", ""]))


@given(PATHS, LINES, LINES)
def test_more_lines_of_a_gitignore_drop_more(paths: set[str], lines: list[str], more: list[str]) -> None:
    def count(lines: list[str]) -> int:
        faults = list(find_dropped(paths, "\n".join(lines), is_deployed=True))
        return sum(path in fault.message for path in paths for fault in faults)

    assert count(lines) <= count(lines + more)


def test_many_that_are_dropped_are_counted() -> None:
    (fault,) = find_dropped([f"{number:02}.log" for number in range(12)], "*.log", is_deployed=False)
    assert fault.message.endswith("09.log and 2 more.")

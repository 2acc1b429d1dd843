from dataclasses import replace

import pytest

from hfdeploy_core.model import CommitFiles, CommitInfo, FileEntry, Plan, PutFile, RepoRef, RepoType
from hfdeploy_core.planning.digest import describe_commit, digest_plan, find_landed

ENTRY = FileEntry("app.py", 3, "1" * 40, "2" * 64, modified_ns=5)
COMMIT = CommitFiles((PutFile(ENTRY, replaces=False),), ("old.py",), "title")
PLAN = Plan(RepoRef(RepoType.SPACE, "alice", "app"), "a" * 40, (COMMIT,), unchanged_files=4)


def test_when_a_file_was_written_does_not_count() -> None:
    later = replace(COMMIT, puts=(PutFile(replace(ENTRY, modified_ns=6), replaces=False),))
    assert digest_plan(replace(PLAN, changes=(later,))) == digest_plan(PLAN)


@pytest.mark.parametrize(
    "other",
    [
        replace(PLAN, base=None),
        replace(PLAN, repo=replace(PLAN.repo, type=RepoType.MODEL)),
        replace(PLAN, changes=()),
        replace(PLAN, changes=(replace(COMMIT, deletions=()),)),
        replace(PLAN, changes=(replace(COMMIT, title="other"),)),
        replace(PLAN, changes=(replace(COMMIT, puts=(PutFile(replace(ENTRY, sha256="3" * 64), False),)),)),
    ],
)
def test_whatever_would_change_counts(other: Plan) -> None:
    assert digest_plan(other) != digest_plan(PLAN)


def commits(*messages: str) -> list[CommitInfo]:
    return [CommitInfo(str(len(messages) - i), "title", message) for i, message in enumerate(messages)]


OURS = describe_commit("words", "d1")


@pytest.mark.parametrize(
    ("history", "landed"),
    [
        (commits("base"), None),
        (commits("theirs", "base"), None),
        (commits(OURS, "base"), "2"),
        (commits("theirs", OURS, "base"), "2"),
        (commits(OURS, "theirs", "base"), None),
        (commits(describe_commit("", "d11"), "base"), None),
    ],
)
def test_our_commit_is_known_by_its_trailer_right_on_top_of_the_parent(history, landed) -> None:
    assert find_landed(history, parent="1", digest="d1") == landed


def test_the_trailer_stands_alone_where_there_is_no_description() -> None:
    assert describe_commit("", "d1") == "hfdeploy-digest: d1"
    assert OURS == "words\n\nhfdeploy-digest: d1"

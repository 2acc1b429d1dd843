from dataclasses import replace

import pytest

from hfdeploy_core.model import CommitFiles, FileEntry, Plan, PutFile, RepoRef, RepoType
from hfdeploy_core.planning.digest import digest_blobs, digest_content, digest_plan

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
        replace(PLAN, changes=(replace(COMMIT, puts=(PutFile(replace(ENTRY, blob_id="3" * 40), False),)),)),
    ],
)
def test_whatever_would_change_counts(other: Plan) -> None:
    assert digest_plan(other) != digest_plan(PLAN)


def test_the_same_content_agrees_whoever_named_it_and_in_any_order() -> None:
    other = replace(ENTRY, path="b.py", sha256=None, modified_ns=9)
    assert digest_content([ENTRY, other]) == digest_content([other, replace(ENTRY, sha256=None)])
    assert digest_content([ENTRY]) == digest_blobs([("app.py", "1" * 40)])
    assert digest_content([ENTRY]) != digest_content([replace(ENTRY, path="app.pyx")])
    assert digest_content([ENTRY]) != digest_content([replace(ENTRY, blob_id="3" * 40)])

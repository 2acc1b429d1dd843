from dataclasses import replace

import pytest

from hfdeploy_core.model import CommitInfo, FileEntry, Plan, Provenance, RemoteFile, RepoRef, RepoType
from hfdeploy_core.planning.digest import digest_content
from hfdeploy_core.planning.trailers import (
    describe_commit,
    find_landed,
    read_trailers,
    recall_files,
    suffices,
)

PLAN = Plan(RepoRef(RepoType.MODEL, "alice", "app"), "a" * 40, ())


def commits(*messages: str) -> list[CommitInfo]:
    return [CommitInfo(str(len(messages) - i), "title", message) for i, message in enumerate(messages)]


OURS = describe_commit("words", "d1", PLAN, Provenance())


@pytest.mark.parametrize(
    ("history", "landed"),
    [
        (commits("base"), None),
        (commits("theirs", "base"), None),
        (commits(OURS, "base"), "2"),
        (commits("theirs", OURS, "base"), "2"),
        (commits(OURS, "theirs", "base"), None),
        (commits(describe_commit("", "d11", PLAN, Provenance()), "base"), None),
    ],
)
def test_our_commit_is_known_by_its_trailer_right_on_top_of_the_parent(history, landed) -> None:
    assert find_landed(history, parent="1", digest="d1") == landed


def test_the_trailers_stand_alone_where_there_is_no_description() -> None:
    assert describe_commit("", "d1", PLAN, Provenance()) == "hfdeploy-digest: d1"
    assert OURS == "words\n\nhfdeploy-digest: d1"


def test_what_is_written_down_can_be_read() -> None:
    plan = replace(PLAN, content="c1", is_exact=True)
    told = describe_commit(
        "words", "d1", plan, Provenance("https://git.test/a", "e" * 40, "https://ci.test/1")
    )
    assert read_trailers(told) == {
        "hfdeploy-source": "https://git.test/a",
        "hfdeploy-commit": "e" * 40,
        "hfdeploy-run": "https://ci.test/1",
        "hfdeploy-content": "c1",
        "hfdeploy-exact": "yes",
        "hfdeploy-digest": "d1",
    }


def test_only_the_last_paragraph_holds_trailers() -> None:
    assert read_trailers("hfdeploy-digest: d1\n\nwords that somebody added") == {}
    assert read_trailers("") == {}


A, B = FileEntry("a", 1, "1" * 40, None), FileEntry("b/c", 2, "2" * 40, None)


def deployed(*entries: FileEntry, exact: bool = False) -> CommitInfo:
    plan = replace(PLAN, content=digest_content(entries), is_exact=exact)
    return CommitInfo("f" * 40, "t", describe_commit("", "d1", plan, Provenance()))


def test_an_unchanged_source_is_known_from_the_head_alone() -> None:
    files = recall_files(deployed(A, B), [B, A], {})
    assert files is not None
    assert set(files) == {RemoteFile("a", 1, "1" * 40), RemoteFile("b/c", 2, "2" * 40)}


def test_what_was_deployed_is_known_from_the_commit_it_came_from() -> None:
    changed = replace(A, blob_id="9" * 40)
    earlier = {"a": A.blob_id, "b/c": B.blob_id}
    files = recall_files(deployed(A, B), [changed, B], earlier)
    assert files is not None
    assert {file.path: file.blob_id for file in files} == earlier
    assert recall_files(deployed(A, B), [changed, B], {"a": A.blob_id}) is None
    assert recall_files(deployed(A, B), [changed, B], {}) is None


def test_a_commit_of_somebody_else_tells_nothing() -> None:
    assert recall_files(CommitInfo("f" * 40, "t", "words"), [A], {"a": A.blob_id}) is None


@pytest.mark.parametrize(
    ("exact", "mirror", "paths", "enough"),
    [
        (True, True, ["a", "new"], True),
        (True, False, ["a", "new"], True),
        (False, False, ["a"], True),
        (False, False, ["a", "new"], False),
        (False, True, ["a"], False),
    ],
)
def test_files_that_others_may_have_added_matter_to_a_mirror_and_to_new_paths(
    exact: bool, mirror: bool, paths: list[str], enough: bool
) -> None:
    known = [RemoteFile("a", 1, "1" * 40)]
    assert suffices(deployed(A, exact=exact), known, paths, mirror=mirror) is enough

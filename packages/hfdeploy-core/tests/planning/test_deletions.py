from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_core.errors import DeletionRefused, SettingInvalid
from hfdeploy_core.model import (
    FileEntry,
    MaxDelete,
    Plan,
    Remote,
    RemoteFile,
    RepoInfo,
    RepoRef,
    RepoType,
    Snapshot,
    Target,
    Visibility,
)
from hfdeploy_core.planning.deletions import check_deletions, decide_most, parse_max_delete
from hfdeploy_core.planning.deploy import plan_deploy

REPO = RepoRef(RepoType.MODEL, "alice", "m")
INFO = RepoInfo(REPO, "https://hub.test/m", "a" * 40, Visibility.PRIVATE)
PATHS = st.sets(st.sampled_from(["a", "b.log", "c/d", "c/e.log", "c/f/g", "h"]), min_size=1)
GLOBS = st.lists(st.sampled_from(["*.log", "c/", "/a", "f/*", "h"]), unique=True)
DEFAULT = MaxDelete()
LIMITS = st.builds(MaxDelete, st.integers(0, 6), st.integers(0, 100))


def plan_mirror(source: set[str], held: set[str], keep: list[str], limit: MaxDelete = DEFAULT) -> Plan:
    entries = tuple(FileEntry(path, 1, "1" * 40, None) for path in source)
    files = tuple(RemoteFile(path, 1, "1" * 40) for path in held)
    target = Target(REPO, "title", mirror=True, max_delete=limit, keep=tuple(keep))
    return plan_deploy(target, Snapshot(Path("unused"), entries), Remote(INFO, files))


def is_allowed(plan: Plan) -> bool:
    try:
        check_deletions(plan)
    except DeletionRefused:
        return False
    return True


@pytest.mark.parametrize(
    ("asked", "limit"),
    [(None, MaxDelete(100, 50)), (7, MaxDelete(7, 0)), (" 0 ", MaxDelete(0, 0)), ("20%", MaxDelete(0, 20))],
)
def test_a_limit_is_a_number_or_a_percentage(asked: int | str | None, limit: MaxDelete) -> None:
    assert parse_max_delete(asked) == limit


@pytest.mark.parametrize("asked", ["", "-1", "x", "101%", "1.5", "5 %%", "9" * 10])
def test_a_limit_that_is_none_is_refused(asked: str) -> None:
    with pytest.raises(SettingInvalid, match="neither a number nor a percentage"):
        parse_max_delete(asked)


@pytest.mark.parametrize(("remote_files", "most"), [(0, 100), (150, 100), (200, 100), (202, 101), (999, 499)])
def test_half_or_a_hundred_files_may_go_whichever_is_more(remote_files: int, most: int) -> None:
    assert decide_most(MaxDelete(), remote_files) == most


def test_one_more_than_allowed_is_refused_with_the_number_to_allow() -> None:
    held = {f"f{number}" for number in range(102)}
    check_deletions(plan_mirror({"f0", "f1"}, held, []))
    with pytest.raises(
        DeletionRefused, match="deletes 101 files of model alice/m, more than the 100"
    ) as caught:
        check_deletions(plan_mirror({"f0"}, held, []))
    assert "--max-delete 101" in caught.value.remedy
    check_deletions(plan_mirror({"f0"}, held, [], MaxDelete(101, 0)))


@given(PATHS, PATHS, GLOBS, GLOBS, LIMITS, LIMITS)
def test_what_is_kept_only_takes_from_what_is_deleted_and_a_higher_limit_only_allows_more(
    source, held, keep, more, limit, other
) -> None:
    plan = plan_mirror(source, held, keep, limit)
    assert set(plan.deletions) <= set(plan_mirror(source, held, [], limit).deletions) <= held - source
    kept_more = plan_mirror(source, held, keep + more, limit)
    assert set(kept_more.deletions) <= set(plan.deletions)
    assert is_allowed(kept_more) >= is_allowed(plan)
    higher = MaxDelete(max(limit.files, other.files), max(limit.percent, other.percent))
    assert is_allowed(plan_mirror(source, held, keep, higher)) >= is_allowed(plan)


def test_what_is_kept_is_not_displaced_either() -> None:
    with pytest.raises(DeletionRefused, match="protects the remote file data/x") as caught:
        plan_mirror({"data"}, {"data/x"}, ["data/*"])
    assert "Rename" in caught.value.remedy
    assert plan_mirror({"data"}, {"data/x"}, []).deletions == ("data/x",)

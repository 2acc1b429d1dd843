from dataclasses import replace
from pathlib import Path

import pytest

from hfdeploy_core.errors import PlanStale, SettingInvalid
from hfdeploy_core.model import (
    CommitFiles,
    CommitInfo,
    CreateRepo,
    FileEntry,
    Gated,
    HeldSecret,
    HeldSettings,
    Plan,
    PutFile,
    Remote,
    RepoInfo,
    RepoRef,
    RepoType,
    SetHardware,
    SetSecret,
    SetVariable,
    SetVisibility,
    Snapshot,
    Variable,
    Visibility,
    Volume,
)
from hfdeploy_core.planning.digest import digest_content, digest_plan
from hfdeploy_core.planning.freshness import check_complete, find_settled, list_asked, renew_entries
from hfdeploy_core.planning.history import History, KnownSecret, Step

REPO = RepoRef(RepoType.SPACE, "alice", "app")
ENTRY = FileEntry("a", 1, "1" * 40, None, modified_ns=0)
BASE, HEAD = "b" * 40, "c" * 40
PLAN = Plan(
    REPO,
    BASE,
    (
        SetHardware("cpu-upgrade", "cpu-basic"),
        SetVariable("A", "2", "1"),
        SetSecret("S", replaces=True, updated_at="then"),
        CommitFiles((PutFile(ENTRY, False),), (), "title"),
        SetVisibility(Visibility.PUBLIC, Visibility.PRIVATE),
    ),
    content=digest_content([ENTRY]),
)
NEW = replace(PLAN, base=None, changes=(CreateRepo(None, None), *PLAN.changes[3:]))
INFO = RepoInfo(REPO, "", BASE, Visibility.PRIVATE, "docker", hardware="cpu-basic")
FOUND = Remote(INFO, (), variables=(Variable("A", "1"),), secrets=(HeldSecret("S", "then"),))


def commit(plan: Plan = PLAN, id: str = HEAD) -> CommitInfo:
    return CommitInfo(id, "title", f"hfdeploy-digest: {digest_plan(plan)}")


def begun(plan: Plan, *done: int) -> History:
    intended = (Step(REPO, digest_plan(plan), 0, False, plan.changes[0], None, ""),)
    steps = (Step(REPO, digest_plan(plan), n, True, plan.changes[n], None, "") for n in done)
    return History((*intended, *steps), (KnownSecret(REPO, "S", "mark", "now"),))


def moved(**facts) -> Remote:
    return replace(FOUND, info=replace(INFO, **facts))


def test_nothing_is_settled_of_a_fresh_plan() -> None:
    assert find_settled(PLAN, FOUND, (), History()) == frozenset()
    assert find_settled(NEW, None, (), History()) == frozenset()


def test_a_setting_that_is_what_it_shall_be_is_settled_and_another_is_refused() -> None:
    assert find_settled(PLAN, moved(hardware="cpu-upgrade"), (), History()) == {0}
    with pytest.raises(PlanStale, match="hardware of space alice/app"):
        find_settled(PLAN, moved(hardware="t4-small"), (), History())
    with pytest.raises(PlanStale, match="variable A of"):
        find_settled(PLAN, replace(FOUND, variables=()), (), History())
    for held in ((), (HeldSecret("S", "later"),)):
        with pytest.raises(PlanStale, match="secret S of"):
            find_settled(PLAN, replace(FOUND, secrets=held), (), History())


def test_a_setting_that_the_plan_leaves_has_to_be_what_it_found() -> None:
    held = HeldSettings(Visibility.PRIVATE, Gated.NONE, "cpu-basic", 60, (), (Variable("B", "1"),))
    plan = replace(PLAN, changes=PLAN.changes[3:4], held=held)
    found = replace(moved(sleep_seconds=60), variables=(Variable("B", "1"), Variable("C", "2")))
    assert find_settled(plan, found, (), History()) == frozenset()
    assert list_asked(plan) == (True, False)
    volume = Volume("model", "a/b", "/x")
    for name, other in (
        ("visibility", replace(found, info=replace(found.info, visibility=Visibility.PUBLIC))),
        ("gated setting", replace(found, info=replace(found.info, gated=Gated.AUTO))),
        ("hardware", replace(found, info=replace(found.info, hardware="t4-small"))),
        ("sleep time", replace(found, info=replace(found.info, sleep_seconds=61))),
        ("list of volumes", replace(found, info=replace(found.info, volumes=(volume,)))),
        ("variable B", replace(found, variables=())),
    ):
        with pytest.raises(PlanStale, match=f"The {name} of"):
            find_settled(plan, other, (), History())
    with_hardware = replace(plan, changes=(*plan.changes, PLAN.changes[0]))
    other_time = replace(found, info=replace(found.info, hardware="cpu-upgrade", sleep_seconds=None))
    assert find_settled(with_hardware, other_time, (), History()) == {1}


def test_a_head_of_our_own_is_the_commit_that_was_made() -> None:
    assert find_settled(PLAN, moved(head=HEAD), (commit(),), History()) == {3}
    theirs = CommitInfo("d" * 40, "theirs", "")
    for commits, head in (((theirs,), "d" * 40), ((theirs, commit()), "d" * 40)):
        with pytest.raises(PlanStale, match="committed to since"):
            find_settled(PLAN, moved(head=head), commits, History())


def test_of_several_commits_those_that_were_made_are_settled() -> None:
    part = PLAN.changes[3]
    plan = replace(PLAN, changes=(part, part, part), allows_partial=True)
    commits = (commit(plan), commit(plan, "d" * 40), CommitInfo(BASE, "", ""))
    assert find_settled(plan, moved(head=HEAD), commits, begun(plan, 0)) == {0, 1}


def test_a_repo_is_ours_if_we_meant_to_make_it_and_it_has_one_commit() -> None:
    initial = CommitInfo(HEAD, "initial commit", "")
    there = moved(head=HEAD)
    assert find_settled(NEW, there, (initial,), begun(NEW)) == {0}
    assert find_settled(NEW, there, (commit(NEW), initial), begun(NEW, 0)) == {0, 1}
    for commits, history in (((initial,), History()), ((initial, initial), begun(NEW))):
        with pytest.raises(PlanStale, match="created since"):
            find_settled(NEW, there, commits, history)
    with pytest.raises(PlanStale, match="gone since"):
        find_settled(PLAN, None, (), History())


def test_a_plan_that_was_killed_goes_on_whatever_its_settings_are() -> None:
    held = replace(moved(hardware="t4-small"), secrets=(HeldSecret("S", "now"),))
    assert find_settled(PLAN, held, (), begun(PLAN, 0)) == frozenset()
    assert find_settled(PLAN, held, (), begun(PLAN, 0, 2)) == {2}


def test_a_plan_that_was_carried_out_is_settled_until_somebody_changes_something() -> None:
    after = Remote(
        replace(INFO, head=HEAD, hardware="cpu-upgrade", visibility=Visibility.PUBLIC),
        (),
        variables=(Variable("A", "2"),),
        secrets=(HeldSecret("S", "now"),),
    )
    history = begun(PLAN, 0, 1, 2, 3, 4)
    assert find_settled(PLAN, after, (commit(),), history) == {0, 1, 2, 3, 4}
    with pytest.raises(PlanStale, match="secret S"):
        find_settled(PLAN, replace(after, secrets=(HeldSecret("S", "later"),)), (commit(),), history)


def test_the_source_has_to_hold_what_was_planned() -> None:
    again = replace(ENTRY, modified_ns=7, sha256="2" * 64)
    renewed = renew_entries(PLAN, Snapshot(Path("unused"), (again,)))
    assert renewed.puts[0].entry.modified_ns == 7
    with pytest.raises(PlanStale, match="source was changed"):
        renew_entries(PLAN, Snapshot(Path("unused"), (replace(ENTRY, path="b"),)))


def test_every_secret_of_the_plan_needs_its_value() -> None:
    check_complete(PLAN, {"S"})
    with pytest.raises(SettingInvalid, match="secret S, whose value is not given"):
        check_complete(PLAN, set())
    assert list_asked(PLAN) == (True, True)
    assert list_asked(NEW) == (False, False)

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hfdeploy_core.errors import (
    DeployError,
    HubFailed,
    HubUnreachable,
    PermissionRefused,
    RateLimited,
    TokenRejected,
)
from hfdeploy_core.testing import FakeClock
from hfdeploy_janitor.budget import Budget
from hfdeploy_janitor.errors import ClockSkewed, JournalUnusable, KeyMissing, PlanInvalid
from hfdeploy_janitor.journal import Journal
from hfdeploy_janitor.mark import Seal
from hfdeploy_janitor.model import Fate, Report
from hfdeploy_janitor.rules import Kind, Policy, Rule
from hfdeploy_janitor.sweep import apply_plan, make_plan, put_off, settle
from hfdeploy_janitor.testing import FakeHub

OLD = timedelta(hours=7)


@pytest.fixture
def journal(tmp_path: Path, hub: FakeHub) -> Journal:
    return Journal(tmp_path, hub.endpoint)


def sweep(hub: FakeHub, policy: Policy, journal: Journal) -> Report:
    plan = make_plan(hub, policy, hub.clock)
    return apply_plan(plan, hub, hub.clock, journal)


def fates(report: Report) -> list[str]:
    return [result.fate for result in report.results]


def test_a_plan_writes_nothing(hub: FakeHub, clock: FakeClock, policy: Policy) -> None:
    hub.add(Kind.MODEL, "test-1", age=OLD)
    plan = make_plan(hub, policy, clock)
    assert len(plan.targets) == 1
    assert hub.writes == []


def test_what_is_old_is_deleted_and_looked_at_before_and_after(
    hub: FakeHub, policy: Policy, journal: Journal
) -> None:
    hub.add(Kind.MODEL, "test-1", age=OLD)
    kept = hub.add(Kind.MODEL, "mine", age=OLD)
    report = sweep(hub, policy, journal)
    assert fates(report) == [Fate.DELETED]
    assert report.exit_code == 0
    assert list(hub.things.values()) == [kept]
    assert [method for method, _ in hub.requests[-3:]] == ["look", "delete", "look"]


@pytest.mark.parametrize("change", ["rename", "edit", "tag", "recreate", "copy"])
def test_what_changes_after_the_plan_is_spared(
    hub: FakeHub, clock: FakeClock, policy: Policy, journal: Journal, change: str
) -> None:
    thing = hub.add(Kind.MODEL, "test-1", age=OLD)
    plan = make_plan(hub, policy, clock)
    match change:
        case "rename":
            hub.move(thing, "test-2")
        case "edit":
            hub.edit(thing)
        case "tag":
            hub.tag(thing, "hfdeploy-keep")
        case "recreate":
            hub.remove(thing)
            hub.add(Kind.MODEL, "test-1", age=OLD)
        case "copy":
            hub.move(thing, "elsewhere")
            hub.add(Kind.MODEL, "test-1")
    report = apply_plan(plan, hub, clock, journal)
    assert fates(report) == [Fate.SPARED]
    assert report.exit_code == 0
    assert hub.writes == []


def test_what_somebody_else_deleted_is_gone(
    hub: FakeHub, clock: FakeClock, policy: Policy, journal: Journal
) -> None:
    thing = hub.add(Kind.MODEL, "test-1", age=OLD)
    plan = make_plan(hub, policy, clock)
    hub.remove(thing)
    assert fates(apply_plan(plan, hub, clock, journal)) == [Fate.GONE]


def test_deleted_by_another_janitor_in_between_is_gone(
    hub: FakeHub, policy: Policy, journal: Journal
) -> None:
    thing = hub.add(Kind.MODEL, "test-1", age=OLD)

    def adversary(method: str) -> None:
        if method == "delete":
            hub.remove(thing)

    hub.before = adversary
    report = sweep(hub, policy, journal)
    assert fates(report) == [Fate.GONE]
    assert report.exit_code == 0


LOST = HubUnreachable("The line is dead.")


@pytest.mark.parametrize(
    ("method", "error", "after_effect", "skip", "fate"),
    [
        ("look", PermissionRefused("No."), False, 0, Fate.FAILED),
        ("look", TokenRejected("No."), False, 0, Fate.FAILED),
        ("look", RateLimited("Wait."), False, 0, Fate.POSTPONED),
        ("delete", PermissionRefused("No."), False, 0, Fate.FAILED),
        ("delete", TokenRejected("No."), False, 0, Fate.FAILED),
        ("delete", RateLimited("Wait."), False, 0, Fate.POSTPONED),
        ("delete", LOST, False, 0, Fate.UNKNOWN),
        ("delete", LOST, True, 0, Fate.DELETED),
        ("delete", HubFailed("500"), True, 0, Fate.DELETED),
        ("look", TokenRejected("No."), False, 1, Fate.UNKNOWN),
        ("look", LOST, False, 1, Fate.UNKNOWN),
    ],
)
def test_every_fate_is_told_as_far_as_it_is_known(
    hub: FakeHub,
    policy: Policy,
    journal: Journal,
    method: str,
    error: DeployError,
    after_effect: bool,
    skip: int,
    fate: Fate,
) -> None:
    hub.add(Kind.MODEL, "test-1", age=OLD)
    hub.add(Kind.MODEL, "test-2", age=OLD)
    hub.fail(method, error, after_effect=after_effect, skip=skip)
    report = sweep(hub, policy, journal)
    assert fates(report) == [fate, Fate.DELETED]
    assert report.exit_code == (3 if fate in (Fate.FAILED, Fate.UNKNOWN) else 0)


def test_a_hub_that_only_says_that_it_deleted_is_not_believed(
    hub: FakeHub, policy: Policy, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add(Kind.MODEL, "test-1", age=OLD)
    monkeypatch.setattr(hub, "delete", lambda thing: True)
    assert fates(sweep(hub, policy, journal)) == [Fate.FAILED]


def test_over_the_maximum_nothing_is_deleted(hub: FakeHub, policy: Policy, journal: Journal) -> None:
    for number in range(3):
        hub.add(Kind.MODEL, f"test-{number}", age=OLD)
    report = sweep(hub, replace(policy, max_deletes=2), journal)
    assert report.exit_code == 5
    assert hub.writes == []


def test_an_incomplete_kind_is_left_and_the_exit_code_says_so(
    hub: FakeHub, policy: Policy, journal: Journal
) -> None:
    hub.add(Kind.DATASET, "test-1", age=OLD)
    hub.add(Kind.MODEL, "test-1", age=OLD)
    hub.fail("list_page", HubFailed("Broken."))
    report = sweep(hub, policy, journal)
    assert report.exit_code == 4
    assert [thing.kind for thing in hub.deleted] == [Kind.MODEL]


def test_skew_during_the_sweep_ends_it(
    hub: FakeHub, clock: FakeClock, policy: Policy, journal: Journal
) -> None:
    hub.add(Kind.MODEL, "test-1", age=OLD)
    hub.add(Kind.MODEL, "test-2", age=OLD)
    plan = make_plan(hub, policy, clock)
    hub.skew = timedelta(hours=-1)
    report = apply_plan(plan, hub, clock, journal)
    assert fates(report) == [Fate.POSTPONED, Fate.POSTPONED]
    assert report.exit_code == 3
    assert len(hub.requests) == 3 + 1
    with pytest.raises(ClockSkewed):
        make_plan(hub, policy, clock)


def test_a_spent_budget_postpones_and_the_next_sweep_goes_on(
    hub: FakeHub, clock: FakeClock, policy: Policy, journal: Journal
) -> None:
    hub.budget = Budget(clock, 3 + 3)
    for number in range(2):
        hub.add(Kind.MODEL, f"test-{number}", age=OLD)
    assert fates(sweep(hub, policy, journal)) == [Fate.DELETED, Fate.POSTPONED]
    clock.sleep(300)
    assert fates(sweep(hub, policy, journal)) == [Fate.DELETED]


def test_what_fails_every_time_starves_nobody(
    hub: FakeHub, clock: FakeClock, policy: Policy, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        hub.add(Kind.MODEL, f"test-{number}", age=timedelta(hours=20 - number))
    real = hub.delete

    def delete(thing):  # type: ignore[no-untyped-def]
        if thing.name in ("test-0", "test-1"):
            raise PermissionRefused("Never.")
        return real(thing)

    monkeypatch.setattr(hub, "delete", delete)
    for _ in range(4):
        hub.budget = Budget(clock, 3 + 3)
        sweep(hub, policy, journal)
    assert len(hub.things) == 2
    assert {thing.name for thing in hub.deleted} == {"test-2", "test-3"}


def test_it_stops_when_it_is_told_to(
    hub: FakeHub, clock: FakeClock, policy: Policy, journal: Journal
) -> None:
    for number in range(3):
        hub.add(Kind.MODEL, f"test-{number}", age=OLD)
    plan = make_plan(hub, policy, clock)
    report = apply_plan(plan, hub, clock, journal, should_stop=lambda: bool(hub.deleted))
    assert fates(report) == [Fate.DELETED, Fate.POSTPONED, Fate.POSTPONED]


def test_the_intent_is_on_the_disk_before_the_effect(hub: FakeHub, policy: Policy, journal: Journal) -> None:
    hub.add(Kind.MODEL, "test-1", age=OLD)
    seen: list[str] = []
    hub.before = lambda method: seen.append(journal.path.read_text()) if method == "delete" else None
    sweep(hub, policy, journal)
    assert '"event": "intent"' in seen[0]
    assert "deleted" not in seen[0]


class Killed(BaseException):
    pass


@pytest.mark.parametrize("effect", [True, False])
def test_a_kill_is_settled_by_the_next_sweep(
    hub: FakeHub,
    clock: FakeClock,
    policy: Policy,
    journal: Journal,
    effect: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub.add(Kind.MODEL, "test-1", age=OLD)
    real = hub.delete

    def kill(thing):  # type: ignore[no-untyped-def]
        if effect:
            real(thing)
        raise Killed

    monkeypatch.setattr(hub, "delete", kill)
    with pytest.raises(Killed):
        sweep(hub, policy, journal)
    monkeypatch.undo()
    again = Journal(journal.path.parent, hub.endpoint)
    assert len(again.find_unsettled()) == 1
    settle(hub, clock, again)
    assert again.find_unsettled() == ()
    assert ('"event": "deleted"' in journal.path.read_text()) is effect
    assert fates(sweep(hub, policy, again)) == ([] if effect else [Fate.DELETED])


def test_a_plan_for_another_hub_is_refused(
    hub: FakeHub, clock: FakeClock, policy: Policy, journal: Journal
) -> None:
    hub.add(Kind.MODEL, "test-1", age=OLD)
    plan = make_plan(hub, policy, clock)
    hub.endpoint = "https://other.test"
    with pytest.raises(PlanInvalid, match=r"other\.test"):
        apply_plan(plan, hub, clock, journal)


def test_without_a_journal_nothing_is_deleted(
    hub: FakeHub, clock: FakeClock, policy: Policy, tmp_path: Path
) -> None:
    hub.add(Kind.MODEL, "test-1", age=OLD)
    (tmp_path / "file").write_text("")
    plan = make_plan(hub, policy, clock)
    with pytest.raises(JournalUnusable):
        apply_plan(plan, hub, clock, Journal(tmp_path / "file", hub.endpoint))
    assert hub.writes == []


def test_rules_that_ask_for_marks_need_a_key(hub: FakeHub, clock: FakeClock, seal: Seal) -> None:
    policy = Policy((Rule("alice", "test-", 21600.0, marked=True),))
    with pytest.raises(KeyMissing):
        make_plan(hub, policy, clock)
    assert hub.requests == []
    assert make_plan(hub, policy, clock, seal).targets == ()


def test_what_was_hidden_and_could_not_be_renamed_is_told(
    hub: FakeHub, policy: Policy, journal: Journal
) -> None:
    hub.add(Kind.MODEL, "test-1", age=OLD)
    hub.fail("rename", PermissionRefused("Not you."))
    (result,) = sweep(hub, replace(policy, quarantine_seconds=60.0), journal).results
    assert (result.fate, result.words) == (Fate.FAILED, "Not you. It is private now.")


def test_what_was_tried_before_waits(hub: FakeHub, clock: FakeClock, policy: Policy) -> None:
    things = [hub.add(Kind.MODEL, f"test-{number}", age=timedelta(hours=20 - number)) for number in range(3)]
    plan = make_plan(hub, policy, clock)
    from collections import Counter

    order = put_off(plan.targets, Counter({things[0].id: 2, things[1].id: 1}))
    assert [target.thing.name for target in order] == ["test-2", "test-1", "test-0"]

"""The invariants can fail: each way of breaking the janitor is caught by the histories."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from hfdeploy_janitor import decide, listing, sweep
from hfdeploy_janitor.budget import Budget
from hfdeploy_janitor.journal import Journal
from hfdeploy_janitor.model import Delete, Fate, Report, Target, Thing
from hfdeploy_janitor.rules import REPO_KINDS, Kind, Policy, Rule

from .machine import NAMES, Histories

Patch = pytest.MonkeyPatch
Things = Sequence[tuple[Kind, str, float]]
REAL = {
    name: getattr(module, name)
    for module, names in (
        (decide, ("decide", "find_doubt")),
        (sweep, ("list_all", "put_off", "_delete")),
    )
    for name in names
}


def ignore_the_delimiter(patch: Patch) -> None:
    def covers(self: Rule, kind: Kind, namespace: str, name: str) -> bool:
        return namespace == self.namespace and kind in self.kinds and name.startswith(self.prefix)

    patch.setattr(Rule, "covers", covers)


def write_in_a_dry_run(patch: Patch) -> None:
    def list_all(hub: Any, *others: Any) -> Any:
        found = REAL["list_all"](hub, *others)
        for thing in (thing for kind in found for thing in kind.things):
            hub.delete(thing)
        return found

    patch.setattr(sweep, "list_all", list_all)


def believe_every_time(patch: Patch) -> None:
    def find_doubt(thing: Thing, now: datetime) -> str | None:
        doubt: str | None = REAL["find_doubt"](thing, now)
        return None if doubt and "contradict" in doubt else doubt

    patch.setattr(decide, "find_doubt", find_doubt)


def ignore_marks(patch: Patch) -> None:
    patch.setattr(decide, "verify", lambda thing, seal: decide.NO_MARK)


def believe_every_mark(patch: Patch) -> None:
    patch.setattr(decide, "verify", lambda thing, seal: decide.read_mark(thing.name) or decide.NO_MARK)


def ignore_protection(patch: Patch) -> None:
    patch.setattr(decide, "find_guard", lambda thing, policy: None)


def delete_from_incomplete_listings(patch: Patch) -> None:
    def list_all(*asked: Any) -> Any:
        return tuple(replace(found, failure=None) for found in REAL["list_all"](*asked))

    patch.setattr(sweep, "list_all", list_all)


def ignore_the_maximum(patch: Patch) -> None:
    patch.setattr(decide, "find_excess", lambda targets, listed, policy: None)


def delete_the_first_few_over_the_maximum(patch: Patch) -> None:
    real = decide.plan_sweep

    def plan_sweep(listings: Any, policy: Policy, now: datetime, **more: Any) -> Any:
        plan = real(listings, policy, now, **more)
        return replace(plan, targets=plan.targets[: policy.max_deletes], refusal=None)

    patch.setattr(sweep, "plan_sweep", plan_sweep)


def ignore_changes(patch: Patch) -> None:
    patch.setattr(sweep, "find_change", lambda planned, found: None)


def ignore_what_speaks_for_it_now(patch: Patch) -> None:
    patch.setattr(sweep, "decide", lambda thing, policy, now, seal: Delete("", 0))


def ignore_skew(patch: Patch) -> None:
    for module in (sweep, listing):
        patch.setattr(module, "find_skew", lambda now, told: None)


def forget_the_intent(patch: Patch) -> None:
    patch.setattr(Journal, "write_intent", lambda self, *fields: None)


def call_everything_deleted(patch: Patch) -> None:
    def delete(target: Target, hub: Any) -> Any:
        return replace(REAL["_delete"](target, hub), fate=Fate.DELETED)

    patch.setattr(sweep, "_delete", delete)


def take_a_refusal_for_an_absence(patch: Patch) -> None:
    def delete(target: Target, hub: Any) -> Any:
        result = REAL["_delete"](target, hub)
        return replace(result, fate=Fate.GONE) if result.fate is Fate.FAILED else result

    patch.setattr(sweep, "_delete", delete)


def never_try_again(patch: Patch) -> None:
    def put_off(targets: Sequence[Target], attempts: Counter[str]) -> Any:
        return REAL["put_off"]([target for target in targets if not attempts[target.thing.id]], attempts)

    patch.setattr(sweep, "put_off", put_off)


def fail_when_another_was_first(patch: Patch) -> None:
    def delete(target: Target, hub: Any) -> Any:
        result = REAL["_delete"](target, hub)
        return replace(result, fate=Fate.FAILED) if result.fate is Fate.GONE else result

    patch.setattr(sweep, "_delete", delete)


def always_end_well(patch: Patch) -> None:
    patch.setattr(Report, "exit_code", property(lambda self: 0))


def spend_without_counting(patch: Patch) -> None:
    patch.setattr(Budget, "take", lambda self: None)


def starve_the_second_rule(patch: Patch) -> None:
    def take_turns(targets: Any) -> Any:
        return tuple(target for target in targets if target.rule == 0)

    patch.setattr(decide, "take_turns", take_turns)


# For each of them a history in which it shows. `make fuzz` has hypothesis find one by itself.
RULE = Rule("alice", "test-", 21600.0)
POLICY = Policy((RULE,))
OLD = [(Kind.MODEL, "test-1", 30.0)]


def begin(history: Histories, things: Things = OLD, *, budget: int = 1000, **changes: Any) -> None:
    history.begin(replace(POLICY, **changes), budget, [*things], [])


def see_testing_kept(history: Histories) -> None:
    begin(history, [(Kind.MODEL, "testing", 30.0)], rules=(replace(RULE, prefix="test"),))
    history.a_calm_sweep()


def run_dry(history: Histories) -> None:
    begin(history, max_deletes=1)
    history.a_dry_run()


def see_a_mark_outlive_the_rule(history: Histories) -> None:
    begin(history, rules=(replace(RULE, ttl_seconds=7200.0),))
    history.a_test_creates_what_is_marked(Kind.MODEL, 6.1, 9.0, 0)
    history.a_calm_sweep()


def see_a_name_used_again(history: Histories) -> None:
    begin(history)
    history.a_test_creates_what_is_marked(Kind.MODEL, 30.0, 1.0, 20)
    history.a_calm_sweep()


def see_the_second_page_fail(history: Histories) -> None:
    begin(history, [(Kind.DATASET, f"test-{number}", 30.0) for number in (1, 2, 3)])
    history.a_sweep_while_the_hub_fails("list_page", "500", 1, False)


def see_two_janitors_over_the_maximum(history: Histories) -> None:
    begin(history, max_deletes=1)
    history.two_janitors_sweep_at_once(12)


def sweep_calmly(history: Histories) -> None:
    begin(history)
    history.a_calm_sweep()


def see_deletions_refused(history: Histories) -> None:
    begin(history)
    history.a_sweep_while_the_hub_fails("delete", "403", 0, False)
    history.a_calm_sweep()


def sweep_more_than_the_budget(history: Histories) -> None:
    begin(history, [(kind, name, 30.0) for kind in REPO_KINDS for name in NAMES[:5]], budget=40)
    history.a_calm_sweep()


def sweep_by_the_second_rule(history: Histories) -> None:
    begin(history, rules=(replace(RULE, prefix="test-k"), RULE))
    history.a_calm_sweep()


def see_an_id_contradict_its_time(history: Histories) -> None:
    begin(history)
    history.the_hub_tells_nonsense(0, "id")
    history.a_calm_sweep()


def see_a_name_protected(history: Histories) -> None:
    begin(history, [(Kind.MODEL, "test-keep-1", 30.0)], protect=("*keep*",))
    history.a_calm_sweep()


def see_an_edit_grow_old(history: Histories) -> None:
    begin(history)
    history.a_plan_waits_for_a_day("edit", 0, "mine", "pet")


def see_a_tag_since_the_plan(history: Histories) -> None:
    begin(history)
    history.a_plan_waits_for_a_day("tag", 0, "mine", "hfdeploy-keep")


def sweep_with_a_wrong_clock(history: Histories) -> None:
    begin(history)
    history.a_sweep_with_a_wrong_clock(120, True)


def be_second(history: Histories) -> None:
    begin(history)
    history.two_janitors_sweep_at_once(4)


SABOTAGES: dict[Callable[[Patch], None], Callable[[Histories], None]] = {
    ignore_the_delimiter: see_testing_kept,
    write_in_a_dry_run: run_dry,
    ignore_marks: see_a_mark_outlive_the_rule,
    believe_every_mark: see_a_name_used_again,
    delete_from_incomplete_listings: see_the_second_page_fail,
    ignore_the_maximum: run_dry,
    delete_the_first_few_over_the_maximum: see_two_janitors_over_the_maximum,
    forget_the_intent: sweep_calmly,
    never_try_again: see_deletions_refused,
    always_end_well: see_deletions_refused,
    spend_without_counting: sweep_more_than_the_budget,
    starve_the_second_rule: sweep_by_the_second_rule,
    believe_every_time: see_an_id_contradict_its_time,
    ignore_protection: see_a_name_protected,
    ignore_changes: see_an_edit_grow_old,
    ignore_what_speaks_for_it_now: see_a_tag_since_the_plan,
    ignore_skew: sweep_with_a_wrong_clock,
    call_everything_deleted: see_deletions_refused,
    take_a_refusal_for_an_absence: see_deletions_refused,
    fail_when_another_was_first: be_second,
}
# The witness reads the journal of a sweep that should have written to it.
CAUGHT = (AssertionError, FileNotFoundError)


def live(story: Callable[[Histories], None]) -> None:
    history = Histories()
    try:
        story(history)
        history.the_budget_held()
    finally:
        history.teardown()


@pytest.mark.parametrize("sabotage", SABOTAGES)
def test_every_sabotage_shows(sabotage: Callable[[Patch], None], monkeypatch: Patch) -> None:
    live(SABOTAGES[sabotage])
    sabotage(monkeypatch)
    with pytest.raises(CAUGHT):
        live(SABOTAGES[sabotage])


@pytest.mark.hunt
@pytest.mark.parametrize("sabotage", SABOTAGES)
def test_every_sabotage_is_found(sabotage: Callable[[Patch], None], monkeypatch: Patch) -> None:
    sabotage(monkeypatch)
    hunting = settings(
        max_examples=4000,
        stateful_step_count=15,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    with pytest.raises(CAUGHT):
        run_state_machine_as_test(Histories, settings=hunting)

"""The invariants can fail: each way of breaking the janitor is caught by the histories."""

import os
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
from hfdeploy_janitor.rules import Kind, Policy, Rule

from .machine import Histories

Patch = pytest.MonkeyPatch
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


QUICK: list[Callable[[Patch], None]] = [
    ignore_the_delimiter,
    write_in_a_dry_run,
    ignore_marks,
    believe_every_mark,
    delete_from_incomplete_listings,
    ignore_the_maximum,
    delete_the_first_few_over_the_maximum,
    forget_the_intent,
    never_try_again,
    always_end_well,
    spend_without_counting,
    starve_the_second_rule,
]
SLOW: list[Callable[[Patch], None]] = [
    believe_every_time,
    ignore_protection,
    ignore_changes,
    ignore_what_speaks_for_it_now,
    ignore_skew,
    call_everything_deleted,
    take_a_refusal_for_an_absence,
    fail_when_another_was_first,
]
SABOTAGES = [*QUICK, *(SLOW if "HFDEPLOY_HISTORIES" in os.environ else ())]


@pytest.mark.parametrize("sabotage", SABOTAGES)
def test_every_sabotage_is_caught(sabotage: Callable[[Patch], None], monkeypatch: Patch) -> None:
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
    # The witness reads the journal of a sweep that should have written to it.
    with pytest.raises((AssertionError, FileNotFoundError)):
        run_state_machine_as_test(Histories, settings=hunting)

"""The sweep, and the only room that deletes: list, decide, and carry out what was decided."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from hfdeploy_core import DeployError
from hfdeploy_core.clock import Clock
from hfdeploy_core.errors import HubFailed, HubUnreachable, RateLimited
from hfdeploy_janitor.decide import decide, find_change, find_skew, plan_sweep, take_turns
from hfdeploy_janitor.errors import BudgetSpent, ClockSkewed, KeyMissing, PlanInvalid
from hfdeploy_janitor.journal import Journal
from hfdeploy_janitor.listing import list_all
from hfdeploy_janitor.mark import Refusal, Seal, verify
from hfdeploy_janitor.model import Fate, Keep, Plan, Report, Result, Target, Thing
from hfdeploy_janitor.port import Hub, Sight
from hfdeploy_janitor.rules import Policy, check_policy

# To look, to delete, and to look again: a target that could not be followed to its end is not begun.
_REQUESTS_A_TARGET = 3
_SPENT = "The requests that this sweep may send are spent."

OnResult = Callable[[Result], None]
ShouldStop = Callable[[], bool]


def make_plan(hub: Hub, policy: Policy, clock: Clock, seal: Seal | None = None) -> Plan:
    """List everything that the policy speaks of and decide what to do. Changes nothing.

    Raises RuleInvalid, KeyMissing, ClockSkewed, TokenMissing or TokenRejected.
    """
    check_seal(check_policy(policy), seal)
    listings = list_all(hub, policy.rules, clock)
    return plan_sweep(listings, policy, clock.now(), endpoint=hub.endpoint, seal=seal)


def apply_plan(
    plan: Plan,
    hub: Hub,
    clock: Clock,
    journal: Journal,
    *,
    seal: Seal | None = None,
    on_result: OnResult = lambda result: None,
    should_stop: ShouldStop = lambda: False,
) -> Report:
    """Delete what the plan says, each target after another look at it. All of its fates are in the report.

    Raises RuleInvalid or KeyMissing, PlanInvalid for a plan that was made for another Hub, and
    JournalUnusable, all before anything is done.
    """
    check_seal(check_policy(plan.policy), seal)
    if plan.endpoint != hub.endpoint:
        raise PlanInvalid(f"The plan was made for {plan.endpoint}, and this is {hub.endpoint}.")
    if plan.refusal:
        return Report(plan, applied=True)
    journal.open()
    results = list[Result]()
    stopped: str | None = None
    targets = put_off(plan.targets, journal.count_attempts())
    for target in targets:
        if stopped is None and should_stop():
            stopped = "It was told to stop."
        if stopped is not None or hub.requests_left < _REQUESTS_A_TARGET:
            result = Result(target, Fate.POSTPONED, stopped or _SPENT)
        else:
            try:
                result = _handle(target, plan.policy, hub, clock, journal, seal)
            except BudgetSpent as error:
                result = Result(target, Fate.POSTPONED, error.message)
            except ClockSkewed as error:
                stopped = error.message
                result = Result(target, Fate.POSTPONED, stopped)
        results.append(result)
        on_result(result)
    return Report(plan, tuple(results), applied=True, stopped=stopped)


def check_seal(policy: Policy, seal: Seal | None) -> None:
    """Raises KeyMissing where a rule asks for marks that cannot be verified."""
    if seal is None and any(rule.marked for rule in policy.rules):
        raise KeyMissing("A rule asks for marks, and there is no key to verify them with.")


def settle(hub: Hub, clock: Clock, journal: Journal) -> None:
    """Find out what came of deletions that a kill interrupted, and write it down.

    Those that are still there need no more than that: the next plan sees them.
    """
    for intent in journal.find_unsettled():
        try:
            sight = hub.look(intent.thing)
        except DeployError:
            continue
        if _is_there(sight, intent.thing):
            journal.write_fate(intent.thing, Fate.FAILED, "it is still there", clock.now())
        else:
            journal.write_fate(intent.thing, Fate.DELETED, "found gone by the next sweep", clock.now())


def discard(thing: Thing, hub: Hub, seal: Seal) -> Result:
    """Delete what this very run made under a name of its own, however young it is. Raises an AccessError or a
    HubError where it cannot even be looked at.
    """
    target = Target(thing, "made by this run", 0)
    sight = hub.look(thing)
    if sight.moved_to is not None:
        return Result(target, Fate.FAILED, f"It was renamed to {sight.moved_to}.")
    if sight.thing is None:
        return Result(target, Fate.GONE)
    verdict = verify(sight.thing, seal)
    if isinstance(verdict, Refusal):
        return Result(target, Fate.FAILED, f"It {verdict.reason}.")
    return _delete(replace(target, thing=sight.thing), hub)


def put_off(targets: Sequence[Target], attempts: Counter[str]) -> tuple[Target, ...]:
    """The targets with those last that were tried before: what cannot be deleted starves nobody."""
    rounds = sorted({attempts[target.thing.id] for target in targets})
    return tuple(
        target
        for tried in rounds
        for target in take_turns(target for target in targets if attempts[target.thing.id] == tried)
    )


def _handle(
    target: Target, policy: Policy, hub: Hub, clock: Clock, journal: Journal, seal: Seal | None
) -> Result:
    try:
        sight = hub.look(target.thing)
    except BudgetSpent:
        raise
    except DeployError as error:
        return Result(target, Fate.FAILED, f"It could not be looked at: {error.message}")
    now = clock.now()
    if skew := find_skew(now, sight.date):
        raise ClockSkewed(skew)
    if sight.moved_to is not None:
        return Result(target, Fate.SPARED, f"It is called {sight.moved_to} now.")
    if sight.thing is None:
        return Result(target, Fate.GONE, "Somebody else had deleted it.")
    if change := find_change(target.thing, sight.thing):
        return Result(target, Fate.SPARED, _say(change))
    decision = decide(sight.thing, policy, now, seal)
    if isinstance(decision, Keep):
        return Result(target, Fate.SPARED, _say(decision.reason))
    journal.write_intent(target, now)
    result = _delete(target, hub)
    journal.write_fate(target.thing, result.fate, result.words, clock.now())
    return result


def _delete(target: Target, hub: Hub) -> Result:
    """Delete it and look whether it is gone: nothing else is called success."""
    lost: str | None = None
    was_there = True
    try:
        was_there = hub.delete(target.thing)
    except (RateLimited, BudgetSpent) as error:
        return Result(target, Fate.POSTPONED, error.message)
    except (HubUnreachable, HubFailed) as error:
        lost = error.message
    except DeployError as error:
        return Result(target, Fate.FAILED, error.message)
    try:
        sight = hub.look(target.thing)
    except DeployError as error:
        return Result(target, Fate.UNKNOWN, f"It could not be looked at afterwards: {error.message}")
    if _is_there(sight, target.thing):
        if lost is not None:
            return Result(target, Fate.UNKNOWN, f"It is still there, and the answer was lost: {lost}")
        return Result(target, Fate.FAILED, "The Hub said that it was deleted, and it is still there.")
    if was_there:
        return Result(target, Fate.DELETED)
    return Result(target, Fate.GONE, "Somebody else had deleted it.")


def _say(reason: str) -> str:
    return f"{reason[0].upper()}{reason[1:]}."


def _is_there(sight: Sight, thing: Thing) -> bool:
    """Whether the very thing may still exist: under its own name, or under one that it leads to."""
    return sight.moved_to is not None or (sight.thing is not None and sight.thing.id == thing.id)

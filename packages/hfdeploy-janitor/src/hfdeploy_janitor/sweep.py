"""The sweep, and the only room that deletes: list, decide, and carry out what was decided."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from hfdeploy_core import DeployError
from hfdeploy_core.clock import Clock
from hfdeploy_core.errors import HubFailed, HubRefused, HubUnreachable, RateLimited
from hfdeploy_janitor.decide import decide, find_change, find_skew, plan_sweep, take_turns
from hfdeploy_janitor.errors import BudgetSpent, ClockSkewed, KeyMissing, PlanInvalid, RuleInvalid
from hfdeploy_janitor.journal import Journal
from hfdeploy_janitor.listing import ShouldStop, list_all, never
from hfdeploy_janitor.mark import Refusal, Seal, verify
from hfdeploy_janitor.model import Fate, Keep, Plan, Quarantine, Report, Result, Target, Thing
from hfdeploy_janitor.port import Hub, Sight
from hfdeploy_janitor.rules import Kind, Policy, check_policy
from hfdeploy_janitor.trash import read_trash

# To look, to delete, and to look again, or to put away in three steps: what could not be followed to its end
# is not begun.
_REQUESTS_A_DELETION = 3
_REQUESTS_A_QUARANTINE = 6
_SPENT = "The requests that this sweep may send are spent."

OnResult = Callable[[Result], None]


def make_plan(
    hub: Hub, policy: Policy, clock: Clock, seal: Seal | None = None, *, should_stop: ShouldStop = never
) -> Plan:
    """List everything that the policy speaks of and decide what to do. Changes nothing.

    Raises RuleInvalid, KeyMissing, ClockSkewed, TokenMissing or TokenRejected.
    """
    check_seal(check_policy(policy), seal)
    listings = list_all(hub, policy.rules, clock, should_stop)
    return plan_sweep(listings, policy, clock.now(), endpoint=hub.endpoint, seal=seal)


def apply_plan(
    plan: Plan,
    hub: Hub,
    clock: Clock,
    journal: Journal,
    *,
    seal: Seal | None = None,
    on_result: OnResult = lambda result: None,
    should_stop: ShouldStop = never,
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
        needed = _REQUESTS_A_DELETION if target.trash_name is None else _REQUESTS_A_QUARANTINE
        if stopped is not None or hub.requests_left < needed:
            result = Result(target, Fate.POSTPONED, stopped or _SPENT)
        else:
            try:
                result = _handle(target, plan.policy, hub, clock, journal, seal)
            except (RateLimited, BudgetSpent) as error:
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
    """Find out what came of what a kill interrupted, and write it down.

    Those that are still there need no more than that: the next plan sees them.
    """
    for intent in journal.find_unsettled():
        thing = intent.thing if intent.trash_name is None else replace(intent.thing, name=intent.trash_name)
        try:
            sight = hub.look(thing)
        except DeployError:
            continue
        if intent.trash_name is not None and sight.thing is not None and sight.thing.id == thing.id:
            journal.write_fate(intent.thing, Fate.QUARANTINED, "found so by the next sweep", clock.now())
        elif intent.trash_name is not None or _is_there(sight, intent.thing):
            journal.write_fate(intent.thing, Fate.FAILED, "it is still as it was", clock.now())
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
    except (RateLimited, BudgetSpent):
        raise
    except DeployError as error:
        return Result(target, Fate.FAILED, f"It could not be looked at: {error.message}")
    now = clock.now()
    if skew := find_skew(now, sight.date):
        raise ClockSkewed(skew)
    if sight.moved_to is not None:
        return Result(target, Fate.SPARED, f"It is called {sight.moved_to} now.")
    if sight.thing is None:
        return Result(target, Fate.GONE, "It was not there any more.")
    if change := find_change(target.thing, sight.thing):
        return Result(target, Fate.SPARED, _say(change))
    decision = decide(sight.thing, policy, now, seal)
    if isinstance(decision, Keep):
        return Result(target, Fate.SPARED, _say(decision.reason))
    trash_name = decision.trash_name if isinstance(decision, Quarantine) else None
    if (trash_name is None) is not (target.trash_name is None):
        return Result(target, Fate.SPARED, "What is to be done with it is something else now.")
    journal.write_intent(target.thing, decision.reason, trash_name, now)
    result = _delete(target, hub) if trash_name is None else _put_away(target, trash_name, hub)
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
    return Result(target, Fate.GONE, "It was not there any more.")


def _say(reason: str) -> str:
    return f"{reason[0].upper()}{reason[1:]}."


def _put_away(target: Target, trash_name: str, hub: Hub) -> Result:
    """Pause it, hide it, rename it. Each step may have been done before, by a sweep that was interrupted."""
    thing = target.thing
    wrong = DeployError("The Hub said that it was renamed, and it is not.", "")
    try:
        if thing.kind is Kind.SPACE:
            with suppress(HubRefused):
                hub.pause(thing)
        if not thing.private:
            hub.set_private(thing, True)
        hub.rename(thing, trash_name)
    except (RateLimited, BudgetSpent) as error:
        return Result(target, Fate.POSTPONED, error.message)
    except DeployError as error:
        wrong = error
    try:
        sight = hub.look(replace(thing, name=trash_name))
        if sight.thing is not None and sight.thing.id == thing.id:
            return Result(target, Fate.QUARANTINED, f"It is called {trash_name} now.")
        sight = hub.look(thing)
    except DeployError as error:
        return Result(target, Fate.UNKNOWN, f"It could not be looked at afterwards: {error.message}")
    if sight.thing is None or sight.thing.id != thing.id:
        return Result(target, Fate.SPARED, "Somebody else renamed or deleted it meanwhile.")
    hidden = " It is private now." if sight.thing.private and not thing.private else ""
    return Result(target, Fate.FAILED, f"{wrong.message}{hidden}")


def restore(
    kind: Kind,
    namespace: str,
    name: str,
    hub: Hub,
    clock: Clock,
    journal: Journal,
    new_name: str | None = None,
) -> Result:
    """Bring back what is quarantined; `name` is its trash name, or what it was called before.

    Raises RuleInvalid where nobody knows what it was called, PlanInvalid where it is not in quarantine.
    """
    intent = journal.find_quarantine(kind, namespace, name)
    trash_name = (intent.trash_name if intent else None) or name
    back = new_name or (intent.thing.name if intent else None)
    found = hub.look(Thing(kind, namespace, trash_name, "", None, None)).thing
    if found is None and back is not None:
        # Perhaps it has its name already, and a kill came before the rest.
        found = hub.look(Thing(kind, namespace, back, "", None, None)).thing
    trash = read_trash(trash_name)
    if found is None or trash is None or trash.id != found.id:
        raise PlanInvalid(f"There is no {kind} {namespace}/{name} in quarantine.", "Check its name and type.")
    if back is None:
        raise RuleInvalid(f"Nobody here knows what {found} was called.", "Say it with --as.")
    journal.open()
    if found.name != back:
        hub.rename(found, back)
    restored = replace(found, name=back)
    was_public = intent is not None and intent.thing.private is False
    if was_public:
        hub.set_private(restored, False)
    if kind is Kind.SPACE:
        with suppress(HubRefused):
            hub.restart(restored)
    words = "It is public again." if was_public else "It is private."
    journal.write_fate(restored, Fate.RESTORED, words, clock.now())
    return Result(Target(restored, "restored", 0), Fate.RESTORED, words)


def _is_there(sight: Sight, thing: Thing) -> bool:
    """Whether the very thing may still exist: under its own name, or under one that it leads to."""
    return sight.moved_to is not None or (sight.thing is not None and sight.thing.id == thing.id)

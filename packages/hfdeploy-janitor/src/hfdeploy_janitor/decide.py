"""What becomes of each thing. Pure, and in doubt for keeping: every branch but the last one keeps."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter

from hfdeploy_janitor.mark import NO_MARK, SKEW_SECONDS, Mark, Refusal, Seal, read_mark, verify
from hfdeploy_janitor.model import Decision, Delete, Keep, Kept, Listing, Plan, Quarantine, Target, Thing
from hfdeploy_janitor.rules import REPO_KINDS, RUNNING_KINDS, Policy, find_protection, format_duration
from hfdeploy_janitor.trash import Trash, read_trash, write_trash

# Tags of a repo's card that speak to the janitor.
KEEP_TAG = "hfdeploy-keep"
EXPIRES_TAG = "hfdeploy-expires-"

# A database id begins with the second it was made in.
_OBJECT_ID = re.compile(r"[0-9a-f]{24}")
_ID_SLACK_SECONDS = 2

_UNCOVERED = Keep("no rule covers it")
_LISTED_TWICE = "the Hub listed it twice, or another one of its name"


def decide(thing: Thing, policy: Policy, now: datetime, seal: Seal | None = None) -> Decision:
    """Keep, delete or put away one thing.

    Where several rules, its mark and its tags speak of when it expires, the latest of them counts. Without a
    seal no mark can be verified: what looks like one still counts as a reason to keep.
    """
    covering = [
        number
        for number, rule in enumerate(policy.rules)
        if rule.covers(thing.kind, thing.namespace, thing.name)
    ]
    if not covering:
        return _UNCOVERED
    if thing.kind not in REPO_KINDS:
        return _decide_marked(thing, policy, covering, now, seal)
    if reason := find_guard(thing, policy) or find_doubt(thing, now):
        return Keep(reason)
    assert thing.created_at is not None
    assert thing.changed_at is not None
    if trash := read_trash(thing.name):
        return _decide_trash(thing, trash, covering[0], now)
    verdict = read_mark(thing.name) if seal is None else verify(thing, seal)
    if isinstance(verdict, Refusal) and verdict is not NO_MARK:
        return Keep(f"it {verdict.reason}")
    mark = verdict if isinstance(verdict, Mark) else None
    if (mark is None or seal is None) and any(policy.rules[number].marked for number in covering):
        return Keep("it carries no mark, which the rule asks for")
    expiries = [
        (thing.created_at + timedelta(seconds=policy.rules[number].ttl_seconds), number)
        for number in covering
    ]
    expires_at, rule = max(expiries, key=itemgetter(0))
    told = _read_tags(thing)
    if isinstance(told, Keep):
        return told
    expires_at = max([expires_at, *told, *([mark.expires_at] if mark else ())])
    if expires_at > now:
        return Keep(f"it expires at {_tell(expires_at)}")
    if reason := _find_unrest([thing.created_at, thing.changed_at], policy, now):
        return Keep(reason)
    by = f"marked by run {mark.run}" if mark and seal else f"its prefix is {policy.rules[rule].prefix}"
    reason = f"it expired at {_tell(expires_at)}; {by}"
    if policy.quarantine_seconds is None:
        return Delete(reason, rule)
    trash_name = write_trash(policy.rules[rule].prefix, thing.id, now, policy.quarantine_seconds)
    return Quarantine(reason, rule, trash_name)


def _decide_marked(
    thing: Thing, policy: Policy, covering: Sequence[int], now: datetime, seal: Seal | None
) -> Decision:
    """What is no repo goes by its mark: of some the mint is the one time that is known."""
    if reason := find_guard(thing, policy):
        return Keep(reason)
    known = list[datetime]()
    for what, moment in _name_times(thing):
        if moment is not None:
            if reason := _find_flaw(what, moment, now):
                return Keep(reason)
            known.append(moment)
    if seal is None:
        return Keep("there is no key to verify its mark with")
    verdict = verify(thing, seal)
    if isinstance(verdict, Refusal):
        return Keep(f"it {verdict.reason}")
    rule = max(covering, key=lambda number: policy.rules[number].ttl_seconds)
    ttl = timedelta(seconds=policy.rules[rule].ttl_seconds)
    expires_at = max(verdict.expires_at, verdict.minted_at + ttl)
    if expires_at > now:
        return Keep(f"it expires at {_tell(expires_at)}")
    if reason := _find_unrest([verdict.minted_at, *known], policy, now):
        return Keep(reason)
    return Delete(f"it expired at {_tell(expires_at)}; marked by run {verdict.run}", rule)


def _decide_trash(thing: Thing, trash: Trash, rule: int, now: datetime) -> Decision:
    """What was put away goes when its time is over, unless it was touched meanwhile."""
    if trash.id != thing.id:
        return Keep("its name is that of something else in quarantine")
    if thing.changed_at is None or thing.changed_at > trash.since:
        return Keep("it was changed while it was in quarantine")
    if trash.until > now:
        return Keep(f"it is in quarantine until {_tell(trash.until)}")
    return Delete(f"its quarantine ended at {_tell(trash.until)}", rule)


def find_guard(thing: Thing, policy: Policy) -> str | None:
    """What protects the thing, or the repo it lies in, as a reason, or None."""
    pattern = find_protection(policy, thing.namespace, thing.name)
    if pattern is None and thing.within is not None:
        pattern = find_protection(policy, thing.namespace, thing.within.rpartition("/")[2])
    if pattern is not None:
        return f"it is protected by {pattern!r}"
    if thing.tags is None:
        return "its tags are unknown, one of which may protect it"
    return f"it is tagged {KEEP_TAG}" if KEEP_TAG in thing.tags else None


def find_doubt(thing: Thing, now: datetime) -> str | None:
    """What is wrong with the thing's times and id, as a reason, or None."""
    for what, moment in _name_times(thing):
        if moment is None:
            return f"when it {what} is unknown"
        if reason := _find_flaw(what, moment, now):
            return reason
    assert thing.created_at is not None
    if not _OBJECT_ID.fullmatch(thing.id):
        return "its id is none that the Hub gives"
    if abs(int(thing.id[:8], 16) - thing.created_at.timestamp()) > _ID_SLACK_SECONDS:
        return "its id and the time of its creation contradict each other"
    return None


def find_change(planned: Thing, found: Thing) -> str | None:
    """How what is there now differs from what the plan saw, as a reason to keep it, or None."""
    if found.id != planned.id:
        return "it is another one of the same name"
    if (found.kind, found.scope, found.name) != (planned.kind, planned.scope, planned.name):
        return f"it is called {found.full_name} now"
    if (found.changed_at, found.version) != (planned.changed_at, planned.version):
        return "it was changed since the plan"
    if found.private != planned.private:
        return "who may see it was changed since the plan"
    if found.created_at != planned.created_at:
        return "the time of its creation is another one than in the plan"
    return None


def find_skew(now: datetime, told: datetime | None) -> str | None:
    """Why this machine's clock cannot be trusted, given the Hub's own, or None."""
    if told is None:
        return "The Hub does not tell the time, so that clocks cannot be compared."
    seconds = abs((now - told).total_seconds())
    if seconds > SKEW_SECONDS:
        return f"This machine's clock and the Hub's differ by {format_duration(seconds)}."
    return None


def plan_sweep(
    listings: Sequence[Listing], policy: Policy, now: datetime, *, endpoint: str, seal: Seal | None = None
) -> Plan:
    """All decisions together. In order: the oldest first within a rule, and rules take turns."""
    targets, kept = list[Target](), list[Kept]()
    twins = find_twins(listings)
    for listing in listings:
        for thing in listing.things:
            decision = decide(thing, policy, now, seal)
            if isinstance(decision, Keep):
                kept.append(Kept(thing, decision.reason))
            elif listing.failure is not None:
                kept.append(Kept(thing, "the listing is incomplete"))
            elif (thing.kind, thing.id) in twins or _name(thing) in twins:
                kept.append(Kept(thing, _LISTED_TWICE))
            else:
                trash_name = decision.trash_name if isinstance(decision, Quarantine) else None
                targets.append(Target(thing, decision.reason, decision.rule, trash_name))
    listed = sum(len(listing.things) for listing in listings)
    return Plan(
        endpoint=endpoint,
        made_at=now,
        policy=policy,
        targets=take_turns(targets),
        kept=tuple(sorted(kept, key=lambda found: _order(found.thing))),
        incomplete=tuple(sorted(f"{listing}: {listing.failure}" for listing in listings if listing.failure)),
        refusal=find_excess(len(targets), listed, policy),
    )


def find_twins(listings: Sequence[Listing]) -> set[tuple[str, ...]]:
    """Ids and names that were listed twice, each with its kind."""
    twins = set[tuple[str, ...]]()
    for kind in {listing.kind for listing in listings}:
        ids, names = set[str](), set[str]()
        for thing in (thing for listing in listings if listing.kind is kind for thing in listing.things):
            full_name = thing.full_name.lower()
            if thing.id in ids:
                twins.add((kind, thing.id))
            if full_name in names:
                twins.add(_name(thing))
            ids.add(thing.id)
            # A job that was run again bears its name, too: it is its id and its time that tell them apart.
            if kind not in RUNNING_KINDS:
                names.add(full_name)
    return twins


def find_excess(targets: int, listed: int, policy: Policy) -> str | None:
    """Why so many deletions are too many, or None."""
    if targets > policy.max_deletes:
        return f"{targets} deletions are more than the maximum of {policy.max_deletes}"
    if policy.max_percent is not None and targets * 100 > policy.max_percent * listed:
        return f"{targets} of {listed} are more than the maximum of {policy.max_percent:g} %"
    return None


def take_turns(targets: Iterable[Target]) -> tuple[Target, ...]:
    """Rule by rule one target each, so that a rule with many does not starve the others."""
    seen = Counter[int]()
    turns = list[tuple[int, int, Target]]()
    for target in sorted(targets, key=lambda found: _order(found.thing)):
        turns.append((seen[target.rule], target.rule, target))
        seen[target.rule] += 1
    return tuple(target for _, _, target in sorted(turns, key=lambda turn: turn[:2]))


def _find_flaw(what: str, moment: datetime, now: datetime) -> str | None:
    if moment.tzinfo is None:
        return f"when it {what} has no time zone"
    return f"it claims that it {what} in the future" if moment > now else None


def _find_unrest(moments: Sequence[datetime], policy: Policy, now: datetime) -> str | None:
    """Why it is too young, or was changed too lately, or None."""
    quiet_seconds = (now - max(moments)).total_seconds()
    if quiet_seconds >= policy.min_age_seconds:
        return None
    return (
        f"it was changed {format_duration(quiet_seconds)} ago, within the minimum age of"
        f" {format_duration(policy.min_age_seconds)}"
    )


def _name_times(thing: Thing) -> tuple[tuple[str, datetime | None], ...]:
    return ("was created", thing.created_at), ("was last changed", thing.changed_at)


def _read_tags(thing: Thing) -> list[datetime] | Keep:
    """The expiries that its tags tell."""
    told = list[datetime]()
    for tag in thing.tags or ():
        if tag.startswith(EXPIRES_TAG):
            try:
                moment = datetime.fromisoformat(tag.removeprefix(EXPIRES_TAG))
            except ValueError:
                return Keep(f"its tag {tag!r} cannot be understood")
            if moment.tzinfo is None:
                return Keep(f"its tag {tag!r} has no time zone")
            told.append(moment)
    return told


def _order(thing: Thing) -> tuple[datetime, str, str, str]:
    created_at = thing.created_at
    if created_at is None or created_at.tzinfo is None:
        created_at = datetime.max.replace(tzinfo=UTC)
    return created_at, thing.kind, thing.full_name, thing.id


def _name(thing: Thing) -> tuple[str, str, str]:
    return thing.kind, thing.scope.lower(), thing.name.lower()


def _tell(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"

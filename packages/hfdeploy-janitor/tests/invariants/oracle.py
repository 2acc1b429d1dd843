"""What may be deleted, said once more and differently: from what is true, not from what a name looks like."""

import re
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch

from hfdeploy_janitor.model import Thing
from hfdeploy_janitor.rules import Policy

from .worlds import Truth

_TRASH = re.compile(r"trash-([0-9a-f]{8})-([0-9a-f]{8})-([0-9a-f]{24})$")
_LOOKS_MARKED = re.compile(r"-[0-9a-f]{8}-[0-9a-f]{8}-[a-z2-7]{16}$")


def may_go(thing: Thing, policy: Policy, now: datetime, truth: Truth) -> bool:
    """Invariants 1, 3 and 8, and what makes a mark count. With a quarantine, whether it may be put away."""
    rules = [
        rule
        for rule in policy.rules
        if rule.namespace == thing.namespace
        and thing.kind in rule.kinds
        and re.fullmatch(
            re.escape(rule.prefix) + ("" if rule.prefix[-1] in "-_." else "[-_.]") + ".+", thing.name
        )
    ]
    created_at, changed_at = thing.created_at, thing.changed_at
    if not rules or thing.tags is None or created_at is None or changed_at is None:
        return False
    if (
        created_at.utcoffset() is None
        or changed_at.utcoffset() is None
        or now < created_at
        or now < changed_at
    ):
        return False
    if int(thing.id[:8], 16) != int(created_at.timestamp()):
        return False
    if "hfdeploy-keep" in thing.tags or any(
        fnmatch(name.lower(), pattern.lower())
        for pattern in policy.protect
        for name in (thing.name, thing.full_name)
    ):
        return False
    if match := _TRASH.search(thing.name):
        since, until = (datetime.fromtimestamp(int(text, 16), UTC) for text in match.groups()[:2])
        return match[3] == thing.id and changed_at <= since and until <= now
    ends = [created_at + timedelta(seconds=rule.ttl_seconds) for rule in rules]
    ends += [max(created_at, changed_at) + timedelta(seconds=policy.min_age_seconds)]
    for tag in thing.tags:
        if tag.startswith("hfdeploy-expires-"):
            if not tag.endswith("Z"):
                return False
            ends.append(datetime.fromisoformat(tag.removeprefix("hfdeploy-expires-")))
    minted = truth.minted.get(thing.name)
    if minted is not None and minted.kind is thing.kind and _is_near(created_at, minted.mark.minted_at):
        ends.append(minted.mark.expires_at)
    elif _LOOKS_MARKED.search(thing.name) or any(rule.marked for rule in rules):
        return False
    return all(end <= now for end in ends)


def _is_near(created_at: datetime, minted_at: datetime) -> bool:
    return timedelta(minutes=-1) <= created_at - minted_at <= timedelta(minutes=15)


def is_put_away(thing: Thing) -> bool:
    """Whether it is in quarantine, under a name that is its own."""
    match = _TRASH.search(thing.name)
    return match is not None and match[3] == thing.id and thing.private is True

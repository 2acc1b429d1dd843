"""The names of what is quarantined: until when, and whose id it is. Pure.

    hfdeploy-test-trash-<since>-<until>-<id>

The id is the thing's own, so that nothing else can be taken for it, whoever uses the name again.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hfdeploy_janitor.rules import delimit

_TRASH = re.compile(r".*trash-([0-9a-f]{8})-([0-9a-f]{8})-([0-9a-f]{24})")


@dataclass(frozen=True, slots=True)
class Trash:
    """What such a name says."""

    since: datetime
    until: datetime
    id: str


def write_trash(prefix: str, id: str, now: datetime, quarantine_seconds: float) -> str:
    """The name under which a thing is put away now."""
    until = now + timedelta(seconds=quarantine_seconds)
    return f"{delimit(prefix)}trash-{int(now.timestamp()):08x}-{int(until.timestamp()):08x}-{id}"


def read_trash(name: str) -> Trash | None:
    """What a name says; None where it is no such name."""
    match = _TRASH.fullmatch(name)
    if match is None:
        return None
    since, until = (datetime.fromtimestamp(int(text, 16), UTC) for text in match.groups()[:2])
    return Trash(since, until, match[3])

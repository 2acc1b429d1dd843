"""The values the janitor speaks in: frozen, comparable, without behaviour that touches the world."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from hfdeploy_janitor.rules import Kind, Policy


@dataclass(frozen=True, slots=True)
class Thing:
    """Something on the Hub, as it was when somebody looked.

    `id` is the Hub's own `_id`, which survives a rename and is another one after a re-creation. `version` is
    whatever changes when the content does (a repo's head). `None` stands for what the Hub did not tell, or
    what could not be understood. A branch lies `within` a repo (`models/me/repo`), and what is no repo has a
    `handle` by which the Hub's API calls it.
    """

    kind: Kind
    namespace: str
    name: str
    id: str
    created_at: datetime | None
    changed_at: datetime | None
    version: str | None = None
    tags: tuple[str, ...] | None = ()
    private: bool | None = None
    within: str | None = None
    handle: str | None = None

    @property
    def scope(self) -> str:
        """What its name is unique in."""
        return self.within or self.namespace

    @property
    def full_name(self) -> str:
        """`namespace/name`, as the Hub writes it."""
        return f"{self.scope}/{self.name}"

    def __str__(self) -> str:
        return f"{self.kind} {self.full_name}"


@dataclass(frozen=True, slots=True)
class Listing:
    """All things of one kind in one namespace; `failure` says why that is not all of them."""

    namespace: str
    kind: Kind
    things: tuple[Thing, ...]
    failure: str | None = None

    def __str__(self) -> str:
        return f"{self.kind}s of {self.namespace}"


@dataclass(frozen=True, slots=True)
class Keep:
    """Leave it, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete it, why, and which rule (its place in the policy) says so."""

    reason: str
    rule: int


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Put it away under that name, where it waits for its deletion; otherwise as `Delete`."""

    reason: str
    rule: int
    trash_name: str


Decision = Keep | Delete | Quarantine


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that a plan would delete, or put away under `trash_name`."""

    thing: Thing
    reason: str
    rule: int
    trash_name: str | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """One thing that a plan leaves, and why."""

    thing: Thing
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sweep would do, and all that it was decided by.

    `refusal` says why none of it may be done; `incomplete` names the listings that broke off, of which
    nothing is touched.
    """

    endpoint: str
    made_at: datetime
    policy: Policy
    targets: tuple[Target, ...]
    kept: tuple[Kept, ...] = ()
    incomplete: tuple[str, ...] = ()
    refusal: str | None = None

    @property
    def digest(self) -> str:
        """Names what is to be done: another target, another reason or another rule is another digest."""
        told: dict[str, Any] = {
            "endpoint": self.endpoint,
            "made_at": self.made_at.isoformat(),
            "refusal": self.refusal,
        }
        told["incomplete"] = self.incomplete
        told |= {"policy": asdict(self.policy), "targets": [asdict(target) for target in self.targets]}
        text = json.dumps(told, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


class Fate(StrEnum):
    """What became of a target."""

    DELETED = "deleted"
    """The Hub confirms that it is no more."""
    QUARANTINED = "quarantined"
    """It is put away: paused, private and renamed."""
    RESTORED = "restored"
    """It is back under its name."""
    GONE = "gone"
    """It was not there any more."""
    SPARED = "spared"
    """It is not what the plan saw any more, or is protected now."""
    POSTPONED = "postponed"
    """Not begun: left to the next sweep."""
    FAILED = "failed"
    """The Hub refused, or it is still there."""
    UNKNOWN = "unknown"
    """Nobody can tell."""


@dataclass(frozen=True, slots=True)
class Result:
    """A target, its fate, and a sentence about it."""

    target: Target
    fate: Fate
    words: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A plan and, if it was applied, what came of it. `stopped` says why a sweep ended before its time."""

    plan: Plan
    results: tuple[Result, ...] = ()
    applied: bool = False
    stopped: str | None = None

    def count(self, fate: Fate) -> int:
        """How many targets met that fate."""
        return sum(result.fate is fate for result in self.results)

    @property
    def exit_code(self) -> int:
        """0 clean, 3 something failed or is unknown, 4 a listing is incomplete, 5 over the maximum."""
        if self.stopped or self.count(Fate.FAILED) or self.count(Fate.UNKNOWN):
            return 3
        if self.plan.refusal:
            return 5
        return 4 if self.plan.incomplete else 0

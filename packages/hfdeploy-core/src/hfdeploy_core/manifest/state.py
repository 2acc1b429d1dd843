"""What runs over a manifest have left on the Hub, and who is at work on it.

It never holds a secret: of each one that was sent a digest, with a key that is made for this state alone.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from graphlib import CycleError, TopologicalSorter

from pydantic import TypeAdapter, ValidationError

from hfdeploy_core.errors import StateInvalid
from hfdeploy_core.model import RepoRef
from hfdeploy_core.planning.history import KnownSecret

VERSION = 1
# A run that died elsewhere keeps others away for so long.
LEASE_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Held:
    """A repo that a run has applied: the target's name, what it needs, and the commit that it was left at.

    Runs own what they made. Before a repo is made, it is written down without `hub_id` and `commit`.
    """

    target: str
    repo: RepoRef
    is_owned: bool
    needs: tuple[str, ...] = ()
    hub_id: str = ""
    commit: str = ""
    at: str = ""

    @property
    def is_unfinished(self) -> bool:
        """Whether it was about to be made, and nothing was heard of it since."""
        return not self.hub_id


@dataclass(frozen=True, slots=True)
class Lock:
    """Who is at work; where a run died that was not on this machine, nobody is once it is `until`."""

    holder: str
    host: str
    process: int
    until: datetime


@dataclass(frozen=True, slots=True)
class State:
    """All that is held, one entry a repo; what is known of secrets, and the key of their digests.

    `result` is what became of the latest run: "done" or "failed", which it is until it is done.
    """

    version: int = VERSION
    repos: tuple[Held, ...] = ()
    lock: Lock | None = field(default=None)
    result: str = ""
    key: str = field(default="", repr=False)
    secrets: tuple[KnownSecret, ...] = ()

    def find(self, repo: RepoRef) -> Held | None:
        """What is held of a repo."""
        return next((held for held in self.repos if held.repo == repo), None)

    def hold(self, held: Held) -> "State":
        """With this entry in the place of the repo's former one."""
        others = (each for each in self.repos if each.repo != held.repo)
        return replace(self, repos=(*others, held))

    def forget(self, repo: RepoRef) -> "State":
        """Without a repo."""
        return replace(
            self,
            repos=tuple(held for held in self.repos if held.repo != repo),
            secrets=tuple(secret for secret in self.secrets if secret.repo != repo),
        )

    def know(self, repo: RepoRef, secrets: Iterable[KnownSecret]) -> "State":
        """With these in the place of what was known of a repo's secrets."""
        others = (secret for secret in self.secrets if secret.repo != repo)
        return replace(self, secrets=(*others, *secrets))

    def list_known(self, target: str) -> tuple[KnownSecret, ...]:
        """What is known of the secrets of a target's repos."""
        repos = {held.repo for held in self.repos if held.target == target}
        return tuple(secret for secret in self.secrets if secret.repo in repos)


_STATE = TypeAdapter(State)


def write_state(state: State) -> str:
    """The state as text; the same state always as the same."""
    ordered = replace(
        state,
        repos=tuple(sorted(state.repos, key=lambda held: (held.target, str(held.repo)))),
        secrets=tuple(sorted(state.secrets, key=lambda secret: (str(secret.repo), secret.name))),
    )
    return json.dumps(_STATE.dump_python(ordered, mode="json"), indent=1, sort_keys=True) + "\n"


def read_state(text: str, place: str) -> State:
    """The state that a text describes; `place` is where it was found. Raises StateInvalid."""
    try:
        state = _STATE.validate_json(text)
    except ValidationError:
        raise StateInvalid(f"{place} holds no state of hfdeploy's.") from None
    if state.version != VERSION:
        raise StateInvalid(f"The state in {place} is of version {state.version}; only {VERSION} can be read.")
    return state


def is_locked(lock: Lock | None, now: datetime, *, is_gone: bool) -> bool:
    """Whether somebody is at work; `is_gone` says that the process is known to be none any more."""
    return lock is not None and not is_gone and now < lock.until


def make_lock(holder: str, host: str, process: int, now: datetime) -> Lock:
    """A lock from now on."""
    return Lock(holder, host, process, now + timedelta(seconds=LEASE_SECONDS))


def list_owned(state: State, names: Iterable[str]) -> tuple[Held, ...]:
    """What runs own of these targets and of all that need them; of all where none is named."""
    needs: dict[str, set[str]] = {}
    for held in state.repos:
        needs.setdefault(held.target, set()).update(held.needs)
    doomed = set(names) or set(needs)
    while grown := {name for name, needed in needs.items() if needed & doomed} - doomed:
        doomed |= grown
    return tuple(held for held in state.repos if held.is_owned and held.target in doomed)


def turn_around(entries: Iterable[Held]) -> Mapping[str, frozenset[str]]:
    """What has to go before each of these repos, by name: those that need it.

    Entries of different times may need each other: then no order is better than another.
    """
    known = {str(held.repo): held for held in entries}
    before = {
        name: frozenset(other for other, later in known.items() if held.target in later.needs)
        for name, held in known.items()
    }
    try:
        TopologicalSorter(before).prepare()
    except CycleError:
        return dict.fromkeys(known, frozenset())
    return before

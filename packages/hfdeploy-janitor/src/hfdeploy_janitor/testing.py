"""For tests of code that cleans up: a Hub in memory that others change meanwhile. Public, and kept stable."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hfdeploy_core.clock import Clock
from hfdeploy_core.errors import DeployError, HubRefused
from hfdeploy_janitor.budget import Budget
from hfdeploy_janitor.model import Thing
from hfdeploy_janitor.port import Page, Sight
from hfdeploy_janitor.rules import Kind

Key = tuple[Kind, str, str]


@dataclass
class _Fault:
    error: DeployError
    skip: int
    times: int
    after_effect: bool


@dataclass
class FakeHub:
    """The port in memory. `requests` lists the method and the name of all that was asked.

    `things` is what there is, by kind, namespace and name in lower case; change it through `add`, `move`,
    `edit`, `tag` and `remove`, as other users of a Hub do. `before` is called before each request is handled,
    with its method: for an adversary that acts in between. `skew` is how far the Hub's clock is ahead.
    """

    clock: Clock
    budget: Budget | None = None
    endpoint: str = "https://hub.test"
    page_size: int = 1000
    skew: timedelta = timedelta()
    before: Callable[[str], None] = lambda method: None
    things: dict[Key, Thing] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    deleted: list[Thing] = field(default_factory=list)
    paused: set[str] = field(default_factory=set)
    _moved: dict[Key, str] = field(default_factory=dict)
    _faults: dict[str, _Fault] = field(default_factory=dict)
    _made: int = 0

    def add(self, kind: Kind, name: str, *, namespace: str = "alice", age: timedelta = timedelta()) -> Thing:
        """Make a thing that is so old, as a user would have."""
        made_at = (self.clock.now() - age).replace(microsecond=0)
        self._made += 1
        identity = f"{int(made_at.timestamp()):08x}{self._made:016x}"
        thing = Thing(kind, namespace, name, identity, made_at, made_at, self._version(), private=False)
        self.put(thing)
        return thing

    def put(self, thing: Thing) -> None:
        """Have exactly this thing, whatever it says of itself."""
        self.things[_key(thing)] = thing
        self._moved.pop(_key(thing), None)

    def move(self, thing: Thing, name: str) -> Thing:
        """Its old name leads to the new one from now on."""
        del self.things[_key(thing)]
        renamed = replace(thing, name=name)
        self.put(renamed)
        self._moved[_key(thing)] = renamed.full_name
        return renamed

    def edit(self, thing: Thing) -> Thing:
        """A commit to it, now."""
        edited = replace(thing, changed_at=self.clock.now(), version=self._version())
        self.put(edited)
        return edited

    def tag(self, thing: Thing, *tags: str) -> Thing:
        """A tag in its card. No commit shows: to see that tags are looked at, not only heads."""
        tagged = replace(thing, tags=(*(thing.tags or ()), *tags))
        self.put(tagged)
        return tagged

    def remove(self, thing: Thing) -> None:
        del self.things[_key(thing)]

    def fail(
        self, method: str, error: DeployError, *, skip: int = 0, times: int = 1, after_effect: bool = False
    ) -> None:
        """Make calls of a method raise: `skip` pass, then `times` fail, before or after the effect."""
        self._faults[method] = _Fault(error, skip, times, after_effect)

    @property
    def writes(self) -> list[tuple[str, str]]:
        """The requests that change something."""
        return [request for request in self.requests if request[0] not in ("list_page", "look")]

    @property
    def requests_left(self) -> int:
        return self.budget.left if self.budget is not None else 1000

    def list_page(self, kind: Kind, namespace: str, cursor: str | None) -> Page:
        self._call("list_page", namespace)
        mine = [thing for thing in self.things.values() if (thing.kind, thing.namespace) == (kind, namespace)]
        start = int(cursor or 0)
        end = start + self.page_size
        page = tuple(mine[start:end])
        return Page(page, str(end) if end < len(mine) else None, self._date())

    def look(self, thing: Thing) -> Sight:
        self._call("look", thing.name)
        found = self.things.get(_key(thing))
        return Sight(found, self._date(), None if found else self._moved.get(_key(thing)))

    def delete(self, thing: Thing) -> bool:
        self._call("delete", thing.name)
        found = self.things.pop(_key(thing), None)
        if found is not None:
            self.deleted.append(found)
        self._fault("delete", after_effect=True)
        return found is not None

    def pause(self, space: Thing) -> None:
        self._call("pause", space.name)
        self.paused.add(self._find(space).id)

    def restart(self, space: Thing) -> None:
        self._call("restart", space.name)
        self.paused.discard(self._find(space).id)

    def set_private(self, thing: Thing, private: bool) -> None:
        self._call("set_private", thing.name)
        self.put(replace(self._find(thing), private=private))

    def rename(self, thing: Thing, name: str) -> None:
        self._call("rename", thing.name)
        found = self._find(thing)
        if (thing.kind, thing.namespace.lower(), name.lower()) in self.things:
            raise HubRefused(f"A {thing.kind} called {name} already exists.")
        self.move(found, name)
        self._fault("rename", after_effect=True)

    def _find(self, thing: Thing) -> Thing:
        if (found := self.things.get(_key(thing))) is None:
            raise HubRefused(f"There is no {thing}.")
        return found

    def _date(self) -> datetime:
        return (self.clock.now() + self.skew).replace(microsecond=0)

    def _version(self) -> str:
        self._made += 1
        return hashlib.sha256(str(self._made).encode()).hexdigest()[:40]

    def _call(self, method: str, name: str) -> None:
        if self.budget is not None:
            self.budget.take()
        self.requests.append((method, name))
        self.before(method)
        self._fault(method, after_effect=False)

    def _fault(self, method: str, *, after_effect: bool) -> None:
        fault = self._faults.get(method)
        if fault is None or fault.after_effect is not after_effect:
            return
        if fault.skip:
            fault.skip -= 1
        elif fault.times:
            fault.times -= 1
            raise fault.error


def _key(thing: Thing) -> Key:
    return thing.kind, thing.scope.lower(), thing.name.lower()

"""Two Hubs to sweep, the one in memory and the local one, with everything that others do to them meanwhile.

A world tells the truth about itself: what is there now, whatever the janitor believes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from huggingface_hub import HfApi

from hfdeploy_core.errors import (
    DeployError,
    HubFailed,
    HubUnreachable,
    PermissionRefused,
    RateLimited,
    TokenRejected,
)
from hfdeploy_core.testing import FakeClock
from hfdeploy_janitor.budget import Budget
from hfdeploy_janitor.client import _read_repo
from hfdeploy_janitor.errors import BudgetSpent
from hfdeploy_janitor.mark import Mark, Seal, write_mark
from hfdeploy_janitor.model import Thing
from hfdeploy_janitor.port import Hub, Page, Sight
from hfdeploy_janitor.rules import Kind
from hfdeploy_janitor.testing import FakeHub
from hfdeploy_localhub import LocalHub, User
from hfdeploy_localhub.api.describe import describe_repo
from hfdeploy_localhub.store.repos import Listing

KEY = b"a key for tests"
ERRORS: dict[str, DeployError] = {
    "401": TokenRejected("401"),
    "403": PermissionRefused("403"),
    "429": RateLimited("429"),
    "500": HubFailed("500"),
    "lost": HubUnreachable("lost"),
}
# For each of them the same on the local hub, before the effect and after it.
_RULES = {
    "401": "status=401",
    "403": "status=403",
    "429": "status=429",
    "500": "status=500",
    "lost": "reset=before",
}
_ROUTES = {"list_page": "GET /api/*", "look": "GET /api/*/*/*", "delete": "DELETE **"}
_ROUTES |= {"rename": "POST /api/repos/move", "set_private": "PUT **"}


class Killed(BaseException):
    """The janitor's process ends here."""


class World(Protocol):
    """A Hub with a namespace in it, and what its users do."""

    clock: FakeClock
    namespace: str

    @property
    def endpoint(self) -> str: ...
    def connect(self, budget: Budget) -> Hub: ...
    def things(self) -> dict[str, Thing]: ...
    def add(self, kind: Kind, name: str, age: timedelta) -> None: ...
    def rename(self, thing: Thing, name: str) -> None: ...
    def edit(self, thing: Thing) -> None: ...
    def tag(self, thing: Thing, tag: str) -> None: ...
    def duplicate(self, thing: Thing, name: str) -> None: ...
    def remove(self, thing: Thing) -> None: ...
    def fail(self, method: str, error: str, *, skip: int, after_effect: bool) -> None: ...
    def calm(self) -> None: ...


class FakeWorld:
    """Over the Hub in memory: where times can be missing, naive or in the future, too."""

    namespace = "alice"

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.hub = FakeHub(self.clock, page_size=2)

    @property
    def endpoint(self) -> str:
        return self.hub.endpoint

    def connect(self, budget: Budget) -> Hub:
        self.hub.budget = budget
        return self.hub

    def things(self) -> dict[str, Thing]:
        return {thing.id: thing for thing in self.hub.things.values()}

    def add(self, kind: Kind, name: str, age: timedelta) -> None:
        if self._is_free(kind, name):
            self.hub.add(kind, name, namespace=self.namespace, age=age)

    def distort(self, thing: Thing, **changes: Any) -> None:
        self.hub.put(replace(thing, **changes))

    def rename(self, thing: Thing, name: str) -> None:
        if self._is_free(thing.kind, name):
            self.hub.move(thing, name)

    def edit(self, thing: Thing) -> None:
        self.hub.edit(thing)

    def tag(self, thing: Thing, tag: str) -> None:
        self.hub.tag(thing, tag)

    def duplicate(self, thing: Thing, name: str) -> None:
        if self._is_free(thing.kind, name):
            copy = self.hub.add(thing.kind, name, namespace=self.namespace)
            self.hub.put(replace(copy, tags=thing.tags))

    def remove(self, thing: Thing) -> None:
        self.hub.remove(thing)

    def fail(self, method: str, error: str, *, skip: int, after_effect: bool) -> None:
        self.hub.fail(method, ERRORS[error], skip=skip, times=2, after_effect=after_effect)

    def calm(self) -> None:
        self.hub._faults.clear()

    def _is_free(self, kind: Kind, name: str) -> bool:
        return (kind, self.namespace, name.lower()) not in self.hub.things


class LocalWorld:
    """Over the local hub, through the adapter; others come through the stock client."""

    def __init__(self, local: LocalHub, clock: FakeClock, number: int) -> None:
        self.clock = clock
        self.namespace = f"user{number}"
        self._local = local
        self._token = local.add_user(User(self.namespace))
        self._api = HfApi(endpoint=local.endpoint, token=self._token)

    @property
    def endpoint(self) -> str:
        return self._local.endpoint

    def connect(self, budget: Budget) -> Hub:
        from hfdeploy_janitor.client import HubClient

        return HubClient(self.clock, budget, endpoint=self.endpoint, token=self._token)

    def things(self) -> dict[str, Thing]:
        """From the hub's own store, so that neither faults nor the request log come into it."""
        hub = self._local._hub
        found = {}
        for repo in hub.store.repos.page(Listing(namespace=self.namespace)):
            facts = describe_repo(hub, repo, expand=["createdAt", "lastModified", "tags", "sha", "private"])
            thing = _read_repo(Kind(repo.type), facts)
            assert thing is not None
            found[thing.id] = thing
        return found

    def add(self, kind: Kind, name: str, age: timedelta) -> None:
        if self._is_free(kind, name):
            now = self.clock.start
            self.clock.start = now - age
            sdk = "static" if kind is Kind.SPACE else None
            self._api.create_repo(f"{self.namespace}/{name}", repo_type=kind, space_sdk=sdk)
            self.clock.start = now

    def rename(self, thing: Thing, name: str) -> None:
        if self._is_free(thing.kind, name):
            self._api.move_repo(thing.full_name, f"{self.namespace}/{name}", repo_type=thing.kind)

    def edit(self, thing: Thing) -> None:
        self._upload(thing, "file.txt", str(self.clock.now()).encode())

    def tag(self, thing: Thing, tag: str) -> None:
        tags = [told for told in thing.tags or () if told.startswith("hfdeploy-")]
        self._upload(thing, "README.md", f"---\nsdk: static\ntags: {[*tags, tag]}\n---\n".encode())

    def duplicate(self, thing: Thing, name: str) -> None:
        if self._is_free(thing.kind, name):
            self._api.duplicate_repo(thing.full_name, f"{self.namespace}/{name}", repo_type=thing.kind)

    def remove(self, thing: Thing) -> None:
        self._api.delete_repo(thing.full_name, repo_type=thing.kind)

    def fail(self, method: str, error: str, *, skip: int, after_effect: bool) -> None:
        fault = "reset=after" if after_effect else _RULES[error]
        # The adapter asks again where it reads: a fault that is to be seen has to outlast that.
        self._local.faults.add(f"{_ROUTES[method]} {fault} skip={skip} count=4")

    def calm(self) -> None:
        self._local.faults.clear()

    def _upload(self, thing: Thing, path: str, content: bytes) -> None:
        self._api.upload_file(
            path_or_fileobj=content, path_in_repo=path, repo_id=thing.full_name, repo_type=thing.kind
        )

    def _is_free(self, kind: Kind, name: str) -> bool:
        return self._local._hub.store.repos.find(kind.value, self.namespace, name) is None


@dataclass
class Minted:
    """What a name was minted for, as its minter remembers it."""

    kind: Kind
    mark: Mark


@dataclass
class Truth:
    """What is known without the janitor: which names were minted, and for what."""

    world: World
    minted: dict[str, Minted] = field(default_factory=dict)

    @property
    def seal(self) -> Seal:
        return Seal(self.world.endpoint, KEY)

    def mint(self, kind: Kind, age: timedelta, ttl: timedelta, number: int) -> str:
        at = (self.world.clock.now() - age).replace(microsecond=0)
        mark = Mark(f"run.{number}", at, at + ttl)
        name = write_mark(self.seal, kind, self.world.namespace, "test-", mark)
        self.minted[name] = Minted(kind, mark)
        return name


@dataclass
class Witness:
    """The port, watched: what each deletion took away, and who acts in between.

    `before` is called with the method and the number of the request.
    """

    world: World
    inner: Hub
    before: Callable[[str, int], None] = lambda method, number: None
    after: Callable[[str, int], None] = lambda method, number: None
    on_delete: Callable[[Thing], None] = lambda thing: None
    asked: list[str] = field(default_factory=list)
    sent_seconds: list[float] = field(default_factory=list)
    taken: list[tuple[Thing, Thing, datetime]] = field(default_factory=list)
    put_away: list[tuple[Thing, datetime]] = field(default_factory=list)
    refused: list[tuple[str, DeployError]] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        return self.inner.endpoint

    @property
    def requests_left(self) -> int:
        return self.inner.requests_left

    @property
    def writes(self) -> int:
        return sum(method not in ("list_page", "look") for method in self.asked)

    def list_page(self, kind: Kind, namespace: str, cursor: str | None) -> Page:
        return self._call("list_page", lambda: self.inner.list_page(kind, namespace, cursor), str(kind))

    def look(self, thing: Thing) -> Sight:
        return self._call("look", lambda: self.inner.look(thing), thing.id)

    def delete(self, thing: Thing) -> bool:
        def delete() -> bool:
            self.on_delete(thing)
            there = self.world.things()
            try:
                return self.inner.delete(thing)
            finally:
                left = self.world.things()
                now = self.world.clock.now()
                self.taken += [(thing, there[id], now) for id in there.keys() - left.keys()]

        return self._call("delete", delete, thing.id)

    def pause(self, space: Thing) -> None:
        self._call("pause", lambda: self.inner.pause(space), space.id)

    def restart(self, space: Thing) -> None:
        self._call("restart", lambda: self.inner.restart(space), space.id)

    def set_private(self, thing: Thing, private: bool) -> None:
        self._call("set_private", lambda: self.inner.set_private(thing, private), thing.id)

    def rename(self, thing: Thing, name: str) -> None:
        def rename() -> None:
            self.on_delete(thing)
            there = self.world.things().get(thing.id)
            try:
                self.inner.rename(thing, name)
            finally:
                if there is not None and self.world.things()[thing.id].name != there.name:
                    self.put_away.append((there, self.world.clock.now()))

        self._call("rename", rename, thing.id)

    def _call(self, method: str, ask: Callable[[], Any], about: str) -> Any:
        number = len(self.asked)
        self.before(method, number)
        self.asked.append(method)
        self.sent_seconds.append(self.world.clock.seconds())
        try:
            answer = ask()
        except DeployError as error:
            if isinstance(error, BudgetSpent):
                self.sent_seconds.pop()
            self.refused.append((f"{method} {about}", error))
            raise
        self.after(method, number)
        return answer

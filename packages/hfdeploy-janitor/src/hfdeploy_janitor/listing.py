"""Listing what is there: whole, or known not to be."""

from collections.abc import Callable, Sequence

from hfdeploy_core import DeployError
from hfdeploy_core.clock import Clock
from hfdeploy_core.errors import TokenMissing, TokenRejected
from hfdeploy_janitor.decide import find_skew
from hfdeploy_janitor.errors import ClockSkewed
from hfdeploy_janitor.model import Listing, Thing
from hfdeploy_janitor.port import Hub
from hfdeploy_janitor.rules import Kind, Rule

ShouldStop = Callable[[], bool]


def never() -> bool:
    """Nobody says stop."""
    return False


def list_all(
    hub: Hub, rules: Sequence[Rule], clock: Clock, should_stop: ShouldStop = never
) -> tuple[Listing, ...]:
    """Each kind in each namespace that a rule speaks of, once.

    Raises ClockSkewed, and where there is no token that the Hub accepts TokenMissing or TokenRejected.
    """
    wanted = sorted({(rule.namespace, kind) for rule in rules for kind in rule.kinds})
    return tuple(list_kind(hub, kind, namespace, clock, should_stop) for namespace, kind in wanted)


def list_kind(hub: Hub, kind: Kind, namespace: str, clock: Clock, should_stop: ShouldStop = never) -> Listing:
    """All things of one kind; what went wrong on the way stands in `failure`."""
    things = list[Thing]()
    unreadable = 0
    cursor: str | None = None
    seen = set[str]()
    try:
        while True:
            if should_stop():
                return Listing(namespace, kind, tuple(things), "it was told to stop")
            page = hub.list_page(kind, namespace, cursor)
            if skew := find_skew(clock.now(), page.date):
                raise ClockSkewed(skew)
            things += page.things
            unreadable += page.unreadable
            cursor = page.cursor
            if cursor is None:
                break
            if cursor in seen:
                return Listing(namespace, kind, tuple(things), "its pages lead in a circle")
            seen.add(cursor)
    except (ClockSkewed, TokenMissing, TokenRejected):
        raise
    except DeployError as error:
        return Listing(namespace, kind, tuple(things), error.message.removesuffix("."))
    failure = f"{unreadable} of its entries cannot be understood" if unreadable else None
    return Listing(namespace, kind, tuple(things), failure)

"""What the janitor asks of the Hub; `client.HubClient` and `testing.FakeHub` answer it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hfdeploy_janitor.model import Thing
from hfdeploy_janitor.rules import Kind


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing. `cursor` leads to the next, None at the end; `date` is the Hub's own clock.

    `unreadable` counts entries of which not even the name could be understood.
    """

    things: tuple[Thing, ...]
    cursor: str | None
    date: datetime | None
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class Sight:
    """What is there under a name now.

    Without a thing the Hub has confirmed that there is none, or it leads to `moved_to`.
    """

    thing: Thing | None
    date: datetime | None
    moved_to: str | None = None


class Hub(Protocol):
    """The Hub, as one account sees it. Every method may raise an AccessError or a HubError.

    BudgetSpent means that nothing was sent. A method that changes something raises HubUnreachable or
    HubFailed where it may have been done all the same.
    """

    @property
    def endpoint(self) -> str:
        """Which Hub it is."""
        ...

    @property
    def requests_left(self) -> int:
        """How many requests may still be sent in this window."""
        ...

    def list_page(self, kind: Kind, namespace: str, cursor: str | None) -> Page:
        """One page of all things of a kind in a namespace."""
        ...

    def look(self, thing: Thing) -> Sight:
        """What its name stands for now. Never says that there is none because of a refusal."""
        ...

    def delete(self, thing: Thing) -> bool:
        """Delete what has its name; False where there is none."""
        ...

    def pause(self, space: Thing) -> None:
        """Stop a Space's app. Raises HubRefused for one that cannot be paused."""
        ...

    def restart(self, space: Thing) -> None:
        """Start a Space's app again."""
        ...

    def set_private(self, thing: Thing, private: bool) -> None:
        """Say who sees it."""
        ...

    def rename(self, thing: Thing, name: str) -> None:
        """Give it another name in the same namespace."""
        ...

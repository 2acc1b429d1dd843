"""What the room asks of whoever keeps the repositories: the one boundary between Spaces and the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SpaceSettings:
    """What the owner of a Space has set for it. Secrets are left out of the repr."""

    private: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    hardware: str = "cpu-basic"
    paused: bool = False


class SpaceSource(Protocol):
    """The store, as running Spaces see it. All calls but `export` are quick, and made from the event loop."""

    def spaces(self) -> Sequence[str]:
        """Every Space on the hub, as "namespace/name"."""
        ...

    def head(self, space: str) -> str:
        """The commit of `main`, 40 hex digits."""
        ...

    def export(self, space: str, commit: str, folder: Path) -> None:
        """Write the commit's tree into `folder`, large files with their content. The files are the Space's
        own: an app may change them, so none may be a link into the store. Called from another thread.
        """
        ...

    def settings(self, space: str) -> SpaceSettings:
        """The settings as they are now."""
        ...

    def may_read(self, space: str, token: str | None) -> bool:
        """Whether the bearer of `token` may see this Space."""
        ...

    def knows_token(self, token: str) -> bool:
        """Whether `token` is one of the hub's own, which no app must see."""
        ...

    def port(self, space: str) -> int | None:
        """The gateway port remembered for this Space, or None."""
        ...

    def remember_port(self, space: str, port: int) -> None:
        """Remember the gateway port for the next start."""
        ...

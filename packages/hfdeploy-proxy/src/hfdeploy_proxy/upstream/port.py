"""What the relay asks of an engine."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from hfdeploy_proxy.rules.errors import Header

# RFC 9110, section 9.2.2: what may be asked again when the connection was lost before an answer.
IDEMPOTENT = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"))


@dataclass(slots=True)
class Body:
    """The body of a request: its length if that is told, and its parts as the client sends them."""

    length: int | None
    parts: AsyncIterator[bytes]
    expects_continue: bool = False


class Answer(Protocol):
    """An answer of the upstream: the head is here, the body is read part by part, never decoded."""

    @property
    def status(self) -> int:
        """From 200 to 599."""
        ...

    @property
    def headers(self) -> Sequence[Header]:
        """As they came, without trailers."""
        ...

    async def read(self) -> bytes:
        """The next part of the body; empty at its end. Raises UpstreamError if it breaks off."""
        ...

    @property
    def ended(self) -> bool:
        """Whether everything has been read."""
        ...

    @property
    def sent_all(self) -> bool:
        """Whether the upstream has got the whole request."""
        ...

    async def close(self) -> None:
        """Done with it. If not everything was read, the upstream learns so at once."""
        ...


class Upstream(Protocol):
    """The one upstream of a relay. It follows no redirect, keeps no cookie, reads no environment."""

    async def send(
        self, method: bytes, target: bytes, headers: Sequence[Header], body: Body | None
    ) -> Answer:
        """Ask, and return as soon as the head of the answer is here. Raises UpstreamError.

        Cancelled, it closes what it has opened.
        """
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...

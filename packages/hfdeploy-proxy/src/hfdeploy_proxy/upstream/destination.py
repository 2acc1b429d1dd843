"""Where the upstream is, and the engine that leads there. A Space's host is asked of the Hub."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from hfdeploy_proxy.rules.errors import TargetUnknown
from hfdeploy_proxy.rules.headers import Target
from hfdeploy_proxy.upstream.dial import Address
from hfdeploy_proxy.upstream.port import Upstream

_LOOK_AGAIN_SECONDS = 3.0

Locate = Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class There:
    """An upstream that is found."""

    target: Target
    address: Address
    upstream: Upstream


class Destination:
    """Finds the upstream once, with the first request; ``known`` from then on.

    Who waits while it is looked for shares what comes of it, and so does who comes soon after a failure.
    """

    def __init__(
        self,
        locate: Locate,
        connect: Callable[[Address, Target], Upstream],
        clock: Callable[[], float],
    ) -> None:
        self._locate = locate
        self._connect = connect
        self._clock = clock
        self._lock = asyncio.Lock()
        self._failure = ""
        self._look_at = float("-inf")
        self.known: There | None = None

    async def find(self) -> There:
        """The upstream. Raises TargetUnknown."""
        async with self._lock:
            if self.known is None:
                if self._clock() < self._look_at:
                    raise TargetUnknown(self._failure)
                try:
                    url = await self._locate()
                except TargetUnknown as error:
                    self._failure = str(error)
                    self._look_at = self._clock() + _LOOK_AGAIN_SECONDS
                    raise
                address, target = plan_address(url), plan_target_names(url)
                self.known = There(target, address, self._connect(address, target))
            return self.known

    async def close(self) -> None:
        """Close its connections."""
        if self.known is not None:
            await self.known.upstream.close()


def plan_address(url: str) -> Address:
    """Where to connect to for an origin such as ``https://me-app.hf.space``."""
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    return Address(parts.hostname or "", parts.port or (443 if tls else 80), tls)


def plan_target_names(url: str) -> Target:
    """How the upstream is named in requests to it."""
    parts = urlsplit(url)
    return Target(parts.netloc.encode(), f"{parts.scheme}://{parts.netloc}".encode())

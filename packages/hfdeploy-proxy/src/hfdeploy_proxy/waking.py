"""A Space that sleeps, is built, starts, is paused or broken: told from one that runs, and waited for.

Nobody asks for its stage while it answers. What looks like the Hub's edge answering in its place is a reason
to ask the Hub, every few seconds at most.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from hfdeploy_proxy.rules.errors import (
    CircuitOpen,
    ConnectTimedOut,
    Header,
    SpaceAsleep,
    SpaceUnavailable,
    TargetUnknown,
    UpstreamClosed,
    UpstreamError,
    UpstreamUnreachable,
)
from hfdeploy_proxy.rules.waking import DOUBTFUL, decide_reason
from hfdeploy_proxy.upstream.dial import Address
from hfdeploy_proxy.upstream.port import IDEMPOTENT, Answer, Body, Upstream
from hfdeploy_proxy.upstream.websocket import Denied, OpenSocket, UpstreamSocket

logger = logging.getLogger("hfdeploy_proxy")

_KEEP_SECONDS = 3.0
_AWAKE_SECONDS = 60.0
_VISIT_SECONDS = 15.0
# How long a Space that has begun to run, as far as anyone knows, may not answer yet.
_SETTLE_SECONDS = 5.0
_SETTLE_PAUSE_SECONDS = 1.0
_UNHEARD = (UpstreamUnreachable, ConnectTimedOut, CircuitOpen, UpstreamClosed)

Visit = Callable[[], Awaitable[None]]


class Waking:
    """What is known of the Space: ``ask`` asks the Hub for its stage. Requests wait ``wait_seconds`` for it
    to run.
    """

    def __init__(
        self,
        ask: Callable[[], Awaitable[str]],
        clock: Callable[[], float],
        wait_seconds: float,
        keep_seconds: float = _KEEP_SECONDS,
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._wait_seconds = wait_seconds
        self._keep_seconds = keep_seconds
        self._lock = asyncio.Lock()
        self._reason: type[SpaceUnavailable] | None = None
        self._known_until = float("-inf")
        self._visit_at = float("-inf")
        self._answered_at = float("-inf")
        self._ran_at = float("-inf")

    def answered(self) -> None:
        """The Space itself has answered."""
        self._answered_at = self._clock()

    def deadline(self) -> float:
        """Until when a request that comes now may wait."""
        return self._clock() + self._wait_seconds

    async def prepare(self, deadline: float, visit: Visit) -> None:
        """Before a request that cannot be repeated: if requests wait at all, it waits until the Space runs.

        Raises SpaceUnavailable.
        """
        if self._wait_seconds and self._clock() - self._answered_at > _AWAKE_SECONDS:
            await self._hold(deadline, visit)

    async def is_worth_repeating(self, deadline: float, visit: Visit, *, repeatable: bool) -> bool:
        """After a doubtful answer: whether the Space runs now and did not before, or not for long.

        False if it is the Space's own answer, as far as anyone knows. Raises SpaceUnavailable.
        """
        reason = await self._find_reason()
        if reason is None:
            return repeatable and await self._settle(deadline)
        if not repeatable or not self._wait_seconds:
            raise reason("as the Hub says")
        await self._hold(deadline, visit)
        self._ran_at = self._clock()
        return True

    async def _settle(self, deadline: float) -> bool:
        """A doubtful answer of a Space that runs may be of a moment ago, when it did not."""
        now = self._clock()
        if self._wait_seconds and now - max(self._answered_at, self._ran_at) > _AWAKE_SECONDS:
            self._ran_at = now
        if now >= min(deadline, self._ran_at + _SETTLE_SECONDS):
            return False
        await asyncio.sleep(min(self._keep_seconds, _SETTLE_PAUSE_SECONDS))
        return True

    async def _hold(self, deadline: float, visit: Visit) -> None:
        while reason := await self._find_reason():
            now = self._clock()
            if now >= deadline:
                raise reason("as the Hub says, and it has been waited for")
            if reason is SpaceAsleep and now >= self._visit_at:
                self._visit_at = now + _VISIT_SECONDS
                await visit()
            await asyncio.sleep(min(self._keep_seconds, deadline - now))

    async def _find_reason(self) -> type[SpaceUnavailable] | None:
        async with self._lock:
            if self._clock() >= self._known_until:
                try:
                    self._reason = decide_reason(await self._ask())
                except TargetUnknown as error:
                    logger.warning("the Space's stage is not known: %s", error)
                    self._reason = None
                self._known_until = self._clock() + self._keep_seconds
            return self._reason


class WakingUpstream:
    """Implements `hfdeploy_proxy.upstream.port.Upstream`: another one, whose silence is explained."""

    def __init__(self, upstream: Upstream, waking: Waking) -> None:
        self._upstream = upstream
        self._waking = waking

    async def send(
        self, method: bytes, target: bytes, headers: Sequence[Header], body: Body | None
    ) -> Answer:
        waking = self._waking
        repeatable = body is None and method in IDEMPOTENT
        deadline = waking.deadline()

        async def visit() -> None:
            await self._visit(headers)

        if not repeatable:
            await waking.prepare(deadline, visit)
        while True:
            try:
                answer = await self._upstream.send(method, target, headers, body)
            except _UNHEARD:
                if not await waking.is_worth_repeating(deadline, visit, repeatable=repeatable):
                    raise
                continue
            if answer.status not in DOUBTFUL:
                waking.answered()
                return answer
            passes = False
            try:
                passes = not await waking.is_worth_repeating(deadline, visit, repeatable=repeatable)
            finally:
                if not passes:
                    await answer.close()
            if passes:
                return answer

    async def close(self) -> None:
        await self._upstream.close()

    async def _visit(self, headers: Sequence[Header]) -> None:
        """A visit wakes a Space that sleeps. Host comes first in what is planned, the credentials last."""
        try:
            answer = await self._upstream.send(b"GET", b"/", [headers[0], headers[-1]], None)
        except UpstreamError:
            return
        await answer.close()


def wake_first(open_socket: OpenSocket, waking: Waking) -> OpenSocket:
    """The same for a WebSocket's handshake, which can be repeated and is a visit itself."""

    async def visit() -> None:
        return None

    async def open_awake(
        address: Address, target: bytes, headers: Sequence[Header], subprotocols: Sequence[str]
    ) -> tuple[UpstreamSocket, list[Header]]:
        deadline = waking.deadline()
        while True:
            try:
                return await open_socket(address, target, headers, subprotocols)
            except (Denied, *_UNHEARD) as error:
                if isinstance(error, Denied) and error.status not in DOUBTFUL:
                    raise
                if not await waking.is_worth_repeating(deadline, visit, repeatable=True):
                    raise

    return open_awake

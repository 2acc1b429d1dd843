"""Connections that are kept, the one used last first: a few stay busy, the others grow old and go."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from hfdeploy_proxy.rules.errors import AnswerTimedOut, AnswerTruncated, PoolExhausted
from hfdeploy_proxy.upstream.connection import Connection

_LOOK_SECONDS = 1.0


class Pool:
    """At most ``limit`` connections; checking one out or in costs the same however many there are."""

    def __init__(
        self,
        dial: Callable[["Pool"], Awaitable[Connection]],
        *,
        limit: int,
        pool_timeout_seconds: float,
        keep_seconds: float,
        answer_timeout_seconds: float,
        idle_timeout_seconds: float,
    ) -> None:
        self._dial = dial
        self._limit = limit
        self._pool_timeout_seconds = pool_timeout_seconds
        self._keep_seconds = keep_seconds
        self._answer_timeout_seconds = answer_timeout_seconds
        self._idle_timeout_seconds = idle_timeout_seconds
        self._loop = asyncio.get_running_loop()
        self._idle: dict[Connection, None] = {}
        self._busy: set[Connection] = set()
        self._dialling = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._clock: asyncio.TimerHandle | None = None

    @property
    def is_over(self) -> bool:
        """Whether the loop of its connections has ended: those who test applications start one a request."""
        return self._loop.is_closed()

    @property
    def connections(self) -> int:
        """How many there are, idle, busy or on their way."""
        return len(self._idle) + len(self._busy) + self._dialling

    async def take(self, *, fresh: bool = False) -> Connection:
        """A connection for one exchange: an idle one, unless it has to be ``fresh``. Raises UpstreamError."""
        if self._idle and not fresh:
            connection, _ = self._idle.popitem()
            self._busy.add(connection)
            return connection
        while self.connections >= self._limit:
            if self._idle:
                self._drop(next(iter(self._idle)))
            else:
                await self._wait_for_room()
                if self._idle and not fresh:
                    return await self.take()
        self._dialling += 1
        try:
            connection = await self._dial(self)
        except BaseException:
            self._dialling -= 1
            self._admit()
            raise
        self._dialling -= 1
        self._busy.add(connection)
        if self._clock is None:
            self._clock = self._loop.call_later(_LOOK_SECONDS, self._look)
        return connection

    def give_back(self, connection: Connection, reusable: bool) -> None:
        """An exchange is over."""
        self._busy.discard(connection)
        if reusable:
            self._idle[connection] = None
        self._admit()

    def forget(self, connection: Connection) -> None:
        """A connection is no more."""
        self._idle.pop(connection, None)
        self._busy.discard(connection)
        self._admit()

    async def close(self) -> None:
        """Close all of them."""
        for connection in (*self._idle, *self._busy):
            connection.abort()
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    async def _wait_for_room(self) -> None:
        turn = self._loop.create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._pool_timeout_seconds):
                await turn
        except BaseException as error:
            if turn in self._waiting:
                self._waiting.remove(turn)
            else:
                self._admit()  # the turn had come: it is the next one's
            if isinstance(error, TimeoutError):
                raise PoolExhausted(f"all {self._limit} connections are taken") from None
            raise

    def _admit(self) -> None:
        while self._waiting and (self._idle or self.connections < self._limit):
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def _drop(self, connection: Connection) -> None:
        """Close an idle connection; it must not be taken between that and word of its end."""
        del self._idle[connection]
        connection.abort()

    def _look(self) -> None:
        """Once a second for all: cheaper than a timer for each exchange."""
        now = self._loop.time()
        for connection in [*self._idle]:
            if now - connection.last_active < self._keep_seconds:
                break  # the others were used later
            self._drop(connection)
        for connection in [*self._busy]:
            silent_seconds = now - connection.last_active
            if not connection.status and silent_seconds > self._answer_timeout_seconds:
                connection.fail(AnswerTimedOut("the upstream does not answer"))
            elif silent_seconds > self._idle_timeout_seconds:
                connection.fail(AnswerTruncated("the upstream is silent"))
        self._clock = self._loop.call_later(_LOOK_SECONDS, self._look) if self.connections else None

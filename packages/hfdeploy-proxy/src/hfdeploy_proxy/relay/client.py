"""The client's side of an exchange: its body, and word when it has left."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from hfdeploy_proxy.rules.errors import BODY_TOO_LARGE, ClientGone, RequestRefused

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# Most answers are here before: they are spared a task that waits for the client to leave.
_WATCH_AFTER_SECONDS = 0.02


class Client:
    """Reads what the client sends. When it leaves, the task that serves it is cancelled: ``gone``.

    Use as a context manager around all that should end when the client leaves.
    """

    def __init__(self, receive: Receive, loop: asyncio.AbstractEventLoop) -> None:
        self._receive = receive
        self._loop = loop
        self._task = asyncio.current_task(loop)
        self._timer: asyncio.TimerHandle | None = None
        self._watch: asyncio.Task[None] | None = None
        self._serving = True
        self.gone = False

    def watch_soon(self) -> None:
        """Look out for the client's leaving. The body must have been read, or there be none."""
        self._timer = self._loop.call_later(_WATCH_AFTER_SECONDS, self._start_watch)

    def stop(self) -> None:
        """Nothing is to be ended any more."""
        self._serving = False
        if self._timer is not None:
            self._timer.cancel()
        if self._watch is not None:
            self._watch.cancel()

    def forgive(self) -> None:
        """The cancelling that came of the client's leaving has done its work."""
        assert self._task
        self._task.uncancel()

    async def parts(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises ClientGone."""
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._leave()
                raise ClientGone
            more = message.get("more_body", False)
            yield message.get("body", b"")
        if self._serving:
            self.watch_soon()

    def _start_watch(self) -> None:
        self._watch = self._loop.create_task(self._wait_for_leaving())

    async def _wait_for_leaving(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._leave()

    def _leave(self) -> None:
        if self._serving:
            self.gone = True
            self._serving = False
            if self._task is not None and self._task is not asyncio.current_task(self._loop):
                self._task.cancel()


async def capped(parts: AsyncIterator[bytes], most_bytes: int) -> AsyncIterator[bytes]:
    """The same parts, up to so many bytes. Raises RequestRefused."""
    read_bytes = 0
    async for part in parts:
        read_bytes += len(part)
        if read_bytes > most_bytes:
            raise RequestRefused(BODY_TOO_LARGE)
        yield part

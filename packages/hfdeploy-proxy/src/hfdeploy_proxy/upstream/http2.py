"""HTTP/2 by httpx, on a connection for each request that is under way.

httpcore puts all requests on one connection. There, who comes after the hundredth silent stream waits for its
end; a client that leaves neither ends its stream nor gives back its share of the connection's window.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

import httpx

from hfdeploy_proxy.rules.errors import PoolExhausted
from hfdeploy_proxy.upstream.dial import make_tls_context
from hfdeploy_proxy.upstream.http1 import Limits

# At its most talkative hpack logs every header, the token among them.
logging.getLogger("hpack").setLevel(logging.WARNING)


class Http2Transport(httpx.AsyncBaseTransport):
    """Connections that are kept, the one used last first. Raises PoolExhausted besides what httpx raises."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._tls = make_tls_context()  # its own: httpcore says in it that it speaks HTTP/2
        self._idle: list[tuple[float, httpx.AsyncHTTPTransport]] = []  # since when
        self._room = asyncio.Semaphore(limits.connections)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await self._wait_for_room()
        connection = self._idle.pop()[1] if self._idle else self._open()
        try:
            response = await connection.handle_async_request(request)
        except BaseException:
            self._room.release()
            await connection.aclose()
            await self._drop_idle(0)  # what the upstream has closed it may have closed all of
            raise
        stream = cast("httpx.AsyncByteStream", response.stream)
        response.stream = _Download(stream, lambda is_whole: self._give_back(connection, is_whole))
        return response

    async def aclose(self) -> None:
        """Close what is idle."""
        await self._drop_idle(0)

    async def _wait_for_room(self) -> None:
        try:
            async with asyncio.timeout(self._limits.pool_seconds):
                await self._room.acquire()
        except TimeoutError:
            raise PoolExhausted(f"all {self._limits.connections} connections are taken") from None

    async def _give_back(self, connection: httpx.AsyncHTTPTransport, is_whole: bool) -> None:
        self._room.release()
        if is_whole:
            self._idle.append((asyncio.get_running_loop().time(), connection))
            await self._drop_idle(self._limits.keep_seconds)
        else:
            await connection.aclose()

    async def _drop_idle(self, keep_seconds: float) -> None:
        """Close those that have not been used for so long."""
        until = asyncio.get_running_loop().time() - keep_seconds
        while self._idle and self._idle[0][0] <= until:
            await self._idle.pop(0)[1].aclose()

    def _open(self) -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(
            verify=self._tls,
            trust_env=False,
            http2=True,
            limits=httpx.Limits(max_connections=1, keepalive_expiry=self._limits.keep_seconds),
        )


class _Download(httpx.AsyncByteStream):
    """An answer's body; ``on_close`` is told whether all of it was read."""

    def __init__(self, stream: httpx.AsyncByteStream, on_close: Callable[[bool], Awaitable[None]]) -> None:
        self._stream = stream
        self._on_close = on_close
        self._is_whole = False
        self._is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield part
        self._is_whole = True

    async def aclose(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            await self._stream.aclose()
            await self._on_close(self._is_whole)

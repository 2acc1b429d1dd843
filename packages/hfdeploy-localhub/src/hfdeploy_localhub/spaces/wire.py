"""One HTTP/1.1 connection: h11's framing over asyncio's streams, with backpressure."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Sequence

import h11

from hfdeploy_localhub.spaces.headers import Header
from hfdeploy_localhub.spaces.pages import Page

READ_BYTES = 2**16
HEAD_LIMIT_BYTES = 2**16


Role = type[h11.CLIENT] | type[h11.SERVER]


class Wire:
    """A connection to a client (`h11.SERVER`: we serve) or to an app (`h11.CLIENT`)."""

    def __init__(self, role: Role, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.http = h11.Connection(role, max_incomplete_event_size=HEAD_LIMIT_BYTES)
        self._reader = reader
        self._writer = writer

    @property
    def peer_host(self) -> str:
        """The other side's address."""
        return str((self._writer.get_extra_info("peername") or ("unknown",))[0])

    async def next_event(self) -> h11.Event | type[h11.PAUSED]:
        """The next event, read as far as it takes. Raises h11.RemoteProtocolError or OSError."""
        while True:
            event = self.http.next_event()
            if event is not h11.NEED_DATA:
                return event  # type: ignore[return-value]  # NEED_DATA is all that is left out
            self.http.receive_data(await self._reader.read(READ_BYTES))

    async def wait_for_data(self) -> bool:
        """Wait for the first bytes of the next message; False when the other side has closed instead."""
        if self.http.trailing_data[0]:
            return True
        data = await self._reader.read(READ_BYTES)
        self.http.receive_data(data)
        return bool(data)

    async def wait_for_close(self) -> None:
        """Return when the other side has closed. What it sends early is kept for the next message."""
        while await self.wait_for_data():
            await (
                asyncio.Event().wait()
            )  # one chunk ahead is enough; to read on would be to store without end

    async def send(self, event: h11.Event) -> None:
        """Send an event and wait until the other side keeps up."""
        data = self.http.send(event)
        if data:
            self._writer.write(data)
            await self._writer.drain()

    async def send_page(self, page: Page, *, with_body: bool = True) -> None:
        """Send a whole answer."""
        await self.send_head(page.status, page.headers)
        if with_body:
            await self.send(h11.Data(data=page.body))
        await self.send(h11.EndOfMessage())

    async def send_head(self, status: int, headers: Sequence[Header], reason: bytes = b"") -> None:
        """Send a response's status and headers."""
        await self.send(h11.Response(status_code=status, headers=list(headers), reason=reason))

    async def read_raw(self) -> bytes:
        """Bytes outside any framing; empty at the end."""
        leftover, _ = self.http.trailing_data
        if leftover and not self._leftover_taken:
            self._leftover_taken = True
            return leftover
        return await self._reader.read(READ_BYTES)

    _leftover_taken = False

    async def write_raw(self, data: bytes) -> None:
        """Bytes outside any framing; empty ones close this direction."""
        if data:
            self._writer.write(data)
            await self._writer.drain()
        elif self._writer.can_write_eof():
            self._writer.write_eof()

    async def discard(self, limit_bytes: int, seconds: float) -> None:
        """Read what is still coming, for a while: closing with unread bytes would take our answer back."""
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(seconds):
                await self.write_raw(b"")
                while limit_bytes > 0 and (data := await self._reader.read(READ_BYTES)):
                    limit_bytes -= len(data)

    def drop(self) -> None:
        """Close at once; what is not sent yet is not sent."""
        self._writer.transport.abort()

    def reset(self) -> None:
        """Close at once, in a way that cannot be mistaken for the end of a message: TCP's RST."""
        opened = self._writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def close(self) -> None:
        """Send what is left and close."""
        self._writer.close()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self._writer.wait_closed()

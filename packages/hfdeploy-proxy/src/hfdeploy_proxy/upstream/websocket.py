"""A WebSocket to the upstream (RFC 6455): framing by websockets' sans-I/O protocol, back-pressure by us."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import cast

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidState, InvalidStatus, ProtocolError
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI

from hfdeploy_proxy.rules.errors import AnswerInvalid, AnswerTimedOut, Header, UpstreamClosed
from hfdeploy_proxy.upstream.circuit import Circuit
from hfdeploy_proxy.upstream.dial import Address, dial

# At its most talkative websockets logs whole handshakes, the token with them.
logger = logging.getLogger("hfdeploy_proxy.websocket")
logger.setLevel(logging.WARNING)

NO_CODE = 1005
BROKEN = 1006
_INVALID_TEXT = 1007
_PING_SECONDS = 20.0
_DEAD_AFTER_PINGS = 30  # an application that computes for minutes does not look at its connections
_FAREWELL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Closed:
    """How a WebSocket ended: RFC 6455, section 7.4; 1005 without a code, 1006 without a farewell."""

    code: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Denied(Exception):
    """The upstream answered the handshake with something else than a WebSocket."""

    status: int
    headers: list[Header]
    body: bytes


class UpstreamSocket(asyncio.Protocol):
    """One WebSocket, from the handshake to the farewell."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, address: Address, subprotocols: Sequence[str], max_bytes: int
    ) -> None:
        self._loop = loop
        offered = [Subprotocol(name) for name in subprotocols]
        uri = WebSocketURI(address.tls, address.host, address.port, "/", "")
        self._conn = ClientProtocol(uri, subprotocols=offered or None, max_size=max_bytes, logger=logger)
        self._transport = cast("asyncio.Transport", None)
        self._opened: asyncio.Future[Response] = loop.create_future()
        self._lost: asyncio.Future[None] = loop.create_future()
        self._received: deque[str | bytes | Closed] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._fragments: list[bytes] = []
        self._is_text = False
        self._read_paused = False
        self._ping: asyncio.TimerHandle | None = None
        self._silent_pings = 0
        self.left = False  # the client, which ended it

    @property
    def subprotocol(self) -> str | None:
        """What the upstream chose."""
        return self._conn.subprotocol

    async def open(self, target: bytes, headers: Sequence[Header], timeout_seconds: float) -> list[Header]:
        """The handshake; returns the headers of its answer. Raises Denied or UpstreamError."""
        request = self._conn.connect()
        request.path = target.decode("latin-1")
        del request.headers["Host"]
        for name, value in headers:
            request.headers[name.decode("latin-1")] = value.decode("latin-1")
        self._conn.send_request(request)
        self._flush()
        try:
            async with asyncio.timeout(timeout_seconds):
                response = await self._opened
        except TimeoutError:
            raise AnswerTimedOut("no answer to the handshake") from None
        pairs = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.raw_items()
        ]
        failure = self._conn.handshake_exc
        if isinstance(failure, InvalidStatus):
            raise Denied(response.status_code, pairs, bytes(response.body))
        if failure is not None:
            raise AnswerInvalid(f"{type(failure).__name__} in the handshake")
        self._ping = self._loop.call_later(_PING_SECONDS, self._send_ping)
        return pairs

    async def receive(self) -> str | bytes | Closed:
        """The next message, whole; at the end how it ended, again and again."""
        while not self._received:
            self._waiter = self._loop.create_future()
            await self._waiter
        message = self._received[0]
        if isinstance(message, Closed):
            return message
        self._received.popleft()
        if self._read_paused and not self._received:
            self._read_paused = False
            self._transport.resume_reading()
        return message

    async def send(self, message: str | bytes) -> None:
        """Send a message, and wait until the upstream keeps up. After the end it goes nowhere."""
        try:
            if isinstance(message, str):
                self._conn.send_text(message.encode())
            else:
                self._conn.send_binary(message)
        except InvalidState:
            return
        self._flush()
        if self._writable is not None:
            await self._writable

    async def close(self, closed: Closed) -> None:
        """End it as the client did, which has ``left``."""
        self.left = True
        if closed.code == BROKEN:
            self.abort()
            return
        try:
            if closed.code == NO_CODE:
                self._conn.send_close()
            else:
                self._conn.send_close(closed.code, closed.reason)
            self._flush()
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await asyncio.shield(self._lost)
        except (InvalidState, ProtocolError, TimeoutError):
            pass
        finally:
            self.abort()

    def abort(self) -> None:
        """Close the connection at once."""
        if self._ping is not None:
            self._ping.cancel()
        if not self._lost.done() and self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._silent_pings = 0
        self._conn.receive_data(data)
        for event in self._conn.events_received():
            if isinstance(event, Response):
                self._settle(event)
            elif isinstance(event, Frame):
                self._take(event)
        self._fail_handshake()
        self._flush()
        if self._conn.parser_exc is not None:
            self._end()

    def eof_received(self) -> None:
        self._conn.receive_eof()
        self._fail_handshake()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._lost.done():
            self._lost.set_result(None)
        if not self._opened.done():
            self._opened.set_exception(UpstreamClosed("the upstream closed the connection in the handshake"))
        self.resume_writing()
        self._end()

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def _settle(self, response: Response) -> None:
        if not self._opened.done():
            self._opened.set_result(response)

    def _fail_handshake(self) -> None:
        """Without an answer that could be read there is no event."""
        failure = self._conn.handshake_exc
        if isinstance(failure, InvalidHandshake) and not self._opened.done():
            self._opened.set_exception(AnswerInvalid(f"{type(failure).__name__} in the handshake"))

    def _take(self, frame: Frame) -> None:
        if frame.opcode is Opcode.CLOSE:
            self._end()
            return
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return  # the protocol answers pings
        if frame.opcode is not Opcode.CONT:
            self._is_text = frame.opcode is Opcode.TEXT
        self._fragments.append(bytes(frame.data))
        if not frame.fin:
            return
        data = b"".join(self._fragments)
        self._fragments = []
        try:
            self._deliver(data.decode() if self._is_text else data)
        except UnicodeDecodeError:
            self._conn.fail(_INVALID_TEXT)
            self._end()

    def _deliver(self, message: str | bytes | Closed) -> None:
        self._received.append(message)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        if not self._read_paused and not isinstance(message, Closed):
            self._read_paused = True
            self._transport.pause_reading()

    def _end(self) -> None:
        if self._received and isinstance(self._received[-1], Closed):
            return
        said = self._conn.close_rcvd or (self._conn.close_sent if self._conn.parser_exc is not None else None)
        self._deliver(Closed(said.code, said.reason) if said is not None else Closed(BROKEN))

    def _flush(self) -> None:
        if self._transport.is_closing():
            return
        for data in self._conn.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._transport.close()

    def _send_ping(self) -> None:
        """Keeps what lies between from closing a silent connection, and notices when nobody is there.

        While one side holds the other back, a pong waits behind what is not read.
        """
        if not self._read_paused and self._writable is None:
            self._silent_pings += 1
        if self._silent_pings > _DEAD_AFTER_PINGS:
            self.abort()
            return
        try:
            self._conn.send_ping(b"")
        except InvalidState:
            return
        self._flush()
        self._ping = self._loop.call_later(_PING_SECONDS, self._send_ping)


OpenSocket = Callable[
    [Address, bytes, Sequence[Header], Sequence[str]], Awaitable[tuple[UpstreamSocket, list[Header]]]
]


async def open_socket(
    address: Address,
    target: bytes,
    headers: Sequence[Header],
    subprotocols: Sequence[str],
    *,
    connect_seconds: float,
    answer_seconds: float,
    max_bytes: int,
    circuit: Circuit,
) -> tuple[UpstreamSocket, list[Header]]:
    """Dial and shake hands. Raises Denied or UpstreamError."""
    loop = asyncio.get_running_loop()
    found = await dial(
        address,
        lambda: UpstreamSocket(loop, address, subprotocols, max_bytes),
        timeout_seconds=connect_seconds,
        circuit=circuit,
    )
    try:
        return found, await found.open(target, headers, answer_seconds)
    except BaseException:
        found.abort()
        raise

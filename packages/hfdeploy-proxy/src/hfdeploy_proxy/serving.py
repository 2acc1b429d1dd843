"""uvicorn as the relay uses it."""

import asyncio
import math
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any, cast

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import SecurityError
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.http11 import Request

from hfdeploy_proxy.relay.wire import EXTENSION, Wire
from hfdeploy_proxy.rules.errors import (
    HANDSHAKE_INVALID,
    HEADERS_TOO_LARGE,
    HEADERS_TOO_SLOW,
    RELAY_FAILED,
    REQUEST_INVALID,
    Problem,
)
from hfdeploy_proxy.upstream.websocket import BROKEN, NO_CODE

_GATHERED_BYTES = 2**14
_LINGER_SECONDS = 1.0
_AFTER_DRAIN_SECONDS = 2
_ENDLESS_BYTES = 2**62
_PIPELINED = 16
_PONG_SECONDS = 60.0  # what a slow client has not read yet may be before the ping


class GatheredWrites:
    """A transport that sends what is written in one turn of the loop at once: head and body of a short answer
    are one segment, and one system call instead of two.
    """

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, close: Callable[[], None]
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._close = close
        self._held: list[bytes] = []

    def write(self, data: bytes) -> None:
        if len(data) > _GATHERED_BYTES:
            self.flush()
            self._transport.write(data)
            return
        if not self._held:
            self._loop.call_soon(self.flush)
        self._held.append(data)

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def close(self) -> None:
        self.flush()
        self._close()

    def flush(self) -> None:
        """Send what is held: before anything is done to the transport itself."""
        if self._held:
            held, self._held = self._held, []
            if not self._transport.is_closing():
                self._transport.write(b"".join(held))


class RelayCycle(RequestResponseCycle):
    """Writes the head of an answer itself: uvicorn searches each name and value for controls, which the
    upstream's parser has refused already, and sends chunks to clients of HTTP/1.0, which do not know them.
    These get a body that ends with the connection (RFC 9112, section 6.3).
    """

    until_close = False

    async def send(self, message: Any) -> None:
        if self.disconnected:
            return
        if self.response_started or message["type"] != "http.response.start":
            if self.until_close and not message.get("more_body", False):
                self.expected_content_length = len(message.get("body", b""))
            await super().send(message)
            return
        self.response_started = True
        self.waiting_for_100_continue = False
        status = message["status"]
        closes = False
        lines = [STATUS_LINE[status]]
        for name, value in message["headers"]:
            lines += (name, b": ", value, b"\r\n")
            if name == b"content-length":
                self.chunked_encoding = False
                self.expected_content_length = int(value)
            elif name == b"connection":
                closes = value == b"close"
        if self.chunked_encoding is None and self.scope["method"] != "HEAD" and status not in (204, 304):
            self.until_close = self.scope["http_version"] == "1.0"
            self.chunked_encoding = not self.until_close
            if self.until_close:
                self.expected_content_length = _ENDLESS_BYTES
            else:
                lines.append(b"transfer-encoding: chunked\r\n")
        lines.append(b"\r\n" if self.keep_alive or closes else b"connection: close\r\n\r\n")
        self.keep_alive = self.keep_alive and not closes
        self.transport.write(b"".join(lines))

    async def send_500_response(self) -> None:
        body = RELAY_FAILED.body()
        start = {"type": "http.response.start", "status": 500, "headers": RELAY_FAILED.headers(body)}
        await self.send(start)
        await self.send({"type": "http.response.body", "body": body})

    def leave(self) -> None:
        """As if the client had."""
        self.disconnected = True
        self.message_event.set()


def answer_of(problem: Problem) -> bytes:
    """The whole answer, for when there is no cycle to send it."""
    body = problem.body()
    lines = [STATUS_LINE[problem.status]]
    for name, value in problem.headers(body):
        lines += (name, b": ", value, b"\r\n")
    return b"".join((*lines, b"\r\n", body))


class _Deaf:
    """Stands for a parser."""

    def feed_data(self, data: bytes) -> None:
        return None


class RelayConfig(uvicorn.Config):
    """With what uvicorn does not limit."""

    max_header_bytes = 2**16
    header_timeout_seconds = 15.0
    drain_seconds = 10.0


class RelayServer(uvicorn.Server):
    """Told to stop, it accepts nothing from that moment on, and what is under way has time to end: WebSockets
    as well. What then still goes on is broken off, visibly.
    """

    def watch(self, lifeline: int) -> None:
        """Stop when this file descriptor ends: whoever holds the other end is gone."""
        self._lifeline = lifeline

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._listeners = sockets or []
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        if self._lifeline is not None:
            self._loop.add_reader(self._lifeline, self.handle_exit, signal.SIGTERM, None)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self._captured_signals.clear()  # uvicorn would die of them at the end, as if it had not ended well
        if not self.started:
            return
        if self.force_exit and not self._broken_off:  # the second Ctrl-C: who is there is told to go, first
            self._broken_off = True
            self.force_exit = False
            self._loop.call_soon_threadsafe(self._break_off)
        else:
            self._loop.call_soon_threadsafe(self._stop_accepting)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stop_accepting()
        deadline = self._loop.call_later(cast("RelayConfig", self.config).drain_seconds, self._break_off)
        try:
            await super().shutdown(sockets)
        finally:
            deadline.cancel()

    def _stop_accepting(self) -> None:
        if self._lifeline is not None:
            self._loop.remove_reader(self._lifeline)
        for server in self.servers:
            server.close()
        for listener in self._listeners:
            listener.close()

    def _break_off(self) -> None:
        for connection in [*self.server_state.connections]:
            cast("RelayProtocol | RelayWebSocket", connection).break_off()

    _lifeline: int | None = None
    _broken_off = False


class RelayProtocol(HttpToolsProtocol):
    """Tells the relay what ASGI does not, and has patience with a head for so long and so many bytes only.

    ``cycle`` is uvicorn's for the request that came last. The one that is being answered may be before it:
    uvicorn forgets that one when the client leaves, and writes into its answer what is wrong with the next.
    """

    config: RelayConfig
    _answering: RelayCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._gathered = GatheredWrites(transport, self.loop, self._close)
        self._head_bytes = 0
        self._whole: object = None  # the headers of the last head that was complete
        self._awaited: object = self
        self._refused = False
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        if self._answering is not None and not self._answering.response_complete:
            self._answering.leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        self._head_bytes += len(data)
        while data:
            try:
                self.parser.feed_data(data)
                break
            except httptools.HttpParserError:
                self._refuse(REQUEST_INVALID)
                return
            except httptools.HttpParserUpgrade as stop:
                if self._should_upgrade():
                    self.handle_websocket_upgrade()
                    return
                data = self._without_upgrade() + data[stop.args[0] :]
                self.parser = httptools.HttpRequestParser(self)
        if self._head_bytes > self.config.max_header_bytes:
            self._refuse(HEADERS_TOO_LARGE)

    def handle_websocket_upgrade(self) -> None:
        if self._answering is not None and not self._answering.response_complete:
            self._refuse(REQUEST_INVALID)
            return
        self._timer.cancel()
        self._gathered.flush()
        super().handle_websocket_upgrade()

    def _look(self) -> None:
        """Once a timeout, not once a request: whoever still sends the head that it sent then is too slow."""
        if self.headers is not self._whole or self.headers is None:
            if self._awaited is self.headers:
                self._refuse(HEADERS_TOO_SLOW)
                return
            self._awaited = self.headers
        self._timer = self.loop.call_later(self.config.header_timeout_seconds, self._look)

    def _refuse(self, problem: Problem) -> None:
        """What is wrong must not stand in the answer to something else."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        self._gathered.flush()
        answering = self._answering
        if answering is None or answering.response_complete:
            self.transport.write(answer_of(problem))
            self._linger()
        elif answering is not self.cycle or not answering.more_body:
            self.parser = cast("httptools.HttpRequestParser", _Deaf())
            answering.keep_alive = False  # an earlier request has its answer, and the next ones have none
        elif answering.response_started:
            self.break_off()
        else:
            answering.leave()
            self.transport.write(answer_of(problem))
            self._linger()

    def _close(self) -> None:
        """After an answer. If the client still sends its request, it must not learn by a reset that it is in
        vain: the answer might be lost with it.
        """
        answering = self._answering
        if answering is not None and answering.more_body and not answering.disconnected:
            self._linger()
        else:
            self.transport.close()

    def _linger(self) -> None:
        """Nothing more is said, and what comes is not read (RFC 9112, section 9.6)."""
        if not self.transport.is_closing():
            self._refused = True
            self.parser = cast("httptools.HttpRequestParser", _Deaf())
            self.transport.write_eof()
            self.loop.call_later(_LINGER_SECONDS, self.transport.close)

    def _without_upgrade(self) -> bytes:
        """The head of a request that asks for a protocol which nobody speaks here. It is one of HTTP/1.1 all
        the same (RFC 9110, section 7.8), but llhttp takes it for the last one, and for one without a body.
        """
        version = self.parser.get_http_version().encode()
        lines = [self.parser.get_method(), b" ", self.url, b" HTTP/", version, b"\r\n"]
        for name, value in self.headers:
            if name != b"upgrade":
                lines += (name, b": ", value, b"\r\n")
        return b"".join((*lines, b"\r\n"))

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade() and not self._should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                raise ValueError("there are no tunnels")
            return
        self._check_version()
        self._whole = self.headers
        if self._head_bytes > self.config.max_header_bytes:
            self._check_head()
        self._head_bytes = 0
        self.scope["headers"] = [*self.headers]  # trailers are added to the other list
        self.scope["extensions"] = cast("Any", {EXTENSION: Wire(self._break_answer, self.url)})
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:
            self.cycle.__class__ = RelayCycle  # uvicorn has no other way to choose it
            self.cycle.transport = cast("Any", self._gathered)
        if 0 < len(self.pipeline) < _PIPELINED:
            self.flow.resume_reading()  # or it would not be seen that the client leaves

    def on_message_complete(self) -> None:
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def on_body(self, body: bytes) -> None:
        self._head_bytes = 0  # what comes after it without being of it are trailers
        super().on_body(body)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cast("RelayCycle", cycle)
        super()._start_asgi_task(cycle, app)

    def _check_version(self) -> None:
        """llhttp takes others of HTTP's versions in this place, too, and chunks where there are none (RFC
        9112, section 6.1).
        """
        version = self.parser.get_http_version()
        if version == "1.1":
            return
        if version != "1.0" or any(name == b"transfer-encoding" for name, _ in self.headers):
            raise ValueError("not HTTP/1.1")

    def _check_head(self) -> None:
        """What has come may be of the body, too."""
        head = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if head > self.config.max_header_bytes:
            self._refuse(HEADERS_TOO_LARGE)
            raise ValueError("the head is too long")  # ends the parser

    def shutdown(self) -> None:
        self._gathered.flush()
        super().shutdown()

    def break_off(self) -> None:
        """End what is under way, also if the client does not read."""
        if self._answering is not None:
            self._answering.leave()
        self.transport.abort()

    def _break_answer(self) -> None:
        """Close before the answer is whole: the client sees that it is not."""
        if self._answering is not None:
            self._answering.disconnected = True
        self._gathered.close()


# A silent WebSocket keeps what it compresses by: half as much as with uvicorn, and nothing of the client's.
_DEFLATE = ServerPerMessageDeflateFactory(
    client_no_context_takeover=True, server_max_window_bits=11, compress_settings={"memLevel": 4}
)


class RelayWebSocket(WebSocketsSansIOProtocol):
    """Tells apart how a client left, and can leave as the upstream did: ASGI knows neither 1005 nor 1006."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.conn.available_extensions = [_DEFLATE]

    def handle_connect(self, event: Request) -> None:
        if self.conn.accept(event).status_code != 101:
            self._refuse(HANDSHAKE_INVALID)
            return
        super().handle_connect(event)
        cast("Any", self.scope["extensions"])[EXTENSION] = True

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        failure = self.conn.handshake_exc
        if failure is not None and not self.handshake_initiated and not self.transport.is_closing():
            too_large = isinstance(failure, SecurityError)  # 128 lines of 8 KiB each are read
            self._refuse(HEADERS_TOO_LARGE if too_large else REQUEST_INVALID)

    def _refuse(self, problem: Problem) -> None:
        self.transport.write(answer_of(problem))
        self.transport.close()

    def keepalive_timeout(self) -> None:
        if self.read_paused or not self.writable.is_set():  # the pong waits behind what is not read
            self.pong_timer = self.loop.call_later(self.ping_timeout or 0, self.keepalive_timeout)
            return
        super().keepalive_timeout()

    def handle_parser_exception(self) -> None:
        """uvicorn closes, and would complain of what the application still sends."""
        super().handle_parser_exception()
        self.disconnected = True

    def shutdown(self) -> None:
        """Not yet: see `RelayServer`."""

    def break_off(self) -> None:
        """Tell the client that the server goes (1012), and end."""
        super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.handshake_complete and not self.close_sent and self.conn.close_rcvd is None:
            self.queue.put_nowait({"type": "websocket.disconnect", "code": BROKEN})
        super().connection_lost(exc)

    async def send(self, message: Any) -> None:
        if (
            message["type"] == "websocket.close"
            and message.get("code") == NO_CODE
            and self.handshake_complete
        ):
            if not self.close_sent and not self.transport.is_closing():
                self.conn.send_close()
                self.transport.write(b"".join(self.conn.data_to_send()))
                self.close_sent = True
                self.close_timer = self.loop.call_later(self.close_timeout, self.transport.close)
            return
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and self.close_sent:
            self.handshake_complete = True  # or uvicorn complains that there was none


def server_config(
    app: Any,
    *,
    websocket_max_bytes: int = 2**24,
    max_header_bytes: int = RelayConfig.max_header_bytes,
    header_timeout_seconds: float = RelayConfig.header_timeout_seconds,
    drain_seconds: float = RelayConfig.drain_seconds,
) -> uvicorn.Config:
    """The upstream's Date and Server pass, X-Forwarded-* is the relay's affair, addresses are not logged."""
    config = RelayConfig(
        app,
        http=RelayProtocol,
        ws=RelayWebSocket,
        ws_max_size=websocket_max_bytes,
        ws_ping_timeout=_PONG_SECONDS,
        loop="auto",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=math.ceil(drain_seconds) + _AFTER_DRAIN_SECONDS,
    )
    config.max_header_bytes = max_header_bytes
    config.header_timeout_seconds = header_timeout_seconds
    config.drain_seconds = drain_seconds
    return config


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener

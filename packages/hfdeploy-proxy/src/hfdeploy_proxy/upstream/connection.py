"""One connection to the upstream: HTTP/1.1 (RFC 9112), parsed by llhttp, framed and held back by us."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import cast

import httptools

from hfdeploy_proxy.rules.errors import (
    AnswerInvalid,
    AnswerTruncated,
    ClientGone,
    Header,
    RequestRefused,
    UpstreamClosed,
    UpstreamError,
)
from hfdeploy_proxy.upstream.port import Body

_HEAD_LIMIT_BYTES = 2**18
_READ_AHEAD_BYTES = 2**18
_WRITE_AHEAD_BYTES = 2**17
_CONTINUE_SECONDS = 1.0
_BODILESS = frozenset((204, 304))


class Connection(asyncio.Protocol):
    """Carries one exchange after the other. An exchange begins with `ask` and ends with `close`.

    ``on_end`` is called when an exchange is over, with whether the connection can carry another;
    ``on_lost`` when the connection is no more.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_end: Callable[["Connection", bool], None],
        on_lost: Callable[["Connection"], None],
    ) -> None:
        self._loop = loop
        self._on_end = on_end
        self._on_lost = on_lost
        self._transport = cast("asyncio.Transport", None)
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._writable: asyncio.Future[None] | None = None
        self._write_paused = False
        self._exchanges = 0
        self.lost = False
        self.busy = False
        self.last_active = loop.time()
        self._reset()

    def _reset(self) -> None:
        self.status = 0
        self.headers: list[Header] = []
        self._head_bytes = 0
        self._head_done = False
        self._complete = False
        self._interim = False
        self._reusable = False
        self._surplus = False
        self._failure: UpstreamError | RequestRefused | None = None
        self._parts: list[bytes] = []
        self._buffered = 0
        self._read_paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._upload: asyncio.Task[None] | None = None
        self._continue: asyncio.Future[None] | None = None

    # What the exchange does

    @property
    def fresh(self) -> bool:
        """Whether this is the first exchange: a connection that was idle may have been closed meanwhile."""
        return self._exchanges <= 1

    @property
    def heard(self) -> bool:
        """Whether the upstream has said anything in this exchange."""
        return self._head_bytes > 0

    async def ask(self, method: bytes, target: bytes, headers: Sequence[Header], body: Body | None) -> None:
        """Send a request, and return when the head of its answer is here. Raises UpstreamError."""
        self._reset()
        self.busy = True
        self.last_active = self._loop.time()
        self._exchanges += 1
        self._is_head = method == b"HEAD"
        if self.lost:
            raise UpstreamClosed("the upstream closed the connection as soon as it was made")
        if self._parser is None:
            self._parser = httptools.HttpResponseParser(self)
        out = [method, b" ", target, b" HTTP/1.1\r\n"]
        for name, value in headers:
            out += (name, b": ", value, b"\r\n")
        if body is None:
            out.append(b"\r\n")
            self._transport.write(b"".join(out))
        else:
            if body.length is None:
                out.append(b"transfer-encoding: chunked\r\n")
            else:
                out.append(b"content-length: %d\r\n" % body.length)
            out.append(b"expect: 100-continue\r\n\r\n" if body.expects_continue else b"\r\n")
            self._transport.write(b"".join(out))
            self._upload = self._loop.create_task(self._send_body(body))
        while not self._head_done:
            await self._wait()

    async def read(self) -> bytes:
        """The next part of the body; empty at its end."""
        while not self._parts:
            if self._complete:
                return b""
            await self._wait()
        parts = self._parts
        self._parts = []
        self._buffered = 0
        if self._read_paused and not self._complete:
            self._read_paused = False
            self._transport.resume_reading()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    @property
    def ended(self) -> bool:
        """Whether everything has been read."""
        return self._complete and not self._parts

    @property
    def sent_all(self) -> bool:
        """Whether the whole request is on its way."""
        return self._upload is None or self._upload.done()

    async def close(self) -> None:
        """End the exchange. The connection lives on only if both messages are complete and were read."""
        if not self.busy:
            return
        self.busy = False
        reusable = self.ended and self._reusable and self.sent_all and not self._surplus and not self.lost
        if self._upload is not None and not self._upload.done():
            self._upload.cancel()
        if not reusable:
            self.abort()
        elif self._read_paused:
            self._transport.resume_reading()
        self._on_end(self, reusable)

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        if not self.lost and self._transport is not None:
            self._transport.abort()

    def fail(self, failure: UpstreamError | RequestRefused) -> None:
        """End the exchange with a failure, for whoever waits for it now or next."""
        if self._failure is None:
            self._failure = failure
        self._wake()
        self.abort()

    # The way there

    async def _send_body(self, body: Body) -> None:
        try:
            if body.expects_continue:
                await self._await_continue()
            sent = 0
            async for part in body.parts:
                if not part:
                    continue
                if self.lost:
                    return  # the upstream may have answered before it read everything
                sent += len(part)
                self._transport.write(
                    part if body.length is not None else b"%x\r\n%b\r\n" % (len(part), part)
                )
                self.last_active = self._loop.time()
                if self._write_paused:
                    await self._drain()
            if body.length is None and not self.lost:
                self._transport.write(b"0\r\n\r\n")
            elif body.length is not None and sent != body.length:
                self.abort()
        except ClientGone:
            self.abort()
        except RequestRefused as error:
            self.fail(AnswerTruncated("the request was refused") if self._head_done else error)

    async def _await_continue(self) -> None:
        """RFC 9110, section 10.1.1: wait for the word to go on, but not for ever."""
        self._continue = self._loop.create_future()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CONTINUE_SECONDS):
                await self._continue
        if self._head_done and not self._complete:
            return
        if self._head_done:
            await self._loop.create_future()  # answered: the body is not wanted; `close` ends this

    async def _drain(self) -> None:
        self._writable = self._loop.create_future()
        await self._writable

    # The way back

    async def _wait(self) -> None:
        if self._failure is not None:
            raise self._failure
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
        if self._failure is not None:
            raise self._failure

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_WRITE_AHEAD_BYTES)

    def data_received(self, data: bytes) -> None:
        if not self.busy or self._parser is None:
            self._on_lost(self)  # nobody asked
            self.abort()
            return
        self.last_active = self._loop.time()
        if not self._head_done:
            self._head_bytes += len(data)
            if self._head_bytes > _HEAD_LIMIT_BYTES + len(data):
                self.fail(AnswerInvalid("the head of the answer is too long"))
                return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self._complete:
                kind = AnswerTruncated if self._head_done else AnswerInvalid
                self.fail(kind(f"{type(error).__name__}: not an answer to the request"))
                return
            self._surplus = True
        if self._head_done:
            self._wake()
            if self._buffered > _READ_AHEAD_BYTES and not self._read_paused and not self._complete:
                self._read_paused = True
                self._transport.pause_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        if self.busy and not self._complete:
            if self._head_done and self._until_close and error is None:
                self._complete = True
            elif self._failure is None:
                kind = AnswerTruncated if self._head_done else UpstreamClosed
                self._failure = kind("the upstream closed the connection")
        self._wake()
        self.resume_writing()
        self._on_lost(self)

    def pause_writing(self) -> None:
        self._write_paused = True

    def resume_writing(self) -> None:
        self._write_paused = False
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    # llhttp

    def on_message_begin(self) -> None:
        if self._complete:
            self._surplus = True
        self._interim = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._head_done:  # what comes later are trailers, which ASGI cannot carry
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._complete or self._parser is None:
            return
        status = self._parser.get_status_code()
        if status < 200:
            if status == 101 or status < 100:
                raise ValueError("nobody asked for another protocol")
            self._interim = True
            self.headers = []
            if status == 100:
                self._go_on()
            return
        if status > 599:
            raise ValueError("not a status")
        self.status = status
        self._head_done = True
        self._go_on()
        if self._is_head:
            self._reusable = self._keeps_alive()
            self._complete = True
            self._parser = None  # it waits for a body that does not come

    @property
    def _until_close(self) -> bool:
        """RFC 9112, section 6.3: nothing else tells the length of this answer."""
        if self.status in _BODILESS:
            return False
        coded = [value for name, value in self.headers if name.lower() == b"transfer-encoding"]
        if coded:
            return not coded[-1].lower().strip().endswith(b"chunked")
        return not any(name.lower() == b"content-length" for name, _ in self.headers)

    def _go_on(self) -> None:
        if self._continue is not None and not self._continue.done():
            self._continue.set_result(None)

    def _keeps_alive(self) -> bool:
        """RFC 9112, section 9.3: for answers to HEAD, whose length llhttp waits for."""
        options = b",".join(value.lower() for name, value in self.headers if name.lower() == b"connection")
        version = self._parser.get_http_version() if self._parser else "1.0"
        return bool(version == "1.1" and b"close" not in options)

    def on_body(self, part: bytes) -> None:
        if self._complete:
            self._surplus = True
        else:
            self._parts.append(part)
            self._buffered += len(part)

    def on_message_complete(self) -> None:
        if self._interim or self._complete or self._parser is None:
            return
        self._reusable = self._parser.should_keep_alive()
        self._complete = True

"""The other engine: any transport of httpx, for HTTP/2, for tests and for embedding.

It is the transport and not the client: no cookie jar, no redirects, no environment, and headers as they are.
"""

from collections.abc import AsyncIterator, Sequence
from typing import cast

import httpx

from hfdeploy_proxy.rules.errors import (
    AnswerInvalid,
    AnswerTimedOut,
    AnswerTruncated,
    ConnectTimedOut,
    Header,
    PoolExhausted,
    UpstreamClosed,
    UpstreamError,
    UpstreamUnreachable,
)
from hfdeploy_proxy.rules.headers import is_answer
from hfdeploy_proxy.upstream.http1 import Limits
from hfdeploy_proxy.upstream.port import IDEMPOTENT, Answer, Body

_BEFORE = (
    (httpx.ConnectTimeout, ConnectTimedOut),
    (httpx.PoolTimeout, PoolExhausted),
    (httpx.TimeoutException, AnswerTimedOut),
    (httpx.ConnectError, UpstreamUnreachable),
    (httpx.ProtocolError, AnswerInvalid),
    (httpx.TransportError, UpstreamClosed),
)


class HttpxUpstream:
    """Implements `hfdeploy_proxy.upstream.port.Upstream` on ``transport``, for an upstream at ``origin``."""

    def __init__(self, origin: str, transport: httpx.AsyncBaseTransport, limits: Limits) -> None:
        self._origin = httpx.URL(origin)
        self._transport = transport
        self._limits = limits

    async def send(
        self, method: bytes, target: bytes, headers: Sequence[Header], body: Body | None
    ) -> Answer:
        """What a transport of httpx sends is sent wholly before an answer is read."""
        again = body is None and method in IDEMPOTENT
        while True:
            try:
                return await self._send(method, target, headers, body)
            except httpx.TransportError as error:
                failure = _before(error)
                if not again or not isinstance(failure, UpstreamClosed):
                    raise failure from None
                again = False

    async def _send(
        self, method: bytes, target: bytes, headers: Sequence[Header], body: Body | None
    ) -> Answer:
        pairs = [*headers]
        if body is not None:
            length = body.length
            chunked = (b"transfer-encoding", b"chunked")
            pairs.append(chunked if length is None else (b"content-length", b"%d" % length))
        stream = _Upload(body)
        limits = self._limits
        timeout = httpx.Timeout(
            connect=limits.connect_seconds,
            pool=limits.pool_seconds,
            read=limits.answer_seconds,
            write=limits.idle_seconds,
        ).as_dict()
        request = httpx.Request(
            method.decode(),
            self._url(target),
            headers=pairs,
            stream=stream,
            extensions={
                # A URL's path is quoted anew: this one is sent as it is, where the transport sends anything.
                "target": target,
                "timeout": timeout,
                "expects_continue": body is not None and body.expects_continue,
            },
        )
        response = await self._transport.handle_async_request(request)
        timeout["read"] = limits.idle_seconds  # from here on it is the body's: httpcore looks again
        answer = HttpxAnswer(response, stream)
        if not is_answer(answer.status, answer.headers):
            await answer.close()
            raise AnswerInvalid("its framing or its status makes no sense")
        return answer

    async def close(self) -> None:
        await self._transport.aclose()

    def _url(self, target: bytes) -> httpx.URL:
        try:
            return self._origin.copy_with(raw_path=target)
        except httpx.InvalidURL:
            return self._origin


class _Upload(httpx.AsyncByteStream):
    """The client's body as httpx reads it."""

    def __init__(self, body: Body | None) -> None:
        self._body = body
        self.ended = body is None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._body is not None:
            async for part in self._body.parts:
                if part:
                    yield part
        self.ended = True


class HttpxAnswer:
    """Implements `hfdeploy_proxy.upstream.port.Answer`."""

    def __init__(self, response: httpx.Response, upload: _Upload) -> None:
        self._stream = cast("httpx.AsyncByteStream", response.stream)
        self._parts = aiter(self._stream)
        self._upload = upload
        self.status = response.status_code
        self.headers: Sequence[Header] = response.headers.raw
        self.ended = False

    @property
    def sent_all(self) -> bool:
        """Whether httpx has read the whole body of the request."""
        return self._upload.ended

    async def read(self) -> bytes:
        """The next part of the body; empty at its end. Raises AnswerTruncated."""
        try:
            return await anext(self._parts)
        except StopAsyncIteration:
            self.ended = True
            return b""
        except httpx.TransportError as error:
            raise AnswerTruncated(f"{type(error).__name__} in the answer") from None

    async def close(self) -> None:
        """Give the connection back, or close it if not everything was read."""
        await self._stream.aclose()


def _before(error: httpx.TransportError) -> UpstreamError:
    """What a failure of the transport means before there is an answer."""
    if "disconnected" in str(error):  # httpcore makes no difference between no answer and a bad one
        return UpstreamClosed("the upstream closed the connection")
    kind = next(ours for theirs, ours in _BEFORE if isinstance(error, theirs))
    return kind(f"{type(error).__name__} before the answer")

"""What the engine `httpx` sends by: its own transport, or one that was given to the application."""

import asyncio
from collections.abc import AsyncIterator
from importlib.util import find_spec
from typing import cast

import httpx

from hfdeploy_proxy.upstream.circuit import Circuit
from hfdeploy_proxy.upstream.dial import Address, dial, make_tls_context
from hfdeploy_proxy.upstream.http1 import Http1Upstream, Limits
from hfdeploy_proxy.upstream.http2 import Http2Transport
from hfdeploy_proxy.upstream.port import Answer, Body


class CircuitTransport(httpx.AsyncBaseTransport):
    """A transport behind the circuit breaker. Raises CircuitOpen besides what ``transport`` raises."""

    def __init__(self, transport: httpx.AsyncBaseTransport, circuit: Circuit) -> None:
        self._transport = transport
        self._circuit = circuit

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._circuit.check()
        try:
            response = await self._transport.handle_async_request(request)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            self._circuit.failed()
            raise
        self._circuit.succeeded()
        return response

    async def aclose(self) -> None:
        await self._transport.aclose()


class NetworkTransport(httpx.AsyncBaseTransport):
    """HTTP/2 by httpx where `h2` is installed and the upstream offers it; else HTTP/1.1 by our own engine.

    For HTTP/1.1 httpx looks at all its connections with each request (measured in docs/benchmarks.md).
    """

    def __init__(self, address: Address, limits: Limits, circuit: Circuit) -> None:
        self._address = address
        self._limits = limits
        self._circuit = circuit
        self._chosen: httpx.AsyncBaseTransport | None = None
        self._choosing = asyncio.Lock()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._chosen is None:
            async with self._choosing:
                self._chosen = self._chosen or await self._choose()
        return await self._chosen.handle_async_request(request)

    async def aclose(self) -> None:
        if self._chosen is not None:
            await self._chosen.aclose()

    async def _choose(self) -> httpx.AsyncBaseTransport:
        """What an upstream speaks it says in a TLS handshake: one connection is made for that alone."""
        if self._address.tls and find_spec("h2") is not None:
            timeout_seconds = self._limits.connect_seconds
            tls = make_tls_context("h2", "http/1.1")
            asked = await dial(
                self._address, _Asked, timeout_seconds=timeout_seconds, circuit=self._circuit, tls=tls
            )
            if asked.protocol == "h2":
                return CircuitTransport(Http2Transport(self._limits), self._circuit)
        return Http1Transport(Http1Upstream(self._address, self._limits, self._circuit))


class _Asked(asyncio.Protocol):
    """A connection that learns which protocol the upstream chose, and is closed."""

    protocol: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.protocol = transport.get_extra_info("ssl_object").selected_alpn_protocol()
        transport.close()


class Http1Transport(httpx.AsyncBaseTransport):
    """The engine `http1` as a transport of httpx, for requests of `HttpxUpstream`. Raises UpstreamError."""

    def __init__(self, upstream: Http1Upstream) -> None:
        self._upstream = upstream

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        told = request.extensions
        headers = []
        body = None
        parts = cast("AsyncIterator[bytes]", request.stream)
        for name, value in request.headers.raw:
            if name == b"transfer-encoding":
                body = Body(None, parts, told["expects_continue"])
            elif name == b"content-length" and value != b"0":
                body = Body(int(value), parts, told["expects_continue"])
            else:
                headers.append((name, value))
        answer = await self._upstream.send(request.method.encode(), told["target"], headers, body)
        return httpx.Response(answer.status, headers=[*answer.headers], stream=_Download(answer))

    async def aclose(self) -> None:
        await self._upstream.close()


class _Download(httpx.AsyncByteStream):
    """An answer's body as httpx reads it."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while part := await self._answer.read():
            yield part

    async def aclose(self) -> None:
        await self._answer.close()

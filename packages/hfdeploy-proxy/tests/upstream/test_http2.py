"""HTTP/2 towards the upstream, by the engine `httpx`; its WebSockets stay with HTTP/1.1."""

import asyncio
import json
import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import ClassVar, cast

import pytest
import trustme
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from ..conftest import LoopThread, Relay


class Http2Server(asyncio.Protocol):
    """Echoes requests as JSON; what asks for /silence gets a beginning, and no end.

    A client that does not speak HTTP/2 is told what it speaks.
    """

    there: ClassVar[set[asyncio.BaseTransport]] = set()
    left = threading.Semaphore(0)

    def connection_lost(self, error: Exception | None) -> None:
        self.there.discard(self._transport)
        self.left.release()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.there.add(transport)
        self._transport = cast("asyncio.Transport", transport)
        self._speaks = transport.get_extra_info("ssl_object").selected_alpn_protocol()
        self._requests: dict[int, list[tuple[str, str]]] = {}
        self._bodies: dict[int, bytes] = {}
        self._connection = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        if self._speaks == "h2":
            self._connection.initiate_connection()
            transport.write(self._connection.data_to_send())

    def data_received(self, data: bytes) -> None:
        if self._speaks != "h2":
            spoken = str(self._speaks).encode()
            self._transport.write(b"HTTP/1.1 418 X\r\nContent-Length: %d\r\n\r\n" % len(spoken) + spoken)
            return
        for event in self._connection.receive_data(data):
            if isinstance(event, RequestReceived):
                self._requests[event.stream_id] = [*event.headers]
                self._bodies[event.stream_id] = b""
            elif isinstance(event, DataReceived):
                self._bodies[event.stream_id] += event.data
                self._connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, StreamEnded):
                self._answer(event.stream_id)
        self._transport.write(self._connection.data_to_send())

    def _answer(self, stream: int) -> None:
        if (":path", "/silence") in self._requests[stream]:
            self._connection.send_headers(stream, [(":status", "200")])
            self._connection.send_data(stream, b"hello")
            return
        body = json.dumps([self._requests[stream], len(self._bodies[stream])]).encode()
        self._connection.send_headers(
            stream, [(":status", "200"), ("set-cookie", "a=1"), ("set-cookie", "b=2")]
        )
        self._connection.send_data(stream, body, end_stream=True)


@pytest.fixture
def port(authority: trustme.CA, servers: LoopThread) -> Iterator[int]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["h2", "http/1.1"])
    authority.issue_cert("localhost").configure_cert(context)

    async def listen() -> asyncio.Server:
        return await servers.loop.create_server(Http2Server, "127.0.0.1", 0, ssl=context)

    async def close() -> None:
        server.close()

    Http2Server.there.clear()
    server = servers.run(listen())
    yield server.sockets[0].getsockname()[1]
    servers.run(close())


def test_requests_pass_by_http_2(start_relay: Callable[..., Relay], port: int, canary: str) -> None:
    relay = start_relay(target_url=f"https://localhost:{port}", engine="httpx")
    answer = relay.ask("POST", "/a%2Fb?x", "X-One: 1", "Connection: keep-alive", body=b"x" * 100_000)
    headers, length = json.loads(answer.body)
    found = dict(headers)
    assert length == 100_000
    assert (found[":method"], found[":path"], found[":authority"]) == (
        "POST",
        "/a%2Fb?x",
        f"localhost:{port}",
    )
    assert found["authorization"] == f"Bearer {canary}"
    assert found["x-one"] == "1"
    assert not {"connection", "host", "transfer-encoding"} & found.keys()
    assert answer.values("set-cookie") == ["a=1", "b=2"]


def test_the_most_talkative_log_does_not_tell_the_token(
    start_relay: Callable[..., Relay], port: int, canary: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        assert (
            start_relay(target_url=f"https://localhost:{port}", engine="httpx").ask("GET", "/").status == 200
        )
    assert "httpcore" in caplog.text
    assert canary not in caplog.text


def test_a_websocket_does_not(start_relay: Callable[..., Relay], port: int) -> None:
    relay = start_relay(target_url=f"https://localhost:{port}", engine="httpx")
    assert relay.ask("GET", "/").status == 200
    with pytest.raises(InvalidStatus) as denied:
        connect(f"ws://127.0.0.1:{relay.port}", proxy=None)
    assert (denied.value.response.status_code, denied.value.response.body) == (418, b"http/1.1")


def test_silent_streams_keep_nobody_waiting(start_relay: Callable[..., Relay], port: int) -> None:
    relay = start_relay(target_url=f"https://localhost:{port}", engine="httpx")
    for _ in range(101):  # more than one connection carries
        relay.connect().send(b"GET /silence HTTP/1.1\r\nHost: a\r\n\r\n").read_until(b"hello")
    assert relay.ask("GET", "/").status == 200


def test_a_client_that_leaves_takes_the_upstream_with_it(
    start_relay: Callable[..., Relay], port: int
) -> None:
    relay = start_relay(target_url=f"https://localhost:{port}", engine="httpx")
    for _ in range(2):
        peer = relay.connect().send(b"GET /silence HTTP/1.1\r\nHost: a\r\n\r\n")
        peer.read_until(b"hello")
    while Http2Server.left.acquire(blocking=False):
        pass
    peer.close()
    assert Http2Server.left.acquire(timeout=5)
    assert relay.ask("GET", "/").status == 200


def test_connections_closed_while_idle_cost_a_get_nothing(
    start_relay: Callable[..., Relay], port: int, servers: LoopThread
) -> None:
    relay = start_relay(target_url=f"https://localhost:{port}", engine="httpx")
    begun = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na"
    peers = [relay.connect().send(begun) for _ in range(3)]
    while len(Http2Server.there) < 3:
        time.sleep(0.001)
    assert [peer.send(b"b").read_answer().status for peer in peers] == [200] * 3

    async def close() -> None:
        for transport in Http2Server.there:
            transport.close()

    servers.run(close())
    assert [relay.ask("GET", "/").status for _ in range(3)] == [200] * 3

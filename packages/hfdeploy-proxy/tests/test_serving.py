"""What uvicorn leaves open, over real sockets: answers are never mixed, and nobody waits for nothing."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from hfdeploy_proxy import create_app
from hfdeploy_proxy.settings import load_settings

from .conftest import Conversation, LoopThread, Relay, Seen, Upstream

ASK = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
HANDSHAKE = (
    b"Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


@pytest.mark.parametrize(
    "next_bytes",
    [
        b"\x00\r\n\r\n",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 3000,
        b"GET / HTTP/1.1\r\n" + HANDSHAKE + b"\r\n",
    ],
    ids=["bad", "slow", "long", "upgrade"],
)
def test_what_is_wrong_with_the_next_request_does_not_stand_in_this_answer(
    start_app_with: Callable[..., Relay], upstream: Upstream, servers: LoopThread, next_bytes: bytes
) -> None:
    released = asyncio.Event()

    async def answer_in_halves(conversation: Conversation, seen: Seen) -> None:
        await conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n" + b"1" * 200)
        await released.wait()
        await conversation.send(b"2" * 200)

    upstream.handler = answer_in_halves
    relay = start_app_with(header_timeout_seconds=0.05, max_header_bytes=2000)
    peer = relay.connect().send(ASK)
    head, half = peer.read_until(b"\r\n\r\n"), peer.read_exactly(200)
    peer.send(next_bytes).socket.settimeout(0.2)
    with pytest.raises(TimeoutError):
        peer.read_exactly(1)
    peer.socket.settimeout(5)
    servers.loop.call_soon_threadsafe(released.set)
    assert head.startswith(b"HTTP/1.1 200 ")
    assert half + peer.read_rest() == b"1" * 200 + b"2" * 200
    assert len(upstream.seen) == 1


@pytest.mark.parametrize("together", [True, False])
def test_a_client_that_leaves_is_missed_behind_a_request_that_waits_too(
    relay: Relay, upstream: Upstream, together: bool
) -> None:
    async def silent(conversation: Conversation, seen: Seen) -> None:
        await conversation.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        await conversation.reader.read()

    upstream.handler = silent
    peer = relay.connect().send(ASK * (2 if together else 1))
    peer.read_until(b"data: 1")
    if not together:
        peer.socket.settimeout(0.1)  # the relay looks out by now
        with pytest.raises(TimeoutError):
            peer.read_until(b"data: 2")
        peer.send(ASK)
    peer.close()
    assert upstream.closed.acquire(timeout=5)
    assert len(upstream.seen) == 1


def test_a_body_that_cannot_be_read_ends_the_request(relay: Relay, upstream: Upstream) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    peer = relay.connect().send(head)
    while not upstream.seen:
        time.sleep(0.001)
    assert peer.send(b"zz\r\n").read_answer().problem() == "request-invalid"
    assert peer.read_rest() == b""
    assert upstream.closed.acquire(timeout=5)


@pytest.mark.parametrize("parts", [1, 2])
def test_who_asks_for_another_protocol_gets_http_1(relay: Relay, upstream: Upstream, parts: int) -> None:
    head = (
        b"POST /? HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: AAMAAABk\r\nX-A: \xe4\r\nContent-Length: 5\r\n\r\n"
    )
    peer = relay.connect()
    for _ in range(2):
        if parts == 1:
            peer.send(head + b"hello" + ASK)
        else:
            peer.send(head)
            time.sleep(0.02)
            peer.send(b"hello").send(ASK)
        assert (peer.read_answer().body, peer.read_answer().body) == (b"ok", b"ok")
    seen = upstream.seen[0]
    assert (seen.line, seen.body, seen.values("x-a")) == (b"POST /? HTTP/1.1", b"hello", ["\xe4"])
    assert not seen.values("upgrade") + seen.values("http2-settings") + seen.values("connection")
    assert [seen.body for seen in upstream.seen] == [b"hello", b""] * 2


def test_there_are_no_tunnels(relay: Relay, upstream: Upstream) -> None:
    peer = relay.connect().send(b"CONNECT there:80 HTTP/1.1\r\nHost: there:80\r\n\r\n")
    assert peer.read_answer().problem() == "request-invalid"
    assert upstream.opened == 0


def test_trailers_are_no_headers(relay: Relay, upstream: Upstream) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"
    answer = relay.connect().send(head + b"Host: b\r\nX-Real: no\r\nX-API-Key: no\r\n\r\n").read_answer()
    assert answer.status == 200
    assert upstream.seen[0].body == b"abc"
    assert not upstream.seen[0].values("x-real") + upstream.seen[0].values("x-api-key")


@pytest.mark.parametrize("part", [b"X: 1\r\n" * 1000, b"x" * 6000], ids=["lines", "line"])
def test_trailers_without_an_end_are_not_kept(
    start_app_with: Callable[..., Relay], upstream: Upstream, part: bytes
) -> None:
    relay = start_app_with(max_header_bytes=5000)
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: "
    peer = relay.connect().send(head)
    while not upstream.seen:
        time.sleep(0.001)
    assert peer.send(part).read_answer().problem() == "headers-too-large"


@pytest.mark.parametrize(
    ("line", "more", "status"),
    [
        (b"GET /?" + b"x" * 9000, b"", 431),
        (b"GET /", b"X: 1\r\n" * 200, 431),
        (b"GET /", b"Content-Length: 1\r\n", 400),
    ],
    ids=["line", "lines", "body"],
)
def test_a_handshake_that_cannot_be_read_is_answered(
    relay: Relay, upstream: Upstream, line: bytes, more: bytes, status: int
) -> None:
    peer = relay.connect().send(line + b" HTTP/1.1\r\n" + HANDSHAKE + more + b"\r\nx")
    answer = peer.read_answer()
    assert (answer.status, answer.values("content-type")) == (status, ["application/problem+json"])
    assert peer.read_rest() == b""
    assert upstream.opened == 0


@pytest.mark.parametrize(
    ("said", "instead"),
    [
        (b"Version: 13", b"Version: 12"),
        (b"Key: dGhlIHNhbXBsZSBub25jZQ==", b"Key: short"),
        (b"Sec-WebSocket-Key", b"X-Key"),
    ],
)
def test_a_handshake_of_another_kind_is_refused(
    relay: Relay, upstream: Upstream, said: bytes, instead: bytes
) -> None:
    peer = relay.connect().send(b"GET / HTTP/1.1\r\n" + HANDSHAKE.replace(said, instead) + b"\r\n")
    answer = peer.read_answer()
    assert (answer.status, answer.problem()) == (400, "handshake-invalid")
    assert answer.values("sec-websocket-version") == ["13"]
    assert peer.read_rest() == b""
    assert upstream.opened == 0


def test_a_failure_of_the_relay_itself_has_the_same_shape(
    start_app: Callable[[Any], Relay], canary: str
) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise RuntimeError("a secret of the transport")

    settings = load_settings(target_url="http://there", hf_token=canary)
    relay = start_app(create_app(settings, transport=httpx.MockTransport(fail)))
    answer = relay.ask("GET", "/")
    assert (answer.status, answer.problem()) == (500, "relay-failed")
    assert b"secret" not in answer.body

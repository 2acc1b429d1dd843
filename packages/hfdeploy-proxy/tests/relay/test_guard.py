"""Who may come in, over real sockets."""

import asyncio
import socket
from collections.abc import Callable

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from hfdeploy_proxy.rules.guard import digest_key

from ..conftest import Conversation, LoopThread, Relay, Seen, Upstream

KEY = "k" * 43
KEYS = f"alice:{digest_key(KEY.encode()).hex()}"
Start = Callable[..., Relay]


def test_only_who_has_a_key_comes_in(start_relay: Start, upstream: Upstream, canary: str) -> None:
    relay = start_relay(api_keys=KEYS)
    refused = relay.ask("GET", "/")
    assert (refused.status, refused.problem()) == (401, "key-refused")
    assert refused.values("www-authenticate") == ['Bearer realm="relay"']
    assert relay.ask("GET", "/", "X-API-Key: wrong").status == 401
    assert not upstream.seen
    for header in (f"X-API-Key: {KEY}", f"Authorization: Bearer {KEY}"):
        assert relay.ask("GET", "/", header).status == 200
    for seen in upstream.seen:
        assert KEY.encode() not in seen.head
        assert seen.values("authorization") == [f"Bearer {canary}"]
    assert relay.ask("GET", "/_relay/healthz").status == 200
    with pytest.raises(InvalidStatus) as denied:
        connect(f"ws://127.0.0.1:{relay.port}", proxy=None)
    assert denied.value.response.status_code == 401


@pytest.mark.parametrize(
    ("header", "passed"),
    [(f"X-API-Key: {KEY}", ["Bearer theirs"]), (f"Authorization: Bearer {KEY}", [])],
)
def test_a_key_does_not_pass_for_the_clients_own_authorization(
    start_relay: Start, upstream: Upstream, header: str, passed: list[str]
) -> None:
    relay = start_relay(api_keys=KEYS, auth_mode="x-hf-authorization")
    own = ["Authorization: Bearer theirs"] if passed else []
    assert relay.ask("GET", "/", header, *own).status == 200
    assert upstream.seen[0].values("authorization") == passed


def test_a_page_learns_why_it_was_refused(start_relay: Start) -> None:
    relay = start_relay(api_keys=KEYS, allow_origins="https://a.com")
    preflight = relay.ask(
        "OPTIONS", "/", "Origin: https://a.com", "Access-Control-Request-Method: GET", "Host: relay.test"
    )
    assert preflight.status == 204
    refused = relay.ask("GET", "/", "Origin: https://a.com")
    assert refused.status == 401
    assert refused.values("access-control-allow-origin") == ["https://a.com"]
    assert relay.ask("GET", "/", "Origin: https://b.com").values("access-control-allow-origin") == []


def test_methods_and_paths_that_are_not_listed_are_refused(start_relay: Start, upstream: Upstream) -> None:
    relay = start_relay(allow_methods="GET", allow_paths="/api/*")
    assert relay.ask("GET", "/api/x?y").status == 200
    refused = relay.ask("POST", "/api/x")
    assert (refused.status, refused.problem(), refused.values("allow")) == (405, "method-refused", ["GET"])
    assert relay.ask("GET", "/api/../x").problem() == "path-refused"
    assert len(upstream.seen) == 1


def test_who_asks_too_often_is_told_when_to_come_back(start_relay: Start, upstream: Upstream) -> None:
    relay = start_relay(rate_limit_per_client="2/hour", trusted_hops=1)
    ask = [relay.ask("GET", "/", "X-Forwarded-For: 1.1.1.1").status for _ in range(3)]
    assert ask == [200, 200, 429]
    refused = relay.ask("GET", "/", "X-Forwarded-For: 6.6.6.6, 1.1.1.1")
    assert (refused.status, refused.problem()) == (429, "rate-limited")
    assert 0 < int(refused.values("retry-after")[0]) <= 3600
    assert relay.ask("GET", "/", "X-Forwarded-For: 1.1.1.2").status == 200
    assert len(upstream.seen) == 3


def test_a_body_that_is_too_long_is_refused(start_relay: Start, upstream: Upstream, engine: str) -> None:
    relay = start_relay(max_body_bytes=10, engine=engine)
    assert relay.ask("POST", "/", body=b"x" * 10).status == 200
    refused = relay.ask("POST", "/", body=b"x" * 11)
    assert (refused.status, refused.problem()) == (413, "body-too-large")
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunked = relay.connect().send(head + b"8\r\n01234567\r\n").send(b"8\r\n01234567\r\n0\r\n\r\n")
    assert chunked.read_answer().problem() == "body-too-large"
    assert len(upstream.seen) <= 2
    assert all(len(seen.body) <= 10 for seen in upstream.seen)


def test_a_long_upload_that_is_refused_is_answered_and_not_reset(start_relay: Start) -> None:
    relay = start_relay(max_body_bytes=10)
    size = 2**22
    peer = relay.connect().send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
    peer.send(b"x" * size)
    assert peer.read_answer().problem() == "body-too-large"
    assert peer.read_rest() == b""


@pytest.mark.parametrize("pieces", [1, 4])
def test_a_head_that_is_too_long_is_refused(start_app_with: Start, upstream: Upstream, pieces: int) -> None:
    relay = start_app_with(max_header_bytes=2000)
    peer = relay.connect()
    sent = b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * 2000 + b"\r\n\r\n"
    step = len(sent) // pieces + 1
    for start in range(0, len(sent), step):
        peer.send(sent[start : start + step])
    answer = peer.read_answer()
    assert (answer.status, answer.problem()) == (431, "headers-too-large")
    assert not upstream.seen
    body = b"y" * 5000
    assert relay.ask("POST", "/", "X-Short: " + "x" * 1000, body=body).status == 200


def test_a_head_without_an_end_is_not_waited_for(start_app_with: Start, upstream: Upstream) -> None:
    relay = start_app_with(header_timeout_seconds=0.3)
    slow = relay.connect().send(b"GET / HTTP/1.1\r\nHost: a\r\n")
    silent = relay.connect()
    used = relay.connect().send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert used.read_answer().status == 200
    for peer in (slow, silent):
        assert peer.read_answer().problem() == "headers-too-slow"
        assert peer.read_rest() == b""
    assert used.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").read_answer().status == 200
    used.send(b"GET / HT")
    assert used.read_answer().problem() == "headers-too-slow"
    assert len(upstream.seen) == 2


def test_a_slow_answer_and_a_websocket_are_no_slow_heads(
    start_app_with: Start, upstream: Upstream, servers: LoopThread
) -> None:
    released = asyncio.Event()

    async def answer_late(conversation: Conversation, seen: Seen) -> None:
        await released.wait()
        await conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    upstream.handler = answer_late
    relay = start_app_with(header_timeout_seconds=0.1)
    peer = relay.connect().send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    peer.socket.settimeout(0.5)
    with pytest.raises(socket.timeout):
        peer.read_until(b"\r\n")
    peer.socket.settimeout(10)
    servers.loop.call_soon_threadsafe(released.set)
    assert peer.read_answer().status == 200


def test_no_more_requests_at_a_time_than_allowed(
    start_relay: Start, upstream: Upstream, servers: LoopThread
) -> None:
    released = asyncio.Event()

    async def answer_late(conversation: Conversation, seen: Seen) -> None:
        await released.wait()
        await conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    upstream.handler = answer_late
    relay = start_relay(max_requests=2)
    waiting = [relay.connect().send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") for _ in range(2)]
    while len(upstream.seen) < 2:
        pass
    refused = relay.ask("GET", "/")
    assert (refused.status, refused.problem(), refused.values("retry-after")) == (503, "too-busy", ["1"])
    with pytest.raises(InvalidStatus) as denied:
        connect(f"ws://127.0.0.1:{relay.port}", proxy=None)
    assert denied.value.response.status_code == 503
    servers.loop.call_soon_threadsafe(released.set)
    assert [peer.read_answer().status for peer in waiting] == [200, 200]
    assert relay.ask("GET", "/").status == 200

"""The contract of a relay, over real sockets."""

import asyncio
import hashlib
import time
from collections.abc import Callable

import pytest

from ..conftest import Conversation, LoopThread, Relay, Seen, Upstream, free_port

HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def relay(start_relay: Callable[..., Relay], engine: str) -> Relay:
    return start_relay(engine=engine)


def test_what_is_sent_arrives(relay: Relay, upstream: Upstream, canary: str) -> None:
    answer = relay.ask(
        "POST", "/a%2Fb/../c%3F?x=%20&&y=a+b", "X-One: 1", "X-Two: \xe4", "x-one: 2", body=b"hello"
    )
    assert (answer.status, answer.body) == (200, b"ok")
    (seen,) = upstream.seen
    assert seen.line == b"POST /a%2Fb/../c%3F?x=%20&&y=a+b HTTP/1.1"
    assert seen.body == b"hello"
    assert [pair for pair in seen.headers if pair[0].startswith(b"x-one") or pair[0] == b"x-two"] == [
        (b"x-one", b"1"),
        (b"x-two", b"\xe4"),
        (b"x-one", b"2"),
    ]
    assert seen.values("host") == [f"127.0.0.1:{upstream.port}"]
    assert seen.values("authorization") == [f"Bearer {canary}"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "TRACE"])
@pytest.mark.parametrize("body", [b"", b"a body"])
def test_every_method_passes_with_and_without_a_body(
    relay: Relay, upstream: Upstream, method: str, body: bytes
) -> None:
    assert relay.ask(method, "/", body=body).status == 200
    assert upstream.seen[0].line == f"{method} / HTTP/1.1".encode()
    assert upstream.seen[0].body == body


def test_an_empty_query_keeps_its_question_mark(relay: Relay, upstream: Upstream) -> None:
    relay.ask("GET", "/?")
    relay.ask("GET", "/")
    assert [seen.line for seen in upstream.seen] == [b"GET /? HTTP/1.1", b"GET / HTTP/1.1"]


def test_one_connection_serves_one_request_after_the_other(relay: Relay, upstream: Upstream) -> None:
    for _ in range(5):
        relay.ask("GET", "/")
    assert (len(upstream.seen), upstream.opened) == (5, 1)


def test_the_answer_arrives_as_it_was_sent(relay: Relay, upstream: Upstream) -> None:
    upstream.answers(
        HEAD + b"Set-Cookie: a=1\r\nX-A: \xe4\r\nSet-Cookie: b=2\r\nContent-Encoding: gzip\r\n"
        b"Date: then\r\nServer: theirs\r\nContent-Length: 3\r\n\r\n\x1f\x8b!"
    )
    answer = relay.ask("GET", "/")
    assert answer.headers == [
        ("set-cookie", "a=1"),
        ("x-a", "\xe4"),
        ("set-cookie", "b=2"),
        ("content-encoding", "gzip"),
        ("date", "then"),
        ("server", "theirs"),
        ("content-length", "3"),
        ("via", "1.1 hfdeploy-proxy"),
    ]
    assert answer.body == b"\x1f\x8b!"


def test_a_chunked_upload_stays_one(relay: Relay, upstream: Upstream) -> None:
    peer = relay.connect().send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    peer.send(b"3\r\nabc\r\n").send(b"2;ext=1\r\nde\r\n0\r\nTrailer: x\r\n\r\n")
    assert peer.read_answer().status == 200
    assert upstream.seen[0].body == b"abcde"
    assert upstream.seen[0].values("transfer-encoding") == ["chunked"]
    assert upstream.seen[0].values("trailer") == []


def test_an_empty_body_that_is_told_stays_told(
    start_relay: Callable[..., Relay], upstream: Upstream, engine: str
) -> None:
    relay = start_relay(engine=engine)
    assert relay.ask("PUT", "/", "Content-Length: 0").status == 200
    assert relay.ask("PUT", "/").status == 200
    told, untold = upstream.seen  # servers may insist on a length: RFC 9110, section 15.5.12
    assert told.values("content-length") == ["0"]
    assert untold.values("content-length") == told.values("transfer-encoding") == []


def test_large_bodies_pass_both_ways(relay: Relay, upstream: Upstream) -> None:
    sent = bytes(range(256)) * 4096 * 8

    async def echo(conversation: Conversation, seen: Seen) -> None:
        body = await conversation.read_body(seen)
        await conversation.send(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    upstream.handler = echo
    answer = relay.ask("PUT", "/", body=sent)
    assert hashlib.sha256(answer.body).digest() == hashlib.sha256(sent).digest()


def test_events_pass_one_by_one(relay: Relay, upstream: Upstream, servers: LoopThread) -> None:
    released = asyncio.Event()

    async def stream(conversation: Conversation, seen: Seen) -> str:
        await conversation.send(HEAD + b"Content-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        await released.wait()
        await conversation.send(b"data: 2\n\n")
        return "closed"

    upstream.handler = stream
    peer = relay.connect().send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b"data: 1\n\n" in peer.read_until(b"data: 1\n\n")
    assert not released.is_set()
    servers.loop.call_soon_threadsafe(released.set)
    assert peer.read_until(b"0\r\n\r\n").endswith(b"data: 2\n\n\r\n0\r\n\r\n")


@pytest.mark.parametrize("length", [b"Content-Length: 10\r\n", b"Transfer-Encoding: chunked\r\n", b""])
def test_head_has_the_headers_and_no_body(relay: Relay, upstream: Upstream, length: bytes) -> None:
    upstream.answers(HEAD + length + b"\r\n")
    peer = relay.connect()
    for _ in range(2):
        answer = peer.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").read_answer(bodiless=True)
        assert answer.values("content-length") == (["10"] if b"Length" in length else [])
    assert peer.pending == b""
    assert upstream.opened == 1


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body_have_none(relay: Relay, upstream: Upstream, status: int) -> None:
    upstream.answers(b"HTTP/1.1 %d X\r\nContent-Length: 10\r\nETag: x\r\n\r\n" % status)
    peer = relay.connect()
    for _ in range(2):
        answer = peer.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").read_answer()
        assert (answer.status, answer.values("content-length"), answer.values("etag")) == (status, [], ["x"])


def test_informational_answers_and_trailers_do_not_corrupt_the_answer(
    relay: Relay, upstream: Upstream
) -> None:
    upstream.answers(
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\nhi\r\n0\r\nX-Trailer: t\r\n\r\n"
    )
    answer = relay.ask("GET", "/")
    assert (answer.status, answer.body) == (200, b"hi")
    assert not answer.values("link") + answer.values("x-trailer")


def test_a_client_that_leaves_takes_the_upstream_with_it(relay: Relay, upstream: Upstream) -> None:
    async def silent(conversation: Conversation, seen: Seen) -> None:
        await conversation.send(HEAD + b"Content-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        await conversation.reader.read()

    upstream.handler = silent
    peer = relay.connect().send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    peer.read_until(b"data: 1")
    began = time.monotonic()
    peer.close()
    assert upstream.closed.acquire(timeout=5)
    assert time.monotonic() - began < 1


def test_a_client_that_leaves_before_the_answer_or_in_its_upload_does_too(
    relay: Relay, upstream: Upstream
) -> None:
    async def wait(conversation: Conversation, seen: Seen) -> None:
        await conversation.reader.read()

    upstream.handler = wait
    for request in (b"GET / HTTP/1.1\r\n", b"PUT / HTTP/1.1\r\nContent-Length: 10\r\n"):
        peer = relay.connect().send(request + b"Host: a\r\n\r\n")
        while upstream.opened == len(upstream.seen) == 0:
            time.sleep(0.001)
        time.sleep(0.05)
        peer.close()
        assert upstream.closed.acquire(timeout=5)


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 10\r\n\r\nhalf", b"Transfer-Encoding: chunked\r\n\r\n9\r\nhalf"]
)
def test_a_truncated_answer_is_never_finished(relay: Relay, upstream: Upstream, framing: bytes) -> None:
    async def stop(conversation: Conversation, seen: Seen) -> str:
        await conversation.send(HEAD + framing)
        return "closed"

    upstream.handler = stop
    peer = relay.connect().send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    told = peer.read_rest()
    assert told.endswith(b"\r\n\r\nhalf" if b"Length" in framing else b"\r\n\r\n4\r\nhalf\r\n")


@pytest.mark.parametrize("engine", ["http1", "httpx"])  # httpx's own transport reads it after the body
def test_an_early_answer_ends_the_upload(
    start_relay: Callable[..., Relay], upstream: Upstream, engine: str
) -> None:
    relay = start_relay(engine=engine)

    async def refuse(conversation: Conversation, seen: Seen) -> str:
        await conversation.send(
            b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig"
        )
        return "closed"

    upstream.handler = refuse
    peer = relay.connect().send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nonly this")
    answer = peer.read_answer()
    assert (answer.status, answer.body, answer.values("connection")) == (413, b"big", ["close"])


@pytest.mark.parametrize("engine", ["http1", "httpx"])  # with httpx's own transport the relay answers them
def test_expectations_are_passed_on(
    start_relay: Callable[..., Relay], upstream: Upstream, engine: str
) -> None:
    relay = start_relay(engine=engine)

    async def accept(conversation: Conversation, seen: Seen) -> None:
        assert seen.values("expect") == ["100-continue"]
        await conversation.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        seen.body = await conversation.read_body(seen)
        await conversation.send(HEAD + b"Content-Length: 0\r\n\r\n")

    upstream.handler = accept
    request = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
    peer = relay.connect().send(request)
    assert peer.read_head() == (100, [])
    assert peer.send(b"body").read_answer().status == 200
    assert upstream.seen[0].body == b"body"

    upstream.answers(b"")

    async def refuse(conversation: Conversation, seen: Seen) -> None:
        await conversation.send(b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")

    upstream.handler = refuse
    assert relay.connect().send(request).read_answer().status == 417


def test_a_connection_closed_while_idle_costs_a_get_nothing(relay: Relay, upstream: Upstream) -> None:
    async def once(conversation: Conversation, seen: Seen) -> str | None:
        if len(upstream.seen) == 2:
            return "closed"  # the second request finds the connection closed
        await conversation.send(HEAD + b"Content-Length: 0\r\n\r\n")
        return None

    upstream.handler = once
    assert relay.ask("GET", "/").status == 200
    assert relay.ask("GET", "/").status == 200
    assert (len(upstream.seen), upstream.opened) == (3, 2)


@pytest.mark.parametrize("engine", ["http1", "httpx"])  # what is given does not tell if a connection is new
def test_a_new_connection_that_is_closed_is_asked_once(
    start_relay: Callable[..., Relay], upstream: Upstream, engine: str
) -> None:
    async def close(conversation: Conversation, seen: Seen) -> str:
        return "closed"

    upstream.handler = close
    assert start_relay(engine=engine).ask("GET", "/").problem() == "upstream-closed"
    assert len(upstream.seen) == 1


def test_failures_of_the_upstream_have_one_shape(
    start_relay: Callable[..., Relay], upstream: Upstream, engine: str
) -> None:
    relay = start_relay(answer_timeout_seconds=0.1, engine=engine)

    async def close(conversation: Conversation, seen: Seen) -> str:
        return "closed"

    async def wait(conversation: Conversation, seen: Seen) -> None:
        await conversation.reader.read()

    for handler, status, name in (
        (close, 502, "upstream-closed"),
        (wait, 504, "answer-timed-out"),
    ):
        upstream.handler = handler
        answer = relay.ask("GET", "/")
        assert (answer.status, answer.problem()) == (status, name)
        assert str(upstream.port) not in answer.body.decode()
    for invalid in (
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        HEAD + b"A: " + b"x" * 2**20 + b"\r\n\r\n",
        b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
    ):
        upstream.answers(invalid)
        answer = relay.ask("GET", "/")
        assert (answer.status, answer.problem()) == (502, "answer-invalid"), invalid[:60]
    unreachable = start_relay(target_url="http://127.0.0.1:9", engine=engine).ask("GET", "/")
    assert (unreachable.status, unreachable.problem()) == (502, "upstream-unreachable")


def test_an_upstream_that_accepts_nothing_is_not_tried_by_every_request(
    start_relay: Callable[..., Relay], engine: str
) -> None:
    relay = start_relay(target_url=f"http://127.0.0.1:{free_port()}", engine=engine)
    told = [relay.ask("GET", "/").problem() for _ in range(12)]
    assert told == ["upstream-unreachable"] * 10 + ["circuit-open"] * 2
    page = relay.ask("GET", "/", "Accept: text/html")
    assert (page.status, page.values("content-type")) == (503, ["text/html; charset=utf-8"])
    assert page.values("retry-after") == ["2"]


def test_without_a_token_nothing_passes(start_relay: Callable[..., Relay], upstream: Upstream) -> None:
    relay = start_relay(hf_token_file="/dev/null", hf_token=None)
    answer = relay.ask("GET", "/")
    assert (answer.status, answer.problem()) == (503, "token-missing")
    assert relay.ask("GET", "/_relay/readyz").status == 503
    assert relay.ask("GET", "/_relay/healthz").status == 200
    assert upstream.opened == 0


def test_a_client_of_the_old_protocol_gets_no_chunks(relay: Relay, upstream: Upstream) -> None:
    upstream.answers(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3\r\n yo\r\n0\r\n\r\n")
    told = relay.connect().send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n").read_rest()
    assert told.endswith(b"\r\n\r\nhi yo")
    assert b"chunked" not in told
    assert b"\r\nconnection: close\r\n" in told


def test_when_all_connections_are_taken_requests_wait_their_turn(
    start_relay: Callable[..., Relay], upstream: Upstream, servers: LoopThread
) -> None:
    relay = start_relay(max_connections=1, pool_timeout_seconds=0.2)
    released = asyncio.Event()

    async def wait(conversation: Conversation, seen: Seen) -> None:
        await released.wait()
        await conversation.send(HEAD + b"Content-Length: 2\r\n\r\nok")

    upstream.handler = wait
    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    first = relay.connect().send(request)
    while not upstream.seen:
        time.sleep(0.001)
    late = relay.ask("GET", "/")
    assert (late.status, late.problem(), late.values("retry-after")) == (503, "pool-exhausted", ["1"])
    second = relay.connect().send(request)
    servers.loop.call_soon_threadsafe(released.set)
    assert [peer.read_answer().body for peer in (first, second)] == [b"ok", b"ok"]
    assert upstream.opened == 1


def test_a_slow_client_holds_the_upstream_back(relay: Relay, upstream: Upstream) -> None:
    sent = 0

    async def pour(conversation: Conversation, seen: Seen) -> None:
        nonlocal sent
        await conversation.send(HEAD + b"Content-Length: %d\r\n\r\n" % (64 * 2**20))
        while sent < 64:
            await conversation.send(b"x" * 2**20)
            sent += 1

    upstream.handler = pour
    peer = relay.connect().send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    time.sleep(0.5)
    assert sent < 32  # what buffers hold
    assert peer.read_head()[0] == 200
    left = 64 * 2**20 - len(peer.pending)
    while left:
        left -= len(peer.socket.recv(2**20))


def test_a_slow_upstream_holds_the_client_back(relay: Relay, upstream: Upstream) -> None:
    async def wait(conversation: Conversation, seen: Seen) -> None:
        conversation.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.Event().wait()

    upstream.handler = wait
    peer = relay.connect().send(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (64 * 2**20))
    peer.socket.settimeout(0.5)
    with pytest.raises(TimeoutError):
        peer.send(b"x" * 64 * 2**20)

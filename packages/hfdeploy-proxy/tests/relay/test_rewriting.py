"""Bodies that are changed on the way, over real sockets."""

import asyncio
import gzip
from collections.abc import Callable

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from ..conftest import Conversation, LoopThread, Relay, Seen, Upstream

Start = Callable[..., Relay]


def answer(kind: str, body: bytes, *headers: str) -> bytes:
    head = ["HTTP/1.1 200 OK", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(head).encode() + body


def test_a_page_names_the_relay(start_relay: Start, upstream: Upstream, engine: str) -> None:
    relay = start_relay(rewrite_origin=True, engine=engine)
    page = f'<base href="http://127.0.0.1:{upstream.port}/a">'.encode()
    upstream.answers(answer("text/html", page, 'ETag: "1"'))
    found = relay.ask("GET", "/", "Accept-Encoding: gzip, br")
    assert found.body == b'<base href="http://relay.test/a">'
    assert found.values("content-length") == []
    assert found.values("etag") == []
    assert upstream.seen[0].values("accept-encoding") == ["identity"]
    upstream.answers(answer("text/css", page, 'ETag: "1"'))
    other = relay.ask("GET", "/")
    assert (other.body, other.values("etag")) == (page, ['"1"'])
    packed = gzip.compress(page)
    upstream.answers(answer("text/html", packed, "Content-Encoding: gzip"))
    assert relay.ask("GET", "/").body == packed
    upstream.answers(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 7\r\n\r\n")
    assert relay.ask("HEAD", "/").values("content-length") == []


def test_an_event_comes_when_it_is_sent(start_relay: Start, upstream: Upstream, servers: LoopThread) -> None:
    released = asyncio.Event()

    async def stream(conversation: Conversation, seen: Seen) -> str:
        where = b"http://127.0.0.1:%d" % upstream.port
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
        await conversation.send(head + b"data: " + where + b"/1\n\n")
        await released.wait()
        await conversation.send(b"data: " + where[:9])
        await asyncio.sleep(0.05)
        await conversation.send(where[9:] + b"/2\n\n")
        return "closed"

    upstream.handler = stream
    peer = start_relay(rewrite_origin=True).connect().send(b"GET / HTTP/1.1\r\nHost: r.test\r\n\r\n")
    assert peer.read_until(b"\n\n").endswith(b"data: http://r.test/1\n\n")
    servers.loop.call_soon_threadsafe(released.set)
    rest = peer.read_until(b"0\r\n\r\n")
    assert b"http://r.test/2\n\n" in rest.replace(b"\r\n", b"").replace(b"data: 1", b"data: ")


def test_an_upstream_that_echoes_does_not_give_the_token_away(
    start_relay: Start, upstream: Upstream, servers: LoopThread, canary: str, engine: str
) -> None:
    async def echo(conversation: Conversation, seen: Seen) -> None:
        half = len(seen.head) // 2
        head = b"HTTP/1.1 200 OK\r\nX-Echo: %s\r\n" % seen.values("authorization")[0].encode()
        await conversation.send(head + b"Content-Length: %d\r\n\r\n" % len(seen.head) + seen.head[:half])
        await asyncio.sleep(0.02)
        await conversation.send(seen.head[half:])

    upstream.handler = echo
    relay = start_relay(scrub_token=True, engine=engine)
    for padding in range(0, 40, 3):
        found = relay.ask("GET", "/" + "x" * padding)
        assert canary.encode() not in found.body
        assert b"Bearer " + b"*" * len(canary) in found.body
        assert found.values("x-echo") == ["Bearer " + "*" * len(canary)]
        assert len(found.body) == len(upstream.seen[-1].head)


def test_what_cannot_be_searched_for_the_token_is_withheld(
    start_relay: Start, upstream: Upstream, canary: str, engine: str
) -> None:
    relay = start_relay(scrub_token=True, engine=engine)
    packed = gzip.compress(canary.encode())
    upstream.answers(answer("text/plain", packed, "Content-Encoding: gzip"))
    assert relay.ask("GET", "/").problem() == "answer-compressed"
    with pytest.raises(InvalidStatus) as denied:
        connect(f"ws://127.0.0.1:{relay.port}", proxy=None)
    assert packed not in denied.value.response.body
    upstream.answers(answer("text/plain", packed, "Content-Encoding: gzip")[: -len(packed)])
    head = relay.ask("HEAD", "/")
    assert (head.status, head.values("content-encoding")) == (200, ["gzip"])


def test_the_token_cannot_be_had_in_parts(start_relay: Start, upstream: Upstream) -> None:
    start_relay(scrub_token=True).ask("GET", "/", "Range: bytes=0-9", 'If-Range: "1"')
    start_relay(rewrite_origin=True).ask("GET", "/", "Range: bytes=0-9")
    assert [seen.values("range") for seen in upstream.seen] == [[], ["bytes=0-9"]]
    assert upstream.seen[0].values("if-range") == []


@pytest.mark.parametrize("kind", [str, bytes])
def test_a_websocket_that_echoes_does_not_either(
    start_relay: Start, servers: LoopThread, canary: str, kind: type
) -> None:
    async def tell(connection: ServerConnection) -> None:
        assert connection.request
        told = connection.request.headers["authorization"]
        await connection.send(told if kind is str else told.encode())
        await connection.close(4000, told)

    async def listen() -> Server:
        return await serve(tell, "127.0.0.1", 0)

    sockets = servers.run(listen())
    relay = start_relay(
        scrub_token=True, target_url=f"http://127.0.0.1:{next(iter(sockets.sockets)).getsockname()[1]}"
    )
    with connect(f"ws://127.0.0.1:{relay.port}", proxy=None) as client:
        told = client.recv(timeout=5)
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=5)
    masked = "Bearer " + "*" * len(canary)
    assert told == (masked if kind is str else masked.encode())
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.reason == masked

    async def stop() -> None:
        sockets.close()

    servers.run(stop())

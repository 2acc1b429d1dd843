"""Requests that can be read in two ways: whatever the relay makes of them, the upstream makes the same.

The upstream names in each answer the request that it read. If it read one that the relay did not mean to
send, it has answered more than the client got.
"""

import itertools
import re
from collections.abc import Iterator

import pytest

from ..conftest import Conversation, Peer, Relay, Seen, Upstream

HOST = b"Host: a\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
LENGTHS = (
    b"",
    b"Content-Length: 5\r\n",
    b"Content-Length: %d\r\n" % (len(SMUGGLED) + 5),
    b"Content-Length : 5\r\n",
    b"Content-Length: +5\r\n",
    b"Content-Length: 0x5\r\n",
    b"Content-Length: 5, 5\r\n",
    b"Content-Length: 5 5\r\n",
    b"Content-Length: -5\r\n",
    b"Content-Length: 5\r\nContent-Length: 0\r\n",
    b"Content-Length: 0\r\nContent-Length: 5\r\n",
    b"Content-Length:\r\n 5\r\n",
    b" Content-Length: 5\r\n",
    b"Content-Length: 5\nX: 1\r\n",
    b"Content_Length: 5\r\n",
    b"Content-Length: 99999999999999999999999999\r\n",
    b"Connection: content-length\r\nContent-Length: 5\r\n",
)
CODINGS = (
    b"",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding : chunked\r\n",
    b"Transfer-Encoding: Chunked\r\n",
    b"Transfer-Encoding: xchunked\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n",
    b"Transfer-Encoding: chunked, identity\r\n",
    b"Transfer-Encoding: identity\r\n",
    b"Transfer-Encoding:\x0bchunked\r\n",
    b"Transfer-Encoding: \x00chunked\r\n",
    b"Transfer-Encoding:\r\n chunked\r\n",
    b"Transfer-Encoding\r\n: chunked\r\n",
    b"X: 1\nTransfer-Encoding: chunked\r\n",
    b"X: 1\rTransfer-Encoding: chunked\r\n",
    b"Transfer_Encoding: chunked\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    b"Connection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n",
    b"Connection: close, transfer-encoding\r\nTransfer-Encoding: chunked\r\n",
)
BODIES = (
    b"0\r\n\r\n" + SMUGGLED,
    b"5\r\nabcde\r\n0\r\n\r\n" + SMUGGLED,
)
CHUNKS = (
    b"5;ext=1\r\nabcde\r\n0\r\n\r\n",
    b'5;ext="\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"\r\nabcde\r\n0\r\n\r\n',
    b"5;\nxx\r\nabcde\r\n0\r\n\r\n",
    b"5;ext\rabcde\r\n0\r\n\r\n",
    b"5\nabcde\n0\n\n",
    b"5 \r\nabcde\r\n0\r\n\r\n",
    b" 5\r\nabcde\r\n0\r\n\r\n",
    b"0x5\r\nabcde\r\n0\r\n\r\n",
    b"+5\r\nabcde\r\n0\r\n\r\n",
    b"-1\r\nabcde\r\n0\r\n\r\n",
    b"5\r\nabcdeX\r\n0\r\n\r\n",
    b"5\r\nabcde0\r\n\r\n",
    b"fffffffffffffffff\r\nabcde\r\n0\r\n\r\n",
    b"00000000000000000000005\r\nabcde\r\n0\r\n\r\n",
    b"0\r\nContent-Length: 5\r\n\r\n",
    b"0\r\nX: 1\nY: 2\r\n\r\n",
    b"0\n\n",
    b"\r\n0\r\n\r\n",
)
HEADS = (
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
    b'GET / HTTP/1.1\r\nHost: a";proto="https\r\n\r\n',
    b"POST / HTTP/1.1\r\nHost: a@b\r\nContent-Length: 0\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX\x00: 1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x01b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: a\nb: c\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
    b"GET / HTTP/1.1\nHost: a\n\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nnothing\r\n\r\n",
    b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET //host/ HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET @b/ HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    b"CONNECT b:80 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1 x\r\nHost: a\r\n\r\n",
    b"GET / HTTP/0.9\r\n\r\n",
    b"GET / HTTP/0.9\r\nHost: a\r\n\r\n",
    b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"G\xe4T / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\r\n\r\n\x16\x03\x01",
)


def corpus() -> Iterator[bytes]:
    for length, coding, body in itertools.product(LENGTHS, CODINGS, BODIES):
        yield b"POST / HTTP/1.1\r\n" + HOST + length + coding + b"\r\n" + body
        if length and coding:
            yield b"POST / HTTP/1.1\r\n" + coding + length + HOST + b"\r\n" + body
    for chunks in CHUNKS:
        yield b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + SMUGGLED


@pytest.fixture
def read(upstream: Upstream) -> list[bytes]:
    """The requests that the upstream has read to their end."""
    found: list[bytes] = []

    async def tell(conversation: Conversation, seen: Seen) -> None:
        seen.body = await conversation.read_body(seen)
        found.append(seen.line)
        await conversation.send(b"HTTP/1.1 200 OK\r\nX-Line: %b\r\nContent-Length: 0\r\n\r\n" % seen.line)

    upstream.handler = tell
    return found


def converse(relay: Relay, data: bytes, patience_seconds: float = 0.03) -> bytes:
    """All that comes back until the relay closes, or has nothing more to say."""
    peer = Peer(relay.port)
    try:
        peer.send(data)
        peer.socket.settimeout(5)
        told = peer.socket.recv(65536)
        peer.socket.settimeout(patience_seconds)
        while more := peer.socket.recv(65536):
            told += more
    except TimeoutError:
        pass
    except ConnectionResetError:
        pass
    finally:
        peer.close()
    return told


def test_the_upstream_reads_what_the_relay_meant(relay: Relay, upstream: Upstream, read: list[bytes]) -> None:
    passed = 0
    for number, request in enumerate(corpus()):
        mark = b"/%d/" % number
        told = converse(relay, request.replace(b" /", b" " + mark))
        mine = [line for line in read if mark in line]
        answered = re.findall(rb"\r\nx-line: ([^\r]*)\r\n", told)
        # What follows a whole request may be so bad that the connection ends before its answer.
        unanswered = mine[len(answered) :]
        assert mine[: len(answered)] == answered, request
        assert unanswered in ([], [b"POST %b HTTP/1.1" % mark]), request
        statuses = re.findall(rb"HTTP/1\.1 (\d+)", told)
        assert statuses, request
        assert set(statuses) <= {b"200", b"400", b"501"}, (request, statuses)
        passed += len(answered)
    assert passed > 50  # those that are no more than odd


@pytest.mark.parametrize("request_bytes", HEADS, ids=lambda head: head[:40].decode("latin-1"))
def test_bad_heads_never_leave(relay: Relay, upstream: Upstream, request_bytes: bytes) -> None:
    told = converse(relay, request_bytes)
    assert re.match(rb"HTTP/1\.1 (400|405|501) ", told), told
    assert upstream.opened == 0


@pytest.mark.parametrize("line", [b"GET  / HTTP/1.1", b"GET / HTTP/1.0", b"\r\nGET / HTTP/1.1"])
def test_what_is_only_odd_is_written_anew(relay: Relay, upstream: Upstream, line: bytes) -> None:
    assert converse(relay, line + b"\r\nHost: a\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    assert upstream.seen[0].line == b"GET / HTTP/1.1"


@pytest.mark.parametrize(
    ("length", "coding"), [(LENGTHS[1], CODINGS[1]), (LENGTHS[9], b""), (LENGTHS[10], b""), (LENGTHS[6], b"")]
)
def test_two_framings_are_refused(relay: Relay, upstream: Upstream, length: bytes, coding: bytes) -> None:
    told = converse(relay, b"POST / HTTP/1.1\r\n" + HOST + length + coding + b"\r\n" + BODIES[0])
    assert told.startswith(b"HTTP/1.1 400 ")
    assert told.count(b"HTTP/1.1 ") == 1
    assert upstream.opened == 0

"""The same requests direct, through the relay, a real nginx and a real Caddy: what the upstream saw and what
came back differ only where the README says so.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..conftest import Answer, Conversation, Relay, Seen, Upstream, free_port, is_listening

TOKEN = "of-the-test"
NGINX = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  client_max_body_size 0;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{upstream};
      proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Authorization "Bearer {token}";
      proxy_buffering off; proxy_request_buffering off; proxy_redirect off;
      proxy_pass_header Date; proxy_pass_header Server;
    }}
  }}
}}
"""

# What the others do not say, or in another way, by the README's rules; framing is compared by the bodies.
OURS = {b"via", b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"}
FRAMING = {b"connection", b"transfer-encoding", b"content-length"}

REQUESTS = {
    "plain": (b"GET / HTTP/1.1", (), b""),
    "encoded": (b"GET /a%2Fb%3Fc/%7Euser/%E4?x=%20+&&y=/../ HTTP/1.1", (), b""),
    "dots": (b"GET /a/../b/./c HTTP/1.1", (), b""),
    "slashes": (b"GET /a//b HTTP/1.1", (), b""),
    "empty query": (b"GET /? HTTP/1.1", (), b""),
    "repeats": (b"GET / HTTP/1.1", (b"X-A: 1", b"X-B: 2", b"x-a: 3", b"Cookie: a=1; b=2"), b""),
    "octets": (b"GET / HTTP/1.1", (b"X-A: \xe4\xff", b"X-Empty:", b"X-Tab: a\tb"), b""),
    "ranges": (b"GET / HTTP/1.1", (b"Range: bytes=1-2", b'If-Match: "x"', b"Accept-Encoding: gzip, br"), b""),
    "underscore": (b"GET / HTTP/1.1", (b"X_A: 1", b"X-B: 2"), b""),
    "upload": (b"POST /upload HTTP/1.1", (b"Content-Type: a/b",), b"x" * 70_000),
    "get with a body": (b"GET / HTTP/1.1", (), b"body"),
    "odd method": (b"PROPFIND / HTTP/1.1", (b"Depth: 1",), b"<x/>"),
    "head": (b"HEAD / HTTP/1.1", (), b""),
    "options": (b"OPTIONS / HTTP/1.1", (), b""),
}
ANSWERS = {
    "length": b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: "x"\r\nServer: s\r\nDate: d\r\n\r\nhello',
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nDate: d\r\n\r\n"
    b"3\r\nabc\r\n2;e=1\r\nde\r\n0\r\n\r\n",
    "cookies": b"HTTP/1.1 404 No\r\nSet-Cookie: a=1; Path=/\r\nX-A: 1\r\nSet-Cookie: b=\xe4\r\nDate: d\r\n"
    b"Content-Length: 0\r\n\r\n",
    "nothing": b"HTTP/1.1 204 No Content\r\nDate: d\r\nX-A: 1\r\n\r\n",
    "unchanged": b'HTTP/1.1 304 Not Modified\r\nDate: d\r\nETag: "x"\r\n\r\n',
    "elsewhere": b"HTTP/1.1 307 Go\r\nLocation: https://elsewhere.test/a?b#c\r\nDate: d\r\n"
    b"Content-Length: 0\r\n\r\n",
    "part": b"HTTP/1.1 206 Part\r\nContent-Range: bytes 1-2/5\r\nContent-Encoding: gzip\r\nDate: d\r\n"
    b"Content-Length: 2\r\n\r\n\x1f\x8b",
    "error": b"HTTP/1.1 500 Oh\r\nWWW-Authenticate: Bearer\r\nDate: d\r\nContent-Length: 1\r\n\r\n!",
}


def start_nginx(folder: Path, port: int, upstream: int) -> list[str | Path]:
    """What to run."""
    file = folder / "nginx.conf"
    file.write_text(NGINX.format(folder=folder, port=port, upstream=upstream, token=TOKEN))
    return ["nginx", "-p", folder, "-c", file]


def start_caddy(folder: Path, port: int, upstream: int) -> list[str | Path]:
    """What to run."""
    relay = {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": f"127.0.0.1:{upstream}"}],
        "headers": {"request": {"set": {"Authorization": [f"Bearer {TOKEN}"]}}},
        "transport": {"protocol": "http", "compression": False},
        "flush_interval": -1,
    }
    server = {"listen": [f"127.0.0.1:{port}"], "protocols": ["h1"], "routes": [{"handle": [relay]}]}
    file = folder / "caddy.json"
    file.write_text(
        json.dumps(
            {
                "admin": {"disabled": True, "config": {"persist": False}},
                "logging": {"logs": {"default": {"level": "ERROR"}}},
                "apps": {"http": {"servers": {"relay": {**server, "automatic_https": {"disable": True}}}}},
            }
        )
    )
    return [Path(sys.executable).parent / "caddy", "run", "--config", file]


class Peer(Relay):
    """Another relay, or the upstream itself."""

    def __init__(self, port: int, name: str) -> None:
        super().__init__(port)
        self.sorts_headers = name == "caddy"  # by name; those of one name keep their order
        self.is_direct = name == "direct"

    def known_of(self, seen: Seen) -> tuple[bytes, list[tuple[bytes, bytes]], bytes]:
        """What has to be the same, whichever way the request came."""
        line, headers, body = seen_of(seen)
        if self.is_direct:  # the others drop names with an underscore
            headers = [pair for pair in headers if b"_" not in pair[0]]
        return line, sorted(headers, key=lambda pair: pair[0]) if self.sorts_headers else headers, body


PEERS = {"nginx": start_nginx, "caddy": start_caddy}


@pytest.fixture(
    params=[
        pytest.param("nginx", marks=pytest.mark.skipif(shutil.which("nginx") is None, reason="needs nginx")),
        "caddy",
        "direct",
    ]
)
def peer(request: pytest.FixtureRequest, upstream: Upstream, tmp_path: Path) -> Iterator[Peer]:
    if request.param == "direct":
        itself = Peer(upstream.port, request.param)
        yield itself
        itself.close()
        return
    free = free_port()
    with subprocess.Popen(PEERS[request.param](tmp_path, free, upstream.port), stderr=sys.stderr) as process:
        try:
            for _ in range(500):
                if is_listening(free):
                    break
                time.sleep(0.01)
            found = Peer(free, request.param)
            yield found
            found.close()
        finally:
            process.terminate()


def seen_of(seen: Seen) -> tuple[bytes, list[tuple[bytes, bytes]], bytes]:
    headers = [
        (name.lower(), value)
        for name, value in seen.headers
        if name.lower() not in OURS | FRAMING | {b"host", b"authorization"}
    ]
    return seen.line, headers, seen.body


def told_of(answer: Answer) -> tuple[int, list[tuple[str, str]], bytes]:
    framing = {name.decode() for name in OURS | FRAMING}
    return answer.status, [(n.lower(), v) for n, v in answer.headers if n.lower() not in framing], answer.body


def test_the_upstream_sees_the_same(relay: Relay, peer: Peer, upstream: Upstream) -> None:
    for name, (line, headers, body) in REQUESTS.items():
        lines = [line, b"Host: relay.test", *headers]
        if body:
            lines.append(b"Content-Length: %d" % len(body))
        found = []
        for way in (relay, peer):
            upstream.seen.clear()
            client = way.connect().send(b"\r\n".join([*lines, b"", b""]) + body)
            told = client.read_answer(bodiless=line.startswith(b"HEAD"))
            assert told.status == 200, name
            found.append(peer.known_of(upstream.seen[0]))
        assert found[0] == found[1], name


def test_a_chunked_upload_arrives_the_same(relay: Relay, peer: Peer, upstream: Upstream) -> None:
    found = []
    for way in (relay, peer):
        upstream.seen.clear()
        way.connect().send(
            b"PUT / HTTP/1.1\r\nHost: relay.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        ).read_answer()
        found.append(seen_of(upstream.seen[0]))
    assert found[0] == found[1]
    assert found[0][2] == b"abc"


def test_the_client_sees_the_same(relay: Relay, peer: Peer, upstream: Upstream) -> None:
    for name, answer in ANSWERS.items():
        for method in ("GET", "HEAD"):
            if method == "GET":
                upstream.answers(answer)
            else:
                upstream.answers(answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
            ours, theirs = (told_of(way.ask(method, "/")) for way in (relay, peer))
            assert ours[0] == theirs[0], name
            assert sorted(ours[1]) == sorted(theirs[1]), (name, method)
            assert [value for key, value in ours[1] if key == "set-cookie"] == [
                value for key, value in theirs[1] if key == "set-cookie"
            ]
            assert ours[2] == theirs[2], name


def test_a_truncated_answer_ends_the_same(relay: Relay, peer: Peer, upstream: Upstream) -> None:
    async def stop(conversation: Conversation, seen: Seen) -> str:
        await conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        return "closed"

    upstream.handler = stop
    for way in (relay, peer):
        told = way.connect().send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").read_rest()
        assert told.endswith(b"\r\n\r\nhalf")

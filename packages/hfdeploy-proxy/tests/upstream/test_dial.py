"""TLS towards the upstream, with real certificates."""

import asyncio
import ssl
from collections.abc import Callable, Iterator

import pytest
import trustme

from ..conftest import LoopThread, Relay, Upstream


@pytest.fixture
def start_tls(upstream: Upstream, servers: LoopThread) -> Iterator[Callable[[trustme.LeafCert], int]]:
    """The upstream behind a certificate; returns its port."""
    opened: list[asyncio.Server] = []

    def start(certificate: trustme.LeafCert) -> int:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        certificate.configure_cert(context)

        async def listen() -> asyncio.Server:
            return await asyncio.start_server(upstream.serve, "127.0.0.1", 0, ssl=context)

        opened.append(servers.run(listen()))
        return int(opened[-1].sockets[0].getsockname()[1])

    async def close() -> None:
        for server in opened:
            server.close()

    yield start
    servers.run(close())


@pytest.mark.parametrize("engine", ["http1", "httpx"])
def test_the_upstream_is_reached_by_tls(
    authority: trustme.CA,
    start_tls: Callable[[trustme.LeafCert], int],
    start_relay: Callable[..., Relay],
    upstream: Upstream,
    engine: str,
) -> None:
    port = start_tls(authority.issue_cert("localhost"))
    relay = start_relay(target_url=f"https://localhost:{port}", engine=engine)
    assert [relay.ask("GET", "/").body for _ in range(2)] == [b"ok", b"ok"]
    assert upstream.opened == (2 if engine == "httpx" else 1)  # which asks first for HTTP/2
    assert upstream.seen[0].values("host") == [f"localhost:{port}"]


@pytest.mark.parametrize("engine", ["http1", "httpx"])
def test_a_certificate_of_somebody_else_is_refused(
    authority: trustme.CA,
    start_tls: Callable[[trustme.LeafCert], int],
    start_relay: Callable[..., Relay],
    upstream: Upstream,
    engine: str,
) -> None:
    for certificate in (authority.issue_cert("other.test"), trustme.CA().issue_cert("localhost")):
        relay = start_relay(target_url=f"https://localhost:{start_tls(certificate)}", engine=engine)
        answer = relay.ask("GET", "/")
        assert (answer.status, answer.problem()) == (502, "upstream-unreachable")
    assert upstream.seen == []

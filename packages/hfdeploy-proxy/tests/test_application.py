"""The application in the hands of others: mounted, embedded, without a server of ours."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Response
from fastapi.testclient import TestClient
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from hfdeploy_proxy import create_app
from hfdeploy_proxy.application import http_date
from hfdeploy_proxy.settings import load_settings

from .conftest import LoopThread, Relay, Upstream


def test_it_can_be_mounted(
    start_app: Callable[[Any], Relay], upstream: Upstream, servers: LoopThread
) -> None:
    upstream.answers(
        b"HTTP/1.1 302 Found\r\nLocation: /login?a\r\nSet-Cookie: a=1; Path=/\r\nContent-Length: 0\r\n\r\n"
    )
    relayed = create_app(load_settings(target_url=f"http://127.0.0.1:{upstream.port}"))
    app = FastAPI()
    app.mount("/space", relayed)
    relay = start_app(app)
    answer = relay.ask("GET", "/space/a%2Fb?x=1")
    assert answer.values("location") == ["/space/login?a"]
    assert answer.values("set-cookie") == ["a=1; Path=/space/"]
    assert upstream.seen[0].line == b"GET /a%2Fb?x=1 HTTP/1.1"
    assert upstream.seen[0].values("x-forwarded-prefix") == ["/space"]
    assert relay.ask("GET", "/space/_relay/healthz").status == 200
    assert relay.ask("GET", "/_relay/healthz").status == 404
    servers.run(relayed.close())


def test_another_application_can_be_its_upstream(start_app: Callable[[Any], Relay], canary: str) -> None:
    seen: list[httpx.Headers] = []
    inner = FastAPI()

    @inner.get("/hello")
    async def _hello(response: Response) -> dict[str, str]:
        response.headers["x-inner"] = "1"
        return {"say": "hello"}

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers)
        return httpx.Response(200, headers=[("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")], content=b"mocked")

    settings = load_settings(target_url="http://inner.test")
    answer = start_app(create_app(settings, transport=httpx.ASGITransport(inner))).ask("GET", "/hello")
    assert (answer.body, answer.values("x-inner")) == (b'{"say":"hello"}', ["1"])
    mocked = start_app(create_app(settings, transport=httpx.MockTransport(handle))).ask("GET", "/any")
    assert (mocked.body, mocked.values("set-cookie")) == (b"mocked", ["a=1", "b=2"])
    assert seen[0]["authorization"] == f"Bearer {canary}"


@pytest.mark.parametrize("transport", [None, httpx.MockTransport(lambda _: httpx.Response(200, text="ok"))])
def test_each_call_may_come_in_another_loop(
    upstream: Upstream, canary: str, transport: httpx.MockTransport | None
) -> None:
    upstream.answers(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
    settings = load_settings(target_url=f"http://127.0.0.1:{upstream.port}", hf_token=canary)
    client = TestClient(create_app(settings, transport=transport))
    assert [client.get("/").text for _ in range(3)] == ["ok"] * 3


def test_it_works_under_a_server_that_is_not_ours(
    start_app: Callable[..., Relay], upstream: Upstream, servers: LoopThread, canary: str
) -> None:
    async def end(connection: ServerConnection) -> None:
        connection.protocol.send_close()
        connection.transport.write(b"".join(connection.protocol.data_to_send()))
        await connection.wait_closed()

    async def listen() -> Server:
        return await serve(end, "127.0.0.1", 0)

    def start(port: int) -> Relay:
        app = create_app(load_settings(target_url=f"http://127.0.0.1:{port}"))
        return start_app(app, uvicorn.Config(app, lifespan="on", log_level="critical", proxy_headers=False))

    answer = start(upstream.port).ask("GET", "/a%2Fb?x=1")
    assert (answer.status, answer.body) == (200, b"ok")
    assert upstream.seen[0].line == b"GET /a%2Fb?x=1 HTTP/1.1"
    sockets = servers.run(listen())
    relay = start(next(iter(sockets.sockets)).getsockname()[1])
    with connect(f"ws://127.0.0.1:{relay.port}", proxy=None) as client:
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=5)
        assert client.close_code == 1000

    async def stop() -> None:
        sockets.close()

    servers.run(stop())


@pytest.mark.parametrize("path", ["/_relay", "/_relayed/x", "/x/_relay/healthz"])
def test_only_the_reserved_prefix_is_the_relays(relay: Relay, upstream: Upstream, path: str) -> None:
    assert relay.ask("GET", path).body == b"ok"
    assert upstream.seen


@pytest.mark.parametrize(
    "path", ["/_relay/", "/_relay/docs", "/_relay/openapi.json", "/_relay/%2e%2e/x", "/_relay/healthz/"]
)
def test_nothing_below_it_is_relayed(relay: Relay, upstream: Upstream, path: str) -> None:
    unknown = relay.ask("GET", path)
    assert (unknown.status, unknown.problem()) == (404, "page-unknown")
    with pytest.raises(InvalidStatus) as denied:
        connect(f"ws://127.0.0.1:{relay.port}{path}", proxy=None)
    assert denied.value.response.status_code == 404
    assert upstream.opened == 0


@pytest.mark.parametrize("page", ["healthz", "readyz", "metrics", "docs"])
def test_pages_of_the_relay_are_read_only(start_relay: Callable[..., Relay], page: str) -> None:
    relay = start_relay(docs=True)
    refused = relay.ask("POST", f"/_relay/{page}", body=b"x")
    assert (refused.status, refused.problem()) == (405, "method-refused")
    allowed = refused.values("allow")
    assert allowed == ["GET, HEAD"]
    assert [relay.ask(method, f"/_relay/{page}").status for method in allowed[0].split(", ")] == [200, 200]


def test_the_date_is_that_of_the_second() -> None:
    now = 0.0
    date = http_date(lambda: now)
    assert date() == b"Thu, 01 Jan 1970 00:00:00 GMT"
    now = 1.9
    assert date() == b"Thu, 01 Jan 1970 00:00:01 GMT"

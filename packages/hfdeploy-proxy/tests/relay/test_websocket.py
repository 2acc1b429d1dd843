"""The contract of a relay for WebSockets, over real sockets."""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Iterator

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import CloseCode
from websockets.http11 import Request
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol
from websockets.utils import accept_key

from hfdeploy_proxy import create_app
from hfdeploy_proxy.relay.client import Message
from hfdeploy_proxy.serving import server_config
from hfdeploy_proxy.settings import load_settings
from hfdeploy_proxy.upstream import websocket

from ..conftest import Conversation, LoopThread, Relay, Seen, Upstream

Handler = Callable[[ServerConnection], Awaitable[None]]
HANDSHAKE = (
    b"Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


class SocketUpstream:
    """An upstream for WebSockets under the hand of the test."""

    def __init__(self) -> None:
        self.handler: Handler = echo
        self.requests: list[Request] = []
        self.ended: list[tuple[int | None, str | None]] = []
        self.port = 0

    async def serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.requests.append(connection.request)
        try:
            await self.handler(connection)
            await connection.wait_closed()
        except ConnectionClosed:
            pass
        finally:
            self.ended.append((connection.close_code, connection.close_reason))

    def wait_ended(self) -> tuple[int | None, str | None]:
        for _ in range(500):
            if self.ended:
                return self.ended[-1]
            time.sleep(0.01)
        raise TimeoutError


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


@pytest.fixture
def there(servers: LoopThread) -> Iterator[SocketUpstream]:
    found = SocketUpstream()

    async def start() -> Server:
        return await serve(
            found.serve,
            "127.0.0.1",
            0,
            select_subprotocol=lambda _, offered: Subprotocol("other") if "other" in offered else None,
            max_size=None,
            ping_interval=None,
        )

    server = servers.run(start())
    found.port = next(iter(server.sockets)).getsockname()[1]
    yield found

    async def stop() -> None:
        server.close(code=CloseCode.GOING_AWAY)
        await server.wait_closed()

    servers.run(stop())


@pytest.fixture
def relay(start_relay: Callable[..., Relay], there: SocketUpstream) -> Relay:
    return start_relay(target_url=f"http://127.0.0.1:{there.port}", allow_origins="https://good.test")


def send_all(client: ClientConnection, message: bytes, times: int) -> None:
    for _ in range(times):
        client.send(message)


def dial(relay: Relay, path: str = "/", **given: object) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{relay.port}{path}", proxy=None, **given)  # type: ignore[arg-type]


def test_messages_pass_both_ways(relay: Relay, there: SocketUpstream, canary: str) -> None:
    with dial(relay, "/a%2Fb?x=1") as client:
        for message in ("text \N{SNOWMAN}", b"\x00\xff", "", b""):
            client.send(message)
            assert client.recv(timeout=5) == message
        client.send(["in ", "three ", "parts"])
        assert client.recv(timeout=5) == "in three parts"
        assert client.ping().wait(5)
    (request,) = there.requests
    assert request.path == "/a%2Fb?x=1"
    assert request.headers["Authorization"] == f"Bearer {canary}"
    assert request.headers["Host"] == f"127.0.0.1:{there.port}"
    assert request.headers["X-Forwarded-Proto"] == "http"
    assert request.headers.get_all("Sec-WebSocket-Extensions") == []


def test_large_messages_pass(relay: Relay, there: SocketUpstream) -> None:
    message = bytes(range(256)) * 4096 * 4
    with dial(relay, max_size=None) as client:
        client.send(message)
        assert client.recv(timeout=10) == message


def test_compression_is_spoken_with_the_client(relay: Relay) -> None:
    with dial(relay) as client:
        (deflate,) = client.protocol.extensions
        assert isinstance(deflate, PerMessageDeflate)
        assert (deflate.local_no_context_takeover, deflate.remote_max_window_bits) == (True, 11)
        for _ in range(2):
            client.send("a" * 100_000)
            assert client.recv(timeout=5) == "a" * 100_000


def test_the_upstream_chooses_the_subprotocol(relay: Relay, there: SocketUpstream) -> None:
    with dial(relay, subprotocols=["unknown", "other"]) as client:
        assert client.subprotocol == "other"
    assert there.requests[0].headers["Sec-WebSocket-Protocol"] == "unknown, other"
    with dial(relay) as client:
        assert client.subprotocol is None


@pytest.mark.parametrize(
    ("code", "reason"), [(1000, ""), (1001, "bye"), (3000, "\N{SNOWMAN}"), (4999, "x" * 120)]
)
def test_how_the_upstream_ends_it_reaches_the_client(
    relay: Relay, there: SocketUpstream, code: int, reason: str
) -> None:
    async def end(connection: ServerConnection) -> None:
        await connection.close(code, reason)

    there.handler = end
    with dial(relay) as client:
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=5)
        assert (client.close_code, client.close_reason) == (code, reason)


@pytest.mark.parametrize(
    ("code", "reason"), [(1000, ""), (1001, "bye"), (3000, "\N{SNOWMAN}"), (4999, "x" * 120)]
)
def test_how_the_client_ends_it_reaches_the_upstream(
    relay: Relay, there: SocketUpstream, code: int, reason: str
) -> None:
    with dial(relay) as client:
        client.close(code, reason)
    assert there.wait_ended() == (code, reason)


def test_an_end_without_a_code_stays_one(relay: Relay, there: SocketUpstream) -> None:
    async def end(connection: ServerConnection) -> None:
        connection.protocol.send_close()
        connection.transport.write(b"".join(connection.protocol.data_to_send()))

    there.handler = end
    with dial(relay) as client:
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=5)
        assert client.close_code == 1005
    there.handler = echo
    there.ended.clear()
    with dial(relay) as client:
        client.protocol.send_close()
        client.socket.sendall(b"".join(client.protocol.data_to_send()))
        assert there.wait_ended()[0] == 1005


def test_a_broken_connection_is_not_a_farewell(relay: Relay, there: SocketUpstream) -> None:
    async def vanish(connection: ServerConnection) -> None:
        connection.transport.abort()

    there.handler = vanish
    with dial(relay) as client:
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=5)
        assert client.close_code == 1006
    there.handler = echo
    there.ended.clear()
    with dial(relay) as client:
        client.send("x")
        client.recv(timeout=5)
        client.socket.close()
        assert there.wait_ended()[0] == 1006


def test_what_is_too_long_ends_it(start_relay: Callable[..., Relay], there: SocketUpstream) -> None:
    relay = start_relay(target_url=f"http://127.0.0.1:{there.port}", websocket_max_bytes=1000)

    async def shout(connection: ServerConnection) -> None:
        await connection.send("x" * 1001)

    there.handler = shout
    with dial(relay) as client:
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=5)
        assert client.close_code == 1009


def test_origins_are_checked_before_the_upstream_is_dialled(relay: Relay, there: SocketUpstream) -> None:
    with pytest.raises(InvalidStatus) as caught:
        dial(relay, origin=Origin("https://evil.test"))
    assert caught.value.response.status_code == 403
    assert there.requests == []
    for origin in ("https://good.test", f"http://127.0.0.1:{relay.port}"):
        with dial(relay, origin=Origin(origin)):
            pass
        assert there.requests[-1].headers["Origin"] == f"http://127.0.0.1:{there.port}"


def test_denials_and_failures_are_answers(start_relay: Callable[..., Relay], upstream: Upstream) -> None:
    relay = start_relay()
    upstream.answers(b"HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer\r\nContent-Length: 12\r\n\r\nwho are you?")
    with pytest.raises(InvalidStatus) as caught:
        dial(relay)
    response = caught.value.response
    assert (response.status_code, bytes(response.body)) == (401, b"who are you?")
    assert response.headers["www-authenticate"] == "Bearer"
    for answer in (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"nonsense\r\n\r\n"):
        upstream.answers(answer)
        with pytest.raises(InvalidStatus) as caught:
            dial(relay)
        assert caught.value.response.status_code == (200 if b"200" in answer else 502)

    async def close(conversation: Conversation, seen: Seen) -> str:
        return "closed"

    upstream.handler = close
    with pytest.raises(InvalidStatus) as caught:
        dial(relay)
    assert caught.value.response.status_code == 502
    with pytest.raises(InvalidStatus) as caught:
        dial(start_relay(target_url="http://127.0.0.1:9"))
    assert b"upstream-unreachable" in bytes(caught.value.response.body)


def test_a_client_that_leaves_before_the_upstream_agrees_takes_it_with_it(
    start_relay: Callable[..., Relay], upstream: Upstream
) -> None:
    async def wait(conversation: Conversation, seen: Seen) -> None:
        await conversation.reader.read()

    upstream.handler = wait
    relay = start_relay()
    client = relay.connect().send(
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    while not upstream.seen:
        time.sleep(0.001)
    client.close()
    assert upstream.closed.acquire(timeout=5)
    assert b"relay_open_websockets 0.0" in relay.ask("GET", "/_relay/metrics").body


@pytest.fixture
def hasty_relay(
    start_app: Callable[..., Relay], there: SocketUpstream, canary: str, monkeypatch: pytest.MonkeyPatch
) -> Relay:
    """One that misses a pong soon, on both sides."""
    monkeypatch.setattr(websocket, "_PING_SECONDS", 0.05)
    monkeypatch.setattr(websocket, "_DEAD_AFTER_PINGS", 3)
    app = create_app(load_settings(target_url=f"http://127.0.0.1:{there.port}", hf_token=canary))
    config = server_config(app)
    config.ws_ping_interval, config.ws_ping_timeout = 0.05, 0.3
    return start_app(app, config)


def test_a_slow_client_holds_the_upstream_back_and_is_not_dead(
    hasty_relay: Relay, there: SocketUpstream
) -> None:
    sent = 0

    async def pour(connection: ServerConnection) -> None:
        nonlocal sent
        while sent < 400:
            await connection.send(b"x" * 2**18)
            sent += 1

    there.handler = pour
    with dial(hasty_relay, max_size=None, max_queue=1, compression=None) as client:
        time.sleep(0.5)
        held = sent
        assert held < 200  # of 100 MiB, what buffers hold
        for _ in range(400):
            assert len(client.recv(timeout=10)) == 2**18
    assert sent == 400


def test_who_breaks_the_protocol_has_left(
    relay: Relay, there: SocketUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    async def pour(connection: ServerConnection) -> None:
        while True:
            await connection.send(b"x" * 2**18)

    there.handler = pour
    errors = logging.getLogger("uvicorn.error")
    errors.addHandler(caplog.handler)
    peer = relay.connect().send(b"GET / HTTP/1.1\r\n" + HANDSHAKE + b"\r\n")
    time.sleep(0.3)  # by then the relay waits until the client reads
    peer.send(b"\x81\x02hi")  # not masked
    assert b"\x03\xea" in peer.read_rest()[-100:]
    there.wait_ended()
    errors.removeHandler(caplog.handler)
    assert not caplog.text


def test_a_slow_upstream_holds_the_client_back_and_is_not_dead(
    hasty_relay: Relay, there: SocketUpstream, servers: LoopThread
) -> None:
    released = asyncio.Event()
    read = 0

    async def drink(connection: ServerConnection) -> None:
        nonlocal read
        await released.wait()
        async for _ in connection:
            read += 1

    there.handler = drink
    with dial(hasty_relay, compression=None) as client:
        pouring = threading.Thread(target=send_all, args=(client, b"x" * 2**18, 200))
        pouring.start()
        pouring.join(0.5)
        assert pouring.is_alive()  # 50 MiB are more than what buffers hold
        servers.loop.call_soon_threadsafe(released.set)
        pouring.join(10)
    assert there.wait_ended()[0] == 1000
    assert read == 200


def test_an_upstream_that_answers_no_ping_is_given_up(
    start_relay: Callable[..., Relay], upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "_PING_SECONDS", 0.02)
    monkeypatch.setattr(websocket, "_DEAD_AFTER_PINGS", 3)

    async def freeze(conversation: Conversation, seen: Seen) -> None:
        key = seen.values("sec-websocket-key")[0]
        head = "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: "
        await conversation.send(f"{head}{accept_key(key)}\r\n\r\n".encode())
        await conversation.reader.read()

    upstream.handler = freeze
    with dial(start_relay()) as client, pytest.raises(ConnectionClosed) as closed:
        client.recv(timeout=5)
    assert closed.value.rcvd is None  # 1006


def test_who_has_left_is_told_no_farewell(there: SocketUpstream, servers: LoopThread, canary: str) -> None:
    app = create_app(load_settings(target_url=f"http://127.0.0.1:{there.port}", hf_token=canary))
    scope = {
        "type": "websocket",
        "scheme": "ws",
        "path": "/",
        "headers": [(b"host", b"a")],
        "subprotocols": [],
    }
    messages = iter(
        ({"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 4001, "reason": "x"})
    )
    accepted = asyncio.Event()
    sent: list[str] = []

    async def receive() -> Message:
        message: Message = next(messages)
        if message["type"] == "websocket.disconnect":
            await accepted.wait()
        return message

    async def send(message: Message) -> None:
        sent.append(message["type"])  # some servers raise if they are told more than the first
        accepted.set()

    servers.run(app(scope, receive, send))
    assert sent == ["websocket.accept"]
    assert there.wait_ended() == (4001, "x")

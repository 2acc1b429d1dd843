"""The gateway between a raw client and a raw app: bytes are looked at on both sides."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import websockets

from hfdeploy_localhub.spaces.gateway import Backend, Gateway, Listener
from hfdeploy_localhub.spaces.stages import Stage

from .conftest import fetch, until

pytestmark = pytest.mark.anyio

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
REQUEST = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
CLOSE_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class FakeDoor:
    answering: Backend
    tokens: list[str] | None = None
    asked: list[Sequence[str]] = field(default_factory=list)

    def admits(self, tokens: Sequence[str]) -> bool:
        self.asked.append(tokens)
        return self.tokens is None or any(token in self.tokens for token in tokens)

    def knows_token(self, token: str) -> bool:
        return token == "ours"

    def backend(self) -> Backend:
        return self.answering


@asynccontextmanager
async def app(handle: Callable[..., Awaitable[None]]) -> AsyncIterator[Listener]:
    """A raw TCP app."""
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await handle(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            tasks.discard(task)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield Listener("127.0.0.1", server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


@asynccontextmanager
async def gateway(door: FakeDoor, **options: float) -> AsyncIterator[str]:
    opened = Gateway(door, **options)
    port = await opened.open(None)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await opened.close()


@asynccontextmanager
async def connection(host: str) -> AsyncIterator[Streams]:
    name, _, port = host.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def answering(answer: bytes, heard: list[bytes]) -> Callable[..., Awaitable[None]]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await writer.drain()

    return handle


async def test_request_and_answer_are_passed_on_as_they_are() -> None:
    heard: list[bytes] = []
    answer = b"HTTP/1.1 299 Odd Reason\r\nX-CaSe: \xe9\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n"
    answer += b"Content-Length: 2\r\n\r\nok"
    async with app(answering(answer, heard)) as listener, gateway(FakeDoor(listener)) as host:
        got = await fetch(
            host,
            b"GET /a%2Fb/../c//?x=%20&y HTTP/1.1\r\nHost: ns-name.localhost:1\r\nX-rAw: \xe9\r\n"
            b"Authorization: Bearer ours\r\nX-HF-Authorization: Bearer x\r\n"
            b"Connection: close, X-Drop\r\nX-Drop: 1\r\n\r\n",
        )
    lines = heard[0].split(b"\r\n")
    assert lines[0] == b"GET /a%2Fb/../c//?x=%20&y HTTP/1.1"
    assert b"Host: ns-name.localhost:1" in lines
    assert b"X-rAw: \xe9" in lines
    assert b"X-Forwarded-For: 127.0.0.1" in lines
    assert b"X-Forwarded-Host: ns-name.localhost:1" in lines
    assert not [line for line in lines if b"uthorization" in line or b"X-Drop" in line]
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == b"HTTP/1.1 299 Odd Reason"
    assert [line for line in head.split(b"\r\n") if line.startswith((b"X-CaSe", b"Set"))] == [
        b"X-CaSe: \xe9",
        b"Set-Cookie: a",
        b"Set-Cookie: b",
    ]
    assert body == b"ok"


async def test_bodies_in_both_framings_and_keep_alive() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if b"transfer-encoding: chunked" in head:
            body = await reader.readuntil(b"\r\n0\r\n\r\n")
        else:
            body = await reader.readexactly(int(head.partition(b"content-length: ")[2].split()[0]))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    async with (
        app(echo) as listener,
        gateway(FakeDoor(listener)) as host,
        connection(host) as (reader, writer),
    ):
        writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc")
        assert (await reader.readuntil(b"abc")).startswith(b"HTTP/1.1 200 OK\r\n")
        # Two requests at once: the second waits its turn.
        writer.write(
            b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nxyz\r\n0\r\n\r\n"
            b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nend"
        )
        assert b"3\r\nxyz\r\n0\r\n\r\n" in await reader.readuntil(b"end")


async def test_continue_is_answered() -> None:
    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"expect" not in head.lower()
        await reader.readexactly(3)
        writer.write(CLOSE_ANSWER)

    async with (
        app(take) as listener,
        gateway(FakeDoor(listener)) as host,
        connection(host) as (reader, writer),
    ):
        writer.write(b"PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        writer.write(b"abc")
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 ")


async def test_events_arrive_when_they_are_sent() -> None:
    go_on = asyncio.Event()

    async def events(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        await go_on.wait()
        writer.write(b"data: 2\n\n")

    async with (
        app(events) as listener,
        gateway(FakeDoor(listener)) as host,
        connection(host) as (reader, writer),
    ):
        writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        await asyncio.wait_for(reader.readuntil(b"data: 1\n\n"), 2)
        go_on.set()
        await asyncio.wait_for(reader.readuntil(b"data: 2\n\n\r\n0\r\n\r\n"), 2)


async def test_a_client_that_leaves_ends_the_request_at_the_app() -> None:
    left = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nsome")
        with contextlib.suppress(ConnectionError):
            await reader.read()
        left.set()

    async with app(wait) as listener, gateway(FakeDoor(listener)) as host:
        async with connection(host) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            await reader.readuntil(b"some")
        await asyncio.wait_for(left.wait(), 2)


@pytest.mark.parametrize("framing", [b"Content-Length: 10", b"Transfer-Encoding: chunked"])
@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
async def test_an_answer_that_breaks_off_is_never_finished(framing: bytes, version: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n5\r\nab"
    request = b"GET / HTTP/" + version + b"\r\nHost: h\r\n\r\n"
    async with app(answering(answer, [])) as listener, gateway(FakeDoor(listener)) as host:
        with pytest.raises(ConnectionResetError):
            await fetch(host, request)


async def test_an_early_answer_to_a_long_upload_arrives() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
        await writer.drain()
        await asyncio.sleep(0.2)

    async with (
        app(refuse) as listener,
        gateway(FakeDoor(listener)) as host,
        connection(host) as (reader, writer),
    ):
        writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 1000)
        assert (await asyncio.wait_for(reader.readuntil(b"no"), 2)).startswith(b"HTTP/1.1 413 Too Large")


async def test_a_slow_client_holds_the_app_back() -> None:
    sent = 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 2**16)
            await writer.drain()
            sent += 2**16

    async with app(endless) as listener, gateway(FakeDoor(listener)) as host, connection(host) as (_, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        await until(lambda: sent)
        await asyncio.sleep(0.5)
        held = sent
        await asyncio.sleep(0.2)
        assert sent == held
        assert held < 64 * 2**20


async def test_websockets_pass_with_their_close_codes() -> None:
    async def echo(socket: websockets.ServerConnection) -> None:
        async for message in socket:
            if message == "bye":
                await socket.close(4321, "so long")
                return
            await socket.send(message)

    async with websockets.serve(echo, "127.0.0.1", 0) as server:
        listener = Listener("127.0.0.1", next(iter(server.sockets)).getsockname()[1])
        async with gateway(FakeDoor(listener)) as host:
            async with websockets.connect(host.replace("http", "ws") + "/ws?x=1") as client:
                for message in ("hello", b"\x00" * 300_000):
                    await client.send(message)
                    assert await client.recv() == message
                await client.send("bye")
                with pytest.raises(websockets.ConnectionClosed) as closed:
                    await client.recv()
            assert closed.value.rcvd
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4321, "so long")


async def test_a_tunnel_closes_each_direction_by_itself() -> None:
    async def switch(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: odd\r\n\r\nfirst ")
        writer.write(b"you said " + await reader.read())  # to the end of what the client says

    async with (
        app(switch) as listener,
        gateway(FakeDoor(listener)) as host,
        connection(host) as (reader, writer),
    ):
        writer.write(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: odd\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 Go\r\n")
        assert b"Upgrade: odd" in head
        writer.write(b"hello")
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), 2) == b"first you said hello"


async def test_an_upgrade_that_is_refused_is_an_answer() -> None:
    async with app(answering(CLOSE_ANSWER, [])) as listener, gateway(FakeDoor(listener)) as host:
        raw = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        async with connection(host) as (reader, writer):
            for _ in range(2):
                writer.write(raw)
                assert (await asyncio.wait_for(reader.readuntil(b"ok"), 2)).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET http://elsewhere/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n", b"400"),
        (
            b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"400",
        ),
        (b"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 300_000 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nHost: h\r\n", b"408"),
    ],
)
async def test_requests_that_are_none(raw: bytes, status: bytes) -> None:
    heard: list[bytes] = []
    async with (
        app(answering(CLOSE_ANSWER, heard)) as listener,
        gateway(FakeDoor(listener), head_seconds=0.2) as host,
    ):
        assert (await fetch(host, raw)).split()[1] == status
    assert heard == []


async def test_an_idle_connection_is_closed() -> None:
    async with gateway(FakeDoor(Stage.STOPPED), idle_seconds=0.1) as host:
        assert await fetch(host, b"") == b""


async def test_a_stage_instead_of_an_app() -> None:
    async with gateway(FakeDoor(Stage.BUILDING)) as host:
        building = await fetch(host, REQUEST)
    async with gateway(FakeDoor(Stage.PAUSED)) as host:
        paused = await fetch(host, REQUEST.replace(b"GET", b"HEAD"))
    assert building.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: " in building
    assert b"This Space is building." in building
    assert paused.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After" not in paused
    assert paused.endswith(b"\r\n\r\n")


async def test_an_app_that_is_not_there_or_hangs_up() -> None:
    async with app(answering(b"", [])) as listener, gateway(FakeDoor(listener)) as host:
        assert (await fetch(host, REQUEST)).startswith(b"HTTP/1.1 502 ")
    async with gateway(FakeDoor(listener)) as host:
        assert (await fetch(host, REQUEST)).startswith(b"HTTP/1.1 502 ")


async def test_who_may_not_see_it_gets_404_also_for_an_upload() -> None:
    heard: list[bytes] = []
    upload = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1_000_000
    async with app(answering(CLOSE_ANSWER, heard)) as listener:
        door = FakeDoor(listener, tokens=["t"])
        async with gateway(door) as host:
            assert (await fetch(host, upload)).startswith(b"HTTP/1.1 404 ")
            assert heard == []
            allowed = REQUEST.replace(b"Host", b"authorization: bearer t\r\nHost")
            assert (await fetch(host, allowed)).startswith(b"HTTP/1.1 200 ")
    assert door.asked == [[], ["t"]]


async def test_close_ends_open_connections() -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nx")
        await asyncio.sleep(100)

    async with app(hang) as listener:
        opened = Gateway(FakeDoor(listener))
        port = await opened.open(None)
        async with connection(f"http://127.0.0.1:{port}") as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            await reader.readuntil(b"x")
            await asyncio.wait_for(opened.close(), 2)
            with contextlib.suppress(ConnectionError):
                await asyncio.wait_for(reader.read(), 2)

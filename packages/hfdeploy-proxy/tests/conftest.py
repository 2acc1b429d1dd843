"""Real sockets on both sides of the relay: an upstream that does what a test says, and a raw client."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
import pytest
import uvicorn

from hfdeploy_proxy import create_app
from hfdeploy_proxy.serving import bind, server_config
from hfdeploy_proxy.settings import load_settings

Result = TypeVar("Result")
PATIENCE_SECONDS = 10
GIVEN = "given"


class LoopThread:
    """One event loop in a thread, for every server of the session."""

    def __init__(self) -> None:
        self.loop = uvicorn.Config("", log_config=None).get_loop_factory()()  # type: ignore[misc]
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE_SECONDS)

    def stop(self) -> None:
        self.run(self.loop.shutdown_default_executor())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@dataclass
class Seen:
    """A request as the upstream got it."""

    head: bytes
    body: bytes = b""

    @property
    def line(self) -> bytes:
        return self.head.split(b"\r\n", 1)[0]

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        lines = self.head.split(b"\r\n")[1:]
        return [(name, value.strip()) for name, _, value in (line.partition(b":") for line in lines if line)]

    def values(self, name: str) -> list[str]:
        return [value.decode("latin-1") for key, value in self.headers if key.decode().lower() == name]


@dataclass
class Conversation:
    """One connection at the upstream; a handler reads and writes it as it likes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def read_body(self, seen: Seen) -> bytes:
        """The body by the framing that the relay sent."""
        if lengths := seen.values("content-length"):
            return await self.reader.readexactly(int(lengths[0]))
        if seen.values("transfer-encoding") != ["chunked"]:
            return b""
        body = b""
        while size := int(await self.reader.readline(), 16):
            body += await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        await self.reader.readline()
        return body


Handler = Callable[[Conversation, Seen], Awaitable[object]]


async def answer_ok(conversation: Conversation, seen: Seen) -> None:
    seen.body = await conversation.read_body(seen)
    await conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


@dataclass
class Upstream:
    """A server under the hand of the test: each request is seen, then ``handler`` answers it."""

    port: int = 0
    handler: Handler = answer_ok
    seen: list[Seen] = field(default_factory=list)
    opened: int = 0
    writers: set[asyncio.StreamWriter] = field(default_factory=set)
    closed: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def answers(self, data: bytes) -> None:
        """Answer everything with these bytes."""

        async def answer(conversation: Conversation, seen: Seen) -> None:
            seen.body = await conversation.read_body(seen)
            await conversation.send(data)

        self.handler = answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        self.writers.add(writer)
        conversation = Conversation(reader, writer)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                while head := await reader.readuntil(b"\r\n\r\n"):
                    seen = Seen(head[:-2])
                    self.seen.append(seen)
                    if await self.handler(conversation, seen) is not None:
                        return
        finally:
            self.writers.discard(writer)
            writer.close()
            self.closed.release()


def free_port() -> int:
    """A port that nobody listens on now."""
    with bind("127.0.0.1", 0) as listener:
        return int(listener.getsockname()[1])


def is_listening(port: int) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Peer:
    """A raw client on one connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
        self.pending = b""

    def send(self, data: bytes) -> "Peer":
        self.socket.sendall(data)
        return self

    def read_until(self, mark: bytes) -> bytes:
        while mark not in self.pending:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError(self.pending)
            self.pending += data
        found, _, self.pending = self.pending.partition(mark)
        return found + mark

    def read_head(self) -> tuple[int, list[tuple[str, str]]]:
        lines = self.read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")[:-2]
        pairs = [(name, value.strip(" \t")) for name, _, value in (line.partition(":") for line in lines[1:])]
        return int(lines[0].split()[1]), pairs

    def read_exactly(self, size: int) -> bytes:
        while len(self.pending) < size:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError(self.pending)
            self.pending += data
        found, self.pending = self.pending[:size], self.pending[size:]
        return found

    def read_answer(self, *, bodiless: bool = False) -> "Answer":
        status, headers = self.read_head()
        told = {name.lower(): value for name, value in headers}
        body = b""
        if bodiless or status in (204, 304):
            pass
        elif "content-length" in told:
            body = self.read_exactly(int(told["content-length"]))
        elif told.get("transfer-encoding") == "chunked":
            while size := int(self.read_until(b"\r\n").partition(b";")[0], 16):
                body += self.read_exactly(size)
                self.read_until(b"\r\n")
            self.read_until(b"\r\n")
        return Answer(status, headers, body)

    def read_rest(self) -> bytes:
        """All up to the end; raises ConnectionResetError if it is a reset."""
        while data := self.socket.recv(65536):
            self.pending += data
        found, self.pending = self.pending, b""
        return found

    def close(self) -> None:
        self.socket.close()


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name]

    def problem(self) -> str:
        """The last word of the problem's type."""
        assert self.values("content-type") == ["application/problem+json"]
        return str(json.loads(self.body)["type"].rsplit("/", 1)[-1])


class Relay:
    """A relay that listens, and raw clients of it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.base_url = f"http://127.0.0.1:{port}"
        self._peers: list[Peer] = []

    def connect(self) -> Peer:
        peer = Peer(self.port)
        self._peers.append(peer)
        return peer

    def ask(self, method: str, target: str, *headers: str, body: bytes = b"") -> Answer:
        """One request on a connection of its own."""
        lines = [f"{method} {target} HTTP/1.1", *headers]
        if not any(line.lower().startswith("host:") for line in headers):
            lines.insert(1, "Host: relay.test")
        if body:
            lines.append(f"Content-Length: {len(body)}")
        peer = self.connect().send("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        return peer.read_answer(bodiless=method == "HEAD")

    def close(self) -> None:
        for peer in self._peers:
            peer.close()


@pytest.fixture(scope="session")
def servers() -> Iterator[LoopThread]:
    thread = LoopThread()
    yield thread
    thread.stop()


@pytest.fixture
def upstream(servers: LoopThread) -> Iterator[Upstream]:
    found = Upstream()

    async def start() -> asyncio.Server:
        return await asyncio.start_server(found.serve, "127.0.0.1", 0, limit=2**20)

    server = servers.run(start())
    found.port = server.sockets[0].getsockname()[1]
    yield found

    async def stop() -> None:
        server.close()
        for writer in found.writers:
            writer.transport.abort()

    servers.run(stop())


@contextlib.asynccontextmanager
async def running(config: uvicorn.Config, listener: socket.socket) -> AsyncIterator[uvicorn.Server]:
    """A server in a loop that is there already."""
    server = uvicorn.Server(config)
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup([listener])
    try:
        yield server
    finally:
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        for task in list(server.server_state.tasks):
            task.cancel()
        await asyncio.gather(*server.server_state.tasks, return_exceptions=True)
        await server.shutdown([listener])


@pytest.fixture
def start_app(servers: LoopThread) -> Iterator[Callable[..., Relay]]:
    """Serves an ASGI application until the test ends."""
    stack = contextlib.AsyncExitStack()
    relays: list[Relay] = []

    def start(app: Any, config: uvicorn.Config | None = None) -> Relay:
        listener = bind("127.0.0.1", 0)
        servers.run(stack.enter_async_context(running(config or server_config(app), listener)))
        relays.append(Relay(listener.getsockname()[1]))
        return relays[-1]

    yield start
    for relay in relays:
        relay.close()
    servers.run(stack.aclose())


@pytest.fixture
def start_relay(start_app: Callable[..., Relay], upstream: Upstream, canary: str) -> Callable[..., Relay]:
    """Starts a relay before the upstream, with the suite's token and settings of the test's."""

    def start(**given: Any) -> Relay:
        settings = {"target_url": f"http://127.0.0.1:{upstream.port}", "hf_token": canary, **given}
        transport = None
        if settings.get("engine") == GIVEN:
            del settings["engine"]
            transport = httpx.AsyncHTTPTransport(trust_env=False)
        return start_app(create_app(load_settings(**settings), transport=transport))

    return start


@pytest.fixture
def start_app_with(start_app: Callable[..., Relay], upstream: Upstream, canary: str) -> Callable[..., Relay]:
    """Starts a relay whose server has limits of the test's."""

    def start(**limits: Any) -> Relay:
        app = create_app(load_settings(target_url=f"http://127.0.0.1:{upstream.port}", hf_token=canary))
        return start_app(app, server_config(app, **limits))

    return start


@pytest.fixture(params=["http1", "httpx", GIVEN])
def engine(request: pytest.FixtureRequest) -> str:
    """Every test that asks for it runs with both, and with httpx's own transport given to the application."""
    return str(request.param)


@pytest.fixture
def relay(start_relay: Callable[..., Relay]) -> Relay:
    return start_relay()

"""The command with several workers, and how it stops: real processes."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import Server, ServerConnection
from websockets.asyncio.server import serve as listen
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from .conftest import PATIENCE_SECONDS, Conversation, LoopThread, Peer, Relay, Seen, Upstream, is_listening

BIN = Path(sys.executable).parent
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def serve(upstream: Upstream) -> Iterator[Callable[..., tuple[Any, Relay]]]:
    """Starts the command, and whatever it is, ends it."""
    stack = contextlib.ExitStack()

    def start(*flags: str) -> tuple[Any, Relay]:
        command = [BIN / "hfdeploy-proxy", "serve", "--port", "0", *flags]
        settings = {**os.environ, "TARGET_URL": f"http://127.0.0.1:{upstream.port}", "PYTHONUNBUFFERED": "1"}
        process = stack.enter_context(
            subprocess.Popen(
                command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        )
        stack.callback(process.kill)
        (port,) = re.findall(r"listens on http://127.0.0.1:(\d+)", process.stdout.readline())
        relay = Relay(int(port))
        stack.callback(relay.close)
        return process, relay

    with stack:
        yield start


def wait_until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def children(process: Any) -> set[int]:
    found = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not found.exists():
        pytest.skip("needs /proc")
    return {int(child) for child in found.read_text().split()}


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_workers_share_socket_and_numbers_and_are_replaced(
    serve: Callable[..., tuple[Any, Relay]], upstream: Upstream
) -> None:
    process, relay = serve("--workers", "2")
    assert relay.ask("GET", "/").status == 200
    first = children(process)
    assert len(first) == 2

    def counted() -> bool:
        shown = relay.ask("GET", "/_relay/metrics").body
        return b"\nrelay_requests_total 1.0\n" in shown

    wait_until(counted)
    killed = first.pop()
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: len(children(process) - {killed}) == 2)
    assert relay.ask("GET", "/").status == 200
    process.terminate()
    assert "another is started" in process.communicate(timeout=PATIENCE_SECONDS)[0]
    assert process.returncode == 0
    assert not is_listening(relay.port)


def test_workers_do_not_outlive_their_parent(serve: Callable[..., tuple[Any, Relay]]) -> None:
    process, relay = serve("--workers", "2")
    assert relay.ask("GET", "/").status == 200
    left = children(process)
    process.kill()
    wait_until(lambda: not any(is_alive(pid) for pid in left))


@pytest.mark.parametrize("flags", [(), ("--workers", "2")], ids=["one", "two"])
def test_what_is_under_way_may_end(
    serve: Callable[..., tuple[Any, Relay]], upstream: Upstream, servers: LoopThread, flags: tuple[str, ...]
) -> None:
    released = threading.Event()

    async def stream(conversation: Conversation, seen: Seen) -> str:
        await conversation.send(HEAD + b"3\r\none\r\n")
        await servers.loop.run_in_executor(None, released.wait)
        await conversation.send(b"3\r\ntwo\r\n0\r\n\r\n")
        return "closed"

    process, relay = serve(*flags)
    idle = relay.connect().send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert idle.read_answer().status == 200
    upstream.handler = stream
    busy = relay.connect().send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    busy.read_until(b"one")
    process.terminate()
    wait_until(lambda: not is_listening(relay.port))
    assert idle.read_rest() == b""
    assert process.poll() is None
    released.set()
    assert busy.read_until(b"0\r\n\r\n").endswith(b"two\r\n0\r\n\r\n")
    assert process.communicate(timeout=PATIENCE_SECONDS)[0] == ""


def test_what_does_not_end_in_time_is_broken_off(
    serve: Callable[..., tuple[Any, Relay]], upstream: Upstream, servers: LoopThread
) -> None:
    async def stream(conversation: Conversation, seen: Seen) -> None:
        await conversation.send(HEAD + b"3\r\none\r\n")
        await conversation.reader.read()

    upstream.handler = stream
    process, relay = serve("--drain-seconds", "0.5")
    busy = relay.connect().send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    busy.read_until(b"one")
    started = time.monotonic()
    process.terminate()
    rest = b""
    with contextlib.suppress(ConnectionResetError):
        rest = busy.read_rest()
    assert b"0\r\n\r\n" not in rest
    assert process.communicate(timeout=PATIENCE_SECONDS)[0] == ""
    assert 0.4 < time.monotonic() - started < 5
    assert upstream.closed.acquire(timeout=PATIENCE_SECONDS)


def test_a_second_interrupt_ends_what_is_under_way(
    serve: Callable[..., tuple[Any, Relay]], upstream: Upstream
) -> None:
    async def stay(conversation: Conversation, seen: Seen) -> None:
        await conversation.send(HEAD + b"3\r\none\r\n")

    upstream.handler = stay
    process, relay = serve("--drain-seconds", "60")
    busy = relay.connect().send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    busy.read_until(b"one")
    process.send_signal(signal.SIGINT)
    wait_until(lambda: not is_listening(relay.port))
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=PATIENCE_SECONDS)[0] == ""
    assert process.returncode == 0


@pytest.fixture
def echoing(servers: LoopThread) -> Iterator[int]:
    """The port of a WebSocket server that echoes."""

    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async def open_echo() -> Server:
        return await listen(echo, "127.0.0.1", 0)

    async def close() -> None:
        found.close()

    found = servers.run(open_echo())
    yield next(iter(found.sockets)).getsockname()[1]
    servers.run(close())


def test_a_websocket_goes_on_until_the_deadline(
    serve: Callable[..., tuple[Any, Relay]], echoing: int
) -> None:
    process, relay = serve("--target-url", f"http://127.0.0.1:{echoing}", "--drain-seconds", "1")
    with connect(f"ws://127.0.0.1:{relay.port}", proxy=None, close_timeout=1) as client:
        client.send("before")
        assert client.recv(timeout=5) == "before"
        process.terminate()
        wait_until(lambda: not is_listening(relay.port))
        time.sleep(0.3)  # by then the server is shutting down
        client.send("meanwhile")
        assert client.recv(timeout=5) == "meanwhile"
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=5)
        assert client.close_code == 1012
    assert process.communicate(timeout=PATIENCE_SECONDS)[0] == ""


def test_the_access_log_is_what_the_command_prints(serve: Callable[..., tuple[Any, Relay]]) -> None:
    process, relay = serve("--access-log", "true")
    assert relay.ask("GET", "/x?y").status == 200
    line = json.loads(process.stdout.readline())
    assert (line["path"], line["status"]) == ("/x", 200)


def test_a_second_relay_can_listen_as_soon_as_the_first_is_told_to_stop(
    serve: Callable[..., tuple[Any, Relay]],
) -> None:
    process, relay = serve()
    assert relay.ask("GET", "/").status == 200
    process.terminate()
    wait_until(lambda: not is_listening(relay.port))
    with pytest.raises(OSError, match="refused"):
        Peer(relay.port)

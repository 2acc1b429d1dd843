"""A running app: waiting until its port answers, noticing that it listens elsewhere, and noticing its end."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass

from hfdeploy_localhub.spaces.children import Child
from hfdeploy_localhub.spaces.listeners import find_listening_ports
from hfdeploy_localhub.spaces.logs import Log
from hfdeploy_localhub.spaces.stages import AppError

_POLL_SECONDS = 0.05
_LOOK_SECONDS = 0.5
_MESSAGE_LINES = 20
_HOSTS = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds: for the app's port, and for it once the app listens on another one.

    `wrong_seconds` is for any other port (an app may start helpers first), `named_seconds` for the very port
    the Space's `app_port` names, which can only be meant for us.
    """

    startup_seconds: float = 1800.0
    wrong_seconds: float = 15.0
    named_seconds: float = 2.0


def decide_wrong_port(elsewhere: dict[int, float], named: int, patience: Patience) -> int | None:
    """The port that shows that the app will not come to its own: `elsewhere` maps ports to how long they are
    open.
    """
    for port, seconds in sorted(elsewhere.items()):
        if seconds >= (patience.named_seconds if port == named else patience.wrong_seconds):
            return port
    return None


async def wait_until_listening(
    child: Child, port: int, named: int, patience: Patience, log: Log, say: Callable[[str], None]
) -> str:
    """Wait for the app's own port; returns the address it answers on. Raises AppError when it never will."""
    ended = asyncio.create_task(child.wait())
    try:
        async with asyncio.timeout(patience.startup_seconds):
            return await _poll(child, ended, port, named, patience, log, say)
    except TimeoutError:
        raise AppError(
            f"Launch timed out: the app did not listen on port {port} within {patience.startup_seconds:g} s."
        ) from None
    finally:
        ended.cancel()


async def _poll(
    child: Child,
    ended: asyncio.Task[int],
    port: int,
    named: int,
    patience: Patience,
    log: Log,
    say: Callable[[str], None],
) -> str:
    loop = asyncio.get_running_loop()
    since: dict[int, float] = {}
    told: set[int] = set()
    next_look = loop.time() + _LOOK_SECONDS
    while True:
        if ended.done():
            raise AppError(describe_exit(ended.result(), log))
        ports = None
        if address := await _find_address(port):
            ports = await asyncio.to_thread(find_listening_ports, child.pid)
            if ports is None or port in ports:
                return address
        if loop.time() >= next_look:
            next_look = loop.time() + _LOOK_SECONDS
            ports = await asyncio.to_thread(find_listening_ports, child.pid) if ports is None else ports
            since = {other: since.get(other, loop.time()) for other in sorted(ports or ()) if other != port}
            for other in since.keys() - told:
                told.add(other)
                say(_hint(other, port))
            wrong = decide_wrong_port({o: loop.time() - s for o, s in since.items()}, named, patience)
            if wrong is not None:
                raise AppError(f"{_hint(wrong, port)} It was stopped.")
        await asyncio.wait({ended}, timeout=_POLL_SECONDS)


def _hint(other: int, port: int) -> str:
    return (
        f"The app listens on port {other}, but must listen on port {port}, which PORT, GRADIO_SERVER_PORT, "
        f"STREAMLIT_SERVER_PORT and its command's arguments name."
    )


async def _find_address(port: int) -> str | None:
    for host in _HOSTS:
        try:
            # Not wait_for: before Python 3.12 it forgets that it was cancelled if the connection just opened.
            async with asyncio.timeout(1.0):
                _, writer = await asyncio.open_connection(host, port)
        except (OSError, TimeoutError):
            continue
        writer.close()
        return host
    return None


def describe_exit(code: int, log: Log) -> str:
    """What the runtime says of an app that has ended: its exit code and its last words."""
    lines = "".join(line.data for line in log.lines(_MESSAGE_LINES))
    signal = f" (signal {code - 128})" if code > 128 else ""
    return f"Exit code: {code}{signal}. The app has ended by itself.\n{lines}".rstrip()


def find_free_port(taken: set[int]) -> int:
    """A TCP port of the loopback interface that nobody listens on and that is not in `taken`."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in taken:
            return port

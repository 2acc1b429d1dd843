"""Child processes that cannot outlive the hub: every command runs below a guard, see guard.py."""

import asyncio
import contextlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hfdeploy_localhub.spaces.launch import Launch
from hfdeploy_localhub.spaces.logs import LINE_LIMIT_CHARACTERS

_GUARD = Path(__file__).with_name("guard.py")
_CHUNK_BYTES = 2**16
# An app that writes without end is slowed down by its full pipe instead of taking the hub's time.
_BURST_BYTES = 2**12
_BYTES_PER_SECOND = 2**22
_MARGIN_SECONDS = 3.0


@dataclass(slots=True)
class Child:
    """A running command. `pid` is the guard's, above the command's own."""

    _process: asyncio.subprocess.Process
    _output: asyncio.Task[None]
    _grace_seconds: float

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process.returncode is not None

    async def wait(self) -> int:
        """The exit code (128 + number for a signal), after all output has been passed on."""
        code = await self._process.wait()
        await asyncio.wait({self._output}, timeout=_MARGIN_SECONDS)
        self._output.cancel()
        return code

    async def stop(self) -> int:
        """End the command and all it has started: SIGTERM, and SIGKILL after the grace."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(self._grace_seconds + _MARGIN_SECONDS):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        return await self.wait()


async def start_child(
    launch: Launch, on_line: Callable[[str], None], grace_seconds: float, keep: Sequence[int] = ()
) -> Child:
    """Start a command; its output goes to `on_line`, line by line, without the newline.

    `keep` are file descriptors that stay open as long as anything of the command lives (a lock).
    """
    launch.folder.mkdir(parents=True, exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", str(_GUARD), str(grace_seconds), *launch.arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=launch.folder,
        env=dict(launch.environment),
        start_new_session=True,
        pass_fds=tuple(keep),
    )
    assert process.stdout
    return Child(process, asyncio.create_task(_pass_on(process.stdout, on_line)), grace_seconds)


async def run_child(
    launch: Launch, on_line: Callable[[str], None], grace_seconds: float, keep: Sequence[int] = ()
) -> int:
    """Run a command to its end and return its exit code. Cancelled, it leaves nothing behind."""
    child = await start_child(launch, on_line, grace_seconds, keep)
    try:
        return await child.wait()
    finally:
        if not child.has_ended:
            await asyncio.shield(child.stop())


async def _pass_on(stream: asyncio.StreamReader, on_line: Callable[[str], None]) -> None:
    rest = b""
    while chunk := await stream.read(_CHUNK_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            on_line(_text(line))
        if len(rest) > LINE_LIMIT_CHARACTERS:
            on_line(_text(rest))
            rest = b""
        if len(chunk) > _BURST_BYTES:
            await asyncio.sleep(len(chunk) / _BYTES_PER_SECOND)
    if rest:
        on_line(_text(rest))


def _text(line: bytes) -> str:
    return line.decode(errors="replace").rstrip("\r")

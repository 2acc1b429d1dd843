"""git's own ``git http-backend``: a CGI child for one request, fed and read while it runs.

It gets an environment of its own making, without tokens, and one repo's folder as its whole world.
"""

import asyncio
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hfdeploy_localhub.errors import HubError, Unavailable
from hfdeploy_localhub.store import pre_receive

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

GATE_VARIABLE = "HFDEPLOY_GATE"
_MAX_PUSH_BYTES = 4 * 1024**3
_READ_BYTES = 256 * 1024
_END_OF_HEAD = b"\r\n\r\n"
_PROTOCOL = re.compile(r"[\w=:.-]{1,100}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Call:
    """One request to git: the repo's folder, the path below it, and what CGI tells of the request."""

    folder: Path
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    may_push: bool
    hooks: Path


def plan_environment(call: Call) -> dict[str, str]:
    """All that the child knows (RFC 3875, section 4.1): nothing is inherited from the hub."""
    settings = {
        "safe.directory": str(call.folder),
        "core.hooksPath": str(call.hooks),
        "http.receivepack": "true" if call.may_push else "false",
        "http.getanyfile": "false",
        "uploadpack.allowFilter": "true",
        "receive.fsckObjects": "true",
        "receive.maxInputSize": str(_MAX_PUSH_BYTES),
        "receive.autogc": "false",  # packs and refs are the store's to tidy up
        "receive.denyDeleteCurrent": "false",  # the gate decides
        "receive.advertisePushOptions": "false",
    }
    protocol = call.headers.get("git-protocol", "")
    environment = {
        "PATH": os.defpath,
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_COUNT": str(len(settings)),
        "GIT_PROJECT_ROOT": str(call.folder),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GATEWAY_INTERFACE": "CGI/1.1",
        "REQUEST_METHOD": call.method,
        "PATH_INFO": call.path,
        "QUERY_STRING": call.query,
        "CONTENT_TYPE": call.headers.get("content-type", ""),
        "CONTENT_LENGTH": call.headers.get("content-length", ""),
        "HTTP_CONTENT_ENCODING": call.headers.get("content-encoding", ""),
        "HTTP_GIT_PROTOCOL": protocol if _PROTOCOL.fullmatch(protocol) else "",
    }
    for number, (key, value) in enumerate(settings.items()):
        environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return {key: value for key, value in environment.items() if value}


@dataclass(frozen=True, slots=True)
class Head:
    """How an answer begins."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]


def parse_head(text: bytes) -> Head:
    """The head of a CGI answer (RFC 3875, section 6.3): ``Status`` is 200 where it is missing."""
    status, headers = 200, list[tuple[bytes, bytes]]()
    for line in text.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if name.lower() == b"status":
            status = int(value.split()[0])
        elif colon:
            headers.append((name.strip().lower(), value.strip()))
    return Head(status, tuple(headers))


@cache
def find_backend() -> str:
    """The program. Raises Unavailable if git, or this part of it, is not installed."""
    git = shutil.which("git")
    if git is not None:
        asked = subprocess.run([git, "--exec-path"], capture_output=True, text=True, check=False)  # noqa: S603
        program = Path(asked.stdout.strip()) / "git-http-backend"
        if asked.returncode == 0 and os.access(program, os.X_OK):
            return str(program)
    raise Unavailable("Clone and push need git and its http-backend on the hub's machine: install git there.")


def install_hook(folder: Path) -> Path:
    """A folder for ``core.hooksPath`` with our hook in it, made once.

    The launcher is a constant: no word of a request reaches a shell. A shebang would do without one, but
    cannot name an interpreter whose path has a space or is long. Raises Unavailable if nothing in
    ``folder`` can be executed: git would pass over such a hook in silence.
    """
    hook = folder / "pre-receive"
    words = [sys.executable, "-I", "-S", str(Path(pre_receive.__file__).absolute())]
    text = f"#!/bin/sh\nexec {shlex.join(words)}\n"
    if not hook.is_file() or hook.read_text() != text:
        folder.mkdir(mode=0o700, exist_ok=True)
        partial = folder / f"pre-receive.{os.getpid()}.{os.urandom(4).hex()}"
        partial.write_text(text)
        partial.chmod(0o700)
        partial.replace(hook)
    if not os.access(hook, os.X_OK):
        raise Unavailable("Nothing can be pushed: the hub's data folder lies where programs cannot be run.")
    return folder


class Backend:
    """One running child. Use as a context manager: at its end the child and all it started are gone."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._stdin, self.stdout = process.stdin, process.stdout
        self.must_finish = False
        """Set once git is moving refs: from then on it is not interrupted when the client goes."""

    @classmethod
    async def start(cls, call: Call, *, gate: int | None = None) -> "Backend":
        """``gate`` is the file descriptor by which the hook reaches the hub."""
        environment = plan_environment(call)
        descriptors: Sequence[int] = ()
        if gate is not None:
            environment[GATE_VARIABLE] = str(gate)
            descriptors = (gate,)
        process = await asyncio.create_subprocess_exec(
            await asyncio.to_thread(find_backend),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd=call.folder,
            pass_fds=descriptors,
            start_new_session=True,
            limit=_READ_BYTES,
        )
        return cls(process)

    async def __aenter__(self) -> "Backend":
        return self

    async def __aexit__(self, *_: object) -> None:
        if not self.must_finish:
            self._interrupt()
        self._stdin.close()
        await asyncio.shield(self._process.wait())

    async def feed(self, receive: Receive) -> None:
        """Hands the request's body on as it comes, then watches whether the client is still there."""
        receiving = True
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                break
            with suppress(ConnectionError):  # git may know enough already; the rest is read and dropped
                self._stdin.write(message.get("body", b""))
                await self._stdin.drain()
            if receiving and not message.get("more_body", False):
                receiving = False
                self._stdin.close()
        if not self.must_finish:
            self._interrupt()

    async def read_head(self) -> Head:
        """Raises HubError if git ends without an answer."""
        try:
            return parse_head(await self.stdout.readuntil(_END_OF_HEAD))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            raise HubError("git ended without an answer.") from None

    async def send_rest(self, send: Send) -> None:
        """Sends the body of the answer as git writes it."""
        while data := await self.stdout.read(_READ_BYTES):
            await send({"type": "http.response.body", "body": data, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    def _interrupt(self) -> None:
        """git and what it started clean up after themselves on this signal."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)

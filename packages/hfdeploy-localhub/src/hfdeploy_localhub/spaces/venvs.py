"""Virtual environments made from requirements by uv, cached by what went into them and shared by all who ask.

`cache/<key>/<number>/` is one venv; the highest number that holds `.ready` counts. A venv is made where it
stays (its scripts name their own path) under a lock that the kernel lets go of when the last of the maker's
processes is gone, so a killed maker leaves only a folder without `.ready`, which the next one removes.
"""

import asyncio
import fcntl
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import uv

from hfdeploy_localhub.spaces.children import run_child
from hfdeploy_localhub.spaces.installs import digest
from hfdeploy_localhub.spaces.launch import Launch
from hfdeploy_localhub.spaces.stages import BuildError

_READY = ".ready"
_LOCK_POLL_SECONDS = 0.1
_GRACE_SECONDS = 1.0
_FAILURE_LINES = 12
# What uv may see of the hub's environment: where to find packages and how to get there, no tokens of the Hub.
_KEPT = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "NETRC",
)
_KEPT_STARTS = ("UV_", "SSL_CERT_")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@dataclass(frozen=True, slots=True)
class Requirements:
    """What goes into a venv: `steps` are the arguments of `uv pip install`, one call after the other.

    `texts` is all that the result depends on besides the Python version: the arguments and the files they
    name.
    """

    steps: tuple[tuple[str, ...], ...] = ()
    texts: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()


def plan_uv_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment uv gets. pip's index becomes uv's unless uv has one of its own."""
    kept = {
        name: value
        for name, value in environment.items()
        if name in _KEPT or name.startswith(_KEPT_STARTS) or name.lower() in _PROXIES
    }
    index = environment.get("PIP_INDEX_URL")
    if index and not ({"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & kept.keys()):
        kept["UV_DEFAULT_INDEX"] = index
    return kept | {"UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1", "NO_COLOR": "1"}


class VenvCache:
    """The venvs below one folder."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str], python: Path = Path(sys.executable)
    ) -> None:
        self._folder = folder
        self._environment = plan_uv_environment(environment)
        self._python = python

    async def provide(
        self, wanted: Requirements, on_line: Callable[[str], None], *, fresh: bool = False
    ) -> Path:
        """The venv for `wanted`, made now if there is none yet (`fresh`: in any case).

        uv's output goes to `on_line`. Raises BuildError with uv's last words when an install fails.
        """
        folder = self._folder / digest((sys.version, sys.base_prefix, *wanted.texts))
        folder.mkdir(parents=True, exist_ok=True)
        if (found := _newest(folder)) and not fresh:
            on_line(f"The environment is cached ({folder.name[:12]}).")
            return found
        async with _locked(folder / ".lock", on_line) as lock:
            if (found := _newest(folder)) and not fresh:
                return found
            return await self._make(folder, wanted, on_line, lock, fresh)

    async def _make(
        self, folder: Path, wanted: Requirements, on_line: Callable[[str], None], lock: int, fresh: bool
    ) -> Path:
        venv = await asyncio.to_thread(_clear_for_next, folder)
        await self._run(("venv", "--quiet", "--python", str(self._python), str(venv)), folder, on_line, lock)
        refresh = ("--refresh",) if fresh else ()
        for arguments, where in zip(wanted.steps, wanted.folders, strict=True):
            on_line(f"pip install {' '.join(arguments)}")
            command = ("pip", "install", "--python", str(venv / "bin" / "python"), *refresh, *arguments)
            await self._run(command, where, on_line, lock)
        (venv / _READY).touch()
        return venv

    async def _run(
        self, arguments: Sequence[str], folder: Path, on_line: Callable[[str], None], lock: int
    ) -> None:
        heard: list[str] = []

        def hear(line: str) -> None:
            heard.append(line)
            del heard[:-_FAILURE_LINES]
            on_line(line)

        launch = Launch((uv.find_uv_bin(), *arguments), folder, self._environment)
        code = await run_child(launch, hear, _GRACE_SECONDS, keep=(lock,))
        if code:
            raise BuildError("\n".join([f"pip install failed with exit code {code}:", *heard]))


def _newest(folder: Path) -> Path | None:
    ready = [path for path in folder.iterdir() if path.name.isdecimal() and (path / _READY).exists()]
    return max(ready, key=lambda path: int(path.name), default=None)


def _clear_for_next(folder: Path) -> Path:
    """Remove what killed makers have left; returns the path for the next venv."""
    numbers = [int(path.name) for path in folder.iterdir() if path.name.isdecimal()]
    for number in numbers:
        if not (folder / str(number) / _READY).exists():
            shutil.rmtree(folder / str(number))
    return folder / str(max(numbers, default=0) + 1)


@asynccontextmanager
async def _locked(path: Path, on_line: Callable[[str], None]) -> AsyncIterator[int]:
    """An exclusive lock as a file descriptor; whoever inherits it holds the lock as well."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    told = False
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    on_line("Waiting for another build of the same environment.")
                told = True
                await asyncio.sleep(_LOCK_POLL_SECONDS)
        yield descriptor
    finally:
        os.close(descriptor)

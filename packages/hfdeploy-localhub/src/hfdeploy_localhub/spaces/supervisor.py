"""All Spaces of one hub: the room's front door."""

import asyncio
import logging
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from hfdeploy_localhub.spaces.app import Patience
from hfdeploy_localhub.spaces.gateway import Gateway
from hfdeploy_localhub.spaces.logs import Log
from hfdeploy_localhub.spaces.source import SpaceSource
from hfdeploy_localhub.spaces.space import Space, Workshop
from hfdeploy_localhub.spaces.stages import Runtime, Stage
from hfdeploy_localhub.spaces.venvs import VenvCache

_LOGGER = logging.getLogger(__name__)


class Spaces:
    """Runs every Space of a hub. All methods are called from one event loop and return quickly.

    `folder` holds checkouts and logs, `venv_cache` the environments, which hubs share. `environment` is the
    machine's: apps get PATH, LANG, TMPDIR and TZ of it, uv its indexes and proxies. `app_environment` goes to
    every app, below its own variables. `grace_seconds` is what an app has between SIGTERM and SIGKILL.

    Needs a POSIX system; on Linux apps are also looked after when they daemonise, or listen on another port.
    """

    def __init__(
        self,
        source: SpaceSource,
        folder: Path,
        venv_cache: Path,
        *,
        environment: Mapping[str, str],
        app_environment: Mapping[str, str] | None = None,
        startup_timeout_seconds: float = 1800.0,
        wrong_port_seconds: float = 15.0,
        grace_seconds: float = 5.0,
    ) -> None:
        self._source = source
        self._folder = folder.absolute()
        self._shop = Workshop(
            source,
            VenvCache(venv_cache.absolute(), environment),
            environment,
            app_environment or {},
            Patience(startup_timeout_seconds, wrong_port_seconds, min(2.0, wrong_port_seconds)),
            grace_seconds,
        )
        self._spaces: dict[str, Space] = {}
        self._gateways: dict[str, Gateway] = {}

    async def start(self) -> None:
        """Open the gateway of every Space and begin to run those that are not paused."""
        for name in self._source.spaces():
            space = await self._open(name)
            if self._source.settings(name).paused:
                space.end(Stage.PAUSED)
            else:
                space.push()

    async def stop(self) -> None:
        """End every app and close every gateway; nothing is left running."""
        for space in self._spaces.values():
            space.end(Stage.STOPPED)
        await asyncio.gather(*(gateway.close() for gateway in self._gateways.values()))
        await asyncio.gather(*(space.settled() for space in self._spaces.values()))
        self._gateways.clear()
        self._spaces.clear()

    def release_followers(self) -> None:
        """Whoever reads a log is let go: a server that waits for its answers to end does so for nothing."""
        for space in self._spaces.values():
            for log in space.logs.values():
                log.release()

    async def pushed(self, space: str) -> None:
        """The head of main has moved, or the Space is new. A commit tried last is not tried again."""
        opened = self._spaces.get(space) or await self._open(space)
        if self._source.settings(space).paused:
            opened.end(Stage.PAUSED)
        else:
            opened.push()

    async def restart(self, space: str, *, factory: bool = False) -> None:
        """End the app and run the head of main again; `factory`: with an environment made anew."""
        self._spaces[space].restart(fresh=factory)

    async def pause(self, space: str) -> None:
        """End the app, until the next `restart`."""
        self._spaces[space].end(Stage.PAUSED)

    async def removed(self, space: str) -> None:
        """The Space is gone: end it, close its port, forget its files."""
        if space not in self._spaces:
            return
        gone, gateway = self._spaces.pop(space), self._gateways.pop(space)
        gone.end(Stage.DELETING)
        await gateway.close()
        await gone.settled()
        await asyncio.to_thread(shutil.rmtree, gone.folder, ignore_errors=True)

    async def renamed(self, old: str, new: str) -> None:
        """The Space has another name, and keeps its port. Its app is started again: it is told its name."""
        space = self._spaces.pop(old)
        self._spaces[new], self._gateways[new] = space, self._gateways.pop(old)
        space.name = new
        stage = space.stage
        space.end(Stage.STOPPED)
        await space.settled()
        space.move(await asyncio.to_thread(self._move, old, new))
        if stage is Stage.PAUSED:
            space.end(Stage.PAUSED)
        else:
            space.restart(fresh=False)

    def runtime(self, space: str) -> Runtime:
        """What the Space is doing. Raises KeyError for a Space that was never pushed."""
        return self._spaces[space].runtime()

    def host(self, space: str) -> str:
        """The Space's origin, `http://127.0.0.1:PORT`."""
        return f"http://{self._spaces[space].host}"

    def log(self, space: str, kind: Literal["build", "run"]) -> Log:
        """The Space's build log or run log."""
        return self._spaces[space].logs[kind]

    async def _open(self, name: str) -> Space:
        """A Space with its gateway. The port it had is taken again unless somebody else has it."""
        space = self._spaces[name] = Space(name, self._path(name), self._shop)
        gateway = self._gateways[name] = Gateway(space)
        remembered = self._source.port(name)
        port = await gateway.open(remembered)
        if port != remembered:
            if remembered:
                _LOGGER.warning("Space %s: port %d is taken, it is now at port %d", name, remembered, port)
            self._source.remember_port(name, port)
        space.host = f"127.0.0.1:{port}"
        return space

    def _path(self, name: str) -> Path:
        if not re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", name):
            raise ValueError(f"not the name of a Space: {name!r}")
        return self._folder / name

    def _move(self, old: str, new: str) -> Path:
        origin, target = self._path(old), self._path(new)
        target.parent.mkdir(parents=True, exist_ok=True)
        if origin.exists():
            shutil.rmtree(target, ignore_errors=True)
            origin.rename(target)
        return target

"""One Space over time: the commit that is tried, the app that serves, and the change of the two."""

import asyncio
import itertools
import logging
import shutil
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from hfdeploy_localhub.spaces.app import Patience, describe_exit, find_free_port, wait_until_listening
from hfdeploy_localhub.spaces.builder import Say, Site, build
from hfdeploy_localhub.spaces.card import Card
from hfdeploy_localhub.spaces.children import Child, start_child
from hfdeploy_localhub.spaces.gateway import Backend, Listener
from hfdeploy_localhub.spaces.launch import Address, Bundle, Launch, plan_launch
from hfdeploy_localhub.spaces.logs import Log
from hfdeploy_localhub.spaces.source import SpaceSource
from hfdeploy_localhub.spaces.stages import Attempt, Runtime, SpaceError, Stage, decide_push, decide_stage
from hfdeploy_localhub.spaces.venvs import VenvCache

_LOGGER = logging.getLogger(__name__)
_numbers = itertools.count(1)


@dataclass(slots=True)
class Workshop:
    """What all Spaces of a hub share. `environment` is the machine's, `app_environment` goes to every app."""

    source: SpaceSource
    venvs: VenvCache
    environment: Mapping[str, str] = field(repr=False)
    app_environment: Mapping[str, str] = field(repr=False)
    patience: Patience
    grace_seconds: float
    ports: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True, eq=False)
class Serving:
    """A commit that answers requests, and what it takes to end it."""

    commit: str
    folder: Path
    backend: Listener | Site
    child: Child | None = None
    say: Say = lambda line: None


class Space:
    """One Space. Its methods return at once; `settled` waits until nothing is under way."""

    def __init__(self, name: str, folder: Path, workshop: Workshop) -> None:
        self.name = name
        self.folder = folder
        self.host = ""
        self._shop = workshop
        self._attempt = Attempt(None, Stage.STOPPED)
        self._sdk: str | None = None
        self._serving: Serving | None = None
        self._work: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.logs = {kind: Log(folder / f"{kind}.jsonl") for kind in ("build", "run")}
        shutil.rmtree(folder / "builds", ignore_errors=True)  # a killed hub's

    # What the gateway asks

    def admits(self, tokens: Sequence[str]) -> bool:
        """See `Door`."""
        source = self._shop.source
        if not source.settings(self.name).private:
            return True
        return any(source.may_read(self.name, token) for token in tokens)

    def knows_token(self, token: str) -> bool:
        """See `Door`."""
        return self._shop.source.knows_token(token)

    def backend(self) -> Backend:
        """See `Door`."""
        return self._serving.backend if self._serving else self.stage

    # What it is doing

    @property
    def stage(self) -> Stage:
        """The stage now."""
        return decide_stage(self._attempt.stage, serving=self._serving is not None)

    def runtime(self) -> Runtime:
        """The runtime now."""
        settings, serving, is_static = (
            self._shop.source.settings(self.name),
            self._serving,
            self._sdk == "static",
        )
        return Runtime(
            stage=self.stage,
            sha=serving.commit if serving else self._attempt.commit,
            error_message=self._attempt.error_message,
            hardware_current=settings.hardware if serving and not is_static else None,
            hardware_requested=None if is_static else settings.hardware,
            replicas_current=1 if serving else 0,
            host_url=f"http://{self.host}",
            sdk=self._sdk,
        )

    # What can be asked of it

    def push(self) -> None:
        """Try the head of main, unless that is what was tried last."""
        head = self._shop.source.head(self.name)
        if decide_push(head, self._attempt, paused=self._shop.source.settings(self.name).paused):
            self._try(head, fresh=False)

    def restart(self, *, fresh: bool) -> None:
        """End what serves, and try the head of main again; `fresh`: from nothing."""
        self._end_serving()
        self._try(self._shop.source.head(self.name), fresh=fresh)

    def end(self, stage: Stage) -> None:
        """End everything and stay at `stage` (PAUSED, STOPPED or DELETING)."""
        self._cancel_work()
        self._end_serving()
        self._attempt = Attempt(self._attempt.commit, stage)

    async def settled(self) -> None:
        """Wait until what was begun or ended has come to its end."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def move(self, folder: Path) -> None:
        """Its files are in another folder now; nothing may be under way."""
        self.folder = folder
        for kind, log in self.logs.items():
            log.move(folder / f"{kind}.jsonl")

    # How it is done

    def _try(self, commit: str, *, fresh: bool) -> None:
        before = self._work
        self._cancel_work()
        self._attempt = Attempt(commit, Stage.BUILDING)
        self._work = self._keep(self._carry_out(commit, fresh, before))

    async def _carry_out(self, commit: str, fresh: bool, before: asyncio.Task[None] | None) -> None:
        """Build and start one commit. The latest push wins: this is cancelled when another one comes."""
        if before:
            await asyncio.wait({before})
        folder = self.folder / "builds" / f"{commit[:12]}-{next(_numbers)}"
        try:
            card, built = await self._build(commit, folder, fresh)
            serving = await self._serve(commit, card, built, folder)
        except SpaceError as error:
            self._fail(Attempt(commit, error.stage, str(error)))
        except Exception as error:
            _LOGGER.exception("Space %s: %s could not be tried", self.name, commit[:7])
            self._fail(Attempt(commit, Stage.BUILD_ERROR, f"The local hub failed: {type(error).__name__}."))
        else:
            self._end_serving(drain=True)
            self._serving, self._attempt = serving, Attempt(commit, Stage.RUNNING)
            if serving.child:
                self._keep(self._watch(serving, serving.child))
        finally:
            if self._serving is None or self._serving.folder != folder:
                await _remove(folder)

    async def _build(self, commit: str, folder: Path, fresh: bool) -> tuple[Card, Bundle | Site]:
        log, shop = self.logs["build"], self._shop
        say = log.begin()
        say(f"===== Build Queued at {_now()} / Commit SHA: {commit[:7]} =====")
        try:
            built = await build(shop.source, self.name, commit, folder, shop.venvs, say, fresh=fresh)
        except SpaceError as error:
            say(str(error).splitlines()[0])  # what follows is in the log already
            raise
        except asyncio.CancelledError:
            say("Cancelled.")
            raise
        else:
            say("Built.")
            return built
        finally:
            log.finish(say)

    async def _serve(self, commit: str, card: Card, built: Bundle | Site, folder: Path) -> Serving:
        self._sdk = card.sdk
        if isinstance(built, Site):
            return Serving(commit, folder, built)
        self._attempt = Attempt(commit, Stage.APP_STARTING)
        port = find_free_port(self._shop.ports)
        self._shop.ports.add(port)
        log = self.logs["run"]
        say = log.begin()
        say(f"===== Application Startup at {_now()} =====")
        child = None
        try:
            child = await start_child(self._launch(built, port), say, self._shop.grace_seconds)
            host = await wait_until_listening(child, port, card.app_port, self._patience(card), log, say)
            return Serving(commit, folder, Listener(host, port), child, say)
        except BaseException as error:
            if child:
                await child.stop()
            if isinstance(error, SpaceError):
                say(f"===== {str(error).splitlines()[0]} =====")
            log.finish(say)
            self._shop.ports.discard(port)
            raise

    def _launch(self, bundle: Bundle, port: int) -> Launch:
        settings = self._shop.source.settings(self.name)
        settings = replace(settings, variables=dict(self._shop.app_environment) | dict(settings.variables))
        return plan_launch(bundle, Address(self.name, self.host, port), settings, self._shop.environment)

    def _patience(self, card: Card) -> Patience:
        seconds = card.startup_timeout_seconds
        return replace(self._shop.patience, startup_seconds=seconds) if seconds else self._shop.patience

    async def _watch(self, serving: Serving, child: Child) -> None:
        """An app that ends by itself is an error, whatever its exit code."""
        code = await child.wait()
        if self._serving is not serving:
            return
        message = describe_exit(code, self.logs["run"])
        serving.say(f"===== {message.splitlines()[0]} =====")
        self._end_serving()
        if self._attempt.stage is Stage.RUNNING:
            self._attempt = Attempt(serving.commit, Stage.RUNTIME_ERROR, message)

    def _fail(self, attempt: Attempt) -> None:
        """As on the Hub, an error ends the commit before as well: there is no stage for both."""
        self._end_serving()
        self._attempt = attempt

    def _end_serving(self, *, drain: bool = False) -> None:
        """Route to what serves no more and end it in the background; `drain`: after what it is answering."""
        serving, self._serving = self._serving, None
        if serving:
            self._keep(self._end(serving, drain))

    async def _end(self, serving: Serving, drain: bool) -> None:
        if drain and isinstance(serving.backend, Listener):
            await serving.backend.drain(self._shop.grace_seconds)
        if serving.child:
            await serving.child.stop()
        if isinstance(serving.backend, Listener):
            self.logs["run"].finish(serving.say)
            self._shop.ports.discard(serving.backend.port)
        await _remove(serving.folder)

    def _cancel_work(self) -> None:
        if self._work and not self._work.cancelling():  # a second time would break into its clearing up
            self._work.cancel()

    def _keep(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _remove(folder: Path) -> None:
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")

"""One run over targets: what they share."""

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar, cast

from hfdeploy_core.clock import Clock
from hfdeploy_core.deployment import enter
from hfdeploy_core.errors import DeployError, RunFailed
from hfdeploy_core.events import Event, OnEvent, TargetFailed, TargetLeft, TargetTold, take_turns
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.manifest.conditions import Circumstances
from hfdeploy_core.model import RepoRef, RepoType
from hfdeploy_core.planning.names import parse_repo_id
from hfdeploy_core.running.flow import Failed, Fate, Over, Stopped, run_graph
from hfdeploy_core.running.project import Project
from hfdeploy_core.running.stores import HubStore, LocalStore, Store
from hfdeploy_core.source.cache import STATE_FOLDER
from hfdeploy_core.source.git import find_branch

MOST_AT_A_TIME = 8

Needs = Mapping[str, frozenset[str]]
T = TypeVar("T")


class Run:
    """One run over targets: what each of them tells passes through here, one at a time."""

    def __init__(self, project: Project, on_event: OnEvent, clock: Clock) -> None:
        self._project = project
        self._tell = take_turns(on_event)
        self._clock = clock
        self.over = Over()

    def enter(self, hub: Hub | None) -> AbstractContextManager[Hub]:
        """The Hub, one client for all targets."""
        return enter(hub, self._tell)

    def find_store(self, hub: Hub) -> Store:
        """Where the state of this manifest and profile lies."""
        name = self._name_file(self._project.manifest.state_name)
        asked = self._project.manifest.state_repo
        if asked is None:
            return LocalStore(self._project.folder / STATE_FOLDER, name)
        namespace, dataset = parse_repo_id(asked)
        return HubStore(
            RepoRef(RepoType.DATASET, namespace or hub.whoami().name, dataset), name, hub, self._clock
        )

    def find_progress(self) -> Path:
        """The file that tells which steps a run has done, should it be cut short."""
        return self._project.folder / STATE_FOLDER / self._name_file("run")

    def look_around(self, previous: str) -> Circumstances:
        """What conditions can look at, as far as it is the same for all."""
        branch = find_branch(self._project.folder) if self._project.manifest.has_conditions else None
        return Circumstances(
            branch=branch or "",
            profile=self._project.profile or "",
            previous=previous,
            preview=self._project.preview or "",
        )

    def find_state(self, name: str) -> Path:
        """The folder for a target's journal and hashes."""
        return self._project.folder / STATE_FOLDER / "targets" / name

    def go(self, needs: Needs, hub: Hub, work: Callable[[str, OnEvent, Hub], T]) -> dict[str, Fate[T]]:
        """Do the work of every target, with somebody to tell its events to and a Hub to ask."""
        return run_graph(
            needs,
            lambda name, is_over: self._attempt(name, is_over, hub, work),
            most=MOST_AT_A_TIME,
            on_left=lambda name, left: self._tell(TargetLeft(name, left.because)),
            over=self.over,
        )

    def _name_file(self, what: str) -> str:
        profile, preview = self._project.profile, self._project.preview
        of_profile = "" if profile is None else f"-{profile}"
        of_preview = "" if preview is None else f"+{preview}"
        return f"{self._project.prefix}{what}{of_profile}{of_preview}.json"

    def _attempt(
        self, name: str, is_over: threading.Event, hub: Hub, work: Callable[[str, OnEvent, Hub], T]
    ) -> T:
        def tell(event: Event) -> None:
            if is_over.is_set():
                raise Stopped
            self._tell(TargetTold(name, event))

        try:
            return work(name, tell, cast("Hub", _Stoppable(hub, is_over)))
        except DeployError as error:
            self._tell(TargetFailed(name, type(error).__name__, error.message, error.remedy, error.exit_code))
            raise


class _Stoppable:
    """A Hub that is not asked any more once the run is over: who waits for it looks again and again."""

    def __init__(self, hub: Hub, is_over: threading.Event) -> None:
        self._hub = hub
        self._is_over = is_over

    def __getattr__(self, name: str) -> Any:
        if self._is_over.is_set():
            raise Stopped
        return getattr(self._hub, name)


def raise_failures(fates: Mapping[str, Fate[T]]) -> None:
    """Raise the failure, where there is one; what is unexpected goes before."""
    failures = {name: fate.error for name, fate in fates.items() if isinstance(fate, Failed)}
    for error in failures.values():
        if len(failures) == 1 or not isinstance(error, DeployError):
            raise error
    if failures:
        raise RunFailed(f"{len(failures)} of {len(fates)} targets failed: {', '.join(failures)}.")

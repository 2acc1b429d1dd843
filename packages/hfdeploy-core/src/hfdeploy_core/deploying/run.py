"""What a deploy works with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hfdeploy_core.applying.journal import Journal
from hfdeploy_core.clock import Clock
from hfdeploy_core.events import OnEvent
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.model import Plan, RepoInfo, Snapshot
from hfdeploy_core.source.opening import OpenSource


@dataclass(frozen=True, slots=True)
class Run:
    """What a deploy works with; `secrets` has their values by name."""

    hub: Hub
    source: OpenSource
    secrets: Mapping[str, str]
    state: Path
    clock: Clock
    on_event: OnEvent

    @property
    def journal(self) -> Journal:
        return Journal(self.state, self.clock)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan with what it was made from. `info` is the repo, where there is one."""

    plan: Plan
    snapshot: Snapshot
    info: RepoInfo | None

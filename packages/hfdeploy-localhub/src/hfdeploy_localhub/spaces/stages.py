"""The stages of a Space and how they follow from what is being tried and what is being served. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """The stages the Hub's clients know."""

    NO_APP_FILE = "NO_APP_FILE"
    CONFIG_ERROR = "CONFIG_ERROR"
    BUILDING = "BUILDING"
    BUILD_ERROR = "BUILD_ERROR"
    APP_STARTING = "APP_STARTING"
    RUNNING = "RUNNING"
    RUNNING_BUILDING = "RUNNING_BUILDING"
    RUNNING_APP_STARTING = "RUNNING_APP_STARTING"
    RUNTIME_ERROR = "RUNTIME_ERROR"
    STOPPED = "STOPPED"
    PAUSED = "PAUSED"
    DELETING = "DELETING"

    @property
    def is_on_its_way(self) -> bool:
        """Whether the Space moves on from here by itself."""
        return self in _WHILE_SERVING or self in _WHILE_SERVING.values()


_WHILE_SERVING = {
    Stage.BUILDING: Stage.RUNNING_BUILDING,
    Stage.APP_STARTING: Stage.RUNNING_APP_STARTING,
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """The newest thing tried: a commit, and the stage it has reached by itself.

    `stage` never is one of the RUNNING_* pairs: these tell of an older commit as well, see `decide_stage`.
    """

    commit: str | None
    stage: Stage
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a Space is doing, as the Hub's `runtime` tells it.

    `sha` is the commit that answers requests; while none does, the commit that `stage` is about.
    """

    stage: Stage
    sha: str | None = None
    error_message: str | None = None
    hardware_current: str | None = None
    hardware_requested: str | None = None
    replicas_current: int = 0
    replicas_requested: int = 1
    host_url: str = ""
    sdk: str | None = None


class SpaceError(Exception):
    """A Space cannot go on. `stage` is where it ends, the text is the owner's `errorMessage`."""

    stage = Stage.RUNTIME_ERROR


class ConfigError(SpaceError):
    """The README's front matter does not describe a Space."""

    stage = Stage.CONFIG_ERROR


class NoAppFile(SpaceError):
    """The file that makes the app is not in the repository."""

    stage = Stage.NO_APP_FILE


class BuildError(SpaceError):
    """The app cannot be built."""

    stage = Stage.BUILD_ERROR


class AppError(SpaceError):
    """The app was started and failed."""


def decide_stage(attempt: Stage, *, serving: bool) -> Stage:
    """The stage to show: `attempt` by itself, or together with an older commit that is still `serving`."""
    return _WHILE_SERVING.get(attempt, attempt) if serving else attempt


def decide_push(head: str, attempt: Attempt, *, paused: bool) -> bool:
    """Whether a push calls for a build: not when paused, and not for the commit that was tried last."""
    return not paused and attempt.commit != head

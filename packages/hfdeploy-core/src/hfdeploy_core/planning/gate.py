"""Whether a deployed commit is live (pure): the Hub's stages, and which commit they are about."""

from collections.abc import Sequence
from dataclasses import dataclass

from hfdeploy_core.errors import AppFailed, BuildFailed, GateError, NotRunning, SettingInvalid
from hfdeploy_core.model import RepoType
from hfdeploy_core.planning.probes import Probe
from hfdeploy_core.space import LogKind, Runtime

WAIT_SECONDS = 1200.0
SETTLE_SECONDS = 10.0
"""How long an error that names no commit, or another one, may be that of an earlier deploy."""

_FIRST_POLL_SECONDS = 0.2
_LONGEST_POLL_SECONDS = 15.0
_POLL_GROWTH = 1.4

_BUILDING = frozenset({"BUILDING", "RUNNING_BUILDING"})
_STARTING = frozenset({"APP_STARTING", "RUNNING_APP_STARTING"})
_ASLEEP = "SLEEPING"
_NOT_BUILT = frozenset({"BUILD_ERROR", "CONFIG_ERROR", "NO_APP_FILE"})
_CRASHED = "RUNTIME_ERROR"
_REMEDIES = {
    "PAUSED": "Start it with `hfdeploy wake {id}`; if the Hub paused it, its page says why.",
    "STOPPED": "Start it with `hfdeploy restart {id}`.",
    "DELETING": "Deploy under another name, or wait until it is gone.",
}
_FLAGGED = "flagged"
_SUSPECT = "proxy"
_QUOTA = "quota"


@dataclass(frozen=True, slots=True)
class Gate:
    """What has to come true after the commit: the Space runs it within `wait_seconds`, and answers so.

    Where it does not, a gate that `rolls_back` has what was there before put in place again.
    """

    wait_seconds: float = WAIT_SECONDS
    probes: Sequence[Probe] = ()
    rolls_back: bool = False


@dataclass(frozen=True, slots=True)
class Live:
    """The commit answers requests, or would if somebody woke it: `is_asleep`."""

    is_asleep: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is decided yet. `log` is the one that tells what is going on."""

    log: LogKind | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """It will not become live by itself. `log` is the one that tells why."""

    error: GateError
    log: LogKind | None = None


Verdict = Live | Wait | Failed


def decide_gate(
    runtime: Runtime, commit: str, *, repo_id: str, elapsed_seconds: float, has_moved: bool
) -> Verdict:
    """What a Space's runtime means for `commit`, `elapsed_seconds` after the gate began to look.

    A runtime may tell of an earlier commit for a while: RUNNING counts only for this one, and an error of
    another counts once the Space `has_moved` through a build, or has had time to.
    """
    is_ours = runtime.commit == commit
    stage = runtime.stage
    if stage == "RUNNING":
        return Live() if is_ours else Wait()
    if stage == _ASLEEP:
        return Live(is_asleep=True) if is_ours else Wait()
    if stage in _BUILDING:
        return Wait(LogKind.BUILD)
    if stage in _STARTING:
        return Wait(LogKind.RUN)
    is_believed = is_ours or has_moved or elapsed_seconds >= SETTLE_SECONDS
    if not is_believed:
        return Wait()
    said = _quote(runtime.error_message)
    if stage in _NOT_BUILT:
        log = LogKind.BUILD if stage == "BUILD_ERROR" else None
        return Failed(BuildFailed(f"{repo_id} could not be built: {stage}.{said}"), log)
    if stage == _CRASHED:
        return Failed(AppFailed(f"{repo_id} failed at start: {stage}.{said}"), LogKind.RUN)
    return _judge_still(stage, repo_id, said)


def check_gate(gate: Gate | None, repo_type: RepoType) -> None:
    """Raise SettingInvalid for a gate where nothing runs."""
    if gate is not None and repo_type is not RepoType.SPACE:
        raise SettingInvalid(
            f"A {repo_type} does not run, so that there is nothing to wait for or to probe.",
            "Leave out --wait and --probe, or deploy with --type space.",
        )


def is_moving(runtime: Runtime) -> bool:
    """Whether the Space is on its way to another stage by itself."""
    return runtime.stage in _BUILDING | _STARTING


def decide_poll_seconds(polls: int) -> float:
    """The pause after so many looks: short at first, 15 s in the end: 10 minutes take fewer than 60 looks."""
    return min(_FIRST_POLL_SECONDS * _POLL_GROWTH**polls, _LONGEST_POLL_SECONDS)


def _quote(error_message: str | None) -> str:
    """The Hub's first line: those below it repeat the log."""
    line = (error_message or "").strip().partition("\n")[0].rstrip(".: ")
    return f" The Hub says: {line}." if line else ""


def _judge_still(stage: str, repo_id: str, said: str) -> Verdict:
    """A stage that nothing but somebody's action ends."""
    words = said.lower()
    if _FLAGGED in words:
        remedy = "Ask the Hub's support to review it: nothing else starts it again."
        if _SUSPECT in repo_id:
            remedy += f" Names with {_SUSPECT!r} in them are said to be flagged more often."
        return Failed(NotRunning(f"{repo_id} was flagged and is {stage}.{said}", remedy))
    if _QUOTA in words:
        remedy = "Free some of the quota by pausing other Spaces, or choose other hardware."
        return Failed(NotRunning(f"{repo_id} is out of quota and {stage}.{said}", remedy))
    if remedy := _REMEDIES.get(stage, ""):
        return Failed(NotRunning(f"{repo_id} is {stage}.{said}", remedy.format(id=repo_id)))
    # A stage that this version does not know may well lead somewhere.
    return Wait()

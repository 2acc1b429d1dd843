"""The gate: waits until the very commit is live and healthy."""

from dataclasses import dataclass

from hfdeploy_core.applying.logs import LogFollower
from hfdeploy_core.clock import Clock
from hfdeploy_core.errors import GateTimedOut, HubError, ProbeFailed, Superseded
from hfdeploy_core.events import OnEvent, Probed, StageChanged, Warned, WentLive
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.model import RepoInfo, RepoRef, Visibility
from hfdeploy_core.planning.gate import Failed, Gate, Live, Wait, decide_gate, decide_poll_seconds, is_moving
from hfdeploy_core.planning.probes import Probe, find_fault
from hfdeploy_core.space import Runtime

_PROBE_TRIES = 6
_PROBE_PAUSE_SECONDS = 1.0
_PROBE_QUIET_SECONDS = 15.0


def pass_gate(gate: Gate, info: RepoInfo, commit: str, hub: Hub, *, clock: Clock, on_event: OnEvent) -> None:
    """Return once the Space `info` runs `commit` and answers the probes. Raises a GateError."""
    started_seconds = clock.seconds()
    with LogFollower(hub, info.repo, clock, on_event) as logs:
        watch = _Watch(info.repo, commit, hub, logs, on_event)
        _wait(watch, gate.wait_seconds, clock)
    for probe in gate.probes:
        _ask(probe, info, hub, clock, on_event, until_seconds=started_seconds + gate.wait_seconds)
    on_event(WentLive(info.repo.id, commit, clock.seconds() - started_seconds))


@dataclass
class _Watch:
    """One look after the other at a Space, and what they have shown so far."""

    repo: RepoRef
    commit: str
    hub: Hub
    logs: LogFollower
    on_event: OnEvent
    runtime: Runtime | None = None
    has_moved: bool = False

    def look(self, elapsed_seconds: float) -> bool:
        """Whether the commit is live by now. Raises a GateError if it will not be."""
        try:
            runtime = self.hub.find_runtime(self.repo)
        except HubError:
            return False  # the Hub may be away for a while; the deadline is what ends this
        if runtime != self.runtime:
            self.on_event(StageChanged(self.repo.id, runtime.stage, runtime.commit))
            self._check_head(runtime)
        self.runtime = runtime
        self.has_moved = self.has_moved or is_moving(runtime)
        verdict = decide_gate(
            runtime,
            self.commit,
            repo_id=self.repo.id,
            elapsed_seconds=elapsed_seconds,
            has_moved=self.has_moved,
        )
        match verdict:
            case Live(is_asleep=is_asleep):
                if is_asleep:
                    self.on_event(Warned(f"{self.repo.id} is asleep: the next visit wakes it."))
                return True
            case Wait(log=log):
                if log is not None:
                    self.logs.follow(log)
                return False
            case Failed(error=error, log=log):
                if log is not None:
                    error.log = self.logs.read_last(log)
                raise error

    def _check_head(self, runtime: Runtime) -> None:
        """Another commit than before answers, and not ours: has somebody put one on top of it?"""
        if self.runtime is None or runtime.commit in (None, self.commit, self.runtime.commit):
            return
        info = self.hub.find_repo(self.repo)
        if info is not None and info.head != self.commit:
            raise Superseded(
                f"{self.repo.id} is at {info.head} now: somebody committed on top of this deploy."
            )


def _wait(watch: _Watch, wait_seconds: float, clock: Clock) -> None:
    started_seconds, polls = clock.seconds(), 0
    while not watch.look(elapsed_seconds := clock.seconds() - started_seconds):
        left_seconds = wait_seconds - elapsed_seconds
        if left_seconds <= 0:
            stage = watch.runtime.stage if watch.runtime else "unknown"
            raise GateTimedOut(f"{watch.repo.id} is {stage} after {wait_seconds:.0f} seconds, not live.")
        watch.logs.tell(min(decide_poll_seconds(polls), left_seconds))
        polls += 1


def _ask(
    probe: Probe, info: RepoInfo, hub: Hub, clock: Clock, on_event: OnEvent, *, until_seconds: float
) -> None:
    """Ask the app once at least, and again as long as there is time."""
    fault = "there is no app to ask"
    for tries in range(_PROBE_TRIES if info.app_url else 0):
        if tries:
            pause_seconds = _PROBE_PAUSE_SECONDS * 2 ** (tries - 1)
            if clock.seconds() + pause_seconds > until_seconds:
                break
            clock.sleep(pause_seconds)
        reply = hub.visit_app(
            info.app_url or "",
            probe.path,
            quiet_seconds=_PROBE_QUIET_SECONDS,
            is_websocket=probe.is_websocket,
            is_open=info.visibility is not Visibility.PRIVATE,
        )
        found = find_fault(probe, reply) if reply is not None else f"{probe.path} does not answer"
        if reply is not None and found is None:
            on_event(Probed(info.repo.id, probe.path, reply.status))
            return
        fault = found or fault
    remedy = f"Look at its log with `hfdeploy logs {info.repo.id}`, or correct the probe."
    raise ProbeFailed(f"{info.repo.id} runs, but {fault}.", remedy)

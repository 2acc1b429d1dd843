from collections.abc import Callable
from typing import Any

import pytest

from hfdeploy_core.applying.gate import pass_gate
from hfdeploy_core.errors import AppFailed, BuildFailed, GateTimedOut, HubFailed, ProbeFailed, Superseded
from hfdeploy_core.events import Event, Logged, Probed, StageChanged, Warned, WentLive
from hfdeploy_core.model import RepoInfo, RepoRef, RepoType, Sdk
from hfdeploy_core.planning.gate import Gate
from hfdeploy_core.planning.probes import parse_probe
from hfdeploy_core.space import AppReply, LogKind, LogLine, Runtime
from hfdeploy_core.testing import FakeClock, FakeHub

SPACE = RepoRef(RepoType.SPACE, "alice", "app")


class Scene:
    """A Space with a commit that was just made."""

    def __init__(self) -> None:
        self.hub, self.clock = FakeHub(), FakeClock()
        self.events: list[Event] = []
        self.hub.create_repo(SPACE, None, Sdk.DOCKER)
        self.old = self.hub.repos[SPACE].commits[-1].id
        self.commit = self.hub.push(SPACE, {"app.py": b""})

    def show(self, *stages: tuple[str, str | None] | Runtime) -> None:
        self.hub.repos[SPACE].runtimes = [
            stage if isinstance(stage, Runtime) else Runtime(*stage) for stage in stages
        ]

    def log(self, kind: LogKind, *texts: str) -> None:
        lines = [LogLine(text, f"2026-01-01T00:00:{number:02}Z") for number, text in enumerate(texts)]
        self.hub.repos[SPACE].logs[kind] = lines

    def wait(self, *probes: str, **options: Any) -> None:
        gate = Gate(probes=[parse_probe(probe) for probe in probes], **options)
        info = self.hub.find_repo(SPACE)
        assert isinstance(info, RepoInfo)
        pass_gate(gate, info, self.commit, self.hub, clock=self.clock, on_event=self.events.append)

    def heard(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_stale_running_is_not_live(scene: Scene) -> None:
    scene.show(("RUNNING", scene.old), ("RUNNING_BUILDING", scene.old), ("RUNNING", scene.commit))
    scene.wait()
    assert [event.stage for event in scene.heard(StageChanged)] == ["RUNNING", "RUNNING_BUILDING", "RUNNING"]
    assert scene.events[-1] == WentLive(SPACE.id, scene.commit, scene.clock.seconds())
    assert scene.clock.seconds() > 0


def test_logs_are_told_once_as_they_come(scene: Scene) -> None:
    scene.log(LogKind.BUILD, "one", "two")
    scene.log(LogKind.RUN, "hello")
    building, starting = ("BUILDING", None), ("APP_STARTING", scene.commit)
    scene.show(building, building, building, starting, starting, ("RUNNING", scene.commit))
    scene.wait()
    assert scene.heard(Logged) == [
        Logged(LogKind.BUILD, "one"),
        Logged(LogKind.BUILD, "two"),
        Logged(LogKind.RUN, "hello"),
    ]


def test_a_build_that_fails_brings_the_last_lines(scene: Scene) -> None:
    scene.log(LogKind.BUILD, *(f"line {number}" for number in range(60)))
    scene.show(("BUILDING", None), Runtime("BUILD_ERROR", scene.old, "exit 1"))
    with pytest.raises(BuildFailed, match="exit 1") as caught:
        scene.wait()
    assert caught.value.log == tuple(f"line {number}" for number in range(10, 60))
    assert [event.text for event in scene.heard(Logged)] == [f"line {number}" for number in range(60)]


def test_a_crash_that_nobody_saw_coming_brings_the_run_log(scene: Scene) -> None:
    scene.log(LogKind.RUN, "boom")
    scene.show(("RUNTIME_ERROR", scene.commit))
    with pytest.raises(AppFailed) as caught:
        scene.wait()
    assert caught.value.log == ("boom",)
    assert scene.heard(Logged) == [Logged(LogKind.RUN, "boom")]


def test_an_earlier_error_is_given_time_to_go(scene: Scene) -> None:
    scene.show(("BUILD_ERROR", scene.old), ("BUILDING", None), ("RUNNING", scene.commit))
    scene.wait()
    assert scene.heard(WentLive)


def test_a_hub_that_is_away_for_a_while_is_waited_for(scene: Scene) -> None:
    scene.hub.fail("find_runtime", HubFailed("503"), times=3)
    scene.wait()
    assert scene.heard(WentLive)


def test_the_deadline_ends_it(scene: Scene) -> None:
    scene.show(("BUILDING", None))
    with pytest.raises(GateTimedOut, match="BUILDING after 600 seconds"):
        scene.wait(wait_seconds=600)
    assert scene.clock.seconds() == pytest.approx(600)
    assert scene.hub.calls.count("find_runtime") <= 60
    assert len(scene.hub.calls) <= 70


def test_a_commit_on_top_is_told(scene: Scene) -> None:
    theirs = scene.hub.push(SPACE, {"app.py": b"theirs"})
    scene.show(("RUNNING", scene.old), ("RUNNING", theirs))
    with pytest.raises(Superseded, match=theirs):
        scene.wait()


def test_one_that_sleeps_at_our_commit_will_do(scene: Scene) -> None:
    scene.show(("SLEEPING", scene.commit))
    scene.wait()
    assert "asleep" in scene.heard(Warned)[0].message


def test_probes_are_repeated_until_they_are_answered(scene: Scene) -> None:
    scene.hub.replies = [None, AppReply(503), AppReply(200, "ready"), AppReply(101)]
    scene.wait("/health=200 text=ready", "ws:/socket")
    assert scene.heard(Probed) == [Probed(SPACE.id, "/health", 200), Probed(SPACE.id, "/socket", 101)]


@pytest.mark.parametrize(
    ("reply", "words"), [(lambda: AppReply(500), "/health answered 500"), (lambda: None, "does not answer")]
)
def test_a_probe_that_fails_says_what_came(
    scene: Scene, reply: Callable[[], AppReply | None], words: str
) -> None:
    scene.hub.replies = [reply() for _ in range(10)]
    with pytest.raises(ProbeFailed, match=words):
        scene.wait("/health")
    assert scene.clock.seconds() < 60


def test_probes_are_not_repeated_beyond_the_deadline(scene: Scene) -> None:
    scene.show(("BUILDING", None), ("RUNNING", scene.commit))
    scene.hub.replies = [AppReply(500) for _ in range(10)]
    with pytest.raises(ProbeFailed):
        scene.wait("/health", wait_seconds=5)
    assert scene.clock.seconds() <= 5
    assert len(scene.hub.visits) == 3


def test_one_that_gets_live_late_is_asked_once(scene: Scene) -> None:
    scene.show(("BUILDING", None), ("RUNNING", scene.commit))
    scene.hub.replies = [AppReply(200)]
    scene.wait("/health", wait_seconds=0.5)
    assert scene.heard(Probed)

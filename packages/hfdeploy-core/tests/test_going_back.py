"""A deploy that does not get live and is undone, over the Hub in memory."""

import pytest

from hfdeploy_core import Gate, deploy, parse_probe
from hfdeploy_core.errors import AppFailed, BuildFailed, GateError, HubUnreachable, NotRunning, ProbeFailed
from hfdeploy_core.events import Event, RolledBack, Warned
from hfdeploy_core.model import RepoRef, RepoType, Visibility
from hfdeploy_core.space import Runtime
from hfdeploy_core.testing import FakeClock, FakeHub

SPACE = RepoRef(RepoType.SPACE, "alice", "app")
CARD = "---\nsdk: docker\n---\n"
BACK = Gate(rolls_back=True)


class Scene:
    """A Space that is live, and a hub whose next commits get into the given stages."""

    def __init__(self, write, told: list[Event]) -> None:
        self.hub, self.write, self.told = FakeHub(), write, told
        self.deploy("1", visibility="private", variables={"MODE": "old"}, gate=None)
        self.live = self.head

    @property
    def head(self) -> str:
        return self.hub.repos[SPACE].commits[-1].id

    def deploy(self, app: str, *, gate: Gate | None = BACK, **options) -> None:
        root = self.write({"README.md": CARD, "app.py": app})
        deploy(root, "app", gate=gate, on_event=self.told.append, hub=self.hub, clock=FakeClock(), **options)

    def fail(self, stage: str, *later: str) -> None:
        """The next commit ends in the stage, and those after it in `later`, or RUNNING."""
        push, stages = self.hub.push, [stage, *later]

        def moved(repo: RepoRef, *rest, **options) -> str:
            commit = push(repo, *rest, **options)
            self.hub.repos[repo].runtimes = [Runtime(stages.pop(0) if stages else "RUNNING", commit)]
            return commit

        self.hub.push = moved  # type: ignore[method-assign]


@pytest.fixture
def scene(write, told: list[Event]) -> Scene:
    return Scene(write, told)


@pytest.mark.parametrize(("stage", "kind"), [("RUNTIME_ERROR", AppFailed), ("BUILD_ERROR", BuildFailed)])
def test_files_and_settings_come_back_and_are_gated(scene: Scene, stage: str, kind: type[GateError]) -> None:
    scene.fail(stage)
    with pytest.raises(kind, match=f"holds again what it held at {scene.live[:7]}"):
        scene.deploy("2", visibility="public", variables={"MODE": "new"})
    held = scene.hub.repos[SPACE]
    assert held.files["app.py"] == b"1"
    assert (held.visibility, held.variables) == (Visibility.PRIVATE, {"MODE": "old"})
    assert len(held.commits) == 4
    assert scene.told[-1] == RolledBack("alice/app", scene.head, scene.live)
    assert scene.told[-2].name == "live"


def test_the_same_deploy_again_is_not_taken_for_done(scene: Scene) -> None:
    scene.fail("RUNTIME_ERROR")
    with pytest.raises(AppFailed):
        scene.deploy("2")
    scene.deploy("2")
    assert scene.hub.repos[SPACE].files["app.py"] == b"2"


def test_without_being_asked_nothing_is_undone(scene: Scene) -> None:
    scene.fail("RUNTIME_ERROR")
    with pytest.raises(AppFailed):
        scene.deploy("2", gate=Gate())
    assert scene.hub.repos[SPACE].files["app.py"] == b"2"


def test_what_never_got_live_is_nothing_to_go_back_to(scene: Scene) -> None:
    scene.fail("RUNTIME_ERROR", "RUNTIME_ERROR")
    with pytest.raises(AppFailed):
        scene.deploy("2", gate=Gate())
    with pytest.raises(AppFailed, match=scene.live[:7]):
        scene.deploy("3")
    assert scene.hub.repos[SPACE].files["app.py"] == b"1"


def test_a_setting_alone_that_breaks_it_is_set_back(scene: Scene) -> None:
    runtimes = scene.hub.repos[SPACE].runtimes
    runtimes += [Runtime("RUNTIME_ERROR", scene.live)] * 2
    set_variable = scene.hub.set_variable

    def mend(repo: RepoRef, name: str, value: str) -> None:
        set_variable(repo, name, value)
        if value == "old":
            runtimes[:] = [Runtime("RUNNING", scene.live)]

    scene.hub.set_variable = mend  # type: ignore[method-assign]
    with pytest.raises(AppFailed, match="and that is live"):
        scene.deploy("1", variables={"MODE": "new"})
    assert scene.hub.repos[SPACE].variables == {"MODE": "old"}
    assert scene.head == scene.live


def test_where_nothing_was_changed_nothing_is_undone(scene: Scene) -> None:
    scene.hub.repos[SPACE].runtimes = [Runtime("RUNTIME_ERROR", scene.live)]
    with pytest.raises(AppFailed) as caught:
        scene.deploy("1")
    assert caught.value.message == "alice/app failed at start: RUNTIME_ERROR."
    assert scene.head == scene.live


def test_a_first_deploy_has_nothing_behind_it(scene: Scene) -> None:
    del scene.hub.repos[SPACE]
    scene.fail("RUNTIME_ERROR", "RUNTIME_ERROR")
    with pytest.raises(AppFailed, match="nothing earlier"):
        scene.deploy("2")


def test_what_others_did_or_have_to_do_is_not_undone(scene: Scene) -> None:
    scene.fail("PAUSED")
    with pytest.raises(NotRunning):
        scene.deploy("2")
    assert scene.hub.repos[SPACE].files["app.py"] == b"2"


def test_where_going_back_fails_too_both_are_told(scene: Scene) -> None:
    scene.fail("RUNTIME_ERROR")
    scene.hub.fail("recent_commits", HubUnreachable("Away."))
    with pytest.raises(AppFailed, match="could not be put back: Away"):
        scene.deploy("2")


def test_what_is_back_but_does_not_answer_is_told_as_it_is(scene: Scene) -> None:
    scene.fail("RUNNING")
    gate = Gate(rolls_back=True, probes=[parse_probe("/ text=2")])
    with pytest.raises(ProbeFailed, match=f"holds again what it held at {scene.live[:7]}, but") as caught:
        scene.deploy("2", gate=gate)
    assert "could not be put back" not in caught.value.message
    assert scene.hub.repos[SPACE].files["app.py"] == b"1"


def test_a_secret_cannot_come_back_and_that_is_told(scene: Scene) -> None:
    scene.deploy("1", secrets={"KEY": "of old"}, gate=None)
    scene.fail("RUNTIME_ERROR")
    with pytest.raises(AppFailed):
        scene.deploy("2", secrets={"KEY": "of new"})
    assert any(isinstance(event, Warned) and "secret KEY" in event.message for event in scene.told)
    assert scene.hub.repos[SPACE].files["app.py"] == b"1"


def test_a_variable_that_is_new_goes(scene: Scene) -> None:
    scene.fail("RUNTIME_ERROR")
    with pytest.raises(AppFailed, match="and that is live"):
        scene.deploy("2", variables={"FLAG": "bad"})
    assert scene.hub.repos[SPACE].variables == {"MODE": "old"}

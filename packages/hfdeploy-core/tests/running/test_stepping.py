"""Steps around targets, over the fake Hub: order, conditions, failures, and going on after a kill."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hfdeploy_core import project
from hfdeploy_core.errors import ManifestInvalid, StateUnwritable, StepFailed
from hfdeploy_core.events import Event, StepFinished, StepLeftOut, StepTold, TargetLeftOut, TargetTold
from hfdeploy_core.redact import MASK, remember_secret
from hfdeploy_core.testing import FakeHub

PRINT = f"{{type: run, command: [{sys.executable}, -c, 'print(\"%s\")'], name: %s%s}}"
FAIL = f"{{type: run, command: [{sys.executable}, -c, 'raise SystemExit(7)'], name: broken}}"
TARGET = "{type: space, repo: alice/app, source: ./app, sdk: static%s}"


def say(word: str, more: str = "") -> str:
    return PRINT % (word, word, more)


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], project.Project]:
    """Write a manifest with these targets, beside a folder of files, and load it."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "index.html").write_text("<p>")

    def load(targets: str) -> project.Project:
        (tmp_path / "hfdeploy.yaml").write_text(f"version: 1\ntargets:\n{targets}")
        return project.load_project(tmp_path / "hfdeploy.yaml", environment={"PATH": "/bin"})

    return load


@pytest.fixture
def apply(tmp_path: Path, hub: FakeHub, told: list) -> Callable[..., None]:
    """Plan and apply a manifest with these steps around all targets, and this after the target's own."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "index.html").write_text("<p>")

    def apply(before: str = "", after: str = "", target: str = "", profile: str | None = None) -> None:
        steps = f"{{before: [{before}], after: [{after}]}}"
        text = f"version: 1\nsteps: {steps}\ntargets:\n  app: {TARGET % target}\n"
        (tmp_path / "hfdeploy.yaml").write_text(text + "profiles: {staging: {}}\n")
        loaded = project.load_project(
            tmp_path / "hfdeploy.yaml", profile=profile, environment={"PATH": "/bin"}
        )
        plan = project.plan_project(loaded, hub=hub, on_event=told.append)
        project.apply_project(plan, hub=hub, on_event=told.append)

    return apply


def done(told: list) -> list[str]:
    inner = [event.event if isinstance(event, TargetTold) else event for event in told]
    return [event.step for event in inner if isinstance(event, StepFinished)]


def test_they_come_before_and_after_all_and_each_target(
    apply, told: list, hub: FakeHub, tmp_path: Path
) -> None:
    own = f", steps: {{before: [{say('b')}], after: [{say('c')}]}}"
    apply(before=say("a"), after=say("d") + "," + say("e"), target=own)
    assert done(told) == ["a", "b", "c", "d", "e"]
    assert (tmp_path / ".hfdeploy/logs/run.before.0.log").read_text() == "a\n"
    assert (tmp_path / ".hfdeploy/logs/targets.app.after.0.log").read_text() == "c\n"
    assert not (tmp_path / ".hfdeploy/run.json").exists()
    assert hub.repos


def test_what_a_step_writes_before_is_deployed(apply, hub: FakeHub, tmp_path: Path) -> None:
    code = 'import pathlib; pathlib.Path("app/built.txt").write_text("new")'
    apply(before=f"{{type: run, command: [{sys.executable}, -c, '{code}']}}")
    (repo,) = hub.repos.values()
    assert repo.files["built.txt"] == b"new"


def test_so_is_what_the_steps_of_another_target_write_that_comes_before(
    load, hub: FakeHub, tmp_path: Path
) -> None:
    code = 'import pathlib; pathlib.Path("app/built.txt").write_text("new")'
    step = f"{{type: run, command: [{sys.executable}, -c, '{code}']}}"
    both = (
        f"  a: {{type: model, repo: alice/a, source: app, steps: {{before: [{step}]}}}}\n"
        "  b: {type: model, repo: alice/b, source: app, depends_on: [a]}\n"
        "  c: {type: model, repo: alice/c, source: others}\n"
    )
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "notes.txt").write_text("notes")
    plan = project.plan_project(load(both), hub=hub)
    assert [name for name, target in plan.targets.items() if target.asked is None] == ["a", "b"]
    project.apply_project(plan, hub=hub)
    written = {ref.name for ref, repo in hub.repos.items() if "built.txt" in repo.files}
    assert written == {"a", "b"}


def test_references_are_filled_with_what_is_known_by_then(apply, told: list) -> None:
    word = "${targets.app.host} ${targets.app.repo_id}"
    apply(after=PRINT % (word, "tell", ""), target=f", steps: {{after: [{PRINT % (word, 'own', '')}]}}")
    inner = [event.event if isinstance(event, TargetTold) else event for event in told]
    lines = [event.text for event in inner if isinstance(event, StepTold)]
    assert lines == ["alice-app.space.test alice/app"] * 2


def test_a_failure_before_leaves_every_target_alone_but_tells_those_who_want_to_know(
    apply, told, hub
) -> None:
    with pytest.raises(StepFailed, match=r"broken: .* ended with 7"):
        apply(
            before=FAIL + "," + say("never"),
            after=say("always", ", when: result == 'failed'") + "," + say("well"),
        )
    assert done(told) == ["always"]
    assert hub.repos == {}


def test_a_failure_after_does_not_undo_what_was_done(apply, hub: FakeHub) -> None:
    with pytest.raises(StepFailed):
        apply(after=FAIL)
    assert hub.repos


def test_conditions_and_skip_leave_steps_and_targets_out(apply, told: list, hub: FakeHub) -> None:
    never = ", when: profile == 'production'"
    apply(before=say("a", never) + "," + say("b", ", skip: true"), target=", when: size(changed) > 9")
    reasons = [event.reason for event in told if isinstance(event, StepLeftOut | TargetLeftOut)]
    assert reasons == [
        "size(changed) > 9 does not hold",
        "profile == 'production' does not hold",
        "the manifest skips it",
    ]
    assert hub.repos == {}
    apply(before=say("c", ", when: profile == 'staging'"), profile="staging")
    assert done(told) == ["c"]
    assert hub.repos


def test_a_run_that_was_cut_short_goes_on_where_it_stopped(apply, told: list, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    code = f'import pathlib, sys; sys.exit(not pathlib.Path("{flag}").exists())'
    second = f"{{type: run, command: [{sys.executable}, -c, '{code}'], name: second}}"
    with pytest.raises(StepFailed):
        apply(before=say("first") + "," + second)
    (noted,) = json.loads((tmp_path / ".hfdeploy/run.json").read_text())["done"]
    assert noted.startswith("run.before.0 ")
    flag.touch()
    told.clear()
    apply(before=say("first") + "," + second)
    assert [event.reason for event in told if isinstance(event, StepLeftOut)] == [
        "it was done before the run was cut short"
    ]
    assert done(told) == ["second"]
    # A run that went well is over: the next one does everything.
    told.clear()
    apply(before=say("first") + "," + second)
    assert done(told) == ["first", "second"]
    # And so does one about something else.
    flag.unlink()
    with pytest.raises(StepFailed):
        apply(before=say("first") + "," + second)
    (tmp_path / "app" / "index.html").write_text("<b>")
    told.clear()
    with pytest.raises(StepFailed):
        apply(before=say("first") + "," + second)
    assert done(told) == ["first"]


def test_after_a_failure_only_what_asks_for_it_is_done_wherever_it_stands(apply, told: list) -> None:
    tell = say("%s", ", when: result == 'failed'")
    elsewhere = say("never", ", when: branch == ''")
    with pytest.raises(StepFailed, match="broken"):
        apply(
            after=f"{elsewhere}, {tell % ('d', 'd')}",
            target=f", steps: {{before: [{FAIL}, {elsewhere}, {tell % ('a', 'a')}], "
            f"after: [{tell % ('b', 'b')}]}}",
        )
    assert done(told) == ["a", "b", "d"]
    told.clear()
    with pytest.raises(StepFailed, match="broken"):
        apply(after=f"{FAIL}, {say('never')}, {tell % ('c', 'c')}")
    assert done(told) == ["c"]


def test_of_steps_that_were_done_those_that_were_rewritten_are_done_again(apply, told: list) -> None:
    with pytest.raises(StepFailed):
        apply(before=say("a") + "," + say("b"), after=FAIL, target=f", steps: {{before: [{say('c')}]}}")
    told.clear()
    apply(before=say("a") + "," + say("B"), target=f", steps: {{before: [{say('C')}]}}")
    assert done(told) == ["B", "C"]


def test_each_failure_is_told_and_each_profile_goes_on_by_itself(apply, told: list) -> None:
    tell = say("tell", ", when: result == 'failed'")
    for _ in range(2):
        with pytest.raises(StepFailed):
            apply(before=say("a") + "," + FAIL, after=tell)
        with pytest.raises(StepFailed):
            apply(before=say("a") + "," + FAIL, after=tell, profile="staging")
    assert done(told) == ["a", "tell", "a", "tell", "tell", "tell"]


def test_a_step_about_targets_that_are_not_in_the_run_is_left_out(
    tmp_path: Path, hub: FakeHub, told: list
) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "x").write_text("")
    lines = [f"  {name}: {{type: model, repo: alice/{name}, source: f}}" for name in "ab"]
    step = PRINT % ("${targets.b.repo_id}", "about b", "")
    text = "\n".join(["version: 1", f"steps: {{before: [{step}], after: [{say('c')}]}}", "targets:", *lines])
    (tmp_path / "hfdeploy.yaml").write_text(text)
    plan = project.plan_project(project.load_project(tmp_path / "hfdeploy.yaml"), ["a"], hub=hub)
    project.apply_project(plan, hub=hub, on_event=told.append)
    assert [event.reason for event in told if isinstance(event, StepLeftOut)] == ["this run is not about b"]
    assert done(told) == ["c"]


def test_an_interrupted_run_ends_the_programs_of_its_steps(
    load: Callable[[str], project.Project], hub: FakeHub
) -> None:
    wait = f"{{type: run, command: [{sys.executable}, -uc, 'import time; print(1); time.sleep(60)']}}"
    one = "{type: model, repo: alice/%s, source: app, steps: {before: [" + wait + "]}}"
    plan = project.plan_project(load(f"  a: {one % 'a'}\n  b: {one % 'b'}\n"), hub=hub)
    running: list[str] = []

    def interrupt(event: Event) -> None:
        if isinstance(event, TargetTold) and isinstance(event.event, StepTold):
            running.append(event.target)
            if len(running) == 2:
                raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        project.apply_project(plan, hub=hub, on_event=interrupt)
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("taken", ["logs/run.before.0.log", "run.new"])
def test_what_cannot_be_written_down_is_told(apply, tmp_path: Path, hub: FakeHub, taken: str) -> None:
    (tmp_path / ".hfdeploy" / taken).mkdir(parents=True)
    with pytest.raises(StateUnwritable, match="cannot be written: Is a directory"):
        apply(before=say("a"))
    assert not hub.repos


def test_secrets_are_masked_in_logs_and_events(apply, told: list, tmp_path: Path) -> None:
    remember_secret("nobody shall read this")
    apply(after=say("nobody shall read this"))
    assert "nobody" not in "".join(event.text for event in told if isinstance(event, StepTold))
    assert (tmp_path / ".hfdeploy/logs/run.after.0.log").read_text() == f"{MASK}\n"


def test_what_env_files_say_and_what_is_called_a_secret_is_masked_unless_it_is_shown(
    apply, told: list, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("A=said by a file\nB=shown to all\nC=short\n")
    code = "import os; print(os.environ['A'], os.environ['B'], os.environ['C'], os.environ['MY_API_KEY'])"
    step = f'{{type: run, command: [{sys.executable}, -c, "{code}"], environment: [A, B, C, MY_API_KEY]}}'
    text = TARGET % ", variables: {B: '${env:B}'}"
    (tmp_path / "hfdeploy.yaml").write_text(
        f"version: 1\nenv_files: [.env]\nsteps: {{before: [{step}]}}\ntargets:\n  app: {text}\n"
    )
    environment = {"PATH": "/bin", "MY_API_KEY": "in the environment"}
    loaded = project.load_project(tmp_path / "hfdeploy.yaml", environment=environment)
    hub = FakeHub()
    project.apply_project(project.plan_project(loaded, hub=hub), hub=hub, on_event=told.append)
    (line,) = [event.text for event in told if isinstance(event, StepTold)]
    assert line == f"{MASK} shown to all short {MASK}"


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("{type: rum}", "hfdeploy.yaml:2:25: there is no type 'rum'; did you mean 'run'?"),
        ("{type: run}", "hfdeploy.yaml:2:18: 'command' is missing."),
        (
            "{type: run, comand: x, command: x}",
            "hfdeploy.yaml:2:30: there is no key 'comand' here; did you mean 'command'?",
        ),
        ("{type: run, command: 'a \"'}", "hfdeploy.yaml:2:39: 'command': no closing quotation."),
        (
            "{type: run, command: x, when: brunch}",
            "hfdeploy.yaml:2:48: there is no 'brunch' to look at; did you mean 'branch'?",
        ),
        (
            "{type: notify, url: 'json://x', text: x}",
            "hfdeploy.yaml:2:38: an address holds secrets and is never written down here; use '${env:NAME}'.",
        ),
    ],
)
def test_what_is_wrong_with_a_step_is_told_with_its_place(apply, step: str, told: str) -> None:
    with pytest.raises(ManifestInvalid) as caught:
        apply(before=step)
    assert caught.value.message.endswith(told)

import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from hfdeploy_core import project
from hfdeploy_core.errors import (
    DeployError,
    GateError,
    HubUnreachable,
    ManifestMissing,
    PermissionRefused,
    RunFailed,
    SettingInvalid,
    SourceMissing,
    StateLocked,
    StepFailed,
    TooManyPreviews,
    ValueMissing,
)
from hfdeploy_core.events import (
    Event,
    Finished,
    Planned,
    RunFinished,
    StepFinished,
    TargetFailed,
    TargetLeft,
    TargetLeftOut,
    TargetTold,
)
from hfdeploy_core.model import RepoRef, RepoType, SetVariable
from hfdeploy_core.previewing import list_previews
from hfdeploy_core.running.stores import LocalStore
from hfdeploy_core.space import Runtime
from hfdeploy_core.testing import FakeClock, FakeHub

Load = Callable[..., project.Project]
TARGETS = """
  m: {type: model, repo: alice/m, source: ./files}
  d: {type: dataset, repo: alice/d, source: ./files, depends_on: [m]}
"""
APP = "  app: {type: space, repo: alice/app, source: ./files, sdk: static%s}\n"


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Write a manifest with these targets, beside a folder of files, and load it."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "notes.txt").write_text("notes")

    def load(targets: str, *, head: str = "version: 1\n", **options: object) -> project.Project:
        (tmp_path / "hfdeploy.yaml").write_text(f"{head}targets:\n{targets}")
        return project.load_project(tmp_path / "hfdeploy.yaml", **options)  # type: ignore[arg-type]

    return load


def ref(kind: str, name: str) -> RepoRef:
    return RepoRef(RepoType(kind), "alice", name)


def test_it_is_planned_applied_and_then_in_sync(load: Load, hub: FakeHub, told: list) -> None:
    loaded = load(TARGETS)
    plan = project.plan_project(loaded, hub=hub, on_event=told.append)
    assert (list(plan.targets), plan.has_changes, hub.writes) == (["m", "d"], True, [])
    assert {event.target for event in told if isinstance(event, TargetTold)} == {"m", "d"}
    outcomes = project.apply_project(plan, hub=hub, on_event=told.append)
    assert [outcome and outcome.repo_id for outcome in outcomes.values()] == ["alice/m", "alice/d"]
    assert set(hub.repos) == {ref("model", "m"), ref("dataset", "d")}
    assert isinstance(told[-1], RunFinished)
    assert told[-1].changed == ("m", "d")

    hub.calls.clear()
    again = project.plan_project(loaded, hub=hub)
    assert not again.has_changes
    assert project.apply_project(again, hub=hub) == {"m": None, "d": None}
    assert hub.writes == []


def test_what_was_planned_is_told_once_and_made_in_order(load: Load, hub: FakeHub, told: list) -> None:
    plan = project.plan_project(load(TARGETS), hub=hub, on_event=told.append)
    project.apply_project(plan, hub=hub, on_event=told.append)
    inner = [event.event for event in told if isinstance(event, TargetTold)]
    assert sum(isinstance(event, Planned) for event in inner) == 2
    assert [event.outcome.repo_id for event in inner if isinstance(event, Finished)] == ["alice/m", "alice/d"]


def test_only_what_is_named_and_what_that_needs(load: Load, hub: FakeHub) -> None:
    loaded = load(TARGETS)
    assert list(project.plan_project(loaded, ["m"], hub=hub).targets) == ["m"]
    assert list(project.plan_project(loaded, ["d"], hub=hub).targets) == ["m", "d"]
    with pytest.raises(SettingInvalid, match="no target 'dd'; did you mean 'd'"):
        project.plan_project(loaded, ["dd"], hub=hub)


def test_a_failure_stops_what_depends_on_it_and_nothing_else(load: Load, hub: FakeHub, told: list) -> None:
    loaded = load(TARGETS + "  other: {type: model, repo: alice/other, source: ./files}\n")
    plan = project.plan_project(loaded, hub=hub)
    # Somebody makes m meanwhile, so that its plan is out of date.
    hub.create_repo(ref("model", "m"), None, None)
    with pytest.raises(Exception, match="alice/m"):
        project.apply_project(plan, hub=hub, on_event=told.append)
    (failed,) = [event for event in told if isinstance(event, TargetFailed)]
    assert (failed.target, failed.error, failed.exit_code) == ("m", "PlanStale", 25)
    assert [event for event in told if isinstance(event, TargetLeft)] == [TargetLeft("d", ("m",))]
    assert ref("model", "other") in hub.repos
    assert ref("dataset", "d") not in hub.repos
    assert (told[-1].changed, told[-1].failed, told[-1].left) == (("other",), ("m",), ("d",))

    # What is mended is gone on with.
    assert project.apply_project(project.plan_project(loaded, hub=hub), hub=hub)["d"]


def test_nothing_is_changed_where_one_target_cannot_be_planned(load: Load, hub: FakeHub) -> None:
    with pytest.raises(SourceMissing):
        project.plan_project(
            load(TARGETS + "  x: {type: model, repo: alice/x, source: ./nowhere}\n"), hub=hub
        )
    assert hub.writes == []


def test_several_failures_are_one_error_that_names_them(load: Load, hub: FakeHub) -> None:
    hub.fail("find_head", HubUnreachable("Away."), times=9)
    with pytest.raises(RunFailed, match="2 of 2 targets failed: m, d"):
        project.plan_project(load(TARGETS), hub=hub)


def test_two_targets_cannot_be_one_repo(load: Load, hub: FakeHub) -> None:
    twins = (
        "  a: {type: model, repo: alice/x, source: ./files}\n  b: {type: model, repo: x, source: ./files}\n"
    )
    with pytest.raises(SettingInvalid, match="a and b are both model alice/x"):
        project.plan_project(load(twins), hub=hub)


def test_what_only_the_hub_tells_is_filled_in_once_it_is_known(load: Load, hub: FakeHub) -> None:
    client = "  client: {type: space, repo: alice/client, source: ./files, sdk: static, variables: "
    loaded = load(APP % "" + client + "{APP: 'https://${targets.app.host}', AT: '${targets.app.commit}'}}\n")
    plan = project.plan_project(loaded, hub=hub)
    assert plan.targets["client"].asked is None
    values = [c.value for c in plan.targets["client"].plan.changes if isinstance(c, SetVariable)]
    assert values == [
        "https://${targets.app.host} (known after apply)",
        "${targets.app.commit} (known after apply)",
    ]
    project.apply_project(plan, hub=hub)
    commit = hub.repos[ref("space", "app")].commits[-1].id
    variables = hub.repos[ref("space", "client")].variables
    assert variables == {"APP": "https://alice-app.space.test", "AT": commit}

    again = project.plan_project(loaded, hub=hub)
    assert again.targets["client"].asked is not None
    assert not again.has_changes


def test_a_fact_that_a_target_lacks_is_told(load: Load, hub: FakeHub) -> None:
    loaded = load(TARGETS + APP % ", variables: {A: '${targets.m.host}'}")
    plan = project.plan_project(loaded, hub=hub)
    with pytest.raises(ValueMissing, match=r"\$\{targets.m.host\}: there is none"):
        project.apply_project(plan, hub=hub)
    assert ref("space", "app") not in hub.repos


def test_secrets_come_from_references_and_show_nowhere(
    load: Load, hub: FakeHub, told: list, tmp_path
) -> None:
    (tmp_path / ".env").write_text("KEY=a value nobody sees\n")
    loaded = load(APP % ", secrets: {KEY: '${env:KEY}'}", head="version: 1\nenv_files: [.env]\n")
    plan = project.plan_project(loaded, hub=hub, on_event=told.append)
    project.apply_project(plan, hub=hub, on_event=told.append)
    assert hub.repos[ref("space", "app")].secrets == {"KEY": ("a value nobody sees", 1)}
    assert "a value" not in f"{told} {plan} {loaded}"
    for file in (tmp_path / ".hfdeploy").rglob("*"):
        assert file.is_dir() or b"a value" not in file.read_bytes()


def test_a_missing_value_is_told_with_its_place_only_where_it_is_needed(load: Load, hub: FakeHub) -> None:
    loaded = load(TARGETS + APP % ", variables: {A: '${env:NOBODY_SET_THIS}'}")
    project.plan_project(loaded, ["m"], hub=hub)
    with pytest.raises(
        ValueMissing, match=r"hfdeploy.yaml:6:84: the environment variable NOBODY_SET_THIS is not"
    ):
        project.plan_project(loaded, hub=hub)


def test_a_gate_is_passed_also_where_nothing_has_to_be_changed(load: Load, hub: FakeHub) -> None:
    loaded = load(APP % ", gate: true")
    clock = FakeClock()
    project.apply_project(project.plan_project(loaded, hub=hub), hub=hub, clock=clock)
    hub.calls.clear()
    outcomes = project.apply_project(project.plan_project(loaded, hub=hub), hub=hub, clock=clock)
    assert "find_runtime" in hub.calls
    assert outcomes["app"] is not None
    assert not outcomes["app"].changed


def test_a_profile_chooses_other_repos(load: Load, hub: FakeHub) -> None:
    loaded = load(TARGETS + "profiles: {staging: {targets: {m: {repo: alice/m-staging}}}}", profile="staging")
    assert project.plan_project(loaded, ["m"], hub=hub).targets["m"].plan.repo.name == "m-staging"


def test_a_preview_is_beside_those_targets_that_have_previews(load: Load, hub: FakeHub, told: list) -> None:
    previews = ", visibility: public, previews: {ttl: 2d, most: 1}, variables: {M: '${targets.m.commit}'}"
    text = TARGETS + APP % previews
    project.apply_project(project.plan_project(load(text), ["m"], hub=hub), hub=hub)

    def preview(id: str) -> project.Project:
        return load(text, preview=id, tell_expiry=lambda ttl: f"expires-in-{ttl}")

    plan = project.plan_project(preview("pr-1"), hub=hub, on_event=told.append)
    assert {event.target for event in told if isinstance(event, TargetLeftOut)} == {"m", "d"}
    project.apply_project(plan, hub=hub)
    assert {repo.name for repo in hub.repos} == {"m", "app-pr-1"}
    (made,) = list_previews("alice/app", hub=hub)
    assert (made.id, made.tags) == ("pr-1", ("expires-in-2d",))
    assert not project.plan_project(preview("pr-1"), hub=hub).has_changes
    (shown,) = project.status_project(preview("pr-1"), hub=hub).targets
    assert shown.repo == "space alice/app-pr-1"
    with pytest.raises(TooManyPreviews):
        project.plan_project(preview("pr-2"), hub=hub)
    with pytest.raises(SettingInvalid, match="cannot be the id of a preview"):
        preview("../x")
    project.destroy_project(project.plan_destroy_project(preview("pr-1"), hub=hub), hub=hub)
    assert {repo.name for repo in hub.repos} == {"m"}


def test_a_manifest_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(ManifestMissing, match=r"There is no .*hfdeploy.yaml"):
        project.load_project(tmp_path / "hfdeploy.yaml")
    (tmp_path / "hfdeploy.yaml").write_bytes(b"\xff")
    with pytest.raises(ManifestMissing, match="not UTF-8"):
        project.validate(tmp_path / "hfdeploy.yaml")
    assert project.list_targets(tmp_path / "nowhere") == frozenset()


def test_a_token_that_may_not_write_changes_nothing(load: Load, hub: FakeHub) -> None:
    hub.account = hub.account.__class__("alice", "read")
    with pytest.raises((PermissionRefused, RunFailed)):
        project.plan_project(load(TARGETS), hub=hub)
    assert hub.writes == []


def test_what_was_made_is_owned_and_what_was_there_is_not(
    load: Load, hub: FakeHub, told: list, tmp_path
) -> None:
    hub.create_repo(ref("model", "m"), None, None)
    loaded = load(TARGETS)
    project.apply_project(project.plan_project(loaded, hub=hub), hub=hub)
    status = project.status_project(loaded, hub=hub)
    owned = {target.target: target.held.is_owned for target in status.targets if target.held}
    assert owned == {"m": False, "d": True}
    plan = project.plan_destroy_project(loaded, hub=hub, on_event=told.append)
    assert list(plan.repos) == ["dataset alice/d"]
    project.destroy_project(plan, hub=hub, on_event=told.append)
    assert set(hub.repos) == {ref("model", "m")}
    assert project.plan_destroy_project(loaded, hub=hub).repos == {}


def test_what_was_made_and_does_not_get_live_is_owned_all_the_same(load: Load, hub: FakeHub) -> None:
    loaded = load(APP % ", gate: true")
    crashes = [Runtime("BUILD_ERROR")]
    hub.find_runtime = lambda repo: crashes[0]  # type: ignore[method-assign]
    with pytest.raises(GateError):
        project.apply_project(project.plan_project(loaded, hub=hub), hub=hub, clock=FakeClock())
    assert list(project.plan_destroy_project(loaded, hub=hub).repos) == ["space alice/app"]


def test_what_was_left_out_is_not_owned_once_somebody_makes_it(load: Load, hub: FakeHub) -> None:
    text = TARGETS + APP % ", skip: true"
    project.apply_project(project.plan_project(load(text), hub=hub), hub=hub)
    hub.create_repo(ref("space", "app"), None, None)
    loaded = load(TARGETS + APP % "")
    project.apply_project(project.plan_project(loaded, hub=hub), hub=hub)
    doomed = project.plan_destroy_project(loaded, hub=hub).repos
    assert {held.target for held, _ in doomed.values()} == {"m", "d"}


def test_what_needs_something_goes_before_it_and_with_it(load: Load, hub: FakeHub, told: list) -> None:
    loaded = load(TARGETS + "  other: {type: model, repo: alice/other, source: ./files}\n")
    project.apply_project(project.plan_project(loaded, hub=hub), hub=hub)
    plan = project.plan_destroy_project(loaded, ["m"], hub=hub)
    project.destroy_project(plan, hub=hub, on_event=told.append)
    gone = [event.event.repo_id for event in told if isinstance(event, TargetTold)]
    assert gone == ["alice/d", "alice/m"]
    assert set(hub.repos) == {ref("model", "other")}
    with pytest.raises(SettingInvalid, match="no target 'mm'"):
        project.plan_destroy_project(loaded, ["mm"], hub=hub)


def test_a_repo_that_somebody_made_again_is_kept(load: Load, hub: FakeHub, told: list) -> None:
    loaded = load(TARGETS)
    project.apply_project(project.plan_project(loaded, hub=hub), hub=hub)
    hub.delete_repo(ref("model", "m"))
    hub.create_repo(ref("model", "m"), None, None)
    plan = project.plan_destroy_project(loaded, hub=hub, on_event=told.append)
    assert list(plan.repos) == ["dataset alice/d"]
    assert any("model alice/m is kept" in getattr(event, "message", "") for event in told)
    m, d = project.status_project(loaded, hub=hub).targets
    assert (m.is_replaced, d.is_replaced) == (True, False)
    # Nor does applying to it make it ours.
    project.apply_project(project.plan_project(loaded, hub=hub), hub=hub)
    assert list(project.plan_destroy_project(loaded, hub=hub).repos) == ["dataset alice/d"]


def test_a_target_that_moved_leaves_its_former_repo_in_the_state(load: Load, hub: FakeHub) -> None:
    project.apply_project(project.plan_project(load(TARGETS), hub=hub), hub=hub)
    loaded = load(TARGETS.replace("alice/m", "alice/moved").replace("  d:", "  e:"))
    project.apply_project(project.plan_project(loaded, hub=hub), hub=hub)
    status = {target.repo: target.is_declared for target in project.status_project(loaded, hub=hub).targets}
    assert status == {"model alice/moved": True, "dataset alice/d": True, "model alice/m": False}
    assert len(project.plan_destroy_project(loaded, hub=hub).repos) == 3


def test_status_shows_what_others_changed(load: Load, hub: FakeHub) -> None:
    loaded = load(TARGETS)
    nothing = project.status_project(loaded, hub=hub)
    assert [target.found for target in nothing.targets] == [None, None]
    project.apply_project(project.plan_project(loaded, hub=hub), hub=hub)
    hub.push(ref("model", "m"), {**hub.repos[ref("model", "m")].files, "theirs": b""}, title="by hand")
    m, d = project.status_project(loaded, hub=hub).targets
    assert m.found is not None
    assert m.found.others == ("by hand",)
    assert d.found is not None
    assert d.found.others == ()
    assert m.held is not None
    assert m.held.commit != m.found.head
    assert [target.target for target in project.status_project(loaded, ["m"], hub=hub).targets] == ["m"]


def test_nobody_needs_a_secret_to_look(load: Load, hub: FakeHub) -> None:
    loaded = load(APP % ", secrets: {KEY: '${env:NOBODY_SET_THIS}'}")
    assert project.status_project(loaded, hub=hub).targets[0].found is None


def test_what_is_gone_already_is_forgotten(load: Load, hub: FakeHub, tmp_path: Path) -> None:
    loaded = load(TARGETS)
    project.apply_project(project.plan_project(loaded, hub=hub), hub=hub)
    for repo in list(hub.repos):
        hub.delete_repo(repo)
    plan = project.plan_destroy_project(loaded, hub=hub)
    assert (dict(plan.repos), len(plan.gone)) == ({}, 2)
    project.destroy_project(plan, hub=hub)
    assert LocalStore(tmp_path / ".hfdeploy", "state.json").read().repos == ()


def test_each_profile_has_a_state_of_its_own(load: Load, hub: FakeHub) -> None:
    text = (
        TARGETS + "profiles: {staging: {targets: {m: {repo: alice/m-staging}, d: {repo: alice/d-staging}}}}"
    )
    project.apply_project(project.plan_project(load(text), hub=hub), hub=hub)
    staging = load(text, profile="staging")
    assert project.plan_destroy_project(staging, hub=hub).repos == {}
    project.apply_project(project.plan_project(staging, hub=hub), hub=hub)
    project.destroy_project(project.plan_destroy_project(staging, hub=hub), hub=hub)
    assert set(hub.repos) == {ref("model", "m"), ref("dataset", "d")}


def test_who_shares_a_state_knows_which_secrets_were_sent(
    load: Load, hub: FakeHub, tmp_path: Path, told: list
) -> None:
    head = "version: 1\nstate: {repo: alice/state}\n"
    loaded = load(APP % ", secrets: {KEY: '${env:KEY}'}", head=head, environment={"KEY": "the value of it"})
    project.apply_project(project.plan_project(loaded, hub=hub), hub=hub)
    (place,) = (repo for repo in hub.repos if repo.name == "state")
    assert b"the value of it" not in hub.repos[place].files["state.json"]
    shutil.rmtree(tmp_path / ".hfdeploy")
    assert not project.plan_project(loaded, hub=hub).has_changes
    shutil.rmtree(tmp_path / ".hfdeploy")
    other = replace(loaded, environment={"KEY": "another value of it"})
    assert project.plan_project(other, hub=hub).has_changes


def test_a_run_knows_what_became_of_the_one_before(load: Load, hub: FakeHub, told: list) -> None:
    tell = "{type: run, name: '%s', command: ['true'], when: \"previous == '%s'\"}"
    steps = ", ".join(tell % (word or "first", word) for word in ("", "failed", "done"))

    def run(before: str) -> list[str]:
        told.clear()
        head = f"version: 1\nsteps: {{before: [{before}], after: [{steps}]}}\n"
        plan = project.plan_project(load(TARGETS, head=head), hub=hub)
        with suppress(StepFailed):
            project.apply_project(plan, hub=hub, on_event=told.append)
        return [event.step for event in told if isinstance(event, StepFinished)]

    fails = "{type: run, command: ['false']}"
    assert [run(""), run(""), run(fails), run("")] == [["first"], ["done"], [], ["failed"]]


@pytest.mark.parametrize(("name", "head"), [("other.yaml", ""), ("hfdeploy.yaml", ", name: other")])
def test_each_manifest_has_a_state_of_its_own(
    load: Load, hub: FakeHub, tmp_path: Path, name: str, head: str
) -> None:
    state = "version: 1\nstate: {repo: alice/state%s}\ntargets:"
    project.apply_project(project.plan_project(load(TARGETS, head=state[:-8] % ""), hub=hub), hub=hub)
    (tmp_path / name).write_text(state % head + TARGETS.replace("alice/", "alice/other-"))
    other = project.load_project(tmp_path / name)
    assert project.plan_destroy_project(other, hub=hub).repos == {}


def test_a_state_on_the_hub_is_two_commits_a_run_and_none_without_changes(load: Load, hub: FakeHub) -> None:
    loaded = load(TARGETS, head="version: 1\nstate: {repo: alice/state}\n")
    project.apply_project(project.plan_project(loaded, hub=hub), hub=hub)
    titles = [commit.title for commit in hub.repos[ref("dataset", "state")].commits]
    assert titles == ["initial commit", "Began", "Ended"]
    project.apply_project(project.plan_project(loaded, hub=hub), hub=hub)
    assert len(hub.repos[ref("dataset", "state")].commits) == 3
    assert len(project.plan_destroy_project(loaded, hub=hub).repos) == 2


def test_while_another_run_is_at_work_nothing_is_changed(load: Load, hub: FakeHub, tmp_path: Path) -> None:
    plan = project.plan_project(load(TARGETS), hub=hub)
    with (
        LocalStore(tmp_path / ".hfdeploy", "state.json").hold(lambda state: state),
        pytest.raises(StateLocked),
    ):
        project.apply_project(plan, hub=hub)
    assert hub.writes == []


def test_a_gate_that_is_not_passed_puts_back_what_was_there(
    load: Load, hub: FakeHub, clock: FakeClock, tmp_path
) -> None:
    loaded = load(APP % ", gate: {wait_seconds: 5, rollback_on_failure: true}")
    project.apply_project(project.plan_project(loaded, hub=hub), hub=hub, clock=clock)
    app = hub.repos[ref("space", "app")]
    before = app.files
    (tmp_path / "files" / "notes.txt").write_text("worse")
    plan = project.plan_project(loaded, hub=hub)
    app.runtimes = [Runtime("BUILD_ERROR", None), Runtime("RUNNING", None)]
    with pytest.raises(DeployError):
        project.apply_project(plan, hub=hub, clock=clock)
    assert app.files == before
    assert len(app.commits) > 2


def test_an_interrupted_run_does_not_wait_for_its_gates(load: Load, hub: FakeHub) -> None:
    slow = "  slow: {type: space, repo: alice/slow, source: ./files, sdk: static, gate: {wait_seconds: 60}}\n"
    plan = project.plan_project(load(slow + APP % ", gate: {wait_seconds: 60}, depends_on: []"), hub=hub)
    waiting: set[str] = set()

    def interrupt(event: Event) -> None:
        if isinstance(event, TargetTold) and event.event.name == "committed":
            hub.repos[ref("space", event.target)].runtimes = [Runtime("BUILDING", None)]
        if isinstance(event, TargetTold) and event.event.name == "stage":
            waiting.add(event.target)
            if len(waiting) == 2:
                raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        project.apply_project(plan, hub=hub, on_event=interrupt)
    assert time.monotonic() - started < 30

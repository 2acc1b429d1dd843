from pathlib import Path

import pytest

from hfdeploy_core import Gate, Outcome, apply, deploy, plan_rollback, rollback
from hfdeploy_core.errors import (
    AnswerLost,
    AppFailed,
    Conflict,
    HubFailed,
    PlanStale,
    RepoNotFound,
    RevisionMissing,
    SettingInvalid,
)
from hfdeploy_core.events import Event, Finished, Warned
from hfdeploy_core.model import RepoRef, RepoType
from hfdeploy_core.planning.trailers import read_trailers
from hfdeploy_core.space import Runtime
from hfdeploy_core.testing import FakeClock, FakeHub

SPACE = RepoRef(RepoType.SPACE, "alice", "app")
CARD = "---\nsdk: docker\n---\n"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def versions(hub: FakeHub, write, state: Path) -> list[str]:
    """Three deploys of a Space, the last of them live: their commits."""
    made = []
    for number in "123":
        root = write({"README.md": CARD, "app.py": number, "big": number.encode() * 5000})
        (root / f"only-{number}").write_text("x")
        outcome = deploy(
            root, "alice/app", mirror=True, variables={"N": number}, state=state, hub=hub, clock=FakeClock()
        )
        (root / f"only-{number}").unlink()
        made.append(outcome.commit)
    hub.calls.clear()
    return made


def back(hub: FakeHub, state: Path, **options) -> Outcome:
    return rollback("alice/app", state=state, hub=hub, clock=FakeClock(), **options)


def files(hub: FakeHub, commit: str) -> dict[str, bytes]:
    return next(made.files for made in hub.repos[SPACE].commits if made.id == commit)


def test_the_deploy_before_is_put_back_in_one_commit(
    hub: FakeHub, versions: list[str], state: Path, told: list[Event]
) -> None:
    before = len(hub.repos[SPACE].commits)
    outcome = back(hub, state, on_event=told.append)
    repo = hub.repos[SPACE]
    assert repo.files == files(hub, versions[1])
    assert len(repo.commits) == before + 1
    assert repo.commits[-1].title == f"Roll back to {versions[1][:7]}"
    assert repo.variables == {"N": "2"}
    assert "stage" not in hub.calls
    assert (outcome.commit, outcome.changed) == (repo.commits[-1].id, True)
    assert (outcome.files_added, outcome.files_updated, outcome.files_deleted) == (1, 2, 1)
    assert told[-1] == Finished(outcome)


def test_the_commit_tells_what_the_restored_one_did(hub: FakeHub, versions: list[str], state: Path) -> None:
    hub.repos[SPACE].commits[1].message += "\nhfdeploy-source: https://git.test/a\nhfdeploy-commit: abc"
    back(hub, state, to=versions[0])
    restored, made = (read_trailers(hub.repos[SPACE].commits[n].message) for n in (1, -1))
    assert made["hfdeploy-rollback"] == versions[0]
    for name in ("hfdeploy-content", "hfdeploy-exact", "hfdeploy-source", "hfdeploy-commit"):
        assert made[name] == restored[name]
    assert made["hfdeploy-digest"] != restored["hfdeploy-digest"]


def test_what_was_put_back_need_not_be_deployed_again(hub: FakeHub, versions, write, state: Path) -> None:
    back(hub, state)
    hub.calls.clear()
    root = write({"README.md": CARD, "app.py": "2", "big": b"2" * 5000, "only-2": "x"})
    assert not deploy(root, "alice/app", mirror=True, state=state, hub=hub).changed
    assert hub.calls == ["find_head"]


def test_the_second_time_it_goes_one_further_and_then_there_is_none(
    hub: FakeHub, versions: list[str], state: Path
) -> None:
    back(hub, state)
    back(hub, state)
    assert hub.repos[SPACE].files == files(hub, versions[0])
    assert hub.repos[SPACE].variables == {"N": "1"}
    hub.calls.clear()
    with pytest.raises(RevisionMissing, match="no earlier deploy"):
        back(hub, state)
    assert hub.writes == []


@pytest.mark.parametrize("length", [40, 7])
def test_any_commit_can_be_named(hub: FakeHub, versions: list[str], state: Path, length: int) -> None:
    back(hub, state, to=versions[0][:length])
    assert hub.repos[SPACE].files == files(hub, versions[0])
    back(hub, state, to=versions[2][:length])
    assert hub.repos[SPACE].files == files(hub, versions[2])
    assert hub.repos[SPACE].variables == {"N": "3"}
    hub.calls.clear()
    assert not back(hub, state, to=versions[2]).changed
    assert hub.writes == []


def test_without_a_journal_the_files_go_back_and_settings_stay(
    hub: FakeHub, versions: list[str], tmp_path: Path
) -> None:
    back(hub, tmp_path / "another")
    assert hub.repos[SPACE].files == files(hub, versions[1])
    assert hub.repos[SPACE].variables == {"N": "3"}


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"to": "0" * 40}, RevisionMissing),
        ({"repo_type": "model"}, RepoNotFound),
        ({"repo_type": "model", "gate": Gate()}, SettingInvalid),
        ({"repo_type": "thing"}, SettingInvalid),
    ],
)
def test_nothing_is_written_where_it_makes_no_sense(
    hub: FakeHub, versions, state: Path, options, error: type[Exception]
) -> None:
    with pytest.raises(error):
        back(hub, state, **options)
    assert hub.writes == []


def test_what_others_committed_is_undone_too_but_said(
    hub: FakeHub, versions: list[str], state: Path, told: list[Event]
) -> None:
    hub.push(SPACE, {**hub.repos[SPACE].files, "theirs": b"x"}, title="Mend it")
    back(hub, state, on_event=told.append)
    assert hub.repos[SPACE].files == files(hub, versions[2])
    assert Warned("This undoes what others committed since, too: 'Mend it' for one.") in told


def test_a_setting_that_cannot_be_set_back_stays_and_is_told(
    hub: FakeHub, versions, write, state: Path, told: list[Event]
) -> None:
    deploy(write({"app.py": "4"}), "alice/app", secrets={"KEY": "this is KEY"}, state=state, hub=hub)
    back(hub, state, on_event=told.append)
    stays = "The secret KEY was added since, and stays: take it away with --remove-secret KEY."
    assert [event.message for event in told if isinstance(event, Warned)] == [stays]
    assert hub.repos[SPACE].secrets == {"KEY": ("this is KEY", 1)}
    told.clear()
    deploy(write({"app.py": "5"}), "alice/app", state=state, hub=hub)
    deploy(write({"app.py": "6"}), "alice/app", secrets={"KEY": "this is KEY too"}, state=state, hub=hub)
    back(hub, state, on_event=told.append)
    (warned,) = (event.message for event in told if isinstance(event, Warned))
    assert warned.endswith("cannot come back, as the Hub tells no secrets: send it with --secret KEY.")


def test_without_a_journal_it_is_said_that_settings_stay(
    hub: FakeHub, versions, tmp_path: Path, told: list[Event]
) -> None:
    back(hub, tmp_path / "elsewhere", on_event=told.append)
    (warned,) = (event.message for event in told if isinstance(event, Warned))
    assert "only its files go back" in warned
    assert hub.repos[SPACE].variables == {"N": "3"}


def test_a_variable_that_came_later_goes_again(hub: FakeHub, versions, write, state: Path) -> None:
    deploy(write({"app.py": "4"}), "alice/app", variables={"NEW": "1"}, state=state, hub=hub)
    deploy(write({"app.py": "5"}), "alice/app", remove_variables=["N"], state=state, hub=hub)
    assert hub.repos[SPACE].variables == {"NEW": "1"}
    back(hub, state, to=versions[2])
    assert hub.repos[SPACE].variables == {"N": "3"}


def test_a_deploy_that_did_not_pass_its_gate_is_passed_over(
    hub: FakeHub, versions: list[str], write, state: Path
) -> None:
    hub.repos[SPACE].runtimes = [Runtime("RUNTIME_ERROR", None)]
    root = write({"app.py": "4"})
    for content in "45":
        (root / "app.py").write_text(content)
        with pytest.raises(AppFailed):
            deploy(root, "alice/app", gate=Gate(), state=state, hub=hub, clock=FakeClock())
    hub.repos[SPACE].runtimes.clear()
    back(hub, state)
    assert hub.repos[SPACE].files == files(hub, versions[2])


def test_a_commit_that_becomes_live_later_is_good_again(hub: FakeHub, versions, write, state: Path) -> None:
    hub.repos[SPACE].runtimes = [Runtime("RUNTIME_ERROR", None)]
    root = write({"app.py": "4"})
    with pytest.raises(AppFailed):
        deploy(root, "alice/app", gate=Gate(), state=state, hub=hub, clock=FakeClock())
    hub.repos[SPACE].runtimes.clear()
    live = deploy(root, "alice/app", gate=Gate(), state=state, hub=hub, clock=FakeClock())
    deploy(write({"app.py": "5"}), "alice/app", state=state, hub=hub)
    back(hub, state)
    assert hub.repos[SPACE].files == files(hub, live.commit)


@pytest.mark.parametrize("after_effect", [False, True])
def test_a_rollback_that_failed_goes_on_to_the_same_commit(
    hub: FakeHub, versions: list[str], state: Path, after_effect: bool
) -> None:
    hub.fail("commit", HubFailed("It fails."), after_effect=after_effect)
    with pytest.raises(HubFailed):
        back(hub, state)
    back(hub, state)
    assert hub.repos[SPACE].files == files(hub, versions[1])
    assert hub.repos[SPACE].variables == {"N": "2"}
    back(hub, state)
    assert hub.repos[SPACE].files == files(hub, versions[0])


def test_a_rollback_whose_gate_failed_is_not_ended(hub: FakeHub, versions: list[str], state: Path) -> None:
    hub.repos[SPACE].runtimes = [Runtime("RUNTIME_ERROR", None)]
    with pytest.raises(AppFailed):
        back(hub, state, gate=Gate())
    hub.repos[SPACE].runtimes.clear()
    assert not back(hub, state, gate=Gate()).changed
    assert hub.repos[SPACE].files == files(hub, versions[1])


def test_one_that_failed_is_forgotten_when_something_else_was_deployed(
    hub: FakeHub, versions: list[str], write, state: Path
) -> None:
    hub.fail("commit", HubFailed("It fails."))
    with pytest.raises(HubFailed):
        back(hub, state, to=versions[0])
    deploy(write({"app.py": "4"}), "alice/app", state=state, hub=hub)
    back(hub, state)
    assert hub.repos[SPACE].files == files(hub, versions[2])


def test_a_commit_whose_answer_was_lost_is_not_made_twice(hub: FakeHub, versions, state: Path) -> None:
    before = len(hub.repos[SPACE].commits)
    hub.fail("commit", AnswerLost("Lost."), after_effect=True)
    back(hub, state)
    assert len(hub.repos[SPACE].commits) == before + 1


def test_if_somebody_commits_after_the_plan_nothing_is_changed(hub: FakeHub, versions, state: Path) -> None:
    plan = plan_rollback("alice/app", state=state, hub=hub)
    hub.push(SPACE, {"theirs": b"x"})
    hub.calls.clear()
    with pytest.raises(PlanStale):
        apply(plan, state=state, hub=hub)
    assert hub.writes == []


def test_if_somebody_commits_at_the_same_moment_it_is_a_conflict(
    hub: FakeHub, versions, state: Path, monkeypatch
) -> None:
    recall = hub.recall

    def recall_late(*arguments, **options):
        hub.push(SPACE, {"theirs": b"x"})
        return recall(*arguments, **options)

    monkeypatch.setattr(hub, "recall", recall_late)
    with pytest.raises(Conflict):
        back(hub, state, to=versions[0])
    assert hub.repos[SPACE].files == {"theirs": b"x"}

import os
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hfdeploy_core.errors import (
    AnswerLost,
    Conflict,
    DeployError,
    SettingInvalid,
    StateInvalid,
    StateLocked,
    StateUnwritable,
)
from hfdeploy_core.manifest.state import Held, Lock, State, write_state
from hfdeploy_core.model import RepoRef, RepoType, Visibility
from hfdeploy_core.running.stores import HubStore, LocalStore, Store
from hfdeploy_core.testing import FakeClock, FakeHub

PLACE = RepoRef(RepoType.DATASET, "alice", "state")
A, B = (Held(name, RepoRef(RepoType.MODEL, "alice", name), is_owned=True) for name in "ab")


@pytest.fixture(params=["local", "hub"])
def store(request: pytest.FixtureRequest, tmp_path: Path, hub: FakeHub, clock: FakeClock) -> Store:
    return (
        LocalStore(tmp_path, "state.json")
        if request.param == "local"
        else HubStore(PLACE, "state.json", hub, clock)
    )


def keep(state: State) -> State:
    return state


def test_what_is_noted_is_there_afterwards(store: Store) -> None:
    assert store.read() == State()
    with store.hold(lambda state: state.hold(A)) as book:
        assert store.read().repos == (A,)
        book.note(B)
        book.note(replace(A, commit="c"))
    assert set(store.read().repos) == {replace(A, commit="c"), B}
    with store.hold(keep) as book:
        book.forget(A.repo)
    assert store.read() == State(repos=(B,))


def test_of_two_at_once_one_is_refused_and_may_come_later(store: Store) -> None:
    with store.hold(keep), pytest.raises(StateLocked), store.hold(keep):
        raise AssertionError("both hold it")
    with store.hold(keep) as book:
        book.note(A)


def test_a_failure_gives_the_lock_back_and_keeps_what_was_noted(store: Store) -> None:
    def fail() -> None:
        with store.hold(keep) as book:
            book.note(A)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert store.read() == State(repos=(A,))


def test_a_file_that_is_no_state_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("mine")
    store = LocalStore(tmp_path, "state.json")
    with pytest.raises(StateInvalid), store.hold(keep):
        raise AssertionError
    assert (tmp_path / "state.json").read_text() == "mine"
    (tmp_path / "file").write_text("")
    with pytest.raises(StateUnwritable), LocalStore(tmp_path / "file", "state.json").hold(keep):
        raise AssertionError


def test_a_process_that_was_killed_holds_no_local_lock(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from hfdeploy_core.running.stores import LocalStore\n"
        "with LocalStore(Path(sys.argv[1]), 'state.json').hold(lambda state: state): os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code, tmp_path]).returncode == -9
    with LocalStore(tmp_path, "state.json").hold(keep) as book:
        book.note(A)


def lock(hub: FakeHub, clock: FakeClock, **facts: object) -> None:
    held = replace(Lock("A run", "elsewhere", 1, clock.now() + timedelta(hours=1)), **facts)
    hub.create_repo(PLACE, Visibility.PRIVATE, None)
    hub.push(PLACE, {"state.json": write_state(State(repos=(A,), lock=held)).encode()})


def test_a_lock_of_somebody_elses_holds_until_its_time_is_over(hub: FakeHub, clock: FakeClock) -> None:
    lock(hub, clock)
    store = HubStore(PLACE, "state.json", hub, clock)
    with pytest.raises(StateLocked, match=r"A run is at work .* until 01:00:00 UTC"), store.hold(keep):
        raise AssertionError
    clock.sleep(3600)
    with store.hold(keep) as book:
        assert book.state.repos == (A,)


def test_a_lock_that_was_seen_can_be_taken_away_and_no_other(hub: FakeHub, clock: FakeClock) -> None:
    lock(hub, clock)
    store = HubStore(PLACE, "state.json", hub, clock)
    held = store.read().lock
    store.unlock(held)
    with store.hold(keep) as book:
        assert book.state.repos == (A,)
        with pytest.raises(StateLocked, match="was changed meanwhile"):
            store.unlock(held)


@pytest.mark.skipif(os.name != "posix", reason="asks for processes as posix does")
def test_a_lock_of_a_process_of_this_machine_that_is_gone_is_taken_over(
    hub: FakeHub, clock: FakeClock
) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    lock(hub, clock, host=socket.gethostname(), process=gone.pid)
    with HubStore(PLACE, "state.json", hub, clock).hold(keep) as book:
        assert book.state.repos == (A,)


def test_the_repo_of_a_state_is_made_private_and_has_to_stay_so(hub: FakeHub, clock: FakeClock) -> None:
    store = HubStore(PLACE, "state.json", hub, clock)
    with store.hold(keep):
        pass
    assert hub.repos[PLACE].visibility is Visibility.PRIVATE
    hub.repos[PLACE].visibility = Visibility.PUBLIC
    with pytest.raises(SettingInvalid, match="which is public"):
        store.read()


def test_another_file_may_come_meanwhile_but_no_other_holder(hub: FakeHub, clock: FakeClock) -> None:
    store = HubStore(PLACE, "state.json", hub, clock)
    with store.hold(keep) as book:
        book.note(A)
        hub.push(PLACE, {**hub.repos[PLACE].files, "README.md": b"about it"})
    assert store.read() == State(repos=(A,))
    assert "README.md" in hub.repos[PLACE].files
    with pytest.raises(StateLocked, match="Somebody else took the lock"), store.hold(keep):
        lock(hub, clock)


def test_who_comes_second_to_the_commit_reads_again_and_is_refused(
    hub: FakeHub, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.create_repo(PLACE, Visibility.PRIVATE, None)
    stage = hub.stage

    def stage_late(*arguments):
        monkeypatch.setattr(hub, "stage", stage)
        lock(hub, clock)
        return stage(*arguments)

    monkeypatch.setattr(hub, "stage", stage_late)
    store = HubStore(PLACE, "state.json", hub, clock)
    with pytest.raises(StateLocked, match="A run is at work"), store.hold(keep):
        raise AssertionError


def test_an_answer_that_is_lost_is_looked_for(hub: FakeHub, clock: FakeClock) -> None:
    store = HubStore(PLACE, "state.json", hub, clock)
    hub.fail("commit", AnswerLost("Lost."), after_effect=True)
    with store.hold(keep) as book:
        book.note(A)
    assert store.read() == State(repos=(A,))
    hub.fail("commit", AnswerLost("Lost."))
    with pytest.raises(AnswerLost), store.hold(keep):
        raise AssertionError


def test_who_is_never_let_in_gives_up(hub: FakeHub, clock: FakeClock) -> None:
    hub.create_repo(PLACE, Visibility.PRIVATE, None)
    hub.fail("commit", Conflict("Changed."), times=99)
    with (
        pytest.raises(DeployError, match="Others keep changing"),
        HubStore(PLACE, "s", hub, clock).hold(keep),
    ):
        raise AssertionError

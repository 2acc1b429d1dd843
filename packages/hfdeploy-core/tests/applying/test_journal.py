import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hfdeploy_core.applying.journal import Journal
from hfdeploy_core.errors import StateUnwritable
from hfdeploy_core.model import HeldSecret, RepoRef, RepoType, SetHardware
from hfdeploy_core.planning.history import Verdict
from hfdeploy_core.testing import FakeClock

SPACE = RepoRef(RepoType.SPACE, "alice", "app")
CHANGE = SetHardware("cpu-upgrade", "cpu-basic")


@pytest.fixture
def journal(tmp_path: Path, clock: FakeClock) -> Journal:
    return Journal(tmp_path / "state", clock)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc, to name what is synced")
def test_an_intention_is_on_the_disk_when_it_is_told(journal: Journal, tmp_path, monkeypatch) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def watched(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").resolve().name)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", watched)
    step = journal.intend(SPACE, "p1", 0, CHANGE)
    assert synced == ["journal.jsonl", "state"]
    assert journal.read().steps == (step,)
    journal.conclude(step, "c" * 40)
    assert synced[2:] == ["journal.jsonl"]
    assert [(step.is_done, step.commit) for step in journal.read().steps] == [(False, None), (True, "c" * 40)]
    assert (tmp_path / "state" / ".gitignore").read_text() == "*\n"


def test_a_torn_line_costs_nothing_but_itself(journal: Journal, tmp_path: Path) -> None:
    first = journal.intend(SPACE, "p1", 0, CHANGE)
    file = tmp_path / "state" / "journal.jsonl"
    with file.open("a") as stream:
        stream.write('\n{"at": "2026')
    second = journal.intend(SPACE, "p1", 1, CHANGE)
    assert journal.read().steps == (first, second)


def test_a_secret_is_recognised_and_cannot_be_read(journal: Journal, tmp_path: Path, clock) -> None:
    held = [HeldSecret("KEY", "then")]
    journal.remember_secret(SPACE, "KEY", "the value", held)
    assert journal.find_known(SPACE, {"KEY": "the value"}, held) == {"KEY"}
    assert journal.find_known(SPACE, {"KEY": "another"}, held) == set()
    assert journal.find_known(RepoRef(RepoType.SPACE, "a", "b"), {"KEY": "the value"}, held) == set()
    for file in (tmp_path / "state").iterdir():
        assert b"the value" not in file.read_bytes()
        assert file.name == ".gitignore" or file.stat().st_mode & 0o777 == 0o600
    other = Journal(tmp_path / "other", clock)
    assert other.mark_secrets(SPACE, {"KEY": "x"}) != journal.mark_secrets(SPACE, {"KEY": "x"})
    assert other.mark_secrets(SPACE, {"KEY": "x"}) == other.mark_secrets(SPACE, {"KEY": "x"})


def test_looking_leaves_nothing_behind(journal: Journal, tmp_path: Path) -> None:
    assert journal.read().steps == ()
    assert journal.find_known(SPACE, {"KEY": "x"}, [HeldSecret("KEY", "then")]) == set()
    assert not (tmp_path / "state").exists()


def test_where_nothing_can_be_written_it_says_so(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(StateUnwritable, match="state cannot be written") as caught:
        Journal(tmp_path / "state", clock).intend(SPACE, "p1", 0, CHANGE)
    assert "--state" in caught.value.remedy


def test_a_long_journal_is_trimmed_and_what_matters_stays(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hfdeploy_core.applying.journal._MOST_BYTES", 20_000)
    monkeypatch.setattr("hfdeploy_core.applying.journal._KEPT_STEPS", 10)
    journal.remember_secret(SPACE, "KEY", "the value", [HeldSecret("KEY", "then")])
    journal.record(Verdict(SPACE, "bad", is_live=False))
    sizes = []
    for number in range(200):
        journal.conclude(journal.intend(SPACE, f"p{number}", 0, CHANGE))
        sizes.append((tmp_path / "state" / "journal.jsonl").stat().st_size)
    assert max(sizes) < 21_000
    history = journal.read()
    assert [(step.plan, step.is_done) for step in history.steps[-2:]] == [("p199", False), ("p199", True)]
    assert journal.find_known(SPACE, {"KEY": "the value"}, [HeldSecret("KEY", "then")]) == {"KEY"}
    assert history.find_failed(SPACE) == {"bad"}
    assert (tmp_path / "state" / "journal.jsonl").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_a_trimming_that_is_cut_short_loses_nothing(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    step = journal.intend(SPACE, "p1", 0, CHANGE)
    monkeypatch.setattr("hfdeploy_core.applying.journal._MOST_BYTES", 10)

    class Killed(BaseException):
        pass

    def kill(*arguments: object) -> None:
        if fails == "replace" or Path(f"/proc/self/fd/{arguments[0]}").resolve().suffix == ".new":
            raise Killed

    monkeypatch.setattr(*{"fsync": (os, "fsync"), "replace": (Path, "replace")}[fails], kill)
    with pytest.raises(Killed):
        journal.intend(SPACE, "p1", 1, CHANGE)
    assert [item.number for item in journal.read().steps] == [0, 1]
    monkeypatch.undo()
    journal.conclude(step)
    assert len(journal.read().steps) == 3


def test_whoever_writes_while_another_trims_loses_nothing(
    journal: Journal, tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hfdeploy_core.applying.journal._MOST_BYTES", 3_000)
    others = [Journal(tmp_path / "state", clock) for _ in range(4)]

    def write(number: int) -> None:
        for turn in range(8):
            others[number].intend(SPACE, f"p{number}", turn, CHANGE)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    written = {(step.plan, step.number) for step in journal.read().steps}
    assert written == {(f"p{number}", turn) for number in range(4) for turn in range(8)}

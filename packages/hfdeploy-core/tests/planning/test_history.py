from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_core.model import (
    Change,
    CommitFiles,
    FileEntry,
    HeldSecret,
    PutFile,
    RepoRef,
    RepoType,
    SetHardware,
)
from hfdeploy_core.planning.history import (
    History,
    KnownSecret,
    Restoring,
    Step,
    Verdict,
    read_history,
    write_record,
    write_step,
)

SPACE = RepoRef(RepoType.SPACE, "alice", "app")
OTHER = RepoRef(RepoType.SPACE, "alice", "other")
HARDWARE = SetHardware("cpu-upgrade", "cpu-basic", 30_000)


def step(number: int = 0, *, is_done: bool = False, plan: str = "p1", change: Change = HARDWARE) -> Step:
    return Step(SPACE, plan, number, is_done, change, None, "2026-01-01T00:00:00+00:00")


RECORDS = st.one_of(st.builds(step, st.integers(0, 9)), *map(st.from_type, (KnownSecret, Restoring, Verdict)))


@given(st.lists(RECORDS, max_size=5))
def test_what_is_written_can_be_read(records: list[Step | KnownSecret | Restoring | Verdict]) -> None:
    lines = [write_step(item) if isinstance(item, Step) else write_record(item) for item in records]
    history = read_history("\n".join(lines))
    for kind, read in (
        (Step, history.steps),
        (KnownSecret, history.secrets),
        (Restoring, history.restorings),
        (Verdict, history.verdicts),
    ):
        assert list(read) == [item for item in records if isinstance(item, kind)]


def test_wherever_a_kill_tears_the_last_line_the_others_are_read() -> None:
    first, second = write_step(step(0)), write_step(step(1))
    for length in range(len(second)):
        assert read_history(f"\n{first}\n{second[:length]}").steps == (step(0),)
        assert read_history(f"\n{first}\n{second[:length]}\n{second}").steps == (step(0), step(1))
    assert read_history('[]\n7\n"x"\n{"secret": 1}\n{"change": {}}') == History()


def test_the_files_of_a_commit_are_not_written_down() -> None:
    put = PutFile(FileEntry("a", 1, "1" * 40, None), replaces=False)
    line = write_step(step(change=CommitFiles((put,), ("b",), "title")))
    assert read_history(line).steps == (step(change=CommitFiles((), (), "title")),)


def test_intended_is_begun_and_only_done_is_done() -> None:
    history = History((step(0), step(0, is_done=True), step(1), step(0, plan="p2")))
    assert history.has_begun("p1")
    assert not history.has_begun("p3")
    assert history.find_done("p1") == {0}
    assert history.find_done("p2") == frozenset()


def test_a_secret_is_known_only_if_nothing_can_have_changed_it() -> None:
    history = History((), (KnownSecret(SPACE, "A", "old", "1"), KnownSecret(SPACE, "A", "m", "2")))

    def is_known(mark: str = "m", updated_at: str | None = "2", repo: RepoRef = SPACE) -> bool:
        return bool(history.find_known(repo, {"A": mark}, {"A": HeldSecret("A", updated_at)}))

    assert is_known()
    assert not is_known(mark="old")
    assert not is_known(updated_at="1")
    assert not is_known(updated_at=None)
    assert not is_known(repo=OTHER)
    assert history.find_known(SPACE, {"A": "m"}, {}) == set()
    silent = History((), (KnownSecret(SPACE, "A", "m", None),))
    assert silent.find_known(SPACE, {"A": "m"}, {"A": HeldSecret("A", None)}) == set()
    assert history.find_update(SPACE, "A") == "2"
    assert history.find_update(OTHER, "A") is None


def test_a_rollback_is_open_until_it_is_said_to_have_ended() -> None:
    begun, ended = Restoring(SPACE, "r", "b", is_done=False), Restoring(SPACE, "r", "b", is_done=True)
    assert History(restorings=(ended, begun)).find_restoring(SPACE) == begun
    assert History(restorings=(begun, ended)).find_restoring(SPACE) is None
    assert History(restorings=(begun,)).find_restoring(OTHER) is None


def test_a_commit_has_failed_until_it_is_seen_live() -> None:
    bad, good = Verdict(SPACE, "c", is_live=False), Verdict(SPACE, "c", is_live=True)
    assert History(verdicts=(good, bad)).find_failed(SPACE) == {"c"}
    assert History(verdicts=(bad, good)).find_failed(SPACE) == frozenset()
    assert History(verdicts=(bad,)).find_failed(OTHER) == frozenset()

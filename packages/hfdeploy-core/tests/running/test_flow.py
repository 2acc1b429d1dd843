import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfdeploy_core.running.flow import Done, Failed, Left, run_graph

NAMES = "abcdefgh"


def below(graph: dict[str, set[str]]) -> dict[str, frozenset[str]]:
    return {name: frozenset(n for n in graph.get(name, ()) if n < name) for name in NAMES}


graphs = st.dictionaries(st.sampled_from(NAMES), st.sets(st.sampled_from(NAMES), max_size=3)).map(below)


@settings(deadline=None, max_examples=60)
@given(graphs, st.sets(st.sampled_from(NAMES), max_size=2), st.integers(1, 4))
def test_a_failure_keeps_back_what_needs_it_and_nothing_else(
    needs: dict[str, frozenset[str]], broken: set[str], most: int
) -> None:
    done: list[str] = []

    def work(name: str, is_over: threading.Event) -> str:
        assert needs[name] <= set(done)
        if name in broken:
            raise ValueError(name)
        done.append(name)
        return name.upper()

    left: list[str] = []
    fates = run_graph(needs, work, most=most, on_left=lambda name, fate: left.append(name))
    doomed = set(broken)
    for name in NAMES:
        if needs[name] & doomed:
            doomed.add(name)
    for name, fate in fates.items():
        if name not in doomed:
            assert fate == Done(name.upper())
        elif needs[name] & doomed:
            assert isinstance(fate, Left)
            assert set(fate.because) == needs[name] & doomed
        else:
            assert isinstance(fate, Failed)
    assert set(left) == {name for name, fate in fates.items() if isinstance(fate, Left)}


def test_what_needs_nothing_runs_at_the_same_time_and_no_more_than_allowed() -> None:
    together = threading.Barrier(3, timeout=5)
    lock, running, most_seen = threading.Lock(), 0, 0

    def work(name: str, is_over: threading.Event) -> None:
        nonlocal running, most_seen
        with lock:
            running += 1
            most_seen = max(most_seen, running)
        together.wait()
        with lock:
            running -= 1

    run_graph(dict.fromkeys("abcdef", frozenset()), work, most=3)
    assert most_seen == 3


def test_when_it_is_interrupted_nothing_is_begun_and_what_runs_is_told() -> None:
    begun: list[str] = []

    def work(name: str, is_over: threading.Event) -> None:
        begun.append(name)
        if name == "c":
            assert is_over.wait(5)

    def interrupt(name: str, fate: Left) -> None:
        raise KeyboardInterrupt

    def fail(name: str, is_over: threading.Event) -> None:
        if name == "a":
            time.sleep(0.01)
            raise ValueError
        work(name, is_over)

    needs = {"a": frozenset(), "b": frozenset("a"), "c": frozenset(), "d": frozenset("c")}
    with pytest.raises(KeyboardInterrupt):
        run_graph(needs, fail, most=2, on_left=interrupt)
    assert begun == ["c"]

"""Work over a graph: what needs nothing of each other at the same time, what needs something after it."""

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """It was done, with this result."""

    result: T


@dataclass(frozen=True, slots=True)
class Failed:
    """It failed."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Left:
    """It was left alone, because these failed or were left alone themselves."""

    because: tuple[str, ...]


Fate = Done[T] | Failed | Left


class Over(threading.Event):
    """Set once the run is over before its time: what does not look at it is ended then."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._ends: list[Callable[[], None]] = []

    def set(self) -> None:
        with self._lock:
            super().set()
            ends = tuple(self._ends)
        for end in ends:
            end()

    @contextmanager
    def ending(self, end: Callable[[], None]) -> Iterator[None]:
        """Whatever goes on within is ended so."""
        with self._lock:
            self._ends.append(end)
            is_late = self.is_set()
        if is_late:
            end()
        try:
            yield
        finally:
            with self._lock:
                self._ends.remove(end)


class Stopped(SystemExit):
    """What is under way ends at its next word or question, because the run is over.

    Nobody catches it but the run, and a thread that ends with it does so without a word.
    """


def run_graph(
    needs: Mapping[str, frozenset[str]],
    work: Callable[[str, threading.Event], T],
    *,
    most: int,
    on_left: Callable[[str, Left], None] = lambda name, left: None,
    over: Over | None = None,
) -> dict[str, Fate[T]]:
    """Do the work of every name, each after those that it needs, no more than `most` at a time.

    A failure keeps from its turn what needs it, and nothing else. On Ctrl-C nothing is begun any more, and
    the event that `work` was given is set: `over`, if that is given.
    """
    sorter = TopologicalSorter(needs)
    sorter.prepare()
    fates: dict[str, Fate[T]] = {}
    running: dict[Future[T], str] = {}
    is_over = over or Over()
    with ThreadPoolExecutor(most) as pool:
        try:
            while sorter.is_active():
                for name in sorter.get_ready():
                    if missing := tuple(sorted(n for n in needs[name] if not isinstance(fates[n], Done))):
                        fates[name] = left = Left(missing)
                        on_left(name, left)
                        sorter.done(name)
                    else:
                        running[pool.submit(work, name, is_over)] = name
                if running:
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        name = running.pop(future)
                        fates[name] = _judge(future)
                        sorter.done(name)
        except BaseException:
            is_over.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return {name: fates[name] for name in needs}


def list_fates(fates: Mapping[str, Fate[T]], kind: type) -> tuple[str, ...]:
    """The names of what met with that kind of fate."""
    return tuple(name for name, fate in fates.items() if isinstance(fate, kind))


def _judge(future: "Future[T]") -> Fate[T]:
    error = future.exception()
    if error is None:
        return Done(future.result())
    if isinstance(error, Exception):
        return Failed(error)
    raise error

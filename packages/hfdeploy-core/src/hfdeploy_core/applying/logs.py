"""A Space's logs while something else goes on: read by a thread each, told by whoever asks."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from queue import Empty, Queue
from types import TracebackType
from typing import Self

from hfdeploy_core.clock import Clock
from hfdeploy_core.errors import DeployError
from hfdeploy_core.events import Logged, OnEvent
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.model import RepoRef
from hfdeploy_core.space import LogKind, LogLine

LAST_LINES = 50
_QUIET_SECONDS = 120.0
_TAIL_QUIET_SECONDS = 2.0
_MOST_OPENINGS = 5
_NAP_SECONDS = 0.1


@dataclass
class _Followed:
    """One log: how often it was opened, how many of its lines were told, and the last of them."""

    openings: int = 0
    told: int = 0
    is_open: bool = False
    last: deque[LogLine] = field(default_factory=lambda: deque(maxlen=LAST_LINES))


class LogFollower:
    """Tells the lines of a Space's logs as they come. A context manager: on leaving it, reading ends."""

    def __init__(self, hub: Hub, repo: RepoRef, clock: Clock, on_event: OnEvent) -> None:
        self._hub = hub
        self._repo = repo
        self._clock = clock
        self._on_event = on_event
        self._logs = {kind: _Followed() for kind in LogKind}
        self._queue: Queue[tuple[LogKind, LogLine | None]] = Queue()
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.close()

    def follow(self, kind: LogKind) -> None:
        """Begin to read a log; one that broke off is taken up again, a few times."""
        log = self._logs[kind]
        if log.is_open or log.openings == _MOST_OPENINGS:
            return
        log.openings += 1
        try:
            lines = self._open.enter_context(
                self._hub.open_log(self._repo, kind, quiet_seconds=_QUIET_SECONDS)
            )
        except DeployError:
            return  # a log that cannot be read is no reason to give up the Space
        log.is_open = True
        threading.Thread(target=self._read, args=(kind, lines, log.told), daemon=True).start()

    def tell(self, seconds: float) -> None:
        """Tell what comes within `seconds`; less if the logs end before."""
        until = self._clock.seconds() + seconds
        was_open = any(log.is_open for log in self._logs.values())
        while (left := until - self._clock.seconds()) > 0:
            if not any(log.is_open for log in self._logs.values()):
                self._clock.sleep(min(left, _NAP_SECONDS) if was_open else left)
                break
            try:
                self._tell(*self._queue.get(timeout=left))
            except Empty:
                break

    def read_last(self, kind: LogKind) -> tuple[str, ...]:
        """The log's last lines, those that nobody heard yet told as well."""
        log = self._logs[kind]
        try:
            with self._hub.open_log(
                self._repo, kind, tail=LAST_LINES, quiet_seconds=_TAIL_QUIET_SECONDS
            ) as lines:
                last = list(lines)[-LAST_LINES:]
        except DeployError:
            last = list(log.last)
        told = set(log.last)
        for line in last:
            if line not in told:
                self._on_event(Logged(kind, line.text))
        return tuple(line.text for line in last)

    def _tell(self, kind: LogKind, line: LogLine | None) -> None:
        log = self._logs[kind]
        if line is None:
            log.is_open = False
            return
        log.told += 1
        log.last.append(line)
        self._on_event(Logged(kind, line.text))

    def _read(self, kind: LogKind, lines: Iterator[LogLine], known: int) -> None:
        """In a thread. A log that is opened again begins again: its first `known` lines were told."""
        for number, line in enumerate(lines):
            if number >= known:
                self._queue.put((kind, line))
        self._queue.put((kind, None))

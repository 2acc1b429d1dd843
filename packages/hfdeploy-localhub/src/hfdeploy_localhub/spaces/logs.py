"""The build log and the run log of a Space: bounded, kept on disk, and followed while they grow."""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

LINE_LIMIT_CHARACTERS = 8192
_ENTRY_OVERHEAD = 64


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its text with the newline, and when it was written (ISO 8601, UTC, milliseconds, `Z`)."""

    data: str
    timestamp: str


class Log:
    """Lines of one build or one run. The oldest go when all together are longer than `limit_bytes`.

    A log lives on over sessions: `begin` empties it for a new build or run, `finish` says that nothing will
    follow.
    """

    def __init__(self, path: Path, limit_bytes: int = 2**21) -> None:
        self._path = path
        self._limit_bytes = limit_bytes
        self._lines: deque[Line] = deque()
        self._bytes = 0
        self._dropped = 0
        self._say: Callable[[str], None] | None = None
        self._is_open = False
        self._is_released = False
        self._grown = asyncio.Event()
        self._file_bytes = 0
        self._load()

    @property
    def is_open(self) -> bool:
        """Whether more lines may come."""
        return self._is_open

    def begin(self) -> Callable[[str], None]:
        """Empty the log for a new session. Returns what writes to it, and does nothing once the session is
        over.
        """
        self._lines.clear()
        self._bytes = self._dropped = self._file_bytes = 0
        self._is_open = True
        self._path.parent.mkdir(parents=True, exist_ok=True)
        for path in (self._older, self._path):
            path.unlink(missing_ok=True)

        def say(text: str) -> None:
            if self._say is say and self._is_open:
                self._write(text)

        self._say = say
        self._wake()
        return say

    def finish(self, say: Callable[[str], None]) -> None:
        """Nothing will follow in the session of `say`: its followers end."""
        if self._say is say:
            self._is_open = False
            self._wake()

    def release(self) -> None:
        """Its followers end, also those to come: the hub goes, whatever the session does."""
        self._is_released = True
        self._wake()

    def move(self, path: Path) -> None:
        """The files were moved to `path`."""
        self._path = path

    def lines(self, tail: int | None = None) -> list[Line]:
        """What there is, or its last `tail` lines."""
        lines = list(self._lines)
        return lines if tail is None else lines[max(0, len(lines) - tail) :]

    async def follow(self, tail: int | None = None) -> AsyncIterator[Line]:
        """What there is (or its last `tail` lines) and what comes, until the session ends, or `release`.

        A reader that is too slow misses what was dropped meanwhile.
        """
        session = self._say
        position = self._dropped + len(self._lines) - len(self.lines(tail))
        while session is self._say:
            position = max(position, self._dropped)
            new = self.lines()[position - self._dropped :]
            if not new and (self._is_released or not self._is_open):
                return
            if not new:
                await self._grown.wait()
            for line in new:
                yield line
            position += len(new)

    def _write(self, text: str) -> None:
        """Add a text, line by line; every line gets the same time."""
        timestamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        texts = text.removesuffix("\n").split("\n")
        lines = [Line(line[:LINE_LIMIT_CHARACTERS] + "\n", timestamp) for line in texts]
        for line in lines:
            self._remember(line)
        with contextlib.suppress(OSError):  # a full disk must not end an app
            self._store(lines)
        self._wake()

    def _store(self, lines: list[Line]) -> None:
        """Append to the file; when it is full it becomes the older of two."""
        if self._file_bytes > self._limit_bytes:
            self._path.replace(self._older)
            self._file_bytes = 0
        entries = "".join(json.dumps([line.timestamp, line.data]) + "\n" for line in lines)
        with self._path.open("a", encoding="ascii") as file:
            file.write(entries)
        self._file_bytes += len(entries)

    def _remember(self, line: Line) -> None:
        self._lines.append(line)
        self._bytes += len(line.data) + _ENTRY_OVERHEAD
        while self._bytes > self._limit_bytes and len(self._lines) > 1:
            self._bytes -= len(self._lines.popleft().data) + _ENTRY_OVERHEAD
            self._dropped += 1

    def _wake(self) -> None:
        """Let everyone who waits look again; whoever waits from now on waits for the next event."""
        self._grown.set()
        self._grown = asyncio.Event()

    @property
    def _older(self) -> Path:
        return self._path.with_suffix(self._path.suffix + ".1")

    def _load(self) -> None:
        for path in (self._older, self._path):
            if path.is_file():
                for entry in path.read_text(encoding="utf-8", errors="replace").splitlines():
                    self._load_entry(entry)

    def _load_entry(self, entry: str) -> None:
        try:
            timestamp, data = json.loads(entry)
        except ValueError:
            return  # the hub was killed while it wrote this line
        self._remember(Line(data, timestamp))

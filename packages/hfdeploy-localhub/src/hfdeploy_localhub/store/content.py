"""Bytes that are read when they are sent, however they are kept."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

_READ_BYTES = 256 * 1024
"""At once: with many downloads side by side this is what they cost in memory."""


@dataclass(frozen=True, slots=True)
class Content:
    """``size`` bytes; ``read(start, end)`` gives those from ``start`` to ``end`` (not included) in pieces."""

    size: int
    read: Callable[[int, int], Iterator[bytes]]


def open_content(path: Path) -> Content | None:
    """A file's content, or None if there is no such file."""
    try:
        return Content(path.stat().st_size, partial(_read_file, path))
    except FileNotFoundError:
        return None


def _read_file(path: Path, start: int, end: int) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        file.seek(start)
        while start < end and (data := file.read(min(_READ_BYTES, end - start))):
            start += len(data)
            yield data

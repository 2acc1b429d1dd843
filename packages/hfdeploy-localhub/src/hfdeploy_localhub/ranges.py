"""Byte ranges of a request (RFC 9110, section 14), pure."""

import re
from dataclasses import dataclass
from typing import Final

_SINGLE = re.compile(r"bytes=\s*(\d*)-(\d*)\s*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes ``start`` to ``end`` (not included)."""

    start: int
    end: int


UNSATISFIABLE: Final = Span(-1, -1)
"""Asks for bytes that the content does not have: answered by 416 (section 15.5.17)."""


def parse_range(header: str | None, size: int) -> Span | None:
    """The part of ``size`` bytes that a Range header asks for.

    None means all: no header, or one that a server ignores (other units, several ranges, malformed, or
    any of nothing; section 14.2).
    """
    match = _SINGLE.fullmatch(header) if header and size else None
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        length = min(int(match[2]), size)
        return Span(size - length, size) if length else UNSATISFIABLE
    start = int(match[1])
    end = min(int(match[2]) + 1, size) if match[2] else size
    if match[2] and int(match[2]) < start:
        return None
    return Span(start, end) if start < size else UNSATISFIABLE

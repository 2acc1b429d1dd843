"""Which chunks a part of a file needs, and in which pieces they are best fetched (pure)."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hfdeploy_localhub.ranges import Span
from hfdeploy_localhub.store.xet_formats import CHUNK_HEADER_BYTES, ChunkHeader, Segment

Headers = Callable[[str], Sequence[ChunkHeader]]
"""The chunk headers of a xorb."""


@dataclass(frozen=True, slots=True)
class Part:
    """The chunks that hold a span of a file. The span begins ``skip`` plain bytes into the first of them."""

    skip: int
    segments: tuple[Segment, ...]


class Fetch(NamedTuple):
    """Neighbouring chunks of a xorb to be had at once, and where they lie in it: ``start`` to ``end``."""

    xorb: str
    first_chunk: int
    end_chunk: int
    start: int
    end: int


def plan_part(segments: Iterable[Segment], span: Span, headers: Headers) -> Part:
    """The chunks that ``span``, which must not be empty, needs of the file that ``segments`` make up."""
    skip, needed, at = 0, list[Segment](), 0
    for segment in segments:
        start, end = max(span.start - at, 0), min(span.end - at, segment.plain_bytes)
        at += segment.plain_bytes
        if start >= end:
            continue
        whole = start == 0 and end == segment.plain_bytes
        before, cut = (0, segment) if whole else _cut(segment, Span(start, end), headers(segment.xorb))
        if not needed:
            skip = start - before
        needed.append(cut)
    return Part(skip, tuple(needed))


def _cut(segment: Segment, span: Span, headers: Sequence[ChunkHeader]) -> tuple[int, Segment]:
    """The chunks of a segment that ``span`` touches, and how many plain bytes of it lie before them."""
    first, before, at = segment.first, 0, 0
    for number in range(segment.first, segment.end):
        if at >= span.end:
            return before, Segment(segment.xorb, first, number, at - before)
        at += headers[number].plain
        if at <= span.start:
            first, before = number + 1, at
    return before, Segment(segment.xorb, first, segment.end, at - before)


def plan_fetches(segments: Iterable[Segment], headers: Headers) -> list[Fetch]:
    """What to fetch for ``segments``: no chunk twice, and chunks that touch in one piece.

    Clients look for the first piece that a segment begins in or right behind, so pieces must not touch.
    """
    wanted = defaultdict[str, list[tuple[int, int]]](list)
    for segment in segments:
        wanted[segment.xorb].append((segment.first, segment.end))
    fetches = []
    for xorb, runs in wanted.items():
        chunks = headers(xorb)
        for first, end in _join(runs):
            last = chunks[end - 1]
            start = chunks[first].offset - CHUNK_HEADER_BYTES
            fetches.append(Fetch(xorb, first, end, start, last.offset + last.stored))
    return fetches


def _join(runs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    joined = list[tuple[int, int]]()
    for first, end in sorted(runs):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((first, end))
    return joined

from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st
from xet_pieces import pack

from hfdeploy_localhub.ranges import Span
from hfdeploy_localhub.store.xet_formats import ChunkHeader, Segment, read_chunk, read_chunk_headers
from hfdeploy_localhub.store.xet_plans import Fetch, plan_fetches, plan_part

Xorb = list[bytes]


@st.composite
def files(draw: st.DrawFn) -> tuple[dict[str, Xorb], list[Segment], Span]:
    """Some xorbs, a file out of runs of their chunks, and a span of it."""
    chunk = st.binary(min_size=1, max_size=9)
    xorbs = draw(st.dictionaries(st.sampled_from("abc"), st.lists(chunk, min_size=1, max_size=6), min_size=1))
    segments = []
    for _ in range(draw(st.integers(1, 6))):
        xorb = draw(st.sampled_from(sorted(xorbs)))
        first = draw(st.integers(0, len(xorbs[xorb]) - 1))
        end = draw(st.integers(first + 1, len(xorbs[xorb])))
        segments.append(Segment(xorb, first, end, len(b"".join(xorbs[xorb][first:end]))))
    size = sum(segment.plain_bytes for segment in segments)
    start = draw(st.integers(0, size - 1))
    return xorbs, segments, Span(start, draw(st.integers(start + 1, size)))


def store(xorb: Xorb) -> bytes:
    return b"".join(map(pack, xorb))


def headers_of(xorb: Xorb) -> list[ChunkHeader]:
    content = store(xorb)
    return read_chunk_headers(lambda at, length: content[at : at + length], len(content))


def put_together(segments: tuple[Segment, ...], fetches: list[Fetch], xorbs: dict[str, Xorb]) -> bytes:
    """What a client makes of a plan: it takes the first piece that a segment begins in, or right behind."""
    content = b""
    for segment in segments:
        piece = next(
            piece
            for piece in fetches
            if piece.xorb == segment.xorb and piece.first_chunk <= segment.first <= piece.end_chunk
        )
        assert segment.end <= piece.end_chunk
        fetched = store(xorbs[segment.xorb])[piece.start : piece.end]
        read = lambda at, length, fetched=fetched: fetched[at : at + length]  # noqa: E731
        chunks = [read_chunk(read, header) for header in read_chunk_headers(read, len(fetched))]
        assert len(chunks) == piece.end_chunk - piece.first_chunk
        plain = b"".join(chunks[segment.first - piece.first_chunk : segment.end - piece.first_chunk])
        assert len(plain) == segment.plain_bytes
        content += plain
    return content


@given(files())
def test_a_client_gets_the_span_by_the_plan(case: tuple[dict[str, Xorb], list[Segment], Span]) -> None:
    xorbs, segments, span = case
    whole = b"".join(b"".join(xorbs[xorb][first:end]) for xorb, first, end, _ in segments)
    part = plan_part(segments, span, lambda xorb: headers_of(xorbs[xorb]))
    fetches = plan_fetches(part.segments, lambda xorb: headers_of(xorbs[xorb]))
    got = put_together(part.segments, fetches, xorbs)
    assert got[part.skip : part.skip + span.end - span.start] == whole[span.start : span.end]


@given(files())
def test_a_plan_has_no_chunk_that_the_span_does_not_need(
    case: tuple[dict[str, Xorb], list[Segment], Span],
) -> None:
    xorbs, segments, span = case
    part = plan_part(segments, span, lambda xorb: headers_of(xorbs[xorb]))
    sizes = [len(chunk) for xorb, first, end, _ in segments for chunk in xorbs[xorb][first:end]]
    ends = list(accumulate(sizes))
    needed = sum(end > span.start and end - size < span.end for size, end in zip(sizes, ends, strict=True))
    assert sum(segment.end - segment.first for segment in part.segments) == needed


@given(files())
def test_no_chunk_is_fetched_twice_and_pieces_do_not_touch(
    case: tuple[dict[str, Xorb], list[Segment], Span],
) -> None:
    xorbs, segments, _ = case
    fetches = plan_fetches(segments, lambda xorb: headers_of(xorbs[xorb]))
    for xorb in xorbs:
        pieces = sorted(piece for piece in fetches if piece.xorb == xorb)
        assert all(before.end_chunk < after.first_chunk for before, after in pairwise(pieces))
    wanted = {(xorb, chunk) for xorb, first, end, _ in segments for chunk in range(first, end)}
    assert sum(piece.end_chunk - piece.first_chunk for piece in fetches) == len(wanted)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_localhub.ranges import UNSATISFIABLE, Span, parse_range


@pytest.mark.parametrize(
    ("header", "span"),
    [
        (None, None),
        ("bytes=0-0", Span(0, 1)),
        ("bytes=2-4", Span(2, 5)),
        ("bytes=7-", Span(7, 10)),
        ("bytes=-3", Span(7, 10)),
        ("bytes=-30", Span(0, 10)),
        ("bytes=5-500", Span(5, 10)),
        ("bytes=10-", UNSATISFIABLE),
        ("bytes=-0", UNSATISFIABLE),
        ("bytes=4-2", None),
        ("bytes=0-1,3-4", None),
        ("lines=0-1", None),
        ("bytes=-", None),
    ],
)
def test_known_headers(header: str | None, span: Span | None) -> None:
    assert parse_range(header, 10) == span


@given(st.integers(0, 50), st.text("bytes=-0123456789, ", max_size=20))
def test_a_span_always_lies_inside(size: int, tail: str) -> None:
    span = parse_range(f"bytes={tail}", size)
    if span is not None and span is not UNSATISFIABLE:
        assert 0 <= span.start < span.end <= size


@given(st.integers(1, 100), st.data())
def test_a_span_selects_what_a_slice_does(size: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, size - 1))
    end = data.draw(st.integers(start, size + 5))
    content = bytes(range(size))
    span = parse_range(f"bytes={start}-{end}", size)
    assert span is not None
    assert content[span.start : span.end] == content[start : end + 1]


@pytest.mark.parametrize("header", ["bytes=0-0", "bytes=5-", "bytes=-1"])
def test_there_is_no_part_of_nothing(header: str) -> None:
    assert parse_range(header, 0) is None

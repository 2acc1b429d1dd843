import random

from hypothesis import given
from hypothesis import strategies as st
from xet_pieces import name_chunks, pack

from hfdeploy_localhub.store.xet_slices import SLICE_BYTES, Slicer, plan_xorbs, slice_reader, wrap_slices

CONTENT = random.Random(0).randbytes(520 * SLICE_BYTES + 100)
CHUNKS = [CONTENT[at : at + SLICE_BYTES] for at in range(0, len(CONTENT), SLICE_BYTES)]
FIRST_XORB = b"".join(map(pack, CHUNKS[:512]))


def read(offset: int, length: int) -> bytes:
    return CONTENT[offset : offset + length]


@given(st.lists(st.integers(0, 3 * SLICE_BYTES), max_size=8))
def test_slices_do_not_depend_on_how_the_bytes_arrive(sizes: list[int]) -> None:
    slicer, at = Slicer(), 0
    for size in sizes:
        slicer.update(CONTENT[at : at + size])
        at += size
    passed = [CONTENT[:at][start : start + SLICE_BYTES] for start in range(0, at, SLICE_BYTES)]
    assert slicer.finish() == tuple(name_chunks(passed))


def test_a_file_becomes_as_many_xorbs_as_it_needs() -> None:
    first, second = plan_xorbs(name_chunks(CHUNKS))
    assert (first.start, first.plain_bytes) == (0, 512 * SLICE_BYTES)
    assert (second.start, second.plain_bytes) == (512 * SLICE_BYTES, 8 * SLICE_BYTES + 100)


@given(st.data())
def test_every_part_of_a_xorb_is_what_a_client_would_have_written(data: st.DataObject) -> None:
    end = data.draw(st.integers(1, len(FIRST_XORB)))
    start = data.draw(st.integers(max(0, end - 3 * SLICE_BYTES), end - 1))
    xorb = next(plan_xorbs(name_chunks(CHUNKS)))
    headers = [header for _, header in xorb.chunks]
    parts = wrap_slices(headers, slice_reader(read, xorb.start), start, end)
    assert b"".join(parts) == FIRST_XORB[start:end]


def test_the_slices_of_a_later_xorb_are_found_in_the_file() -> None:
    _, xorb = plan_xorbs(name_chunks(CHUNKS))
    headers = [header for _, header in xorb.chunks]
    wrapped = b"".join(wrap_slices(headers, slice_reader(read, xorb.start), 0, 8 * (SLICE_BYTES + 8) + 108))
    assert wrapped == b"".join(map(pack, CHUNKS[512:]))

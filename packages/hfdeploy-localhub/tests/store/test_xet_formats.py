import struct

import lz4.frame
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_localhub.errors import BadRequest
from hfdeploy_localhub.store.xet_formats import (
    FileRecord,
    Segment,
    format_hash,
    read_chunk,
    read_chunk_headers,
    read_files,
)


def group(plain: bytes) -> bytes:
    return b"".join(plain[position::4] for position in range(4))


def pack(plain: bytes, scheme: int) -> bytes:
    stored = {
        0: lambda: plain,
        1: lambda: lz4.frame.compress(plain),
        2: lambda: lz4.frame.compress(group(plain)),
    }
    data = stored[scheme]()
    return b"\0" + len(data).to_bytes(3, "little") + bytes([scheme]) + len(plain).to_bytes(3, "little") + data


@given(
    st.lists(
        st.tuples(st.binary(min_size=1, max_size=300), st.sampled_from([0, 1, 2])), min_size=1, max_size=5
    )
)
def test_chunks_come_back_as_they_were(chunks: list[tuple[bytes, int]]) -> None:
    xorb = b"".join(pack(plain, scheme) for plain, scheme in chunks) + b"XETBLOB footer"
    headers = read_chunk_headers(xorb)
    assert [read_chunk(xorb, header) for header in headers] == [plain for plain, _ in chunks]


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        for header in read_chunk_headers(content):
            read_chunk(content, header)
    except BadRequest:
        pass


def test_a_chunk_may_not_grow_beyond_its_header() -> None:
    bomb = bytearray(pack(bytes(1_000_000), 1))
    bomb[5:8] = (10).to_bytes(3, "little")
    (header,) = read_chunk_headers(bytes(bomb))
    assert len(read_chunk(bytes(bomb), header)) == 10


def test_a_cut_xorb_is_refused() -> None:
    with pytest.raises(BadRequest, match="cut off"):
        read_chunk_headers(pack(b"hello", 0)[:-1])


def record(file_hash: bytes, flags: int, count: int) -> bytes:
    return struct.pack("<32s4I", file_hash, flags, count, 0, 0)


def test_a_shard_tells_how_files_are_put_together() -> None:
    xorb, sha256 = bytes(range(32)), bytes(range(32, 64))
    shard = bytes(48)
    shard += record(b"f" * 32, (1 << 31) | (1 << 30), 1)
    shard += struct.pack("<32s4I", xorb, 0, 5, 2, 7) + bytes(48) + sha256 + bytes(16)
    shard += record(b"\xff" * 32, 0, 0)
    assert list(read_files(shard)) == [FileRecord(format_hash(sha256), (Segment(format_hash(xorb), 2, 7),))]
    with pytest.raises(BadRequest, match="cut off"):
        list(read_files(shard[:-60]))


def test_a_hash_is_written_in_reversed_groups() -> None:
    assert format_hash(bytes(range(32)))[:16] == "0706050403020100"

import contextlib
import struct
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xet_pieces import make_shard, name_file, name_xorb, pack, record

from hfdeploy_localhub.errors import BadRequest
from hfdeploy_localhub.store.xet_formats import (
    ChunkHeader,
    FileRecord,
    Segment,
    pack_chunks,
    read_chunk,
    read_chunk_headers,
    read_files,
    unpack_chunks,
)
from hfdeploy_localhub.store.xet_hashes import hash_chunk, prove_chunks


def unpack(xorb: bytes) -> list[bytes]:
    read = reader(xorb)
    return [read_chunk(read, header) for header in read_chunk_headers(read, len(xorb))]


def reader(content: bytes):
    def read(offset: int, length: int) -> bytes:
        file = BytesIO(content)
        file.seek(offset)
        return file.read(length)

    return read


@given(
    st.lists(
        st.tuples(st.binary(min_size=1, max_size=300), st.sampled_from([0, 1, 2])), min_size=1, max_size=5
    )
)
def test_chunks_come_back_as_they_were(chunks: list[tuple[bytes, int]]) -> None:
    xorb = b"".join(pack(plain, scheme) for plain, scheme in chunks) + b"XETBLOB footer"
    assert unpack(xorb) == [plain for plain, _ in chunks]


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with contextlib.suppress(BadRequest):
        unpack(content)


def test_a_chunk_may_not_grow_beyond_its_header() -> None:
    bomb = bytearray(pack(bytes(1_000_000), 1))
    bomb[5:8] = (10).to_bytes(3, "little")
    assert [len(plain) for plain in unpack(bytes(bomb))] == [10]


@pytest.mark.parametrize(
    ("xorb", "why"),
    [
        (pack(b"hello")[:-1], "cut off"),
        (pack(b""), "cut off"),
        (b"", "at least one"),
        (b"XETBLOB footer only", "at least one"),
        (pack(b"x") * 16_385, "no xorb"),
    ],
)
def test_what_is_no_xorb_is_refused(xorb: bytes, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        read_chunk_headers(reader(xorb), len(xorb))


def test_headers_tell_where_chunks_lie() -> None:
    xorb = pack(b"hello") + pack(b"you")
    assert read_chunk_headers(reader(xorb), len(xorb)) == [ChunkHeader(8, 5, 0, 5), ChunkHeader(21, 3, 0, 3)]


CHUNKS = [b"hello ", b"world"]


def test_a_shard_tells_how_files_are_put_together() -> None:
    shard = make_shard(CHUNKS, sha256="ab" * 32)
    proof = prove_chunks(hash_chunk(chunk) for chunk in CHUNKS)
    segment = Segment(name_xorb(CHUNKS), 0, 2, 11)
    assert list(read_files(shard)) == [FileRecord(name_file(CHUNKS), "ab" * 32, (segment,), (proof,))]
    two = shard[:-48] + shard[48:]
    assert len(list(read_files(two))) == 2


def test_a_file_may_come_without_its_sha256() -> None:
    shard = make_shard(CHUNKS, flags=1 << 31)
    (file,) = read_files(shard)
    assert (file.hash, file.sha256, len(file.proofs)) == (name_file(CHUNKS), None, 1)
    assert len(list(read_files(shard[:-48] + shard[48:]))) == 2


@pytest.mark.parametrize("flags", [0, 1 << 30])
def test_a_file_without_proofs_is_refused(flags: int) -> None:
    with pytest.raises(BadRequest, match="without"):
        list(read_files(make_shard(CHUNKS, flags=flags)))


@given(st.integers(min_value=0, max_value=48 * 6 - 1))
def test_a_cut_shard_is_refused(length: int) -> None:
    with pytest.raises(BadRequest, match="cut off"):
        list(read_files(make_shard(CHUNKS)[:length]))


@given(st.binary(max_size=500))
def test_any_bytes_are_a_shard_or_refused(content: bytes) -> None:
    with contextlib.suppress(BadRequest):
        list(read_files(content))


def test_a_shard_may_not_announce_more_than_it_has() -> None:
    huge = bytes(48) + record(b"f" * 32, 3 << 30, 0xFFFFFFFF) + bytes(480)
    with pytest.raises(BadRequest, match="cut off"):
        list(read_files(huge))
    assert struct.calcsize("<32s4I") == 48


@given(st.lists(st.tuples(st.binary(min_size=32, max_size=32), st.tuples(*[st.integers(0, 255)] * 4))))
def test_chunks_are_kept_as_they_are(chunks: list[tuple[bytes, tuple[int, ...]]]) -> None:
    described = [(name, ChunkHeader(*numbers)) for name, numbers in chunks]
    assert unpack_chunks(pack_chunks(described)) == described

"""Reading the two binary formats of xet uploads (pure): shards and xorbs, as hf_xet 1.8 writes them.

All numbers are little-endian.
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import lz4.frame

from hfdeploy_localhub.errors import BadRequest
from hfdeploy_localhub.store.xet_hashes import format_hash

MAX_XORB_BYTES = 80 * 1024 * 1024
"""hf_xet fills xorbs up to 64 MiB of plain chunks; headers and a footer come on top."""

CHUNK_HEADER_BYTES = 8
_SHARD_HEADER_BYTES = 48
_RECORD = struct.Struct("<32s4I")
_CHUNK = struct.Struct("<32sIIBI")
_END_OF_FILES = b"\xff" * 32
_HAS_PROOFS = 1 << 31
_HAS_METADATA = 1 << 30
_MAX_CHUNK_BYTES = 16 * 1024 * 1024
_MAX_CHUNKS = 16 * 1024

Reader = Callable[[int, int], bytes]
"""Reads ``(offset, length)`` of a xorb; less than asked where the xorb ends before."""


class Segment(NamedTuple):
    """Chunks ``first`` to ``end`` (not included) of one xorb, and how many plain bytes they are."""

    xorb: str
    first: int
    end: int
    plain_bytes: int


@dataclass(frozen=True, slots=True)
class FileRecord:
    """How a shard says a file is put together; ``proofs`` has one for each segment (``prove_chunks``).

    What goes into a bucket comes without its sha256.
    """

    hash: str
    sha256: str | None
    segments: tuple[Segment, ...]
    proofs: tuple[bytes, ...]


class ChunkHeader(NamedTuple):
    """Where a chunk lies in its xorb, and how it is packed: into ``stored`` bytes from ``plain`` ones."""

    offset: int
    stored: int
    scheme: int
    plain: int


def pack_chunks(chunks: Iterable[tuple[bytes, ChunkHeader]]) -> bytes:
    """Hashes and headers of a xorb's chunks, to be kept beside it; ``unpack_chunks`` undoes it."""
    return b"".join(_CHUNK.pack(name, *header) for name, header in chunks)


def unpack_chunks(packed: bytes) -> list[tuple[bytes, ChunkHeader]]:
    return [(name, ChunkHeader(*header)) for name, *header in _CHUNK.iter_unpack(packed)]


def read_files(shard: bytes) -> Iterator[FileRecord]:
    """The files a shard describes. Raises BadRequest where it is cut off, or a file comes without proofs."""
    offset = _SHARD_HEADER_BYTES
    try:
        while True:
            file_hash, flags, count, _, _ = _RECORD.unpack_from(shard, offset)
            if file_hash == _END_OF_FILES:
                return
            if not flags & _HAS_PROOFS:
                raise BadRequest("The shard describes a file without proofs")
            more = 2 * count + bool(flags & _HAS_METADATA)
            records = [
                _RECORD.unpack_from(shard, offset + position * _RECORD.size)
                for position in range(1, more + 1)
            ]
            offset += (more + 1) * _RECORD.size
            yield FileRecord(
                format_hash(file_hash),
                format_hash(records[-1][0]) if more > 2 * count else None,
                tuple(
                    Segment(format_hash(xorb), first, end, plain)
                    for xorb, _, plain, first, end in records[:count]
                ),
                tuple(proof for proof, *_ in records[count : 2 * count]),
            )
    except struct.error:
        raise BadRequest("The shard is cut off") from None


def read_chunk_headers(read: Reader, size: int) -> list[ChunkHeader]:
    """The chunks of a xorb of ``size`` bytes in order; a footer, which begins with other bytes, ends them.

    Raises BadRequest if it is cut off, or no xorb at all.
    """
    headers, offset = list[ChunkHeader](), 0
    while offset + CHUNK_HEADER_BYTES <= size:
        header = read(offset, CHUNK_HEADER_BYTES)
        if header[0] != 0:
            break
        stored = int.from_bytes(header[1:4], "little")
        plain = int.from_bytes(header[5:8], "little")
        headers.append(ChunkHeader(offset + CHUNK_HEADER_BYTES, stored, header[4], plain))
        offset += CHUNK_HEADER_BYTES + stored
        if offset > size or not 0 < plain <= _MAX_CHUNK_BYTES or len(headers) > _MAX_CHUNKS:
            raise BadRequest("The xorb is cut off or no xorb")
    if not headers:
        raise BadRequest("A xorb holds at least one chunk")
    return headers


def read_chunk(read: Reader, header: ChunkHeader) -> bytes:
    """A chunk's plain bytes. Raises BadRequest if they cannot be unpacked."""
    stored = read(header.offset, header.stored)
    match header.scheme:
        case 0:
            plain = stored
        case 1:
            plain = _decompress(stored, header.plain)
        case 2:
            plain = _ungroup(_decompress(stored, header.plain))
        case _:
            raise BadRequest(f"Unknown chunk compression: {header.scheme}")
    if len(plain) != header.plain:
        raise BadRequest("A chunk's length is not what its header says")
    return plain


def _decompress(stored: bytes, limit: int) -> bytes:
    """``limit`` bytes at most: a chunk must not grow beyond what its header announced."""
    try:
        plain: bytes = lz4.frame.LZ4FrameDecompressor().decompress(stored, max_length=limit)
    except RuntimeError as error:
        raise BadRequest("A chunk cannot be unpacked") from error
    return plain


def _ungroup(grouped: bytes) -> bytes:
    """Undoes the grouping by position: all bytes 0 mod 4 come first, then 1 mod 4, and so on."""
    plain, start = bytearray(len(grouped)), 0
    for position in range(4):
        length = len(range(position, len(grouped), 4))
        plain[position::4] = grouped[start : start + length]
        start += length
    return bytes(plain)

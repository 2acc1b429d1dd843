"""Reading the two binary formats of xet uploads (pure): shards and xorbs, as hf_xet 1.8 writes them.

All numbers are little-endian. A hash of 32 bytes is written in hex with each group of eight bytes reversed.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import lz4.frame

from hfdeploy_localhub.errors import BadRequest

MAX_XORB_BYTES = 80 * 1024 * 1024
"""hf_xet fills xorbs up to 64 MiB of plain chunks; headers and a footer come on top."""

_SHARD_HEADER_BYTES = 48
_RECORD = struct.Struct("<32s4I")
_SEGMENT = struct.Struct("<32s4I")
_END_OF_FILES = b"\xff" * 32
_HAS_VERIFICATION = 1 << 31
_HAS_METADATA = 1 << 30
_MAX_CHUNK_BYTES = 16 * 1024 * 1024


class Segment(NamedTuple):
    """Chunks ``first`` to ``end`` (not included) of one xorb."""

    xorb: str
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class FileRecord:
    """How a shard says a file is put together."""

    sha256: str
    segments: tuple[Segment, ...]


class ChunkHeader(NamedTuple):
    """Where a chunk's stored bytes lie in its xorb, and how they are packed."""

    offset: int
    stored: int
    scheme: int
    plain: int


def read_files(shard: bytes) -> Iterator[FileRecord]:
    """The files a shard describes. Raises BadRequest where it is cut off or a file has no sha256."""
    offset = _SHARD_HEADER_BYTES
    try:
        while True:
            file_hash, flags, count, _, _ = _RECORD.unpack_from(shard, offset)
            offset += _RECORD.size
            if file_hash == _END_OF_FILES:
                return
            segments = []
            for position in range(count):
                xorb, _, _, first, end = _SEGMENT.unpack_from(shard, offset + position * _SEGMENT.size)
                segments.append(Segment(format_hash(xorb), first, end))
            offset += count * _SEGMENT.size
            if flags & _HAS_VERIFICATION:
                offset += count * _RECORD.size
            if not flags & _HAS_METADATA:
                raise BadRequest("The shard describes a file without its sha256")
            (sha256,) = struct.unpack_from("<32s", shard, offset)
            offset += _RECORD.size
            yield FileRecord(format_hash(sha256), tuple(segments))
    except struct.error:
        raise BadRequest("The shard is cut off") from None


def read_chunk_headers(xorb: bytes) -> list[ChunkHeader]:
    """The chunks of a xorb in order; a footer, which begins with other bytes, ends them."""
    headers, offset, end = [], 0, len(xorb)
    while offset + 8 <= end and xorb[offset] == 0:
        stored = int.from_bytes(xorb[offset + 1 : offset + 4], "little")
        plain = int.from_bytes(xorb[offset + 5 : offset + 8], "little")
        header = ChunkHeader(offset + 8, stored, xorb[offset + 4], plain)
        offset = header.offset + stored
        if offset > end or plain > _MAX_CHUNK_BYTES:
            raise BadRequest("The xorb is cut off or no xorb")
        headers.append(header)
    return headers


def read_chunk(xorb: bytes, header: ChunkHeader) -> bytes:
    """A chunk's plain bytes. Raises BadRequest if they cannot be unpacked."""
    stored = memoryview(xorb)[header.offset : header.offset + header.stored]
    match header.scheme:
        case 0:
            plain = bytes(stored)
        case 1:
            plain = _decompress(stored, header.plain)
        case 2:
            plain = _ungroup(_decompress(stored, header.plain))
        case _:
            raise BadRequest(f"Unknown chunk compression: {header.scheme}")
    if len(plain) != header.plain:
        raise BadRequest("A chunk's length is not what its header says")
    return plain


def format_hash(raw: bytes) -> str:
    """A 32-byte hash in xet's hex form."""
    return "".join(raw[at : at + 8][::-1].hex() for at in range(0, 32, 8))


def _decompress(stored: memoryview, limit: int) -> bytes:
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

"""A file that came plain, seen as xorbs (pure): chunks of one size, not packed, with a header before each.

Clients cut where the content tells them to, and would name such a file otherwise; who reads it does not mind.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from blake3 import blake3

from hfdeploy_localhub.store.xet_formats import CHUNK_HEADER_BYTES, ChunkHeader, Reader
from hfdeploy_localhub.store.xet_hashes import CHUNK_KEY, Chunk

SLICE_BYTES = 64 * 1024
"""What a client's chunks hold on average."""
_XORB_SLICES = 512


@dataclass(frozen=True, slots=True)
class SlicedXorb:
    """Slices that follow each other in a file, from byte ``start`` of it."""

    start: int
    chunks: tuple[tuple[bytes, ChunkHeader], ...]

    @property
    def plain_bytes(self) -> int:
        return sum(header.plain for _, header in self.chunks)


class Slicer:
    """Names the slices of a file while it passes."""

    def __init__(self) -> None:
        self._chunks = list[Chunk]()
        self._restart()

    def update(self, data: bytes | bytearray) -> None:
        view = memoryview(data)
        while view:
            part = view[: SLICE_BYTES - self._filled]
            self._digest.update(part)
            self._filled += len(part)
            view = view[len(part) :]
            if self._filled == SLICE_BYTES:
                self._end_slice()

    def finish(self) -> tuple[Chunk, ...]:
        """The slices of all that has passed."""
        if self._filled:
            self._end_slice()
        return tuple(self._chunks)

    def _end_slice(self) -> None:
        self._chunks.append((self._digest.digest(), self._filled))
        self._restart()

    def _restart(self) -> None:
        self._digest = blake3(key=CHUNK_KEY)
        self._filled = 0


def plan_xorbs(chunks: Sequence[Chunk]) -> Iterator[SlicedXorb]:
    """The xorbs that the slices of a file make up."""
    for first in range(0, len(chunks), _XORB_SLICES):
        headers = (
            (name, ChunkHeader(_find_offset(number), size, 0, size))
            for number, (name, size) in enumerate(chunks[first : first + _XORB_SLICES])
        )
        yield SlicedXorb(first * SLICE_BYTES, tuple(headers))


def slice_reader(read: Reader, start: int) -> Reader:
    """Reads the slices of a xorb out of its file, by where they would lie in the xorb."""

    def read_slice(offset: int, length: int) -> bytes:
        number = offset // (CHUNK_HEADER_BYTES + SLICE_BYTES)
        return read(start + number * SLICE_BYTES + offset - _find_offset(number), length)

    return read_slice


def wrap_slices(headers: Sequence[ChunkHeader], read: Reader, start: int, end: int) -> Iterator[bytes]:
    """Bytes ``start`` to ``end`` (not included) of the xorb that ``read`` has the slices of."""
    size = CHUNK_HEADER_BYTES + SLICE_BYTES
    for number in range(start // size, -(-end // size)):
        header, at = headers[number], number * size
        chunk = _format_header(header) + read(header.offset, header.stored)
        yield chunk[max(start - at, 0) : end - at]


def _find_offset(number: int) -> int:
    return number * SLICE_BYTES + (number + 1) * CHUNK_HEADER_BYTES


def _format_header(header: ChunkHeader) -> bytes:
    stored, plain = header.stored.to_bytes(3, "little"), header.plain.to_bytes(3, "little")
    return b"\0" + stored + bytes([header.scheme]) + plain

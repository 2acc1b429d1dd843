"""The content store behind xet: xorbs as they came, and for each file which chunks of them it is.

That is the only copy: plain bytes, where somebody asks for them, are unpacked as they are sent. A file that
came plain is kept plain, and its xorbs are put together as they are sent.
"""

import hashlib
import json
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from hfdeploy_localhub.errors import BadRequest, NotFound
from hfdeploy_localhub.model import LargeFile, Repo
from hfdeploy_localhub.ranges import Span
from hfdeploy_localhub.store.content import Content, open_content
from hfdeploy_localhub.store.database import Database
from hfdeploy_localhub.store.xet_formats import (
    MAX_XORB_BYTES,
    ChunkHeader,
    FileRecord,
    Reader,
    Segment,
    pack_chunks,
    read_chunk,
    read_chunk_headers,
    read_files,
    unpack_chunks,
)
from hfdeploy_localhub.store.xet_hashes import (
    Chunk,
    format_hash,
    hash_chunk,
    hash_file,
    hash_xorb,
    prove_chunks,
)
from hfdeploy_localhub.store.xet_plans import Fetch, Part, plan_fetches, plan_part
from hfdeploy_localhub.store.xet_slices import plan_xorbs, slice_reader, wrap_slices

_PIECE_BYTES = 1024 * 1024
_KNOWN_XORBS = 16
_QUERY_SIZE = 500


@dataclass(frozen=True, slots=True)
class XetFile:
    """A file as chunks of xorbs. ``hash`` is its name in xet."""

    hash: str
    sha256: str
    size: int
    segments: tuple[Segment, ...]


class IncomingXorb:
    """A xorb while it arrives."""

    def __init__(self, file_descriptor: int, path: Path) -> None:
        self.path = path
        self._file = os.fdopen(file_descriptor, "wb", buffering=0)

    def write(self, data: bytes | bytearray) -> None:
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) or 0 :]

    def drop(self) -> None:
        """Forgets what has arrived; harmless after it was kept."""
        self._file.close()
        self.path.unlink(missing_ok=True)


class XetStore:
    """Xorbs and files of one hub. It knows no rights but one: a shard must prove to have what it names."""

    def __init__(self, folder: Path, database: Database, place_plain: Callable[[str], Path]) -> None:
        """``place_plain`` tells where a file that came plain lies, by its sha256."""
        self._folder = folder
        self._database = database
        self._place_plain = place_plain
        self._incoming = folder / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)
        for left_over in self._incoming.iterdir():  # uploads that a crash cut off
            left_over.unlink()
        self._chunks = lru_cache(_KNOWN_XORBS)(self._read_chunks)

    # -- uploads -----------------------------------------------------------------------------------

    @contextmanager
    def receive_xorb(self) -> Iterator[IncomingXorb]:
        """A place for a xorb to arrive in; dropped unless ``keep_xorb`` was called."""
        incoming = IncomingXorb(*_make_file(self._incoming))
        try:
            yield incoming
        finally:
            incoming.drop()

    def keep_xorb(self, name: str, incoming: IncomingXorb) -> bool:
        """Puts a xorb in its place; False if it was there. Raises BadRequest if ``name`` is not its hash."""
        place = self._place(name)
        if self._knows_xorb(name):
            return False
        with _open_reader(incoming.path) as (read, size):
            if size > MAX_XORB_BYTES:
                raise BadRequest(f"A xorb holds {MAX_XORB_BYTES} bytes at most, this one {size}")
            headers = read_chunk_headers(read, size)
            names = [hash_chunk(read_chunk(read, header)) for header in headers]
        chunks = list(zip(names, headers, strict=True))
        if (found := format_hash(hash_xorb((raw, header.plain) for raw, header in chunks))) != name:
            raise BadRequest(f"The xorb's hash is {found}, not {name} as announced")
        place.parent.mkdir(exist_ok=True)
        incoming.path.replace(place)
        self._add_xorb(name, chunks)
        return True

    def add_shard(self, shard: bytes) -> list[LargeFile]:
        """Takes in the files that a shard describes, after reading each that is new once.

        Raises BadRequest if the shard cannot be read, names a xorb that is not here, has a wrong hash, or
        does not prove that its sender has the chunks: who just knows names gets nothing by them.
        """
        return [self._add_file(record) for record in read_files(shard)]

    def _add_file(self, record: FileRecord) -> LargeFile:
        chunks = list[Chunk]()
        for segment, proof in zip(record.segments, record.proofs, strict=True):
            part = [(name, header.plain) for name, header in self._chunks_of(segment)]
            if sum(size for _, size in part) != segment.plain_bytes:
                raise BadRequest(f"The shard is wrong about the size of chunks in {segment.xorb}")
            if prove_chunks(name for name, _ in part) != proof:
                raise BadRequest(f"The shard does not prove to have the chunks of {segment.xorb}")
            chunks += part
        if format_hash(hash_file(chunks)) != record.hash:
            raise BadRequest(f"The file's hash is not {record.hash} as announced")
        sha256 = self._known_sha256(record.hash) or self._hash_content(record.segments)
        if record.sha256 not in (None, sha256):
            raise BadRequest(f"The content's sha256 is {sha256}, not {record.sha256} as announced")
        file = LargeFile(sha256, sum(size for _, size in chunks))
        self._name_file(file, record.hash, record.segments)
        return file

    def add_plain(self, file: LargeFile, slices: Sequence[Chunk]) -> None:
        """Lets a file that came plain be read by xet too: on the Hub all large files can be."""
        if not slices:
            return  # nobody asks xet for an empty file
        segments = list[Segment]()
        for xorb in plan_xorbs(slices):
            name = format_hash(hash_xorb((raw, header.plain) for raw, header in xorb.chunks))
            self._add_xorb(name, xorb.chunks, file.sha256, xorb.start)
            segments.append(Segment(name, 0, len(xorb.chunks), xorb.plain_bytes))
        self._name_file(file, format_hash(hash_file(slices)), segments)

    def _add_xorb(
        self,
        name: str,
        chunks: Iterable[tuple[bytes, ChunkHeader]],
        sha256: str | None = None,
        start: int | None = None,
    ) -> None:
        """``sha256`` and ``start`` say where its slices are, if they lie plain in a file."""
        row = (name, pack_chunks(chunks), sha256, start)
        self._database.execute("INSERT OR IGNORE INTO xet_xorbs VALUES (?, ?, ?, ?)", row)

    def _name_file(self, file: LargeFile, name: str, segments: Sequence[Segment]) -> None:
        row = (name, file.sha256, file.size, json.dumps(segments))
        self._database.execute("INSERT OR IGNORE INTO xet_files VALUES (?, ?, ?, ?)", row)

    def _known_sha256(self, file_hash: str) -> str | None:
        """A file's name in xet follows from its content: who has been read once need not be again."""
        row = self._database.row("SELECT sha256 FROM xet_files WHERE hash = ?", (file_hash,))
        return row["sha256"] if row else None

    def _hash_content(self, segments: Iterable[Segment]) -> str:
        """Reads the whole file once."""
        sha256 = hashlib.sha256()
        for segment in segments:
            for plain in self._unpack(segment):
                sha256.update(plain)
        return sha256.hexdigest()

    # -- reading -----------------------------------------------------------------------------------

    def hashes(self, sha256s: Iterable[str]) -> dict[str, str]:
        """sha256 -> name in xet, of those files that can be fetched by it; the first of several."""
        wanted, found = list(sha256s), dict[str, str]()
        for start in range(0, len(wanted), _QUERY_SIZE):
            some = wanted[start : start + _QUERY_SIZE]
            marks = ", ".join("?" * len(some))
            rows = self._database.rows(
                f"SELECT sha256, hash FROM xet_files WHERE sha256 IN ({marks}) AND size > 0"  # noqa: S608
                " ORDER BY rowid DESC",
                some,
            )
            found |= {row["sha256"]: row["hash"] for row in rows}
        return found

    def find(self, repo: Repo, file_hash: str) -> XetFile | None:
        """The file of that name in xet, if its content is the repo's."""
        row = self._database.row(
            "SELECT xet_files.* FROM xet_files JOIN large_files USING (sha256)"
            " WHERE xet_files.hash = ? AND large_files.repo_id = ?",
            (file_hash, repo.id),
        )
        return _file(row) if row else None

    def content(self, sha256: str) -> Content | None:
        """The plain bytes of a file, put together from its chunks."""
        row = self._database.row("SELECT * FROM xet_files WHERE sha256 = ?", (sha256,))
        if row is None:
            return None
        file = _file(row)
        return Content(file.size, partial(self._read, file))

    def plan(self, file: XetFile, span: Span) -> Part:
        return plan_part(file.segments, span, self._headers)

    def plan_fetches(self, part: Part) -> list[Fetch]:
        return plan_fetches(part.segments, self._headers)

    def xorb(self, name: str) -> Content:
        """The bytes of a xorb. Raises NotFound."""
        content = self._sliced(name) or open_content(self._place(name))
        if content is None:
            raise NotFound("There is no such xorb")
        return content

    def _sliced(self, xorb: str) -> Content | None:
        """The bytes of a xorb whose slices lie in a file that came plain."""
        if self._find_plain(xorb) is None:
            return None
        headers = self._headers(xorb)

        def read(start: int, end: int) -> Iterator[bytes]:
            with self._open_xorb(xorb) as read_slice:
                yield from _join(wrap_slices(headers, read_slice, start, end))

        return Content(headers[-1].offset + headers[-1].stored, read)

    def _read(self, file: XetFile, start: int, end: int) -> Iterator[bytes]:
        """Plain bytes ``start`` to ``end`` in pieces worth sending."""
        if start >= end:
            return
        part, left = self.plan(file, Span(start, end)), end - start
        yield from _join(self._cut(part, left))

    def _cut(self, part: Part, left: int) -> Iterator[bytes]:
        """The first ``left`` plain bytes of a part."""
        skip = part.skip
        for segment in part.segments:
            for plain in self._unpack(segment):
                yield plain[skip : skip + left]
                left -= min(left, len(plain) - skip)
                skip = 0

    def _unpack(self, segment: Segment) -> Iterator[bytes]:
        """The plain chunks of a segment."""
        with self._open_xorb(segment.xorb) as read:
            for _, header in self._chunks_of(segment):
                yield read_chunk(read, header)

    @contextmanager
    def _open_xorb(self, xorb: str) -> Iterator[Reader]:
        """Reads chunks wherever they lie."""
        plain = self._find_plain(xorb)
        path, start = plain or (self._place(xorb), 0)
        with _open_reader(path) as (read, _):
            yield slice_reader(read, start) if plain else read

    def _find_plain(self, xorb: str) -> tuple[Path, int] | None:
        """The file that holds a xorb's slices, and where they begin in it."""
        query = "SELECT sha256, start FROM xet_xorbs WHERE hash = ? AND sha256 IS NOT NULL"
        row = self._database.row(query, (xorb,))
        return (self._place_plain(row["sha256"]), row["start"]) if row else None

    def _chunks_of(self, segment: Segment) -> Sequence[tuple[bytes, ChunkHeader]]:
        """Hashes and headers. Raises BadRequest if the segment names what is not here."""
        chunks = self._chunks(segment.xorb)
        if not segment.first < segment.end <= len(chunks):
            raise BadRequest(
                f"Xorb {segment.xorb} has {len(chunks)} chunks, not {segment.first} to {segment.end}"
            )
        return chunks[segment.first : segment.end]

    def _headers(self, xorb: str) -> Sequence[ChunkHeader]:
        return [header for _, header in self._chunks(xorb)]

    def _read_chunks(self, xorb: str) -> Sequence[tuple[bytes, ChunkHeader]]:
        row = self._database.row("SELECT chunks FROM xet_xorbs WHERE hash = ?", (xorb,))
        if row is None:
            raise BadRequest(f"The shard names an unknown xorb: {xorb}")
        return unpack_chunks(row["chunks"])

    def _knows_xorb(self, name: str) -> bool:
        """A xorb without its row is one that a crash cut off."""
        return self._database.row("SELECT 1 FROM xet_xorbs WHERE hash = ?", (name,)) is not None

    def _place(self, xorb: str) -> Path:
        if len(xorb) != 64 or not set(xorb) <= set("0123456789abcdef"):
            raise BadRequest(f"Not a xorb's hash: {xorb!r}")
        return self._folder / xorb[:2] / xorb


def _make_file(folder: Path) -> tuple[int, Path]:
    descriptor, name = tempfile.mkstemp(dir=folder)
    return descriptor, Path(name)


@contextmanager
def _open_reader(path: Path) -> Iterator[tuple[Reader, int]]:
    """Reads anywhere in the file, and its size: a chunk at a time, so that no xorb is ever in memory."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield lambda offset, length: os.pread(descriptor, length, offset), os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)


def _join(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces worth sending."""
    piece = bytearray()
    for part in parts:
        piece += part
        if len(piece) >= _PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)


def _file(row: sqlite3.Row) -> XetFile:
    segments = tuple(Segment(*values) for values in json.loads(row["segments"]))
    return XetFile(row["hash"], row["sha256"], row["size"], segments)

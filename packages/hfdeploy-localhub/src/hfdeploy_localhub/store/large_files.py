"""Large files that came by LFS, by their sha256: each once on disk however many repos hold it."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hfdeploy_localhub.errors import BadRequest
from hfdeploy_localhub.model import LargeFile
from hfdeploy_localhub.store.content import Content, open_content
from hfdeploy_localhub.store.xet_hashes import Chunk
from hfdeploy_localhub.store.xet_slices import Slicer

_PIECE_BYTES = 1024 * 1024


class Writer(Protocol):
    """Takes bytes one after the other."""

    def write(self, data: bytes | bytearray) -> None: ...


@dataclass(frozen=True, slots=True)
class Arrived:
    """A large file in its place, and the slices that readers by xet see it in."""

    file: LargeFile
    slices: tuple[Chunk, ...]


class PartWriter:
    """Writes a part at its place in the file it belongs to."""

    def __init__(self, file_descriptor: int, offset: int) -> None:
        self._file_descriptor = file_descriptor
        self._offset = offset

    def write(self, data: bytes | bytearray) -> None:
        view = memoryview(data)
        while view:
            written = os.pwrite(self._file_descriptor, view, self._offset)
            self._offset += written
            view = view[written:]


class Incoming:
    """A large file while it arrives: hashed as it is written, visible only once it is whole."""

    def __init__(self, folder: Path, file_descriptor: int, path: Path) -> None:
        self._folder = folder
        self._file = os.fdopen(file_descriptor, "wb", buffering=0)
        self._path = path
        self._digest = hashlib.sha256()
        self._slicer = Slicer()
        self._size = 0

    def write(self, data: bytes | bytearray) -> None:
        self._digest.update(data)
        self._slicer.update(data)
        self._size += len(data)
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) or 0 :]

    def keep(self, *, sha256: str | None = None) -> Arrived:
        """Puts the file in its place.

        Raises BadRequest if ``sha256`` is given and the bytes are not those it names.
        """
        found = self._digest.hexdigest()
        if sha256 is not None and found != sha256:
            raise BadRequest(f"The content's sha256 is {found}, not {sha256} as announced")
        self._file.close()
        put_in_place(self._path, place_of(self._folder, found))
        return Arrived(LargeFile(found, self._size), self._slicer.finish())

    def drop(self) -> None:
        """Forgets what has arrived; harmless after ``keep``."""
        self._file.close()
        self._path.unlink(missing_ok=True)


class LargeFiles:
    """The folder of large files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)
        for left_over in self._incoming.iterdir():  # uploads that a crash cut off
            left_over.unlink()

    def path(self, sha256: str) -> Path:
        """Where the file of that hash lies, or would lie."""
        return place_of(self._folder, sha256)

    def content(self, sha256: str) -> Content | None:
        return open_content(self.path(sha256))

    @contextmanager
    def receive(self) -> Iterator[Incoming]:
        """A place for a file to arrive in; dropped unless it was kept."""
        descriptor, name = tempfile.mkstemp(dir=self._incoming)
        incoming = Incoming(self._folder, descriptor, Path(name))
        try:
            yield incoming
        finally:
            incoming.drop()

    @contextmanager
    def receive_part(self, upload: str, offset: int) -> Iterator[PartWriter]:
        """A part of the file that ``upload`` names; parts may arrive in any order, several at a time."""
        descriptor = os.open(self._incoming / upload, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            yield PartWriter(descriptor, offset)
        finally:
            os.close(descriptor)

    def join_parts(self, upload: str, *, sha256: str) -> Arrived:
        """The file whose parts have all arrived. Raises BadRequest if it is not the one announced."""
        path = self._incoming / upload
        try:
            found, size, slices = _read_through(path)
        except FileNotFoundError:
            raise BadRequest("No part of this file has arrived") from None
        if found != sha256:
            path.unlink()
            raise BadRequest(f"The content's sha256 is {found}, not {sha256} as announced")
        put_in_place(path, self.path(sha256))
        return Arrived(LargeFile(sha256, size), slices)


def _read_through(path: Path) -> tuple[str, int, tuple[Chunk, ...]]:
    """sha256, size and slices of what lies there."""
    digest, slicer, size = hashlib.sha256(), Slicer(), 0
    with path.open("rb", buffering=0) as file:
        while data := file.read(_PIECE_BYTES):
            digest.update(data)
            slicer.update(data)
            size += len(data)
    return digest.hexdigest(), size, slicer.finish()


def put_in_place(arrived: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    arrived.replace(place)


def place_of(folder: Path, sha256: str) -> Path:
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise BadRequest(f"Not a sha256 in lower-case hex: {sha256!r}")
    return folder / sha256[:2] / sha256[2:4] / sha256

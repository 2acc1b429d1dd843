"""Hashes files by streaming them: no file is ever whole in memory."""

import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from hfdeploy_core.errors import SourceChanged, SourceUnreadable
from hfdeploy_core.model import FileEntry

_BLOCK_BYTES = 1 << 20
# Below this a thread costs more than it brings.
_LARGE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that the scan met: its path in the source and where it really is."""

    path: str
    location: Path


def hash_files(found: Iterable[FoundFile]) -> tuple[FileEntry, ...]:
    """Hash every file, large ones in parallel; in the order given.

    Raises SourceUnreadable, and SourceChanged where a file's size moves while it is read.
    """
    files = list(found)
    entries: dict[str, FileEntry] = {}
    large = []
    for file in files:
        try:
            is_large = file.location.stat().st_size >= _LARGE_BYTES
        except OSError as error:
            raise _unreadable(file, error) from error
        if is_large:
            large.append(file)
        else:
            entries[file.path] = hash_file(file)
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        entries |= {entry.path: entry for entry in pool.map(hash_file, large)}
    return tuple(entries[file.path] for file in files)


def hash_file(file: FoundFile) -> FileEntry:
    """Both names of one file's content: git's blob id and the sha256."""
    try:
        with file.location.open("rb") as stream:
            status = os.fstat(stream.fileno())
            # Not for security: this is how git names a blob.
            blob = hashlib.sha1(b"blob %d\0" % status.st_size, usedforsecurity=False)
            sha256 = hashlib.sha256()
            size_bytes = 0
            while block := stream.read(_BLOCK_BYTES):
                blob.update(block)
                sha256.update(block)
                size_bytes += len(block)
    except OSError as error:
        raise _unreadable(file, error) from error
    if size_bytes != status.st_size:
        raise SourceChanged(f"{file.path} changed while it was read.")
    return FileEntry(file.path, size_bytes, blob.hexdigest(), sha256.hexdigest(), status.st_mtime_ns)


def check_unchanged(root: Path, entries: Iterable[FileEntry]) -> None:
    """Raise SourceChanged where a file is no longer what was hashed, judged by size and time of change."""
    for entry in entries:
        try:
            status = (root / entry.path).stat()
        except OSError:
            raise SourceChanged(f"{entry.path} disappeared while the source was deployed.") from None
        if (status.st_size, status.st_mtime_ns) != (entry.size_bytes, entry.modified_ns):
            raise SourceChanged(f"{entry.path} changed while the source was deployed.")


def _unreadable(file: FoundFile, error: OSError) -> SourceUnreadable:
    return SourceUnreadable(f"{file.path} cannot be read: {error.strerror or error}.")

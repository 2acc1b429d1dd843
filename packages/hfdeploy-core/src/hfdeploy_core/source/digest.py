"""Names contents: by what git or the cache knows, else by streaming the file, never whole in memory."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from hfdeploy_core.errors import SourceChanged, SourceUnreadable
from hfdeploy_core.model import FileEntry
from hfdeploy_core.source.cache import HashCache, now_ns

_BLOCK_BYTES = 1 << 20
# Below this a thread costs more than it brings.
_LARGE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that the scan met: its path in the source and where it really is.

    `is_linked` says that a link led there; `blob_id` is git's word for its content, where git has it.
    """

    path: str
    location: str
    is_linked: bool = False
    blob_id: str | None = None


def name_files(found: Iterable[FoundFile], cache: HashCache) -> tuple[FileEntry, ...]:
    """An entry for every file, large ones read in parallel; in the order given.

    Raises SourceUnreadable, and SourceChanged where a file's size moves while it is read.
    """
    files = list(found)
    entries: dict[str, FileEntry] = {}
    large = []
    for file in files:
        status = _look(file)
        if file.blob_id is not None:
            entry = FileEntry(file.path, status.st_size, file.blob_id, None, status.st_mtime_ns)
            entries[file.path] = entry
        elif known := cache.find(file.path, status):
            entries[file.path] = known
        elif status.st_size >= _LARGE_BYTES:
            large.append(file)
        else:
            entries[file.path] = hash_file(file, cache)
    if large:
        with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
            entries |= {entry.path: entry for entry in pool.map(lambda file: hash_file(file, cache), large)}
    return tuple(entries[file.path] for file in files)


def complete(
    root: Path, entries: Iterable[FileEntry], paths: Iterable[str], state: Path
) -> tuple[FileEntry, ...]:
    """The entries, those of `paths` with their sha256 too: read, unless they were read before."""
    wanted = set(paths)
    held = tuple(entries)
    if not wanted:
        return held
    cache = HashCache(state)
    asked = [FoundFile(entry.path, str(entry.locate(root))) for entry in held if entry.path in wanted]
    full: Mapping[str, FileEntry] = {entry.path: entry for entry in name_files(asked, cache)}
    cache.save()
    return tuple(
        replace(full[entry.path], location=entry.location) if entry.path in full else entry for entry in held
    )


def hash_file(file: FoundFile, cache: HashCache | None = None) -> FileEntry:
    """Both names of one file's content: git's blob id and the sha256."""
    started_ns = now_ns()
    try:
        with Path(file.location).open("rb") as stream:
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
    entry = FileEntry(file.path, size_bytes, blob.hexdigest(), sha256.hexdigest(), status.st_mtime_ns)
    if cache is not None:
        cache.remember(entry, status, started_ns)
    return entry


def check_unchanged(root: Path, entries: Iterable[FileEntry]) -> None:
    """Raise SourceChanged where a file is no longer what was hashed, judged by size and time of change."""
    for entry in entries:
        try:
            status = entry.locate(root).stat()
        except OSError:
            raise SourceChanged(f"{entry.path} disappeared while the source was deployed.") from None
        if (status.st_size, status.st_mtime_ns) != (entry.size_bytes, entry.modified_ns):
            raise SourceChanged(f"{entry.path} changed while the source was deployed.")


def _look(file: FoundFile) -> os.stat_result:
    try:
        return os.stat(file.location)  # noqa: PTH116  a Path takes five times as long
    except OSError as error:
        raise _unreadable(file, error) from error


def _unreadable(file: FoundFile, error: OSError) -> SourceUnreadable:
    return SourceUnreadable(f"{file.path} cannot be read: {error.strerror or error}.")

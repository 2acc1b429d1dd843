"""Which files change: the source's entries against the remote's tree."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from hfdeploy_core.model import FileEntry, PutFile, RemoteFile


@dataclass(frozen=True, slots=True)
class FileChanges:
    """What to put and to delete, in order of path, and how many files stay as they are."""

    puts: tuple[PutFile, ...]
    deletions: tuple[str, ...]
    unchanged_files: int


def plan_files(
    entries: Iterable[FileEntry],
    remote_files: Iterable[RemoteFile],
    *,
    mirror: bool = False,
    spared: frozenset[str] = frozenset(),
) -> FileChanges:
    """The least that makes the remote hold the entries; the order of the arguments does not matter.

    With `mirror`, remote files that the source lacks are deleted, but for those `spared`. A remote file that
    stands where the source has a folder (or the other way round) goes in any case: git cannot hold both.
    """
    wanted = {entry.path: entry for entry in entries}
    held = {file.path: file for file in remote_files}
    puts = tuple(
        PutFile(wanted[path], replaces=path in held)
        for path in sorted(wanted)
        if path not in held or not holds(held[path], wanted[path])
    )
    extra = sorted(held.keys() - wanted.keys())
    in_the_way = _find_displaced(extra, wanted)
    deletions = tuple(path for path in extra if path in in_the_way or (mirror and path not in spared))
    return FileChanges(puts, deletions, unchanged_files=len(wanted) - len(puts))


def holds(file: RemoteFile, entry: FileEntry) -> bool:
    """Whether the remote file has the entry's content: a large file is named by sha256, any other by git."""
    if file.sha256 is not None:
        return file.sha256 == entry.sha256
    return file.blob_id == entry.blob_id


def _find_displaced(extra: list[str], wanted: dict[str, FileEntry]) -> set[str]:
    """Remote paths that are a folder of the source, or lie below a file of it."""
    folders = {str(parent) for path in wanted for parent in PurePosixPath(path).parents}
    return {
        path
        for path in extra
        if path in folders or any(str(parent) in wanted for parent in PurePosixPath(path).parents)
    }

"""Which files change: the source's entries against the remote's tree."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

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
    changed = find_changed(wanted.values(), held.values())
    puts = tuple(PutFile(wanted[path], replaces=path in held) for path in sorted(changed))
    extra = sorted(held.keys() - wanted.keys())
    in_the_way = find_displaced(extra, wanted)
    deletions = tuple(path for path in extra if path in in_the_way or (mirror and path not in spared))
    return FileChanges(puts, deletions, unchanged_files=len(wanted) - len(puts))


def holds(file: RemoteFile, entry: FileEntry) -> bool:
    """Whether the remote file has the entry's content: a large file is named by sha256, any other by git."""
    if file.sha256 is not None:
        return file.sha256 == entry.sha256
    return file.blob_id == entry.blob_id


def find_changed(entries: Iterable[FileEntry], remote_files: Iterable[RemoteFile]) -> frozenset[str]:
    """Paths that the remote lacks or has with another content."""
    held = {file.path: file for file in remote_files}
    return frozenset(
        entry.path for entry in entries if entry.path not in held or not holds(held[entry.path], entry)
    )


def find_unnamed(entries: Iterable[FileEntry], remote_files: Iterable[RemoteFile]) -> frozenset[str]:
    """Paths whose sha256 is needed to compare them, and missing: large files that nobody has read yet."""
    large = {file.path for file in remote_files if file.sha256 is not None}
    return frozenset(entry.path for entry in entries if entry.sha256 is None and entry.path in large)


def find_displaced(extra: Collection[str], wanted: Collection[str]) -> set[str]:
    """Those of `extra` that are a folder of the `wanted` paths, or lie below one of them."""
    if not extra:
        return set()
    folders = {folder for path in wanted for folder in _list_folders(path)}
    return {path for path in extra if path in folders or any(f in wanted for f in _list_folders(path))}


def find_foreign(before: Iterable[RemoteFile], after: Iterable[RemoteFile]) -> frozenset[str]:
    """Paths that are not the same in two trees of the remote."""
    held = {file.path: (file.blob_id, file.sha256) for file in before}
    holds_now = {file.path: (file.blob_id, file.sha256) for file in after}
    return frozenset(path for path in held.keys() | holds_now if held.get(path) != holds_now.get(path))


def _list_folders(path: str) -> Iterator[str]:
    """The folders that a path lies in, the nearest first."""
    while folder := path.rpartition("/")[0]:
        yield folder
        path = folder

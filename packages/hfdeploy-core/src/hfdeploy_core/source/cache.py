"""Hashes of files that were read before, believed only while the file looks the same."""

import json
import os
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from hfdeploy_core.model import FileEntry

STATE_FOLDER = ".hfdeploy"
_FILE = "hashes.json"
_VERSION = 1
# A file written this shortly before it was hashed may be written again without its times telling: the
# coarsest of file systems count in steps of two seconds.
_RACY_NS = 2_000_000_000

Look = tuple[int, int, int, int]


def look_at(status: os.stat_result) -> Look:
    """What of a file changes when its content does: size, both times and the inode."""
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


class HashCache:
    """What the folder `state` remembers. One that cannot be read or written is no more than slow."""

    def __init__(self, state: Path) -> None:
        self._file = state / _FILE
        self._held = _load(self._file)
        self._fresh: dict[str, tuple[Look, str, str]] = {}

    def find(self, path: str, status: os.stat_result) -> FileEntry | None:
        """The entry of a file that looks as it did when it was read, else None."""
        known = self._held.get(path)
        if known is None or known[0] != look_at(status):
            return None
        self._fresh[path] = known
        return FileEntry(path, status.st_size, known[1], known[2], status.st_mtime_ns)

    def remember(self, entry: FileEntry, status: os.stat_result, hashed_at_ns: int) -> None:
        """Keep what was read of a file at that time, unless it was written a moment before."""
        if entry.sha256 and max(status.st_mtime_ns, status.st_ctime_ns) < hashed_at_ns - _RACY_NS:
            self._fresh[entry.path] = (look_at(status), entry.blob_id, entry.sha256)

    def save(self) -> None:
        """Write down what was found and remembered, and nothing of files that are gone."""
        if self._fresh == self._held:
            return
        content = {"version": _VERSION, "files": self._fresh}
        with suppress(OSError):
            folder = make_state_folder(self._file.parent)
            handle, name = tempfile.mkstemp(dir=folder, prefix=_FILE)
            with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as stream:
                json.dump(content, stream)
            Path(name).replace(self._file)


def make_state_folder(folder: Path) -> Path:
    """Make the folder if it is not there; git does not look into it. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / ".gitignore").exists():
        (folder / ".gitignore").write_text("*\n")
    return folder


def now_ns() -> int:
    """The wall clock, to compare with the times of files."""
    return time.time_ns()


def _load(file: Path) -> dict[str, tuple[Look, str, str]]:
    try:
        content = json.loads(file.read_text(encoding="utf-8", errors="surrogateescape"))
        if content["version"] != _VERSION:
            return {}
        files = content["files"].items()
        return {path: (_read_look(look), str(blob), str(sha256)) for path, (look, blob, sha256) in files}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _read_look(values: Iterable[int]) -> Look:
    size, modified, changed, inode = (int(value) for value in values)
    return (size, modified, changed, inode)

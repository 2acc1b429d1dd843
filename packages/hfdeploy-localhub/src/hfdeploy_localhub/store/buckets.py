"""The files in buckets: rows that name content by its xet hash, without commits or branches."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from hfdeploy_localhub.model import Repo, format_time
from hfdeploy_localhub.store.database import Database

_LAST = "\U0010ffff"
"""Sorts behind every path that begins with what stands before it."""
_QUERY_SIZE = 500


@dataclass(frozen=True, slots=True)
class BucketFile:
    """A file of a bucket. ``mtime_ms`` is what the client told; ``uploaded_at`` the hub's own time."""

    path: str
    hash: str
    size: int
    mtime_ms: int | None
    uploaded_at: str


@dataclass(frozen=True, slots=True)
class BucketFolder:
    """What the files below it have in common; ``uploaded_at`` is the last of theirs."""

    path: str
    uploaded_at: str


@dataclass(frozen=True, slots=True)
class BucketSize:
    """What all files of a bucket come to."""

    files: int
    size: int
    uploaded_at: str | None


class Buckets:
    """The files of all buckets. Whether a bucket has the content of a hash is for the caller to know."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, bucket: Repo, path: str, hash: str, size: int, mtime_ms: int | None, now: datetime) -> None:
        """Replaces what the path held."""
        self._database.execute(
            "INSERT OR REPLACE INTO bucket_files VALUES (?, ?, ?, ?, ?, ?)",
            (bucket.id, path, hash, size, mtime_ms, format_time(now)),
        )

    def drop(self, bucket: Repo, path: str) -> None:
        """Does nothing if there is no such file."""
        self._database.execute("DELETE FROM bucket_files WHERE repo_id = ? AND path = ?", (bucket.id, path))

    def find(self, bucket: Repo, paths: Sequence[str]) -> list[BucketFile]:
        """The files at these paths, in their order; paths without one are left out."""
        found = dict[str, BucketFile]()
        for start in range(0, len(paths), _QUERY_SIZE):
            some = paths[start : start + _QUERY_SIZE]
            marks = ", ".join("?" * len(some))
            query = f"SELECT * FROM bucket_files WHERE repo_id = ? AND path IN ({marks})"  # noqa: S608
            rows = self._database.rows(query, [bucket.id, *some])
            found |= {row["path"]: _file(row) for row in rows}
        return [found[path] for path in paths if path in found]

    def measure(self, bucket: Repo) -> BucketSize:
        query = "SELECT count(*), total(size), max(uploaded_at) FROM bucket_files WHERE repo_id = ?"
        row = self._database.row(query, (bucket.id,))
        files, size, uploaded_at = row or (0, 0, None)
        return BucketSize(files, int(size), uploaded_at)

    def page(
        self, bucket: Repo, prefix: str, *, recursive: bool, after: str, limit: int
    ) -> list[BucketFile | BucketFolder]:
        """What lies behind the path ``after``, ``limit`` at most: files whose path begins with ``prefix``,
        or with folders in place of those further down.
        """
        if not recursive:
            return list(islice(self._walk(bucket, prefix, after), limit))
        rows = self._database.rows(
            f"{_RANGE} ORDER BY path LIMIT ?", (bucket.id, after, prefix, prefix + _LAST, limit)
        )
        return [_file(row) for row in rows]

    def _walk(self, bucket: Repo, prefix: str, after: str) -> Iterator[BucketFile | BucketFolder]:
        """One query for each entry, however many files a folder holds."""
        while True:
            query = f"{_RANGE} ORDER BY path LIMIT 1"
            row = self._database.row(query, (bucket.id, after, prefix, prefix + _LAST))
            if row is None:
                return
            folder = _folder_below(prefix, row["path"])
            if folder is None:
                yield _file(row)
                after = row["path"]
            else:
                yield BucketFolder(folder, self._last_upload(bucket, folder))
                after = end_of(folder)

    def _last_upload(self, bucket: Repo, folder: str) -> str:
        query = "SELECT max(uploaded_at) FROM bucket_files WHERE repo_id = ? AND path > ? AND path < ?"
        row = self._database.row(query, (bucket.id, f"{folder}/", end_of(folder)))
        assert row is not None
        return str(row[0])


_RANGE = "SELECT * FROM bucket_files WHERE repo_id = ? AND path > ? AND path >= ? AND path < ?"


def end_of(folder: str) -> str:
    """Sorts behind all files of a folder, and before whatever comes next."""
    return f"{folder}/{_LAST}"


def _folder_below(prefix: str, path: str) -> str | None:
    """The folder that stands for ``path`` where ``prefix`` is listed, or None for a file of its own.

    A prefix is a text, not a folder: ``log`` has ``logs/`` below it, and ``logs`` what ``logs/`` holds.
    """
    start = len(prefix) + path.startswith(f"{prefix}/") if prefix else 0
    end = path.find("/", start)
    return None if end < 0 else path[:end]


def _file(row: sqlite3.Row) -> BucketFile:
    return BucketFile(row["path"], row["hash"], row["size"], row["mtime_ms"], row["uploaded_at"])

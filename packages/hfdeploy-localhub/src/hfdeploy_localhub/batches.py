"""A batch of changes to a bucket, from the client's NDJSON: each takes effect or fails for itself."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hfdeploy_localhub.errors import BadRequest, EntryNotFound, HubError
from hfdeploy_localhub.model import REPO_TYPES, Repo, RepoType, check_file_path
from hfdeploy_localhub.store.store import Store


@dataclass(frozen=True, slots=True)
class Put:
    """Lets a path hold the content of that hash, which the bucket or ``source`` (type, full name) has."""

    path: str
    hash: str
    mtime_ms: int | None
    source: tuple[RepoType, str] | None = None


@dataclass(frozen=True, slots=True)
class Drop:
    """A path that shall hold nothing; it may hold nothing already, as where a batch is sent once more."""

    path: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A change that was not made, and why."""

    path: str
    error: str


FindSource = Callable[[RepoType, str], Repo]
"""The repo of that type and name, if the caller may read its files. Raises HubError."""


def parse_change(line: Mapping[str, Any]) -> Put | Drop:
    """Raises BadRequest for what is no change at all."""
    path, mtime_ms = line.get("path"), line.get("mtime")
    if not isinstance(path, str) or not isinstance(mtime_ms, int | None):
        raise BadRequest("Each line of a batch has a path, and its mtime is a number of milliseconds")
    match line:
        case {"type": "addFile", "xetHash": str(hash)}:
            return Put(path, hash, mtime_ms)
        case {
            "type": "copyFile",
            "xetHash": str(hash),
            "sourceRepoType": type,
            "sourceRepoId": str(full_name),
        } if type in REPO_TYPES:
            return Put(path, hash, mtime_ms, (type, full_name))
        case {"type": "deleteFile"}:
            return Drop(path)
    raise BadRequest(f"Not a change that a bucket knows: {line.get('type')!r} of {path}")


def apply_changes(
    store: Store, bucket: Repo, changes: Iterable[Put | Drop], find_source: FindSource
) -> Sequence[Failure]:
    """Makes all changes that can be made; returns the others."""
    failures = []
    with store.database.transaction():
        for change in changes:
            try:
                _apply(store, bucket, change, find_source)
            except HubError as error:
                failures.append(Failure(change.path, error.message))
    return failures


def _apply(store: Store, bucket: Repo, change: Put | Drop, find_source: FindSource) -> None:
    if isinstance(change, Drop):
        store.buckets.drop(bucket, change.path)
        return
    check_file_path(change.path)
    file = store.xet.find(find_source(*change.source) if change.source else bucket, change.hash)
    if file is None:
        where = " ".join(change.source) if change.source else "this bucket: upload it first"
        raise EntryNotFound(f"There is no content {change.hash} in {where}")
    store.repos.add_large_file(bucket, file.sha256, file.size)
    store.buckets.put(bucket, change.path, file.hash, file.size, change.mtime_ms, store.now())

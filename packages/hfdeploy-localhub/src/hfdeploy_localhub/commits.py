"""A commit while it is read, line by line, from the client's NDJSON.

Small files become blobs at once, so that no more than one line is in memory; nothing can see them before the
commit names them.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hfdeploy_localhub.errors import BadRequest
from hfdeploy_localhub.model import LargeFile, check_file_path
from hfdeploy_localhub.store.git import GitRepository
from hfdeploy_localhub.store.pointers import format_pointer


@dataclass(frozen=True, slots=True)
class NewCommit:
    """What the lines added up to: path -> blob id, or None for a path to delete."""

    title: str
    description: str
    parent: str | None
    changes: Mapping[str, str | None]

    @property
    def message(self) -> str:
        """As git keeps it."""
        return f"{self.title}\n\n{self.description}" if self.description else self.title


@dataclass(slots=True)
class PendingCommit:
    """Collects lines. ``find_large_file`` tells the size of a large file this repo holds, or None."""

    git: GitRepository
    find_large_file: Callable[[str], int | None]
    _header: Mapping[str, Any] | None = None
    _changes: dict[str, str | None] = field(default_factory=dict)

    def add(self, line: Mapping[str, Any]) -> None:
        """Takes one line in. Raises BadRequest, InvalidPath."""
        key, value = line.get("key"), line.get("value")
        if not isinstance(value, dict):
            raise BadRequest("Each line of a commit is an object with a key and a value")
        match key:
            case "header":
                self._header = value
            case "file":
                self._move(value)
                self._changes[_path(value)] = self.git.add_blob(_content(value))
            case "lfsFile":
                self._move(value)
                self._changes[_path(value)] = self._pointer(value)
            case "deletedFile" | "deletedFolder" | "deletedEntry":
                self._changes[_path(value)] = None
            case _:
                raise BadRequest(f"Unknown key in a commit: {key!r}")

    def finish(self) -> NewCommit:
        """Raises BadRequest if there was no header or its summary is empty."""
        header = self._header
        summary = header.get("summary") if header else None
        if header is None or not isinstance(summary, str) or not summary.strip():
            raise BadRequest("A commit needs a header with a summary")
        description, parent = header.get("description") or "", header.get("parentCommit")
        if not isinstance(description, str) or not isinstance(parent, str | None):
            raise BadRequest("The description and the parentCommit of a commit are texts")
        return NewCommit(summary, description, parent, self._changes)

    def _move(self, value: Mapping[str, Any]) -> None:
        if value.get("oldPath"):
            self._changes[_path(value, "oldPath")] = None

    def _pointer(self, value: Mapping[str, Any]) -> str:
        sha256 = value.get("oid")
        if value.get("algo", "sha256") != "sha256" or not isinstance(sha256, str):
            raise BadRequest("A large file is named by its sha256")
        size = self.find_large_file(sha256)
        if size is None:
            raise BadRequest(f"The content of {_path(value)} ({sha256}) has not been uploaded to this repo")
        return self.git.add_blob(format_pointer(LargeFile(sha256, size)))


def read_lines(body: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
    """The lines of a commit, also from the one JSON object that very old clients send."""
    for value in read_objects(body):
        if "key" in value:
            yield value
        else:
            yield from _read_single(value)


def read_objects(body: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
    """The objects in the lines of an NDJSON body. Raises BadRequest."""
    for number, line in enumerate(body, 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):  # also numbers and depths that Python does not read
            raise BadRequest(f"Line {number} of the body is not JSON") from None
        if not isinstance(value, dict):
            raise BadRequest(f"Line {number} of the body is not an object")
        yield value


def _read_single(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield {"key": "header", "value": {**value}}
    for key, items in (
        ("file", value.get("files")),
        ("lfsFile", value.get("lfsFiles")),
        ("deletedEntry", value.get("deletedEntries")),
    ):
        if not isinstance(items, list | None):
            raise BadRequest(f"The {key}s of a commit are a list")
        for item in items or ():
            yield {"key": key, "value": item}


def _path(value: Mapping[str, Any], key: str = "path") -> str:
    path = value.get(key)
    if not isinstance(path, str):
        raise BadRequest(f"A file of a commit has no {key}, or it is no text")
    return check_file_path(path.rstrip("/"))


def _content(value: Mapping[str, Any]) -> bytes:
    content = value.get("content", "")
    if not isinstance(content, str):
        raise BadRequest(f"The content of {value.get('path')} is not text")
    if value.get("encoding", "utf-8") != "base64":
        return content.encode()
    try:
        return base64.b64decode(content, validate=True)
    except binascii.Error:
        raise BadRequest(f"The content of {value.get('path')} is not base64") from None

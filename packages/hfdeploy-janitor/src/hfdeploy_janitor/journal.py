"""What was about to be done, and what came of it: one JSON line each, on the disk before the effect."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from hfdeploy_janitor.errors import JournalUnusable
from hfdeploy_janitor.model import Fate, Thing
from hfdeploy_janitor.rules import Kind

FILE_NAME = "janitor.jsonl"
# With these an attempt is over, and what it was about, if it is still there, begins anew.
_OVER = (Fate.DELETED.value, Fate.GONE.value, Fate.QUARANTINED.value, Fate.RESTORED.value)
_KEYS = frozenset({"event", "kind", "namespace", "name", "id"})


@dataclass(frozen=True, slots=True)
class Intent:
    """What was about to happen to a thing, which was as `thing` says."""

    thing: Thing
    trash_name: str | None = None


class Journal:
    """The journal in a state folder, as far as it is about one Hub. Several janitors may share it: lines are
    appended whole.
    """

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.path = folder / FILE_NAME
        self._endpoint = endpoint
        self._file: int | None = None

    def write_intent(self, thing: Thing, reason: str, trash_name: str | None, now: datetime) -> None:
        """Say that it is about to be deleted, or put away; it is on the disk when this returns."""
        fields = {"event": "intent", "reason": reason, **_describe(thing)}
        if trash_name is not None:
            fields |= {"trash_name": trash_name, "private": thing.private}
        self._append(fields, now)

    def write_fate(self, thing: Thing, fate: Fate, words: str, now: datetime) -> None:
        """Say what came of it."""
        self._append({"event": fate.value, "words": words, **_describe(thing)}, now)

    def open(self) -> None:
        """Make it writable. Raises JournalUnusable."""
        if self._file is not None:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            if _ends_within_a_line(self.path):
                os.write(self._file, b"\n")
        except OSError as error:
            raise JournalUnusable(f"The journal {self.path} cannot be written: {error.strerror}.") from error

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def find_unsettled(self) -> tuple[Intent, ...]:
        """Intents without an end, oldest first."""
        begun = dict[tuple[str, str], Intent]()
        for line in self._read():
            key = (str(line.get("kind")), str(line.get("id")))
            begun.pop(key, None)
            if line.get("event") == "intent" and line.get("kind") in set(Kind):
                begun[key] = _read_intent(line)
        return tuple(begun.values())

    def find_quarantine(self, kind: Kind, namespace: str, name: str) -> Intent | None:
        """How what is quarantined under that name, or was called so before, was put away.

        Of several attempts the last one's trash name counts, and the first one's visibility: a later one
        finds it private already.
        """
        found: Intent | None = None
        for line in self._read():
            if line["event"] == Fate.RESTORED.value and found is not None and line["id"] == found.thing.id:
                found = None
            if (line["event"], line["kind"], line["namespace"]) != ("intent", kind.value, namespace):
                continue
            intent = _read_intent(line)
            if intent.trash_name is None:
                continue
            if found is not None and found.thing.id == intent.thing.id:
                found = replace(found, trash_name=intent.trash_name)
            elif name in (intent.thing.name, intent.trash_name):
                found = intent
        return found

    def count_attempts(self) -> Counter[str]:
        """How often each id was begun with: what failed before has to wait behind what has not."""
        attempts = Counter[str]()
        for line in self._read():
            if line["event"] == "intent":
                attempts[line["id"]] += 1
            elif line["event"] in _OVER:
                del attempts[line["id"]]
        return attempts

    def _append(self, fields: dict[str, Any], now: datetime) -> None:
        self.open()
        assert self._file is not None
        at = now.isoformat(timespec="milliseconds")
        line = json.dumps({"at": at, "endpoint": self._endpoint, **fields})
        try:
            os.write(self._file, f"{line}\n".encode())
            os.fsync(self._file)
        except OSError as error:
            raise JournalUnusable(f"The journal {self.path} cannot be written: {error.strerror}.") from error

    def _read(self) -> Iterator[dict[str, Any]]:
        """Its lines about this Hub; one that a kill cut off is passed over."""
        try:
            with self.path.open(errors="replace") as file:
                for line in file:
                    fields = _read_line(line)
                    if fields.get("endpoint") == self._endpoint and fields.keys() >= _KEYS:
                        yield fields
        except FileNotFoundError:
            return
        except OSError as error:
            raise JournalUnusable(f"The journal {self.path} cannot be read: {error.strerror}.") from error


def _describe(thing: Thing) -> dict[str, Any]:
    told = {"kind": thing.kind.value, "namespace": thing.namespace, "name": thing.name, "id": thing.id}
    more = {"within": thing.within, "handle": thing.handle}
    return told | {key: value for key, value in more.items() if value is not None}


def _read_line(line: str) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _read_intent(line: dict[str, Any]) -> Intent:
    thing = Thing(
        Kind(line["kind"]),
        line["namespace"],
        line["name"],
        line["id"],
        None,
        None,
        private=line.get("private"),
        within=line.get("within"),
        handle=line.get("handle"),
    )
    return Intent(thing, line.get("trash_name"))


def _ends_within_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        if size == 0:
            return False
        file.seek(size - 1)
        return file.read(1) != b"\n"

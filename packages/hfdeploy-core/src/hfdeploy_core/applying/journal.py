"""The journal: what is intended is on the disk before it is done. It never holds a secret.

Secrets cannot be read back from the Hub. So that they are not sent again each time, a digest of the value is
kept, with a key that stays in the same folder.
"""

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from hfdeploy_core.clock import Clock
from hfdeploy_core.errors import StateUnwritable
from hfdeploy_core.model import Change, HeldSecret, RepoRef
from hfdeploy_core.planning.history import (
    History,
    KnownSecret,
    Restoring,
    Step,
    Verdict,
    read_history,
    trim_history,
    write_history,
    write_record,
    write_step,
)
from hfdeploy_core.source.cache import make_state_folder

_JOURNAL = "journal.jsonl"
_KEY = "key"
# Some thousand lines; about a third of them is kept.
_MOST_BYTES = 1_000_000
_KEPT_STEPS = 1_000
_KEY_BYTES = 32


class Journal:
    """The journal in the folder `state`. Raises StateUnwritable where it cannot be written."""

    def __init__(self, state: Path, clock: Clock) -> None:
        self._state = state
        self._clock = clock

    def read(self) -> History:
        """Everything that was written down; nothing where there is no journal."""
        try:
            return read_history((self._state / _JOURNAL).read_text(encoding="utf-8", errors="replace"))
        except OSError:
            return History()

    def describe(self, surroundings: Mapping[str, str]) -> None:
        """Write down where a deploy runs, for people: nothing is read from it."""
        at = self._clock.now().isoformat()
        self._append(json.dumps({"surroundings": {**surroundings, "at": at}}, sort_keys=True))

    def intend(self, repo: RepoRef, plan: str, number: int, change: Change) -> Step:
        """Write down a change of a plan before it is made. When this returns, it is on the disk."""
        step = Step(repo, plan, number, False, change, None, self._clock.now().isoformat())
        self._append(write_step(step))
        return step

    def conclude(self, step: Step, commit: str | None = None) -> None:
        """Write down that an intended change was made."""
        at = self._clock.now().isoformat()
        self._append(write_step(replace(step, is_done=True, commit=commit, at=at)))

    def record(self, record: Restoring | Verdict) -> None:
        """Write down that a rollback begins or has ended, or what a gate said."""
        self._append(write_record(record))

    def remember_secret(self, repo: RepoRef, name: str, value: str, held: Iterable[HeldSecret]) -> None:
        """Write down by what a secret that was sent can be recognised."""
        updated_at = {secret.name: secret.updated_at for secret in held}.get(name)
        mark = self.mark_secrets(repo, {name: value})[name]
        self._append(write_record(KnownSecret(repo, name, mark, updated_at)))

    def read_key(self) -> bytes:
        """The key of the digests here; empty where there are none yet."""
        try:
            return (self._state / _KEY).read_bytes()
        except OSError:
            return b""

    def adopt(self, key: bytes, known: Iterable[KnownSecret]) -> None:
        """Believe what another journal knows of secrets, whose digests have this key."""
        if key != self.read_key():
            self._write_key(key)
        before = set(self.read().secrets)
        for secret in known:
            if secret not in before:
                self._append(write_record(secret))

    def mark_secrets(self, repo: RepoRef, values: Mapping[str, str]) -> dict[str, str]:
        """The keyed digest of each value."""
        key = self._find_key() if values else b""
        return {
            name: hmac.new(key, f"{repo}\0{name}\0{value}".encode(), hashlib.sha256).hexdigest()
            for name, value in values.items()
        }

    def find_known(self, repo: RepoRef, values: Mapping[str, str], held: Iterable[HeldSecret]) -> set[str]:
        """Names of secrets that the Hub has with these very values."""
        history = self.read()
        if not history.secrets:
            return set()
        by_name = {secret.name: secret for secret in held}
        return history.find_known(repo, self.mark_secrets(repo, values), by_name)

    def _append(self, line: str) -> None:
        try:
            is_new = not (self._state / _JOURNAL).exists()
            folder = make_state_folder(self._state)
            handle = _open_locked(folder / _JOURNAL)
            try:
                # The newline comes first: what a kill tore ends there.
                os.write(handle, f"\n{line}".encode())
                os.fsync(handle)
                if os.fstat(handle).st_size > _MOST_BYTES:
                    self._trim(folder)
            finally:
                os.close(handle)
            if is_new:
                _sync_folder(folder)
        except OSError as error:
            raise _unwritable(self._state, error) from error

    def _trim(self, folder: Path) -> None:
        """Put a shorter journal in the place of this one, which is locked meanwhile."""
        text = write_history(trim_history(self.read(), _KEPT_STEPS))
        trimmed = folder / f"{_JOURNAL}.new"
        handle = os.open(trimmed, os.O_WRONLY | os.O_TRUNC | os.O_CREAT, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(handle)
        trimmed.replace(folder / _JOURNAL)
        _sync_folder(folder)

    def _find_key(self) -> bytes:
        if not self.read_key():
            self._write_key(make_key())
        return self.read_key()

    def _write_key(self, key: bytes) -> None:
        try:
            make_state_folder(self._state)
            # Made whole under another name: a kill must not leave half a key.
            fresh = self._state / f"{_KEY}-{secrets.token_hex(8)}"
            fresh.touch(mode=0o600)
            fresh.write_bytes(key)
            fresh.replace(self._state / _KEY)
        except OSError as error:
            raise _unwritable(self._state, error) from error


def make_key() -> bytes:
    """A key for digests of secrets."""
    return secrets.token_bytes(_KEY_BYTES)


def _open_locked(place: Path) -> int:
    """The journal, for this process alone until it is closed: another one may be trimming it."""
    while True:
        handle = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        if os.name != "posix":
            return handle
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if place.stat().st_ino == os.fstat(handle).st_ino:
                return handle
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    """A new name is on the disk once its folder is."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _unwritable(state: Path, error: OSError) -> StateUnwritable:
    return StateUnwritable(f"The journal in {state} cannot be written: {error.strerror or error}.")

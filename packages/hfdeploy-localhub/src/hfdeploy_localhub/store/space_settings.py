"""A Space's rows beside its repo: hardware, sleep, secrets, variables, the port it is served on."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from hfdeploy_localhub.model import Repo, format_time
from hfdeploy_localhub.store.database import Database

Kind = Literal["secret", "variable"]
_COLUMNS = ("hardware", "sleep_time_seconds", "dev_mode", "paused", "volumes", "port")


@dataclass(frozen=True, slots=True)
class SpaceRow:
    """What a Space asks for, and where it is served."""

    hardware: str
    sleep_time_seconds: int | None
    dev_mode: bool
    paused: bool
    volumes: Sequence[Mapping[str, Any]]
    port: int | None


@dataclass(frozen=True, slots=True)
class Setting:
    """A secret or a variable; ``value`` stays out of the repr."""

    key: str
    description: str | None
    updated_at: str
    value: str

    def __repr__(self) -> str:
        return f"Setting(key={self.key!r})"


class SpaceRows:
    """Reads and changes those rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, repo: Repo) -> SpaceRow:
        row = self._database.row("SELECT * FROM spaces WHERE repo_id = ?", (repo.id,))
        if row is None:
            raise LookupError(f"{repo.full_name} is not a Space")
        return SpaceRow(
            hardware=row["hardware"],
            sleep_time_seconds=row["sleep_time_seconds"],
            dev_mode=bool(row["dev_mode"]),
            paused=bool(row["paused"]),
            volumes=json.loads(row["volumes"]),
            port=row["port"],
        )

    def update(self, repo: Repo, changes: Mapping[str, Any]) -> None:
        """Sets the given columns of the Space's row."""
        for column, value in changes.items():
            if column not in _COLUMNS:
                raise KeyError(column)
            self._database.execute(f"UPDATE spaces SET {column} = ? WHERE repo_id = ?", (value, repo.id))  # noqa: S608

    def settings(self, repo: Repo, kind: Kind) -> list[Setting]:
        """By key."""
        rows = self._database.rows(
            "SELECT * FROM space_settings WHERE repo_id = ? AND kind = ? ORDER BY key", (repo.id, kind)
        )
        return [_setting(row) for row in rows]

    def put(
        self, repo: Repo, kind: Kind, key: str, value: str, description: str | None, now: datetime
    ) -> None:
        """Adds or replaces; without a description an earlier one stays."""
        self._database.execute(
            "INSERT INTO space_settings VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " value = excluded.value, description = coalesce(excluded.description, description),"
            " updated_at = excluded.updated_at",
            (repo.id, kind, key, value, description, format_time(now)),
        )

    def drop(self, repo: Repo, kind: Kind, key: str) -> bool:
        """Whether there was such a key."""
        changed = self._database.execute(
            "DELETE FROM space_settings WHERE repo_id = ? AND kind = ? AND key = ?", (repo.id, kind, key)
        )
        return changed > 0


def _setting(row: sqlite3.Row) -> Setting:
    return Setting(row["key"], row["description"], row["updated_at"], row["value"])

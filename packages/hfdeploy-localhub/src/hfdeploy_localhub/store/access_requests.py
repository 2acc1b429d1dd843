"""Who asked for a gated repo, and what became of it."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from hfdeploy_localhub.model import Account, Repo, format_time, public_id
from hfdeploy_localhub.store.database import Database

Status = Literal["pending", "accepted", "rejected"]


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """One user's request; there is one at most for each repo and user. ``fields`` are what he filled in."""

    id: int
    user: str
    full_name: str
    status: Status
    created_at: str
    fields: Mapping[str, Any]

    @property
    def public_id(self) -> str:
        return public_id("access-request", self.id)


class AccessRequests:
    """The access requests of all repos."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, repo: Repo, status: Status | None = None) -> list[AccessRequest]:
        """Oldest first; of any status without one."""
        rows = self._database.rows(
            f"{_SELECT} WHERE repo_id = ? AND (status = ? OR ? IS NULL) ORDER BY access_requests.id",
            (repo.id, status, status),
        )
        return [_request(row) for row in rows]

    def find(self, repo: Repo, user: Account) -> AccessRequest | None:
        row = self._database.row(f"{_SELECT} WHERE repo_id = ? AND user_id = ?", (repo.id, user.id))
        return _request(row) if row else None

    def add(
        self,
        repo: Repo,
        user: Account,
        status: Status,
        now: datetime,
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        """Raises nothing if the user has a request already: that one stays as it is."""
        self._database.execute(
            "INSERT OR IGNORE INTO access_requests (repo_id, user_id, status, created_at, fields)"
            " VALUES (?, ?, ?, ?, ?)",
            (repo.id, user.id, status, format_time(now), json.dumps(fields or {})),
        )

    def set_status(self, request: AccessRequest, status: Status) -> None:
        self._database.execute("UPDATE access_requests SET status = ? WHERE id = ?", (status, request.id))


_SELECT = (
    "SELECT access_requests.*, accounts.name AS user, accounts.full_name AS full_name FROM access_requests"
    " JOIN accounts ON accounts.id = user_id"
)


def _request(row: sqlite3.Row) -> AccessRequest:
    return AccessRequest(
        row["id"], row["user"], row["full_name"], row["status"], row["created_at"], json.loads(row["fields"])
    )

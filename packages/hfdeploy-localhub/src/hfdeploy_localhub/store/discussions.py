"""Discussions and pull requests: numbered together within a repo, each a series of events."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from hfdeploy_localhub.model import Account, Repo, format_time
from hfdeploy_localhub.store.database import Database

Status = Literal["open", "closed", "draft", "merged"]
EventType = Literal["comment", "status-change", "title-change", "commit"]


@dataclass(frozen=True, slots=True)
class Discussion:
    """One discussion; ``merge_commit`` only on a merged pull request."""

    num: int
    title: str
    author: str
    created_at: str
    status: Status
    is_pull_request: bool
    merge_commit: str | None

    @property
    def ref(self) -> str:
        """Where a pull request's commits are."""
        return f"refs/pr/{self.num}"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a discussion; ``data`` is as the API tells it."""

    id: str
    type: EventType
    author: str
    created_at: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which discussions to list."""

    status: Literal["open", "closed"] | None = None
    type: Literal["discussion", "pull_request"] | None = None
    author: str | None = None


class Discussions:
    """The discussions of all repos."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, repo: Repo, title: str, author: Account, status: Status, *, pull_request: bool, now: datetime
    ) -> Discussion:
        with self._database.transaction() as connection:
            (num,) = connection.execute(
                "SELECT coalesce(max(num), 0) + 1 FROM discussions WHERE repo_id = ?", (repo.id,)
            ).fetchone()
            connection.execute(
                "INSERT INTO discussions"
                " (repo_id, num, title, author_id, created_at, status, is_pull_request)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (repo.id, num, title, author.id, format_time(now), status, pull_request),
            )
        return Discussion(num, title, author.name, format_time(now), status, pull_request, None)

    def find(self, repo: Repo, num: int) -> Discussion | None:
        row = self._database.row(f"{_SELECT} WHERE repo_id = ? AND num = ?", (repo.id, num))
        return _discussion(row) if row else None

    def all(self, repo: Repo) -> list[Discussion]:
        """Oldest first."""
        return [
            _discussion(row)
            for row in self._database.rows(f"{_SELECT} WHERE repo_id = ? ORDER BY num", (repo.id,))
        ]

    def pull_requests(self, repo: Repo, author: str | None) -> list[int]:
        """The numbers of all that are not merged; with ``author`` of his alone."""
        rows = self._database.rows(
            f"{_SELECT} WHERE repo_id = ? AND is_pull_request AND status != 'merged'"
            " AND (? IS NULL OR accounts.name = ?)",
            (repo.id, author, author),
        )
        return [row["num"] for row in rows]

    def page(self, repo: Repo, wanted: Filter, *, offset: int, limit: int) -> tuple[int, list[Discussion]]:
        """How many there are in all, and a page of them, newest first."""
        conditions, parameters = ["repo_id = ?"], list[Any]([repo.id])
        if wanted.status == "open":
            conditions.append("status IN ('open', 'draft')")
        elif wanted.status == "closed":
            conditions.append("status IN ('closed', 'merged')")
        if wanted.type is not None:
            conditions.append("is_pull_request = ?")
            parameters.append(wanted.type == "pull_request")
        if wanted.author is not None:
            conditions.append("accounts.name = ?")
            parameters.append(wanted.author)
        where = f"WHERE {' AND '.join(conditions)}"
        rows = self._database.rows(f"{_SELECT} {where} ORDER BY num DESC", parameters)
        return len(rows), [_discussion(row) for row in rows[offset : offset + limit]]

    def update(
        self, repo: Repo, num: int, column: Literal["title", "status", "merge_commit"], value: str
    ) -> None:
        self._database.execute(
            f"UPDATE discussions SET {column} = ? WHERE repo_id = ? AND num = ?",  # noqa: S608
            (value, repo.id, num),
        )

    def events(self, repo: Repo, num: int) -> list[Event]:
        """Oldest first."""
        rows = self._database.rows(
            "SELECT events.*, accounts.name AS author FROM events JOIN accounts ON accounts.id = author_id"
            " WHERE repo_id = ? AND num = ? ORDER BY events.id",
            (repo.id, num),
        )
        return [_event(row) for row in rows]

    def add_event(
        self, repo: Repo, num: int, type: EventType, author: Account, data: Mapping[str, Any], now: datetime
    ) -> Event:
        with self._database.transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO events (repo_id, num, type, author_id, created_at, data)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (repo.id, num, type, author.id, format_time(now), json.dumps(data)),
            )
        return Event(f"{cursor.lastrowid:024x}", type, author.name, format_time(now), data)

    def find_event(self, repo: Repo, num: int, event_id: str) -> Event | None:
        return next((event for event in self.events(repo, num) if event.id == event_id), None)

    def change_event(self, event: Event, data: Mapping[str, Any]) -> Event:
        self._database.execute(
            "UPDATE events SET data = ? WHERE id = ?", (json.dumps(data), int(event.id, 16))
        )
        return Event(event.id, event.type, event.author, event.created_at, data)


_SELECT = (
    "SELECT discussions.*, accounts.name AS author FROM discussions JOIN accounts ON accounts.id = author_id"
)


def _discussion(row: sqlite3.Row) -> Discussion:
    return Discussion(
        num=row["num"],
        title=row["title"],
        author=row["author"],
        created_at=row["created_at"],
        status=row["status"],
        is_pull_request=bool(row["is_pull_request"]),
        merge_commit=row["merge_commit"],
    )


def _event(row: sqlite3.Row) -> Event:
    return Event(f"{row['id']:024x}", row["type"], row["author"], row["created_at"], json.loads(row["data"]))

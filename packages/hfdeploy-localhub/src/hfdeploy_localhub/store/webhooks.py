"""Webhooks: what their owners want to be told."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hfdeploy_localhub.model import Account, public_id
from hfdeploy_localhub.store.database import Database


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where to send what; ``watched`` are objects with ``type`` and ``name``."""

    id: int
    url: str
    watched: Sequence[Mapping[str, str]]
    domains: Sequence[str]
    secret: str | None = field(repr=False)
    disabled: bool

    @property
    def public_id(self) -> str:
        return public_id("webhook", self.id)


class Webhooks:
    """The webhooks of all users."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, user: Account) -> list[Webhook]:
        rows = self._database.rows("SELECT * FROM webhooks WHERE user_id = ? ORDER BY id", (user.id,))
        return [_webhook(row) for row in rows]

    def enabled(self) -> list[tuple[Account, Webhook]]:
        """All that want to be told, each with its owner."""
        rows = self._database.rows(
            "SELECT webhooks.*, accounts.name, accounts.kind, accounts.full_name FROM webhooks"
            " JOIN accounts ON accounts.id = user_id WHERE NOT disabled ORDER BY webhooks.id"
        )
        return [
            (Account(row["user_id"], row["name"], row["kind"], row["full_name"]), _webhook(row))
            for row in rows
        ]

    def find(self, user: Account, identity: str) -> Webhook | None:
        return next((found for found in self.of(user) if found.public_id == identity), None)

    def add(
        self,
        user: Account,
        url: str,
        watched: Sequence[Mapping[str, str]],
        domains: Sequence[str],
        secret: str | None,
    ) -> Webhook:
        with self._database.transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO webhooks (user_id, url, watched, domains, secret) VALUES (?, ?, ?, ?, ?)",
                (user.id, url, json.dumps(watched), json.dumps(domains), secret),
            )
            row = connection.execute("SELECT * FROM webhooks WHERE id = ?", (cursor.lastrowid,)).fetchone()
        return _webhook(row)

    def update(self, webhook: Webhook, changes: Mapping[str, Any]) -> Webhook:
        """Sets ``url``, ``watched``, ``domains``, ``secret`` or ``disabled``."""
        with self._database.transaction() as connection:
            for column, value in changes.items():
                if column not in ("url", "watched", "domains", "secret", "disabled"):
                    raise KeyError(column)
                stored = json.dumps(value) if column in ("watched", "domains") else value
                connection.execute(
                    f"UPDATE webhooks SET {column} = ? WHERE id = ?",  # noqa: S608
                    (stored, webhook.id),
                )
            row = connection.execute("SELECT * FROM webhooks WHERE id = ?", (webhook.id,)).fetchone()
        return _webhook(row)

    def remove(self, webhook: Webhook) -> None:
        self._database.execute("DELETE FROM webhooks WHERE id = ?", (webhook.id,))


def _webhook(row: sqlite3.Row) -> Webhook:
    return Webhook(
        id=row["id"],
        url=row["url"],
        watched=json.loads(row["watched"]),
        domains=json.loads(row["domains"]),
        secret=row["secret"],
        disabled=bool(row["disabled"]),
    )

"""The trusted publishers of repos. A publisher may be named before its repo exists."""

import json
from collections.abc import Mapping

from hfdeploy_localhub.model import Account, GitType, Repo
from hfdeploy_localhub.oidc import Publisher
from hfdeploy_localhub.store.database import Database


class Publishers:
    """All of a hub's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, repo: Repo) -> list[Publisher]:
        rows = self._database.rows(
            "SELECT * FROM publishers WHERE type = ? AND namespace = ? AND name = ? ORDER BY rowid",
            (repo.type, repo.namespace, repo.name),
        )
        return [Publisher(row["user_id"], json.loads(row["claims"])) for row in rows]

    def add(self, type: GitType, namespace: str, name: str, user: Account, claims: Mapping[str, str]) -> None:
        self._database.execute(
            "INSERT OR IGNORE INTO publishers VALUES (?, ?, ?, ?, ?)",
            (type, namespace, name, user.id, json.dumps(dict(claims), sort_keys=True)),
        )

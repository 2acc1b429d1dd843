"""The rows of repos: who owns which name, who may see it, where an old name leads."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from hfdeploy_localhub.errors import Conflict
from hfdeploy_localhub.model import Account, Repo, RepoType, Visibility, format_time
from hfdeploy_localhub.store.database import Database


@dataclass(frozen=True, slots=True)
class Listing:
    """Which repos to list, and where to go on: ``after`` is the id of the last repo already seen."""

    type: RepoType | None = None
    namespace: str | None = None
    search: Sequence[str] = ()
    after: int | None = None
    limit: int = 1000


class Repos:
    """The repos of one hub, without their content."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, type: RepoType, namespace: str, name: str) -> Repo | None:
        """The repo of that name in any case, or None."""
        row = self._database.row(
            "SELECT * FROM repos WHERE type = ? AND namespace = ? AND name = ?", (type, namespace, name)
        )
        return _repo(row) if row else None

    def find_moved(self, type: RepoType, namespace: str, name: str) -> Repo | None:
        """The repo that once had that name, or None."""
        row = self._database.row(
            "SELECT repos.* FROM redirects JOIN repos ON repos.id = repo_id"
            " WHERE redirects.type = ? AND redirects.namespace = ? AND redirects.name = ?",
            (type, namespace, name),
        )
        return _repo(row) if row else None

    def get(self, repo_id: int) -> Repo | None:
        row = self._database.row("SELECT * FROM repos WHERE id = ?", (repo_id,))
        return _repo(row) if row else None

    def page(self, listing: Listing) -> list[Repo]:
        """Newest first, ``listing.limit`` at most."""
        conditions, parameters = ["TRUE"], list[Any]()
        for condition, value in (
            ("type = ?", listing.type),
            ("namespace = ?", listing.namespace),
            ("id < ?", listing.after),
        ):
            if value is not None:
                conditions.append(condition)
                parameters.append(value)
        for word in listing.search:
            conditions.append("instr(lower(namespace || '/' || name), lower(?)) > 0")
            parameters.append(word)
        query = f"SELECT * FROM repos WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT ?"  # noqa: S608
        return [_repo(row) for row in self._database.rows(query, [*parameters, listing.limit])]

    def add(
        self,
        type: RepoType,
        namespace: str,
        name: str,
        *,
        visibility: Visibility,
        creator: Account | None,
        now: datetime,
    ) -> Repo:
        """A new row; raises Conflict if the name is taken. A redirect of that name gives way."""
        with self._database.transaction() as connection:
            try:
                cursor = connection.execute(
                    "INSERT INTO repos (type, namespace, name, visibility, created_at, creator_id)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (type, namespace, name, visibility, format_time(now), creator.id if creator else None),
                )
            except sqlite3.IntegrityError:
                raise Conflict(f"You already created this {type} repo: {namespace}/{name}") from None
            connection.execute(
                "DELETE FROM redirects WHERE type = ? AND namespace = ? AND name = ?", (type, namespace, name)
            )
            if type == "space":
                connection.execute("INSERT INTO spaces (repo_id) VALUES (?)", (cursor.lastrowid,))
            row = connection.execute("SELECT * FROM repos WHERE id = ?", (cursor.lastrowid,)).fetchone()
        return _repo(row)

    def remove(self, repo: Repo) -> None:
        self._database.execute("DELETE FROM repos WHERE id = ?", (repo.id,))

    def move(self, repo: Repo, namespace: str, name: str) -> None:
        """Renames; the old name redirects from now on. Raises Conflict if the new name is taken."""
        with self._database.transaction() as connection:
            taken = self.find(repo.type, namespace, name)
            if taken is not None and taken.id != repo.id:
                raise Conflict(f"A {repo.type} repository called {namespace}/{name} already exists")
            connection.execute(
                "DELETE FROM redirects WHERE type = ? AND namespace = ? AND name = ?",
                (repo.type, namespace, name),
            )
            connection.execute(
                "INSERT OR REPLACE INTO redirects VALUES (?, ?, ?, ?)",
                (repo.type, repo.namespace, repo.name, repo.id),
            )
            connection.execute(
                "UPDATE repos SET namespace = ?, name = ? WHERE id = ?", (namespace, name, repo.id)
            )

    def set_visibility(self, repo: Repo, visibility: Visibility) -> None:
        self._database.execute("UPDATE repos SET visibility = ? WHERE id = ?", (visibility, repo.id))

    def set_gated(self, repo: Repo, gated: Literal["auto", "manual"] | None) -> None:
        self._database.execute("UPDATE repos SET gated = ? WHERE id = ?", (gated, repo.id))

    def ids(self) -> set[int]:
        return {row["id"] for row in self._database.rows("SELECT id FROM repos")}

    def owns_large_file(self, repo: Repo, sha256: str) -> int | None:
        """Size in bytes of the large file if it was uploaded to this very repo, else None.

        Content is shared on disk, rights are not: knowing a hash must not open another repo's file.
        """
        row = self._database.row(
            "SELECT size FROM large_files WHERE repo_id = ? AND sha256 = ?", (repo.id, sha256)
        )
        return row["size"] if row else None

    def add_large_file(self, repo: Repo, sha256: str, size: int) -> None:
        self._database.execute("INSERT OR IGNORE INTO large_files VALUES (?, ?, ?)", (repo.id, sha256, size))

    def share_large_files(self, source: Repo, target: Repo) -> None:
        """What one repo holds, the other holds as well from now on."""
        self._database.execute(
            "INSERT OR IGNORE INTO large_files SELECT ?, sha256, size FROM large_files WHERE repo_id = ?",
            (target.id, source.id),
        )

    def drop_large_files(self, repo: Repo, sha256s: Iterable[str]) -> None:
        """Takes the right to them from the repo; others that hold them keep theirs."""
        with self._database.transaction() as connection:
            connection.executemany(
                "DELETE FROM large_files WHERE repo_id = ? AND sha256 = ?",
                [(repo.id, sha256) for sha256 in sha256s],
            )

    def large_file_bytes(self, repo: Repo) -> int:
        """Sum of the repo's large files."""
        row = self._database.row("SELECT total(size) AS total FROM large_files WHERE repo_id = ?", (repo.id,))
        return int(row["total"]) if row else 0


def _repo(row: sqlite3.Row) -> Repo:
    return Repo(
        id=row["id"],
        type=row["type"],
        namespace=row["namespace"],
        name=row["name"],
        visibility=row["visibility"],
        gated=row["gated"],
        created_at=datetime.fromisoformat(row["created_at"]).astimezone(UTC),
        creator_id=row["creator_id"],
    )

"""Who likes which repo."""

from datetime import datetime

from hfdeploy_localhub.model import Account, Repo, format_time
from hfdeploy_localhub.store.accounts import read_account
from hfdeploy_localhub.store.database import Database


class Likes:
    """The likes of all repos."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self, repo: Repo) -> int:
        row = self._database.row("SELECT count(*) AS n FROM likes WHERE repo_id = ?", (repo.id,))
        return int(row["n"]) if row else 0

    def add(self, repo: Repo, user: Account, now: datetime) -> None:
        self._database.execute(
            "INSERT OR IGNORE INTO likes VALUES (?, ?, ?)", (repo.id, user.id, format_time(now))
        )

    def drop(self, repo: Repo, user: Account) -> None:
        self._database.execute("DELETE FROM likes WHERE repo_id = ? AND user_id = ?", (repo.id, user.id))

    def likers(self, repo: Repo) -> list[Account]:
        """Newest like first."""
        rows = self._database.rows(
            "SELECT accounts.* FROM likes JOIN accounts ON accounts.id = user_id WHERE repo_id = ?"
            " ORDER BY likes.rowid DESC",
            (repo.id,),
        )
        return [read_account(row) for row in rows]

    def liked(self, user: Account) -> list[tuple[int, str]]:
        """Repo row and moment, newest first."""
        rows = self._database.rows(
            "SELECT repo_id, created_at FROM likes WHERE user_id = ? ORDER BY rowid DESC", (user.id,)
        )
        return [(row["repo_id"], row["created_at"]) for row in rows]

"""Users, organisations, who belongs where, and tokens (kept as digests only)."""

import hashlib
import sqlite3

from hfdeploy_localhub.errors import InvalidCredentials
from hfdeploy_localhub.model import Account, Caller, Role
from hfdeploy_localhub.store.database import Database

_RESERVED = frozenset(
    [
        "api",
        "datasets",
        "spaces",
        "models",
        "kernels",
        "buckets",
        "docs",
        "settings",
        "login",
        "join",
        "new",
        "xet",
        "lfs",
        "health",
        "static",
    ]
)


class Accounts:
    """The accounts of one hub."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, name: str) -> Account | None:
        row = self._database.row("SELECT * FROM accounts WHERE name = ?", (name,))
        return _account(row) if row else None

    def users(self) -> list[Account]:
        return [
            _account(row)
            for row in self._database.rows("SELECT * FROM accounts WHERE kind = 'user' ORDER BY id")
        ]

    def add_user(self, name: str, *, full_name: str | None = None) -> Account:
        """The user of that name, made if missing."""
        return self._add(name, "user", full_name)

    def add_organisation(self, name: str, *, full_name: str | None = None) -> Account:
        """The organisation of that name, made if missing."""
        return self._add(name, "org", full_name)

    def add_member(self, user: Account, organisation: Account, role: Role = "admin") -> None:
        self._database.execute(
            "INSERT INTO memberships VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET role = excluded.role",
            (user.id, organisation.id, role),
        )

    def organisations(self, user: Account) -> list[tuple[Account, Role]]:
        """The user's organisations with his role in each, oldest first."""
        rows = self._database.rows(
            "SELECT accounts.*, role FROM memberships JOIN accounts ON accounts.id = org_id"
            " WHERE user_id = ? ORDER BY accounts.id",
            (user.id,),
        )
        return [(_account(row), row["role"]) for row in rows]

    def add_token(self, user: Account, token: str, *, name: str = "local", role: str = "write") -> None:
        """Lets ``token`` speak for ``user``. Only its digest is kept."""
        self._database.execute(
            "INSERT OR REPLACE INTO tokens VALUES (?, ?, ?, ?)", (_digest(token), user.id, name, role)
        )

    def knows_token(self, token: str) -> bool:
        return self._database.row("SELECT 1 FROM tokens WHERE digest = ?", (_digest(token),)) is not None

    def caller(self, token: str | None) -> Caller:
        """Who ``token`` speaks for; a stranger without one.

        Raises InvalidCredentials for a token this hub never issued.
        """
        if token is None:
            return Caller()
        row = self._database.row(
            "SELECT accounts.*, tokens.name AS token_name, role FROM tokens"
            " JOIN accounts ON accounts.id = user_id WHERE digest = ?",
            (_digest(token),),
        )
        if row is None:
            raise InvalidCredentials
        user = _account(row)
        roles = {organisation.name.lower(): role for organisation, role in self.organisations(user)}
        return Caller(user=user, roles=roles, token_role=row["role"], token_name=row["token_name"])

    def _add(self, name: str, kind: str, full_name: str | None) -> Account:
        check_account_name(name)
        self._database.execute(
            "INSERT INTO accounts (name, kind, full_name) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (name, kind, full_name or name),
        )
        account = self.find(name)
        if account is None or account.kind != kind:
            raise ValueError(
                f"{name!r} is already the name of a {'user' if kind == 'org' else 'organisation'}"
            )
        return account


def check_account_name(name: str) -> None:
    """Raises ValueError for names that cannot be the first part of a repo id here."""
    plain = name.replace("-", "").replace("_", "").replace(".", "")
    if not (plain.isascii() and plain.isalnum()) or len(name) > 96 or name.lower() in _RESERVED:
        raise ValueError(f"{name!r} cannot be an account's name")


def _account(row: sqlite3.Row) -> Account:
    return Account(id=row["id"], name=row["name"], kind=row["kind"], full_name=row["full_name"])


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

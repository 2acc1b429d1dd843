"""Users, organisations, who belongs where, and tokens (kept as digests only)."""

import hashlib
import json
import sqlite3
from datetime import datetime

from hfdeploy_localhub.errors import InvalidCredentials
from hfdeploy_localhub.model import AccessToken, Account, Caller, Role, Scope, Visibility, format_time
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
        "__localhub__",
    ]
)

_FULL = AccessToken("write", "local")


class Accounts:
    """The accounts of one hub."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, name: str) -> Account | None:
        row = self._database.row("SELECT * FROM accounts WHERE name = ?", (name,))
        return read_account(row) if row else None

    def get(self, account_id: int) -> Account | None:
        row = self._database.row("SELECT * FROM accounts WHERE id = ?", (account_id,))
        return read_account(row) if row else None

    def users(self) -> list[Account]:
        return [
            read_account(row)
            for row in self._database.rows("SELECT * FROM accounts WHERE kind = 'user' ORDER BY id")
        ]

    def add_user(self, name: str, *, full_name: str | None = None) -> Account:
        """The user of that name, made if missing; a full name replaces the one it had."""
        return self._add(name, "user", full_name, None)

    def add_organisation(
        self, name: str, *, full_name: str | None = None, default_visibility: Visibility | None = None
    ) -> Account:
        """The organisation of that name, made if missing; what is given replaces what it had."""
        return self._add(name, "org", full_name, default_visibility)

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
        return [(read_account(row), row["role"]) for row in rows]

    def members(self, organisation: Account) -> list[tuple[Account, Role]]:
        """The organisation's users with the role of each, oldest first."""
        rows = self._database.rows(
            "SELECT accounts.*, role FROM memberships JOIN accounts ON accounts.id = user_id"
            " WHERE org_id = ? ORDER BY accounts.id",
            (organisation.id,),
        )
        return [(read_account(row), row["role"]) for row in rows]

    def add_token(self, user: Account, secret: str, token: AccessToken = _FULL) -> None:
        """Lets ``secret`` speak for ``user`` as far as ``token`` goes. Only its digest is kept."""
        scopes = [[scope.entity, scope.name, sorted(scope.permissions)] for scope in token.scopes]
        expires_at = format_time(token.expires_at) if token.expires_at else None
        self._database.execute(
            "INSERT OR REPLACE INTO tokens VALUES (?, ?, ?, ?, ?, ?)",
            (digest_token(secret), user.id, token.name, token.role, json.dumps(scopes), expires_at),
        )

    def knows_token(self, secret: str) -> bool:
        return (
            self._database.row("SELECT 1 FROM tokens WHERE digest = ?", (digest_token(secret),)) is not None
        )

    def caller(self, secret: str | None, now: datetime) -> Caller:
        """Who ``secret`` speaks for; a stranger without one.

        Raises InvalidCredentials for a token this hub never issued, or one that has expired.
        """
        return Caller() if secret is None else self.caller_of(digest_token(secret), now)

    def caller_of(self, digest: str, now: datetime) -> Caller:
        """Who the token of that digest speaks for. Raises InvalidCredentials as ``caller`` does."""
        row = self._database.row(
            "SELECT accounts.*, tokens.name AS token_name, role, scopes, expires_at FROM tokens"
            " JOIN accounts ON accounts.id = user_id WHERE digest = ?",
            (digest,),
        )
        if row is None:
            raise InvalidCredentials
        token = _token(row)
        if token.expires_at is not None and token.expires_at <= now:
            raise InvalidCredentials
        return self.caller_as(read_account(row), token)

    def caller_as(self, user: Account, token: AccessToken) -> Caller:
        """The user with what ``token`` allows."""
        roles = {organisation.name.lower(): role for organisation, role in self.organisations(user)}
        return Caller(user, token, roles)

    def _add(self, name: str, kind: str, full_name: str | None, visibility: Visibility | None) -> Account:
        check_account_name(name)
        self._database.execute(
            "INSERT INTO accounts (name, kind, full_name) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (name, kind, full_name or name),
        )
        for column, value in (("full_name", full_name), ("default_visibility", visibility)):
            if value is not None:
                self._database.execute(f"UPDATE accounts SET {column} = ? WHERE name = ?", (value, name))  # noqa: S608
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


def read_account(row: sqlite3.Row) -> Account:
    return Account(
        id=row["id"],
        name=row["name"],
        kind=row["kind"],
        full_name=row["full_name"],
        default_visibility=row["default_visibility"],
    )


def _token(row: sqlite3.Row) -> AccessToken:
    scopes = tuple(Scope(entity, name, frozenset(names)) for entity, name, names in json.loads(row["scopes"]))
    expires_at = datetime.fromisoformat(row["expires_at"]) if row["expires_at"] else None
    return AccessToken(row["role"], row["token_name"], scopes, expires_at)


def digest_token(secret: str) -> str:
    """What a token is kept as."""
    return hashlib.sha256(secret.encode()).hexdigest()

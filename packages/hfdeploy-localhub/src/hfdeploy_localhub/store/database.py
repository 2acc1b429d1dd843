"""The one SQLite file behind the metadata: schema, and transactions that threads may share."""

import errno
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL COLLATE NOCASE UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('user', 'org')),
    full_name TEXT NOT NULL,
    default_visibility TEXT NOT NULL DEFAULT 'public'
) STRICT;
CREATE TABLE IF NOT EXISTS memberships (
    user_id INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    org_id INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    role TEXT NOT NULL,
    PRIMARY KEY (user_id, org_id)
) STRICT;
CREATE TABLE IF NOT EXISTS tokens (
    digest TEXT PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('read', 'write', 'fineGrained')),
    scopes TEXT NOT NULL DEFAULT '[]',
    expires_at TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS repos (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    type TEXT NOT NULL,
    namespace TEXT NOT NULL COLLATE NOCASE,
    name TEXT NOT NULL COLLATE NOCASE,
    visibility TEXT NOT NULL,
    gated TEXT,
    created_at TEXT NOT NULL,
    creator_id INTEGER REFERENCES accounts,
    UNIQUE (type, namespace, name)
) STRICT;
CREATE TABLE IF NOT EXISTS redirects (
    type TEXT NOT NULL,
    namespace TEXT NOT NULL COLLATE NOCASE,
    name TEXT NOT NULL COLLATE NOCASE,
    repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
    PRIMARY KEY (type, namespace, name)
) STRICT;
CREATE TABLE IF NOT EXISTS large_files (
    repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (repo_id, sha256)
) STRICT;
CREATE TABLE IF NOT EXISTS bucket_files (
    repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
    path TEXT NOT NULL,
    hash TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ms INTEGER,
    uploaded_at TEXT NOT NULL,
    PRIMARY KEY (repo_id, path)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS xet_files (
    hash TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,
    segments TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS xet_xorbs (
    hash TEXT PRIMARY KEY,
    chunks BLOB NOT NULL,
    sha256 TEXT,
    start INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS xet_files_by_sha256 ON xet_files (sha256);
CREATE TABLE IF NOT EXISTS discussions (
    repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
    num INTEGER NOT NULL,
    title TEXT NOT NULL,
    author_id INTEGER NOT NULL REFERENCES accounts,
    created_at TEXT NOT NULL,
    status TEXT NOT NULL,
    is_pull_request INTEGER NOT NULL,
    merge_commit TEXT,
    PRIMARY KEY (repo_id, num)
) STRICT;
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY,
    repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
    num INTEGER NOT NULL,
    type TEXT NOT NULL,
    author_id INTEGER NOT NULL REFERENCES accounts,
    created_at TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS events_by_discussion ON events (repo_id, num);
CREATE TABLE IF NOT EXISTS likes (
    repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    created_at TEXT NOT NULL,
    PRIMARY KEY (repo_id, user_id)
) STRICT;
CREATE TABLE IF NOT EXISTS access_requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    status TEXT NOT NULL CHECK (status IN ('pending', 'accepted', 'rejected')),
    created_at TEXT NOT NULL,
    fields TEXT NOT NULL DEFAULT '{}',
    UNIQUE (repo_id, user_id)
) STRICT;
CREATE TABLE IF NOT EXISTS collections (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner_id INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    title TEXT NOT NULL,
    description TEXT,
    private INTEGER NOT NULL DEFAULT 0,
    theme TEXT NOT NULL DEFAULT 'orange',
    updated_at TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS collection_items (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    collection_id INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE,
    type TEXT NOT NULL,
    target TEXT NOT NULL,
    note TEXT,
    position INTEGER NOT NULL,
    UNIQUE (collection_id, type, target)
) STRICT;
CREATE TABLE IF NOT EXISTS publishers (
    type TEXT NOT NULL,
    namespace TEXT NOT NULL COLLATE NOCASE,
    name TEXT NOT NULL COLLATE NOCASE,
    user_id INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    claims TEXT NOT NULL,
    UNIQUE (type, namespace, name, user_id, claims)
) STRICT;
CREATE TABLE IF NOT EXISTS webhooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
    url TEXT NOT NULL,
    watched TEXT NOT NULL,
    domains TEXT NOT NULL,
    secret TEXT,
    disabled INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS spaces (
    repo_id INTEGER PRIMARY KEY REFERENCES repos ON DELETE CASCADE,
    hardware TEXT NOT NULL DEFAULT 'cpu-basic',
    sleep_time_seconds INTEGER,
    dev_mode INTEGER NOT NULL DEFAULT 0,
    paused INTEGER NOT NULL DEFAULT 0,
    volumes TEXT NOT NULL DEFAULT '[]',
    port INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS space_settings (
    repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('secret', 'variable')),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    description TEXT,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (repo_id, kind, key)
) STRICT;
"""


class Database:
    """A connection that threads take in turns. Rows come back as ``sqlite3.Row``.

    Raises OSError for a file that is no database, or cannot be written.
    """

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        path.touch(mode=0o600)  # Space secrets live in here
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        try:
            self._connection.execute(f"PRAGMA synchronous = {'NORMAL' if durable else 'OFF'}")
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._connection.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise OSError(errno.EIO, f"{path.name}: {error}") from None

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; nested calls join the outer one."""
        with self._lock:
            if self._connection.in_transaction:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[sqlite3.Row]:
        with self._lock:
            return self._connection.execute(query, parameters).fetchall()

    def row(self, query: str, parameters: Sequence[Any] = ()) -> sqlite3.Row | None:
        with self._lock:
            found: sqlite3.Row | None = self._connection.execute(query, parameters).fetchone()
            return found

    def execute(self, query: str, parameters: Sequence[Any] = ()) -> int:
        """Runs one statement in a transaction of its own; returns how many rows it changed."""
        with self.transaction() as connection:
            return connection.execute(query, parameters).rowcount

    def close(self) -> None:
        with self._lock:
            self._connection.close()

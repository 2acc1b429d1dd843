"""Collections: ordered lists of repos and other collections, each with a note."""

import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hfdeploy_localhub.errors import Conflict
from hfdeploy_localhub.model import Account, format_time, public_id
from hfdeploy_localhub.store.database import Database

_COLUMNS = ("title", "description", "private", "theme")


@dataclass(frozen=True, slots=True)
class Collection:
    """One collection. Its slug follows its title, the id at the slug's end stays."""

    id: int
    owner: str
    title: str
    description: str | None
    private: bool
    theme: str
    updated_at: str

    @property
    def public_id(self) -> str:
        return public_id("collection", self.id)

    @property
    def slug(self) -> str:
        words = re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-") or "collection"
        return f"{self.owner}/{words}-{self.public_id}"


@dataclass(frozen=True, slots=True)
class Item:
    """What a collection lists: a repo by its full name, or a collection by its row's number."""

    id: int
    type: str
    target: str
    note: str | None
    position: int

    @property
    def public_id(self) -> str:
        return public_id("collection-item", self.id)


class Collections:
    """The collections of all accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, owner: Account, title: str, description: str | None, private: bool, now: datetime
    ) -> Collection:
        with self._database.transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO collections (owner_id, title, description, private, updated_at)"
                " VALUES (?, ?, ?, ?, ?)",
                (owner.id, title, description, private, format_time(now)),
            )
            row = connection.execute(f"{_SELECT} WHERE collections.id = ?", (cursor.lastrowid,)).fetchone()
        return _collection(row)

    def get(self, collection_id: int) -> Collection | None:
        row = self._database.row(f"{_SELECT} WHERE collections.id = ?", (collection_id,))
        return _collection(row) if row else None

    def find(self, owner: str, slug: str) -> Collection | None:
        """By the id at the slug's end: an old title still leads here."""
        identity = slug.rsplit("-", 1)[-1]
        return next((found for found in self.of(owner) if found.public_id == identity), None)

    def of(self, owner: str | None = None) -> list[Collection]:
        """Of one owner, or all; newest first."""
        rows = self._database.rows(
            f"{_SELECT} WHERE accounts.name = ? OR ? IS NULL ORDER BY collections.id DESC", (owner, owner)
        )
        return [_collection(row) for row in rows]

    def update(self, collection: Collection, changes: Mapping[str, Any], now: datetime) -> Collection:
        with self._database.transaction() as connection:
            for column, value in {**changes, "updated_at": format_time(now)}.items():
                if column not in (*_COLUMNS, "updated_at"):
                    raise KeyError(column)
                connection.execute(
                    f"UPDATE collections SET {column} = ? WHERE id = ?",  # noqa: S608
                    (value, collection.id),
                )
            row = connection.execute(f"{_SELECT} WHERE collections.id = ?", (collection.id,)).fetchone()
        return _collection(row)

    def remove(self, collection: Collection) -> None:
        self._database.execute("DELETE FROM collections WHERE id = ?", (collection.id,))

    def items(self, collection: Collection) -> list[Item]:
        """In their order."""
        rows = self._database.rows(
            "SELECT * FROM collection_items WHERE collection_id = ? ORDER BY position, id", (collection.id,)
        )
        return [Item(row["id"], row["type"], row["target"], row["note"], row["position"]) for row in rows]

    def add_item(self, collection: Collection, type: str, target: str, note: str | None) -> None:
        """At the end. Raises Conflict if it is listed already."""
        try:
            self._database.execute(
                "INSERT INTO collection_items (collection_id, type, target, note, position)"
                " SELECT ?, ?, ?, ?, coalesce(max(position) + 1, 0) FROM collection_items"
                " WHERE collection_id = ?",
                (collection.id, type, target, note, collection.id),
            )
        except sqlite3.IntegrityError:
            raise Conflict(f"{target} is in this collection already") from None

    def change_note(self, item: Item, note: str | None) -> None:
        self._database.execute("UPDATE collection_items SET note = ? WHERE id = ?", (note, item.id))

    def move_item(self, collection: Collection, item: Item, position: int) -> None:
        """Puts the item at ``position`` (from 0), the others close up."""
        others = [other for other in self.items(collection) if other.id != item.id]
        order = [*others[:position], item, *others[position:]]
        with self._database.transaction() as connection:
            for place, found in enumerate(order):
                connection.execute("UPDATE collection_items SET position = ? WHERE id = ?", (place, found.id))

    def remove_item(self, item: Item) -> None:
        self._database.execute("DELETE FROM collection_items WHERE id = ?", (item.id,))


_SELECT = (
    "SELECT collections.*, accounts.name AS owner FROM collections JOIN accounts ON accounts.id = owner_id"
)


def _collection(row: sqlite3.Row) -> Collection:
    return Collection(
        id=row["id"],
        owner=row["owner"],
        title=row["title"],
        description=row["description"],
        private=bool(row["private"]),
        theme=row["theme"],
        updated_at=row["updated_at"],
    )

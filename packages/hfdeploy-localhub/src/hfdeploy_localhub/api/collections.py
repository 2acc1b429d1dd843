"""Collections and their items."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import Field

from hfdeploy_localhub.api.context import Body, CurrentCaller, CurrentStore, CurrentUser, Decoded
from hfdeploy_localhub.errors import Forbidden, NotFound
from hfdeploy_localhub.model import Caller, RepoType, Right, decide_create, decide_right
from hfdeploy_localhub.store.collections import Collection, Item
from hfdeploy_localhub.store.store import Store

router = APIRouter(prefix="/api/collections")
_SLUG = "/{namespace}/{slug}"


class ItemId(Body):
    id: str
    type: Literal["model", "dataset", "space", "collection"]


class NewCollection(Body):
    title: str = Field(min_length=1, max_length=60)
    namespace: str
    description: str | None = Field(default=None, max_length=150)
    private: bool = False


class Changes(Body):
    title: str | None = Field(default=None, min_length=1, max_length=60)
    description: str | None = Field(default=None, max_length=150)
    private: bool | None = None
    theme: str | None = None
    position: int | None = None


class NewItem(Body):
    item: ItemId
    note: str | None = Field(default=None, max_length=500)


class ItemChanges(Body):
    note: str | None = Field(default=None, max_length=500)
    position: int | None = Field(default=None, ge=0)


@router.get("")
def list_collections(
    store: CurrentStore,
    caller: CurrentCaller,
    owner: str | None = None,
    item: str | None = None,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """``item`` is like ``models/ns/name``: only collections that list it."""
    found = []
    for collection in store.collections.of(owner):
        if not _may_see(caller, collection):
            continue
        items = store.collections.items(collection)
        if item is None or any(f"{listed.type}s/{listed.target}" == item for listed in items):
            described = _describe(store, caller, collection)
            # The client counts what is listed by itself, and stumbles over a second position.
            del described["position"]
            found.append(described)
    return found[: max(limit, 0)]


@router.post("")
def create(body: NewCollection, store: CurrentStore, caller: CurrentUser) -> dict[str, Any]:
    owner = store.accounts.find(body.namespace)
    if owner is None or not decide_create(caller, body.namespace):
        raise Forbidden(f"You don't have the rights to create a collection under {body.namespace!r}.")
    collection = store.collections.add(owner, body.title, body.description, body.private, store.now())
    return _describe(store, caller, collection)


@router.get(_SLUG)
def show(namespace: Decoded, slug: Decoded, store: CurrentStore, caller: CurrentCaller) -> dict[str, Any]:
    return _describe(store, caller, _find(store, caller, namespace, slug))


@router.patch(_SLUG)
def change(
    body: Changes, namespace: Decoded, slug: Decoded, store: CurrentStore, caller: CurrentUser
) -> dict[str, Any]:
    collection = _find_own(store, caller, namespace, slug)
    changes = body.model_dump(exclude_none=True, exclude={"position"})
    return {
        "success": True,
        "data": _describe(store, caller, store.collections.update(collection, changes, store.now())),
    }


@router.delete(_SLUG)
def delete(namespace: Decoded, slug: Decoded, store: CurrentStore, caller: CurrentUser) -> dict[str, Any]:
    store.collections.remove(_find_own(store, caller, namespace, slug))
    return {"success": True}


@router.post(f"{_SLUG}/items")
def add_item(
    body: NewItem, namespace: Decoded, slug: Decoded, store: CurrentStore, caller: CurrentUser
) -> dict[str, Any]:
    """Raises NotFound for what the caller cannot see, Conflict for what is listed already."""
    collection = _find_own(store, caller, namespace, slug)
    store.collections.add_item(collection, body.item.type, _find_target(store, caller, body.item), body.note)
    return _describe(store, caller, collection)


@router.patch(f"{_SLUG}/items/{{item_id}}")
def change_item(
    body: ItemChanges,
    namespace: Decoded,
    slug: Decoded,
    item_id: str,
    store: CurrentStore,
    caller: CurrentUser,
) -> dict[str, Any]:
    collection = _find_own(store, caller, namespace, slug)
    item = _find_item(store, collection, item_id)
    if "note" in body.model_fields_set:
        store.collections.change_note(item, body.note)
    if body.position is not None:
        store.collections.move_item(collection, item, body.position)
    return {"success": True}


@router.delete(f"{_SLUG}/items/{{item_id}}")
def delete_item(
    namespace: Decoded, slug: Decoded, item_id: str, store: CurrentStore, caller: CurrentUser
) -> dict[str, Any]:
    collection = _find_own(store, caller, namespace, slug)
    store.collections.remove_item(_find_item(store, collection, item_id))
    return {"success": True}


def _describe(store: Store, caller: Caller, collection: Collection) -> dict[str, Any]:
    items = store.collections.items(collection)
    return {
        "_id": collection.public_id,
        "slug": collection.slug,
        "title": collection.title,
        "description": collection.description,
        "owner": {"name": collection.owner},
        "private": collection.private,
        "theme": collection.theme,
        "upvotes": 0,
        "position": 0,
        "lastUpdated": collection.updated_at,
        "items": [_describe_item(store, item) for item in items if _may_see_item(store, caller, item)],
    }


def _describe_item(store: Store, item: Item) -> dict[str, Any]:
    described: dict[str, Any] = {"_id": item.public_id, "type": item.type, "position": item.position}
    if item.type == "collection":
        listed = store.collections.get(int(item.target))
        described |= {"id": item.public_id, "slug": listed.slug if listed else item.target}
    else:
        described["id"] = item.target
    if item.note is not None:
        described["note"] = {"text": item.note, "html": ""}
    return described


def _may_see_item(store: Store, caller: Caller, item: Item) -> bool:
    if item.type == "collection":
        listed = store.collections.get(int(item.target))
        return listed is not None and _may_see(caller, listed)
    return _sees_repo(store, caller, item.type, item.target)  # type: ignore[arg-type]


def _may_see(caller: Caller, collection: Collection) -> bool:
    return not collection.private or _owns(caller, collection)


def _owns(caller: Caller, collection: Collection) -> bool:
    owner = collection.owner.lower()
    return caller.user is not None and (caller.user.name.lower() == owner or owner in caller.roles)


def _find(store: Store, caller: Caller, namespace: str, slug: str) -> Collection:
    collection = store.collections.find(namespace, slug)
    if collection is None or not _may_see(caller, collection):
        raise NotFound("Collection not found")
    return collection


def _find_own(store: Store, caller: Caller, namespace: str, slug: str) -> Collection:
    collection = _find(store, caller, namespace, slug)
    if not decide_create(caller, collection.owner):
        raise Forbidden("You don't have the rights to change this collection.")
    return collection


def _find_item(store: Store, collection: Collection, item_id: str) -> Item:
    for item in store.collections.items(collection):
        if item.public_id == item_id:
            return item
    raise NotFound("The collection has no such item")


def _find_target(store: Store, caller: Caller, item: ItemId) -> str:
    if item.type == "collection":
        namespace, _, slug = item.id.partition("/")
        return str(_find(store, caller, namespace, slug).id)
    if not _sees_repo(store, caller, item.type, item.id):
        raise NotFound(f"There is no {item.type} {item.id}")
    return item.id


def _sees_repo(store: Store, caller: Caller, type: RepoType, full_name: str) -> bool:
    namespace, _, name = full_name.partition("/")
    repo = store.repos.find(type, namespace, name)
    return repo is not None and decide_right(caller, repo) >= Right.READ

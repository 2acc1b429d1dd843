"""Buckets: files without commits, by the hashes that xet has for them."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from hfdeploy_localhub.api.context import (
    Body,
    CurrentCaller,
    CurrentHub,
    CurrentStore,
    CurrentUser,
    Decoded,
    PageCursor,
    base_url,
    check_open,
    check_write,
    find_visible,
    web_url,
)
from hfdeploy_localhub.api.repos import next_link
from hfdeploy_localhub.api.sending import receive_whole, send_range
from hfdeploy_localhub.api.xet import show_token
from hfdeploy_localhub.batches import apply_changes, parse_change
from hfdeploy_localhub.commits import read_objects
from hfdeploy_localhub.errors import Conflict, EntryNotFound, Forbidden, NotFound, RepoNotFound
from hfdeploy_localhub.model import (
    Caller,
    Repo,
    RepoType,
    Right,
    Visibility,
    check_repo_name,
    decide_create,
    decide_right,
    format_time,
)
from hfdeploy_localhub.store.buckets import BucketFile, BucketFolder, end_of
from hfdeploy_localhub.store.repos import Listing
from hfdeploy_localhub.store.store import Store

api_router = APIRouter(prefix="/api/buckets")
web_router = APIRouter(prefix="/buckets")

_PAGE = 1000
_MAX_PATHS = 2000
_MAX_BATCH_BYTES = 16 * 1024 * 1024
_CALLER = "me"
"""Stands for the caller's own namespace."""


class NewBucket(Body):
    visibility: Literal["public", "private"] | None = None


class Settings(Body):
    private: bool


class Paths(Body):
    paths: list[str] = Field(max_length=_MAX_PATHS)


def get_bucket(request: Request, caller: CurrentCaller) -> Repo:
    """The bucket in the path, if the caller may see it. Raises RepoNotFound, MovedError."""
    return find_visible(request, caller, "bucket")


def get_own_bucket(bucket: Annotated[Repo, Depends(get_bucket)], caller: CurrentCaller) -> Repo:
    """A bucket that the caller may change. Raises Forbidden, or RepoNotFound."""
    check_write(caller, bucket)
    return bucket


class TreePage(BaseModel):
    """Which part of a bucket to list; ``cursor`` is a text that sorts before the first path of it."""

    recursive: bool = True
    limit: int = _PAGE
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class BucketListing:
    """Files of one bucket."""

    store: CurrentStore
    bucket: Annotated[Repo, Depends(get_bucket)]
    wanted: Annotated[TreePage, Query()]
    request: Request
    response: Response

    def page(self, prefix: str) -> list[dict[str, Any]]:
        """Paths that begin with ``prefix``; in the answer's headers where the next page is."""
        size = min(max(self.wanted.limit, 1), _PAGE)
        found = self.store.buckets.page(
            self.bucket, prefix, recursive=self.wanted.recursive, after=self.wanted.cursor, limit=size + 1
        )
        if len(found) > size:
            last = found[size - 1]
            behind = last.path if isinstance(last, BucketFile) else end_of(last.path)
            self.response.headers["Link"] = next_link(self.request, behind)
        return [_describe_entry(entry) for entry in found[:size]]


VisibleBucket = Annotated[Repo, Depends(get_bucket)]
OwnBucket = Annotated[Repo, Depends(get_own_bucket)]
RequestedListing = Annotated[BucketListing, Depends(BucketListing)]


@api_router.get("/{namespace}")
def list_buckets(
    namespace: Decoded,
    request: Request,
    response: Response,
    store: CurrentStore,
    caller: CurrentCaller,
    search: str = "",
    cursor: PageCursor = None,
) -> list[dict[str, Any]]:
    account = store.accounts.find(_namespace(namespace, caller))
    if account is None:
        raise RepoNotFound(anonymous=caller.anonymous)
    page = store.repos.page(Listing("bucket", account.name, (search,), after=cursor, limit=_PAGE))
    if len(page) == _PAGE:
        response.headers["Link"] = next_link(request, str(page[-1].id))
    return [_describe(store, bucket) for bucket in page if decide_right(caller, bucket) >= Right.READ]


@api_router.post("/{namespace}/{name}")
def create(
    body: NewBucket, namespace: Decoded, name: Decoded, request: Request, hub: CurrentHub, caller: CurrentUser
) -> dict[str, Any]:
    check_repo_name(name)
    account = hub.store.accounts.find(_namespace(namespace, caller))
    if account is None or not decide_create(caller, account.name):
        raise Forbidden(f"You don't have the rights to create a bucket under the namespace {namespace!r}.")
    visibility = body.visibility or account.default_visibility
    repos = hub.store.repos
    if taken := repos.find("bucket", account.name, name):
        raise Conflict("You already created this bucket", details={"url": web_url(request, taken)})
    bucket = repos.add(
        "bucket", account.name, name, visibility=visibility, creator=caller.user, now=hub.store.now()
    )
    return {"url": web_url(request, bucket), "name": bucket.full_name, "id": bucket.public_id}


@api_router.get("/{namespace}/{name}")
def show(store: CurrentStore, bucket: VisibleBucket) -> dict[str, Any]:
    return _describe(store, bucket)


@api_router.delete("/{namespace}/{name}")
def delete(store: CurrentStore, bucket: OwnBucket) -> Response:
    store.repos.remove(bucket)
    return JSONResponse({})


@api_router.put("/{namespace}/{name}/settings")
def change_settings(body: Settings, store: CurrentStore, bucket: OwnBucket) -> dict[str, Any]:
    visibility: Visibility = "private" if body.private else "public"
    store.repos.set_visibility(bucket, visibility)
    return {"private": body.private, "visibility": visibility}


@api_router.get("/{namespace}/{name}/tree")
def list_all(listing: RequestedListing) -> list[dict[str, Any]]:
    return listing.page("")


@api_router.get("/{namespace}/{name}/tree/{prefix:path}")
def list_some(listing: RequestedListing, prefix: Decoded) -> list[dict[str, Any]]:
    return listing.page(prefix)


@api_router.post("/{namespace}/{name}/paths-info")
def show_paths(body: Paths, store: CurrentStore, bucket: VisibleBucket) -> list[dict[str, Any]]:
    return [_describe_entry(file) for file in store.buckets.find(bucket, body.paths)]


@api_router.post("/{namespace}/{name}/batch")
async def change_files(
    request: Request, hub: CurrentHub, bucket: OwnBucket, caller: CurrentUser
) -> JSONResponse:
    """Adds, copies and deletes; what cannot be done is told, and fails the batch only if it is all of it."""
    body = await receive_whole(request, _MAX_BATCH_BYTES, "A batch")
    changes = [parse_change(line) for line in read_objects(body.split(b"\n"))]
    find_source = partial(_find_source, hub.store, caller)
    failures = await asyncio.to_thread(apply_changes, hub.store, bucket, changes, find_source)
    answer = {
        "success": not failures,
        "processed": len(changes),
        "succeeded": len(changes) - len(failures),
        "failed": [{"path": failure.path, "error": failure.error} for failure in failures],
    }
    return JSONResponse(answer, status_code=422 if failures and len(failures) == len(changes) else 200)


@api_router.get("/{namespace}/{name}/xet-write-token")
def show_write_token(request: Request, hub: CurrentHub, bucket: OwnBucket) -> Response:
    return show_token(request, hub, bucket, "xet-write")


@api_router.get("/{namespace}/{name}/xet-read-token")
def show_read_token(request: Request, hub: CurrentHub, bucket: VisibleBucket) -> Response:
    return show_token(request, hub, bucket, "xet-read")


@web_router.api_route("/{namespace}/{name}/resolve/{path:path}", methods=["GET", "HEAD"])
def download(store: CurrentStore, bucket: VisibleBucket, path: Decoded, request: Request) -> Response:
    found = store.buckets.find(bucket, [path])
    content = store.xet.find(bucket, found[0].hash) if found else None
    if content is None:
        raise EntryNotFound(f"Entry not found: {path}")
    token = f"{base_url(request)}/api/{bucket.web_path}/xet-read-token"
    etag = f'"{content.hash}"'
    headers = {
        "ETag": etag,
        "X-Linked-ETag": etag,
        "X-Linked-Size": str(content.size),
        "X-Xet-Hash": content.hash,
        "Link": f'<{token}>; rel="xet-auth"',
        "Content-Type": "application/octet-stream",
        "X-Content-Type-Options": "nosniff",
    }
    return send_range(request, store.large_content(content.sha256), headers)


def _find_source(store: Store, caller: Caller, type: RepoType, full_name: str) -> Repo:
    """What a caller may copy from. Raises NotFound, GatedRepo."""
    namespace, _, name = full_name.partition("/")
    repo = store.repos.find(type, namespace, name)
    if repo is None or decide_right(caller, repo) < Right.READ:
        raise NotFound(f"There is no {type} {full_name}")
    check_open(store, caller, repo)
    return repo


def _namespace(named: str, caller: Caller) -> str:
    return caller.user.name if named == _CALLER and caller.user else named


def _describe(store: Store, bucket: Repo) -> dict[str, Any]:
    size = store.buckets.measure(bucket)
    return {
        "_id": bucket.public_id,
        "id": bucket.full_name,
        "author": bucket.namespace,
        "private": bucket.visibility != "public",
        "visibility": bucket.visibility,
        "createdAt": format_time(bucket.created_at),
        "size": size.size,
        "totalFiles": size.files,
    }


def _describe_entry(entry: BucketFile | BucketFolder) -> dict[str, Any]:
    if isinstance(entry, BucketFolder):
        return {"type": "directory", "path": entry.path, "uploadedAt": entry.uploaded_at}
    described = {
        "type": "file",
        "path": entry.path,
        "size": entry.size,
        "xetHash": entry.hash,
        "uploadedAt": entry.uploaded_at,
    }
    if entry.mtime_ms is not None:
        described["mtime"] = format_time(datetime.fromtimestamp(entry.mtime_ms / 1000, UTC))
    return described

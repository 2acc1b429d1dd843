"""LFS housekeeping: which large files a repo holds, deleting them for good, giving them to another repo."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import Field

from hfdeploy_localhub.api.context import (
    Body,
    CurrentCaller,
    CurrentHub,
    CurrentStore,
    OpenRepo,
    OwnRepo,
    check_write,
)
from hfdeploy_localhub.api.repos import next_link
from hfdeploy_localhub.errors import RepoNotFound
from hfdeploy_localhub.model import Caller, GitType, Repo, Right, decide_right, format_time
from hfdeploy_localhub.store.git import MAIN
from hfdeploy_localhub.store.large_references import LargeReferences, Reference
from hfdeploy_localhub.store.store import Store

router = APIRouter(prefix="/api/{types}/{namespace}/{name}/lfs-files")

_PAGE = 1000
_MAX_BATCH = 1000


class Deletions(Body):
    sha: list[str] = Field(max_length=_MAX_BATCH)
    rewrite_history: bool = True


class Batch(Body):
    deletions: Deletions


class Target(Body):
    type: GitType = "model"
    name: str


class SharedFile(Body):
    sha256: str
    filename: str | None = None


class Sharing(Body):
    target: Target
    files: list[SharedFile] = Field(max_length=_MAX_BATCH)


@router.get("")
def list_files(
    store: CurrentStore, repo: OwnRepo, request: Request, response: Response, cursor: str = ""
) -> list[dict[str, Any]]:
    """The large files that commits name, each once however many do; ``cursor`` is the last one seen."""
    found = LargeReferences(store.git_folder(repo)).find()
    behind = [sha256 for sha256 in sorted(found) if sha256 > cursor]
    owned = [sha256 for sha256 in behind if store.repos.owns_large_file(repo, sha256) is not None]
    if len(owned) > _PAGE:
        response.headers["Link"] = next_link(request, owned[_PAGE - 1])
    return [_describe(found[sha256]) for sha256 in owned[:_PAGE]]


@router.post("/batch")
async def delete(body: Batch, hub: CurrentHub, repo: OwnRepo) -> dict[str, Any]:
    """Takes large files from the repo for good, and with ``rewriteHistory`` from all its commits.

    Without it the commits stay what they are, and pointers to nothing stay in them as plain text.
    """
    moved = await asyncio.to_thread(_delete, hub.store, repo, body.deletions)
    if repo.type == "space" and MAIN in moved:
        await hub.spaces.pushed(repo.full_name)
    return {}


@router.post("/duplicate")
def share(body: Sharing, store: CurrentStore, repo: OpenRepo, caller: CurrentCaller) -> dict[str, Any]:
    """Gives files of this repo, which the caller may read, to one that he may change. Nothing is copied."""
    target = _find_target(store, body.target, caller)
    done, failed = list[str](), list[dict[str, str]]()
    for file in body.files:
        size = store.repos.owns_large_file(repo, file.sha256)
        if size is None:
            failed.append({"sha256": file.sha256, "error": f"{repo.full_name} has no such file"})
        else:
            store.repos.add_large_file(target, file.sha256, size)
            done.append(file.sha256)
    return {"success": done, "failed": failed}


def _find_target(store: Store, wanted: Target, caller: Caller) -> Repo:
    namespace, _, name = wanted.name.partition("/")
    names = (wanted.type, namespace, name)
    target = store.repos.find(*names) or store.repos.find_moved(*names)
    if target is None or decide_right(caller, target) < Right.READ:
        raise RepoNotFound(anonymous=caller.anonymous)
    check_write(caller, target)
    return target


def _delete(store: Store, repo: Repo, deletions: Deletions) -> dict[str, str]:
    gone = frozenset(deletions.sha)
    with store.lock(repo):
        moved = LargeReferences(store.git_folder(repo)).drop(gone) if deletions.rewrite_history else {}
        store.repos.drop_large_files(repo, gone)
    return moved


def _describe(reference: Reference) -> dict[str, Any]:
    return {
        "fileOid": reference.file.sha256,
        "filename": reference.path,
        "oid": reference.file.sha256,
        "pushedAt": format_time(reference.pushed_at),
        "ref": reference.ref,
        "size": reference.file.size,
    }

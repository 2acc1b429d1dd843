"""Refs and history: branches, tags, commits, and squashing them."""

from itertools import islice
from typing import Any

from fastapi import APIRouter, Request, Response

from hfdeploy_localhub.api.context import (
    Body,
    CurrentHub,
    CurrentUser,
    Decoded,
    OwnRepo,
    PageCursor,
    RepoContent,
    VisibleRepo,
)
from hfdeploy_localhub.api.repos import next_link
from hfdeploy_localhub.errors import BadRequest, Conflict, RevisionNotFound
from hfdeploy_localhub.model import format_time
from hfdeploy_localhub.store.git import MAIN, Ref
from hfdeploy_localhub.store.store import author_of

router = APIRouter(prefix="/api/{types}/{namespace}/{name}")
_PAGE = 50
_MAX_PAGE = 1000
_MAX_SQUASH_MESSAGE = 500


class NewBranch(Body):
    starting_point: str | None = None
    empty_branch: bool = False
    overwrite: bool = False


class NewTag(Body):
    tag: str
    message: str | None = None


class Squash(Body):
    message: str = "Super-squash"


@router.get("/refs")
def list_refs(repo: VisibleRepo, git: RepoContent, include_prs: bool = False) -> dict[str, Any]:
    refs = {
        "branches": [_describe(ref) for ref in git.refs("refs/heads/")],
        "converts": [_describe(ref) for ref in git.refs("refs/convert/")],
        "tags": [_describe(ref) for ref in git.refs("refs/tags/")],
    }
    if include_prs:
        refs["pullRequests"] = [{**_describe(ref), "name": ref.ref} for ref in git.refs("refs/pr/")]
    return refs


@router.post("/branch/{branch}")
def create_branch(
    branch: Decoded, hub: CurrentHub, repo: OwnRepo, caller: CurrentUser, body: NewBranch | None = None
) -> dict[str, Any]:
    wanted = body or NewBranch()
    ref = _branch_ref(branch)
    with hub.store.lock(repo):
        git = hub.store.git(repo)
        if git.has_ref(ref) and not wanted.overwrite:
            raise Conflict(f"Reference {ref} already exists")
        start = git.resolve(wanted.starting_point or "main")
        if wanted.empty_branch:
            start = git.add_root(message="Initial commit", author=author_of(caller), now=hub.store.now())
        git.set_ref(ref, start)
    return {"success": True}


@router.delete("/branch/{branch}")
def delete_branch(branch: Decoded, hub: CurrentHub, repo: OwnRepo) -> dict[str, Any]:
    ref = _branch_ref(branch)
    if ref == MAIN:
        raise BadRequest(f"Cannot delete {MAIN}")
    with hub.store.lock(repo):
        git = hub.store.git(repo)
        if not git.has_ref(ref):
            raise RevisionNotFound(branch)
        git.drop_ref(ref)
    return {"success": True}


@router.post("/tag/{revision}")
def create_tag(
    body: NewTag, revision: Decoded, hub: CurrentHub, repo: OwnRepo, caller: CurrentUser
) -> dict[str, Any]:
    with hub.store.lock(repo):
        git = hub.store.git(repo)
        commit = git.resolve(revision)
        if git.has_ref(f"refs/tags/{body.tag}"):
            raise Conflict(f"Tag reference exists already: refs/tags/{body.tag}")
        git.add_tag(body.tag, commit, body.message or "", author_of(caller), hub.store.now())
    return {"success": True}


@router.delete("/tag/{tag}")
def delete_tag(tag: Decoded, hub: CurrentHub, repo: OwnRepo) -> dict[str, Any]:
    with hub.store.lock(repo):
        git = hub.store.git(repo)
        if not git.has_ref(f"refs/tags/{tag}"):
            raise RevisionNotFound(tag)
        git.drop_ref(f"refs/tags/{tag}")
    return {"success": True}


@router.post("/super-squash/{revision}")
def squash(
    body: Squash, revision: Decoded, hub: CurrentHub, repo: OwnRepo, caller: CurrentUser
) -> dict[str, Any]:
    """The history of a branch or pull request becomes one commit with the same files."""
    if len(body.message) > _MAX_SQUASH_MESSAGE:
        raise BadRequest(f"The message has {_MAX_SQUASH_MESSAGE} characters at most.")
    with hub.store.lock(repo):
        git = hub.store.git(repo)
        ref = git.branch(revision)
        oid = git.squash(ref, message=body.message, author=author_of(caller), now=hub.store.now())
    return {"success": True, "commitId": oid}


@router.get("/commits/{revision}")
def list_commits(
    repo: VisibleRepo,
    git: RepoContent,
    revision: Decoded,
    request: Request,
    response: Response,
    limit: int = _PAGE,
    cursor: PageCursor = None,
) -> list[dict[str, Any]]:
    """Newest first; ``X-Total-Count`` tells how many there are in all."""
    size = min(max(limit, 1), _MAX_PAGE)
    head = git.resolve(revision)
    commits = git.log(head)
    response.headers["X-Total-Count"] = str(git.count(head))
    start = cursor or 0
    page = list(islice(commits, start, start + size))
    if next(commits, None) is not None:
        response.headers["Link"] = next_link(request, str(start + size))
    formatted = "formatted" in request.query_params.getlist("expand[]")
    described = []
    for commit in page:
        item: dict[str, Any] = {
            "id": commit.id,
            "title": commit.title,
            "message": commit.message,
            "date": format_time(commit.date),
            "authors": [{"user": commit.author, "avatar": ""}],
        }
        if formatted:
            item["formatted"] = {"title": commit.title, "message": commit.message}
        described.append(item)
    return described


def _branch_ref(branch: str) -> str:
    """The full name; a branch may not pose as another kind of ref."""
    if branch.startswith("refs/") and not branch.startswith("refs/heads/"):
        raise BadRequest(f"Invalid reference for a branch: {branch}")
    return f"refs/heads/{branch.removeprefix('refs/heads/')}"


def _describe(ref: Ref) -> dict[str, Any]:
    return {"name": ref.name, "ref": ref.ref, "targetCommit": ref.commit}

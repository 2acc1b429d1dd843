"""Refs and history: branches, tags and commits."""

from itertools import islice
from typing import Any

from fastapi import APIRouter, Request, Response

from hfdeploy_localhub.api.context import Decoded, RepoContent, VisibleRepo
from hfdeploy_localhub.api.repos import next_link
from hfdeploy_localhub.model import format_time
from hfdeploy_localhub.store.git import Ref

router = APIRouter(prefix="/api/{types}/{namespace}/{name}")
_PAGE = 50


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


@router.get("/commits/{revision}")
def list_commits(
    repo: VisibleRepo,
    git: RepoContent,
    revision: Decoded,
    request: Request,
    response: Response,
    limit: int = _PAGE,
    cursor: int = 0,
) -> list[dict[str, Any]]:
    size = min(max(limit, 1), 1000)
    commits = git.log(git.resolve(revision))
    page = list(islice(commits, cursor, cursor + size))
    if next(commits, None) is not None:
        response.headers["Link"] = next_link(request, str(cursor + size))
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


def _describe(ref: Ref) -> dict[str, Any]:
    return {"name": ref.name, "ref": ref.ref, "targetCommit": ref.commit}

"""Likes: of a repo, and of a user."""

from typing import Any

from fastapi import APIRouter

from hfdeploy_localhub.api.context import (
    CurrentCaller,
    CurrentParticipant,
    CurrentStore,
    Decoded,
    VisibleRepo,
)
from hfdeploy_localhub.api.identity import describe_user
from hfdeploy_localhub.errors import NotFound
from hfdeploy_localhub.model import Right, decide_right

router = APIRouter(prefix="/api")


@router.post("/{types}/{namespace}/{name}/like")
def like(store: CurrentStore, repo: VisibleRepo, caller: CurrentParticipant) -> dict[str, Any]:
    assert caller.user is not None
    store.likes.add(repo, caller.user, store.now())
    return {"likes": store.likes.count(repo)}


@router.delete("/{types}/{namespace}/{name}/like")
def unlike(store: CurrentStore, repo: VisibleRepo, caller: CurrentParticipant) -> dict[str, Any]:
    assert caller.user is not None
    store.likes.drop(repo, caller.user)
    return {"likes": store.likes.count(repo)}


@router.get("/{types}/{namespace}/{name}/likers")
def list_likers(store: CurrentStore, repo: VisibleRepo) -> list[dict[str, Any]]:
    return [describe_user(user) for user in store.likes.likers(repo)]


@router.get("/users/{user}/likes")
def list_likes(user: Decoded, store: CurrentStore, caller: CurrentCaller) -> list[dict[str, Any]]:
    """What a user likes, as far as the caller may see it."""
    account = store.accounts.find(user)
    if account is None or account.kind != "user":
        raise NotFound(f"There is no user called {user}")
    liked = []
    for repo_id, moment in store.likes.liked(account):
        repo = store.repos.get(repo_id)
        if repo is not None and decide_right(caller, repo) >= Right.READ:
            liked.append({"createdAt": moment, "repo": {"name": repo.full_name, "type": repo.type}})
    return liked

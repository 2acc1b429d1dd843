"""Discussions and pull requests."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import Field

from hfdeploy_localhub.api.context import (
    Body,
    CurrentHub,
    CurrentParticipant,
    CurrentStore,
    Number,
    VisibleRepo,
    check_write,
)
from hfdeploy_localhub.errors import BadRequest, Forbidden, NotFound
from hfdeploy_localhub.model import Caller, Repo, Right, decide_right
from hfdeploy_localhub.pull_requests import Talk
from hfdeploy_localhub.store.discussions import Discussion, Event, Filter
from hfdeploy_localhub.store.git import MAIN
from hfdeploy_localhub.store.store import Store

router = APIRouter(prefix="/api/{types}/{namespace}/{name}/discussions")
_PAGE = 50


class NewDiscussion(Body):
    title: str = Field(min_length=3, max_length=200)
    description: str = ""
    pull_request: bool = False


class NewComment(Body):
    comment: str = Field(min_length=1, max_length=65536)


class NewTitle(Body):
    title: str = Field(min_length=3, max_length=200)


class NewStatus(Body):
    status: Literal["open", "closed"]
    comment: str | None = None


class Edit(Body):
    content: str = Field(min_length=1, max_length=65536)


class Merge(Body):
    comment: str | None = None


@router.get("")
def list_discussions(
    store: CurrentStore,
    repo: VisibleRepo,
    p: int = 0,
    type: Literal["discussion", "pull_request", "all"] = "all",
    status: Literal["open", "closed", "all"] = "all",
    author: str | None = None,
) -> dict[str, Any]:
    wanted = Filter(None if status == "all" else status, None if type == "all" else type, author)
    start = max(p, 0) * _PAGE
    count, page = store.discussions.page(repo, wanted, offset=start, limit=_PAGE)
    return {"discussions": [_describe(repo, item) for item in page], "count": count, "start": start}


@router.post("")
def create(
    body: NewDiscussion, store: CurrentStore, repo: VisibleRepo, caller: CurrentParticipant
) -> dict[str, Any]:
    """Any user who sees the repo may; a pull request made so is a draft at the head of main."""
    talk = Talk(store, repo, caller)
    with store.lock(repo):
        if body.pull_request:
            start = store.git(repo).head()
            discussion = talk.open_pull_request(body.title, body.description, start, "draft")
        else:
            discussion = talk.open(body.title, body.description, "open", pull_request=False)
    return _describe(repo, discussion)


@router.get("/{num}")
def show(num: Number, store: CurrentStore, repo: VisibleRepo, diff: bool = False) -> dict[str, Any]:
    discussion = _find(store, repo, num)
    events = store.discussions.events(repo, num)
    described = {**_describe(repo, discussion), "events": [describe_event(event) for event in events]}
    if discussion.is_pull_request:
        described |= _describe_changes(store, repo, discussion, diff)
    return described


@router.post("/{num}/comment")
def comment(
    num: Number, body: NewComment, store: CurrentStore, repo: VisibleRepo, caller: CurrentParticipant
) -> dict[str, Any]:
    event = Talk(store, repo, caller).comment(_find(store, repo, num), body.comment)
    return {"newMessage": describe_event(event)}


@router.post("/{num}/title")
def rename(
    num: Number, body: NewTitle, store: CurrentStore, repo: VisibleRepo, caller: CurrentParticipant
) -> dict[str, Any]:
    discussion = _find(store, repo, num)
    _check_author(caller, repo, discussion.author)
    return {"newTitle": describe_event(Talk(store, repo, caller).rename(discussion, body.title))}


@router.post("/{num}/status")
def change_status(
    num: Number, body: NewStatus, store: CurrentStore, repo: VisibleRepo, caller: CurrentParticipant
) -> dict[str, Any]:
    discussion = _find(store, repo, num)
    _check_author(caller, repo, discussion.author)
    if discussion.status in ("merged", body.status):
        raise BadRequest(f"This discussion is {discussion.status} already.")
    talk = Talk(store, repo, caller)
    if body.comment:
        talk.comment(discussion, body.comment)
    return {"newStatus": describe_event(talk.change_status(discussion, body.status))}


@router.post("/{num}/merge")
async def merge(
    num: Number, hub: CurrentHub, repo: VisibleRepo, caller: CurrentParticipant, body: Merge | None = None
) -> dict[str, Any]:
    check_write(caller, repo)
    discussion = _find(hub.store, repo, num)
    if not discussion.is_pull_request:
        raise BadRequest("Only pull requests can be merged.")
    talk = Talk(hub.store, repo, caller)
    with hub.store.lock(repo):
        oid = talk.merge(discussion, body.comment if body else None)
    if repo.type == "space":
        await hub.spaces.pushed(repo.full_name)
    return {"success": True, "mergeCommitId": oid}


@router.post("/{num}/comment/{event_id}/edit")
def edit_comment(
    num: Number, event_id: str, body: Edit, store: CurrentStore, repo: VisibleRepo, caller: CurrentParticipant
) -> dict[str, Any]:
    event = _find_comment(store, repo, num, event_id)
    if caller.user is None or caller.user.name != event.author:
        raise Forbidden("Only its author may edit a comment.")
    return {"updatedComment": describe_event(Talk(store, repo, caller).edit(event, body.content))}


@router.post("/{num}/comment/{event_id}/hide")
def hide_comment(
    num: Number, event_id: str, store: CurrentStore, repo: VisibleRepo, caller: CurrentParticipant
) -> dict[str, Any]:
    event = _find_comment(store, repo, num, event_id)
    _check_author(caller, repo, event.author)
    return {"updatedComment": describe_event(Talk(store, repo, caller).hide(event))}


def describe_event(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "type": event.type,
        "createdAt": event.created_at,
        "author": {"name": event.author, "type": "user"},
        "data": event.data,
    }


def _describe(repo: Repo, discussion: Discussion) -> dict[str, Any]:
    return {
        "num": discussion.num,
        "title": discussion.title,
        "author": {"name": discussion.author, "type": "user"},
        "createdAt": discussion.created_at,
        "status": discussion.status,
        "isPullRequest": discussion.is_pull_request,
        "repo": {"name": repo.full_name, "type": repo.type},
    }


def _describe_changes(store: Store, repo: Repo, discussion: Discussion, diff: bool) -> dict[str, Any]:
    git = store.git(repo)
    base, head = git.head(), git.head(discussion.ref)
    pending = discussion.status != "merged"
    changes: dict[str, Any] = {"base": MAIN}
    if discussion.merge_commit:
        changes["mergeCommitId"] = discussion.merge_commit
        base = git.show(discussion.merge_commit).parents[0]
    described: dict[str, Any] = {
        "changes": changes,
        "filesWithConflicts": git.conflicts(base, head) if pending else [],
    }
    if diff:
        described["diff"] = git.diff(base, head)
    return described


def _find(store: Store, repo: Repo, num: int) -> Discussion:
    discussion = store.discussions.find(repo, num)
    if discussion is None:
        raise NotFound(f"{repo.full_name} has no discussion {num}")
    return discussion


def _find_comment(store: Store, repo: Repo, num: int, event_id: str) -> Event:
    event = store.discussions.find_event(repo, num, event_id)
    if event is None or event.type != "comment":
        raise NotFound(f"There is no comment {event_id} in discussion {num}")
    return event


def _check_author(caller: Caller, repo: Repo, author: str) -> None:
    own = caller.user is not None and caller.user.name == author
    if not own and decide_right(caller, repo) < Right.WRITE:
        raise Forbidden("Only its author and those who may write to the repo may do this.")

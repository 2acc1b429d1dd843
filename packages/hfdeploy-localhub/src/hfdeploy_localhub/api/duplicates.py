"""Duplicating a repo: its main branch, large files included, under another name."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import Field

from hfdeploy_localhub.api.context import Body, CurrentHub, CurrentUser, OpenRepo, web_url
from hfdeploy_localhub.api.repos import (
    KeyValue,
    SleepSeconds,
    Volume,
    check_settings,
    choose_visibility,
    set_up_space,
    split_name,
)
from hfdeploy_localhub.errors import Conflict, Forbidden
from hfdeploy_localhub.model import Visibility, check_repo_name, decide_create

router = APIRouter(prefix="/api/{types}/{namespace}/{name}")


class Duplicate(Body):
    repository: str
    visibility: Visibility | None = None
    private: bool | None = None
    hardware: str | None = None
    sleep_time_seconds: SleepSeconds | None = None
    secrets: list[KeyValue] = Field(default_factory=list)
    variables: list[KeyValue] = Field(default_factory=list)
    volumes: list[Volume] | None = None


@router.post("/duplicate")
async def duplicate(
    body: Duplicate, request: Request, hub: CurrentHub, repo: OpenRepo, caller: CurrentUser
) -> dict[str, Any]:
    """Raises Conflict, with the address of the repo that has the name, if it is taken."""
    namespace, name = split_name(body.repository, None, caller)
    check_repo_name(name)
    check_settings(body)
    if not decide_create(caller, namespace):
        raise Forbidden(
            f"You don't have the rights to create a {repo.type} under the namespace {namespace!r}."
        )
    taken = hub.store.repos.find(repo.type, namespace, name)
    if taken is not None:
        details = {"url": web_url(request, taken)}
        raise Conflict(f"You already created this {repo.type} repo: {taken.full_name}", details=details)
    visibility = choose_visibility(body.visibility, body.private, repo.type) or repo.visibility
    made = hub.store.duplicate_repo(caller, repo, namespace, name, visibility=visibility)
    if made.type == "space":
        set_up_space(hub, made, body)
        await hub.spaces.pushed(made.full_name)
    return {"url": web_url(request, made), "filesCopyPending": False}

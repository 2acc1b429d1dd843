"""A Space: its app in a frame, its stage and its logs as they come, and what its owner may do."""

from typing import Literal
from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.responses import JSONResponse, RedirectResponse, StreamingResponse

from hfdeploy_localhub.api.context import CurrentHub, Hub
from hfdeploy_localhub.api.spaces import stream_events
from hfdeploy_localhub.errors import NotFound
from hfdeploy_localhub.model import Caller, Repo
from hfdeploy_localhub.pages import views
from hfdeploy_localhub.pages.rendering import render
from hfdeploy_localhub.pages.route import make_router
from hfdeploy_localhub.pages.visitor import SeenSpace, Visitor, check_may_act, may_write, sign_visit
from hfdeploy_localhub.store.git import GitRepository

router = make_router()


def show_space(request: Request, hub: Hub, visitor: Caller, repo: Repo, git: GitRepository) -> Response:
    # By the name that the visitor calls this machine, so that cookies reach the frame.
    port = urlsplit(hub.spaces.host(repo.full_name)).port
    host = f"http://{request.url.hostname}:{port}"
    runtime = hub.spaces.runtime(repo.full_name)
    is_own = may_write(visitor, repo)
    return render(
        "space.html",
        frames=host,
        visitor=visitor,
        shown=views.show_repo(hub, visitor, repo, git, "main"),
        host=host,
        app=f"{host}/?__sign={sign_visit(hub, repo)}" if repo.visibility == "private" else host,
        runtime=runtime,
        settings=views.read_settings(hub, repo) if is_own else None,
    )


@router.get("/{types}/{namespace}/{name}/stage")
def tell_stage(hub: CurrentHub, space: SeenSpace) -> Response:
    runtime = hub.spaces.runtime(space.full_name)
    return JSONResponse({"stage": runtime.stage, "sha": runtime.sha}, headers={"Cache-Control": "no-store"})


@router.get("/{types}/{namespace}/{name}/logs/{kind}")
def stream_log(
    hub: CurrentHub, visitor: Visitor, space: SeenSpace, kind: Literal["build", "run"]
) -> Response:
    """The owner's alone, as in the API: logs may tell secrets."""
    if not may_write(visitor, space):
        raise NotFound("Only those who may change this Space read its logs.")
    events = stream_events(hub.spaces.log(space.full_name, kind))
    return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-cache"})


@router.post("/{types}/{namespace}/{name}/{action}")
async def act(
    request: Request, hub: CurrentHub, visitor: Visitor, space: SeenSpace, action: Literal["restart", "pause"]
) -> Response:
    check_may_act(request, visitor, space)
    hub.store.space_rows.update(space, {"paused": int(action == "pause")})
    await (hub.spaces.pause if action == "pause" else hub.spaces.restart)(space.full_name)
    return RedirectResponse(f"/{space.web_path}", status_code=303)

"""Gated repos: asking for access, and answering those who asked."""

from typing import Any, Literal

from fastapi import APIRouter

from hfdeploy_localhub.api.context import Body, CurrentStore, CurrentUser, OwnRepo, VisibleRepo
from hfdeploy_localhub.errors import BadRequest, Conflict, NotFound
from hfdeploy_localhub.model import Repo
from hfdeploy_localhub.store.access_requests import AccessRequest, Status
from hfdeploy_localhub.store.store import Store

router = APIRouter(prefix="/api/{types}/{namespace}/{name}/user-access-request")
web_router = APIRouter()


Fields = dict[str, str | int | bool]
"""What a repo's own form asks for: ``extra_gated_fields`` in its card."""


class Grant(Body):
    user: str


class Handling(Body):
    status: Status
    user: str | None = None
    request_id: str | None = None
    rejection_reason: str | None = None


@router.get("/{status}")
def list_requests(
    status: Literal["pending", "accepted", "rejected"], store: CurrentStore, repo: OwnRepo
) -> Any:
    return [_describe(request) for request in store.access_requests.of(repo, status)]


@router.post("/grant")
def grant(body: Grant, store: CurrentStore, repo: OwnRepo) -> dict[str, Any]:
    """Access without a request of the user's own. Raises Conflict if he has one."""
    user = store.accounts.find(body.user)
    if user is None or user.kind != "user":
        raise NotFound(f"There is no user called {body.user}")
    if store.access_requests.find(repo, user) is not None:
        raise Conflict(f"{user.name} has an access request already: accept that one.")
    store.access_requests.add(repo, user, "accepted", store.now())
    return {"success": True}


@router.post("/handle")
def handle(body: Handling, store: CurrentStore, repo: OwnRepo) -> dict[str, Any]:
    """Raises BadRequest if the request has that status already."""
    request = _find(store, repo, body)
    if request.status == body.status:
        raise BadRequest(f"The access request of {request.user} is {request.status} already.")
    store.access_requests.set_status(request, body.status)
    return {"success": True}


@web_router.post("/{types}/{namespace}/{name}/ask-access")
@web_router.post("/{namespace}/{name}/ask-access")
def ask(
    store: CurrentStore, repo: VisibleRepo, caller: CurrentUser, fields: Fields | None = None
) -> dict[str, Any]:
    """What the form on a gated repo's page does: at once where it is automatic, else the owner decides."""
    if repo.gated is None:
        raise BadRequest(f"{repo.full_name} is not gated.")
    assert caller.user is not None
    status: Status = "accepted" if repo.gated == "auto" else "pending"
    store.access_requests.add(repo, caller.user, status, store.now(), fields)
    request = store.access_requests.find(repo, caller.user)
    return {"status": request.status if request else "pending"}


def _find(store: Store, repo: Repo, body: Handling) -> AccessRequest:
    if (body.user is None) == (body.request_id is None):
        raise BadRequest('Name the request by either "user" or "requestId".')
    for request in store.access_requests.of(repo):
        if request.user == body.user or request.public_id == body.request_id:
            return request
    raise NotFound("There is no such access request.")


def _describe(request: AccessRequest) -> dict[str, Any]:
    described = {
        "requestId": request.public_id,
        "user": {"user": request.user, "fullname": request.full_name},
        "status": request.status,
        "timestamp": request.created_at,
    }
    return {**described, "fields": request.fields} if request.fields else described

"""What is here: all repos, or those of one account; and the files that every page needs."""

from fastapi import Response
from fastapi.responses import RedirectResponse

from hfdeploy_localhub.api.context import CurrentHub, Decoded
from hfdeploy_localhub.errors import NotFound
from hfdeploy_localhub.model import REPO_TYPES, RepoType
from hfdeploy_localhub.pages import views
from hfdeploy_localhub.pages.rendering import render, send_static
from hfdeploy_localhub.pages.route import make_router
from hfdeploy_localhub.pages.visitor import Visitor

router = make_router()
last_router = make_router()
"""What would match the addresses of others."""


@router.get("/")
def show_overview(
    hub: CurrentHub, visitor: Visitor, type: RepoType | None = None, q: str = "", after: int | None = None
) -> Response:
    page = views.list_repos(hub, visitor, type, None, q, after)
    return render("overview.html", visitor=visitor, page=page, type=type, q=q, account=None, types=REPO_TYPES)


@router.get("/{types}s")
def lead_to_type(types: RepoType) -> Response:
    return RedirectResponse(f"/?type={types}", status_code=302)


@router.get("/-/style.css")
def send_style() -> Response:
    return send_static("style.css")


@router.get("/-/live.js")
def send_script() -> Response:
    return send_static("live.js")


@last_router.get("/{namespace}")
def show_account(
    hub: CurrentHub, visitor: Visitor, namespace: Decoded, q: str = "", after: int | None = None
) -> Response:
    account = hub.store.accounts.find(namespace)
    if account is None:
        raise NotFound("There is nobody of that name here.")
    page = views.list_repos(hub, visitor, None, account.name, q, after)
    return render(
        "overview.html", visitor=visitor, page=page, type=None, q=q, account=account, types=REPO_TYPES
    )


@last_router.get("/{rest:path}")
def refuse(rest: str) -> Response:
    raise NotFound("There is no such page.")

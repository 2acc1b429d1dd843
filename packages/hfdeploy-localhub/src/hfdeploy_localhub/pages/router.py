"""The routes of the pages. Asked last: what clients ask for under the same addresses goes before."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse, StreamingResponse
from fastapi.routing import APIRoute

from hfdeploy_localhub.api.context import CurrentHub, Decoded, Hub, check_open, get_hub
from hfdeploy_localhub.api.sending import send_range
from hfdeploy_localhub.api.spaces import stream_events
from hfdeploy_localhub.errors import EntryNotFound, HubError, InvalidCredentials, NotFound, TooLarge
from hfdeploy_localhub.model import REPO_TYPES, Caller, Repo, RepoType
from hfdeploy_localhub.pages import views
from hfdeploy_localhub.pages.rendering import render, send_static
from hfdeploy_localhub.pages.visitor import (
    Visitor,
    begin_session,
    check_may_act,
    check_origin,
    end_session,
    get_seen_bucket,
    get_seen_repo,
    get_visitor,
    may_write,
    sign_visit,
)
from hfdeploy_localhub.store.content import Content as Bytes
from hfdeploy_localhub.store.git import GitRepository

_MOST_FORM_BYTES = 10_000


class PageRoute(APIRoute):
    """A refusal is a page too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_for_people(request: Request) -> Response:
            try:
                return await handle(request)
            except HubError as refusal:
                return _refuse(request, refusal)

        return handle_for_people


router = APIRouter(route_class=PageRoute)
SeenBucket = Annotated[Repo, Depends(get_seen_bucket)]
SeenRepo = Annotated[Repo, Depends(get_seen_repo)]


def get_content(request: Request, repo: SeenRepo) -> GitRepository:
    return get_hub(request).store.git(repo)


def get_seen_space(repo: SeenRepo) -> Repo:
    if repo.type != "space":
        raise NotFound("That is no Space.")
    return repo


SeenSpace = Annotated[Repo, Depends(get_seen_space)]
Content = Annotated[GitRepository, Depends(get_content)]


# -- what is here ----------------------------------------------------------------------------------


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


# -- who looks -------------------------------------------------------------------------------------


@router.get("/-/sign-in")
def show_sign_in(visitor: Visitor) -> Response:
    return render("sign_in.html", visitor=visitor, fault=None)


@router.post("/-/sign-in")
async def sign_in(request: Request, hub: CurrentHub, visitor: Visitor) -> Response:
    check_origin(request)
    token = parse_qs(await _read_form(request)).get("token", [""])[0]
    response = RedirectResponse("/", status_code=303)
    try:
        begin_session(hub, response, token.strip())
    except InvalidCredentials:
        return render("sign_in.html", status=401, visitor=visitor, fault="This hub does not know that token.")
    return response


@router.post("/-/sign-out")
def sign_out(request: Request, hub: CurrentHub) -> Response:
    check_origin(request)
    response = RedirectResponse("/", status_code=303)
    end_session(hub, response)
    return response


# -- a bucket --------------------------------------------------------------------------------------


@router.get("/buckets/{namespace}/{name}")
def show_bucket(hub: CurrentHub, visitor: Visitor, bucket: SeenBucket, after: str = "") -> Response:
    return show_bucket_folder(hub, visitor, bucket, "", after)


@router.get("/buckets/{namespace}/{name}/tree/{path:path}")
def show_bucket_folder(
    hub: CurrentHub, visitor: Visitor, bucket: SeenBucket, path: Decoded, after: str = ""
) -> Response:
    lines, further = views.list_bucket(hub, bucket, path.strip("/"), after)
    return render(
        "bucket.html",
        visitor=visitor,
        bucket=bucket,
        path=path.strip("/"),
        lines=lines,
        further=further,
        size=hub.store.buckets.measure(bucket),
    )


@router.get("/buckets/{namespace}/{name}/file/{path:path}")
def send_bucket_file(request: Request, hub: CurrentHub, bucket: SeenBucket, path: Decoded) -> Response:
    found = hub.store.buckets.find(bucket, [path])
    content = hub.store.xet.find(bucket, found[0].hash) if found else None
    if content is None:
        raise EntryNotFound(f"Entry not found: {path}")
    return _send_bytes(request, hub.store.large_content(content.sha256), path)


# -- a Space ---------------------------------------------------------------------------------------


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


# -- a repo ----------------------------------------------------------------------------------------


def for_repos(path: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A route of every repo's page: models have no prefix."""

    def register(endpoint: Callable[..., Any]) -> Callable[..., Any]:
        router.get("/{types}/{namespace}/{name}" + path)(endpoint)
        return router.get("/{namespace}/{name}" + path)(endpoint)

    return register


@for_repos("/tree/{revision}")
def show_root(hub: CurrentHub, visitor: Visitor, repo: SeenRepo, git: Content, revision: Decoded) -> Response:
    shown = views.show_repo(hub, visitor, repo, git, revision)
    folder = views.list_folder(git, shown.commit.id, "")
    readme = views.read_readme(git, shown, _links(repo, revision))
    return render("tree.html", visitor=visitor, shown=shown, folder=folder, path="", readme=readme)


@for_repos("/tree/{revision}/{path:path}")
def show_folder(
    hub: CurrentHub, visitor: Visitor, repo: SeenRepo, git: Content, revision: Decoded, path: Decoded
) -> Response:
    shown = views.show_repo(hub, visitor, repo, git, revision)
    folder = views.list_folder(git, shown.commit.id, path.strip("/"))
    return render("tree.html", visitor=visitor, shown=shown, folder=folder, path=path.strip("/"), readme=None)


@for_repos("/blob/{revision}/{path:path}")
def show_file(
    hub: CurrentHub, visitor: Visitor, repo: SeenRepo, git: Content, revision: Decoded, path: Decoded
) -> Response:
    check_open(hub.store, visitor, repo)
    shown = views.show_repo(hub, visitor, repo, git, revision)
    entry = git.entry(shown.commit.id, path)
    if entry.kind != "file":
        return RedirectResponse(f"/{repo.web_path}/tree/{revision}/{path}", status_code=302)
    return render(
        "blob.html",
        visitor=visitor,
        shown=shown,
        entry=entry,
        path=path,
        lines=views.read_text(git, entry),
        is_image=views.find_image_type(path) is not None,
    )


@for_repos("/file/{revision}/{path:path}")
def send_file(
    request: Request,
    hub: CurrentHub,
    visitor: Visitor,
    repo: SeenRepo,
    git: Content,
    revision: Decoded,
    path: Decoded,
) -> Response:
    """A file's bytes for this session: an image to show, or a download. Never a page of this origin."""
    check_open(hub.store, visitor, repo)
    entry = git.entry(git.resolve(revision), path)
    if entry.kind != "file":
        raise EntryNotFound(f"Entry not found: {path}")
    content = hub.store.large_content(entry.large.sha256) if entry.large else git.read(entry)
    return _send_bytes(request, content, path)


@for_repos("/commits/{revision}")
def show_commits(
    hub: CurrentHub, visitor: Visitor, repo: SeenRepo, git: Content, revision: Decoded, skip: int = 0
) -> Response:
    shown = views.show_repo(hub, visitor, repo, git, revision)
    commits, older = views.list_commits(git, shown.commit.id, max(skip, 0))
    return render("commits.html", visitor=visitor, shown=shown, commits=commits, older=older)


@for_repos("/commit/{revision}")
def show_commit(
    hub: CurrentHub, visitor: Visitor, repo: SeenRepo, git: Content, revision: Decoded
) -> Response:
    check_open(hub.store, visitor, repo)
    shown = views.show_repo(hub, visitor, repo, git, revision)
    return render("commit.html", visitor=visitor, shown=shown, change=views.read_change(git, shown.commit.id))


@router.get("/{types}/{namespace}/{name}")
@router.get("/{namespace}/{name}")
def show_card(request: Request, hub: CurrentHub, visitor: Visitor, repo: SeenRepo, git: Content) -> Response:
    if repo.type == "space":
        return show_space(request, hub, visitor, repo, git)
    shown = views.show_repo(hub, visitor, repo, git, "main")
    readme = views.read_readme(git, shown, _links(repo, "main"))
    size = hub.store.repos.large_file_bytes(repo)
    return render("card.html", visitor=visitor, shown=shown, readme=readme, large_bytes=size)


@router.get("/{namespace}")
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


@router.get("/{rest:path}")
def refuse(rest: str) -> Response:
    raise NotFound("There is no such page.")


def _send_bytes(request: Request, content: bytes | Bytes, path: str) -> Response:
    """Never as a page of this origin."""
    image = views.find_image_type(path)
    headers = {
        "Content-Type": image or "application/octet-stream",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "Cache-Control": "no-store",
    }
    if image is None:
        headers["Content-Disposition"] = "attachment"
    return send_range(request, content, headers)


async def _read_form(request: Request) -> str:
    """A small form as it was sent. Raises TooLarge."""
    text = b""
    async for part in request.stream():
        text += part
        if len(text) > _MOST_FORM_BYTES:
            raise TooLarge("This form is too long.")
    return text.decode(errors="replace")


def _links(repo: Repo, revision: str) -> dict[str, str]:
    base = f"/{repo.web_path}"
    return {"files": f"{base}/blob/{revision}", "images": f"{base}/file/{revision}"}


def _refuse(request: Request, refusal: HubError) -> Response:
    """A page for browsers; others are told as by the API."""
    if "text/html" not in request.headers.get("accept", ""):
        raise refusal
    status = refusal.answer_status
    return render(
        "error.html",
        status=status,
        visitor=get_visitor(request),
        title="Not here" if status == 404 else "Not like that",
        message=refusal.message,
    )

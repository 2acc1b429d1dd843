"""Creating, deleting, moving, listing and describing repos."""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Annotated, Any, Literal, Protocol

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field

from hfdeploy_localhub.api.context import (
    Body,
    CurrentCaller,
    CurrentHub,
    CurrentStore,
    CurrentType,
    CurrentUser,
    Decoded,
    Hub,
    OpenRepo,
    OwnRepo,
    PageCursor,
    VisibleRepo,
    base_url,
    check_open,
    check_write,
    web_url,
)
from hfdeploy_localhub.api.describe import describe_repo
from hfdeploy_localhub.errors import BadRequest, Conflict, Forbidden, RepoNotFound
from hfdeploy_localhub.model import (
    VISIBILITIES,
    Caller,
    GitType,
    Repo,
    RepoType,
    Right,
    Sdk,
    Visibility,
    check_file_path,
    check_repo_name,
    check_setting_key,
    decide_create,
    decide_right,
    format_time,
)
from hfdeploy_localhub.store.repos import Listing
from hfdeploy_localhub.store.store import Store

router = APIRouter(prefix="/api")
_PAGE = 1000
_SORTED = ("likes", "lastModified")


class KeyValue(Body):
    key: str
    value: str
    description: str | None = None


class Volume(Body):
    type: RepoType
    source: str
    mount_path: str = Field(pattern=r"^/")
    revision: str | None = None
    read_only: bool | None = None
    path: str | None = None


SleepSeconds = Annotated[int, Field(ge=-1)]
"""How long a Space may be idle; -1: for ever."""


class NewFile(Body):
    path: str
    content: str
    encoding: Literal["utf-8", "base64"] = "utf-8"


class SpaceSettings(Protocol):
    """What creating and duplicating a Space have in common."""

    hardware: str | None
    sleep_time_seconds: int | None
    secrets: list[KeyValue]
    variables: list[KeyValue]
    volumes: list[Volume] | None


class NewRepo(Body):
    name: str
    organization: str | None = None
    type: GitType = "model"
    visibility: Visibility | None = None
    private: bool | None = None
    sdk: Sdk | None = None
    template: str | None = None
    hardware: str | None = None
    sleep_time_seconds: SleepSeconds | None = None
    secrets: list[KeyValue] = Field(default_factory=list)
    variables: list[KeyValue] = Field(default_factory=list)
    volumes: list[Volume] | None = None
    license: str | None = None
    files: list[NewFile] = Field(default_factory=list)


class RepoName(Body):
    name: str
    organization: str | None = None
    type: GitType = "model"


class Move(Body):
    from_repo: str
    to_repo: str
    type: RepoType = "model"


class Settings(Body):
    visibility: Visibility | None = None
    private: bool | None = None
    gated: Literal["auto", "manual", False] | None = None


@router.post("/repos/create")
async def create(body: NewRepo, request: Request, hub: CurrentHub, caller: CurrentUser) -> dict[str, Any]:
    namespace, name = split_name(body.name, body.organization, caller)
    check_repo_name(name)
    if not decide_create(caller, namespace):
        raise Forbidden(
            f"You don't have the rights to create a {body.type} under the namespace {namespace!r}."
        )
    template = _find_template(hub, caller, body) if body.template else None
    if body.type == "space" and body.sdk is None and template is None:
        raise BadRequest("A Space needs an sdk: gradio, streamlit, docker or static.")
    account = hub.store.accounts.find(namespace)
    default = account.default_visibility if account else "public"
    visibility = choose_visibility(body.visibility, body.private, body.type) or default
    check_settings(body)
    files = _read_files(body)
    store = hub.store
    try:
        repo = store.create_repo(
            caller,
            body.type,
            account.name if account else namespace,
            name,
            visibility=visibility,
            sdk=body.sdk,
            files=files,
            template=template,
        )
    except Conflict:
        taken = store.repos.find(body.type, namespace, name)
        address = web_url(request, taken) if taken else f"{base_url(request)}/{namespace}/{name}"
        raise Conflict(f"You already created this {body.type} repo", details={"url": address}) from None
    if repo.type == "space":
        set_up_space(hub, repo, body)
        await hub.spaces.pushed(repo.full_name)
    return {"url": web_url(request, repo), "name": repo.full_name, "id": repo.public_id}


@router.delete("/repos/delete")
async def delete(body: RepoName, hub: CurrentHub, caller: CurrentUser) -> Response:
    repo = _find(hub, body.type, *split_name(body.name, body.organization, caller), caller)
    check_write(caller, repo)
    if repo.type == "space":
        await hub.spaces.removed(repo.full_name)
    hub.store.remove_repo(repo)
    return PlainTextResponse("OK")


@router.post("/repos/move")
async def move(body: Move, hub: CurrentHub, caller: CurrentUser) -> dict[str, Any]:
    repo = _find(hub, body.type, *_split_id(body.from_repo), caller)
    namespace, name = _split_id(body.to_repo)
    check_write(caller, repo)
    check_repo_name(name)
    if not decide_create(caller, namespace):
        raise Forbidden(f"You don't have the rights to move a {body.type} to the namespace {namespace!r}.")
    hub.store.repos.move(repo, namespace, name)
    if repo.type == "space":
        await hub.spaces.renamed(repo.full_name, f"{namespace}/{name}")
    return {"success": True}


class SettingsPage(BaseModel):
    """Which part of an account's repos to list."""

    limit: int = _PAGE
    cursor: PageCursor = None


@router.get("/settings/repositories")
def list_own(
    page: Annotated[SettingsPage, Query()],
    request: Request,
    response: Response,
    store: CurrentStore,
    caller: CurrentUser,
) -> list[dict[str, Any]]:
    assert caller.user is not None
    return _list_settings(page, request, response, store, caller, caller.user.name)


@router.get("/organizations/{organisation}/settings/repositories")
def list_of_organisation(
    organisation: Decoded,
    page: Annotated[SettingsPage, Query()],
    request: Request,
    response: Response,
    store: CurrentStore,
    caller: CurrentUser,
) -> list[dict[str, Any]]:
    if organisation.lower() not in caller.roles:
        raise Forbidden(f"You are not a member of {organisation}.")
    return _list_settings(page, request, response, store, caller, organisation)


class RepoQuery(BaseModel):
    """Which repos to list. ``cursor`` is the last repo already seen, or, where they are sorted, how many."""

    author: str | None = None
    search: list[str] = Field(default_factory=list)
    filter: list[str] = Field(default_factory=list)
    gated: bool | None = None
    pipeline_tag: str | None = None
    models: list[str] = Field(default_factory=list)
    datasets: list[str] = Field(default_factory=list)
    linked: bool = False
    apps: list[str] = Field(default_factory=list)
    num_parameters: str | None = None
    inference: str | None = None
    inference_provider: list[str] = Field(default_factory=list)
    sort: str | None = None
    expand: list[str] = Field(default_factory=list)
    full: bool = False
    limit: int = _PAGE
    cursor: PageCursor = None

    def covers(self, item: Mapping[str, Any]) -> bool:
        """Whether a described repo is wanted. No model here has been counted, or runs anywhere."""
        if self.apps or self.num_parameters or self.inference or self.inference_provider:
            return False
        return (
            {*self.filter} <= {*item["tags"]}
            and self.gated in (None, bool(item["gated"]))
            and self.pipeline_tag in (None, item.get("pipeline_tag"))
            and {*self.models} <= {*item.get("models", ())}
            and {*self.datasets} <= {*item.get("datasets", ())}
            and (not self.linked or bool(item.get("models") or item.get("datasets")))
        )


@router.get("/{types}")
def list_repos(
    query: Annotated[RepoQuery, Query()],
    request: Request,
    response: Response,
    hub: CurrentHub,
    caller: CurrentCaller,
    type: CurrentType,
) -> list[dict[str, Any]]:
    """Newest first, as long as no other order is asked for in which repos here differ."""
    size = min(max(query.limit, 1), _PAGE)
    if query.sort in _SORTED:
        start = query.cursor or 0
        every = sorted(_find_all(hub, caller, type, query), key=lambda found: _sort_key(query, found[1]))
        page = every[start : start + size]
        following = start + size
    else:
        page = list(islice(_find_all(hub, caller, type, query, after=query.cursor), size))
        following = page[-1][0].id if page else 0
    if len(page) == size:
        response.headers["Link"] = next_link(request, str(following))
    if query.expand:
        return [describe_repo(hub, repo, expand=query.expand) for repo, _ in page]
    return [item for _, item in page]


def _find_all(
    hub: Hub, caller: Caller, type: RepoType, query: RepoQuery, *, after: int | None = None
) -> Iterator[tuple[Repo, dict[str, Any]]]:
    """The repos that the caller sees and asks for, each with its description; read as they are taken."""
    size = min(max(query.limit, 1), _PAGE)
    while True:
        page = hub.store.repos.page(Listing(type, query.author, query.search, after=after, limit=size))
        for repo in page:
            after = repo.id
            if decide_right(caller, repo) >= Right.READ:
                item = describe_repo(hub, repo, siblings=query.full)
                if query.covers(item):
                    yield repo, item
        if len(page) < size:
            return


def _sort_key(query: RepoQuery, item: Mapping[str, Any]) -> Any:
    """What is liked most, or changed last, comes first."""
    value = item[query.sort or "createdAt"]
    return -value if isinstance(value, int) else -datetime.fromisoformat(value).timestamp()


@router.get("/{types}/{namespace}/{name}")
def show(hub: CurrentHub, repo: VisibleRepo, request: Request, blobs: bool = False) -> dict[str, Any]:
    return describe_repo(hub, repo, blobs=blobs, expand=request.query_params.getlist("expand"))


@router.get("/{types}/{namespace}/{name}/revision/{revision}")
def show_revision(
    hub: CurrentHub, repo: VisibleRepo, revision: Decoded, request: Request, blobs: bool = False
) -> dict[str, Any]:
    expand = request.query_params.getlist("expand")
    return describe_repo(hub, repo, revision=revision, blobs=blobs, expand=expand)


@router.get("/{types}/{namespace}/{name}/auth-check")
def check_read_access(repo: OpenRepo) -> Response:
    return PlainTextResponse("OK")


@router.get("/{types}/{namespace}/{name}/auth-check/write")
def check_write_access(repo: OwnRepo) -> Response:
    return PlainTextResponse("OK")


@router.put("/{types}/{namespace}/{name}/settings")
def change_settings(body: Settings, hub: CurrentHub, repo: OwnRepo) -> dict[str, Any]:
    visibility = choose_visibility(body.visibility, body.private, repo.type)
    if visibility is not None:
        hub.store.repos.set_visibility(repo, visibility)
    if body.gated is not None:
        hub.store.repos.set_gated(repo, body.gated or None)
    changed = hub.store.repos.get(repo.id) or repo
    return {
        "visibility": changed.visibility,
        "private": changed.visibility != "public",
        "gated": changed.gated or False,
    }


def split_name(name: str, organisation: str | None, caller: Caller) -> tuple[str, str]:
    """Namespace and name as create and delete send them: apart, or joined by a slash."""
    if organisation is None and "/" in name:
        return _split_id(name)
    own = caller.user.name if caller.user else ""
    return organisation or own, name


def check_settings(body: SpaceSettings) -> None:
    """Raises BadRequest for a key that no environment variable can have."""
    for setting in (*body.secrets, *body.variables):
        check_setting_key(setting.key)


def choose_visibility(
    visibility: Visibility | None, private: bool | None, type: RepoType
) -> Visibility | None:
    """What is asked for: 2.x clients send ``visibility``, older ones ``private``."""
    if visibility is None and private is not None:
        visibility = VISIBILITIES[1] if private else VISIBILITIES[0]
    if visibility == "protected" and type != "space":
        raise BadRequest("Only Spaces can be protected.")
    return visibility


def next_link(request: Request, cursor: str) -> str:
    """``Link`` to the page behind ``cursor``: absolute, with the request's own parameters."""
    url = request.url.include_query_params(cursor=cursor)
    return f'<{url}>; rel="next"'


def _find(hub: Hub, type: RepoType, namespace: str, name: str, caller: Caller) -> Repo:
    repo = hub.store.repos.find(type, namespace, name)
    if repo is None or decide_right(caller, repo) < Right.READ:
        raise RepoNotFound(anonymous=caller.anonymous)
    return repo


def _find_template(hub: Hub, caller: Caller, body: NewRepo) -> Repo:
    """The Space that a new one begins with the files of. Raises BadRequest, RepoNotFound, GatedRepo."""
    if body.type != "space":
        raise BadRequest("Only Spaces are made from a template.")
    found = _find(hub, "space", *_split_id(body.template or ""), caller)
    check_open(hub.store, caller, found)
    return found


def _split_id(repo_id: str) -> tuple[str, str]:
    namespace, _, name = repo_id.partition("/")
    if not namespace or not name or "/" in name:
        raise BadRequest(f"Not a repo id: {repo_id!r}")
    return namespace, name


def _read_files(body: NewRepo) -> dict[str, bytes]:
    files = {}
    if body.license:
        files["README.md"] = f"---\nlicense: {body.license}\n---\n".encode()
    for file in body.files:
        try:
            content = base64.b64decode(file.content) if file.encoding == "base64" else file.content.encode()
        except binascii.Error:
            raise BadRequest(f"The content of {file.path} is not base64") from None
        files[check_file_path(file.path)] = content
    return files


def set_up_space(hub: Hub, repo: Repo, body: SpaceSettings) -> None:
    rows, now = hub.store.space_rows, hub.store.now()
    if body.hardware is not None:
        rows.update(repo, {"hardware": body.hardware})
    if body.sleep_time_seconds is not None:
        rows.update(repo, {"sleep_time_seconds": body.sleep_time_seconds})
    if body.volumes:
        rows.update(repo, {"volumes": format_volumes(body.volumes)})
    for secret in body.secrets:
        rows.put(repo, "secret", secret.key, secret.value, secret.description, now)
    for variable in body.variables:
        rows.put(repo, "variable", variable.key, variable.value, variable.description, now)


def format_volumes(volumes: Sequence[Volume]) -> str:
    return json.dumps([volume.model_dump(by_alias=True, exclude_none=True) for volume in volumes])


def _list_settings(
    wanted: SettingsPage, request: Request, response: Response, store: Store, caller: Caller, namespace: str
) -> list[dict[str, Any]]:
    """What the caller's token reaches of a namespace."""
    size = min(max(wanted.limit, 1), _PAGE)
    page = store.repos.page(Listing(namespace=namespace, after=wanted.cursor, limit=size))
    if len(page) == size:
        response.headers["Link"] = next_link(request, str(page[-1].id))
    items = []
    for repo in page:
        if decide_right(caller, repo) < Right.READ:
            continue
        updated_at, storage = _measure(store, repo)
        items.append(
            {
                "id": repo.full_name,
                "type": repo.type,
                "updatedAt": updated_at,
                "visibility": repo.visibility,
                "storage": storage,
                "storagePercent": 0.0,
            }
        )
    return items


def _measure(store: Store, repo: Repo) -> tuple[str, int]:
    """When a repo changed last, and the bytes that it takes."""
    if repo.type == "bucket":
        size = store.buckets.measure(repo)
        return size.uploaded_at or format_time(repo.created_at), size.size
    git = store.git(repo)
    return format_time(git.show(git.head()).date), store.repos.large_file_bytes(repo)

"""Reading a repo: its tree, single paths, and the bytes of files with ranges."""

from itertools import islice
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from hfdeploy_localhub.api.context import (
    CurrentStore,
    Decoded,
    OpenRepo,
    RepoContent,
    VisibleRepo,
)
from hfdeploy_localhub.api.repos import next_link
from hfdeploy_localhub.api.sending import send_range
from hfdeploy_localhub.errors import BadRequest, EntryNotFound
from hfdeploy_localhub.model import format_time
from hfdeploy_localhub.store.git import Commit, Entry, GitRepository

api_router = APIRouter(prefix="/api/{types}/{namespace}/{name}")
web_router = APIRouter()
_PAGE = 1000
_PAGE_WITH_COMMITS = 100


class TreePage(BaseModel):
    """Which part of a folder to list; ``cursor`` is the last path already seen."""

    recursive: bool = False
    expand: bool = False
    limit: int | None = None
    cursor: str | None = None


@api_router.get("/tree/{revision}")
def list_root(
    repo: VisibleRepo,
    git: RepoContent,
    revision: Decoded,
    request: Request,
    response: Response,
    page: Annotated[TreePage, Query()],
) -> list[dict[str, Any]]:
    return _list_tree(git, revision, "", page, request, response)


@api_router.get("/tree/{revision}/{path:path}")
def list_folder(
    repo: VisibleRepo,
    git: RepoContent,
    revision: Decoded,
    path: Decoded,
    request: Request,
    response: Response,
    page: Annotated[TreePage, Query()],
) -> list[dict[str, Any]]:
    return _list_tree(git, revision, path.strip("/"), page, request, response)


def _list_tree(
    git: GitRepository, revision: str, folder: str, wanted: TreePage, request: Request, response: Response
) -> list[dict[str, Any]]:
    commit = git.resolve(revision)
    most = _PAGE_WITH_COMMITS if wanted.expand else _PAGE
    size = min(max(wanted.limit or most, 1), most)
    entries = git.walk(commit, folder, recursive=wanted.recursive, after=wanted.cursor)
    page = list(islice(entries, size))
    if len(page) == size and next(entries, None) is not None:
        response.headers["Link"] = next_link(request, page[-1].path)
    changes = git.last_change(commit, [entry.path for entry in page]) if wanted.expand else {}
    return [describe_entry(entry, changes.get(entry.path)) for entry in page]


@api_router.post("/paths-info/{revision}")
async def show_paths(
    repo: VisibleRepo, git: RepoContent, revision: Decoded, request: Request
) -> list[dict[str, Any]]:
    if "json" in request.headers.get("content-type", ""):
        body = await request.json()
        paths, expand = body.get("paths", []), bool(body.get("expand"))
    else:
        form = parse_qs((await request.body()).decode(errors="replace"), keep_blank_values=True)
        paths, expand = form.get("paths", []), form.get("expand", [""])[-1].lower() in ("true", "1")
    if not isinstance(paths, list) or len(paths) > 2000 or not all(isinstance(path, str) for path in paths):
        raise BadRequest('"paths" must be a list of 2000 paths at most')
    commit = git.resolve(revision)
    found = [entry for path in paths if (entry := git.find(commit, path.strip("/"))) is not None]
    changes = git.last_change(commit, [entry.path for entry in found]) if expand else {}
    return [describe_entry(entry, changes.get(entry.path)) for entry in found]


def describe_entry(entry: Entry, last_change: Commit | None = None) -> dict[str, Any]:
    """A file or folder as tree and paths-info show it."""
    described: dict[str, Any] = {
        "type": entry.kind,
        "oid": entry.oid,
        "size": entry.size,
        "path": entry.path,
    }
    if entry.large:
        described["lfs"] = {
            "oid": entry.large.sha256,
            "size": entry.large.size,
            "pointerSize": entry.pointer_size,
        }
    if last_change:
        described["lastCommit"] = {
            "id": last_change.id,
            "title": last_change.title,
            "date": format_time(last_change.date),
        }
        if entry.kind == "file":
            described["securityFileStatus"] = {
                "status": "unscanned",
                "avScan": None,
                "pickleImportScan": None,
            }
    return described


@web_router.api_route("/{types}/{namespace}/{name}/resolve/{revision}/{path:path}", methods=["GET", "HEAD"])
@web_router.api_route("/{namespace}/{name}/resolve/{revision}/{path:path}", methods=["GET", "HEAD"])
def download(
    repo: OpenRepo, git: RepoContent, store: CurrentStore, revision: Decoded, path: Decoded, request: Request
) -> Response:
    """A file's content. Large files come straight, not by a redirect: see hub-api on ``resolve``."""
    commit = git.resolve(revision)
    entry = _file_at(git, commit, path)
    content = store.large_files.path(entry.large.sha256) if entry.large else git.read(entry)
    return _send(request, commit, entry, content)


@web_router.api_route("/{types}/{namespace}/{name}/raw/{revision}/{path:path}", methods=["GET", "HEAD"])
@web_router.api_route("/{namespace}/{name}/raw/{revision}/{path:path}", methods=["GET", "HEAD"])
def download_raw(
    repo: OpenRepo, git: RepoContent, revision: Decoded, path: Decoded, request: Request
) -> Response:
    """What git holds: of a large file its pointer."""
    commit = git.resolve(revision)
    entry = _file_at(git, commit, path)
    plain = Entry(entry.path, entry.kind, entry.oid, entry.pointer_size if entry.large else entry.size)
    return _send(request, commit, plain, git.read(entry))


def _file_at(git: RepoContent, commit: str, path: str) -> Entry:
    entry = git.find(commit, path)
    if entry is None or entry.kind != "file":
        raise EntryNotFound(f"Entry not found: {path}", headers={"X-Repo-Commit": commit})
    return entry


def _send(request: Request, commit: str, entry: Entry, content: bytes | Path) -> Response:
    name = entry.path.rsplit("/", 1)[-1]
    plain_name = name.encode("ascii", "replace").decode().replace('"', "_").replace("?", "_")
    headers = {
        "ETag": f'"{entry.etag}"',
        "X-Repo-Commit": commit,
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(name)}; filename=\"{plain_name}\";",
        "Content-Type": "application/octet-stream" if entry.large else "text/plain; charset=utf-8",
        "X-Content-Type-Options": "nosniff",
        "Access-Control-Expose-Headers": "X-Repo-Commit,ETag,X-Linked-Size,X-Linked-ETag,Link",
    }
    if entry.large:
        headers |= {"X-Linked-Size": str(entry.size), "X-Linked-ETag": headers["ETag"]}
    return send_range(request, content, entry.size, headers)

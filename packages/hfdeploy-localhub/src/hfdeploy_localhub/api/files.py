"""Reading a repo: its tree, single paths, and the bytes of files with ranges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from hfdeploy_localhub.api.context import (
    CurrentStore,
    Decoded,
    OpenRepo,
    RepoContent,
    VisibleRepo,
    base_url,
)
from hfdeploy_localhub.api.repos import next_link
from hfdeploy_localhub.api.sending import send_range
from hfdeploy_localhub.commits import read_objects
from hfdeploy_localhub.errors import BadRequest, EntryNotFound
from hfdeploy_localhub.model import Repo, format_time
from hfdeploy_localhub.store.content import Content
from hfdeploy_localhub.store.git import Commit, Entry

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


@dataclass(frozen=True, slots=True)
class Listing:
    """Entries of one repo, as tree and paths-info show them."""

    repo: VisibleRepo
    git: RepoContent
    store: CurrentStore
    request: Request
    response: Response

    def page(self, revision: str, folder: str, wanted: TreePage) -> list[dict[str, Any]]:
        """One page of a folder, and in the answer's headers where the next is."""
        commit = self.git.resolve(revision)
        most = _PAGE_WITH_COMMITS if wanted.expand else _PAGE
        size = min(max(wanted.limit or most, 1), most)
        entries = self.git.walk(commit, folder, recursive=wanted.recursive, after=wanted.cursor)
        page = list(islice(entries, size))
        if len(page) == size and next(entries, None) is not None:
            self.response.headers["Link"] = next_link(self.request, page[-1].path)
        return self.describe(commit, page, expand=wanted.expand)

    def describe(self, commit: str, entries: Sequence[Entry], *, expand: bool) -> list[dict[str, Any]]:
        changes = self.git.last_change(commit, [entry.path for entry in entries]) if expand else {}
        hashes = self.store.xet.hashes(entry.large.sha256 for entry in entries if entry.large)
        return [
            describe_entry(
                entry, changes.get(entry.path), hashes.get(entry.large.sha256) if entry.large else None
            )
            for entry in entries
        ]


RequestedListing = Annotated[Listing, Depends(Listing)]


@api_router.get("/tree/{revision}")
def list_root(
    listing: RequestedListing, revision: Decoded, page: Annotated[TreePage, Query()]
) -> list[dict[str, Any]]:
    return listing.page(revision, "", page)


@api_router.get("/tree/{revision}/{path:path}")
def list_folder(
    listing: RequestedListing, revision: Decoded, path: Decoded, page: Annotated[TreePage, Query()]
) -> list[dict[str, Any]]:
    return listing.page(revision, path.strip("/"), page)


@api_router.post("/paths-info/{revision}")
async def show_paths(
    listing: RequestedListing, git: RepoContent, revision: Decoded, request: Request
) -> list[dict[str, Any]]:
    if "json" in request.headers.get("content-type", ""):
        body = next(read_objects([await request.body()]), {})
        paths, expand = body.get("paths", []), bool(body.get("expand"))
    else:
        form = parse_qs((await request.body()).decode(errors="replace"), keep_blank_values=True)
        paths, expand = form.get("paths", []), form.get("expand", [""])[-1].lower() in ("true", "1")
    if not isinstance(paths, list) or len(paths) > 2000 or not all(isinstance(path, str) for path in paths):
        raise BadRequest('"paths" must be a list of 2000 paths at most')
    commit = git.resolve(revision)
    found = [entry for path in paths if (entry := git.find(commit, path.strip("/"))) is not None]
    return listing.describe(commit, found, expand=expand)


def describe_entry(
    entry: Entry, last_change: Commit | None = None, xet_hash: str | None = None
) -> dict[str, Any]:
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
    if xet_hash:
        described["xetHash"] = xet_hash
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
    if entry.large is None:
        return _send(request, commit, entry, git.read(entry))
    sha256 = entry.large.sha256
    links = _link_xet(request, repo, commit, store.xet.hashes([sha256]).get(sha256))
    return _send(request, commit, entry, store.large_content(sha256), links)


def _link_xet(request: Request, repo: Repo, commit: str, xet_hash: str | None) -> dict[str, str]:
    """What sends a client on by xet; without it, it reads on here."""
    if xet_hash is None:
        return {}
    address = f"{base_url(request)}/api/{repo.type}s/{repo.full_name}/xet-read-token/{commit}"
    return {"X-Xet-Hash": xet_hash, "Link": f'<{address}>; rel="xet-auth"'}


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


def _send(
    request: Request,
    commit: str,
    entry: Entry,
    content: bytes | Content,
    links: Mapping[str, str] | None = None,
) -> Response:
    name = entry.path.rsplit("/", 1)[-1]
    plain_name = "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in name)
    headers = {
        "ETag": f'"{entry.etag}"',
        "X-Repo-Commit": commit,
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(name)}; filename=\"{plain_name}\";",
        "Content-Type": "application/octet-stream" if entry.large else "text/plain; charset=utf-8",
        "X-Content-Type-Options": "nosniff",
        "Access-Control-Expose-Headers": "X-Repo-Commit,ETag,X-Linked-Size,X-Linked-ETag,X-Xet-Hash,Link",
        **(links or {}),
    }
    if entry.large:
        headers |= {"X-Linked-Size": str(entry.size), "X-Linked-ETag": headers["ETag"]}
    return send_range(request, content, headers)

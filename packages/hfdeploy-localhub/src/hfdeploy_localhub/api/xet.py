"""xet: the token routes of each repo, and the content store (CAS) that these tokens open."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from hfdeploy_localhub.api.context import (
    CurrentHub,
    Decoded,
    ExtensibleRepo,
    Hub,
    OpenRepo,
    RepoContent,
    base_url,
    get_hub,
    read_token,
)
from hfdeploy_localhub.api.sending import receive, receive_whole, refuse_range, send_range
from hfdeploy_localhub.errors import Forbidden, InvalidCredentials, NotFound, TooLarge
from hfdeploy_localhub.model import Repo
from hfdeploy_localhub.ranges import UNSATISFIABLE, Span, parse_range
from hfdeploy_localhub.store.xet_formats import MAX_XORB_BYTES
from hfdeploy_localhub.store.xet_plans import Fetch, Part

token_router = APIRouter(prefix="/api/{types}/{namespace}/{name}")
cas_router = APIRouter(prefix="/xet/{store}")

Purpose = Literal["xet-read", "xet-write"]
_LIFETIME = timedelta(hours=1)
_MAX_SHARD_BYTES = 128 * 1024 * 1024


# -- tokens ----------------------------------------------------------------------------------------


@token_router.get("/xet-write-token/{revision}")
def show_write_token(revision: Decoded, request: Request, hub: CurrentHub, repo: ExtensibleRepo) -> Response:
    """Whoever makes a pull request does not know its revision yet: any is taken."""
    return show_token(request, hub, repo, "xet-write")


@token_router.get("/xet-read-token/{revision}")
def show_read_token(
    revision: Decoded, request: Request, hub: CurrentHub, repo: OpenRepo, git: RepoContent
) -> Response:
    git.resolve(revision)
    return show_token(request, hub, repo, "xet-read")


def show_token(request: Request, hub: Hub, repo: Repo, purpose: Purpose) -> Response:
    """A token for the content store, in the body for hf_xet and in headers for huggingface_hub."""
    expires = hub.store.now() + _LIFETIME
    token = hub.signer.sign(purpose, {"repo": repo.id}, expires)
    address = _store_url(request)
    moment = int(expires.timestamp())
    return JSONResponse(
        {"casUrl": address, "exp": moment, "accessToken": token},
        headers={
            "X-Xet-Cas-Url": address,
            "X-Xet-Access-Token": token,
            "X-Xet-Token-Expiration": str(moment),
        },
    )


def _store_url(request: Request) -> str:
    """Where the content store is. Clients remember by this address which xorbs it has, beyond their own end:
    with other data it must be another, also where it is served by the same host and port.
    """
    return f"{base_url(request)}/xet/{get_hub(request).signer.derive_name('xet')}"


def _find_repo(purpose: Purpose) -> Callable[[Request], Repo]:
    def find_repo(request: Request) -> Repo:
        hub = get_hub(request)
        token = read_token(request.headers.get("authorization")) or ""
        claims = hub.signer.verify(purpose, token, hub.store.now())
        repo = hub.store.repos.get(claims["repo"]) if claims else None
        if repo is None:
            raise InvalidCredentials
        return repo

    return find_repo


WrittenRepo = Annotated[Repo, Depends(_find_repo("xet-write"))]
ReadRepo = Annotated[Repo, Depends(_find_repo("xet-read"))]


# -- uploads ---------------------------------------------------------------------------------------


@cas_router.post("/v1/xorbs/default/{name}")
async def put_xorb(name: str, request: Request, hub: CurrentHub, repo: WrittenRepo) -> dict[str, Any]:
    with hub.store.xet.receive_xorb() as incoming:
        if await receive(request, incoming, MAX_XORB_BYTES) > MAX_XORB_BYTES:
            raise TooLarge(f"A xorb has {MAX_XORB_BYTES} bytes at most")
        return {"was_inserted": await asyncio.to_thread(hub.store.xet.keep_xorb, name, incoming)}


@cas_router.post("/v1/shards")
async def put_shard(request: Request, hub: CurrentHub, repo: WrittenRepo) -> dict[str, Any]:
    shard = await receive_whole(request, _MAX_SHARD_BYTES, "A shard")
    await asyncio.to_thread(_add_shard, hub, repo, shard)
    return {"result": 1}


def _add_shard(hub: Hub, repo: Repo, shard: bytes) -> None:
    for file in hub.store.xet.add_shard(shard):
        hub.store.repos.add_large_file(repo, file.sha256, file.size)


@cas_router.get("/v1/chunks/{prefix}/{name}")
def find_chunk(prefix: str, name: str) -> Response:
    """No deduplication across repos: what another repo holds is nobody else's business."""
    raise NotFound("Not found")


# -- downloads -------------------------------------------------------------------------------------


@cas_router.get("/v1/reconstructions/{name}")
def show_reconstruction(name: str, request: Request, hub: CurrentHub, repo: ReadRepo) -> Response:
    """How to put a file, or the range of it that is asked for, together: chunks and where to fetch them."""
    return _reconstruct(name, request, hub, repo, "fetch_info", _describe_piece)


@cas_router.get("/v2/reconstructions/{name}")
def show_reconstruction_v2(name: str, request: Request, hub: CurrentHub, repo: ReadRepo) -> Response:
    """The same in its newer form, which allows several ranges for an address; here each has its own."""
    return _reconstruct(name, request, hub, repo, "xorbs", _describe_piece_v2)


@cas_router.get("/xorbs/{word}")
def get_xorb(word: str, request: Request, hub: CurrentHub) -> Response:
    """A piece of a xorb: the address carries the right to these bytes and no others.

    Raises Forbidden, upon which clients ask for a new address.
    """
    claims = hub.signer.verify("xet-xorb", word, hub.store.now())
    if claims is None:
        raise Forbidden("This address is not valid, or no longer: ask for a new one.")
    content = hub.store.xet.xorb(claims["xorb"])
    span = parse_range(request.headers.get("range"), content.size) or Span(0, content.size)
    if span is not UNSATISFIABLE and not claims["start"] <= span.start < span.end <= claims["end"]:
        raise Forbidden("This address is for another range of bytes.")
    return send_range(request, content)


@dataclass(frozen=True, slots=True)
class _Desk:
    """Hands out addresses of pieces of xorbs."""

    hub: Hub
    address: str
    expires: datetime

    def url(self, fetch: Fetch) -> str:
        claims = {"xorb": fetch.xorb, "start": fetch.start, "end": fetch.end}
        return f"{self.address}/{self.hub.signer.sign('xet-xorb', claims, self.expires)}"


def _reconstruct(
    name: str,
    request: Request,
    hub: Hub,
    repo: Repo,
    key: str,
    describe: Callable[[Fetch, str], dict[str, Any]],
) -> Response:
    xet = hub.store.xet
    file = xet.find(repo, name)
    if file is None:
        raise NotFound("This repo has no such file")
    span = parse_range(request.headers.get("range"), file.size) or Span(0, file.size)
    if span is UNSATISFIABLE:
        return refuse_range(file.size)
    part = xet.plan(file, span)
    desk = _Desk(hub, f"{_store_url(request)}/xorbs", hub.store.now() + _LIFETIME)
    pieces = defaultdict[str, list[dict[str, Any]]](list)
    for fetch in xet.plan_fetches(part):
        pieces[fetch.xorb].append(describe(fetch, desk.url(fetch)))
    return JSONResponse({**_describe_part(part), key: pieces})


def _describe_part(part: Part) -> dict[str, Any]:
    return {
        "offset_into_first_range": part.skip,
        "terms": [
            {
                "hash": segment.xorb,
                "unpacked_length": segment.plain_bytes,
                "range": {"start": segment.first, "end": segment.end},
            }
            for segment in part.segments
        ],
    }


def _describe_piece(fetch: Fetch, url: str) -> dict[str, Any]:
    """Chunks without, bytes with their last: so the protocol has it."""
    return {
        "range": {"start": fetch.first_chunk, "end": fetch.end_chunk},
        "url": url,
        "url_range": {"start": fetch.start, "end": fetch.end - 1},
    }


def _describe_piece_v2(fetch: Fetch, url: str) -> dict[str, Any]:
    chunks = {"start": fetch.first_chunk, "end": fetch.end_chunk}
    return {"url": url, "ranges": [{"chunks": chunks, "bytes": {"start": fetch.start, "end": fetch.end - 1}}]}

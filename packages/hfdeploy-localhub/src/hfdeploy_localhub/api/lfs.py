"""git-lfs: the batch route, and the content that is put and fetched by signed addresses.

The client sends the content without its token, so the address itself carries the right to do it.
"""

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import Field

from hfdeploy_localhub.api.context import (
    Body,
    CurrentCaller,
    CurrentHub,
    Hub,
    OpenRepo,
    base_url,
    check_propose,
    get_hub,
)
from hfdeploy_localhub.api.sending import receive, send_range
from hfdeploy_localhub.errors import BadRequest, Forbidden, HubError, NotFound
from hfdeploy_localhub.model import Repo
from hfdeploy_localhub.store.large_files import Arrived, Writer


class LfsRoute(APIRoute):
    """git-lfs asks for a password where it is told to, and shows ``message``."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_for_lfs(request: Request) -> Response:
            try:
                return await handle(request)
            except HubError as refusal:
                refusal.details["message"] = refusal.message
                if refusal.answer_status == 401:
                    refusal.headers["LFS-Authenticate"] = 'Basic realm="The local hub"'
                raise

        return handle_for_lfs


router = APIRouter(route_class=LfsRoute)

PART_BYTES = 64 * 1024 * 1024
"""Above this size a file goes up in parts of it, if the client can."""
_MAX_BATCH = 1000
_MAX_FILE_BYTES = 500 * 1024**3
_LIFETIME = timedelta(hours=6)
_MEDIA_TYPE = "application/vnd.git-lfs+json"


class BatchObject(Body):
    oid: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0, le=_MAX_FILE_BYTES)


class Batch(Body):
    operation: Literal["upload", "download"]
    objects: list[BatchObject] = Field(max_length=_MAX_BATCH)
    transfers: list[str] = Field(default_factory=lambda: ["basic"])


class Part(Body):
    part_number: int = Field(ge=1)
    etag: str


class Completion(Body):
    oid: str
    parts: list[Part]


@router.post("/{types}/{namespace}/{name}.git/info/lfs/objects/batch")
@router.post("/{namespace}/{name}.git/info/lfs/objects/batch")
def batch(body: Batch, request: Request, hub: CurrentHub, repo: OpenRepo, caller: CurrentCaller) -> Response:
    if body.operation == "upload":
        check_propose(caller, repo)
        offer = _Offer(request, repo, multipart="multipart" in body.transfers)
        objects = [offer.upload(item) for item in body.objects]
        several = offer.multipart and any(item.size > PART_BYTES for item in body.objects)
    else:
        offer = _Offer(request, repo, multipart=False)
        objects = [offer.download(item) for item in body.objects]
        several = False
    transfer = "multipart" if several else "basic"
    answer = {"transfer": transfer, "objects": objects, "hash_algo": "sha256"}
    return JSONResponse(answer, media_type=_MEDIA_TYPE)


@router.post("/{types}/{namespace}/{name}.git/info/lfs/objects/verify")
@router.post("/{namespace}/{name}.git/info/lfs/objects/verify")
def verify(body: BatchObject, hub: CurrentHub, repo: OpenRepo, caller: CurrentCaller) -> dict[str, Any]:
    check_propose(caller, repo)
    if hub.store.repos.owns_large_file(repo, body.oid) != body.size:
        raise NotFound(f"{body.oid} with {body.size} bytes has not been uploaded")
    return {"oid": body.oid, "size": body.size}


def _verify(purpose: str) -> Callable[[str, Request], dict[str, Any]]:
    def verify(word: str, request: Request) -> dict[str, Any]:
        hub = get_hub(request)
        claims = hub.signer.verify(purpose, word, hub.store.now())
        if claims is None:
            raise Forbidden("This address is not valid, or no longer: ask for a new one.")
        return claims

    return verify


Claims = Annotated[dict[str, Any], Depends(_verify("lfs-upload"))]
ReadClaims = Annotated[dict[str, Any], Depends(_verify("lfs-download"))]


@router.get("/lfs/{word}")
def get_content(request: Request, hub: CurrentHub, claims: ReadClaims) -> Response:
    """A large file for git-lfs."""
    return send_range(request, hub.store.large_content(claims["oid"]))


@router.put("/lfs/{word}")
async def put_content(request: Request, hub: CurrentHub, claims: Claims) -> Response:
    """A whole file. Raises BadRequest if the bytes are not those announced."""
    with hub.store.large_files.receive() as incoming:
        await _receive(request, incoming, claims["size"])
        arrived = await asyncio.to_thread(incoming.keep, sha256=claims["oid"])
    await asyncio.to_thread(_own, hub, claims, arrived)
    return Response(status_code=200)


@router.put("/lfs/{word}/{part}")
async def put_part(request: Request, hub: CurrentHub, claims: Claims, part: int) -> Response:
    """One part of a file, at its place in it."""
    count = _count_parts(claims["size"])
    if not 1 <= part <= count:
        raise BadRequest(f"This file has parts 1 to {count}, not {part}")
    offset = (part - 1) * PART_BYTES
    with hub.store.large_files.receive_part(claims["upload"], offset) as writer:
        await _receive(request, writer, min(PART_BYTES, claims["size"] - offset))
    return Response(status_code=200, headers={"ETag": f'"{part}-{claims["upload"]}"'})


@router.post("/lfs/{word}/complete")
def complete(body: Completion, hub: CurrentHub, claims: Claims) -> dict[str, Any]:
    """Takes the parts as one file. Raises BadRequest if one is missing or the whole has another sha256."""
    count = _count_parts(claims["size"])
    if sorted(part.part_number for part in body.parts) != list(range(1, count + 1)):
        raise BadRequest(f"All parts from 1 to {count} are needed to complete this file")
    _own(hub, claims, hub.store.large_files.join_parts(claims["upload"], sha256=claims["oid"]))
    return {"success": True}


class _Offer:
    """Decides what the client is told to do for each object of a batch."""

    def __init__(self, request: Request, repo: Repo, *, multipart: bool) -> None:
        self._hub = get_hub(request)
        self._repo = repo
        self._endpoint = base_url(request)
        self.multipart = multipart
        self._expires = self._hub.store.now() + _LIFETIME

    def upload(self, item: BatchObject) -> dict[str, Any]:
        # not "authenticated": git-lfs would take it to mean that verify needs no token either
        described: dict[str, Any] = {"oid": item.oid, "size": item.size}
        if self._hub.store.repos.owns_large_file(self._repo, item.oid) is not None:
            return described
        claims = {"repo": self._repo.id, "oid": item.oid, "size": item.size}
        if self.multipart and item.size > PART_BYTES:
            word = self._sign("lfs-upload", {**claims, "upload": secrets.token_hex(16)})
            parts = range(1, _count_parts(item.size) + 1)
            header = {"chunk_size": str(PART_BYTES)} | {str(part): self._url(word, part) for part in parts}
            upload = {"href": self._url(word, "complete"), "header": header}
        else:
            upload = {"href": self._url(self._sign("lfs-upload", claims))}
        verify = {"href": f"{self._endpoint}/{self._repo.web_path}.git/info/lfs/objects/verify"}
        return {**described, "actions": {"upload": upload, "verify": verify}}

    def download(self, item: BatchObject) -> dict[str, Any]:
        described: dict[str, Any] = {"oid": item.oid, "size": item.size}
        if self._hub.store.repos.owns_large_file(self._repo, item.oid) is None:
            return {**described, "error": {"code": 404, "message": "Object does not exist"}}
        word = self._sign("lfs-download", {"oid": item.oid})
        return {**described, "authenticated": True, "actions": {"download": {"href": self._url(word)}}}

    def _sign(self, purpose: str, claims: dict[str, Any]) -> str:
        return self._hub.signer.sign(purpose, claims, self._expires)

    def _url(self, word: str, *rest: object) -> str:
        return "/".join([self._endpoint, "lfs", word, *map(str, rest)])


def _count_parts(size: int) -> int:
    return -(-size // PART_BYTES)


def _own(hub: Hub, claims: dict[str, Any], arrived: Arrived) -> None:
    repo = hub.store.repos.get(claims["repo"])
    if repo is None:
        raise NotFound("The repo of this upload is gone")
    hub.store.xet.add_plain(arrived.file, arrived.slices)
    hub.store.repos.add_large_file(repo, arrived.file.sha256, arrived.file.size)


async def _receive(request: Request, writer: Writer, expected: int) -> None:
    """Writes the body. Raises BadRequest if its length is wrong."""
    received = await receive(request, writer, expected)
    if received != expected:
        raise BadRequest(f"{received} bytes or more arrived, {expected} were announced")

"""xet uploads: the token route of each repo, and the content store (CAS) that the token opens."""

import asyncio
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from hfdeploy_localhub.api.context import (
    CurrentHub,
    Decoded,
    ExtensibleRepo,
    Hub,
    base_url,
    get_hub,
    read_token,
)
from hfdeploy_localhub.errors import InvalidCredentials, NotFound, TooLarge
from hfdeploy_localhub.model import Repo
from hfdeploy_localhub.store.xet_formats import MAX_XORB_BYTES

token_router = APIRouter(prefix="/api/{types}/{namespace}/{name}")
cas_router = APIRouter(prefix="/xet")

_LIFETIME = timedelta(hours=1)
_MAX_SHARD_BYTES = 256 * 1024 * 1024


@token_router.get("/xet-write-token/{revision}")
def show_write_token(revision: Decoded, request: Request, hub: CurrentHub, repo: ExtensibleRepo) -> Response:
    """A token for the content store, in the body for hf_xet and in headers for huggingface_hub."""
    expires = hub.store.now() + _LIFETIME
    token = hub.signer.sign("xet", {"repo": repo.id}, expires)
    address = f"{base_url(request)}/xet"
    moment = int(expires.timestamp())
    return JSONResponse(
        {"casUrl": address, "exp": moment, "accessToken": token},
        headers={
            "X-Xet-Cas-Url": address,
            "X-Xet-Access-Token": token,
            "X-Xet-Token-Expiration": str(moment),
        },
    )


def _uploading_repo(request: Request) -> Repo:
    hub = get_hub(request)
    token = read_token(request.headers.get("authorization")) or ""
    claims = hub.signer.verify("xet", token, hub.store.now())
    repo = hub.store.repos.get(claims["repo"]) if claims else None
    if repo is None:
        raise InvalidCredentials
    return repo


UploadingRepo = Annotated[Repo, Depends(_uploading_repo)]


@cas_router.post("/v1/xorbs/default/{name}")
async def put_xorb(name: str, request: Request, hub: CurrentHub, repo: UploadingRepo) -> dict[str, Any]:
    content = await _read_body(request, MAX_XORB_BYTES)
    return {"was_inserted": await asyncio.to_thread(hub.store.xet.add_xorb, name, content)}


@cas_router.post("/v1/shards")
async def put_shard(request: Request, hub: CurrentHub, repo: UploadingRepo) -> dict[str, Any]:
    content = await _read_body(request, _MAX_SHARD_BYTES)
    await asyncio.to_thread(_add_shard, hub, repo, content)
    return {"result": 1}


@cas_router.get("/v1/chunks/{prefix}/{name}")
def find_chunk(prefix: str, name: str) -> Response:
    """No deduplication across repos: what another repo holds is nobody else's business."""
    raise NotFound("Not found")


def _add_shard(hub: Hub, repo: Repo, content: bytes) -> None:
    for file in hub.store.xet.add_shard(content):
        hub.store.repos.add_large_file(repo, file.sha256, file.size)


async def _read_body(request: Request, most: int) -> bytes:
    body = bytearray()
    async for data in request.stream():
        body += data
        if len(body) > most:
            raise TooLarge(f"At most {most} bytes are taken here")
    return bytes(body)

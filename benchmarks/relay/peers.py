"""Relays as others write them: `uvicorn peers:plain`, `uvicorn peers:library`. The upstream is UPSTREAM.

`uvicorn peers:given` is ours by httpx's own transport.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from fastapi_proxy_lib.fastapi.app import reverse_http_app

from hfdeploy_proxy import Settings, create_app

UPSTREAM = os.environ["UPSTREAM"]


@asynccontextmanager
async def _with_client(app: FastAPI) -> AsyncIterator[None]:
    async with httpx.AsyncClient(base_url=UPSTREAM) as client:
        app.state.client = client
        yield


plain = FastAPI(lifespan=_with_client)


@plain.api_route("/{path:path}", methods=["GET", "PUT", "POST"])
async def _relay(request: Request, path: str) -> StreamingResponse:
    client: httpx.AsyncClient = request.app.state.client
    headers = [pair for pair in request.headers.raw if pair[0] != b"host"]
    headers.append((b"authorization", b"Bearer x"))
    asked = client.build_request(request.method, f"/{path}", headers=headers, content=request.stream())
    answer = await client.send(asked, stream=True)
    return StreamingResponse(answer.aiter_raw(), answer.status_code, dict(answer.headers))


given = create_app(
    Settings(target_url=UPSTREAM, hf_token="hf_x"), transport=httpx.AsyncHTTPTransport(trust_env=False)
)
library = reverse_http_app(client=httpx.AsyncClient(), base_url=f"{UPSTREAM}/")

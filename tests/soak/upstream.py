"""The upstream of the soak: all that it answers can be checked. It wants one of the tokens in a file."""

import asyncio
import hashlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.responses import StreamingResponse

TOKENS = Path(sys.argv[2])
app = FastAPI()


def is_known(authorization: str | None) -> bool:
    return (authorization or "").removeprefix("Bearer ") in TOKENS.read_text().split()


@app.middleware("http")
async def _keep_private(request: Request, call_next: Any) -> Any:
    if not is_known(request.headers.get("authorization")):
        return Response("Not Found", 404)
    return await call_next(request)


@app.get("/echo/{text}")
async def _echo(text: str) -> Response:
    return Response(text)


@app.post("/digest")
async def _digest(request: Request) -> Response:
    digest = hashlib.sha256()
    async for part in request.stream():
        digest.update(part)
    return Response(digest.hexdigest())


@app.get("/blob/{seed}/{size}")
async def _blob(seed: int, size: int) -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        left, block = size, bytes([seed % 256]) * 16384
        while left:
            yield block[:left]
            left -= len(block[:left])

    return StreamingResponse(parts(), headers={"Content-Length": str(size)})


@app.get("/events/{last}")
async def _events(last: int) -> StreamingResponse:
    async def events() -> AsyncIterator[str]:
        for number in range(last):
            yield f"data: {number}\n\n"
            await asyncio.sleep(0.02)

    return StreamingResponse(events(), media_type="text/event-stream")


@app.websocket("/socket")
async def _socket(socket: WebSocket) -> None:
    if not is_known(socket.headers.get("authorization")):
        await socket.close()
        return
    await socket.accept()
    async for message in socket.iter_text():
        await socket.send_text(message[::-1])


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="critical", ws="websockets-sansio")

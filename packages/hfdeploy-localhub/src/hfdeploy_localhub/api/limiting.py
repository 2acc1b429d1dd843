"""Around every request: a limit for bodies that are read whole; what is streamed has limits of its own."""

import re

from fastapi.responses import JSONResponse

from hfdeploy_localhub.api.asgi import App, Message, Receive, Scope, Send
from hfdeploy_localhub.errors import TooLarge

MAX_BODY_BYTES = 32 * 1024 * 1024
_STREAMED = re.compile(
    r"/xet/.*|/lfs/[^/]+(?:/\d+)?|/api/.*/commit/[^/]+|/api/buckets/.*/batch|.*/git-(?:upload|receive)-pack"
)


class BodyLimiter:
    """Refuses what is too large by the length it tells, and reads no further where it tells none."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _STREAMED.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
        elif _told_length(scope) > MAX_BODY_BYTES:
            await _refuse(scope, receive, send)
        else:
            await self._app(scope, _limit(receive), send)


def _told_length(scope: Scope) -> int:
    told = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(told)


def _limit(receive: Receive) -> Receive:
    received = 0

    async def receive_some() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MAX_BODY_BYTES:
            raise _too_large()
        return message

    return receive_some


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """The connection ends with the answer: nobody reads what the client goes on to send."""
    error = _too_large()
    headers = {"X-Error-Message": error.message, "Connection": "close"}
    await JSONResponse({"error": error.message}, error.status, headers)(scope, receive, send)


def _too_large() -> TooLarge:
    return TooLarge(f"Such a body has {MAX_BODY_BYTES} bytes at most: send large files by LFS or xet.")

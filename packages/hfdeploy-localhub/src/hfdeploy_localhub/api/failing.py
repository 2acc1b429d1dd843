"""Around every request: the fault that a rule has for it, carried out."""

import asyncio
import re
import socket
import struct
from typing import cast
from urllib.parse import unquote

from fastapi.responses import JSONResponse

from hfdeploy_localhub.api.asgi import (
    CONTROL_PREFIX,
    TRANSPORT,
    App,
    Message,
    Receive,
    Scope,
    Send,
    hub_of,
)
from hfdeploy_localhub.api.context import Hub
from hfdeploy_localhub.errors import InvalidCredentials, RevisionNotFound
from hfdeploy_localhub.faults import Arrival, Fault, plan_headers
from hfdeploy_localhub.model import TYPES_BY_PREFIX
from hfdeploy_localhub.store.git import MAIN, Author

_SLICES_PER_SECOND = 20
_RESET_AT_CLOSE = struct.pack("ii", 1, 0)
_SOMEBODY = Author("somebody", "somebody@localhost")
_TARGET = re.compile(
    r"(?:/api/(?P<types>models|datasets|spaces|kernels)|(?:/(?P<web_types>datasets|spaces|kernels))?)"
    r"/(?P<namespace>[^/]+)/(?P<name>[^/]+?)(?:\.git)?"
    r"(?:/(?:commit|preupload)/(?P<revision>[^/]+)|/git-receive-pack|/info/refs|/.*)?"
)


class FaultInjector:
    """Lets a request pass, or has its fault happen. Without rules it costs one look."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = _find_fault(scope) if scope["type"] == "http" and hub_of(scope).faults else None
        if fault is None:
            await self._app(scope, receive, send)
            return
        await asyncio.sleep(fault.latency_seconds)
        if fault.head is not None:
            await _move_head(hub_of(scope), scope["path"])
        if fault.bytes_per_second is not None:
            receive = _slow_receive(receive, fault.bytes_per_second)
            send = _slow_send(send, fault.bytes_per_second)
        if answer := _plan_answer(fault):
            await answer(scope, receive, send)
        elif fault.reset is not None:
            await self._reset(fault, scope, receive)
        elif fault.truncate_bytes is not None:
            await self._truncate(fault.truncate_bytes, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _reset(self, fault: Fault, scope: Scope, receive: Receive) -> None:
        if fault.reset == "after":
            await self._app(scope, receive, _drop)
        transport = _transport(scope)
        connection = transport.get_extra_info("socket")
        # without this the kernel may end the connection in good order, and the client see no reset
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        transport.abort()
        await _wait_for_end(receive)

    async def _truncate(self, limit: int, scope: Scope, receive: Receive, send: Send) -> None:
        """The length is told as it would be, the body ends before it."""
        left, cut = limit, False

        async def send_some(message: Message) -> None:
            nonlocal left, cut
            if message["type"] != "http.response.body":
                await send(message)
                return
            body = message.get("body", b"")
            if cut:
                return
            cut = len(body) > left
            await send({**message, "body": body[:left], "more_body": cut or message.get("more_body", False)})
            left -= len(body[:left])

        await self._app(scope, receive, send_some)
        if cut:
            _transport(scope).close()
            await _wait_for_end(receive)


def _find_fault(scope: Scope) -> Fault | None:
    if scope["path"].startswith(CONTROL_PREFIX):
        return None
    has_token = any(name == b"authorization" for name, _ in scope["headers"])
    return hub_of(scope).faults.take(Arrival(scope["method"], scope["path"], has_token))


def _plan_answer(fault: Fault) -> JSONResponse | None:
    """The answer that a fault gives in the routes' place."""
    if fault.token == "expired":
        message, status, headers = InvalidCredentials().message, 401, dict[str, str]()
    elif fault.status is not None:
        message, status, headers = "This is a fault on demand.", fault.status, plan_headers(fault)
    else:
        return None
    return JSONResponse({"error": message}, status, {**headers, "X-Error-Message": message})


def _transport(scope: Scope) -> asyncio.Transport:
    """The connection. Raises ConnectionError under a server that does not show it."""
    try:
        return cast("asyncio.Transport", scope["extensions"][TRANSPORT])
    except KeyError:
        raise ConnectionError("This server does not let connections be broken") from None


async def _drop(message: Message) -> None:
    """An answer that nobody gets."""


async def _wait_for_end(receive: Receive) -> None:
    """Until the server has seen that the connection is gone, so that it does not miss an answer."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _slow_receive(receive: Receive, bytes_per_second: int) -> Receive:
    async def receive_slowly() -> Message:
        message = await receive()
        await asyncio.sleep(len(message.get("body", b"")) / bytes_per_second)
        return message

    return receive_slowly


def _slow_send(send: Send, bytes_per_second: int) -> Send:
    step = max(1, bytes_per_second // _SLICES_PER_SECOND)

    async def send_slowly(message: Message) -> None:
        body = message.get("body", b"")
        while len(body) > step:
            await asyncio.sleep(step / bytes_per_second)
            await send({**message, "body": body[:step], "more_body": True})
            body = body[step:]
        await asyncio.sleep(len(body) / bytes_per_second)
        await send({**message, "body": body} if "body" in message else message)

    return send_slowly


async def _move_head(hub: Hub, path: str) -> None:
    """Somebody else's commit, without changes, on the branch that the path is about (or on main)."""
    match = _TARGET.fullmatch(path)
    if match is None:
        return
    types = match["types"] or match["web_types"] or "models"
    type = TYPES_BY_PREFIX[types]
    repo = hub.store.repos.find(type, unquote(match["namespace"]), unquote(match["name"]))
    if repo is None:
        return

    def commit() -> str | None:
        git = hub.store.git(repo)
        with hub.store.lock(repo):
            try:
                ref = git.branch(unquote(match["revision"] or "main"))
            except RevisionNotFound:
                return None
            git.commit(
                ref,
                {},
                parent=git.head(ref),
                message="Somebody was faster",
                author=_SOMEBODY,
                now=hub.store.now(),
            )
            return ref

    if await asyncio.to_thread(commit) == MAIN and repo.type == "space":
        await hub.spaces.pushed(repo.full_name)

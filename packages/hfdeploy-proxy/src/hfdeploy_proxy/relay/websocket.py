"""A WebSocket and its counterpart at the upstream, which is dialled before the client is accepted."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from hfdeploy_proxy.relay.client import Message, Receive, Scope, Send
from hfdeploy_proxy.relay.entrance import DENIAL, Entrance, Passage, can_deny, deny_socket
from hfdeploy_proxy.relay.tally import Tally
from hfdeploy_proxy.relay.wire import EXTENSION
from hfdeploy_proxy.rules.errors import AnswerCompressed, ClientGone, Header, RequestRefused, UpstreamError
from hfdeploy_proxy.rules.rewriting import is_encoded
from hfdeploy_proxy.upstream.websocket import BROKEN, NO_CODE, Closed, Denied, OpenSocket, UpstreamSocket

logger = logging.getLogger("hfdeploy_proxy")

Opened = TypeVar("Opened")
_NORMAL = 1000


class WebSocketRelay:
    """Carries messages both ways. Each side holds the other back, and ends as the other ended."""

    def __init__(self, entrance: Entrance, tally: Tally, open_socket: OpenSocket) -> None:
        self._entrance = entrance
        self._tally = tally
        self._open_socket = open_socket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        first = asyncio.ensure_future(receive())
        try:
            passage = await self._entrance.admit(scope)
            opening = self._open_socket(
                passage.there.address, passage.target, passage.headers, scope["subprotocols"]
            )
            socket, headers = await _unless_left(first, opening)
        except ClientGone:
            pass
        except Denied as denied:
            if self._entrance.scrubs and is_encoded(denied.headers):
                await deny_socket(scope, send, AnswerCompressed.problem)
            elif can_deny(scope):
                await self._deny(send, passage, denied)
            else:
                await send({"type": "websocket.close"})
        except (RequestRefused, UpstreamError) as error:
            problem = error.refusal if isinstance(error, RequestRefused) else error.problem
            self._tally.failed(problem.name)
            logger.info("no WebSocket: %s", problem.name)
            await deny_socket(scope, send, problem)
        else:
            with contextlib.suppress(OSError):  # the client has left
                await self._carry(passage, socket, headers, scope, first, receive, send)
        finally:
            first.cancel()

    async def _deny(self, send: Send, passage: Passage, denied: Denied) -> None:
        headers = self._entrance.plan_answer(passage, denied.headers, denied.status)
        headers = [pair for pair in headers if pair[0] != b"content-length"]
        headers.append((b"content-length", str(len(denied.body)).encode()))
        await send({"type": f"{DENIAL}.start", "status": denied.status, "headers": headers})
        body = passage.scrub(denied.body) if self._entrance.scrubs else denied.body
        await send({"type": f"{DENIAL}.body", "body": body})

    async def _carry(
        self,
        passage: Passage,
        socket: UpstreamSocket,
        headers: list[Header],
        scope: Scope,
        first: asyncio.Future[Message],
        receive: Receive,
        send: Send,
    ) -> None:
        upwards: asyncio.Task[None] | None = None
        self._tally.sockets += 1
        self._tally.open_sockets += 1
        try:
            planned = self._entrance.plan_answer(passage, headers, 101)
            await send({"type": "websocket.accept", "subprotocol": socket.subprotocol, "headers": planned})
            upwards = asyncio.create_task(_carry_upwards(first, receive, socket))
            await _carry_downwards(
                socket,
                send,
                can_omit_code=EXTENSION in scope.get("extensions", {}),
                scrub=passage.scrub if self._entrance.scrubs else None,
            )
        finally:
            self._tally.open_sockets -= 1
            if upwards is not None:
                upwards.cancel()
                await asyncio.wait([upwards])
            socket.abort()


async def _unless_left(first: asyncio.Future[Message], opening: Awaitable[Opened]) -> Opened:
    """What ``opening`` brings; ``first`` is what the client does first. Raises ClientGone if it leaves."""
    task = asyncio.ensure_future(opening)
    try:
        await asyncio.wait((first, task), return_when=asyncio.FIRST_COMPLETED)
        if not task.done() and first.result()["type"] == "websocket.disconnect":
            raise ClientGone
        return await task
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])


async def _carry_upwards(first: asyncio.Future[Message], receive: Receive, socket: UpstreamSocket) -> None:
    message = await first
    while True:
        if message["type"] == "websocket.disconnect":
            await socket.close(Closed(message.get("code", BROKEN), message.get("reason") or ""))
            return
        text = message.get("text")
        await socket.send(text if text is not None else message["bytes"])
        message = await receive()


async def _carry_downwards(
    socket: UpstreamSocket, send: Send, *, can_omit_code: bool, scrub: Callable[[bytes], bytes] | None
) -> None:
    while True:
        message = await socket.receive()
        if scrub is not None:
            message = _scrubbed(message, scrub)
        if isinstance(message, str):
            await send({"type": "websocket.send", "text": message})
        elif isinstance(message, bytes):
            await send({"type": "websocket.send", "bytes": message})
        elif socket.left:
            return  # nobody is there to be told
        elif message.code == BROKEN:
            return  # no farewell to pass on: the server closes the connection, and the client sees 1006
        else:
            omitted = message.code == NO_CODE and not can_omit_code
            code = _NORMAL if omitted else message.code  # ASGI has no way to close without a code
            await send({"type": "websocket.close", "code": code, "reason": message.reason})
            return


def _scrubbed(message: str | bytes | Closed, scrub: Callable[[bytes], bytes]) -> str | bytes | Closed:
    if isinstance(message, bytes):
        return scrub(message)
    if isinstance(message, str):
        return scrub(message.encode()).decode()
    return Closed(message.code, scrub(message.reason.encode()).decode())

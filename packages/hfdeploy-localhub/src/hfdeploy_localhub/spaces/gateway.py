"""The gateway: one listening port a Space, in front of its app, its files or a page that says why neither
answers.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import h11

from hfdeploy_localhub.signing import COOKIE_PREFIX
from hfdeploy_localhub.spaces.builder import Site
from hfdeploy_localhub.spaces.exchange import relay
from hfdeploy_localhub.spaces.headers import (
    find_cookies,
    is_ambiguous,
    offered_tokens,
    plan_request_headers,
)
from hfdeploy_localhub.spaces.pages import plan_not_found, plan_page, plan_refusal, plan_unavailable
from hfdeploy_localhub.spaces.site import Redirect, StaticFile, find_file
from hfdeploy_localhub.spaces.stages import Stage
from hfdeploy_localhub.spaces.visits import find_visit, plan_entrance
from hfdeploy_localhub.spaces.wire import READ_BYTES, Wire

_HEAD_SECONDS = 30.0
_IDLE_SECONDS = 75.0
_DRAIN_POLL_SECONDS = 0.05
_LOOPBACK = "127.0.0.1"


@dataclass(slots=True)
class Listener:
    """Where an app listens, and how many requests it is answering through the gateway."""

    host: str
    port: int
    requests: int = 0

    async def drain(self, seconds: float) -> None:
        """Wait until it answers no request any more, or `seconds` are over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.requests:  # noqa: ASYNC110  (seldom and short: not worth a condition per request)
                    await asyncio.sleep(_DRAIN_POLL_SECONDS)


Backend = Listener | Site | Stage


class Door(Protocol):
    """What the gateway asks about its Space, anew for every request."""

    def admits(self, tokens: Sequence[str]) -> bool:
        """Whether somebody who shows these tokens may see the Space."""
        ...

    def knows_token(self, token: str) -> bool:
        """Whether a token is the hub's, which the app must not see."""
        ...

    def backend(self) -> Backend:
        """What answers now; a stage when nothing does."""
        ...


class Gateway:
    """The port of one Space."""

    def __init__(
        self, door: Door, *, head_seconds: float = _HEAD_SECONDS, idle_seconds: float = _IDLE_SECONDS
    ) -> None:
        self._door = door
        self._head_seconds = head_seconds
        self._idle_seconds = idle_seconds
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def _cookie(self) -> str:
        """Its own for each port, for browsers show the cookies of one to all others."""
        return f"{COOKIE_PREFIX}visit-{self.port}"

    async def open(self, port: int | None) -> int:
        """Listen on `port`, or on a free one when that is None or taken. Returns the port."""
        try:
            self._server = await asyncio.start_server(self._accept, _LOOPBACK, port or 0)
        except OSError:
            if not port:
                raise
            self._server = await asyncio.start_server(self._accept, _LOOPBACK, 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    async def close(self) -> None:
        """Close the port and every connection."""
        if self._server is None:
            return
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._connections.add(task)
        client = Wire(h11.SERVER, reader, writer)
        try:
            with contextlib.suppress(OSError, TimeoutError, h11.LocalProtocolError, asyncio.CancelledError):
                await self._serve(client)
        finally:
            self._connections.discard(task)
            await client.close()

    async def _serve(self, client: Wire) -> None:
        """Requests of one connection, one after the other."""
        while True:
            try:
                request = await self._read_head(client)
                if request is None:
                    return
                await self._answer(client, request)
                if not _can_go_on(client):
                    await client.discard(limit_bytes=2**22, seconds=2.0)
                    return
            except h11.RemoteProtocolError as error:
                await _refuse(client, error.error_status_hint, str(error))
                return
            client.http.start_next_cycle()

    async def _read_head(self, client: Wire) -> h11.Request | None:
        async with asyncio.timeout(self._idle_seconds):
            if not await client.wait_for_data():
                return None
        try:
            async with asyncio.timeout(self._head_seconds):
                event = await client.next_event()
        except TimeoutError:
            await _refuse(client, 408, "the request's head took too long")
            return None
        return event if isinstance(event, h11.Request) else None

    async def _answer(self, client: Wire, request: h11.Request) -> None:
        headers = request.headers.raw_items()
        is_path = request.target.startswith(b"/") or (request.target == b"*" and request.method == b"OPTIONS")
        with_body = request.method != b"HEAD"
        if is_ambiguous(headers) or not is_path or request.method == b"CONNECT":
            page = plan_refusal(400, "This request cannot be understood.")
            await client.send_page(page, with_body=with_body)
        elif (visit := find_visit(request.target)) and self._opens(visit.word):
            await client.send_page(plan_entrance(visit, self._cookie), with_body=with_body)
        elif not self._door.admits([*offered_tokens(headers), *find_cookies(headers, self._cookie)]):
            await client.send_page(plan_not_found(), with_body=with_body)
        else:
            await self._forward(client, request, self._door.backend())

    def _opens(self, word: str) -> bool:
        """Whether the word is what lets somebody in; where all may come, it is the app's own business."""
        return not self._door.admits([]) and self._door.admits([word])

    async def _forward(self, client: Wire, request: h11.Request, backend: Backend) -> None:
        if isinstance(backend, Stage):
            await client.send_page(plan_unavailable(backend), with_body=request.method != b"HEAD")
        elif isinstance(backend, Site):
            await _send_file(client, request, backend)
        else:
            headers = plan_request_headers(
                request.headers.raw_items(), client.peer_host, self._door.knows_token
            )
            backend.requests += 1
            try:
                await relay(client, request, headers, backend.host, backend.port)
            finally:
                backend.requests -= 1


def _can_go_on(client: Wire) -> bool:
    """Whether request and answer are complete, and the connection may be used again."""
    if client.http.their_state is h11.SEND_BODY:
        with contextlib.suppress(h11.RemoteProtocolError):
            client.http.next_event()  # the end of a request without a body, if that is what it is
    return client.http.our_state is h11.DONE and client.http.their_state is h11.DONE


async def _refuse(client: Wire, status: int, reason: str) -> None:
    if client.http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
        await client.send_page(plan_refusal(status, f"{reason[:1].upper()}{reason[1:]}."))
        await client.discard(limit_bytes=2**20, seconds=1.0)
    else:
        client.reset()


async def _send_file(client: Wire, request: h11.Request, site: Site) -> None:
    """A static Space answers GET and HEAD."""
    if request.method not in (b"GET", b"HEAD"):
        await client.send_page(
            plan_page(405, "405", "A static Space only has pages.", ((b"Allow", b"GET, HEAD"),))
        )
        return
    found = await asyncio.to_thread(find_file, site, request.target)
    with_body = request.method == b"GET"
    if isinstance(found, Redirect):
        page = plan_page(307, "307", "This is a folder.", ((b"Location", found.location),))
        await client.send_page(page, with_body=with_body)
    elif found is None:
        await client.send_page(plan_page(404, "404", "There is no such file."), with_body=with_body)
    else:
        await _send_content(client, found, with_body=with_body)


async def _send_content(client: Wire, file: StaticFile, *, with_body: bool) -> None:
    headers = [
        (b"Content-Type", file.content_type.encode()),
        (b"Content-Length", str(file.size_bytes).encode()),
        (b"Cache-Control", b"no-cache"),
    ]
    await client.send_head(200, headers)
    if with_body:
        with file.path.open("rb") as stream:
            while data := await asyncio.to_thread(stream.read, READ_BYTES):
                await client.send(h11.Data(data=data))
    await client.send(h11.EndOfMessage())

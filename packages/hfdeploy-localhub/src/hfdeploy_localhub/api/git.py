"""git's own way in: clone, fetch and push over smart HTTP, on the same objects as the API."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from contextlib import closing
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from fastapi.routing import APIRoute

from hfdeploy_localhub.api.commits import LARGE_FILE_BYTES
from hfdeploy_localhub.api.context import CurrentCaller, CurrentHub, Hub, OpenRepo
from hfdeploy_localhub.api.http_backend import Backend, Call, Head, Receive, Send, install_hook
from hfdeploy_localhub.errors import BadRequest, Forbidden, HubError, InvalidCredentials
from hfdeploy_localhub.model import Caller, Repo
from hfdeploy_localhub.pull_requests import Talk
from hfdeploy_localhub.pushes import Gate, find_pusher
from hfdeploy_localhub.store.git import MAIN
from hfdeploy_localhub.store.incoming import RefChange

Service = Literal["git-upload-pack", "git-receive-pack"]
_MAX_QUESTION_BYTES = 8 * 1024**2


class GitRoute(APIRoute):
    """git shows text and asks for a password where it is told to: refusals take that form here."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_for_git(request: Request) -> Response:
            try:
                return await handle(request)
            except HubError as refusal:
                headers = dict(refusal.headers)
                if refusal.answer_status == 401:
                    headers["WWW-Authenticate"] = 'Basic realm="The local hub: a token is the password"'
                return PlainTextResponse(refusal.message + "\n", refusal.answer_status, headers)

        return handle_for_git


router = APIRouter(route_class=GitRoute)
# the lowest decorator is tried first: a name ends before its ".git"


@router.get("/{types}/{namespace}/{name}/info/refs")
@router.get("/{types}/{namespace}/{name}.git/info/refs")
@router.get("/{namespace}/{name}/info/refs")
@router.get("/{namespace}/{name}.git/info/refs")
async def list_refs(
    request: Request, hub: CurrentHub, repo: OpenRepo, caller: CurrentCaller, service: str = ""
) -> Response:
    """How a clone, fetch or push begins."""
    match service:
        case "git-upload-pack":
            pass
        case "git-receive-pack":
            check_push(hub, repo, caller)
        case _:
            raise BadRequest("This hub speaks git's smart HTTP protocol only: use git 1.6.6 or newer.")
    return Relay(_call(request, hub, repo, "/info/refs", service))


@router.post("/{types}/{namespace}/{name}/git-upload-pack")
@router.post("/{types}/{namespace}/{name}.git/git-upload-pack")
@router.post("/{namespace}/{name}/git-upload-pack")
@router.post("/{namespace}/{name}.git/git-upload-pack")
async def fetch(request: Request, hub: CurrentHub, repo: OpenRepo) -> Response:
    return Relay(_call(request, hub, repo, "/git-upload-pack", "git-upload-pack"))


@router.post("/{types}/{namespace}/{name}/git-receive-pack")
@router.post("/{types}/{namespace}/{name}.git/git-receive-pack")
@router.post("/{namespace}/{name}/git-receive-pack")
@router.post("/{namespace}/{name}.git/git-receive-pack")
async def push(request: Request, hub: CurrentHub, repo: OpenRepo, caller: CurrentCaller) -> Response:
    check_push(hub, repo, caller)
    call = _call(request, hub, repo, "/git-receive-pack", "git-receive-pack")
    return Push(call, hub, Gate(Talk(hub.store, repo, caller), LARGE_FILE_BYTES))


def check_push(hub: Hub, repo: Repo, caller: Caller) -> None:
    """Raises InvalidCredentials, so that git asks for a token, or Forbidden."""
    if caller.anonymous:
        raise InvalidCredentials("A push needs a token as its password.")
    if not find_pusher(hub.store, repo, caller).may_push:
        raise Forbidden(
            f"You don't have the rights to push to {repo.full_name}: its owner's write token is needed."
        )


def _call(request: Request, hub: Hub, repo: Repo, path: str, service: Service) -> Call:
    """What git is asked: built from what the route decided, never from the path as it came."""
    return Call(
        folder=hub.store.git_folder(repo).absolute(),
        method=request.method,
        path=path,
        query=f"service={service}" if path == "/info/refs" else "",
        headers=request.headers,
        may_push=service == "git-receive-pack",
        hooks=hub.store.hooks_folder.absolute(),
    )


class Relay(Response):
    """An answer that git gives, passed on while it is made."""

    def __init__(self, call: Call) -> None:
        super().__init__()
        self._call = call

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        async with await Backend.start(self._call) as backend:
            feeder = asyncio.create_task(backend.feed(receive))
            try:
                await _send_head(await backend.read_head(), send)
                await backend.send_rest(send)
            finally:
                feeder.cancel()


class Push(Response):
    """git's answer to a push: held back until the refs have moved and whoever follows them knows."""

    def __init__(self, call: Call, hub: Hub, gate: Gate) -> None:
        super().__init__()
        self._call = call
        self._hub = hub
        self._gate = gate

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        await asyncio.to_thread(install_hook, self._call.hooks)
        ours, theirs = socket.socketpair()
        with closing(ours):
            with closing(theirs):
                backend = await Backend.start(self._call, gate=theirs.fileno())
            guarding = asyncio.create_task(self._guard(backend, ours))
            try:
                async with backend:
                    feeder = asyncio.create_task(backend.feed(receive))
                    try:
                        head, body = await backend.read_head(), await backend.stdout.read()
                    finally:
                        feeder.cancel()
            finally:  # git has ended, and closed its end: the guard comes to its own
                moved = await guarding
        await self._tell(moved)
        await _send_head(head, send)
        await send({"type": "http.response.body", "body": body})

    async def _guard(self, backend: Backend, ours: socket.socket) -> list[RefChange]:
        """Waits for the hook's question, if there will be one, and sees the push through."""
        question = await _read_question(ours)
        if not question:
            ours.shutdown(socket.SHUT_RDWR)  # a hook without an answer lets nothing through
            return []
        backend.must_finish = True
        ours.setblocking(True)
        return await asyncio.to_thread(self._gate.pass_through, question, ours)

    async def _tell(self, moved: list[RefChange]) -> None:
        repo = self._gate.talk.repo
        if repo.type == "space" and any(change.ref == MAIN for change in moved):
            await self._hub.spaces.pushed(repo.full_name)


async def _read_question(ours: socket.socket) -> bytes:
    """All that the hook says, or nothing if git ends without having asked."""
    ours.setblocking(False)
    length = int.from_bytes(await _read(ours, 8), "big")
    return await _read(ours, length) if length <= _MAX_QUESTION_BYTES else b""


async def _read(ours: socket.socket, length: int) -> bytes:
    """That many bytes, or none if the other side ends before."""
    loop, data = asyncio.get_running_loop(), bytearray()
    while len(data) < length:
        more = await loop.sock_recv(ours, length - len(data))
        if not more:
            return b""
        data += more
    return bytes(data)


async def _send_head(head: Head, send: Send) -> None:
    await send({"type": "http.response.start", "status": head.status, "headers": list(head.headers)})

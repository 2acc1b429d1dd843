"""The composition root: a data folder becomes a hub, and a hub an application."""

import asyncio
import os
import secrets
from collections.abc import Callable, Iterable
from datetime import datetime
from email.utils import formatdate
from functools import cache
from http import HTTPStatus
from pathlib import Path

import platformdirs
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from hfdeploy_localhub.api.announcing import Announcer
from hfdeploy_localhub.api.asgi import App, Message, Receive, Scope, Send
from hfdeploy_localhub.api.context import Hub, MovedError
from hfdeploy_localhub.api.failing import FaultInjector
from hfdeploy_localhub.api.limiting import BodyLimiter
from hfdeploy_localhub.api.recording import RequestRecorder
from hfdeploy_localhub.api.sections import SECTIONS, Section, find_section
from hfdeploy_localhub.errors import BadRequest, HubError, NotFound
from hfdeploy_localhub.signing import Signer
from hfdeploy_localhub.space_source import StoreSource
from hfdeploy_localhub.spaces import Spaces
from hfdeploy_localhub.store.store import Store, utc_now

_MAX_HEADER_LENGTH = 2000


class RequestEnvelope:
    """Around every request: routes match the path as it was sent, answers get ``X-Request-Id`` and ``Date``.

    The date is made for each answer: uvicorn's own is up to a second old, and clients cut a log off at it.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        raw_path = scope.get("raw_path")
        if raw_path is not None:
            # An encoded slash in a revision must not split it: parts are decoded after routing.
            scope["path"] = raw_path.decode("latin-1")
        request_id = f"Root=1-{secrets.token_hex(12)}".encode()

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = formatdate(scope["state"]["hub"].store.now().timestamp(), usegmt=True).encode()
                marks = ((b"x-request-id", request_id), (b"date", date))
                message["headers"] = [*message.get("headers", ()), *marks]
            await send(message)

        await self._app(scope, receive, send_marked)


class Application:
    """One hub as an ASGI application. Its Spaces run between start-up and shut-down."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._routes = build_routes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        scope.setdefault("state", {})["hub"] = self.hub
        await self._routes(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await self.hub.spaces.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.hub.spaces.stop()
        await asyncio.to_thread(self.hub.courier.close)
        self.hub.store.close()
        await send({"type": "lifespan.shutdown.complete"})


def create_app(
    folder: Path,
    *,
    endpoint: str,
    venv_cache: Path | None = None,
    durable: bool = True,
    clock: Callable[[], datetime] = utc_now,
) -> Application:
    """The hub over one data folder, which will be served at ``endpoint``: Spaces find it in HF_ENDPOINT."""
    store = Store(folder, clock=clock, durable=durable)
    signer = Signer.open(folder / "key")
    running = Spaces(
        StoreSource(store, signer),
        folder / "spaces",
        venv_cache or platformdirs.user_cache_path("hfdeploy-localhub") / "venvs",
        environment=os.environ,
        app_environment={"HF_ENDPOINT": endpoint},
    )
    return Application(Hub(store, signer, running))


@cache
def build_routes() -> App:
    """The routes and what lies around them. They hold no state: all hubs of a process share them.

    A fault lies inside the log, which tells what the client got, and both inside the envelope.
    """
    return RequestEnvelope(RequestRecorder(FaultInjector(BodyLimiter(Announcer(_route)))))


async def _route(scope: Scope, receive: Receive, send: Send) -> None:
    """To the section of the API that the path is of, else to the pages for people."""
    section = find_section(scope["path"])
    if section is None and scope["method"] in ("GET", "HEAD", "POST"):
        await _build_pages()(scope, receive, send)
    else:
        await _build_section(section or SECTIONS["unknown"])(scope, receive, send)


@cache
def _build_section(section: Section) -> FastAPI:
    return _build(section.load())


@cache
def _build_pages() -> FastAPI:
    """Most hubs are never looked at, and all of them should start quickly."""
    from hfdeploy_localhub.pages.router import ROUTERS

    return _build(ROUTERS)


def _build(routers: Iterable[APIRouter]) -> FastAPI:
    app = FastAPI(redirect_slashes=False, openapi_url=None, docs_url=None, redoc_url=None)
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute) and route.methods and "GET" in route.methods:
                route.methods.add("HEAD")  # the server leaves the body out
        app.include_router(router)
    app.add_exception_handler(HubError, _answer_error)
    app.add_exception_handler(MovedError, _answer_moved)
    app.add_exception_handler(HTTPException, _answer_unknown)
    app.add_exception_handler(RequestValidationError, _answer_malformed)
    app.add_exception_handler(UnicodeEncodeError, _answer_no_text)
    app.add_exception_handler(ClientDisconnect, _answer_nobody)
    app.add_exception_handler(Exception, _answer_failure)
    return app


def _answer_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HubError)
    message = error.message
    if error.answer_status == HTTPStatus.FORBIDDEN:
        message = message.removesuffix(".")  # the client puts a full stop behind it
    headers = {**error.headers, "X-Error-Message": _one_line(message)}
    if error.code:
        headers["X-Error-Code"] = error.code
    text = message.encode(errors="replace").decode()
    return JSONResponse({"error": text, **error.details}, error.answer_status, headers)


def _one_line(text: str) -> str:
    """What a header can hold of a text, which may quote whatever the client sent, however long."""
    shown = "".join(character if character.isprintable() else " " for character in text[:_MAX_HEADER_LENGTH])
    return " ".join(shown.split()).encode("latin-1", "replace").decode("latin-1")


def _answer_moved(request: Request, error: Exception) -> Response:
    assert isinstance(error, MovedError)
    return RedirectResponse(error.location, status_code=307)


def _answer_unknown(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return _answer_error(request, NotFound("Not found"))
    text = str(error.detail)
    headers = {**(error.headers or {}), "X-Error-Message": _one_line(text)}
    return JSONResponse({"error": text}, error.status_code, headers)


def _answer_malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = ["A JSON object is needed, with Content-Type: application/json"]
    if all(fault["loc"] != ("body",) for fault in error.errors()):
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
    return _answer_error(request, BadRequest("; ".join(faults)))


def _answer_no_text(request: Request, error: Exception) -> Response:
    """JSON may hold halves of characters, which can be neither kept nor sent."""
    return _answer_error(request, BadRequest("A text in this request is no valid Unicode"))


def _answer_nobody(request: Request, error: Exception) -> Response:
    """The client left before all of the request was there. The log shows it as nginx's does."""
    return Response(status_code=499)


def _answer_failure(request: Request, error: Exception) -> Response:
    """What nobody foresaw, or a disk that is full. It is logged too, and its connection ends."""
    reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
    failure = HubError(
        f"The hub failed ({reason}): what it prints tells where.", headers={"Connection": "close"}
    )
    return _answer_error(request, failure)

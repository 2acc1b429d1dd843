"""The composition root: a data folder becomes an application, an application a running hub."""

import logging
import os
import secrets
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import platformdirs
import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from hfdeploy_localhub.api.context import Hub, MovedError
from hfdeploy_localhub.api.routers import ROUTERS
from hfdeploy_localhub.errors import BadRequest, HubError, NotFound
from hfdeploy_localhub.seed import Organisation, Seed, TrustedPublisher, User, plant
from hfdeploy_localhub.signing import Signer
from hfdeploy_localhub.space_source import StoreSource
from hfdeploy_localhub.spaces import Spaces
from hfdeploy_localhub.store.store import Store

logger = logging.getLogger(__name__)

_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_App = Callable[[_Scope, _Receive, _Send], Awaitable[None]]


class RequestEnvelope:
    """Around every request: routes match the path as it was sent, answers get ``X-Request-Id`` and ``Date``.

    The date is made for each answer: uvicorn's own is up to a second old, and clients cut a log off at it.
    """

    def __init__(self, app: _App) -> None:
        self._app = app

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        raw_path = scope.get("raw_path")
        if raw_path is not None:
            # An encoded slash in a revision must not split it: parts are decoded after routing.
            scope["path"] = raw_path.decode("latin-1")
        request_id = f"Root=1-{secrets.token_hex(12)}".encode()

        async def send_marked(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                marks = ((b"x-request-id", request_id), (b"date", formatdate(usegmt=True).encode()))
                message["headers"] = [*message.get("headers", ()), *marks]
            await send(message)

        await self._app(scope, receive, send_marked)


def create_app(folder: Path, *, endpoint: str, venv_cache: Path | None = None) -> FastAPI:
    """The hub over one data folder, as an ASGI application that will be served at ``endpoint``.

    Spaces run between its start-up and shut-down, and find this hub in HF_ENDPOINT.
    """
    store = Store(folder)
    running = Spaces(
        StoreSource(store),
        folder / "spaces",
        venv_cache or platformdirs.user_cache_path("hfdeploy-localhub") / "venvs",
        environment=os.environ,
        app_environment={"HF_ENDPOINT": endpoint},
    )
    hub = Hub(store, Signer.open(folder / "key"), running)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await running.start()
        try:
            yield
        finally:
            await running.stop()
            store.close()

    app = FastAPI(lifespan=lifespan, redirect_slashes=False, openapi_url=None, docs_url=None, redoc_url=None)
    app.state.hub = hub
    app.add_middleware(RequestEnvelope)
    for router in ROUTERS:
        app.include_router(router)
    app.add_exception_handler(HubError, _answer_error)
    app.add_exception_handler(MovedError, _answer_moved)
    app.add_exception_handler(HTTPException, _answer_unknown)
    app.add_exception_handler(RequestValidationError, _answer_malformed)
    return app


def _answer_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HubError)
    text = " ".join(error.message.split())
    headers = {**error.headers, "X-Error-Message": text.encode("latin-1", "replace").decode("latin-1")}
    if error.code:
        headers["X-Error-Code"] = error.code
    return JSONResponse({"error": error.message, **error.details}, error.answer_status, headers)


def _answer_moved(request: Request, error: Exception) -> Response:
    assert isinstance(error, MovedError)
    return RedirectResponse(error.location, status_code=307)


def _answer_unknown(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return _answer_error(request, NotFound("Not found"))
    return JSONResponse({"error": str(error.detail)}, error.status_code, error.headers)


def _answer_malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors()]
    return _answer_error(request, BadRequest("; ".join(faults)))


class LocalHub:
    """A hub that runs in a thread of this process, for tests and scripts.

    ``with LocalHub(folder) as hub`` gives ``hub.endpoint`` (for HF_ENDPOINT) and ``hub.token``, the first
    user's. Binds to loopback, by default to a free port. Raises OSError if the port is taken.
    """

    def __init__(
        self,
        folder: Path,
        *,
        users: Sequence[User] = (User("local"),),
        organisations: Sequence[Organisation] = (),
        trusted_publishers: Sequence[TrustedPublisher] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        venv_cache: Path | None = None,
    ) -> None:
        self._socket = bind(host, port)
        self.endpoint = endpoint_of(self._socket)
        app = create_app(folder, endpoint=self.endpoint, venv_cache=venv_cache)
        self._hub: Hub = app.state.hub
        self.tokens = plant(self._hub.store, self._hub.signer, Seed(users, organisations, trusted_publishers))
        self._server = uvicorn.Server(server_config(app))
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)

    @property
    def token(self) -> str:
        """The first user's."""
        return next(iter(self.tokens.values()))

    def add_user(self, user: User) -> str:
        """Another user, while the hub runs; returns his token."""
        planted = plant(self._hub.store, self._hub.signer, Seed([user]))
        self.tokens |= planted
        return planted[user.name]

    def __enter__(self) -> Self:
        self._thread.start()  # connections queue at the bound socket until the server takes them
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=30)
        self._socket.close()


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener


def endpoint_of(listener: socket.socket) -> str:
    """The address to put into HF_ENDPOINT."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - recognised, not bound here
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def server_config(app: FastAPI) -> uvicorn.Config:
    """uvicorn as the hub uses it: no access log (addresses carry rights), quick to stop."""
    return uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=3,
    )

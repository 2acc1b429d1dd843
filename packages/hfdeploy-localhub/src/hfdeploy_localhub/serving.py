"""A hub that listens: its socket, its server, and the thread in which scripts and tests run it."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hfdeploy_localhub.api.asgi import TRANSPORT
from hfdeploy_localhub.faults import Faults
from hfdeploy_localhub.requests import Requests
from hfdeploy_localhub.seed import Organisation, Seed, TrustedPublisher, User, plant
from hfdeploy_localhub.server import Application, create_app
from hfdeploy_localhub.store.store import utc_now

_PATIENCE_SECONDS = 3.0
_MAX_HEAD_BYTES = 64 * 1024
_Result = TypeVar("_Result")


class HubLoop:
    """An event loop in a thread, for any number of hubs: a hub more costs no thread more."""

    def __init__(self) -> None:
        # Not uvloop: it runs what others have registered for a fork in each child, and a client in another
        # thread of this process may hold, at that moment, the very lock that its handler waits for.
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="local hub", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """What ``work`` comes to in the loop; waits for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def stop(self) -> None:
        self.run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class HubServer(uvicorn.Server):
    """uvicorn for one hub, in a loop that is there already and without uvicorn's waiting times."""

    def __init__(self, app: Application, listener: socket.socket) -> None:
        super().__init__(server_config(app))
        self._app = app
        self._listener = listener

    async def open(self) -> None:
        self.config.load()
        self.lifespan = self.config.lifespan_class(self.config)
        await self.startup([self._listener])

    async def close(self) -> None:
        """Lets requests finish, for a while, and stops what the hub runs."""
        self._app.hub.spaces.release_followers()
        for server in self.servers:
            server.close()
        self._listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if running := set(self.server_state.tasks):
            _, late = await asyncio.wait(running, timeout=_PATIENCE_SECONDS)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=_PATIENCE_SECONDS)
        await self.lifespan.shutdown()


class LocalHub:
    """A hub that runs in a thread of this process, for tests and scripts.

    ``with LocalHub(folder) as hub`` gives ``hub.endpoint`` (for HF_ENDPOINT) and ``hub.token``, the first
    user's; ``hub.faults`` lets requests go wrong, ``hub.requests`` tells which there were. Binds to
    loopback, by default to a free port. Hubs may share a ``loop``; ``durable=False`` is for data that need
    not survive a crash of the machine; ``clock`` is the hub's time, for tests that let it pass. Raises
    OSError if the port is taken or the folder cannot be used, ValueError for users that cannot be.
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
        loop: HubLoop | None = None,
        durable: bool = True,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        seed = Seed(users, organisations, trusted_publishers)
        listener = bind(host, port)
        self.endpoint = endpoint_of(listener)
        with ExitStack() as undo:
            undo.callback(listener.close)
            app = create_app(
                folder, endpoint=self.endpoint, venv_cache=venv_cache, durable=durable, clock=clock
            )
            undo.callback(app.hub.store.close)
            self.tokens = plant(app.hub.store, app.hub.signer, seed)
            undo.pop_all()
        self._hub = app.hub
        self._server = HubServer(app, listener)
        self._shared_loop = loop

    @property
    def token(self) -> str:
        """The first user's."""
        return next(iter(self.tokens.values()))

    @property
    def faults(self) -> Faults:
        """The rules by which requests go wrong: none at first."""
        return self._hub.faults

    @property
    def requests(self) -> Requests:
        """The log of what the hub was asked."""
        return self._hub.requests

    def add_user(self, user: User | str) -> str:
        """Another user, while the hub runs; returns his token."""
        user = User(user) if isinstance(user, str) else user
        planted = plant(self._hub.store, self._hub.signer, Seed([user]))
        self.tokens |= planted
        return planted[user.name]

    def __enter__(self) -> Self:
        self._loop = self._shared_loop or HubLoop()
        self._loop.run(self._server.open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.run(self._server.close())
        if self._shared_loop is None:
            self._loop.stop()


class HubProtocol(HttpToolsProtocol):
    """Lets layers around the routes reach the connection, to break it: see ``api.failing``.

    What is no HTTP, or too much of it, is refused in the API's own form.
    """

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: cast("Any", self.transport)}
        self._head_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > _MAX_HEAD_BYTES:
            raise ValueError

    def send_400_response(self, msg: str) -> None:
        told = f"No HTTP request, or one whose head has more than {_MAX_HEAD_BYTES} bytes"
        body = json.dumps({"error": told})
        head = (
            "HTTP/1.1 400 Bad Request",
            "content-type: application/json",
            f"x-error-message: {told}",
            f"content-length: {len(body)}",
            "connection: close",
        )
        self.transport.write("\r\n".join((*head, "", body)).encode())
        self.transport.close()


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, as asyncio sends without delay (TCP_NODELAY) only where it sees the protocol.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
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


def server_config(app: Application) -> uvicorn.Config:
    """uvicorn as the hub uses it: no access log (addresses carry rights), quick to stop."""
    return uvicorn.Config(
        app,
        http=HubProtocol,
        lifespan="on",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=3,
    )

"""Composition root: what is below the reserved prefix goes to FastAPI, everything else to the relay."""

import asyncio
import functools
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from hfdeploy_proxy.credentials import Credentials
from hfdeploy_proxy.hub import find_host, find_stage
from hfdeploy_proxy.operations.health import PREFIX, create_operations
from hfdeploy_proxy.operations.metrics import Metrics
from hfdeploy_proxy.relay.cap import Cap
from hfdeploy_proxy.relay.client import App, Receive, Scope, Send
from hfdeploy_proxy.relay.entrance import Entrance, refuse
from hfdeploy_proxy.relay.http import HttpRelay
from hfdeploy_proxy.relay.rewriting import Rewriting
from hfdeploy_proxy.relay.tally import Tally
from hfdeploy_proxy.relay.websocket import WebSocketRelay
from hfdeploy_proxy.rules.access import Origins
from hfdeploy_proxy.rules.cors import Cors
from hfdeploy_proxy.rules.errors import PAGE_UNKNOWN
from hfdeploy_proxy.rules.guard import Guard, parse_key
from hfdeploy_proxy.rules.headers import Target
from hfdeploy_proxy.settings import Settings, load_settings
from hfdeploy_proxy.upstream.circuit import Circuit
from hfdeploy_proxy.upstream.destination import Destination
from hfdeploy_proxy.upstream.dial import Address
from hfdeploy_proxy.upstream.http1 import Http1Upstream, Limits
from hfdeploy_proxy.upstream.httpx import HttpxUpstream
from hfdeploy_proxy.upstream.port import Upstream
from hfdeploy_proxy.upstream.transports import CircuitTransport, NetworkTransport
from hfdeploy_proxy.upstream.websocket import OpenSocket, open_socket
from hfdeploy_proxy.waking import Waking, WakingUpstream, wake_first

if TYPE_CHECKING:
    from hfdeploy_proxy.limiting import Limiter


class Application:
    """The relay as an ASGI application; it can be mounted in another."""

    def __init__(
        self,
        settings: Settings,
        transport: httpx.AsyncBaseTransport | None = None,
        shared: Path | None = None,
    ) -> None:
        token = settings.hf_token.get_secret_value() if settings.hf_token else None
        self._credentials = Credentials(token, settings.hf_token_file, settings.auth_mode, time.monotonic)
        self._settings = settings
        self._transport = transport
        self._circuit = Circuit(time.monotonic)
        self._waking = Waking(self._ask_stage, time.monotonic, settings.wait_seconds)
        self._destination = Destination(self._locate, self._connect, time.monotonic)
        self._limiter = _limiter(settings)
        guard = _guard(settings)
        tally = Tally()
        self._metrics = Metrics(tally, shared) if settings.metrics else None
        entrance = Entrance(
            self._destination,
            self._credentials,
            cors=Cors(Origins(settings.allow_origins), settings.allow_credentials),
            trusted_hops=settings.trusted_hops,
            date=http_date(time.time),
            guard=None if guard == Guard() else guard,
            limiter=self._limiter,
            rewrites=settings.rewrite_origin,
            scrubs=settings.scrub_token,
        )
        open_upstream: OpenSocket = functools.partial(
            open_socket,
            connect_seconds=settings.connect_timeout_seconds,
            answer_seconds=settings.answer_timeout_seconds,
            max_bytes=settings.websocket_max_bytes,
            circuit=self._circuit,
        )
        rewriting = Rewriting(origins=settings.rewrite_origin, secrets=settings.scrub_token)
        self._http: App = HttpRelay(entrance, tally, rewriting if rewriting.is_on else None)
        self._websocket: App = WebSocketRelay(
            entrance,
            tally,
            wake_first(open_upstream, self._waking) if settings.target_space else open_upstream,
        )
        if settings.max_requests:
            both: dict[str, App] = {"http": self._http, "websocket": self._websocket}
            self._http = self._websocket = Cap(both, settings.max_requests, tally)
        self._flush: Callable[[], bool] | None = None
        self._wrap(settings)
        self._operations = create_operations(
            self._check_ready, metrics=self._metrics, guard=guard, docs=settings.docs
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "lifespan":
            await self._live(receive, send)
            return
        path: str = scope["path"]
        root_path: str = scope.get("root_path", "")
        is_own = path.startswith(PREFIX, len(root_path) if path.startswith(root_path) else 0)
        if kind == "http":
            await (self._operations if is_own else self._http)(scope, receive, send)
        elif is_own:
            await refuse(scope, receive, send, PAGE_UNKNOWN)
        else:
            await self._websocket(scope, receive, send)

    async def close(self) -> None:
        """Close all connections: for those who mount it, whose server tells it nothing."""
        await self._destination.close()
        if self._flush is not None:
            await asyncio.to_thread(self._flush)
        if self._limiter is not None:
            await self._limiter.close()

    def _wrap(self, settings: Settings) -> None:
        """What looks at every request from outside, where it is asked for."""
        if settings.access_log:
            from hfdeploy_proxy.operations.access_log import AccessLog

            def write(line: str) -> None:
                print(line, flush=True)  # noqa: T201  (a log is what this process prints)

            self._http = AccessLog(self._http, write, time.monotonic, settings.trusted_hops)
            self._websocket = AccessLog(self._websocket, write, time.monotonic, settings.trusted_hops)
        if settings.tracing:
            from hfdeploy_proxy.operations.tracing import Tracing, find_provider

            provider = find_provider()
            self._http, self._websocket = Tracing(self._http, provider), Tracing(self._websocket, provider)
            self._flush = provider.force_flush

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        sharing = None
        if self._metrics is not None and self._metrics.is_shared:
            sharing = asyncio.create_task(self._metrics.share())
        await receive()
        if sharing is not None:
            sharing.cancel()
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})

    def _check_ready(self) -> None:
        self._credentials.header()

    async def _locate(self) -> str:
        settings = self._settings
        if settings.target_url is not None:
            return settings.target_url
        assert settings.target_space
        return await find_host(settings.hf_endpoint, settings.target_space, self._credentials.header()[1])

    async def _ask_stage(self) -> str:
        settings = self._settings
        assert settings.target_space
        return await find_stage(settings.hf_endpoint, settings.target_space, self._credentials.header()[1])

    def _connect(self, address: Address, target: Target) -> Upstream:
        settings = self._settings
        engine = self._open_engine(address, target)
        return WakingUpstream(engine, self._waking) if settings.target_space else engine

    def _open_engine(self, address: Address, target: Target) -> Upstream:
        settings = self._settings
        limits = Limits(
            connections=settings.max_connections,
            connect_seconds=settings.connect_timeout_seconds,
            pool_seconds=settings.pool_timeout_seconds,
            answer_seconds=settings.answer_timeout_seconds,
            idle_seconds=settings.idle_timeout_seconds,
        )
        transport: httpx.AsyncBaseTransport
        if self._transport is not None:
            transport = CircuitTransport(self._transport, self._circuit)
        elif settings.engine == "httpx":
            transport = NetworkTransport(address, limits, self._circuit)
        else:
            return Http1Upstream(address, limits, self._circuit)
        return HttpxUpstream(target.origin.decode(), transport, limits)


def _guard(settings: Settings) -> Guard:
    return Guard(
        tuple(parse_key(key) for key in settings.api_keys),
        frozenset(settings.allow_methods),
        settings.allow_paths,
        settings.max_body_bytes,
    )


def _limiter(settings: Settings) -> "Limiter | None":
    if not settings.rate_limit_per_client and not settings.rate_limit_per_key:
        return None
    from hfdeploy_proxy.limiting import Limiter

    return Limiter(
        settings.rate_limit_per_client,
        settings.rate_limit_per_key,
        settings.rate_limit_storage.get_secret_value(),
    )


def create_app(
    settings: Settings | None = None, *, transport: httpx.AsyncBaseTransport | None = None
) -> Application:
    """The relay as an ASGI application, by default as the environment sets it. Raises SettingsInvalid.

    With a ``transport`` of httpx the upstream is reached through that; WebSockets always take a connection.
    """
    return Application(settings or load_settings(), transport)


def http_date(now: Callable[[], float]) -> Callable[[], bytes]:
    """The time as RFC 9110, section 5.6.7 has it, made anew once a second."""
    known = (-1, b"")

    def tell() -> bytes:
        nonlocal known
        second = int(now())
        if known[0] != second:
            known = (second, formatdate(second, usegmt=True).encode())
        return known[1]

    return tell

"""What every request passes before anything is sent upstream, HTTP or WebSocket."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from hfdeploy_proxy.credentials import Credentials
from hfdeploy_proxy.relay.client import Receive, Scope, Send
from hfdeploy_proxy.relay.wire import sent_target
from hfdeploy_proxy.rules.access import check_origin
from hfdeploy_proxy.rules.cors import Cors
from hfdeploy_proxy.rules.errors import Header, Problem
from hfdeploy_proxy.rules.guard import KEY_HEADER, Guard
from hfdeploy_proxy.rules.headers import (
    Forwarding,
    Request,
    ask_plain,
    decide_forwarding,
    plan_answer_headers,
    plan_request_headers,
    read_request,
    values,
)
from hfdeploy_proxy.rules.pages import plan_page, wants_page
from hfdeploy_proxy.rules.paths import plan_target, split_target
from hfdeploy_proxy.upstream.destination import Destination, There

if TYPE_CHECKING:
    from hfdeploy_proxy.limiting import Limiter

DENIAL = "websocket.http.response"
_SCHEMES = {"http": b"http", "https": b"https", "ws": b"http", "wss": b"https"}


class Passage(NamedTuple):
    """A request that may pass, and what the upstream will see of it."""

    request: Request
    there: There
    target: bytes
    headers: list[Header]
    forwarding: Forwarding

    @property
    def token(self) -> bytes:
        """What opens the upstream, without the word before it."""
        return self.headers[-1][1].partition(b" ")[2]

    def scrub(self, text: bytes) -> bytes:
        """The text without the token."""
        return text.replace(self.token, b"*" * len(self.token))


class Entrance:
    """Decides by the rules, with what this relay knows of its upstream, its token and the time."""

    def __init__(
        self,
        destination: Destination,
        credentials: Credentials,
        *,
        cors: Cors,
        trusted_hops: int,
        date: Callable[[], bytes],
        guard: Guard | None = None,
        limiter: "Limiter | None" = None,
        rewrites: bool = False,
        scrubs: bool = False,
    ) -> None:
        self._destination = destination
        self._credentials = credentials
        self._trusted_hops = trusted_hops
        self._date = date
        self._guard = guard
        self._limiter = limiter
        self._asks_plain = rewrites or scrubs
        self.scrubs = scrubs
        self.cors = cors
        self.max_body_bytes = guard.max_body_bytes if guard is not None else 0

    async def admit(self, scope: Scope) -> Passage:
        """Raises RequestRefused or UpstreamError."""
        prefix: bytes = scope.get("root_path", "").encode()
        request = read_request(scope["headers"])
        target = plan_target(*sent_target(scope))
        peer = scope.get("client")
        forwarding = decide_forwarding(
            request,
            peer[0].encode() if peer else b"unknown",
            _SCHEMES.get(scope["scheme"], b"http"),
            self._trusted_hops,
            prefix,
        )
        check_origin(request.origin, forwarding.host, self.cors.origins)
        if self._guard is not None or self._limiter is not None:
            request = await self._guarded(scope, request, target, forwarding)
        credentials = self._credentials.header()
        there = self._destination.known or await self._destination.find()
        headers = plan_request_headers(request, there.target, forwarding, credentials)
        if self._asks_plain:
            headers = ask_plain(headers, whole=self.scrubs)
        return Passage(request, there, target, headers, forwarding)

    async def _guarded(
        self, scope: Scope, request: Request, target: bytes, forwarding: Forwarding
    ) -> Request:
        """The request without its key, if it may come in. Raises RequestRefused.

        A preflight may: browsers send none of the page's headers with it, and it does not go upstream.
        """
        method = scope.get("method", "GET")
        if self.cors.is_preflight(method, request.origin, request.kept):
            return request
        guard = self._guard or Guard()
        guard.check(method, split_target(target)[0], request.length)
        if self._limiter is not None:
            await self._limiter.check_client(forwarding.chain[0])
        key = guard.find_key(scope["headers"])
        if key is None:
            return request
        scope["hfdeploy_proxy.key"] = key.name
        if self._limiter is not None:
            await self._limiter.check_key(key.name)
        by_header = any(name == KEY_HEADER for name, _ in request.kept)
        return request._replace(
            kept=[pair for pair in request.kept if pair[0] != KEY_HEADER],
            special=[pair for pair in request.special if by_header or pair[0] != b"authorization"],
        )

    def plan_refusal(self, scope: Scope) -> list[Header]:
        """What a page of an origin that is allowed has to be told, or it cannot read why it was refused."""
        origins, hosts = values(scope["headers"], b"origin"), values(scope["headers"], b"host")
        if len(origins) != 1 or len(hosts) != 1 or not self.cors.origins.admits(origins[0].decode("latin-1")):
            return []
        return self.cors.plan_answer(origins[0], hosts[0])

    def plan_answer(self, passage: Passage, headers: Sequence[Header], status: int) -> list[Header]:
        """What the client sees of the upstream's headers."""
        forwarding = passage.forwarding
        planned = plan_answer_headers(headers, status, passage.there.target, forwarding.prefix, self._date())
        if self.cors.origins.allowed:
            planned += self.cors.plan_answer(passage.request.origin, forwarding.host)
        if self.scrubs:
            planned = [(name, passage.scrub(value)) for name, value in planned]
        return planned


async def send_problem(
    send: Send, problem: Problem, kind: str = "http.response", extra: Sequence[Header] = ()
) -> None:
    """Answer with a row of the error table; ``kind`` is ASGI's prefix of the messages."""
    body = problem.body()
    headers = [*problem.headers(body), *extra]
    await send({"type": f"{kind}.start", "status": problem.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})


async def send_failure(scope: Scope, send: Send, problem: Problem, extra: Sequence[Header] = ()) -> None:
    """As `send_problem`, but a problem that may pass is told to people by a page."""
    if problem.retry_after_seconds is None or not wants_page(scope["method"], scope["headers"]):
        await send_problem(send, problem, extra=extra)
        return
    headers, body = plan_page(problem)
    await send({"type": "http.response.start", "status": problem.status, "headers": [*headers, *extra]})
    await send({"type": "http.response.body", "body": body})


def can_deny(scope: Scope) -> bool:
    """Whether the server can answer a handshake with a status and a body."""
    return DENIAL in scope.get("extensions", {})


async def deny_socket(scope: Scope, send: Send, problem: Problem) -> None:
    """Refuse a handshake, as far as the server can say why."""
    if can_deny(scope):
        await send_problem(send, problem, DENIAL)
    else:
        await send({"type": "websocket.close"})


async def refuse(scope: Scope, receive: Receive, send: Send, problem: Problem) -> None:
    """Refuse a request of either kind that nobody has looked at."""
    if scope["type"] == "websocket":
        await receive()
        await deny_socket(scope, send, problem)
    else:
        await send_problem(send, problem)

"""What every request passes before anything is sent upstream, HTTP or WebSocket."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from hfdeploy_proxy.credentials import Credentials
from hfdeploy_proxy.relay.client import Scope, Send
from hfdeploy_proxy.relay.wire import sent_target
from hfdeploy_proxy.rules.access import check_origin
from hfdeploy_proxy.rules.cors import Cors
from hfdeploy_proxy.rules.errors import Header, Problem
from hfdeploy_proxy.rules.headers import (
    Request,
    decide_forwarding,
    plan_answer_headers,
    plan_request_headers,
    read_request,
)
from hfdeploy_proxy.rules.pages import plan_page, wants_page
from hfdeploy_proxy.rules.paths import plan_target
from hfdeploy_proxy.upstream.destination import Destination, There

_SCHEMES = {"http": b"http", "https": b"https", "ws": b"http", "wss": b"https"}


class Passage(NamedTuple):
    """A request that may pass, and what the upstream will see of it."""

    request: Request
    there: There
    target: bytes
    headers: list[Header]
    host: bytes
    prefix: bytes


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
    ) -> None:
        self._destination = destination
        self._credentials = credentials
        self._trusted_hops = trusted_hops
        self._date = date
        self.cors = cors

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
        credentials = self._credentials.header()
        there = self._destination.known or await self._destination.find()
        headers = plan_request_headers(request, there.target, forwarding, credentials)
        return Passage(request, there, target, headers, forwarding.host, prefix)

    def plan_answer(self, passage: Passage, headers: Sequence[Header], status: int) -> list[Header]:
        """What the client sees of the upstream's headers."""
        planned = plan_answer_headers(headers, status, passage.there.target, passage.prefix, self._date())
        if self.cors.origins.allowed:
            planned += self.cors.plan_answer(passage.request.origin, passage.host)
        return planned


async def send_problem(send: Send, problem: Problem, kind: str = "http.response") -> None:
    """Answer with a row of the error table; ``kind`` is ASGI's prefix of the messages."""
    body = problem.body()
    await send({"type": f"{kind}.start", "status": problem.status, "headers": problem.headers(body)})
    await send({"type": f"{kind}.body", "body": body})


async def send_failure(scope: Scope, send: Send, problem: Problem) -> None:
    """As `send_problem`, but a problem that may pass is told to people by a page."""
    if problem.retry_after_seconds is None or not wants_page(scope["method"], scope["headers"]):
        await send_problem(send, problem)
        return
    headers, body = plan_page(problem)
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

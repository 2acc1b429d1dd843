"""A request and its answer, both streamed."""

import asyncio
import logging
from collections.abc import Callable

from hfdeploy_proxy.credentials import Credentials
from hfdeploy_proxy.relay.client import Client, Receive, Scope, Send
from hfdeploy_proxy.relay.wire import abort_client, sent_target
from hfdeploy_proxy.rules.access import Origins, check_origin
from hfdeploy_proxy.rules.errors import AnswerTruncated, Problem, RequestRefused, UpstreamError
from hfdeploy_proxy.rules.headers import (
    decide_forwarding,
    plan_answer_headers,
    plan_request_headers,
    read_request,
)
from hfdeploy_proxy.rules.paths import plan_target
from hfdeploy_proxy.upstream.destination import Destination
from hfdeploy_proxy.upstream.port import Body

logger = logging.getLogger("hfdeploy_proxy")


class HttpRelay:
    """Carries requests to one upstream. What is relayed passes no framework: `__call__` is raw ASGI."""

    def __init__(
        self,
        destination: Destination,
        credentials: Credentials,
        *,
        origins: Origins,
        trusted_hops: int,
        date: Callable[[], bytes],
    ) -> None:
        self._destination = destination
        self._credentials = credentials
        self._origins = origins
        self._trusted_hops = trusted_hops
        self._date = date
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop = self._loop or asyncio.get_running_loop()  # asking costs a system call in Python 3.11
        self._loop = loop
        client = Client(receive, loop)
        try:
            await self._relay(scope, client, send)
        except RequestRefused as error:
            client.stop()
            await send_problem(send, error.refusal)
        except AnswerTruncated as error:
            client.stop()
            logger.warning("an answer broke off: %s", error)
            abort_client(scope)
        except UpstreamError as error:
            client.stop()
            logger.warning("%s: %s", error.problem.name, error)
            await send_problem(send, error.problem)
        except asyncio.CancelledError:
            if not client.gone:
                raise
            client.forgive()
        finally:
            client.stop()

    async def _relay(self, scope: Scope, client: Client, send: Send) -> None:
        root_path: str = scope.get("root_path", "")
        prefix = root_path.encode()
        request = read_request(scope["headers"])
        target = plan_target(*sent_target(scope))
        peer = scope.get("client")
        forwarding = decide_forwarding(
            request,
            peer[0].encode() if peer else b"unknown",
            scope["scheme"].encode(),
            self._trusted_hops,
            prefix,
        )
        check_origin(request.origin, forwarding.host, self._origins)
        credentials = self._credentials.header()
        there = self._destination.known or await self._destination.find()
        headers = plan_request_headers(request, there.target, forwarding, credentials)
        body = None
        if request.chunked or request.length:
            body = Body(request.length, client.parts(), request.expects_continue)
        else:
            client.watch_soon()
        answer = await there.upstream.send(scope["method"].encode(), target, headers, body)
        try:
            planned = plan_answer_headers(answer.headers, answer.status, there.target, prefix, self._date())
            if not answer.sent_all:
                planned.append((b"connection", b"close"))  # what is left of the request will not be read
            await send({"type": "http.response.start", "status": answer.status, "headers": planned})
            while True:
                part = await answer.read()
                ended = answer.ended
                await send({"type": "http.response.body", "body": part, "more_body": not ended})
                if ended:
                    return
        finally:
            answer.close()


async def send_problem(send: Send, problem: Problem) -> None:
    """Answer with a row of the error table."""
    body = problem.body()
    await send({"type": "http.response.start", "status": problem.status, "headers": problem.headers(body)})
    await send({"type": "http.response.body", "body": body})

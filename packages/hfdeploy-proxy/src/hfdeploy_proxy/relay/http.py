"""A request and its answer, both streamed."""

import asyncio
import logging

from hfdeploy_proxy.relay.client import Client, Receive, Scope, Send, capped
from hfdeploy_proxy.relay.entrance import Entrance, send_failure, send_problem
from hfdeploy_proxy.relay.rewriting import Rewriting
from hfdeploy_proxy.relay.tally import Tally
from hfdeploy_proxy.relay.wire import abort_client
from hfdeploy_proxy.rules.errors import AnswerTruncated, ClientGone, RequestRefused, UpstreamError
from hfdeploy_proxy.upstream.port import Body

logger = logging.getLogger("hfdeploy_proxy")


class HttpRelay:
    """Carries requests to one upstream. What is relayed passes no framework: `__call__` is raw ASGI."""

    def __init__(self, entrance: Entrance, tally: Tally, rewriting: Rewriting | None = None) -> None:
        self._entrance = entrance
        self._tally = tally
        self._rewriting = rewriting
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop = self._loop
        if loop is None or loop.is_closed():
            loop = self._loop = asyncio.get_running_loop()  # asking costs a system call in Python 3.11
        client = Client(receive, loop)
        tally = self._tally
        tally.requests += 1
        tally.open_requests += 1
        try:
            await self._relay(scope, client, send, loop)
        except RequestRefused as error:
            client.stop()
            tally.failed(error.refusal.name)
            await send_problem(send, error.refusal, extra=self._entrance.plan_refusal(scope))
        except AnswerTruncated as error:
            client.stop()
            tally.failed("answer-truncated")
            logger.warning("an answer broke off: %s", error)
            abort_client(scope)
        except UpstreamError as error:
            client.stop()
            tally.failed(error.problem.name)
            logger.warning("%s: %s", error.problem.name, error)
            await send_failure(scope, send, error.problem, self._entrance.plan_refusal(scope))
        except ClientGone:
            pass
        except asyncio.CancelledError:
            if not client.gone:
                raise
            client.forgive()
        finally:
            tally.open_requests -= 1
            client.stop()

    async def _relay(self, scope: Scope, client: Client, send: Send, loop: asyncio.AbstractEventLoop) -> None:
        started = loop.time()
        passage = await self._entrance.admit(scope)
        request = passage.request
        cors = self._entrance.cors
        if request.origin is not None and cors.is_preflight(scope["method"], request.origin, request.kept):
            planned = cors.plan_preflight(request.origin, passage.forwarding.host, request.kept)
            await send({"type": "http.response.start", "status": 204, "headers": planned})
            await send({"type": "http.response.body", "body": b""})
            return
        body = None
        if request.chunked or request.length:
            most = self._entrance.max_body_bytes
            parts = capped(client.parts(), most) if most else client.parts()
            body = Body(request.length, parts, request.expects_continue)
        else:
            client.watch_soon()
        method = scope["method"].encode()
        answer = await passage.there.upstream.send(method, passage.target, passage.headers, body)
        self._tally.answered(answer.status, loop.time() - started)
        try:
            if self._rewriting is not None:
                answer = self._rewriting.change(answer, passage, method)
            planned = self._entrance.plan_answer(passage, answer.headers, answer.status)
            if not answer.sent_all:
                planned.append((b"connection", b"close"))  # what is left of the request will not be read
            await send({"type": "http.response.start", "status": answer.status, "headers": planned})
            while True:
                part = await answer.read()
                if answer.ended:
                    break
                await send({"type": "http.response.body", "body": part, "more_body": True})
        finally:
            await answer.close()
        # Not before: with the end of this answer the client may ask again, on the same connection upstream.
        await send({"type": "http.response.body", "body": part, "more_body": False})

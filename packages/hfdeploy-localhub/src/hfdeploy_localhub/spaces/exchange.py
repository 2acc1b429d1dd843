"""One request of a client, carried to the app and its answer back, both streamed."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

import h11

from hfdeploy_localhub.spaces.headers import Header, plan_response_headers
from hfdeploy_localhub.spaces.pages import plan_page
from hfdeploy_localhub.spaces.wire import Wire

_CONNECT_SECONDS = 10.0
_REQUEST_FAILED = "The app closed the connection without an answer."


async def relay(client: Wire, request: h11.Request, headers: Sequence[Header], host: str, port: int) -> None:
    """Carry `request` (with `headers` in place of its own) to the app at `host`:`port`.

    Whoever leaves first ends it for the other side too; an answer that breaks off is never finished cleanly.
    """
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            streams = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        await client.send_page(plan_page(502, "502", "The app does not accept connections."))
        return
    app = Wire(h11.CLIENT, *streams)
    try:
        await _exchange(client, app, request, _with_host(headers, port))
    except (OSError, h11.ProtocolError):
        client.reset()
        app.reset()
        raise
    finally:
        app.drop()
        await app.close()


def _with_host(headers: Sequence[Header], port: int) -> list[Header]:
    """HTTP/1.0 clients need not send Host; the app gets one."""
    has_host = any(name.lower() == b"host" for name, _ in headers)
    return [*headers] if has_host else [(b"Host", b"127.0.0.1:%d" % port), *headers]


async def _exchange(client: Wire, app: Wire, request: h11.Request, headers: list[Header]) -> None:
    await app.send(h11.Request(method=request.method, target=request.target, headers=headers))
    up = asyncio.create_task(_carry_request(client, app))
    down = asyncio.create_task(_carry_response(client, app))
    try:
        await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        if up.done() and not down.done() and await up:
            raise ConnectionResetError("the client has left")
        switched = await down
    finally:
        await _cancel(up, down)
    if switched:
        await _tunnel(client, app)


async def _carry_request(client: Wire, app: Wire) -> bool:
    """The body, and then a watch on the client. Returns whether the client has left."""
    if client.http.they_are_waiting_for_100_continue:
        await client.send(h11.InformationalResponse(status_code=100, headers=[]))
    while True:
        event = await client.next_event()
        if isinstance(event, h11.Data):
            event = h11.Data(data=event.data)
        elif isinstance(event, h11.EndOfMessage):
            event = h11.EndOfMessage()
        else:
            return True
        try:
            await app.send(event)
        except OSError:
            return False  # it may have answered before it read everything
        if isinstance(event, h11.EndOfMessage):
            await client.wait_for_close()
            return True


async def _carry_response(client: Wire, app: Wire) -> bool:
    """The answer. Returns whether both sides have switched to another protocol."""
    begun = False
    while True:
        try:
            event = await app.next_event()
        except (OSError, h11.RemoteProtocolError):
            if begun:
                raise
            await client.send_page(plan_page(502, "502", _REQUEST_FAILED))
            return False
        if isinstance(event, h11.InformationalResponse):
            if await _carry_informational(client, event):
                return True
        elif isinstance(event, h11.Response):
            begun = True
            headers = plan_response_headers(event.headers.raw_items())
            await client.send_head(event.status_code, headers, bytes(event.reason))
        elif isinstance(event, h11.Data):
            await client.send(h11.Data(data=event.data))
        elif isinstance(event, h11.EndOfMessage):
            await client.send(h11.EndOfMessage())
            return False
        else:
            raise ConnectionResetError("the app has left")


async def _carry_informational(client: Wire, event: h11.InformationalResponse) -> bool:
    """Pass 101 and the likes of 103 on; 100 is between the app and us. Returns whether it was 101."""
    is_switch = event.status_code == 101
    if event.status_code != 100:
        headers = plan_response_headers(event.headers.raw_items(), switching=is_switch)
        await client.send(
            h11.InformationalResponse(
                status_code=event.status_code, headers=headers, reason=bytes(event.reason)
            )
        )
    return is_switch


async def _tunnel(one: Wire, other: Wire) -> None:
    """Bytes both ways; each direction ends by itself, a failure of one ends both."""
    pumps = {asyncio.create_task(_pump(one, other)), asyncio.create_task(_pump(other, one))}
    try:
        done, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_EXCEPTION)
        for pump in done:
            pump.result()
    finally:
        await _cancel(*pumps)


async def _pump(origin: Wire, destination: Wire) -> None:
    while data := await origin.read_raw():
        await destination.write_raw(data)
    await destination.write_raw(b"")


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError, OSError, h11.ProtocolError):
            await task

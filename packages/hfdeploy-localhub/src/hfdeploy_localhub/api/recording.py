"""Around every request: its entry in the request log."""

import time

from hfdeploy_localhub.api.asgi import CONTROL_PREFIX, App, Message, Receive, Scope, Send, hub_of


class RequestRecorder:
    """Counts what comes and goes, on the outside of whatever a fault does to it."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(CONTROL_PREFIX):
            await self._app(scope, receive, send)
            return
        entry = hub_of(scope).requests.begin(scope["method"], scope["path"])
        started = time.perf_counter()

        async def receive_counted() -> Message:
            message = await receive()
            entry.received_bytes += len(message.get("body", b""))
            return message

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry.status = message["status"]
            elif scope["method"] != "HEAD":
                entry.sent_bytes += len(message.get("body", b""))
            entry.seconds = time.perf_counter() - started
            await send(message)

        try:
            await self._app(scope, receive_counted, send_counted)
        finally:
            entry.seconds = time.perf_counter() - started

"""A line of JSON for each request, with an id that the upstream and the client see, too."""

import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from hfdeploy_proxy.relay.client import App, Message, Receive, Scope, Send
from hfdeploy_proxy.rules.errors import Header
from hfdeploy_proxy.rules.headers import client_address, values
from hfdeploy_proxy.rules.redact import redact

_ID_HEADER = b"x-request-id"
_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_NORMAL = 1000


class AccessLog:
    """An application around another. Queries are left out: they hold what people have typed."""

    def __init__(
        self, app: App, write: Callable[[str], None], clock: Callable[[], float], trusted_hops: int
    ) -> None:
        self._app = app
        self._write = write
        self._clock = clock
        self._trusted_hops = trusted_hops

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = self._clock()
        headers = scope["headers"]
        request_id = find_id(headers)
        scope = {**scope, "headers": with_id(headers, request_id)}
        seen: dict[str, Any] = {"status": None, "sent_bytes": 0, "complete": False}

        async def note(message: Message) -> None:
            kind = message["type"]
            if kind.endswith((".start", ".accept")):
                seen["status"] = message.get("status", 101)
                message["headers"] = with_id(message["headers"], request_id)
            elif kind.endswith((".body", ".send")):
                seen["sent_bytes"] += len(
                    message.get("body") or message.get("bytes") or message.get("text") or b""
                )
                seen["complete"] = kind != "websocket.send" and not message.get("more_body", False)
            elif kind == "websocket.close":
                seen.update(close_code=message.get("code", _NORMAL), complete=True)
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            path = (scope.get("raw_path") or scope["path"].encode()).partition(b"?")[0].decode("latin-1")
            agents = values(headers, b"user-agent")
            line = {
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "id": request_id.decode(),
                "client": client_address(headers, scope.get("client"), self._trusted_hops).decode("latin-1"),
                "key": scope.get("hfdeploy_proxy.key"),
                "method": scope.get("method", "WEBSOCKET"),
                "path": path,
                **seen,
                "seconds": round(self._clock() - started, 4),
                "agent": agents[0].decode("latin-1") if agents else None,
            }
            self._write(redact(json.dumps(line)))


def with_id(headers: list[Header], request_id: bytes) -> list[Header]:
    """The headers with this id and no other."""
    return [*(pair for pair in headers if pair[0] != _ID_HEADER), (_ID_HEADER, request_id)]


def find_id(headers: list[Header]) -> bytes:
    """The client's own id, if it is one, or a new one."""
    told = values(headers, _ID_HEADER)
    return told[0] if len(told) == 1 and _ID.fullmatch(told[0]) else uuid.uuid4().hex.encode()

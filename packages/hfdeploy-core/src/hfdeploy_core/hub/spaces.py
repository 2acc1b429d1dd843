"""A Space at run time: its state, its logs, and a look at its app (hub-api 8)."""

import http.client
import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hfdeploy_core.hub.caller import Caller
from hfdeploy_core.hub.patience import GaveUp
from hfdeploy_core.hub.wire import Stream, Wire
from hfdeploy_core.model import RepoRef
from hfdeploy_core.redact import redact
from hfdeploy_core.space import AppReply, LogKind, LogLine, Runtime

_EVENT = b"data: {"
_MOST_BODY_BYTES = 1_000_000
# Any key will do: what it is answered with is the app's business.
_HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": b64encode(b"hfdeploy's probe").decode(),
}


def read_runtime(caller: Caller, repo: RepoRef) -> Runtime:
    return _read(caller.ask_json("GET", f"{_api(repo)}/runtime", f"read the state of {repo}"))


def act(caller: Caller, repo: RepoRef, action: str) -> Runtime:
    """One of the actions that answer with the new state: `restart`, `pause`."""
    return _read(caller.ask_json("POST", f"{_api(repo)}/{action}", f"{action} {repo}"))


@contextmanager
def open_log(
    caller: Caller, repo: RepoRef, kind: LogKind, *, tail: int | None, quiet_seconds: float
) -> Iterator[Iterator[LogLine]]:
    query = "" if tail is None else f"?tail={tail}"
    path = f"{_api(repo)}/logs/{kind}{query}"
    stream = caller.open(path, f"read the {kind} log of {repo}", quiet_seconds=quiet_seconds)
    try:
        yield _read_lines(stream)
    finally:
        stream.close()


def visit(url: str, path: str, token: str, *, quiet_seconds: float, is_websocket: bool) -> AppReply | None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    headers |= _HANDSHAKE if is_websocket else {}
    stream = Wire(url).open(f"{url.rstrip('/')}{path}", headers, quiet_seconds=quiet_seconds)
    if isinstance(stream, GaveUp):
        return None
    try:
        body = stream.read(_MOST_BODY_BYTES)
    except (OSError, http.client.HTTPException):
        return None
    finally:
        stream.close()
    return AppReply(stream.status, redact(body.decode(errors="replace")))


def _read_lines(stream: Stream) -> Iterator[LogLine]:
    """Until it ends, one way or the other: whether more is wanted is for the reader to say."""
    try:
        for line in stream:
            if line.startswith(_EVENT):
                event = json.loads(line.removeprefix(b"data: "))
                yield LogLine(redact(event["data"].rstrip("\n")), event.get("timestamp", ""))
    except (OSError, ValueError, http.client.HTTPException):
        return


def _read(answer: dict[str, Any]) -> Runtime:
    return Runtime(
        stage=answer["stage"],
        commit=answer.get("sha"),
        error_message=redact(answer["errorMessage"]) if answer.get("errorMessage") else None,
        hardware=(answer.get("hardware") or {}).get("current"),
    )


def _api(repo: RepoRef) -> str:
    return f"/api/{repo.type}s/{repo.id}"

"""Shared by the tests of core: a folder to write into, the fakes, and the events that were told."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from hfdeploy_core.events import Event
from hfdeploy_core.testing import FakeClock, FakeHub

Write = Callable[[dict[str, str | bytes]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write files into the source folder, by path; returns the folder."""
    root = tmp_path / "source"

    def write(files: dict[str, str | bytes]) -> Path:
        root.mkdir(exist_ok=True)
        for path, content in files.items():
            location = root / path
            location.parent.mkdir(parents=True, exist_ok=True)
            location.write_bytes(content.encode() if isinstance(content, str) else content)
        return root

    return write


@pytest.fixture
def hub() -> FakeHub:
    return FakeHub(large_bytes=1000)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def told() -> list[Event]:
    """Every event that was told: pass `told.append` as `on_event`."""
    return []


@dataclass
class Reply:
    """What a scripted Hub answers: `drop` breaks the connection after the request was read."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False


@dataclass
class Request:
    """What a scripted Hub was sent."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str]

    def json(self) -> Any:
        return json.loads(self.body)


class ScriptedHub:
    """A real HTTP server that answers each `METHOD /path` with its replies in turn, the last one for ever."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.requests: list[Request] = []
        self._replies: dict[str, list[Reply]] = {}

    def on(self, route: str, *replies: dict[str, Any]) -> None:
        """Script `METHOD /path` (without the query); each reply is the fields of a Reply."""
        self._replies[route] = [Reply(**reply) for reply in replies]

    def paths(self) -> list[str]:
        """What was asked, as `METHOD /path`, in order."""
        return [f"{request.method} {request.path.partition('?')[0]}" for request in self.requests]

    def take(self, request: Request) -> Reply:
        self.requests.append(request)
        replies = self._replies.get(f"{request.method} {request.path.partition('?')[0]}")
        if not replies:
            return Reply(404, {"error": f"no script for {request.method} {request.path}"})
        return replies.pop(0) if len(replies) > 1 else replies[0]


@pytest.fixture
def scripted_hub() -> Iterator[ScriptedHub]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            reply = scripted.take(Request(self.command, self.path, body, dict(self.headers)))
            if reply.drop:
                self.close_connection = True
                return
            content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        scripted = ScriptedHub(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield scripted
        server.shutdown()
        thread.join()

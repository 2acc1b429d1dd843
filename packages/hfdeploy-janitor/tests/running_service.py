"""Jobs, scheduled jobs and inference endpoints, which the local hub does not have.

Nothing runs. What is sent and read is the stock client's: it makes what the tests then sweep.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

_PATHS = re.compile(
    r"/(?P<kind>api/jobs|api/scheduled-jobs|v2/endpoint)/(?P<owner>[^/]+)(/(?P<id>[^/]+))?(/(?P<verb>cancel))?"
)


class RunningService:
    """All that runs, by kind and id; `page_size` jobs are listed at a time."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.page_size = 2
        self.status = 200
        self.items: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.requests: list[str] = []

    def answer(self, method: str, url: str, body: Any) -> tuple[int, Any, str | None]:
        """Status, content and where the next page is."""
        self.requests.append(f"{method} {url}")
        split = urlsplit(url)
        match = _PATHS.fullmatch(split.path)
        if match is None or self.status != 200:
            return (404 if match is None else self.status), {}, None
        kind, owner, id = match["kind"], match["owner"], match["id"]
        if id is None and method == "POST":
            return 200, self._make(kind, owner, body), None
        if id is None:
            return self._list(kind, owner, split.path, parse_qs(split.query))
        found = self.items.get((kind, owner, id))
        if found is None:
            return 404, {"error": "Not found"}, None
        if match["verb"]:
            found["status"]["stage"] = "CANCELED"
        elif method == "DELETE":
            del self.items[kind, owner, id]
        return 200, found, None

    def _list(
        self, kind: str, owner: str, path: str, query: dict[str, list[str]]
    ) -> tuple[int, Any, str | None]:
        mine = [item for key, item in self.items.items() if key[:2] == (kind, owner)]
        if kind == "v2/endpoint":
            return 200, {"items": mine}, None
        if kind == "api/scheduled-jobs":
            return 200, mine, None
        wanted = query.get("stage")
        mine = [job for job in mine if wanted is None or job["status"]["stage"] in wanted]
        start = int(query.get("cursor", ["0"])[0])
        end = start + self.page_size
        stages = "".join(f"&stage={stage}" for stage in wanted or ())
        return 200, mine[start:end], f"{path}?cursor={end}{stages}" if end < len(mine) else None

    def _make(self, kind: str, owner: str, body: dict[str, Any]) -> dict[str, Any]:
        now = self.clock().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        made: dict[str, Any]
        if kind == "v2/endpoint":
            model = {"repository": "r", "framework": "pytorch", "task": None, "revision": None, "image": {}}
            times = {"createdAt": now, "updatedAt": now, "state": "pending"}
            made = {**body, "model": model, "status": times, "healthRoute": "/health"}
            self.items[kind, owner, body["name"]] = made
            return made
        id = f"{int(self.clock().timestamp()):08x}{len(self.items):016x}"
        made = {"id": id, "createdAt": now, "owner": {"id": "0" * 24, "name": owner, "type": "user"}}
        if kind == "api/jobs":
            made |= {**body, "status": {"stage": "SCHEDULING"}}
        else:
            made |= {**body, "suspend": False, "status": {}}
        self.items[kind, owner, id] = made
        return made


@contextmanager
def serving(service: RunningService) -> Iterator[str]:
    """Its address, while it answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(size) or "null")
            status, content, following = service.answer(self.command, self.path, body)
            text = json.dumps(content).encode()
            self.send_response_only(status)
            self.send_header("Date", format_datetime(service.clock().astimezone(UTC), usegmt=True))
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            if following:
                self.send_header("Link", f'<{address}{following}>; rel="next"')
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_DELETE = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield address
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""A Hub that has nothing but a long listing: `python listing_server.py REPOS`. Prints its port, then serves.

The n-th repo is expired if n is a multiple of 50. A line on stdin is answered with the number of requests.
"""

import json
import sys
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_PAGE = 1000
_EVERY = 50


def main(repos: int) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    deleted: set[str] = set()
    counts: dict[str, int] = {}

    def describe(number: int) -> dict[str, object]:
        made_at = now - timedelta(hours=30 if number % _EVERY == 0 else 2)
        told = made_at.isoformat().replace("+00:00", ".000Z")
        return {
            "id": f"alice/test-{number:06d}",
            "_id": f"{int(made_at.timestamp()):08x}{number:016x}",
            "createdAt": told,
            "lastModified": told,
            "sha": f"{number:040x}",
            "tags": ["transformers", "license:mit"],
            "private": False,
        }

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if url.path.startswith("/api/models"):
                self._count()
            if url.path == "/api/models":
                start = int(parse_qs(url.query).get("cursor", ["0"])[0])
                end = min(start + _PAGE, repos)
                there = [describe(number) for number in range(start, end)]
                host = f"http://127.0.0.1:{server.server_port}"
                link = {"Link": f'<{host}/api/models?cursor={end}>; rel="next"'} if end < repos else {}
                self._answer(200, [item for item in there if item["id"] not in deleted], link)
            elif not url.path.startswith("/api/models/alice/"):
                self._answer(404, {"error": "nothing here"}, {})
            elif (name := url.path.removeprefix("/api/models/")) in deleted:
                self._answer(404, {"error": "gone"}, {"X-Error-Code": "RepoNotFound"})
            else:
                self._answer(200, describe(int(name.rpartition("-")[2])), {})

        def do_DELETE(self) -> None:
            self._count()
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            deleted.add(f"{body['organization']}/{body['name']}")
            self._answer(200, {}, {})

        def _count(self) -> None:
            counts[self.command] = counts.get(self.command, 0) + 1

        def _answer(self, status: int, content: object, headers: dict[str, str]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    for _ in sys.stdin:
        print(json.dumps(counts), flush=True)
        counts.clear()


if __name__ == "__main__":
    main(int(sys.argv[1]))

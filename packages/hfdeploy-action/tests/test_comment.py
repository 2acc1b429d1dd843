"""Comments, against a stand-in for GitHub's API: GitHub itself is nowhere to be had."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from hfdeploy_action.comment import tell_pull_request
from hfdeploy_action.errors import CommentFailed

TOKEN = "ghs_of_the_job"


class GitHub(ThreadingHTTPServer):
    """The comments of pull request 7 of alice/code."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.comments: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: GitHub

    def do_GET(self) -> None:
        page = int(parse_qs(urlsplit(self.path).query)["page"][0])
        self.answer(
            "/repos/alice/code/issues/7/comments", self.server.comments[(page - 1) * 100 : page * 100]
        )

    def do_POST(self) -> None:
        made = {"id": len(self.server.comments), **self.read()}
        self.server.comments.append(made)
        self.answer("/repos/alice/code/issues/7/comments", made)

    def do_PATCH(self) -> None:
        number = int(self.path.rpartition("/")[2])
        self.server.comments[number] |= self.read()
        self.answer(f"/repos/alice/code/issues/comments/{number}", self.server.comments[number])

    def read(self) -> dict[str, Any]:
        return dict(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def answer(self, path: str, content: Any) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        allowed = urlsplit(self.path).path == path and self.headers["Authorization"] == f"Bearer {TOKEN}"
        self.send_response(200 if allowed else 403)
        self.end_headers()
        self.wfile.write(json.dumps(content if allowed else {"message": "no"}).encode())

    def log_message(self, format: str, *values: object) -> None:
        pass


@pytest.fixture
def github() -> Iterator[GitHub]:
    with GitHub() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def tell(github: GitHub, text: str, name: str = "alice/app", token: str = TOKEN) -> None:
    tell_pull_request(text, name, "alice/code", 7, github.url, token)


def test_a_comment_is_written_once_and_then_renewed(github: GitHub) -> None:
    github.comments += [{"id": number, "body": "of somebody"} for number in range(150)]
    tell(github, "first")
    tell(github, "second")
    tell(github, "another", "alice/other")
    bodies = [comment["body"] for comment in github.comments[150:]]
    assert bodies == ["<!-- hfdeploy: alice/app -->\nsecond", "<!-- hfdeploy: alice/other -->\nanother"]
    assert [asked.split()[0] for asked in github.asked] == [
        "GET",
        "GET",
        "POST",
        "GET",
        "GET",
        "PATCH",
        "GET",
        "GET",
        "POST",
    ]


def test_a_refusal_says_what_the_job_needs(github: GitHub) -> None:
    with pytest.raises(CommentFailed, match="GitHub answers 403") as raised:
        tell(github, "text", token="another")
    assert "pull-requests: write" in raised.value.remedy
    with pytest.raises(CommentFailed, match="URLError"):
        tell_pull_request("x", "y", "alice/code", 7, "http://127.0.0.1:9", TOKEN)
    assert github.comments == []


def test_a_secret_is_masked(github: GitHub, canary: str) -> None:
    tell(github, f"the token is {canary}")
    assert canary not in github.comments[0]["body"]

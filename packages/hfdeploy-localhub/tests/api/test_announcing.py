import json
import queue
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from huggingface_hub import HfApi, WebhookPayload

from hfdeploy_localhub import LocalHub

from .conftest import commit, create, file


class Receiver:
    """Somebody who is told."""

    def __init__(self) -> None:
        self.heard: queue.Queue[tuple[str | None, dict[str, Any]]] = queue.Queue()
        heard = self.heard

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                heard.put((self.headers["X-Webhook-Secret"], json.loads(body)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def next(self) -> tuple[str, str, WebhookPayload]:
        """As the client understands it."""
        _, content = self.heard.get(timeout=10)
        payload = WebhookPayload.model_validate(content)
        return payload.event.action, payload.event.scope, payload


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def watch(client: httpx.Client, url: str, type: str = "user", name: str = "alice", **more: Any) -> None:
    body = {"url": url, "watched": [{"type": type, "name": name}], **more}
    assert client.post("/api/settings/webhooks", json=body).status_code == 200


def test_a_repos_life_is_told(alice: httpx.Client, receiver: Receiver) -> None:
    watch(alice, receiver.url, secret="a secret of mine")
    create(alice)
    secret, content = receiver.heard.get(timeout=10)
    assert (secret, content["event"]) == ("a secret of mine", {"action": "create", "scope": "repo"})
    assert "secret" not in json.dumps(content)
    made = commit(alice, file("a", b"x")).json()["commitOid"]
    action, scope, payload = receiver.next()
    assert (action, scope) == ("update", "repo.content")
    (ref,) = payload.updatedRefs or ()
    assert (ref.ref, ref.newSha, payload.repo.name) == ("refs/heads/main", made, "alice/m")
    alice.post("/api/models/alice/m/branch/dev", json={})
    assert receiver.next()[:2] == ("update", "repo.content")
    alice.put("/api/models/alice/m/settings", json={"private": True})
    assert receiver.next()[:2] == ("update", "repo.config")
    alice.post("/api/repos/move", json={"fromRepo": "alice/m", "toRepo": "acme/n", "type": "model"})
    action, scope, payload = receiver.next()
    assert (action, scope, payload.repo.name) == ("move", "repo", "alice/m")
    assert payload.movedTo is not None
    assert payload.movedTo.name == "acme/n"


def test_discussions_are_told_with_their_comments(
    alice: httpx.Client, receiver: Receiver, hub: LocalHub
) -> None:
    create(alice)
    watch(alice, receiver.url, "model", "alice/m", domains=["discussion"])
    api = HfApi(endpoint=hub.endpoint, token=hub.tokens["mallory"])
    talk = api.create_discussion("alice/m", title="A title", description="the text")
    action, scope, payload = receiver.next()
    assert (action, scope) == ("create", "discussion")
    assert payload.discussion is not None
    assert (payload.discussion.num, payload.discussion.isPullRequest) == (1, False)
    assert payload.comment is not None
    assert payload.comment.content == "the text"
    commit(alice, file("a", b"x"))  # not what this webhook is for
    api.comment_discussion("alice/m", talk.num, "more")
    action, scope, payload = receiver.next()
    assert (action, scope) == ("create", "discussion.comment")
    api.change_discussion_status("alice/m", talk.num, "closed")
    assert receiver.next()[:2] == ("update", "discussion")


def test_a_push_is_told(alice: httpx.Client, receiver: Receiver, hub: LocalHub, tmp_path: Path) -> None:
    create(alice)
    watch(alice, receiver.url)
    address = hub.endpoint.replace("http://", f"http://alice:{hub.tokens['alice']}@")
    subprocess.run(["git", "clone", "-q", f"{address}/alice/m", tmp_path / "c"], check=True)
    git = ["git", "-C", tmp_path / "c", "-c", "user.name=a", "-c", "user.email=a@localhost"]
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "pushed"], check=True)
    subprocess.run([*git, "push", "-q"], check=True)
    assert receiver.next()[:2] == ("update", "repo.content")


def test_each_change_is_told_once(alice: httpx.Client, receiver: Receiver, hub: LocalHub) -> None:
    create(alice)
    watch(alice, receiver.url)
    threads = [
        threading.Thread(target=commit, args=(alice, file(f"f{number}", b"x"))) for number in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = [receiver.next()[2] for _ in range(12)]
    heads = [(payload.updatedRefs or [])[0] for payload in told]
    assert [ref.oldSha for ref in heads[1:]] == [ref.newSha for ref in heads[:-1]]
    assert receiver.heard.empty()


def test_who_may_not_see_it_and_who_is_elsewhere_is_not_told(
    alice: httpx.Client, mallory: httpx.Client, receiver: Receiver
) -> None:
    create(alice, visibility="private")
    watch(mallory, receiver.url)
    watch(alice, "http://hooks.example.com/x")
    watch(alice, receiver.url, name="mallory")
    commit(alice, file("a", b"x"))
    create(mallory, "own")
    action, scope, payload = receiver.next()
    assert (action, scope, payload.repo.name) == ("create", "repo", "mallory/own")


def test_a_webhook_that_fails_harms_nobody(alice: httpx.Client, receiver: Receiver) -> None:
    watch(alice, "http://127.0.0.1:9/closed")
    watch(alice, receiver.url)
    assert create(alice).status_code == 200
    assert receiver.next()[:2] == ("create", "repo")
    (first, _) = alice.get("/api/settings/webhooks").json()
    assert alice.post(f"/api/settings/webhooks/{first['id']}/disable").status_code == 200

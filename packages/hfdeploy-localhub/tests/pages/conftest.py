from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from huggingface_hub import CommitOperationAdd, HfApi

from hfdeploy_localhub import LocalHub, User

HTML = {"Accept": "text/html"}
CARD = """---
license: mit
tags: [tabular, "<b>bold</b>"]
---
# Kepler <script>alert(1)</script>

A [link](docs/use.md), a [bad one](javascript:alert(1)) and ![a picture](../../images/dot.png).
"""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[LocalHub]:
    users = (User("alice", organisations=("acme",)), User("bob"))
    with LocalHub(tmp_path / "hub", users=users, venv_cache=tmp_path / "venvs") as running:
        yield running


@pytest.fixture
def api(hub: LocalHub) -> HfApi:
    return HfApi(endpoint=hub.endpoint, token=hub.tokens["alice"])


@pytest.fixture
def visit(hub: LocalHub) -> Iterator[Callable[[str | None], httpx.Client]]:
    """A browser's client: signed in as that user, if any."""
    clients = list[httpx.Client]()

    def begin(user: str | None = None) -> httpx.Client:
        client = httpx.Client(base_url=hub.endpoint, headers=HTML, timeout=20)
        clients.append(client)
        if user:
            answer = client.post(
                "/-/sign-in", data={"token": hub.tokens[user]}, headers={"Origin": hub.endpoint}
            )
            assert (answer.status_code, answer.headers["Location"]) == (303, "/")
        return client

    yield begin
    for client in clients:
        client.close()


@pytest.fixture
def kepler(api: HfApi) -> str:
    """A model with a card, files of all kinds and two commits."""
    files = {
        "README.md": CARD.encode(),
        "docs/use.md": b"# Use\n",
        "config.json": b'{"evil": "</pre><script>alert(1)</script>"}\n',
        "page.html": b"<script>alert(1)</script>",
        "pic.svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "sp ace/\u00fc#?.txt": b"hello\n",
    }
    api.create_repo("alice/kepler")
    added = [CommitOperationAdd(path, content) for path, content in files.items()]
    api.create_commit("alice/kepler", added, commit_message="All of it\n\nAt once.")
    api.upload_file(
        path_or_fileobj=b"{}\n",
        path_in_repo="config.json",
        repo_id="alice/kepler",
        commit_message="Change <i>one</i>",
    )
    api.create_discussion(
        "alice/kepler", title="Why <i>one</i>?", description="Look at [this](docs/use.md) <script>x</script>"
    )
    return "/alice/kepler"

"""Gradio through the relay: its clients for Python and JavaScript, and its page in a browser."""

import json
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from playwright.sync_api import Page, expect

from .relayed import TOKEN, free_port, relayed, running

FOLDER = Path(__file__).parent
NODE_MODULES = Path(sys.prefix) / "node" / "node_modules"


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    port = free_port()
    settings = {"APP_TOKEN": TOKEN, "GRADIO_ANALYTICS_ENABLED": "False"}
    command = [sys.executable, FOLDER / "gradio_app.py", port]
    with running(command, f"http://127.0.0.1:{port}", **settings) as address:
        yield address


@pytest.fixture(scope="module")
def relay(upstream: str) -> Iterator[str]:
    with relayed(upstream) as address:
        yield address


@pytest.fixture(scope="module")
def rewriting(upstream: str) -> Iterator[str]:
    """Behind something that overwrites X-Forwarded-*, as a relay that trusts nobody does."""
    with (
        relayed(upstream) as edge,
        relayed(edge.replace("localhost", "127.0.0.1"), REWRITE_ORIGIN="true") as address,
    ):
        yield address


def test_without_the_relay_there_is_nothing(upstream: str) -> None:
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(upstream)


def test_the_python_client(relay: str, tmp_path: Path) -> None:
    client = Client(relay, verbose=False)
    assert client.predict("you", api_name="/greet") == "hello you"
    job = client.submit(4, api_name="/count")
    assert job.result() == "event 3"
    assert job.outputs() == [f"event {number}" for number in range(4)]
    (tmp_path / "file").write_bytes(b"x" * 1_000_000)
    assert client.predict(handle_file(tmp_path / "file"), api_name="/measure") == 1_000_000


def test_the_javascript_client(relay: str) -> None:
    node = shutil.which("node")
    if node is None or not NODE_MODULES.exists():
        pytest.skip("needs node and @gradio/client")
    done = subprocess.run(
        [node, FOLDER / "gradio_client.mjs", NODE_MODULES, relay], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "greet": "hello node",
        "count": ["event 0", "event 1", "event 2", "event 3"],
        "measure": 1_000_000,
        "root": relay,
    }


@pytest.mark.parametrize("kind", ["relay", "rewriting"])
def test_its_page_in_a_browser(request: pytest.FixtureRequest, kind: str, upstream: str, page: Page) -> None:
    relay = request.getfixturevalue(kind)
    asked: list[str] = []
    failed: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("response", lambda answer: failed.append(answer.url) if answer.status >= 400 else None)
    page.goto(relay)
    page.get_by_label("name").fill("browser")
    page.get_by_role("button", name="Greet").click()
    expect(page.get_by_label("greeting")).to_have_value("hello browser", timeout=20_000)
    page.get_by_role("button", name="Count").click()
    expect(page.get_by_label("counted")).to_have_value("event 2", timeout=20_000)
    assert not [
        url for url in asked if url.startswith("http") and not url.startswith(relay) and ":" in url[6:]
    ]
    assert [url for url in asked if re.search(r"/queue/(join|data)", url)]
    assert not [url for url in failed if url.startswith(relay) and "manifest" not in url]
    assert TOKEN not in page.content()

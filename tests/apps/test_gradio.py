"""Gradio through the relay: its Python client, and its page in a browser.

The browser knows the relay as `localhost`, while the upstream is `127.0.0.1`: what names the wrong one
does not work.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from playwright.sync_api import Page, expect, sync_playwright

TOKEN = "hf_token_of_the_app"
FOLDER = Path(__file__).parent


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_for(address: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(address).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(address)


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    port = free_port()
    settings = {**os.environ, "APP_TOKEN": TOKEN, "GRADIO_ANALYTICS_ENABLED": "False"}
    with subprocess.Popen([sys.executable, FOLDER / "gradio_app.py", str(port)], env=settings) as process:
        wait_for(f"http://127.0.0.1:{port}/")
        yield f"http://127.0.0.1:{port}"
        process.terminate()


@pytest.fixture(scope="module")
def relay(upstream: str) -> Iterator[str]:
    port = free_port()
    settings = {**os.environ, "TARGET_URL": upstream, "HF_TOKEN": TOKEN}
    command = [sys.executable, "-m", "hfdeploy_proxy", "serve", "--port", str(port)]
    with subprocess.Popen(command, env=settings) as process:
        wait_for(f"http://localhost:{port}/_relay/healthz")
        yield f"http://localhost:{port}"
        process.terminate()


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"], headless=True
        )
        yield browser.new_page()
        browser.close()


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


def test_its_page_in_a_browser(relay: str, upstream: str, page: Page) -> None:
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
    assert not [url for url in asked if url.startswith(upstream)]
    assert [url for url in asked if re.search(r"/queue/(join|data)", url)]
    assert not [url for url in failed if url.startswith(relay) and "manifest" not in url]
    assert TOKEN not in page.content()

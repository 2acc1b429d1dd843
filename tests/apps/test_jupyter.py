"""Jupyter through the relay: it wants its token as a bearer's, as a private Space does, and writes it into
its pages.
"""

import json
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect
from websockets.sync.client import connect

from .relayed import TOKEN, free_port, relayed, running


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port, folder = free_port(), tmp_path_factory.mktemp("jupyter")
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
        *(f"--port={port}", f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder}"),
        *("--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--LabApp.news_url=None"),
    ]
    places = {
        name: str(folder / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    }
    with running(command, f"http://127.0.0.1:{port}", **places) as address:
        yield address


@pytest.fixture(scope="module")
def relay(upstream: str) -> Iterator[str]:
    with relayed(upstream, SCRUB_TOKEN="true") as address:
        yield address


def test_a_kernel_computes(relay: str, upstream: str) -> None:
    assert httpx.get(f"{upstream}/api/kernels").status_code == 403
    kernel = httpx.post(f"{relay}/api/kernels", json={}).raise_for_status().json()["id"]
    message = {
        "header": {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "session": "s"},
        "parent_header": {},
        "metadata": {},
        "content": {"code": "6 * 7", "silent": False},
        "channel": "shell",
    }
    address = relay.replace("http", "ws", 1) + f"/api/kernels/{kernel}/channels"
    with connect(address, proxy=None) as socket:
        socket.send(json.dumps(message))
        assert wait_for_result(socket) == "42"
    httpx.delete(f"{relay}/api/kernels/{kernel}").raise_for_status()


def wait_for_result(socket: Any) -> str:
    while True:
        told = json.loads(socket.recv(timeout=60))
        if told["msg_type"] == "execute_result":
            return str(told["content"]["data"]["text/plain"])


def test_its_page_in_a_browser(relay: str, page: Page, tmp_path: Path) -> None:
    page.goto(f"{relay}/lab")
    expect(page.get_by_text("Python 3 (ipykernel)").first).to_be_visible(timeout=60_000)
    page.locator(".jp-LauncherCard[data-category=Console]").first.click()
    prompt = page.locator(".jp-CodeConsole-input .cm-content")
    expect(prompt).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=60_000)
    prompt.click()
    page.keyboard.type("6 * 7")
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".jp-OutputArea-output").last).to_have_text("42", timeout=60_000)
    assert TOKEN not in page.content()

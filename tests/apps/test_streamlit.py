"""Streamlit through the relay, clicked in a browser: a WebSocket whose Origin it checks, and an upload."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .relayed import free_port, relayed, running

FOLDER = Path(__file__).parent


@pytest.fixture(scope="module")
def relay() -> Iterator[str]:
    port = free_port()
    command = [
        *(sys.executable, "-m", "streamlit", "run", FOLDER / "streamlit_app.py"),
        *("--server.port", port, "--server.address", "127.0.0.1", "--server.headless", "true"),
        *("--browser.gatherUsageStats", "false"),
    ]
    with running(command, f"http://127.0.0.1:{port}") as upstream, relayed(upstream) as address:
        yield address


def test_its_page_in_a_browser(relay: str, page: Page, tmp_path: Path) -> None:
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(relay)
    page.get_by_label("name").fill("browser")
    page.get_by_label("name").press("Enter")
    page.get_by_role("button", name="Greet").click()
    expect(page.get_by_text("hello browser")).to_be_visible(timeout=30_000)
    (tmp_path / "file.bin").write_bytes(b"x" * 300_000)
    page.locator("input[type=file]").set_input_files(tmp_path / "file.bin")
    expect(page.get_by_text("300000 bytes")).to_be_visible(timeout=30_000)
    assert sockets
    assert all(url.startswith(relay.replace("http", "ws", 1)) for url in sockets)

"""A private Gradio Space of the local hub behind the relay that `hfdeploy deploy --proxy` makes."""

import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import Client
from playwright.sync_api import Page, expect, sync_playwright

from hfdeploy_localhub import LocalHub, User
from hfdeploy_localhub.seed import Reach, Token

pytestmark = pytest.mark.timeout(600)
READER = "hf_readsTheGradioSpaceAndNothingElse"
CARD = "---\ntitle: Greetings\nsdk: gradio\napp_file: app.py\n---\n"
APP = """
import gradio

def greet(name):
    return f"hello {name}"

with gradio.Blocks() as blocks:
    name = gradio.Textbox(label="name")
    greeting = gradio.Textbox(label="greeting")
    gradio.Button("Greet").click(greet, name, greeting, api_name="greet")
blocks.launch()
"""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What the deploy led to; the hub runs as long."""
    folder = tmp_path_factory.mktemp("provisioned")
    source = folder / "source"
    source.mkdir()
    (source / "README.md").write_text(CARD)
    (source / "app.py").write_text(APP)
    only = Token(READER, "fineGrained", scopes=[Reach("space", "alice/app", ["repo.content.read"])])
    with LocalHub(folder / "hub", users=[User("alice", tokens=[only])]) as hub:
        settings = {
            **os.environ,
            "HF_ENDPOINT": hub.endpoint,
            "HF_TOKEN": hub.token,
            "RELAY_TOKEN": READER,
            "GRADIO_ANALYTICS_ENABLED": "False",
        }
        command = [
            Path(sys.executable).parent / "hfdeploy",
            "deploy",
            source,
            "alice/app",
            "--private",
            "--wait",
        ]
        command += ["--proxy", "--proxy-token-env", "RELAY_TOKEN", "--strict", "--probe", "/config", "--json"]
        done = subprocess.run(command, env=settings, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr
        assert READER not in done.stdout + done.stderr
        yield json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"], headless=True
        )
        yield browser.new_page()
        browser.close()


def test_the_space_itself_is_private(outcome: dict[str, str]) -> None:
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(outcome["space_url"])


def test_the_python_client_needs_no_token(outcome: dict[str, str]) -> None:
    client = Client(outcome["proxy_url"], verbose=False)
    assert client.predict("you", api_name="/greet") == "hello you"


def test_a_browser_needs_none_either(outcome: dict[str, str], page: Page) -> None:
    page.goto(outcome["proxy_url"])
    page.get_by_label("name").fill("browser")
    page.get_by_role("button", name="Greet").click()
    expect(page.get_by_label("greeting")).to_have_value("hello browser", timeout=20_000)
    assert READER not in page.content()

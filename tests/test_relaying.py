"""`deploy --proxy`: a private Space behind its relay, both running on the local hub."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from huggingface_hub import HfApi

from hfdeploy_localhub import LocalHub, User
from hfdeploy_localhub.seed import Reach, Token

from .conftest import Command

CARD = "---\nsdk: docker\n---\n"
DOCKERFILE = 'FROM python:3.11\nCOPY . .\nCMD ["python", "-u", "app.py"]\n'
APP = """
import http.server, os
class App(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b'{"path": "%s"}' % self.path.encode())
http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ.get("PORT", 7860))), App).serve_forever()
"""
PAGE = {"README.md": "---\nsdk: static\n---\n", "index.html": "<p>private"}
# The relay keeps this one; the suite's own must not be found in the hub's folder.
READER = "hf_relaysOwnTokenReadsOneSpace"
Deploy = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def hub(tmp_path: Path, canary: str) -> Iterator[LocalHub]:
    # On the Hub a token's reach follows the Space; here it goes by names.
    reach = [Reach("space", name, ["repo.content.read"]) for name in ("alice/app", "alice/moved")]
    only = Token(READER, "fineGrained", scopes=reach)
    with LocalHub(tmp_path / "hub", users=(User("alice", canary, tokens=[only]), User("mallory"))) as running:
        yield running


@pytest.fixture
def deploy(run: Command, workspace: Path, canary: str) -> Deploy:
    def run_deploy(files: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
        source = workspace / "source"
        source.mkdir(exist_ok=True)
        for path, content in files.items():
            (source / path).write_text(content)
        asked = ("--private", "--proxy", "--proxy-token-env", "RELAY_TOKEN", "--strict", *options)
        return run("hfdeploy", "deploy", source, "alice/app", *asked, token=canary, RELAY_TOKEN=READER)

    return run_deploy


def read(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_callers_need_no_token(deploy: Deploy, run: Command, api: HfApi, hub: LocalHub, canary: str) -> None:
    files = {"README.md": CARD, "Dockerfile": DOCKERFILE, "app.py": APP}
    options = ("--wait", "--probe", '/a?b=1 json={"path": "/a?b=1"}', "--json")
    done = deploy(files, *options)
    assert done.returncode == 0
    *events, outcome = read(done)
    assert (outcome["proxy_enabled"], outcome["proxy_repo_id"]) == (True, "alice/app-proxy")
    assert outcome["proxy_url"] == api.space_info("alice/app-proxy").host
    assert httpx.get(f"{outcome['proxy_url']}/x%2Fy").json() == {"path": "/x%2Fy"}
    assert httpx.get(outcome["space_url"]).status_code == 404
    assert [event["repo_id"] for event in events if event["event"] == "live"] == [
        "alice/app",
        "alice/app-proxy",
    ]
    probed = [(event["repo_id"], event["path"]) for event in events if event["event"] == "probed"]
    assert probed[0] == ("alice/app", "/a?b=1")
    assert probed[-1] == ("alice/app-proxy", "/a?b=1")

    variables = {key: held.value for key, held in api.get_space_variables("alice/app-proxy").items()}
    assert variables["TARGET_URL"] == api.space_info("alice/app").host
    assert READER not in str(variables)
    assert list(api.get_space_secrets("alice/app-proxy")) == ["HF_TOKEN"]
    for is_build in (True, False):
        assert READER not in "".join(api.fetch_space_logs("alice/app-proxy", build=is_build))
    assert READER not in done.stdout + done.stderr

    hub.requests.clear()
    again = read(deploy(files, *options))[-1]
    assert (again["changed"], again["proxy_url"]) == (False, outcome["proxy_url"])
    assert hub.requests.count("POST", "/**") + hub.requests.count("PUT", "/**") == 0

    gone = run("hfdeploy", "destroy", "alice/app", "--with-proxy", "--yes", token=canary)
    assert gone.returncode == 0
    assert not list(api.list_spaces(author="alice"))
    with pytest.raises(httpx.ConnectError):
        httpx.get(outcome["proxy_url"])


def test_a_stranger_of_its_name_stops_everything(deploy: Deploy, api: HfApi) -> None:
    api.create_repo("alice/app-proxy", repo_type="space", space_sdk="static")
    head = api.space_info("alice/app-proxy").sha
    done = deploy(PAGE)
    assert done.returncode == 35
    assert "alice/app-proxy already" in done.stderr
    assert not api.repo_exists("alice/app", repo_type="space")
    assert api.space_info("alice/app-proxy").sha == head
    assert not api.get_space_variables("alice/app-proxy")


def test_it_follows_a_space_that_was_renamed(deploy: Deploy, api: HfApi, hub: LocalHub) -> None:
    assert deploy(PAGE, "--no-wait").returncode == 0
    api.move_repo("alice/app", "alice/moved", repo_type="space")
    done = deploy(PAGE, "--no-wait", "--json")
    assert done.returncode == 0
    outcome = read(done)[-1]
    assert (outcome["repo_id"], outcome["proxy_repo_id"]) == ("alice/moved", "alice/app-proxy")
    variables = api.get_space_variables("alice/app-proxy")
    assert variables["HFDEPLOY_RELAY_OF"].value == "alice/moved"
    assert variables["TARGET_URL"].value == api.space_info("alice/moved").host


def test_a_deploy_without_one_asks_nothing_about_it(
    run: Command, hub: LocalHub, workspace: Path, canary: str
) -> None:
    (source := workspace / "source").mkdir()
    for path, content in PAGE.items():
        (source / path).write_text(content)
    assert run("hfdeploy", "deploy", source, "alice/app", "--private", token=canary).returncode == 0
    assert hub.requests.count("*", "/**proxy**") == 0
    assert hub.requests.count("*", "/**/variables") + hub.requests.count("*", "/**/secrets") == 0

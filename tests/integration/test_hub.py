"""What has to work on any Hub: on the local one in every run, on the real one in integration-hf.yml."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..conftest import BIN, ROOT
from .conftest import Place

Name = Callable[..., str]
PAGE = {"README.md": "---\ntitle: x\nsdk: static\n---\n", "index.html": "<p>hello from a test"}
CARD = {"README.md": "---\nlicense: mit\n---\n# made by a test\n", "data.json": "{}"}


@pytest.fixture
def deploy(place: Place, workspace: Path) -> Callable[..., dict[str, Any]]:
    """`hfdeploy deploy` of some files: its outcome."""

    def run_deploy(files: dict[str, str], repo: str, *options: str) -> dict[str, Any]:
        source = workspace / "source"
        source.mkdir(exist_ok=True)
        for path, content in files.items():
            (source / path).write_text(content)
        environment = {**os.environ, "HF_ENDPOINT": place.endpoint, "HF_TOKEN": place.token}
        command = [BIN / "hfdeploy", "deploy", source, repo, "--json", *options]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        last = json.loads(done.stdout.splitlines()[-1])
        assert done.returncode == 0, last
        return dict(last)

    return run_deploy


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_a_repo_of_files(kind: str, name_repo: Name, deploy: Any, place: Place) -> None:
    repo = name_repo(kind, kind)
    outcome = deploy(CARD, repo, "--type", kind, "--private")
    assert outcome["changed"]
    assert place.api.repo_info(repo, repo_type=kind).sha == outcome["commit"]
    assert {"README.md", "data.json"} <= set(place.api.list_repo_files(repo, repo_type=kind))
    assert not deploy(CARD, repo, "--type", kind)["changed"]


def test_a_space_that_is_waited_for(name_repo: Name, deploy: Any, place: Place) -> None:
    repo = name_repo("space", "space")
    outcome = deploy(PAGE, repo, "--public", "--wait", "--probe", "/ text=hello")
    assert httpx.get(outcome["space_url"], follow_redirects=True).status_code == 200
    assert not outcome["proxy_enabled"]


def test_a_private_space_behind_its_relay(name_repo: Name, deploy: Any, place: Place) -> None:
    repo = name_repo("space", "relay", "-proxy")
    outcome = deploy(PAGE, repo, "--private", "--proxy", "--wait", "--probe", "/ text=hello")
    assert outcome["proxy_repo_id"] == f"{repo}-proxy"
    assert "hello" in httpx.get(outcome["proxy_url"], follow_redirects=True).text
    assert httpx.get(outcome["space_url"]).status_code in (401, 404)


def test_what_a_killed_job_left_is_cleaned_up(
    place: Place, workspace: Path, request: pytest.FixtureRequest
) -> None:
    if not place.endpoint.startswith("http://127.0.0.1"):
        pytest.skip("kills nothing on the real Hub")
    for repo in ("alice/hfdeploy-test-left", "alice/of-somebody"):
        place.api.create_repo(repo)
    journal = workspace / "journal"
    lines = [
        ["model", "alice/hfdeploy-test-left"],
        ["model", "alice/hfdeploy-test-gone"],
        ["model", "alice/of-somebody"],
    ]
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    environment = {**os.environ, "HF_ENDPOINT": place.endpoint, "HF_TOKEN": place.token}
    command = [sys.executable, ROOT / "tests/integration/clean_up.py", journal]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "deleted model alice/hfdeploy-test-left\n"
    assert not place.api.repo_exists("alice/hfdeploy-test-left")
    assert place.api.repo_exists("alice/of-somebody")

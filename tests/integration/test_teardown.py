"""A job that fails and one that is killed leave nothing that the janitor does not remove."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from hfdeploy_localhub import LocalHub, User

from ..conftest import BIN

SPACE = {"README.md": "---\nsdk: static\n---\n", "index.html": "<p>"}


class Clock:
    """The hub's: what is made while it is behind is old when it is right again."""

    behind = timedelta(hours=9)

    def __call__(self) -> datetime:
        return datetime.now(UTC) - self.behind


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def old_hub(tmp_path: Path, canary: str, clock: Clock) -> Iterator[LocalHub]:
    with LocalHub(tmp_path / "hub", users=(User("alice", canary),), clock=clock) as running:
        yield running


def start(hub: LocalHub, canary: str, *command: str | Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "CI": "", "HF_ENDPOINT": hub.endpoint, "HF_TOKEN": canary}
    return subprocess.Popen(
        [BIN / command[0], *command[1:]], env=environment, stdout=subprocess.PIPE, text=True
    )


def test_the_janitor_removes_what_they_left(
    old_hub: LocalHub, workspace: Path, clock: Clock, canary: str
) -> None:
    for name, content in SPACE.items():
        (workspace / name).write_text(content)
    api = HfApi(endpoint=old_hub.endpoint, token=canary)
    api.create_repo("alice/work-of-somebody")
    old_hub.faults.add("POST /api/**/commit/* status=403 count=1")
    failing = start(old_hub, canary, "hfdeploy", "deploy", workspace, "alice/hfdeploy-test-failing")
    failing.communicate(timeout=60)
    assert failing.returncode != 0
    old_hub.faults.add("POST /api/**/commit/* latency_seconds=60")
    killed = start(old_hub, canary, "hfdeploy", "deploy", workspace, "alice/hfdeploy-test-killed")
    until = time.monotonic() + 60
    while not api.repo_exists("alice/hfdeploy-test-killed", repo_type="space") and time.monotonic() < until:
        time.sleep(0.1)
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=60)
    assert {space.id for space in api.list_spaces(author="alice")} == {
        "alice/hfdeploy-test-failing",
        "alice/hfdeploy-test-killed",
    }

    clock.behind = timedelta()
    asked = ("--namespace", "alice", "--prefix", "hfdeploy-test-", "--ttl", "6h", "--apply")
    sweep = start(old_hub, canary, "hfdeploy-janitor", "sweep", *asked)
    told, _ = sweep.communicate(timeout=60)
    assert sweep.returncode == 0, told
    assert not list(api.list_spaces(author="alice"))
    assert api.repo_exists("alice/work-of-somebody")

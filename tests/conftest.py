"""What tests across packages share: a hub, a way to run commands against it, and a place to work in."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from hfdeploy_localhub import LocalHub, User

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Path]:
    """A temporary folder: below HF_TEST_WORKSPACE where that is set, else pytest's own."""
    chosen = os.environ.get("HF_TEST_WORKSPACE")
    if chosen is None:
        yield tmp_path
        return
    Path(chosen).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=chosen, prefix="hfdeploy-test-") as folder:
        yield Path(folder)


@pytest.fixture
def hub(tmp_path: Path, canary: str) -> Iterator[LocalHub]:
    """A hub with two users: alice, member of acme, whose token is the suite's, and mallory."""
    users = (User("alice", canary, ("acme",)), User("mallory"))
    with LocalHub(tmp_path / "hub", users=users) as running:
        yield running


@pytest.fixture
def api(hub: LocalHub, canary: str) -> HfApi:
    """The stock client as alice."""
    return HfApi(endpoint=hub.endpoint, token=canary)


@pytest.fixture
def run(hub: LocalHub) -> Command:
    """Runs a command of this environment against the hub; what it prints is searched for the token too."""

    def run_command(
        *command: str | Path, token: str | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        # Not as in CI, where `deploy` waits for the Space: the same test means the same everywhere.
        settings = {**os.environ, "CI": "", "HF_ENDPOINT": hub.endpoint, **environment}
        if token is not None:
            settings["HF_TOKEN"] = token
        program, *arguments = map(str, command)
        done = subprocess.run(
            [BIN / program, *arguments], env=settings, capture_output=True, text=True, timeout=100
        )
        print(done.stdout, done.stderr)
        return done

    return run_command


def tree(folder: Path) -> dict[str, bytes]:
    """Path -> content of all files below a folder, but for what clients keep beside them."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
        and not path.relative_to(folder).as_posix().startswith((".cache/", ".git/", ".hfdeploy/"))
    }

"""Shared by the tests of the action: a workspace, and the step in this process against the local hub."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest

from hfdeploy_action.main import main
from hfdeploy_localhub import LocalHub, User
from hfdeploy_localhub.seed import Reach, Token

# For the relay: the suite's own token must not be found in the hub's folder.
READER = "hf_relaysOwnTokenReadsOneSpace"


class Step(NamedTuple):
    """How a step ended, and what it left."""

    exit_code: int
    log: str
    outputs: dict[str, str]
    summary: str


@pytest.fixture
def hub(tmp_path: Path, canary: str, monkeypatch: pytest.MonkeyPatch) -> LocalHub:
    only = Token(READER, "fineGrained", scopes=[Reach("space", "alice/app", ["repo.content.read"])])
    with LocalHub(tmp_path / "hub", users=(User("alice", canary, tokens=[only]),)) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint)
        yield running


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work space"
    folder.mkdir()
    (folder / "README.md").write_text("---\nsdk: static\n---\n")
    (folder / "index.html").write_text("<p>")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def step(tmp_path: Path, workspace: Path, canary: str) -> Callable[..., Step]:
    """Run the step: inputs by name, other variables in capitals. The masks are not part of its log."""

    def run_step(**given: str) -> Step:
        variables = {name: value for name, value in given.items() if name.isupper()}
        inputs = {"huggingface_repo": "alice/app", "hf_token": canary, "wait": "false"}
        inputs |= {name: value for name, value in given.items() if not name.isupper()}
        environment = {
            "GITHUB_WORKSPACE": str(workspace),
            "GITHUB_OUTPUT": str(tmp_path / "output"),
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
            "RUNNER_TEMP": str(tmp_path / "temp"),
            **{f"INPUT_{name.upper()}": value for name, value in inputs.items()},
            **variables,
        }
        for name in ("output", "summary"):
            (tmp_path / name).write_text("")
        out = StringIO()
        code = main(environment, out)
        log = "".join(line for line in out.getvalue().splitlines(True) if not line.startswith("::add-mask::"))
        return Step(
            code, log, read_outputs((tmp_path / "output").read_text()), (tmp_path / "summary").read_text()
        )

    return run_step


def read_outputs(text: str) -> dict[str, str]:
    """GITHUB_OUTPUT as the runner reads it."""
    outputs, lines = {}, iter(text.splitlines())
    for line in lines:
        name, _, delimiter = line.partition("<<")
        value = []
        for part in lines:
            if part == delimiter:
                break
            value.append(part)
        outputs[name] = "\n".join(value)
    return outputs

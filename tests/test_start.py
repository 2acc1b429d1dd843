"""The step's command without a workflow around it: paths with spaces, and Pythons that lack something."""

import os
import subprocess
import venv
from pathlib import Path

import pytest
from acting import BIN, copy_action, find_cache
from huggingface_hub import HfApi

from hfdeploy_action.environment import choose_variables
from hfdeploy_localhub import LocalHub


class Machine:
    """A runner whose folders have spaces in their names, and whose Python has no pip."""

    def __init__(self, folder: Path, endpoint: str, token: str) -> None:
        self.action = folder / "the action"
        self.workspace = folder / "work space"
        self.temporary = folder / "runner temp"
        programs = folder / "some programs"
        for place in (self.workspace, self.temporary, programs):
            place.mkdir(parents=True)
        copy_action(self.action)
        venv.create(folder / "python", with_pip=False, symlinks=True)
        (programs / "uv").symlink_to(BIN / "uv")
        self.programs = programs
        self.environment = {
            **choose_variables(os.environ),
            "PATH": f"{folder}/python/bin:{programs}:/usr/bin:/bin",
            "HOME": str(folder),
            "UV_CACHE_DIR": find_cache(),
            "RUNNER_TEMP": str(self.temporary),
            "GITHUB_WORKSPACE": str(self.workspace),
            "HF_ENDPOINT": endpoint,
            "INPUT_HUGGINGFACE_REPO": "alice/model",
            "INPUT_REPO_TYPE": "model",
            "INPUT_HF_TOKEN": token,
        }

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["/bin/sh", self.action / "packages/hfdeploy-action/start.sh"],
            cwd=self.workspace,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture
def machine(hub: LocalHub, tmp_path: Path, canary: str) -> Machine:
    made = Machine(tmp_path / "a runner", hub.endpoint, canary)
    (made.workspace / "config.json").write_text("{}")
    return made


def test_spaces_in_paths_and_no_pip_where_there_is_uv(machine: Machine, api: HfApi) -> None:
    step = machine.start()
    log, _ = step.communicate(timeout=60)
    assert step.returncode == 0, log.replace(machine.environment["INPUT_HF_TOKEN"], "")
    assert "config.json" in api.list_repo_files("alice/model")
    assert sorted(path.name for path in machine.workspace.iterdir()) == [".hfdeploy", "config.json"]


def test_an_old_workflow_with_a_bare_name_and_no_checkout(
    machine: Machine, api: HfApi, hub: LocalHub, canary: str
) -> None:
    # The local hub serves git as GitHub does. act would not: it says itself which server it is.
    api.create_repo("alice/code", private=True)
    commit = api.upload_folder(folder_path=machine.workspace, repo_id="alice/code").oid
    (machine.workspace / "config.json").unlink()
    machine.environment |= {
        "INPUT_HUGGINGFACE_REPO": "bare",
        "INPUT_GITHUB_TOKEN": canary,
        "GITHUB_SERVER_URL": hub.endpoint,
        "GITHUB_REPOSITORY": "alice/code",
        "GITHUB_SHA": commit,
    }
    step = machine.start()
    log, _ = step.communicate(timeout=60)
    assert step.returncode == 0, log.replace(canary, "")
    assert "config.json" in api.list_repo_files("alice/bare")
    assert "extraheader" not in (machine.workspace / ".git/config").read_text()


def test_neither_uv_nor_pip(machine: Machine, hub: LocalHub) -> None:
    (machine.programs / "uv").unlink()
    step = machine.start()
    log, _ = step.communicate(timeout=60)
    assert step.returncode == 1
    assert log.startswith(
        "::error title=Cannot set up hfdeploy::This runner has neither uv nor pip. Put a step with"
    )
    assert len(hub.requests) == 0

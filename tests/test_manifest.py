"""A manifest against the local hub: the command as a user runs it."""

import os
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from hfdeploy_localhub import LocalHub

from .conftest import Command

MANIFEST = """\
version: 1
env_files: [.env]
targets:
  weights: {type: model, repo: alice/weights, source: ./weights}
  data: {type: dataset, repo: alice/data, source: ./data}
  app:
    type: space
    repo: alice/app
    source: ./app
    variables: {MODEL: "${targets.weights.repo_id}@${targets.weights.commit}", STAGE: live}
    secrets: {KEY: "${env:KEY}"}
    depends_on: [data]
profiles:
  staging:
    defaults: {visibility: private}
    targets: {app: {repo: alice/app-staging, variables: {STAGE: staging}}}
"""
SECRET = "a value of this test"


@pytest.fixture
def folder(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("weights", "data", "app"):
        (workspace / name).mkdir()
        (workspace / name / "notes.txt").write_text(name)
    for number in range(3):
        # Large ones go another way, one target at a time.
        (workspace / "weights" / f"{number}.bin").write_bytes(bytes([number]) * 50_000)
        (workspace / "data" / f"{number}.bin").write_bytes(bytes([number]) * 60_000)
    (workspace / "app" / "README.md").write_text("---\nsdk: static\n---\n")
    (workspace / "hfdeploy.yaml").write_text(MANIFEST)
    (workspace / ".env").write_text(f"KEY={SECRET}\n")
    monkeypatch.chdir(workspace)
    return workspace


def test_targets_are_applied_with_what_they_tell_each_other(
    run: Command, hub: LocalHub, api: HfApi, folder: Path
) -> None:
    done = run("hfdeploy", "apply", "--yes")
    assert done.returncode == 0
    assert SECRET not in done.stdout + done.stderr
    head = api.model_info("alice/weights").sha
    variables = {name: held.value for name, held in api.get_space_variables("alice/app").items()}
    assert variables == {"MODEL": f"alice/weights@{head}", "STAGE": "live"}
    assert list(api.get_space_secrets("alice/app")) == ["KEY"]
    assert set(api.list_repo_files("alice/data", repo_type="dataset")) >= {
        "0.bin",
        "1.bin",
        "2.bin",
        "notes.txt",
    }
    hub.requests.clear()
    assert run("hfdeploy", "plan", "--detailed-exitcode").returncode == 0
    assert all(entry.method == "GET" for entry in hub.requests)


def test_a_profile_lays_its_own_over_it(run: Command, api: HfApi, folder: Path) -> None:
    assert run("hfdeploy", "apply", "--yes", "--profile", "staging").returncode == 0
    assert api.space_info("alice/app-staging").private
    assert api.get_space_variables("alice/app-staging")["STAGE"].value == "staging"
    assert not api.repo_exists("alice/app", repo_type="space")


def test_at_a_terminal_it_asks_and_a_no_changes_nothing(run: Command, hub: LocalHub, folder: Path) -> None:
    done = run("hfdeploy", "apply")
    assert done.returncode == 21
    assert not any(entry.method == "POST" and "create" in entry.path for entry in hub.requests)
    assert os.environ["HF_TOKEN"] not in done.stderr

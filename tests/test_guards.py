"""What is wrong with a source, or would be lost, is told before the first write, seen from outside."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from huggingface_hub import HfApi

from hfdeploy.cli.app import app
from hfdeploy_localhub import LocalHub

from .test_deploy import write
from .test_plan import writes

Told = list[dict[str, Any]]


@pytest.fixture
def invoke(hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Told]:
    """The command in this process, which is quicker: its lines."""
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
    monkeypatch.setenv("CI", "")

    def invoke(*arguments: object) -> Told:
        done = CliRunner().invoke(app, [*map(str, arguments), "--json"])
        told = [json.loads(line) for line in done.stdout.splitlines()]
        assert done.exit_code == told[-1].get("exit_code", 0)
        return told

    return invoke


@pytest.fixture
def refused(invoke: Callable[..., Told], hub: LocalHub) -> Callable[..., dict[str, Any]]:
    """The command fails, and not one request was made that changes something: its error."""

    def refused(*arguments: object) -> dict[str, Any]:
        hub.requests.clear()
        error = invoke(*arguments)[-1]
        assert error["event"] == "error", error
        assert writes(hub) == []
        return error

    return refused


@pytest.fixture
def source(workspace: Path) -> Path:
    return write(workspace / "source", {"README.md": "---\nlicense: mit\n---\n", "a.txt": "a"})


MODEL = ("alice/m", "--type", "model")


def test_a_mirror_deletes_no_more_than_it_may(invoke, refused, api: HfApi, source: Path) -> None:
    write(source, {f"old/{number}.txt": "x" for number in range(101)})
    invoke("deploy", source, *MODEL)
    for path in (source / "old").iterdir():
        path.unlink()
    error = refused("deploy", source, *MODEL, "--mirror")
    assert (error["error"], error["exit_code"]) == ("DeletionRefused", 28)
    assert "--max-delete 101" in error["remedy"]
    told = invoke("plan", source, *MODEL, "--mirror")
    assert any("needs --max-delete 101" in event.get("message", "") for event in told)
    assert refused("deploy", source, *MODEL, "--mirror", "--max-delete", "few")["error"] == "SettingInvalid"
    kept = invoke("deploy", source, *MODEL, "--mirror", "--max-delete", "100%", "--keep", "old/1*.txt")
    assert kept[-1]["files_deleted"] == 101 - 12
    assert {path for path in api.list_repo_files("alice/m") if path.startswith("old/")} == {
        f"old/{number}.txt" for number in range(101) if str(number).startswith("1")
    }


def test_a_saved_plan_deletes_no_more_than_it_may_either(invoke, refused, source: Path, workspace) -> None:
    write(source, {f"old/{number}.txt": "x" for number in range(3)})
    invoke("deploy", source, *MODEL)
    for path in (source / "old").iterdir():
        path.unlink()
    plan = workspace / "plan.json"
    invoke("plan", source, *MODEL, "--mirror", "--max-delete", "2", "--out", plan)
    assert refused("apply", plan)["error"] == "DeletionRefused"
    invoke("plan", source, *MODEL, "--mirror", "--max-delete", "3", "--out", plan)
    assert invoke("apply", plan)[-1]["files_deleted"] == 3


def test_nothing_is_mirrored_from_an_empty_source(invoke, refused, source: Path, workspace: Path) -> None:
    invoke("deploy", source, *MODEL)
    (workspace / "empty/folder").mkdir(parents=True)
    error = refused("deploy", workspace / "empty", *MODEL, "--mirror", "--max-delete", "100%")
    assert (error["error"], error["exit_code"]) == ("SourceEmpty", 12)
    assert "at least one file" in error["remedy"]

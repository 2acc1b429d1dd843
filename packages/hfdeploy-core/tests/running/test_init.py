from pathlib import Path

import pytest
import yaml

from hfdeploy_core.errors import RepoNotFound, SettingInvalid, SourceEmpty
from hfdeploy_core.manifest.drafting import decide_sdk, decide_type
from hfdeploy_core.model import Gated, RepoRef, RepoType, Sdk, Visibility, Volume
from hfdeploy_core.running.init import init_project
from hfdeploy_core.running.plan import plan_project
from hfdeploy_core.running.project import load_project
from hfdeploy_core.testing import FakeHub


@pytest.mark.parametrize(
    ("names", "suffixes", "card", "kind"),
    [
        ((), (), ("sdk",), RepoType.SPACE),
        ((), (".csv",), ("pipeline_tag",), RepoType.MODEL),
        ((), (".bin",), ("task_categories",), RepoType.DATASET),
        (("Dockerfile",), (".csv",), (), RepoType.SPACE),
        ((), (".safetensors", ".csv"), (), RepoType.MODEL),
        ((), (".parquet",), ("license",), RepoType.DATASET),
        (("notes.txt",), (".txt",), ("license",), None),
    ],
)
def test_a_folder_is_what_it_looks_like(names, suffixes, card, kind) -> None:
    assert decide_type(names, suffixes, card) is kind


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name, file, text in (
        ("my app", "README.md", "---\nsdk: static\n---\n"),
        ("weights", "model.safetensors", "w"),
        ("tables", "deep/t.csv", "a,b"),
        ("docs", "notes.md", ""),
        (".git", "x.csv", ""),
        ("broken", "README.md", "---\n[\n---\n"),
    ):
        place = root / name / file
        place.parent.mkdir(parents=True)
        place.write_text(text)
    return root


def test_each_folder_that_looks_like_one_becomes_a_target(folder: Path, hub: FakeHub) -> None:
    targets = yaml.safe_load(init_project(folder).read_text())["targets"]
    assert targets == {
        "my-app": {"type": "space", "repo": "my-app", "source": "./my app"},
        "tables": {"type": "dataset", "repo": "tables", "source": "./tables"},
        "weights": {"type": "model", "repo": "weights", "source": "./weights"},
    }
    with pytest.raises(SettingInvalid, match="There is a manifest already"):
        init_project(folder)


@pytest.mark.parametrize(
    ("names", "code", "card", "sdk"),
    [
        (["app.py", "Dockerfile"], "", [], "docker"),
        (["app.py"], "import os\nimport streamlit as st\n", [], "streamlit"),
        (["app.py"], "import gradio", [], "gradio"),
        (["index.html"], "", [], "static"),
        (["index.html"], "", ["sdk"], None),
    ],
)
def test_an_app_is_run_by_what_it_looks_like(names, code, card, sdk) -> None:
    assert decide_sdk(names, code, card) == sdk


def test_a_folder_that_is_one_itself_is_the_only_target(tmp_path: Path) -> None:
    (tmp_path / "3d app").mkdir()
    (tmp_path / "3d app" / "index.html").write_text("")
    targets = yaml.safe_load(init_project(tmp_path / "3d app").read_text())["targets"]
    facts = {"type": "space", "repo": "target-3d-app", "source": ".", "sdk": "static"}
    assert targets == {"target-3d-app": facts}


def test_where_there_is_nothing_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(SourceEmpty, match="looks like an app"):
        init_project(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_repo_is_written_down_as_it_is_and_then_in_sync(tmp_path: Path, hub: FakeHub) -> None:
    app = RepoRef(RepoType.SPACE, "alice", "app")
    hub.create_repo(app, Visibility.PRIVATE, Sdk.DOCKER)
    hub.create_repo(RepoRef(RepoType.MODEL, "alice", "app"), None, None)
    held = hub.repos[app]
    held.gated, held.sleep_seconds = Gated.AUTO, 3600
    held.volumes = (Volume("dataset", "alice/d", "/data"),)
    held.variables = {"GREETING": "${not a reference}"}
    hub.set_secret(app, "KEY", "nobody shall see this")
    with pytest.raises(SettingInvalid, match="is models/alice/app and spaces/alice/app"):
        init_project(tmp_path, ["app"], hub=hub)
    with pytest.raises(RepoNotFound, match="There is no models/alice/none"):
        init_project(tmp_path, ["models/alice/none"], hub=hub)
    text = init_project(tmp_path, ["spaces/alice/app"], hub=hub).read_text()
    assert "nobody" not in text
    assert yaml.safe_load(text)["targets"]["app"] == {
        "type": "space",
        "repo": "alice/app",
        "source": "./app",
        "visibility": "private",
        "gated": "auto",
        "sdk": "docker",
        "hardware": "cpu-basic",
        "sleep_seconds": 3600,
        "volumes": ["hf://datasets/alice/d:/data:ro"],
        "variables": {"GREETING": "$${not a reference}"},
        "secrets": {"KEY": "${env:KEY}"},
    }
    (tmp_path / "app").mkdir()
    for name, content in held.files.items():
        (tmp_path / "app" / name).write_bytes(content)
    loaded = load_project(tmp_path / "hfdeploy.yaml", environment={"KEY": "nobody shall see this"})
    changes = plan_project(loaded, hub=hub).targets["app"].plan.changes
    assert [type(change).__name__ for change in changes] == ["SetSecret"]

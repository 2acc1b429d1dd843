"""The plugin in demo/, installed as a user would install it."""

import json
import subprocess
from pathlib import Path

import pytest

from .conftest import BIN, ROOT, Command

MANIFEST = """\
version: 1
targets: {}
steps:
  before:
    - {type: demo.count_rows, arguments: {file: "${demo.json:release.json#table}", at_least: 2}}
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    command = [BIN / "uv", "pip", "install", "--quiet", "--no-deps", "--target", folder, ROOT / "demo/plugin"]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def test_its_step_is_listed_and_runs(run: Command, installed: Path, workspace: Path) -> None:
    listed = run("hfdeploy", "plugins", "list", "--json", PYTHONPATH=str(installed))
    (plugin,) = json.loads(listed.stdout)["plugins"]
    assert (plugin["name"], plugin["distribution"]) == ("demo", "hfdeploy-demo-plugin")
    assert (plugin["steps"], plugin["connectors"]) == (["demo.count_rows"], ["demo.json"])
    (workspace / "hfdeploy.yaml").write_text(MANIFEST)
    (workspace / "release.json").write_text('{"table": "planets.csv"}')
    (workspace / "planets.csv").write_text("name\nMars\n")
    words = ("hfdeploy", "apply", "--yes", "--manifest", workspace / "hfdeploy.yaml")
    done = run(*words, PYTHONPATH=str(installed))
    assert done.returncode == 66
    assert "has 1 rows, not 2." in done.stderr
    assert run(*words).returncode == 67

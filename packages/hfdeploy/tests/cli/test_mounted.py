import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

import hfdeploy_janitor.cli
import hfdeploy_proxy.cli
from hfdeploy.cli import mounted
from hfdeploy.cli.app import app


@pytest.mark.parametrize(
    ("name", "group"), [("janitor", hfdeploy_janitor.cli.app), ("proxy", hfdeploy_proxy.cli.main)]
)
def test_every_verb_of_the_others_is_there(name: str, group: click.Group) -> None:
    listed = CliRunner().invoke(app, [name, "--help"]).stdout
    assert group.commands
    for verb in group.commands:
        assert f"\n  {verb} " in listed


def test_the_others_keep_their_exit_codes() -> None:
    asked = ["janitor", "sweep", "--namespace", "a", "--prefix", "", "--ttl", "6h"]
    assert CliRunner().invoke(app, asked).exit_code == 70
    assert CliRunner().invoke(app, ["proxy", "key", "a:b"]).exit_code == 2


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.argv = {['hfdeploy', *arguments]!r}; import hfdeploy.cli; hfdeploy.cli.main()"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_the_local_hub_takes_all_words() -> None:
    helped = run("localhub", "serve", "--help")
    assert helped.returncode == 0
    assert "Usage: hfdeploy localhub serve" in helped.stdout
    assert run("localhub", "serve", "--port", "x").returncode == 2


def test_where_there_is_no_local_hub_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounted, "find_spec", lambda name: None)
    refused = CliRunner().invoke(app, ["localhub", "serve"])
    assert refused.exit_code == 1
    assert "pip install 'hfdeploy[localhub]'" in refused.stderr


def test_they_are_not_imported_before_they_are_asked_for() -> None:
    others = "{'hfdeploy_janitor', 'hfdeploy_proxy', 'hfdeploy_localhub'}"
    code = f"import sys, hfdeploy.cli.app, hfdeploy.cli.mounted; print({others} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"

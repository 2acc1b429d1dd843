"""The plugin in runs of its own, over a local hub that outlives them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from hfdeploy_localhub import LocalHub

pytest_plugins = ["pytester"]

MAKES_ALL = """
import os
from huggingface_hub import HfApi

def test_all(hub_repo):
    api = HfApi(endpoint=os.environ["HF_ENDPOINT"])
    made = [hub_repo(), hub_repo("dataset", private=True), hub_repo("space", space_sdk="static")]
    assert api.repo_exists(made[0])
    assert all(name.startswith("alice/hfdeploy-test-") for name in made)
    assert len(set(made)) == 3
    assert hub_repo(namespace="acme").startswith("acme/")
    api.delete_repo(hub_repo())
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, local: LocalHub) -> pytest.Pytester:
    return pytester


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of its own starts sooner without the other plugins that are installed here."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


def run(suite: pytest.Pytester, source: str, *options: str) -> pytest.RunResult:
    suite.makepyfile(source)
    return suite.runpytest_inprocess("-p", "no:cacheprovider", *options)


def left(api: HfApi) -> list[str]:
    kinds = (api.list_models, api.list_datasets, api.list_spaces)
    return [info.id for listed in kinds for owner in ("alice", "acme") for info in listed(author=owner)]


def test_what_a_test_made_is_gone_when_it_ends(suite: pytest.Pytester, api: HfApi) -> None:
    result = run(suite, MAKES_ALL)
    result.assert_outcomes(passed=1)
    assert result.ret == 0
    assert "left behind" not in result.stdout.str()
    assert left(api) == []


def test_also_when_it_fails(suite: pytest.Pytester, api: HfApi) -> None:
    result = run(suite, "def test_fails(hub_repo):\n    hub_repo()\n    assert False\n")
    result.assert_outcomes(failed=1)
    assert left(api) == []


def test_also_when_the_answer_to_its_creation_was_lost(
    suite: pytest.Pytester, local: LocalHub, api: HfApi
) -> None:
    local.faults.add("POST /api/repos/create reset=after count=1")
    result = run(suite, "def test_lost(hub_repo):\n    hub_repo()\n")
    result.assert_outcomes(failed=1)
    assert local.requests.count("DELETE") == 1
    assert left(api) == []


def test_also_on_ctrl_c(suite: pytest.Pytester, alone: None, local: LocalHub, api: HfApi) -> None:
    suite.makepyfile("import time\ndef test_waits(hub_repo):\n    hub_repo()\n    time.sleep(60)\n")
    command = [sys.executable, "-m", "pytest", "-p", "hfdeploy_janitor.pytest_plugin"]
    process = subprocess.Popen(command, cwd=suite.path, stdout=subprocess.PIPE, text=True, env=os.environ)
    until = time.monotonic() + 60
    while not left(api) and time.monotonic() < until:
        time.sleep(0.02)
    assert left(api)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 2, out
    assert left(api) == []


def test_what_cannot_be_deleted_fails_the_run_and_is_named(
    suite: pytest.Pytester, local: LocalHub, api: HfApi
) -> None:
    local.faults.add("DELETE ** status=403")
    result = run(suite, "def test_leaks(hub_repo):\n    hub_repo()\n")
    result.assert_outcomes(passed=1, errors=1)
    assert result.ret == 1
    (leaked,) = left(api)
    told = ["*left behind on the Hub*", f"model {leaked}: *may not do this*", "*expired*"]
    result.stdout.fnmatch_lines(told)


def test_the_end_of_the_run_is_a_second_chance(suite: pytest.Pytester, local: LocalHub, api: HfApi) -> None:
    local.faults.add("DELETE ** status=503 count=1")
    result = run(suite, "def test_leaks(hub_repo):\n    hub_repo()\n")
    result.assert_outcomes(passed=1, errors=1)
    assert "left behind on the Hub ==" not in result.stdout.str()
    assert left(api) == []


def test_a_repo_that_the_test_renamed_is_a_leak(suite: pytest.Pytester, api: HfApi) -> None:
    source = """
import os
from huggingface_hub import HfApi

def test_renames(hub_repo):
    HfApi(endpoint=os.environ["HF_ENDPOINT"]).move_repo(hub_repo(), "alice/precious")
"""
    result = run(suite, source)
    result.assert_outcomes(passed=1, errors=1)
    assert left(api) == ["alice/precious"]
    result.stdout.fnmatch_lines(["*It was renamed to*precious*"])


def test_leaks_of_workers_are_told(suite: pytest.Pytester, alone: None, local: LocalHub) -> None:
    local.faults.add("DELETE ** status=403")
    plugins = ("-p", "xdist", "-p", "hfdeploy_janitor.pytest_plugin")
    result = run(suite, "def test_leaks(hub_repo):\n    hub_repo()\n", *plugins, "-n", "1")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*left behind on the Hub*", "model alice/*may not do this*"])


def test_another_hub_than_the_environments(suite: pytest.Pytester, tmp_path: Path) -> None:
    source = """
import pytest

@pytest.fixture
def hub_access(localhub):
    return localhub.endpoint, localhub.token

def test_there(hub_repo, localhub):
    assert hub_repo().startswith("local/hfdeploy-test-")
    assert localhub.requests.count("POST", "/api/repos/create") == 1
"""
    run(suite, source).assert_outcomes(passed=1)

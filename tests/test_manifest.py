"""A manifest against the local hub: the command as a user runs it."""

import os
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from huggingface_hub import HfApi

from hfdeploy.cli.app import app
from hfdeploy_localhub import LocalHub

from .conftest import BIN, Command

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
Hfdeploy = Callable[..., Result]
SECRET = "a value of this test"
REPOS = (("weights", "model"), ("data", "dataset"), ("app", "space"))


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


@pytest.fixture
def hfdeploy(hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command in this process, which spares its start."""
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)

    def run(*words: str) -> Result:
        done = CliRunner().invoke(app, words)
        print(done.output)
        return done

    return run


def test_targets_are_applied_with_what_they_tell_each_other(
    hfdeploy: Hfdeploy, hub: LocalHub, api: HfApi, folder: Path
) -> None:
    done = hfdeploy("apply", "--yes")
    assert done.exit_code == 0
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
    assert hfdeploy("plan", "--detailed-exitcode").exit_code == 0
    assert all(entry.method == "GET" for entry in hub.requests)


def test_a_profile_lays_its_own_over_it(hfdeploy: Hfdeploy, api: HfApi, folder: Path) -> None:
    assert hfdeploy("apply", "--yes", "--profile", "staging").exit_code == 0
    assert api.space_info("alice/app-staging").private
    assert api.get_space_variables("alice/app-staging")["STAGE"].value == "staging"
    assert not api.repo_exists("alice/app", repo_type="space")


def test_it_is_looked_at_and_destroyed_in_reverse_but_for_what_was_there(
    hfdeploy: Hfdeploy, api: HfApi, folder: Path
) -> None:
    api.create_repo("alice/weights")
    (folder / "hfdeploy.yaml").write_text(MANIFEST + "state: {repo: alice/state}\n")
    assert hfdeploy("apply", "--yes").exit_code == 0
    assert api.dataset_info("alice/state").private
    api.upload_file(path_or_fileobj=b"x", path_in_repo="theirs", repo_id="alice/data", repo_type="dataset")
    # Another machine: whatever is known is on the Hub.
    shutil.rmtree(folder / ".hfdeploy")
    told = hfdeploy("status").stdout
    assert "data: dataset alice/data (public)" in told
    assert "1 commit by others since: theirs" in told
    assert "the repo was there before" in told
    assert hfdeploy("destroy").exit_code == 21
    assert hfdeploy("destroy", "weights", "--yes").stdout.splitlines()[:-1] == [
        f"- space alice/app ({api.endpoint}/spaces/alice/app)",
        "[space alice/app] Deleted space alice/app",
    ]
    assert hfdeploy("destroy", "--yes").exit_code == 0
    assert [api.repo_exists(f"alice/{name}", repo_type=kind) for name, kind in REPOS] == [True, False, False]


def test_of_two_at_once_one_is_refused(run: Command, hub: LocalHub, api: HfApi, folder: Path) -> None:
    (folder / "hfdeploy.yaml").write_text(MANIFEST + "state: {repo: alice/state}\n")
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: run("hfdeploy", "apply", "--yes"), range(2)))
    codes = sorted(one.returncode for one in done)
    # The one that comes second is refused, or comes when the other is done.
    assert codes[0] == 0
    assert codes[1] in (0, 25, 64), [one.stderr for one in done]
    assert run("hfdeploy", "plan", "--detailed-exitcode").returncode == 0
    for name, kind in REPOS:
        titles = [commit.title for commit in api.list_repo_commits(f"alice/{name}", repo_type=kind)]
        assert titles == ["Deploy with hfdeploy", "initial commit"]


def test_what_ends_a_job_leaves_no_program_of_a_step_behind(hub: LocalHub, folder: Path) -> None:
    step = "{type: run, command: [sh, -c, 'echo step $$; exec sleep 60']}"
    (folder / "hfdeploy.yaml").write_text(f"{MANIFEST}steps: {{before: [{step}]}}\n")
    command, settings = [BIN / "hfdeploy", "apply", "--yes"], {**os.environ, "HF_ENDPOINT": hub.endpoint}
    with subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stderr=-1, text=True) as process:
        assert process.stdout is not None
        number = next(line.split()[-1] for line in process.stdout if line.startswith("  | step "))
        process.terminate()
        _, told = process.communicate(timeout=20)
    assert (process.returncode, "Run it again: it goes on from where it was." in told) == (130, True)
    with pytest.raises(ProcessLookupError):
        os.kill(int(number), 0)


def test_at_a_terminal_it_asks_and_a_no_changes_nothing(
    hfdeploy: Hfdeploy, hub: LocalHub, folder: Path
) -> None:
    done = hfdeploy("apply")
    assert done.exit_code == 21
    assert not any(entry.method == "POST" and "create" in entry.path for entry in hub.requests)
    assert os.environ["HF_TOKEN"] not in done.stderr


def test_a_relay_is_a_target_in_front_of_a_private_space(
    hfdeploy: Hfdeploy, api: HfApi, folder: Path
) -> None:
    site = "  site: {type: space, repo: alice/site, source: ./weights, sdk: static}\n"
    options = "token_env: HF_TOKEN, allow_origins: '${targets.site.space_url}'"
    relay = f"{site}  relay: {{type: relay, upstream: app, {options}}}\n  data:"
    text = MANIFEST.replace("  data:", relay).replace("    depends_on: [data]", "    visibility: private")
    text = text.replace("./data}", "./data, depends_on: [relay], message: 'behind ${targets.relay.repo_id}'}")
    (folder / "hfdeploy.yaml").write_text(text)
    (folder / "app" / "README.md").write_text("---\nsdk: docker\n---\n")
    planned = hfdeploy("plan", "relay", "--detailed-exitcode")
    assert (planned.exit_code, "https://site-space-url.known-after-apply.invalid" in planned.stdout) == (
        2,
        True,
    )
    assert hfdeploy("apply", "--yes").exit_code == 0
    assert api.list_repo_commits("alice/data", repo_type="dataset")[0].title == "behind alice/app-proxy"
    assert not api.space_info("alice/app-proxy").private
    origins = api.get_space_variables("alice/app-proxy")["ALLOW_ORIGINS"].value
    assert origins == api.space_info("alice/site").host
    assert hfdeploy("plan", "--detailed-exitcode").exit_code == 0
    assert "relay: space alice/app-proxy" in hfdeploy("status").stdout
    assert hfdeploy("destroy", "relay", "--yes").exit_code == 0
    left = [api.repo_exists(f"alice/{name}", repo_type="space") for name in ("app", "app-proxy")]
    assert left == [True, False]

"""kill -9 at every step of the journal: run again, a deploy ends as if it had never been killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import HfApi

import hfdeploy_core
from hfdeploy_core.model import CommitFiles
from hfdeploy_core.planning.parts import Limits, split_commit
from hfdeploy_localhub import LocalHub

KILLABLE = Path(__file__).parent / "support" / "killable.py"
Run = Callable[..., dict[str, int]]
SPACE = {"hardware": "cpu-upgrade", "variables": {"GREETING": "hello"}, "visibility": "public"}
# What a deploy may set beside these: together they are every kind of setting.
MORE = {"gated": "auto", "sleep_seconds": 3600, "volumes": ["hf://alice/data:/data"]}
SECRETS = {"KEY": "a secret of this test"}


@pytest.fixture(scope="module")
def killable() -> Iterator[subprocess.Popen[str]]:
    """See `support/killable.py`; one for all tests, as it takes two seconds to start."""
    command = [sys.executable, KILLABLE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def run(killable: subprocess.Popen[str], hub: LocalHub, canary: str) -> Run:
    """Runs a deploy in a process of its own."""

    def run(verb: str, *arguments: object, kill_at: int | None = None, **options: Any) -> dict[str, int]:
        asked = {
            "environment": {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": canary},
            "verb": verb,
            "arguments": [str(a) for a in arguments],
            "options": options,
            "kill_at": kill_at,
        }
        assert killable.stdin is not None
        assert killable.stdout is not None
        print(json.dumps(asked), file=killable.stdin, flush=True)
        return json.loads(killable.stdout.readline())

    return run


@pytest.fixture
def source(workspace: Path) -> Path:
    folder = workspace / "source"
    folder.mkdir()
    (folder / "README.md").write_text("---\nsdk: docker\n---\n")
    (folder / "notes.txt").write_text("notes")
    (folder / "weights.bin").write_bytes(b"w" * 30_000)
    return folder


def look(api: HfApi, repo: str, kind: str) -> dict[str, Any]:
    """All that a deploy is to bring about, the number of commits too."""
    info = api.repo_info(repo, repo_type=kind, files_metadata=True)
    facts: dict[str, Any] = {
        "files": {file.rfilename: file.blob_id for file in info.siblings},
        "commits": [commit.title.split(" to ")[0] for commit in api.list_repo_commits(repo, repo_type=kind)],
        "private": info.private,
    }
    if kind == "space":
        facts["hardware"] = info.runtime.requested_hardware
        facts["variables"] = {name: held.value for name, held in api.get_space_variables(repo).items()}
        facts["gated"], facts["sleep"] = info.gated, info.runtime.sleep_time
        facts["volumes"] = [volume.mount_path for volume in info.runtime.volumes or ()]
        facts["secrets"] = list(api.get_space_secrets(repo))
    return facts


def divide(plan: hfdeploy_core.Plan) -> hfdeploy_core.Plan:
    """The plan as it would be if the Hub took no more than a few bytes in one commit."""
    limits = Limits(regular_bytes=10)
    parts = [
        split_commit(change, plan.repo.type, limits) if isinstance(change, CommitFiles) else (change,)
        for change in plan.changes
    ]
    return replace(plan, changes=tuple(chain.from_iterable(parts)), allows_partial=True)


def check_every_kill(
    run: Run,
    look: Callable[[str], Any],
    begin: Callable[[str], tuple[Any, ...]],
    every: int = 1,
    *,
    ends: bool = False,
    **options: Any,
) -> int:
    """Kill at each point in turn, or at `every` so-manieth, and run again: how many there were.

    If it `ends`, the last point is left out.
    """
    points = run(*begin("whole"), **options)["points"]
    expected = look("whole")
    for point in range(1, points + (not ends), every):
        name = f"killed-{point}"
        asked = begin(name)
        assert run(*asked, **options, kill_at=point)["signal"] == signal.SIGKILL, point
        assert run(*asked, **options)["signal"] == 0, point
        assert look(name) == expected, point
    return points


def test_a_new_space_with_settings_and_secrets(run: Run, api: HfApi, source: Path, workspace: Path) -> None:
    (source / "weights.bin").unlink()

    def begin(name: str) -> tuple[Any, ...]:
        return ("deploy", shutil.copytree(source, workspace / name), f"alice/{name}")

    steps = 9
    points = check_every_kill(
        run, lambda name: look(api, f"alice/{name}", "space"), begin, **SPACE, **MORE, secrets=SECRETS
    )
    assert points > 3 * steps
    whole = look(api, "alice/whole", "space")
    assert (whole["private"], whole["hardware"]) == (False, "cpu-upgrade")
    assert (whole["variables"], whole["secrets"]) == ({"GREETING": "hello"}, ["KEY"])
    assert (whole["gated"], whole["sleep"], whole["volumes"]) == ("auto", 3600, ["/data"])
    assert whole["commits"] == ["Deploy with hfdeploy", "initial commit"]


def test_a_saved_plan_of_two_commits(
    run: Run, hub: LocalHub, api: HfApi, source: Path, workspace: Path, monkeypatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
    (source / "weights.bin").unlink()

    def begin(name: str) -> tuple[Any, ...]:
        folder = shutil.copytree(source, workspace / name)
        made = hfdeploy_core.plan(folder, f"alice/{name}", **SPACE, secrets=SECRETS)
        hfdeploy_core.save_plan(divide(made), folder / ".hfdeploy" / "plan.json")
        return ("apply", folder / ".hfdeploy" / "plan.json")

    steps = 7
    points = check_every_kill(run, lambda name: look(api, f"alice/{name}", "space"), begin, secrets=SECRETS)
    assert points > 3 * steps
    titles = [commit.title for commit in api.list_repo_commits("alice/whole", repo_type="space")]
    assert [title.partition(" (")[2] for title in titles] == ["part 2 of 2)", "part 1 of 2)", ""]


def test_a_change_of_an_existing_repo(run: Run, api: HfApi, source: Path, workspace: Path) -> None:
    def begin(name: str) -> tuple[Any, ...]:
        folder = shutil.copytree(source, workspace / name)
        api.create_repo(f"alice/{name}")
        api.upload_file(path_or_fileobj=b"x", path_in_repo="old.txt", repo_id=f"alice/{name}")
        return ("deploy", folder, f"alice/{name}")

    options = {"repo_type": "model", "mirror": True, "visibility": "private"}
    points = check_every_kill(run, lambda name: look(api, f"alice/{name}", "model"), begin, **options)
    assert points > 3 * 2


def test_a_manifest_of_two_targets(run: Run, api: HfApi, source: Path, workspace: Path) -> None:
    (source / "weights.bin").unlink()

    def begin(name: str) -> tuple[Any, ...]:
        (workspace / name).mkdir()
        first = f"{{type: model, repo: alice/{name}, source: ../source}}"
        second = f"{{type: dataset, repo: alice/{name}, source: ../source, depends_on: [first]}}"
        manifest = workspace / name / "hfdeploy.yaml"
        manifest.write_text(f"version: 1\ntargets:\n  first: {first}\n  second: {second}\n")
        return ("project", manifest)

    def look_at_all(name: str) -> Any:
        state = json.loads((workspace / name / ".hfdeploy/state.json").read_text())
        owned = [(held["target"], held["is_owned"], bool(held["commit"])) for held in state["repos"]]
        return owned, look(api, f"alice/{name}", "model"), look(api, f"alice/{name}", "dataset")

    points = check_every_kill(run, look_at_all, begin, every=5)
    assert points > 3 * 4
    assert look_at_all("whole")[0] == [("first", True, True), ("second", True, True)]


def test_a_rollback(run: Run, api: HfApi, source: Path, workspace: Path) -> None:
    """One that came to its end is over: the next goes further back."""
    (source / "weights.bin").unlink()
    state = str(workspace / "state")

    def begin(name: str) -> tuple[Any, ...]:
        folder, repo = shutil.copytree(source, workspace / name), f"alice/{name}"
        for number, hardware in (("1", "cpu-basic"), ("2", "cpu-upgrade")):
            (folder / "notes.txt").write_text(number)
            settings = {"hardware": hardware, "variables": {"N": number, f"V{number}": ""}, "state": state}
            assert run("deploy", folder, repo, **settings)["signal"] == 0
        return ("rollback", repo)

    points = check_every_kill(
        run, lambda name: look(api, f"alice/{name}", "space"), begin, ends=True, state=state
    )
    assert points > 3 * 3
    whole = look(api, "alice/whole", "space")
    assert (whole["hardware"], whole["variables"]) == ("cpu-basic", {"N": "1", "V1": ""})
    assert len(whole["commits"]) == 4


def test_a_commit_that_lands_after_the_kill_is_not_made_twice(
    run: Run, hub: LocalHub, api: HfApi, source: Path, monkeypatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
    api.create_repo("alice/m")
    saved = source / ".hfdeploy" / "plan.json"
    hfdeploy_core.save_plan(hfdeploy_core.plan(source, "alice/m", repo_type="model"), saved)
    # The hub takes its time with the first commit only; the process dies while it does.
    hub.faults.add("POST /api/**/commit/* latency_seconds=0.5 count=1")
    command = [Path(sys.executable).parent / "hfdeploy", "apply", saved]
    settings = {**os.environ, "HF_ENDPOINT": hub.endpoint}
    with subprocess.Popen(command, env=settings, stdout=subprocess.DEVNULL) as process:
        while not hub.requests.count("POST", "/api/**/commit/*"):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert run("apply", saved)["signal"] == 0
    assert hub.requests.count("POST", "/api/**/commit/*") == 2
    while not hub.requests.find("POST", "/api/**/commit/*")[0].status:
        time.sleep(0.01)
    titles = [commit.title for commit in api.list_repo_commits("alice/m")]
    assert titles == ["Deploy with hfdeploy", "initial commit"]

"""`plan`, `apply` and settings against the local hub: what is asked of it, and what is there afterwards."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import HfApi

import hfdeploy_core
from hfdeploy_core.errors import CommitTooLarge, Conflict, PlanStale
from hfdeploy_core.hub.client import HubClient
from hfdeploy_core.model import RepoRef, RepoType, Source, Target
from hfdeploy_core.planning.deploy import plan_deploy
from hfdeploy_core.planning.parts import Limits
from hfdeploy_core.source.scan import scan
from hfdeploy_localhub import LocalHub

from .conftest import Command

CARD = "---\nsdk: docker\n---\n"
READS = ("/api/validate-yaml", "/preupload/")
SECRET = "the value of a secret"
SETTINGS = [
    *("--hardware", "cpu-upgrade", "--sleep-time", "3600", "--variable", "GREETING=hello", "--secret", "KEY"),
    *("--volume", "hf://buckets/alice/b:/data", "--gated", "auto", "--public"),
]


def writes(hub: LocalHub) -> list[str]:
    """The requests that change something."""
    return [
        f"{entry.method} {entry.path}"
        for entry in hub.requests
        if entry.method not in ("GET", "HEAD") and not any(read in entry.path for read in READS)
    ]


def last(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def source(workspace: Path) -> Path:
    folder = workspace / "source"
    folder.mkdir()
    (folder / "README.md").write_text(CARD)
    (folder / "notes.txt").write_text("one")
    return folder


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("KEY", SECRET)
    return SECRET


def settings_of(api: HfApi, repo: str) -> dict[str, Any]:
    info, runtime = api.space_info(repo), api.get_space_runtime(repo)
    return {
        "private": info.private,
        "gated": info.raw["gated"] if hasattr(info, "raw") else info.gated,
        "hardware": runtime.requested_hardware,
        "sleep": runtime.sleep_time,
        "volumes": [volume.mount_path for volume in runtime.volumes or ()],
        "variables": {name: held.value for name, held in api.get_space_variables(repo).items()},
        "secrets": list(api.get_space_secrets(repo)),
    }


def test_a_plan_is_shown_saved_applied_and_then_there_is_nothing_to_do(
    run: Command, hub: LocalHub, api: HfApi, source: Path, workspace: Path, secret: str
) -> None:
    saved = workspace / "plan.json"
    asked = ["hfdeploy", "plan", source, "alice/app", *SETTINGS]
    done = run(*asked, "--out", saved, "--detailed-exitcode")
    assert done.returncode == 2
    for line in (
        "  + the repo (docker, private)",
        "  ~ hardware: cpu-basic -> cpu-upgrade (+$0.03 an hour)",
        "  ~ sleep time: the Hub's choice -> after 3600 s",
        "  + volume hf://buckets/alice/b:/data:rw",
        "  + variable GREETING: 'hello'",
        "  + secret KEY",
        "  + notes.txt (3 B)",
        "  ~ visibility: private -> public",
        "head    none: the repo is created",
    ):
        assert line in done.stdout.splitlines()
    assert writes(hub) == []
    assert secret not in saved.read_text() + done.stdout + done.stderr

    applied = run("hfdeploy", "apply", saved, "--json")
    assert last(applied)["created"]
    assert secret not in applied.stdout + applied.stderr
    assert settings_of(api, "alice/app") == {
        "private": False,
        "gated": "auto",
        "hardware": "cpu-upgrade",
        "sleep": 3600,
        "volumes": ["/data"],
        "variables": {"GREETING": "hello"},
        "secrets": ["KEY"],
    }
    paths = [write.rpartition("/")[2] for write in writes(hub)]
    assert paths.index("secrets") < paths.index("main") < len(paths) - 1
    assert writes(hub)[-1] == "PUT /api/spaces/alice/app/settings"

    without = [word for word in asked if word not in ("--secret", "KEY")]
    assert run(*without, "--detailed-exitcode").returncode == 0


def test_settings_of_an_existing_repo_are_mended_and_others_stay(
    run: Command, hub: LocalHub, api: HfApi, source: Path
) -> None:
    api.create_repo("alice/app", repo_type="space", space_sdk="docker", private=True)
    api.add_space_variable("alice/app", "MINE", "1")
    done = run("hfdeploy", "deploy", source, "alice/app", "--variable", "A=1", "--public", "--json")
    assert done.returncode == 0
    held = settings_of(api, "alice/app")
    assert (held["variables"], held["private"]) == ({"MINE": "1", "A": "1"}, False)
    hub.requests.clear()
    again = run("hfdeploy", "deploy", source, "alice/app", "--variable", "A=1", "--public", "--json")
    assert (last(again)["changed"], writes(hub)) == (False, [])


MOVED = {
    "the source": (lambda api, source: (source / "notes.txt").write_text("two"), "source was changed"),
    "the head": (
        lambda api, source: api.upload_file(
            path_or_fileobj=b"x", path_in_repo="theirs", repo_id="alice/app", repo_type="space"
        ),
        "was committed to",
    ),
    "the hardware": (
        lambda api, source: api.request_space_hardware("alice/app", "t4-small"),
        "hardware of space alice/app was changed",
    ),
    "the visibility": (
        lambda api, source: api.update_repo_settings("alice/app", visibility="protected", repo_type="space"),
        "visibility of space alice/app was changed",
    ),
    "the sleep time": (lambda api, source: api.set_space_sleep_time("alice/app", 7), "sleep time of"),
    "a variable": (
        lambda api, source: api.add_space_variable("alice/app", "GREETING", "bye"),
        "variable GREETING of",
    ),
    "a secret": (lambda api, source: api.add_space_secret("alice/app", "KEY", "other"), "secret KEY of"),
    "the repo": (lambda api, source: api.delete_repo("alice/app", repo_type="space"), "is gone since"),
}


@pytest.mark.filterwarnings("ignore:If your Space runs on the default")
@pytest.mark.parametrize("what", MOVED)
def test_a_plan_is_refused_if_anything_moved_since(
    what: str, run: Command, hub: LocalHub, api: HfApi, source: Path, workspace: Path, secret: str
) -> None:
    api.create_repo("alice/app", repo_type="space", space_sdk="docker", private=True)
    saved = workspace / "plan.json"
    assert run("hfdeploy", "plan", source, "alice/app", *SETTINGS, "--out", saved).returncode == 0
    move, says = MOVED[what]
    move(api, source)
    hub.requests.clear()
    refused = last(run("hfdeploy", "apply", saved, "--json"))
    assert (refused["event"], refused["error"], refused["exit_code"]) == ("error", "PlanStale", 25)
    assert says in refused["message"]
    assert "new plan" in refused["remedy"]
    assert writes(hub) == []


BAD = {
    "hardware that is not there": (["--hardware", "tpu"], "SettingInvalid", "cpu-basic"),
    "a volume": (["--volume", "data:/x"], "SettingInvalid", "hf://"),
    "a variable without a value": (["--variable", "A"], "SettingInvalid", "NAME=VALUE"),
    "a variable that is a token": (["--variable", "A=hf_abcdefghijklmn"], "SettingInvalid", "--secret A"),
    "a variable twice": (["--variable", "A=1", "--variable", "A=2"], "SettingInvalid", "Keep one"),
    "a name": (["--variable", "9=1"], "SettingInvalid", "letters"),
    "a secret that is not set": (["--secret", "UNSET"], "SettingInvalid", "variable UNSET"),
    "a secret that is a variable": (["--secret", "KEY", "--variable", "KEY=1"], "SettingInvalid", "Keep one"),
    "a missing secrets file": (["--secrets-file", "nowhere"], "SettingInvalid", "NAME=VALUE"),
    "secrets within the source": (["--secrets-file", "{source}/notes.txt"], "SettingInvalid", "Move it"),
    "a sleep time": (["--sleep-time", "0"], "SettingInvalid", "above 0"),
    "a model with hardware": (["--type", "model", "--hardware", "cpu-upgrade"], "SettingInvalid", "Drop"),
    "a volume to write to": (["--volume", "hf://a/b:/x:rw"], "SettingInvalid", "Drop :rw"),
    "a state that is a file": (["--state", "{source}/notes.txt"], "StateUnwritable", "--state"),
    "a taken name": (["--variable", "TAKEN=1"], "SettingInvalid", "another name"),
}


@pytest.mark.parametrize("verb", ["plan", "deploy"])
def test_what_cannot_be_set_is_told_before_anything_is_written(
    verb: str, run: Command, hub: LocalHub, api: HfApi, source: Path, secret: str, in_process: Any
) -> None:
    api.create_repo("alice/app", repo_type="space", space_sdk="docker")
    api.add_space_secret("alice/app", "TAKEN", "x")
    hub.requests.clear()
    for what, (arguments, name, remedy) in BAD.items():
        if verb == "plan" and name == "StateUnwritable":
            continue  # nothing is written down for a plan
        words = [argument.format(source=source) for argument in arguments]
        error = in_process(verb, source, "alice/app", *words, "--json")
        assert (error["event"], error["error"]) == ("error", name), what
        assert remedy in error["remedy"], what
    assert writes(hub) == []


@pytest.fixture
def in_process(hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command in this process, which is quicker; its last line."""
    from click.testing import CliRunner

    from hfdeploy.cli.app import app

    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)

    def invoke(*arguments: object) -> dict[str, Any]:
        done = CliRunner().invoke(app, [str(argument) for argument in arguments])
        return json.loads(done.stdout.splitlines()[-1])

    return invoke


@pytest.mark.parametrize(
    ("content", "says"),
    [("{}", "no saved plan"), (None, "cannot be read"), ("edited", "changed after it was made")],
)
def test_a_plan_that_is_none_is_refused(
    content: str | None, says: str, hub: LocalHub, source: Path, workspace: Path, in_process: Any
) -> None:
    saved = workspace / "plan.json"
    in_process("plan", source, "alice/app", "--out", saved, "--json")
    if content == "edited":
        saved.write_text(saved.read_text().replace("alice", "mallory"))
    elif content is not None:
        saved.write_text(content)
    else:
        saved.unlink()
    error = in_process("apply", saved, "--json")
    assert (error["error"], error["exit_code"], says in error["message"]) == ("PlanInvalid", 24, True)
    assert "hfdeploy plan" in error["remedy"]
    assert writes(hub) == []


@pytest.fixture
def client(hub: LocalHub, canary: str) -> Iterator[HubClient]:
    with HubClient(endpoint=hub.endpoint, token=canary, on_event=lambda event: None) as client:
        yield client


def test_what_is_too_much_for_one_commit_needs_consent(
    hub: LocalHub, client: HubClient, api: HfApi, source: Path
) -> None:
    (source / "README.md").unlink()
    for number in range(4):
        (source / f"f{number}.txt").write_text("0123456789")
    target = Target(RepoRef(RepoType.MODEL, "alice", "m"), "title")
    parts = plan_deploy(target, scan(source), None, limits=Limits(regular_bytes=20))
    parts = replace(parts, source=Source(str(source)))
    with pytest.raises(CommitTooLarge, match="would need 3 commits") as caught:
        hfdeploy_core.apply(parts, hub=client)
    assert "--allow-partial" in caught.value.remedy
    assert writes(hub) == []
    hfdeploy_core.apply(replace(parts, allows_partial=True), hub=client)
    titles = [commit.title for commit in api.list_repo_commits("alice/m")]
    assert titles[:-1] == ["title (part 3 of 3)", "title (part 2 of 3)", "title (part 1 of 3)"]
    assert not hfdeploy_core.plan(source, "alice/m", repo_type="model", hub=client).changes


def test_somebody_else_commits_in_between(hub: LocalHub, client: HubClient, api: HfApi, source: Path) -> None:
    hfdeploy_core.deploy(source, "alice/app", hub=client)
    (source / "notes.txt").write_text("two")
    hub.faults.add("POST /api/**/commit/* head=moved count=1")
    outcome = hfdeploy_core.deploy(source, "alice/app", hub=client)
    titles = [commit.title for commit in api.list_repo_commits("alice/app", repo_type="space")]
    assert (outcome.changed, len(titles), titles[0]) == (True, 4, "Deploy with hfdeploy")
    (source / "notes.txt").write_text("three")
    hub.faults.add("POST /api/**/commit/* head=moved")
    with pytest.raises(Conflict):
        hfdeploy_core.deploy(source, "alice/app", hub=client)
    notes = api.hf_hub_download("alice/app", "notes.txt", repo_type="space", local_dir=source.parent / "copy")
    assert Path(notes).read_text() == "two"


def test_a_plan_that_leaves_the_visibility_is_refused_if_that_moved(
    hub: LocalHub, client: HubClient, api: HfApi, source: Path
) -> None:
    api.create_repo("alice/m", private=True)
    made = hfdeploy_core.plan(source, "alice/m", repo_type="model", hub=client)
    api.update_repo_settings("alice/m", private=False)
    hub.requests.clear()
    with pytest.raises(PlanStale, match="The visibility of model alice/m was changed"):
        hfdeploy_core.apply(made, hub=client)
    assert writes(hub) == []

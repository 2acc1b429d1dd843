"""`hfdeploy deploy` and `hfdeploy_core.deploy` against the local hub."""

import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.hf_api import RepoFile

from hfdeploy_core import deploy
from hfdeploy_core.errors import HubUnreachable
from hfdeploy_core.events import Event, Waiting
from hfdeploy_core.hub.client import HubClient
from hfdeploy_core.testing import FakeClock
from hfdeploy_localhub import LocalHub

from .conftest import Command, tree

State = dict[str, str]


def write(folder: Path, files: dict[str, bytes | str]) -> Path:
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def events(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def state(api: HfApi) -> Callable[[], State]:
    """Every repo of every type with its head and visibility: all that a deploy could change."""

    def read() -> State:
        lists = (api.list_models(full=True), api.list_datasets(full=True), api.list_spaces(full=True))
        return {
            f"{type(item).__name__} {item.id}": f"{item.sha} {item.private}"
            for items in lists
            for item in items
        }

    return read


MODEL = {"README.md": "---\nlicense: mit\n---\n# x\n", "config.json": "{}"}
SPACE = {
    "README.md": "---\ntitle: x\nsdk: static\n---\n",
    "index.html": "<h1>hello</h1>",
}


def test_a_large_and_odd_folder_is_one_commit_and_comes_back(
    run: Command, api: HfApi, workspace: Path, canary: str
) -> None:
    source = workspace / "source"
    write(source, {f"d{n % 50:02}/e/f{n}.txt": f"{n}\n" * (n % 40) for n in range(2_990)})
    write(
        source,
        {"empty": b"", "a b/ü ö/日本.txt": "unicode", "UPPER.txt": "1", "x/y/z/deep": "2", "~a'$b": "3"},
    )
    write(source, MODEL)
    write(source, {"weights.safetensors": random.Random(1).randbytes(1_000_000)})
    # More than what xet sends at a time.
    write(source, {"large.bin": random.Random(2).randbytes(80_000_000)})
    done = run("hfdeploy", "deploy", source, "alice/big", "--type", "model", "--json")
    assert done.returncode == 0, done.stderr
    outcome = events(done)[-1]
    commits = api.list_repo_commits("alice/big")
    assert [commit.title for commit in commits][1:] == ["initial commit"]
    assert commits[0].commit_id == outcome["commit"]
    told = api.list_repo_tree("alice/big", recursive=True)
    held = {file.path: file for file in told if isinstance(file, RepoFile) and file.path != ".gitattributes"}
    sent = tree(source)
    assert held.keys() == sent.keys()
    # By name all of them, which takes a request for a thousand; as they come back, the large and the odd.
    assert all(held[path].blob_id == blob(content) for path, content in sent.items() if not held[path].lfs)
    odd = ["[!d]*", "d00/*"]
    place = workspace / "copy"
    snapshot_download("alice/big", local_dir=place, allow_patterns=odd, endpoint=api.endpoint, token=canary)
    received = tree(place)
    del received[".gitattributes"]
    large = {path for path in held if held[path].lfs}
    assert large == {"large.bin", "weights.safetensors"}
    assert large <= received.keys()
    assert len(received) > 60
    assert all(sent[path] == content for path, content in received.items())


def test_the_second_deploy_changes_nothing(run: Command, state: Callable[[], State], workspace: Path) -> None:
    source = write(workspace / "source", {**MODEL, "w.safetensors": b"w" * 100})
    first = events(run("hfdeploy", "deploy", source, "alice/m", "--type", "model", "--json"))[-1]
    before = state()
    second = events(run("hfdeploy", "deploy", source, "alice/m", "--type", "model", "--json"))[-1]
    assert state() == before
    assert second["commit"] == first["commit"]


def test_the_outcome_has_the_actions_names(run: Command, hub: LocalHub, api: HfApi, workspace: Path) -> None:
    source = write(workspace / "source", SPACE)
    done = run("hfdeploy", "deploy", source, "app", "--private", "--json")
    outcome = events(done)[-1]
    expected = {
        "event": "outcome",
        "repo_id": "alice/app",
        "repo_url": f"{hub.endpoint}/spaces/alice/app",
        "space_url": api.space_info("alice/app").host,
        "proxy_enabled": False,
        "proxy_repo_id": "",
        "proxy_url": "",
        "commit": api.space_info("alice/app").sha,
        "plan_digest": next(event["digest"] for event in events(done) if event["event"] == "planned"),
    }
    assert {key: outcome[key] for key in expected} == expected
    assert api.space_info("alice/app").private


def test_what_was_not_asked_for_stays(run: Command, api: HfApi, workspace: Path) -> None:
    api.create_repo("alice/m", private=True)
    api.upload_file(path_or_fileobj=b"mine", path_in_repo="kept.txt", repo_id="alice/m")
    source = write(workspace / "source", MODEL)
    assert run("hfdeploy", "deploy", source, "alice/m", "--type", "model").returncode == 0
    assert api.model_info("alice/m").private
    assert "kept.txt" in api.list_repo_files("alice/m")
    assert (
        run("hfdeploy", "deploy", source, "alice/m", "--type", "model", "--mirror", "--public").returncode
        == 0
    )
    assert sorted(api.list_repo_files("alice/m")) == [".gitattributes", "README.md", "config.json"]
    assert not api.model_info("alice/m").private


def test_a_person_is_told_where_it_is(run: Command, hub: LocalHub, api: HfApi, workspace: Path) -> None:
    done = run("hfdeploy", "deploy", write(workspace / "source", SPACE), "alice/app", "-m", "Say hello")
    assert done.returncode == 0
    for told in ("alice/app", f"{hub.endpoint}/spaces/alice/app", api.space_info("alice/app").sha[:7]):
        assert told in done.stdout
    assert api.space_info("alice/app").host in done.stdout
    assert api.list_repo_commits("alice/app", repo_type="space")[0].title == "Say hello"


def test_a_static_space_is_served_at_once(run: Command, workspace: Path) -> None:
    outcome = events(run("hfdeploy", "deploy", write(workspace / "source", SPACE), "alice/app", "--json"))[-1]
    for _ in range(100):
        answer = httpx.get(outcome["space_url"])
        if answer.status_code == 200:
            break
    assert answer.text == "<h1>hello</h1>"


BAD: dict[str, tuple[list[str], str]] = {
    "missing source": (["{w}/nope", "alice/m"], "SourceMissing"),
    "a file": (["{w}/file", "alice/m"], "SourceNotAFolder"),
    "an empty folder": (["{w}/empty", "alice/m"], "SourceEmpty"),
    "only folders": (["{w}/folders", "alice/m"], "SourceEmpty"),
    "a bad name": (["{w}/model", "alice/m--m"], "RepoNameInvalid"),
    "another bad name": (["{w}/model", "a/b/c"], "RepoNameInvalid"),
    "a name with .git": (["{w}/model", "alice/m.git"], "RepoNameInvalid"),
    "another's namespace": (["{w}/model", "mallory/m"], "PermissionRefused"),
    "no such namespace": (["{w}/model", "nobody/m"], "PermissionRefused"),
    "two visibilities": (["{w}/model", "alice/m", "--private", "--public"], "SettingInvalid"),
    "a protected model": (["{w}/model", "alice/m", "--protected"], "SettingInvalid"),
    "an sdk for a model": (["{w}/model", "alice/m", "--sdk", "docker"], "SettingInvalid"),
    "a Space without an sdk": (["{w}/bare", "alice/s", "--type", "space"], "SdkMissing"),
    "a Space with another sdk": (
        ["{w}/space", "alice/s", "--type", "space", "--sdk", "docker"],
        "SettingInvalid",
    ),
    "a link that leaves": (["{w}/links", "alice/m"], "LinkRefused"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_wrong_is_told_and_nothing_changes(
    what: str, run: Command, api: HfApi, state: Callable[[], State], workspace: Path
) -> None:
    write(workspace, {"file": "x", **{f"model/{path}": text for path, text in MODEL.items()}})
    write(workspace / "space", SPACE)
    write(workspace / "bare", {"app.py": "print()"})
    (workspace / "empty").mkdir()
    (workspace / "folders/a/b").mkdir(parents=True)
    (workspace / "links").mkdir()
    (workspace / "links/out").symlink_to("/etc/hostname")
    api.create_repo("alice/m")
    before = state()
    arguments, name = BAD[what]
    command = ["hfdeploy", "deploy", *(argument.format(w=workspace) for argument in arguments)]
    if "--type" not in command:
        command += ["--type", "model"]
    told = run(*command)
    error = events(run(*command, "--json"))[-1]
    assert state() == before
    assert (error["event"], error["error"]) == ("error", name)
    assert told.returncode == error["exit_code"] > 2
    assert error["remedy"] in told.stderr
    assert "Traceback" not in told.stderr + told.stdout


@pytest.mark.parametrize(("token", "name"), [("hf_nobodys", "TokenRejected"), ("", "TokenMissing")])
def test_a_wrong_or_missing_token(
    token: str, name: str, run: Command, state: Callable[[], State], workspace: Path
) -> None:
    source = write(workspace / "source", MODEL)
    refused = run("hfdeploy", "deploy", source, "alice/m", "--type", "model", "--json", token=token)
    assert events(refused)[-1]["error"] == name
    assert state() == {}


def test_an_unreachable_hub(workspace: Path, canary: str) -> None:
    source = write(workspace / "source", MODEL)
    told: list[Event] = []
    clock = FakeClock()
    with (
        HubClient(endpoint="http://127.0.0.1:9", token=canary, on_event=told.append, clock=clock) as hub,
        pytest.raises(HubUnreachable, match=r"127\.0\.0\.1:9"),
    ):
        deploy(source, "alice/m", repo_type="model", hub=hub)
    assert any(isinstance(event, Waiting) for event in told)
    assert 5 < clock.seconds() < 60


def test_the_python_face(api: HfApi, workspace: Path, hub: LocalHub) -> None:
    code = (
        "import sys, hfdeploy_core\n"
        "outcome = hfdeploy_core.deploy(sys.argv[1], 'alice/m', repo_type='model')\n"
        "print(outcome.commit)\n"
    )
    source = write(workspace / "source", MODEL)
    done = subprocess.run(
        [sys.executable, "-c", code, source],
        env={**os.environ, "HF_ENDPOINT": hub.endpoint},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == api.model_info("alice/m").sha, done.stderr

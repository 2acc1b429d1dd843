"""The gate, and the verbs for a Space that runs: real apps on the local hub, through the command."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from huggingface_hub import HfApi

from hfdeploy_localhub import LocalHub

from .conftest import Command

CARD = "---\ntitle: x\nsdk: docker\napp_port: 7860\n---\n"
DOCKERFILE = 'FROM python:3.11\nCOPY . .\nCMD ["python", "-u", "app.py"]\n'
APP = """
import http.server, os
class App(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if self.path == "/ill" else 200); self.end_headers()
        self.wfile.write(b'{"version": VERSION, "state": "ready"}')
print("hello from version VERSION")
http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ.get("PORT", 7860))), App).serve_forever()
"""
Deploy = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def deploy(run: Command, workspace: Path, canary: str) -> Deploy:
    def run_deploy(app: str, *options: str, dockerfile: str = DOCKERFILE) -> subprocess.CompletedProcess[str]:
        source = workspace / "source"
        source.mkdir(exist_ok=True)
        for path, content in {"README.md": CARD, "Dockerfile": dockerfile, "app.py": app}.items():
            (source / path).write_text(content)
        return run("hfdeploy", "deploy", source, "alice/app", "--private", *options, token=canary)

    return run_deploy


def version(number: int) -> str:
    return APP.replace("VERSION", str(number))


def read(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def ask(api: HfApi, canary: str) -> dict[str, Any]:
    url = api.space_info("alice/app").host
    assert httpx.get(url).status_code == 404
    answer: dict[str, Any] = httpx.get(url, headers={"Authorization": f"Bearer {canary}"}).json()
    return answer


def test_it_returns_when_this_very_commit_answers(deploy: Deploy, api: HfApi, canary: str) -> None:
    for number in (1, 2):
        probe = f'/health=200 json={{"version": {number}}}'
        done = deploy(version(number), "--wait", "--probe", probe, "--probe", "/ill=503", "--json")
        assert done.returncode == 0
        *events, outcome = read(done)
        assert outcome["event"] == "outcome"
        assert {"event": "live", "commit": outcome["commit"]}.items() <= events[-1].items()
        assert api.get_space_runtime("alice/app").raw["sha"] == outcome["commit"]
        assert ask(api, canary)["version"] == number
    again = deploy(version(2), "--wait")
    assert again.returncode == 0
    assert "Nothing to do" in again.stdout


def test_an_app_that_crashes_fails_with_its_log(deploy: Deploy) -> None:
    done = deploy('print("so far so good")\nraise SystemExit("boom-7431")', "--wait", "--json")
    assert done.returncode == 51
    *events, error = read(done)
    assert error["error"] == "AppFailed"
    assert error["log"][1:3] == ["so far so good", "boom-7431"]
    assert "\n" not in error["message"]
    told = [event["text"] for event in events if event["event"] == "log" and event["log"] == "run"]
    assert told.count("boom-7431") == 1


def test_a_build_that_fails_fails_with_its_log(deploy: Deploy) -> None:
    assert deploy(version(1), "--wait").returncode == 0
    done = deploy(version(2), "--wait", dockerfile=DOCKERFILE.replace("COPY . .", "COPY nothing ."))
    assert done.returncode == 50
    assert "[build] Dockerfile: COPY nothing" in done.stdout
    assert "BUILD_ERROR" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_app_that_never_listens_runs_into_the_deadline_and_the_old_one_answers(
    deploy: Deploy, api: HfApi, canary: str
) -> None:
    assert deploy(version(1), "--wait").returncode == 0
    done = deploy("import time\ntime.sleep(600)", "--wait", "--wait-seconds", "4")
    assert done.returncode == 53
    assert "RUNNING_APP_STARTING after 4 seconds" in done.stderr
    assert ask(api, canary)["version"] == 1


def test_a_paused_space_says_how_to_wake_it(deploy: Deploy, run: Command, api: HfApi, canary: str) -> None:
    assert deploy(version(1), "--wait").returncode == 0
    assert "PAUSED" in run("hfdeploy", "pause", "alice/app", token=canary).stdout
    done = deploy(version(1), "--wait")
    assert done.returncode == 52
    assert "hfdeploy wake alice/app" in done.stderr
    assert run("hfdeploy", "wake", "alice/app", token=canary).returncode == 0
    assert deploy(version(1), "--wait").returncode == 0
    logs = run("hfdeploy", "logs", "alice/app", token=canary)
    assert "hello from version 1" in logs.stdout
    assert "hello from version" not in run("hfdeploy", "logs", "alice/app", "--build", token=canary).stdout


def test_a_hub_that_stumbles_during_the_wait_is_forgiven(deploy: Deploy, hub: LocalHub) -> None:
    hub.faults.add("GET /api/spaces/*/*/runtime status=503 count=3")
    assert deploy(version(1), "--wait").returncode == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--type", "model", "--wait"], "does not run"),
        (["--no-wait", "--probe", "/"], "contradict"),
        (["--probe", "health"], "is no probe"),
    ],
)
def test_a_gate_that_makes_no_sense_is_refused_before_anything_is_written(
    run: Command, hub: LocalHub, workspace: Path, canary: str, options: list[str], words: str
) -> None:
    (workspace / "README.md").write_text(CARD)
    done = run("hfdeploy", "deploy", workspace, "alice/x", *options, token=canary)
    assert done.returncode == 21
    assert words in done.stderr
    assert hub.requests.count("*", "/**") == 0


def test_verbs_for_a_space_that_is_not_there(run: Command, canary: str) -> None:
    for verb in ("logs", "restart", "pause", "wake", "open"):
        done = run("hfdeploy", verb, "alice/nothing", token=canary)
        assert done.returncode == 33
        assert "alice/nothing" in done.stderr


def test_what_does_not_get_live_is_undone_and_that_is_live(deploy: Deploy, api: HfApi, canary: str) -> None:
    """A crash, a broken build, an app that never listens and a probe that fails, one after the other."""
    assert deploy(version(1), "--wait").returncode == 0
    tree = {file.path: file.blob_id for file in api.list_repo_tree("alice/app", repo_type="space")}
    crash, silence = 'raise SystemExit("boom-7431")', "import time\ntime.sleep(600)"
    broken = DOCKERFILE.replace("COPY . .", "COPY nothing .")
    # The old app meets it again, which the new one has seconds for.
    unmet = ("--wait-seconds", "9", "--probe", '/ json={"version": 1}')
    for app, dockerfile, options, code, told in (
        (crash, DOCKERFILE, (), 51, "boom-7431"),
        (version(2), broken, (), 50, "COPY nothing"),
        (silence, DOCKERFILE, ("--wait-seconds", "3"), 53, "after 3 seconds"),
        (version(3), DOCKERFILE, ("--probe", "/ill=503", *unmet), 54, "without"),
    ):
        done = deploy(app, "--rollback-on-failure", *options, dockerfile=dockerfile)
        assert done.returncode == code
        assert told in done.stdout + done.stderr
        assert "and that is live" in done.stderr
        now = {file.path: file.blob_id for file in api.list_repo_tree("alice/app", repo_type="space")}
        assert now == tree
        assert api.get_space_runtime("alice/app").raw["sha"] == api.space_info("alice/app").sha
        assert ask(api, canary)["version"] == 1

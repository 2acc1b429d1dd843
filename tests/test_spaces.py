"""Spaces on the local hub, by the stock client and over real HTTP."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from huggingface_hub import HfApi

from hfdeploy_localhub import LocalHub, User

CARD = "---\ntitle: x\nsdk: docker\napp_port: 7860\n---\n"
DOCKERFILE = 'FROM python:3.11\nENV COLOUR=green\nCOPY . .\nCMD ["python", "app.py"]\n'
ECHO = """
import http.server, json, os, sys
class Echo(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        seen = {"environment": dict(os.environ), "headers": dict(self.headers)}
        seen |= {"path": self.path, "mark": MARK}
        body = json.dumps(seen).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
print("hello from the log", file=sys.stderr)
http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ.get("PORT", 7860))), Echo).serve_forever()
"""


def upload(api: HfApi, name: str, app: str = ECHO, mark: int = 1) -> str:
    """A Docker Space with that app; returns its commit."""
    files = {"README.md": CARD, "Dockerfile": DOCKERFILE, "app.py": f"MARK = {mark}\n{app}"}
    folder = Path(api._folder) / name.replace("/", "-") / str(mark)  # type: ignore[attr-defined]
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        (folder / path).write_text(content)
    made = api.upload_folder(repo_id=name, repo_type="space", folder_path=folder)
    return made.oid


@pytest.fixture
def spaces(api: HfApi, tmp_path: Path) -> HfApi:
    api._folder = tmp_path / "sources"  # type: ignore[attr-defined]
    return api


def wait(api: HfApi, name: str, reached: Callable[[str, str | None], bool]) -> str:
    """Until stage and commit are as wanted; returns the stage."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        runtime = api.get_space_runtime(name)
        if reached(runtime.stage, runtime.raw["sha"]):
            return str(runtime.stage)
        time.sleep(0.05)
    raise AssertionError(f"{name} is still {runtime.raw}")


def running(commit: str) -> Callable[[str, str | None], bool]:
    return lambda stage, sha: stage == "RUNNING" and sha == commit


def ended(stage: str, sha: str | None) -> bool:
    return stage.endswith("ERROR") or stage == "NO_APP_FILE"


def test_a_private_space_from_push_to_answer(spaces: HfApi, hub: LocalHub, canary: str) -> None:
    spaces.create_repo("alice/s", repo_type="space", space_sdk="docker", private=True)
    spaces.add_space_secret("alice/s", "SECRET", "hidden-value")
    spaces.add_space_variable("alice/s", "MODE", "fast")
    commit = upload(spaces, "alice/s")
    wait(spaces, "alice/s", running(commit))
    url = spaces.space_info("alice/s").host
    for headers in ({}, {"Authorization": f"Bearer {hub.tokens['mallory']}"}):
        assert httpx.get(url, headers=headers).status_code == 404
    seen = httpx.get(f"{url}/a%2Fb?c=d", headers={"Authorization": f"Bearer {canary}"}).json()
    assert seen["path"] == "/a%2Fb?c=d"
    assert canary not in json.dumps(seen)
    environment = seen["environment"]
    assert (environment["SECRET"], environment["MODE"], environment["COLOUR"]) == (
        "hidden-value",
        "fast",
        "green",
    )
    assert environment["SPACE_ID"] == "alice/s"
    assert environment["HF_ENDPOINT"] == hub.endpoint
    assert "HF_TOKEN" not in environment
    assert any("hello from the log" in line for line in spaces.fetch_space_logs("alice/s"))
    build = "".join(spaces.fetch_space_logs("alice/s", build=True))
    assert "hidden-value" not in build
    assert build


def test_the_old_app_serves_until_the_new_one_answers(spaces: HfApi) -> None:
    spaces.create_repo("alice/s", repo_type="space", space_sdk="docker")
    wait(spaces, "alice/s", running(upload(spaces, "alice/s")))
    url = spaces.space_info("alice/s").host
    second = upload(spaces, "alice/s", mark=2)
    marks = []
    while not marks or marks[-1] != 2:
        answer = httpx.get(url)
        assert answer.status_code == 200
        marks.append(answer.json()["mark"])
    wait(spaces, "alice/s", running(second))
    assert spaces.space_info("alice/s").host == url


def test_two_spaces_with_one_app_port_run_side_by_side(spaces: HfApi) -> None:
    for mark, name in enumerate(("alice/one", "alice/two")):
        spaces.create_repo(name, repo_type="space", space_sdk="docker")
        wait(spaces, name, running(upload(spaces, name, mark=mark)))
    marks = [httpx.get(spaces.space_info(name).host).json()["mark"] for name in ("alice/one", "alice/two")]
    assert marks == [0, 1]


def test_a_failing_app_is_reported_with_its_log(spaces: HfApi) -> None:
    spaces.create_repo("alice/s", repo_type="space", space_sdk="docker")
    upload(spaces, "alice/s", app="raise SystemExit('boom-7431')")
    assert wait(spaces, "alice/s", ended) == "RUNTIME_ERROR"
    assert "boom-7431" in "".join(spaces.fetch_space_logs("alice/s"))
    assert "boom-7431" in spaces.get_space_runtime("alice/s").raw["errorMessage"]


def test_pause_and_restart(spaces: HfApi) -> None:
    spaces.create_repo("alice/s", repo_type="space", space_sdk="docker")
    commit = upload(spaces, "alice/s")
    wait(spaces, "alice/s", running(commit))
    url = spaces.space_info("alice/s").host
    spaces.pause_space("alice/s")
    assert spaces.get_space_runtime("alice/s").stage == "PAUSED"
    assert httpx.get(url).status_code == 503
    spaces.restart_space("alice/s", factory_reboot=True)
    wait(spaces, "alice/s", running(commit))
    assert httpx.get(url).status_code == 200


def test_a_restart_of_the_hub_brings_spaces_back_at_their_port(tmp_path: Path, canary: str) -> None:
    users = (User("alice", canary),)
    with LocalHub(tmp_path / "hub", users=users) as hub:
        api = HfApi(endpoint=hub.endpoint, token=canary)
        api._folder = tmp_path / "sources"  # type: ignore[attr-defined]
        api.create_repo("alice/s", repo_type="space", space_sdk="docker")
        commit = upload(api, "alice/s")
        wait(api, "alice/s", running(commit))
        url = api.space_info("alice/s").host
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
    with LocalHub(tmp_path / "hub", users=users) as hub:
        api = HfApi(endpoint=hub.endpoint, token=canary)
        wait(api, "alice/s", running(commit))
        assert api.space_info("alice/s").host == url
        assert httpx.get(url).json()["mark"] == 1
        api.delete_repo("alice/s", repo_type="space")
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)

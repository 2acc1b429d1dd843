"""Requests and answers of the routes of Spaces, by the letter: what clients send and read."""

import json
import time
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from hfdeploy_localhub.spaces import Stage

from .conftest import commit, create, file

URL = "/api/spaces/alice/s"
STAGES = (
    "NO_APP_FILE CONFIG_ERROR BUILDING BUILD_ERROR RUNNING RUNNING_BUILDING RUNTIME_ERROR DELETING STOPPED "
    "PAUSED APP_STARTING RUNNING_APP_STARTING"
)
TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


@pytest.fixture
def space(alice: httpx.Client) -> httpx.Client:
    assert create(alice, "s", type="space", sdk="static").status_code == 200
    return alice


def wait(client: httpx.Client, stage: str) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        runtime: dict[str, Any] = client.get(f"{URL}/runtime").json()
        if runtime["stage"] == stage:
            return runtime
        time.sleep(0.01)
    raise AssertionError(runtime)


def test_the_stages_are_the_hubs() -> None:
    assert {stage.value for stage in Stage} <= set(STAGES.split())


def test_the_runtime_of_a_static_space(space: httpx.Client) -> None:
    commit(space, file("index.html", b"hello"), repo="spaces/alice/s")
    runtime = wait(space, "RUNNING")
    (domain,) = runtime.pop("domains")
    assert (set(domain), domain["stage"]) == ({"domain", "stage"}, "READY")
    assert runtime.pop("sha") == space.get(URL).json()["sha"]
    assert runtime == {
        "stage": "RUNNING",
        "hardware": {"current": None, "requested": None},
        "storage": None,
        "gcTimeout": None,
        "replicas": {"current": 1, "requested": 1},
        "devMode": False,
    }
    assert space.get(URL).json()["runtime"]["stage"] == "RUNNING"


def test_the_runtime_of_a_space_that_is_built(alice: httpx.Client) -> None:
    create(alice, "s", type="space", sdk="gradio")
    commit(alice, file("app.py", b"import gradio"), repo="spaces/alice/s")
    runtime = alice.get(f"{URL}/runtime").json()
    assert (runtime["stage"], runtime["gcTimeout"]) == ("BUILDING", 172_800)
    assert runtime["hardware"] == {"current": None, "requested": "cpu-basic"}
    assert alice.post(f"{URL}/pause").json()["stage"] == "PAUSED"


def test_what_a_space_is_created_with(alice: httpx.Client) -> None:
    asked = {
        "hardware": "t4-small",
        "sleepTimeSeconds": 300,
        "secrets": [{"key": "TOKEN", "value": "hidden", "description": "of a service"}],
        "variables": [{"key": "MODE", "value": "fast"}],
        "volumes": [{"type": "model", "source": "alice/m", "mountPath": "/data", "readOnly": True}],
    }
    assert create(alice, "s", type="space", sdk="gradio", **asked).status_code == 200
    runtime = alice.get(f"{URL}/runtime").json()
    assert (runtime["hardware"]["requested"], runtime["gcTimeout"]) == ("t4-small", 300)
    assert runtime["volumes"] == asked["volumes"]
    assert alice.get(f"{URL}/secrets").json()["TOKEN"]["description"] == "of a service"
    assert alice.get(f"{URL}/variables").json()["MODE"]["value"] == "fast"
    for wrong in (
        {"volumes": [{"type": "nonsense", "source": "alice/m", "mountPath": "/data"}]},
        {"volumes": [{"type": "model", "source": "alice/m", "mountPath": "data"}]},
        {"sleepTimeSeconds": -2},
        {"secrets": [{"key": "1", "value": ""}]},
    ):
        assert create(alice, "wrong", type="space", sdk="gradio", **wrong).status_code == 400
    assert alice.get("/api/spaces/alice/wrong").status_code == 404


@pytest.mark.parametrize(
    ("action", "body", "key", "value"),
    [
        ("pause", None, "stage", "PAUSED"),
        ("restart", None, "stage", "BUILDING"),
        ("restart?factory=true", None, "stage", "BUILDING"),
        ("hardware", {"flavor": "t4-medium"}, "hardware", {"current": None, "requested": "t4-medium"}),
        ("hardware", {"flavor": "t4-medium", "sleepTimeSeconds": 60}, "gcTimeout", 60),
        ("sleeptime", {"seconds": 3600}, "gcTimeout", 3600),
        ("sleeptime", {"seconds": -1}, "gcTimeout", -1),
        ("dev-mode", {"enabled": True}, "devMode", True),
    ],
)
def test_each_action_answers_the_runtime(
    alice: httpx.Client, mallory: httpx.Client, action: str, body: Any, key: str, value: Any
) -> None:
    create(alice, "s", type="space", sdk="gradio")
    assert mallory.post(f"{URL}/{action}", json=body).status_code == 403
    told = alice.post(f"{URL}/{action}", json=body)
    assert told.status_code == 200
    assert {"stage", "hardware", "storage", "gcTimeout", "replicas", "devMode"} <= set(told.json())
    assert told.json()[key] == value
    assert mallory.get(f"{URL}/runtime").json()["stage"] in STAGES.split()


def test_secrets_are_told_by_name(space: httpx.Client, mallory: httpx.Client) -> None:
    for key in ("TOKEN", "b_2"):
        sent = {"key": key, "value": "hidden", "description": "why"}
        assert space.post(f"{URL}/secrets", json=sent).json() == {}
    told = space.get(f"{URL}/secrets").json()
    assert set(told) == {"TOKEN", "b_2"}
    assert set(told["TOKEN"]) == {"description", "updatedAt"}
    datetime.strptime(told["TOKEN"]["updatedAt"], TIME)
    assert "hidden" not in json.dumps(told)
    for _ in range(2):  # also what is not there any more
        gone = space.request("DELETE", f"{URL}/secrets", json={"key": "TOKEN"})
        assert (gone.status_code, gone.json()) == (200, {})
    assert set(space.get(f"{URL}/secrets").json()) == {"b_2"}
    assert space.post(f"{URL}/secrets", json={"key": "_x", "value": ""}).status_code == 400
    assert mallory.get(f"{URL}/secrets").status_code == 403


def test_every_call_about_variables_answers_them_all(space: httpx.Client) -> None:
    first = space.post(f"{URL}/variables", json={"key": "A", "value": "1", "description": "why"}).json()
    assert (first["A"]["value"], first["A"]["description"]) == ("1", "why")
    datetime.strptime(first["A"]["updatedAt"], TIME)
    both = space.post(f"{URL}/variables", json={"key": "B", "value": "2"}).json()
    assert {key: item["value"] for key, item in both.items()} == {"A": "1", "B": "2"}
    assert space.get(f"{URL}/variables").json() == both
    left = space.request("DELETE", f"{URL}/variables", json={"key": "A"}).json()
    assert left == {"B": both["B"]}


def test_volumes_are_set_as_a_whole(space: httpx.Client) -> None:
    volumes = [
        {"type": "dataset", "source": "alice/d", "mountPath": "/d", "revision": "main", "path": "sub"},
        {"type": "bucket", "source": "alice/b", "mountPath": "/b", "readOnly": False},
    ]
    assert space.put(f"{URL}/volumes", json={"volumes": volumes}).status_code == 200
    assert space.get(f"{URL}/runtime").json()["volumes"] == volumes
    assert space.delete(f"{URL}/volumes").status_code == 200
    assert "volumes" not in space.get(f"{URL}/runtime").json()


def test_hardware_is_told_with_its_price(stranger: httpx.Client) -> None:
    keys = {"name", "prettyName", "cpu", "ram", "accelerator", "unitCostMicroUSD", "unitCostUSD", "unitLabel"}
    listed = stranger.get("/api/spaces/hardware").json()
    assert all(keys <= set(item) for item in listed)
    found = {item["name"]: item for item in listed}
    assert (found["cpu-basic"]["unitCostUSD"], found["cpu-basic"]["accelerator"]) == (0, None)
    assert found["t4-small"]["unitCostUSD"] > found["cpu-upgrade"]["unitCostUSD"]
    accelerator = {"type": "gpu", "model": "T4", "quantity": "1", "vram": "16 GB", "manufacturer": "Nvidia"}
    assert found["t4-small"]["accelerator"] == accelerator


def test_logs_are_events_that_end(space: httpx.Client) -> None:
    commit(space, file("index.html", b"hello"), repo="spaces/alice/s")
    wait(space, "RUNNING")
    answer = space.get(f"{URL}/logs/build")
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    dated = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
    assert events
    for event in events:
        assert set(event) == {"data", "timestamp"}
        assert event["data"].endswith("\n")
        assert datetime.fromisoformat(event["timestamp"]).timestamp() <= dated + 1
    last = space.get(f"{URL}/logs/build?tail=1").text
    assert json.loads(last.removeprefix("data: ")) == events[-1]

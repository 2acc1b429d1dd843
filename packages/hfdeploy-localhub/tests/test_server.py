import shutil
import socket
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest

from hfdeploy_localhub import LocalHub, User


def test_answers_are_dated_by_the_second_they_are_made_in(localhub: LocalHub) -> None:
    with httpx.Client(base_url=localhub.endpoint) as client:
        for _ in range(12):
            asked = int(time.time())
            dated = parsedate_to_datetime(client.get("/api/models").headers["Date"]).timestamp()
            assert dated >= asked
            time.sleep(0.13)


def test_every_request_has_an_id_of_its_own(localhub: LocalHub) -> None:
    with httpx.Client(base_url=localhub.endpoint) as client:
        ids = [
            client.get(path).headers["X-Request-Id"] for path in ("/api/models", "/nowhere", "/api/whoami-v2")
        ]
    assert len(set(ids)) == 3


def test_what_can_be_got_can_be_headed(localhub: LocalHub) -> None:
    with httpx.Client(base_url=localhub.endpoint) as client:
        for path in ("/", "/local", "/api/models", "/api/models/no/such", "/nowhere/at/all"):
            got, headed = client.get(path), client.head(path)
            assert headed.status_code == got.status_code
            assert headed.headers["Content-Length"] == got.headers["Content-Length"]
            assert headed.content == b""


def test_a_clock_of_its_own_dates_everything(tmp_path: Path) -> None:
    now = datetime(2030, 5, 6, 7, 8, 9, tzinfo=UTC)
    with LocalHub(tmp_path, clock=lambda: now) as hub:
        headers = {"Authorization": f"Bearer {hub.token}"}
        httpx.post(f"{hub.endpoint}/api/repos/create", json={"name": "model"}, headers=headers)
        answer = httpx.get(f"{hub.endpoint}/api/models/local/model")
        assert parsedate_to_datetime(answer.headers["Date"]) == now
        told = answer.json()
        assert told["createdAt"] == told["lastModified"] == "2030-05-06T07:08:09.000Z"
        assert int(told["_id"][:8], 16) == now.timestamp()


def test_users_come_while_it_runs_and_leave_with_it(localhub: LocalHub) -> None:
    token = localhub.add_user(User("later", organisations=["acme"]))
    answer = httpx.get(f"{localhub.endpoint}/api/whoami-v2", headers={"Authorization": f"Bearer {token}"})
    assert answer.json()["name"] == "later"
    assert localhub.tokens["later"] == token != localhub.token


def test_whoever_follows_a_log_does_not_keep_the_hub(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as running, httpx.Client() as client:
        hub = running.enter_context(LocalHub(tmp_path))
        client.headers["Authorization"] = f"Bearer {hub.token}"
        new = {"name": "s", "type": "space", "sdk": "static"}
        client.post(f"{hub.endpoint}/api/repos/create", json=new)
        hub._hub.spaces.log("local/s", "run").begin()("a line")
        with client.stream("GET", f"{hub.endpoint}/api/spaces/local/s/logs/run") as stream:
            events = stream.iter_lines()
            assert "a line" in next(events)
            asked = time.monotonic()
            running.close()
            assert time.monotonic() - asked < 2
            assert [line for line in events if line] == []
    assert capfd.readouterr().err == ""


def test_nothing_listens_after_the_end(tmp_path: Path) -> None:
    with LocalHub(tmp_path) as hub:
        assert httpx.get(f"{hub.endpoint}/api/models").json() == []
    with pytest.raises(httpx.ConnectError):
        httpx.get(hub.endpoint)
    with LocalHub(tmp_path) as again:
        assert again.token == hub.token


def test_what_fails_is_told_in_the_apis_form(tmp_path: Path) -> None:
    with LocalHub(tmp_path) as hub:
        headers = {"Authorization": f"Bearer {hub.token}"}
        with httpx.Client(base_url=hub.endpoint, headers=headers) as client:
            client.post("/api/repos/create", json={"name": "model"})
            shutil.rmtree(tmp_path / "git/1.git/objects")
            for _ in range(2):  # the second on a connection of its own
                answer = client.get("/api/models/local/model/tree/main")
                assert (answer.status_code, answer.headers["Connection"]) == (500, "close")
                assert answer.json()["error"] == answer.headers["X-Error-Message"]
                assert answer.json()["error"].startswith("The hub failed (")
            assert client.get("/api/whoami-v2").status_code == 200


def test_a_client_that_leaves_is_no_failure(localhub: LocalHub, caplog: pytest.LogCaptureFixture) -> None:
    host, _, port = localhub.endpoint.removeprefix("http://").partition(":")
    httpx.post(
        f"{localhub.endpoint}/api/repos/create",
        json={"name": "model"},
        headers={"Authorization": f"Bearer {localhub.token}"},
    )
    head = (
        "POST /api/models/local/model/commit/main HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {localhub.token}\r\nContent-Length: 1000\r\n\r\n"
    )
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + b"half")
        while not any(entry.received_bytes for entry in localhub.requests.find("POST", "/**/commit/*")):
            time.sleep(0.01)
    while (entry := localhub.requests.find("POST", "/**/commit/*")[0]).status is None:
        time.sleep(0.01)
    assert entry.status == 499
    assert not caplog.records

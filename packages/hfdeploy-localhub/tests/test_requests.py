import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_localhub import LocalHub
from hfdeploy_localhub.requests import Requests, mask_path

WORD = "eyJ4IjoxfQ." + "m" * 43


@pytest.mark.parametrize(
    ("path", "masked"),
    [
        (f"/lfs/{WORD}", "/lfs/***"),
        (f"/lfs/{WORD}/3", "/lfs/***/3"),
        ("/lfs/anything", "/lfs/***"),
        (f"/xet/get/{WORD}/x", "/xet/get/***/x"),
        ("/api/models?search=hf_secretsecret", "/api/models"),
        ("/alice/hf_abcdefgh/x", "/alice/***/x"),
        ("/api/models/alice/m/commit/main", "/api/models/alice/m/commit/main"),
    ],
)
def test_what_carries_a_right_is_masked(path: str, masked: str) -> None:
    assert mask_path(path) == masked


@given(st.text("abc/.", max_size=20), st.text("abc/.", max_size=20))
def test_no_signed_word_or_token_survives(before: str, after: str) -> None:
    assert WORD not in mask_path(f"/{before}/{WORD}/{after}")
    assert "hf_abcdefgh" not in mask_path(f"/{before}hf_abcdefgh/{after}")


def test_the_oldest_go_first() -> None:
    log = Requests(max_entries=2)
    for number in range(3):
        log.begin("GET", f"/{number}")
    assert [entry.path for entry in log] == ["/1", "/2"]
    log.clear()
    assert len(log) == 0


def test_what_is_read_is_a_copy() -> None:
    log = Requests()
    log.begin("GET", "/a")
    (read,) = log
    read.status = 500
    assert next(iter(log)).status is None


def test_requests_are_counted_with_their_bytes(localhub: LocalHub) -> None:
    headers = {"Authorization": f"Bearer {localhub.token}"}
    with httpx.Client(base_url=localhub.endpoint, headers=headers) as client:
        made = client.post("/api/repos/create", json={"name": "m"})
        client.get("/api/models/local/m")
        client.head("/local/m/resolve/main/.gitattributes")
        client.get("/nowhere")
    assert localhub.requests.count() == 4
    assert localhub.requests.count("POST", "/api/**") == 1
    assert localhub.requests.count("GET|HEAD") == 3
    create, _, head, lost = localhub.requests
    assert (create.method, create.path, create.status) == ("POST", "/api/repos/create", 200)
    assert (create.received_bytes, create.sent_bytes) == (
        len(made.request.content),
        int(made.headers["Content-Length"]),
    )
    assert 0 < create.seconds < 10
    assert (head.status, head.sent_bytes, lost.status) == (200, 0, 404)


def test_an_answer_to_head_has_no_bytes(localhub: LocalHub) -> None:
    localhub.faults.add("HEAD ** status=500")
    assert httpx.head(f"{localhub.endpoint}/api/models").headers["Content-Length"] != "0"
    assert [entry.sent_bytes for entry in localhub.requests] == [0]


def test_the_log_can_be_read_over_http(localhub: LocalHub) -> None:
    with httpx.Client(base_url=localhub.endpoint + "/__localhub__") as control:
        httpx.get(f"{localhub.endpoint}/api/models")
        httpx.get(f"{localhub.endpoint}/api/datasets")
        assert [entry["path"] for entry in control.get("/requests").json()] == [
            "/api/models",
            "/api/datasets",
        ]
        (entry,) = control.get("/requests", params={"method": "GET", "path": "/api/d*"}).json()
        assert (entry["status"], entry["sent_bytes"]) == (200, 2)
        assert control.delete("/requests").status_code == 204
        assert control.get("/requests").json() == []


def test_only_this_machine_steers(localhub: LocalHub) -> None:
    url = f"{localhub.endpoint}/__localhub__/requests"
    assert httpx.get(url).status_code == 200
    assert httpx.get(url, headers={"Host": "attacker.example"}).status_code == 404
    assert (
        httpx.get(url, headers={"Host": f"localhost:{localhub.endpoint.rsplit(':')[-1]}"}).status_code == 200
    )

"""No input makes the hub fail: whatever comes is answered, and refused in the API's own form."""

import json
import os
import re
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hfdeploy_localhub import LocalHub
from hfdeploy_localhub.api.sections import SECTIONS
from hfdeploy_localhub.serving import HubLoop

from .api.conftest import client_for, commit, create, file

ROUTES = sorted(
    {
        (method, route.path)
        for section in SECTIONS.values()
        for router in section.load()
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods
    }
)
EXAMPLES = max(20, int(os.environ.get("HFDEPLOY_HISTORIES", "0")) // 10)
pytestmark = pytest.mark.timeout(3600 if "HFDEPLOY_HISTORIES" in os.environ else 120)
HUGE, LONG = str(10**30), "x" * 300
WORDS = st.sampled_from(
    [
        "",
        "main",
        "m",
        "local",
        "..",
        "%2e%2e",
        "%00",
        "%ff",
        "a%2Fb",
        "refs%2Fpr%2F1",
        "-1",
        HUGE,
        "ü",
        '"',
        LONG,
    ]
)
LEAVES = st.sampled_from([None, True, -1, 10**30, 1.5, "", "local/m", "main", "\0", "\ud800", "../x", LONG])
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just("path"), inner, max_size=2),
    max_leaves=4,
)
FIELDS = (
    "name organization type visibility private sdk files secrets variables volumes fromRepo toRepo "
    "gated repository content repoType gitIgnore gitAttributes operation objects transfers oid size "
    "parts deletions target key value flavor seconds status user requestId title description "
    "pullRequest comment startingPoint tag message paths slug item position url watched domains rule "
    "namespace note"
)
QUERIES = "cursor limit p expand recursive search author tail status type sort"
HEADERS = ["Range", "Authorization", "Content-Type", "If-None-Match"]
quick = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
HEADER_VALUES = ["", "bytes=5-1", "bytes=-", "x", "Basic !", "Bearer hf_x", "application/json"]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalHub]:
    loop = HubLoop()
    with LocalHub(tmp_path_factory.mktemp("hub"), loop=loop, durable=False) as running:
        yield running
    loop.stop()


@pytest.fixture(scope="module")
def client(hub: LocalHub) -> Iterator[httpx.Client]:
    with client_for(hub, "local") as opened:
        create(opened)
        commit(opened, file("main", b"x"), repo="models/local/m")
        create(opened, type="space", sdk="static")
        opened.post("/api/buckets/me/m", json={})
        yield opened


@quick
@given(route=st.sampled_from(ROUTES), data=st.data())
def test_every_route_answers_whatever_comes(client: httpx.Client, route: tuple[str, str], data: Any) -> None:
    method, path = route
    sound = {"types": "models", "namespace": "local", "name": "m", "revision": "main", "owner": "local"}
    broken = data.draw(st.booleans())

    def fill(match: re.Match[str]) -> str:
        name = match[1].partition(":")[0]
        usable = name in sound and not (broken and data.draw(st.booleans()))
        return sound[name] if usable else data.draw(WORDS)

    url = re.sub(r"\{([^}]+)\}", fill, path)
    body = data.draw(st.none() | st.dictionaries(st.sampled_from(FIELDS.split()), VALUES, max_size=8))
    query = data.draw(st.dictionaries(st.sampled_from(QUERIES.split()), WORDS, max_size=3))
    headers = data.draw(st.dictionaries(st.sampled_from(HEADERS), st.sampled_from(HEADER_VALUES), max_size=1))
    content = None if body is None else json.dumps(body).encode()
    if content is not None:
        headers.setdefault("Content-Type", "application/json")
    check(client.request(method, url, params=query or None, headers=headers, content=content))


def check(answer: httpx.Response) -> None:
    """Either it is done, or the answer says why not."""
    told = f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text[:200]}"
    assert answer.status_code < 500 or answer.status_code == 501, told
    if answer.status_code >= 400 and answer.request.url.path.startswith("/api/"):
        assert answer.headers.get("X-Error-Message") or answer.json()["errors"], told


@given(field=st.sampled_from(["summary", "description", "parentCommit"]), value=VALUES)
@settings(
    max_examples=EXAMPLES * 4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_commit_with_any_header_is_made_or_refused(client: httpx.Client, field: str, value: Any) -> None:
    send(client, "models/local/m/commit/main", {"key": "header", "value": {"summary": "s", field: value}})


@given(
    field=st.sampled_from(["path", "content", "encoding", "oldPath", "oid", "algo", "size"]),
    key=st.sampled_from(["file", "lfsFile", "deletedEntry"]),
    value=VALUES,
)
@settings(
    max_examples=EXAMPLES * 4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_commit_with_any_line_is_made_or_refused(
    client: httpx.Client, field: str, key: str, value: Any
) -> None:
    line = {"path": "f", "content": "x", "oid": "ab" * 32, "algo": "sha256", field: value}
    header = {"key": "header", "value": {"summary": "s"}}
    send(client, "models/local/m/commit/main", header, {"key": key, "value": line})
    send(client, "models/local/m/commit/main", header, {"key": key, "value": value})
    send(client, "models/local/m/commit/main", {"summary": "s", f"{key}s": value, "files": value})


@given(
    field=st.sampled_from(["path", "xetHash", "mtime", "type", "sourceRepoType", "sourceRepoId"]),
    type=st.sampled_from(["addFile", "copyFile", "deleteFile"]),
    value=VALUES,
)
@settings(
    max_examples=EXAMPLES * 4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_batch_is_made_or_refused(client: httpx.Client, field: str, type: str, value: Any) -> None:
    line = {"path": "f", "xetHash": "ab" * 32, "sourceRepoType": "model", "sourceRepoId": "local/m"}
    send(client, "buckets/local/m/batch", {**line, "type": type, field: value})


def send(client: httpx.Client, path: str, *lines: Any) -> None:
    answer = client.post(f"/api/{path}", content="\n".join(map(json.dumps, lines)).encode())
    if answer.status_code != 422:  # a batch tells its failures in its own form
        check(answer)


def test_what_is_too_large_is_refused_before_it_is_read(hub: LocalHub) -> None:
    address = hub.endpoint.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1])), timeout=10) as connection:
        head = "POST /api/repos/create HTTP/1.1\r\nHost: x\r\nContent-Length: 99000000000\r\n\r\n"
        connection.sendall(head.encode())
        told = connection.makefile().read()
    assert told.startswith("HTTP/1.1 413 ")
    assert "send large files by LFS" in told


def test_what_tells_no_length_is_read_to_the_limit(client: httpx.Client) -> None:
    pieces = (b" " * 1024 * 1024 for _ in range(40))
    answer = client.post("/api/repos/create", content=pieces, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 413)
    assert answer.json()["error"]


@pytest.mark.parametrize(
    "sent", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"]
)
def test_what_is_no_request_is_refused_in_the_apis_form(hub: LocalHub, sent: bytes) -> None:
    address = hub.endpoint.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1])), timeout=10) as connection:
        connection.sendall(sent)
        head, _, body = connection.makefile().read().partition("\n\n")
    assert head.startswith("HTTP/1.1 400 ")
    assert "x-error-message: No HTTP request" in head
    assert "65536 bytes" in json.loads(body)["error"]


def test_what_is_sent_as_no_json_is_told_how_to(client: httpx.Client) -> None:
    for content, headers in ((b'{"name": "x"}', {}), (b"[1]", {"Content-Type": "application/json"})):
        told = client.post("/api/repos/create", content=content, headers=headers)
        assert told.status_code == 400
        assert told.json()["error"] == "A JSON object is needed, with Content-Type: application/json"


@pytest.mark.parametrize("value", ["[" * 100_000, "9" * 5000], ids=["deep", "long"])
@pytest.mark.parametrize("path", ["commit", "paths-info"])
def test_json_that_python_does_not_read_is_refused(client: httpx.Client, path: str, value: str) -> None:
    content = f'{{"paths": {value}'
    headers = {"Content-Type": "application/json"}
    answer = client.post(f"/api/models/local/m/{path}/main", content=content, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "Line 1 of the body is not JSON")


def test_no_header_tells_more_than_clients_read(client: httpx.Client) -> None:
    answer = create(client, "x" * 200_000)
    assert answer.status_code == 400
    assert answer.headers["X-Error-Message"].startswith("Invalid repo name: 'xxx")
    assert len(answer.headers["X-Error-Message"]) <= 2000

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from hfdeploy_localhub import LocalHub

from .conftest import client_for, commit, create, file, lines


def read(client: httpx.Client, path: str, revision: str = "main") -> httpx.Response:
    return client.get(f"/alice/m/resolve/{revision}/{path}")


def test_files_are_added_changed_and_deleted(alice: httpx.Client) -> None:
    create(alice)
    first = commit(
        alice, file("a b/ü.txt", b"one"), file("empty", b""), ("file", {"path": "t", "content": "plain"})
    )
    assert first.json()["commitUrl"].endswith(f"/alice/m/commit/{first.json()['commitOid']}")
    assert read(alice, "a%20b/%C3%BC.txt").content == b"one"
    assert read(alice, "empty").content == b""
    assert read(alice, "t").text == "plain"
    commit(
        alice, file("t", b"changed"), ("deletedFolder", {"path": "a b/"}), ("deletedFile", {"path": "empty"})
    )
    assert read(alice, "t").text == "changed"
    assert read(alice, "empty").headers["X-Error-Code"] == "EntryNotFound"
    assert read(alice, "a%20b/%C3%BC.txt", first.json()["commitOid"]).content == b"one"


def test_a_move(alice: httpx.Client) -> None:
    create(alice)
    commit(alice, file("a", b"one"))
    commit(alice, ("file", {**file("b", b"one")[1], "oldPath": "a"}))
    assert read(alice, "a").status_code == 404
    assert read(alice, "b").text == "one"


@pytest.mark.parametrize(
    ("items", "status"),
    [
        ([file("../x", b"")], 422),
        ([file("/x", b"")], 422),
        ([file("..\\x", b"")], 422),
        ([file(".git/config", b"")], 422),
        ([("file", {"path": "x", "content": "!!", "encoding": "base64"})], 400),
        ([("file", {"content": "x"})], 400),
        ([("file", {"path": 5, "content": "x"})], 400),
        ([("nonsense", {"path": "x"})], 400),
        ([("deletedFile", {"path": "nope"})], 404),
        ([("lfsFile", {"path": "x", "algo": "sha256", "oid": "ab" * 32, "size": 3})], 400),
        ([("lfsFile", {"path": "x", "algo": "md5", "oid": "ab"})], 400),
    ],
)
def test_a_bad_commit_changes_nothing(
    alice: httpx.Client, items: list[tuple[str, dict[str, Any]]], status: int
) -> None:
    create(alice)
    head = alice.get("/api/models/alice/m").json()["sha"]
    refused = commit(alice, file("good", b"x"), *items)
    assert (refused.status_code, "error" in refused.json()) == (status, True)
    assert alice.get("/api/models/alice/m").json()["sha"] == head


@pytest.mark.parametrize(
    "body", [b"", b"not json\n", b"[]\n", b'{"key":"header","value":{"summary":" "}}\n', b"\xff\n"]
)
def test_a_malformed_body(alice: httpx.Client, body: bytes) -> None:
    create(alice)
    assert alice.post("/api/models/alice/m/commit/main", content=body).status_code == 400


def test_the_parent_must_be_the_head(alice: httpx.Client) -> None:
    create(alice)
    head = alice.get("/api/models/alice/m").json()["sha"]
    assert commit(alice, file("a", b"1"), parentCommit=head).status_code == 200
    moved = commit(alice, file("a", b"2"), parentCommit=head)
    assert moved.status_code == 412
    assert "The branch was updated since you opened this page. Please refresh and try again." in moved.text
    assert read(alice, "a").text == "1"


@pytest.mark.parametrize("parent", ["0" * 40, "nothing", ""])
def test_a_parent_that_is_not_there_is_not_the_head(alice: httpx.Client, parent: str) -> None:
    create(alice)
    assert commit(alice, file("a", b"1"), parentCommit=parent).status_code == 412


def test_only_branches_take_commits(alice: httpx.Client) -> None:
    create(alice)
    head = alice.get("/api/models/alice/m").json()["sha"]
    for revision in (head, "nope", "refs%2Fpr%2F1"):
        refused = commit(alice, file("a", b"1"), revision=revision)
        assert (refused.status_code, refused.headers["X-Error-Code"]) == (404, "RevisionNotFound")


def test_writing_takes_rights(alice: httpx.Client, mallory: httpx.Client, stranger: httpx.Client) -> None:
    create(alice)
    assert commit(mallory, file("a", b"1")).status_code == 403
    assert commit(stranger, file("a", b"1")).status_code == 401
    for client, status in ((mallory, 403), (stranger, 401)):
        asked = client.post("/api/models/alice/m/preupload/main", json={"files": []})
        assert asked.status_code == status
        assert client.get("/api/models/alice/m/xet-write-token/main").status_code == status


def test_concurrent_commits_all_land_on_each_other(hub: LocalHub, alice: httpx.Client) -> None:
    create(alice)

    def write(number: int) -> int:
        with client_for(hub, "alice") as client:
            return commit(client, file(f"f{number}", b"x")).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(write, range(24))) == {200}
    assert len(alice.get("/api/models/alice/m/commits/main").json()) == 25
    assert len(alice.get("/api/models/alice/m/tree/main").json()) == 25


def test_preupload_tells_how_to_send_and_what_is_there(alice: httpx.Client) -> None:
    create(alice)
    commit(alice, file("a", b"hello"), file(".gitignore", b"*.log\n"))
    files = [
        {"path": "a", "size": 5, "sample": ""},
        {"path": "w.safetensors", "size": 5, "sample": ""},
        {"path": "empty.bin", "size": 0, "sample": ""},
        {"path": "huge.txt", "size": 10 * 1024 * 1024, "sample": ""},
        {"path": "x.log", "size": 1, "sample": ""},
    ]
    told = {item["path"]: item for item in preupload(alice, files=files).json()["files"]}
    assert [told[item["path"]]["uploadMode"] for item in files] == [
        "regular",
        "lfs",
        "regular",
        "lfs",
        "regular",
    ]
    assert [told[item["path"]]["shouldIgnore"] for item in files] == [False, False, False, False, True]
    assert told["a"]["oid"] == "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0"
    assert "oid" not in told["x.log"]
    overridden = preupload(alice, files=files, gitIgnore="a\n", gitAttributes="a filter=lfs\n").json()[
        "files"
    ]
    assert (overridden[0]["shouldIgnore"], overridden[4]["shouldIgnore"]) == (True, False)
    assert (overridden[0]["uploadMode"], overridden[1]["uploadMode"]) == ("lfs", "regular")
    assert preupload(alice, files=[{"path": "../x", "size": 1, "sample": ""}]).status_code == 422


def preupload(client: httpx.Client, **body: Any) -> httpx.Response:
    return client.post("/api/models/alice/m/preupload/main", json=body)


def test_changed_attributes_count_from_their_commit_on(alice: httpx.Client) -> None:
    create(alice)
    commit(alice, file(".gitattributes", b"*.txt filter=lfs\n"))
    files = [{"path": "a.txt", "size": 1, "sample": ""}, {"path": "a.bin", "size": 1, "sample": ""}]
    modes = [item["uploadMode"] for item in preupload(alice, files=files).json()["files"]]
    assert modes == ["lfs", "regular"]


def test_validate_yaml_always_answers_json(stranger: httpx.Client) -> None:
    def check(content: str, repo_type: str = "model") -> httpx.Response:
        return stranger.post("/api/validate-yaml", json={"content": content, "repoType": repo_type})

    assert check("---\nlicense: mit\n---\n").json() == {"errors": [], "warnings": []}
    assert check("# no card").json()["warnings"]
    refused = check("---\nmodel-index: foo\n---\n")
    assert (refused.status_code, bool(refused.json()["errors"])) == (400, True)


def test_a_body_of_more_than_100_mb(alice: httpx.Client) -> None:
    create(alice)
    items = [file(f"f{number}", bytes(3 * 1024 * 1024)) for number in range(3)]
    rest = b" " * (100 * 1024 * 1024) + b"\n"  # an empty line, but for its length
    body = lines(("header", {"summary": "change"}), *items) + rest
    assert alice.post("/api/models/alice/m/commit/main", content=body).status_code == 200
    assert len(alice.get("/api/models/alice/m/tree/main").json()) == 4

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from hfdeploy_localhub import LocalHub, User
from hfdeploy_localhub.seed import Reach, Token

from .conftest import client_for, commit, create, file


def test_a_new_repo(alice: httpx.Client, stranger: httpx.Client) -> None:
    made = create(alice)
    assert made.status_code == 200
    assert made.json()["url"] == f"{str(alice.base_url).rstrip('/')}/alice/m"
    assert made.json()["name"] == "alice/m"
    info = stranger.get("/api/models/Alice/M").json()
    assert info["id"] == "alice/m"
    assert [sibling["rfilename"] for sibling in info["siblings"]] == [".gitattributes"]
    assert info["createdAt"].endswith("Z")


def test_a_taken_name_answers_409_with_its_url(alice: httpx.Client) -> None:
    create(alice)
    again = create(alice, "M")
    assert again.status_code == 409
    assert again.json()["url"].endswith("/alice/m")
    assert "conflicting operation" not in again.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "a--b"}, 400),
        ({"name": "x", "type": "space"}, 400),
        ({"name": "x", "type": "space", "sdk": "cobol"}, 400),
        ({"name": "x", "type": "book"}, 400),
        ({"name": "x", "visibility": "protected"}, 400),
        ({"name": "x", "organization": "mallory"}, 403),
        ({}, 400),
    ],
)
def test_what_cannot_be_created(alice: httpx.Client, body: dict[str, str], status: int) -> None:
    refused = alice.post("/api/repos/create", json=body)
    assert refused.status_code == status
    assert refused.json()["error"]
    assert alice.get("/api/models").json() == []


def test_strangers_create_nothing(stranger: httpx.Client) -> None:
    assert create(stranger).status_code == 401


def test_an_organisations_repo(alice: httpx.Client, mallory: httpx.Client) -> None:
    assert create(alice, "m", organization="acme").json()["name"] == "acme/m"
    assert create(mallory, "n", organization="acme").status_code == 403


@pytest.mark.parametrize("private", [{"visibility": "private"}, {"private": True}])
def test_a_private_repo_is_not_there_for_others(
    alice: httpx.Client, mallory: httpx.Client, stranger: httpx.Client, private: dict[str, object]
) -> None:
    create(alice, **private)
    for path in ("", "/revision/main", "/tree/main", "/refs", "/commits/main"):
        for client, status in ((stranger, 401), (mallory, 404)):
            refused = client.get(f"/api/models/alice/m{path}")
            assert (refused.status_code, refused.headers["X-Error-Code"]) == (status, "RepoNotFound")
    assert stranger.get("/alice/m/resolve/main/.gitattributes").headers["X-Error-Code"] == "RepoNotFound"
    assert mallory.get("/api/models").json() == []
    assert [item["id"] for item in alice.get("/api/models").json()] == ["alice/m"]


def test_a_missing_repo_looks_like_a_private_one(alice: httpx.Client, stranger: httpx.Client) -> None:
    for path in ("alice/nope", "alice/nope/tree/main", "nope", "nope/revision/main", "alice/nope/what"):
        assert alice.get(f"/api/models/{path}").headers["X-Error-Code"] == "RepoNotFound"
        assert stranger.get(f"/api/models/{path}").status_code == 401
    assert alice.get("/nope/resolve/main/x").headers["X-Error-Code"] == "RepoNotFound"


def test_unknown_routes_answer_404_in_json(alice: httpx.Client) -> None:
    create(alice)
    for path in ("/api/agent-harnesses", "/api/telemetry/x", "/x", "/api/models/alice/m/nope", "/api/a/b/c"):
        answer = alice.get(path)
        assert (answer.status_code, "error" in answer.json()) == (404, True)
    assert alice.get("/x").headers["X-Request-Id"]


def test_deletion(alice: httpx.Client, mallory: httpx.Client) -> None:
    create(alice)
    body = {"name": "m", "organization": "alice"}
    assert mallory.request("DELETE", "/api/repos/delete", json=body).status_code == 403
    assert alice.request("DELETE", "/api/repos/delete", json=body).text == "OK"
    again = alice.request("DELETE", "/api/repos/delete", json=body)
    assert (again.status_code, again.headers["X-Error-Code"]) == (404, "RepoNotFound")


def test_a_moved_repo_redirects_and_keeps_the_query(alice: httpx.Client) -> None:
    create(alice)
    create(alice, "taken")
    clash = alice.post(
        "/api/repos/move", json={"fromRepo": "alice/m", "toRepo": "alice/taken", "type": "model"}
    )
    assert "A model repository called alice/taken already exists" in clash.text
    assert alice.post("/api/repos/move", json={"fromRepo": "alice/m", "toRepo": "alice/n"}).status_code == 200
    moved = alice.get("/api/models/alice/m?blobs=true")
    assert (moved.status_code, moved.headers["Location"]) == (307, "/api/models/alice/n?blobs=true")
    assert alice.get("/alice/m/resolve/main/.gitattributes", follow_redirects=True).status_code == 200


def test_settings(alice: httpx.Client, mallory: httpx.Client, stranger: httpx.Client) -> None:
    create(alice)
    url = "/api/models/alice/m/settings"
    assert mallory.put(url, json={"visibility": "private"}).status_code == 403
    assert alice.put(url, json={"visibility": "private"}).json()["private"] is True
    assert stranger.get("/api/models/alice/m").status_code == 401
    assert alice.put(url, json={"private": False, "gated": "auto"}).json()["gated"] == "auto"
    gated = mallory.get("/alice/m/resolve/main/.gitattributes")
    assert (gated.status_code, gated.headers["X-Error-Code"]) == (403, "GatedRepo")
    assert mallory.get("/api/models/alice/m/tree/main").status_code == 200
    assert alice.put(url, json={"gated": False}).json()["gated"] is False
    assert mallory.get("/alice/m/resolve/main/.gitattributes").status_code == 200


def test_lists_are_paged_and_filtered(alice: httpx.Client) -> None:
    for number in range(5):
        create(alice, f"m{number}")
    create(alice, "d", type="dataset")
    commit(alice, file("README.md", b"---\ntags: [good]\n---\n"), repo="models/alice/m3")
    seen: list[str] = []
    url = "/api/models?author=alice&limit=2"
    while url:
        page = alice.get(url)
        assert len(page.json()) <= 2
        seen += [item["id"] for item in page.json()]
        url = page.links.get("next", {}).get("url", "")
    assert seen == [f"alice/m{number}" for number in (4, 3, 2, 1, 0)]
    assert [item["id"] for item in alice.get("/api/models?search=M2").json()] == ["alice/m2"]
    assert [item["id"] for item in alice.get("/api/models?filter=good").json()] == ["alice/m3"]
    assert alice.get("/api/models?author=nobody").json() == []
    own = alice.get("/api/settings/repositories").json()
    assert {item["type"] for item in own} == {"model", "dataset"}
    assert len(own) == 6


def test_lists_are_narrowed_and_sorted(alice: httpx.Client, mallory: httpx.Client) -> None:
    for name in ("a", "b", "c"):
        create(alice, name)
    commit(alice, file("README.md", b"---\npipeline_tag: fill-mask\n---\n"), repo="models/alice/a")
    alice.put("/api/models/alice/b/settings", json={"gated": "auto"})
    alice.post("/api/models/alice/b/like")
    mallory.post("/api/models/alice/b/like")
    alice.post("/api/models/alice/c/like")

    def names(**query: Any) -> str:
        found, url = "", "/api/models"
        while url:
            answer = alice.get(url, params=query or None)
            found += "".join(item["id"][-1] for item in answer.json())
            url, query = answer.links.get("next", {}).get("url", ""), {}
        return found

    assert names() == names(sort="createdAt", limit=1) == "cba"
    assert names(sort="likes") == names(sort="likes", limit=1) == "bca"
    assert (names(gated="true"), names(gated="false")) == ("b", "ca")
    assert names(pipeline_tag="fill-mask") == "a"
    assert names(inference="warm") == names(num_parameters="min:1") == names(apps="x") == ""
    assert names(search="alice", filter="none") == ""
    (item,) = alice.get("/api/models", params={"limit": 1, "expand": ["likes", "sha"]}).json()
    assert set(item) == {"_id", "id", "likes", "sha"}


def test_spaces_are_listed_by_what_they_use(alice: httpx.Client) -> None:
    create(alice, "s", type="space", sdk="static")
    create(alice, "t", type="space", sdk="static")
    card = b"---\nsdk: static\nmodels: [x/y]\n---\n"
    commit(alice, file("README.md", card), repo="spaces/alice/s")
    for query in ({"models": "x/y"}, {"linked": "true"}):
        assert [item["id"] for item in alice.get("/api/spaces", params=query).json()] == ["alice/s"]
    assert alice.get("/api/spaces", params={"datasets": "x/y"}).json() == []


def test_the_last_changed_comes_first(tmp_path: Path) -> None:
    moments = iter(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(1000))
    with LocalHub(tmp_path, clock=lambda: next(moments)) as hub, client_for(hub, "local") as client:
        for name in ("a", "b", "c"):
            create(client, name)
        commit(client, file("f", b"x"), repo="models/local/b")
        found = client.get("/api/models", params={"sort": "lastModified"}).json()
        assert [item["id"][-1] for item in found] == ["b", "c", "a"]


def test_one_lists_what_ones_token_reaches(tmp_path: Path) -> None:
    scope = Reach("model", "alice/a", ["repo.content.read"])
    token = Token("hf_narrow", "fineGrained", scopes=[scope])
    with LocalHub(tmp_path, users=[User("alice", tokens=[token])]) as hub, client_for(hub, "alice") as client:
        for name in ("a", "b"):
            create(client, name, visibility="private")
        narrow = {"Authorization": "Bearer hf_narrow"}
        for url in ("/api/settings/repositories", "/api/models?author=alice"):
            assert [item["id"] for item in client.get(url, headers=narrow).json()] == ["alice/a"]


def test_expand_answers_what_was_asked(alice: httpx.Client) -> None:
    create(alice)
    asked = alice.get("/api/models/alice/m?expand=sha&expand=private").json()
    assert set(asked) == {"_id", "id", "sha", "private"}
    refused = alice.get("/api/models/alice/m?expand=nonsense")
    assert refused.status_code == 400
    assert "lastModified" in refused.json()["error"]


def test_blobs_tell_sizes_and_ids(alice: httpx.Client) -> None:
    create(alice)
    commit(alice, file("a", b"hello"))
    siblings = alice.get("/api/models/alice/m?blobs=true").json()["siblings"]
    assert {"rfilename": "a", "size": 5, "blobId": "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0"} in siblings
    assert all(set(item) == {"rfilename"} for item in alice.get("/api/models/alice/m").json()["siblings"])


def test_what_other_clients_send_on_creation(alice: httpx.Client) -> None:
    made = create(alice, license="mit", files=[{"path": "a.txt", "content": "aGk=", "encoding": "base64"}])
    assert made.status_code == 200
    assert alice.get("/alice/m/resolve/main/a.txt").text == "hi"
    assert alice.get("/api/models/alice/m").json()["cardData"] == {"license": "mit"}
    assert create(alice, "n", files=[{"path": "../x", "content": "aGk="}]).status_code == 422


def test_a_space_begins_with_the_files_of_its_template(alice: httpx.Client, mallory: httpx.Client) -> None:
    create(alice, "t", type="space", sdk="static")
    commit(alice, file("index.html", b"hello"), repo="spaces/alice/t")
    (told,) = mallory.get("/api/spaces/templates").json()["templates"]
    assert told == {"name": "t", "repoId": "alice/t", "sdk": "static", "preferredPrivate": False}
    assert create(mallory, "s", type="space", template="alice/t").status_code == 200
    assert mallory.get("/spaces/mallory/s/resolve/main/index.html").content == b"hello"
    assert len(mallory.get("/api/spaces/mallory/s/commits/main").json()) == 1
    assert create(mallory, "m", template="alice/t").status_code == 400
    assert create(mallory, "n", type="space", template="alice/none", sdk="static").status_code == 404
    assert mallory.get("/api/spaces/mallory/n").status_code == 404

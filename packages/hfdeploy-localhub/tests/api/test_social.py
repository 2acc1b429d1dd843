"""Likes, discussions, collections, webhooks and duplicates."""

from pathlib import Path

import httpx
import pytest

from hfdeploy_localhub import LocalHub, Token, User
from hfdeploy_localhub.seed import Reach

from .conftest import client_for, commit, create, file


def test_likes(alice: httpx.Client, mallory: httpx.Client) -> None:
    create(alice)
    create(alice, "hidden", visibility="private")
    alice.post("/api/models/alice/hidden/like")
    assert mallory.post("/api/models/alice/m/like").json() == {"likes": 1}
    assert mallory.post("/api/models/alice/m/like").json() == {"likes": 1}
    liker = {"user": "mallory", "fullname": "mallory", "avatarUrl": "", "type": "user", "isPro": True}
    assert alice.get("/api/models/alice/m/likers").json() == [liker]
    assert mallory.get("/api/users/mallory/likes").json()[0]["repo"] == {"name": "alice/m", "type": "model"}
    assert mallory.get("/api/users/alice/likes").json() == []
    assert alice.get("/api/models/alice/m").json()["likes"] == 1
    assert mallory.delete("/api/models/alice/m/like").json() == {"likes": 0}


READS = Token("hf_reading", "read")
READS_ONE = Token("hf_reading", "fineGrained", scopes=[Reach("model", "alice/m", ["repo.content.read"])])
WRITES_OTHER = Token("hf_reading", "fineGrained", scopes=[Reach("user", "bob", ["repo.write"])])


@pytest.mark.parametrize("token", [READS, READS_ONE, WRITES_OTHER], ids=["read", "reads", "elsewhere"])
def test_who_only_reads_has_no_part_in_anything(tmp_path: Path, token: Token) -> None:
    users = [User("alice"), User("bob", tokens=[token])]
    with LocalHub(tmp_path, users=users) as hub, client_for(hub, "alice") as alice:
        create(alice)
        alice.headers["Authorization"] = "Bearer hf_reading"
        talk = "/api/models/alice/m/discussions"
        assert alice.post(talk, json={"title": "title"}).status_code == 403
        assert alice.post(talk, json={"title": "title", "pullRequest": True}).status_code == 403
        assert alice.post("/api/models/alice/m/like").status_code == 403
        asked = {"files": [{"path": "a", "size": 1, "sample": ""}]}
        assert alice.post("/api/models/alice/m/preupload/main?create_pr=1", json=asked).status_code == 403
        proposed = commit(alice, file("a", b"1"), revision="main?create_pr=1")
        assert (proposed.status_code, proposed.json()["error"]) == (
            403,
            "This token only reads alice/m: a write token is needed",
        )
        assert alice.get(talk).json()["count"] == 0
        alice.headers["Authorization"] = f"Bearer {hub.tokens['bob']}"
        assert commit(alice, file("a", b"1"), revision="main?create_pr=1").status_code == 200


def test_what_is_not_merged_is_not_commented_on(alice: httpx.Client) -> None:
    create(alice)
    talk = "/api/models/alice/m/discussions/1"
    assert commit(alice, file("a", b"theirs"), revision="main?create_pr=1").status_code == 200
    commit(alice, file("a", b"ours"))
    assert alice.post(f"{talk}/merge", json={"comment": "merged!"}).status_code == 409
    assert [event["type"] for event in alice.get(talk).json()["events"]] == ["comment", "commit"]
    commit(alice, ("deletedFile", {"path": "a"}))
    commit(alice, file("a", b"theirs"))
    assert alice.post(f"{talk}/merge", json={"comment": "merged!"}).status_code == 200
    told = alice.get(talk).json()["events"]
    assert [event["type"] for event in told] == ["comment", "commit", "comment", "status-change"]


def test_a_collection_keeps_its_id_when_it_is_renamed(alice: httpx.Client, mallory: httpx.Client) -> None:
    body = {"title": "My Cool Things!", "namespace": "alice", "private": True}
    made = alice.post("/api/collections", json=body).json()
    assert made["slug"].startswith("alice/my-cool-things-")
    assert mallory.get(f"/api/collections/{made['slug']}").status_code == 404
    changed = alice.patch(f"/api/collections/{made['slug']}", json={"title": "Other", "private": False})
    assert changed.json()["data"]["slug"] != made["slug"]
    assert mallory.get(f"/api/collections/{made['slug']}").json()["title"] == "Other"
    assert mallory.delete(f"/api/collections/{made['slug']}").status_code == 403
    assert mallory.post("/api/collections", json={**body, "namespace": "alice"}).status_code == 403
    (listed,) = mallory.get("/api/collections?owner=alice").json()
    assert listed["title"] == "Other"
    assert "position" not in listed
    assert alice.delete(f"/api/collections/{made['slug']}").status_code == 200
    assert alice.get(f"/api/collections/{made['slug']}").status_code == 404


def test_the_items_of_a_collection(alice: httpx.Client, mallory: httpx.Client) -> None:
    create(alice)
    create(alice, "d", type="dataset", visibility="private")
    slug = alice.post("/api/collections", json={"title": "c", "namespace": "alice"}).json()["slug"]
    items = f"/api/collections/{slug}/items"
    model = {"item": {"id": "alice/m", "type": "model"}, "note": "first"}
    assert alice.post(items, json=model).status_code == 200
    assert alice.post(items, json=model).status_code == 409
    alice.post(items, json={"item": {"id": "alice/d", "type": "dataset"}})
    assert alice.post(items, json={"item": {"id": "alice/m", "type": "dataset"}}).status_code == 404
    first, second = alice.get(f"/api/collections/{slug}").json()["items"]
    assert (first["id"], first["note"]["text"], second["id"]) == ("alice/m", "first", "alice/d")
    assert [item["id"] for item in mallory.get(f"/api/collections/{slug}").json()["items"]] == ["alice/m"]
    alice.patch(f"{items}/{first['_id']}", json={"position": 1, "note": "last"})
    assert [item["id"] for item in alice.get(f"/api/collections/{slug}").json()["items"]] == [
        "alice/d",
        "alice/m",
    ]
    assert alice.delete(f"{items}/{first['_id']}").status_code == 200
    assert alice.delete(f"{items}/{first['_id']}").status_code == 404
    listing = mallory.get("/api/collections?item=models/alice/m").json()
    assert listing == []


def test_webhooks_belong_to_their_user(alice: httpx.Client, mallory: httpx.Client) -> None:
    body = {"url": "https://example.org/x", "watched": [{"type": "user", "name": "alice"}], "secret": "s"}
    made = alice.post("/api/settings/webhooks", json=body).json()["webhook"]
    url = f"/api/settings/webhooks/{made['id']}"
    assert (made["domains"], made["disabled"]) == (["repo", "discussion"], False)
    assert mallory.get(url).status_code == 404
    assert alice.post(f"{url}/disable").json()["webhook"]["disabled"] is True
    changed = alice.post(url, json={"watched": [], "url": "https://example.org/y"}).json()["webhook"]
    assert (changed["url"], changed["watched"], changed["disabled"]) == ("https://example.org/y", [], True)
    assert [item["id"] for item in alice.get("/api/settings/webhooks").json()] == [made["id"]]
    assert alice.delete(url).status_code == 200
    assert alice.get(url).status_code == 404
    assert alice.post("/api/settings/webhooks", json={**body, "url": "ftp://x"}).status_code == 400


def test_a_duplicate_has_files_history_and_large_files(
    hub: LocalHub, alice: httpx.Client, mallory: httpx.Client
) -> None:
    create(alice, visibility="private")
    commit(alice, file("a", b"one"))
    body = {"repository": "alice/copy"}
    made = alice.post("/api/models/alice/m/duplicate", json=body)
    assert made.json() == {"url": f"{hub.endpoint}/alice/copy", "filesCopyPending": False}
    assert alice.get("/alice/copy/resolve/main/a").text == "one"
    assert len(alice.get("/api/models/alice/copy/commits/main").json()) == 2
    assert alice.get("/api/models/alice/copy").json()["private"] is True
    again = alice.post("/api/models/alice/m/duplicate", json=body)
    assert (again.status_code, again.json()["url"]) == (409, f"{hub.endpoint}/alice/copy")
    assert mallory.post("/api/models/alice/m/duplicate", json={"repository": "mallory/x"}).status_code == 404
    assert alice.post("/api/models/alice/m/duplicate", json={"repository": "mallory/x"}).status_code == 403

"""Likes, collections, webhooks and duplicates."""

import httpx

from hfdeploy_localhub import LocalHub

from .conftest import commit, create, file


def test_likes(alice: httpx.Client, mallory: httpx.Client) -> None:
    create(alice)
    create(alice, "hidden", visibility="private")
    alice.post("/api/models/alice/hidden/like")
    assert mallory.post("/api/models/alice/m/like").json() == {"likes": 1}
    assert mallory.post("/api/models/alice/m/like").json() == {"likes": 1}
    assert [item["user"] for item in alice.get("/api/models/alice/m/likers").json()] == ["mallory"]
    assert mallory.get("/api/users/mallory/likes").json()[0]["repo"] == {"name": "alice/m", "type": "model"}
    assert mallory.get("/api/users/alice/likes").json() == []
    assert alice.get("/api/models/alice/m").json()["likes"] == 1
    assert mallory.delete("/api/models/alice/m/like").json() == {"likes": 0}


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

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import httpx
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import BucketNotFoundError
from xet_pieces import make_shard, name_file, name_xorb, pack

from hfdeploy_localhub import LocalHub

from .conftest import client_for, commit, create, file

CHUNKS = [b"hello " * 100, b"world " * 200]
CONTENT = b"".join(CHUNKS)
HASH = name_file(CHUNKS)
BUCKET = "/api/buckets/alice/b"


@pytest.fixture
def api(hub: LocalHub) -> HfApi:
    return HfApi(endpoint=hub.endpoint, token=hub.tokens["alice"])


def upload(client: httpx.Client, bucket: str = BUCKET) -> None:
    """Content as a client of xet brings it to a bucket: without its sha256."""
    token = client.get(f"{bucket}/xet-write-token").json()
    headers = {"Authorization": f"Bearer {token['accessToken']}"}
    xorb = b"".join(map(pack, CHUNKS))
    for path, body in (
        (f"xorbs/default/{name_xorb(CHUNKS)}", xorb),
        ("shards", make_shard(CHUNKS, flags=1 << 31)),
    ):
        answer = httpx.post(f"{token['casUrl']}/v1/{path}", content=body, headers=headers)
        assert answer.status_code == 200, answer.text


def batch(client: httpx.Client, *changes: dict[str, Any], bucket: str = BUCKET) -> httpx.Response:
    return client.post(f"{bucket}/batch", content="\n".join(map(json.dumps, changes)))


def put(path: str, hash: str = HASH) -> dict[str, Any]:
    return {"type": "addFile", "path": path, "xetHash": hash, "mtime": 1_700_000_000_123}


def copy(path: str, source: str, hash: str = HASH) -> dict[str, Any]:
    kind, _, name = source.partition(" ")
    return {"type": "copyFile", "path": path, "xetHash": hash, "sourceRepoType": kind, "sourceRepoId": name}


def test_the_stock_client_uploads_lists_and_downloads(api: HfApi, tmp_path: Path) -> None:
    content = random.Random(0).randbytes(200_000)
    assert api.create_bucket("b").bucket_id == "alice/b"
    api.batch_bucket_files("alice/b", add=[(content, "d/large.bin"), (b"small", "s.txt"), (b"", "empty")])
    listed = {entry.path: entry for entry in api.list_bucket_tree("alice/b")}
    assert sorted(listed) == ["d/large.bin", "empty", "s.txt"]
    api.download_bucket_files("alice/b", [(path, tmp_path / path) for path in listed])
    assert (tmp_path / "d/large.bin").read_bytes() == content
    assert (tmp_path / "s.txt").read_bytes() == b"small"
    assert (tmp_path / "empty").read_bytes() == b""
    info = api.bucket_info("alice/b")
    assert (info.size, info.total_files) == (200_005, 3)
    api.move_bucket("alice/b", "acme/c")
    assert [bucket.id for bucket in api.list_buckets("acme")] == ["acme/c"]
    assert api.bucket_info("alice/b").id == "acme/c"
    api.delete_bucket("acme/c")
    with pytest.raises(BucketNotFoundError):
        api.bucket_info("acme/c")


def test_what_a_repo_has_by_lfs_can_be_put_into_a_bucket_by_xet(alice: httpx.Client, api: HfApi) -> None:
    """The same content has another name, cut another way."""
    content = random.Random(1).randbytes(300_000)
    create(alice)
    oid = hashlib.sha256(content).hexdigest()
    wanted = {"operation": "upload", "objects": [{"oid": oid, "size": len(content)}]}
    told = alice.post("/alice/m.git/info/lfs/objects/batch", json=wanted).json()["objects"][0]
    assert alice.put(told["actions"]["upload"]["href"], content=content).status_code == 200
    commit(alice, ("lfsFile", {"path": "w.bin", "algo": "sha256", "oid": oid, "size": len(content)}))
    name = alice.head("/alice/m/resolve/main/w.bin").headers["X-Xet-Hash"]
    api.create_bucket("b")
    api.batch_bucket_files("alice/b", add=[(content, "added")], copy=[("model", "alice/m", name, "copied")])
    hashes = {entry.path: entry.xet_hash for entry in api.list_bucket_tree("alice/b")}
    assert hashes["copied"] == name != hashes["added"]
    for path in hashes:
        assert alice.get(f"/buckets/alice/b/resolve/{path}").content == content
    assert alice.head("/alice/m/resolve/main/w.bin").headers["X-Xet-Hash"] == name


def test_who_creates_what(alice: httpx.Client, mallory: httpx.Client, stranger: httpx.Client) -> None:
    made = alice.post("/api/buckets/me/b", json={})
    assert made.json()["url"].endswith("/buckets/alice/b")
    again = alice.post("/api/buckets/Alice/B", json={})
    assert (again.status_code, again.json()["url"]) == (409, made.json()["url"])
    assert mallory.post("/api/buckets/alice/c", json={}).status_code == 403
    assert stranger.post("/api/buckets/alice/c", json={}).status_code == 401
    assert alice.post("/api/buckets/alice/b--c", json={}).status_code == 400
    assert mallory.delete(BUCKET).status_code == 403
    assert mallory.put(f"{BUCKET}/settings", json={"private": True}).status_code == 403
    assert batch(mallory, {"type": "deleteFile", "path": "a"}).status_code == 403
    assert mallory.get(f"{BUCKET}/xet-write-token").status_code == 403


def test_a_private_bucket_is_not_there_for_others(
    alice: httpx.Client, mallory: httpx.Client, stranger: httpx.Client
) -> None:
    alice.post(BUCKET, json={"visibility": "private"})
    upload(alice)
    batch(alice, put("a"))
    for url in (BUCKET, f"{BUCKET}/tree", f"{BUCKET}/xet-read-token", "/buckets/alice/b/resolve/a"):
        assert alice.get(url).status_code == 200
        hidden = mallory.get(url)
        assert (hidden.status_code, hidden.headers["X-Error-Code"]) == (404, "RepoNotFound")
        assert stranger.get(url).status_code == 401
    mallory.post("/api/buckets/mallory/b", json={})
    failed = batch(mallory, copy("a", "bucket alice/b"), bucket="/api/buckets/mallory/b")
    assert failed.json()["failed"] == [{"path": "a", "error": "There is no bucket alice/b"}]
    assert mallory.get("/api/buckets/alice").json() == []
    assert [item["id"] for item in alice.get("/api/buckets/me").json()] == ["alice/b"]


def test_knowing_a_hash_opens_nothing(alice: httpx.Client, mallory: httpx.Client) -> None:
    alice.post(BUCKET, json={"visibility": "private"})
    upload(alice)
    mallory.post("/api/buckets/mallory/b", json={})
    failed = batch(mallory, put("a"), bucket="/api/buckets/mallory/b")
    assert failed.status_code == 422
    assert "upload it first" in failed.json()["failed"][0]["error"]


def test_gated_files_are_copied_by_those_who_may_read_them(
    alice: httpx.Client, mallory: httpx.Client
) -> None:
    create(alice)
    alice.put("/api/models/alice/m/settings", json={"gated": "manual"})
    mallory.post("/api/buckets/mallory/b", json={})
    failed = batch(mallory, copy("a", "model alice/m"), bucket="/api/buckets/mallory/b")
    assert "restricted" in failed.json()["failed"][0]["error"]


def test_each_change_of_a_batch_succeeds_or_fails_for_itself(alice: httpx.Client) -> None:
    alice.post(BUCKET, json={})
    upload(alice)
    answer = batch(alice, put("a"), put("b", "0" * 64), put("../c"), {"type": "deleteFile", "path": "nope"})
    assert answer.status_code == 200
    told = answer.json()
    assert (told["success"], told["processed"], told["succeeded"]) == (False, 4, 2)
    assert [failure["path"] for failure in told["failed"]] == ["b", "../c"]
    assert batch(alice, put("b", "0" * 64)).status_code == 422
    malformed = batch(alice, {"type": "deleteFile", "path": "a"}, {"type": "nonsense", "path": "b"})
    assert malformed.status_code == 400
    assert [item["path"] for item in alice.get(f"{BUCKET}/tree").json()] == ["a"]
    assert alice.post(f"{BUCKET}/batch", content=b"{").status_code == 400


def test_a_listing_is_paged_and_goes_by_the_text_of_the_prefix(alice: httpx.Client) -> None:
    alice.post(BUCKET, json={})
    upload(alice)
    paths = ["logs.json", "logs/a", "logs/sub/b", "logs_old/c", "x/y"]
    batch(alice, *map(put, paths))

    def listing(prefix: str = "", **query: str) -> list[str]:
        url, found = f"{BUCKET}/tree{prefix}", []
        while url:
            answer = alice.get(url, params=query or None)
            found += [item["path"] + "/" * (item["type"] == "directory") for item in answer.json()]
            url, query = answer.links.get("next", {}).get("url", ""), {}
        return found

    assert listing(limit="2") == paths
    assert listing(recursive="false", limit="1") == ["logs.json", "logs/", "logs_old/", "x/"]
    assert listing("/logs", recursive="false") == ["logs.json", "logs/a", "logs/sub/", "logs_old/"]
    assert listing("/logs%2Fsub") == ["logs/sub/b"]
    assert listing("/nope") == []
    entry = alice.post(f"{BUCKET}/paths-info", json={"paths": ["logs/a", "logs", "nope"]}).json()
    assert [item["path"] for item in entry] == ["logs/a"]
    assert entry[0]["mtime"] == "2023-11-14T22:13:20.123Z"


def test_bytes_by_http_with_ranges(alice: httpx.Client) -> None:
    alice.post(BUCKET, json={})
    upload(alice)
    batch(alice, put("d/a b"))
    url = "/buckets/alice/b/resolve/d%2Fa%20b"
    head = alice.head(url)
    assert (head.headers["X-Xet-Hash"], head.headers["X-Linked-Size"]) == (HASH, str(len(CONTENT)))
    assert alice.get(url, headers={"Range": "bytes=595-605"}).content == CONTENT[595:606]
    missing = alice.get("/buckets/alice/b/resolve/nope")
    assert (missing.status_code, missing.headers["X-Error-Code"]) == (404, "EntryNotFound")


def test_buckets_are_listed_among_ones_repos_and_are_no_git_repos(alice: httpx.Client) -> None:
    create(alice)
    alice.post(BUCKET, json={})
    upload(alice)
    batch(alice, put("a"))
    own = {item["type"]: item for item in alice.get("/api/settings/repositories").json()}
    assert (own["bucket"]["id"], own["bucket"]["storage"]) == ("alice/b", len(CONTENT))
    assert own["bucket"]["updatedAt"].endswith("Z")
    for path in ("/commits/main", "/refs", "/revision/main"):
        assert alice.get(BUCKET + path).status_code == 404
    assert create(alice, "c", type="bucket").status_code == 400
    assert alice.post(f"{BUCKET}/commit/main", content=b"").status_code == 404
    assert alice.get("/buckets/alice/b/info/refs?service=git-upload-pack").status_code == 404


def test_buckets_are_there_after_a_restart(tmp_path: Path) -> None:
    with LocalHub(tmp_path / "hub") as hub, client_for(hub, "local") as client:
        client.post("/api/buckets/me/b", json={})
        upload(client, "/api/buckets/local/b")
        batch(client, put("a"), bucket="/api/buckets/local/b")
    with LocalHub(tmp_path / "hub") as hub, client_for(hub, "local") as client:
        assert client.get("/buckets/local/b/resolve/a").content == CONTENT


def test_kernels_are_repos_as_models_are(alice: httpx.Client) -> None:
    assert create(alice, "k", type="kernel").json()["url"].endswith("/kernels/alice/k")
    assert commit(alice, file("build/k.py", b"1"), repo="kernels/alice/k").status_code == 200
    assert alice.get("/kernels/alice/k/resolve/main/build/k.py").content == b"1"
    assert alice.get("/api/kernels/alice/k").json()["id"] == "alice/k"
    assert [item["id"] for item in alice.get("/api/kernels").json()] == ["alice/k"]
    assert alice.get("/api/models").json() == []

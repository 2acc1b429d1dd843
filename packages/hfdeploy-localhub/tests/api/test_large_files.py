import hashlib
from pathlib import Path
from typing import Any

import httpx
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import EntryNotFoundError

from hfdeploy_localhub import LocalHub
from hfdeploy_localhub.api import large_files

from .conftest import commit, create, file

FILES = "/api/models/alice/m/lfs-files"


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def upload(client: httpx.Client, content: bytes) -> tuple[str, dict[str, Any]]:
    """Brings the content; returns the line of a commit that names it."""
    item = {"oid": sha256_of(content), "size": len(content)}
    batch = {"operation": "upload", "objects": [item]}
    told = client.post("/alice/m.git/info/lfs/objects/batch", json=batch).json()["objects"][0]
    if "actions" in told:
        assert client.put(told["actions"]["upload"]["href"], content=content).status_code == 200
    return "lfsFile", {"path": content.decode() + ".bin", "algo": "sha256", **item}


def add(client: httpx.Client, *contents: bytes, revision: str = "main") -> None:
    lines = [upload(client, content) for content in contents]
    assert commit(client, *lines, revision=revision).status_code == 200


def delete(client: httpx.Client, *contents: bytes, rewrite: bool = True) -> httpx.Response:
    shas = [sha256_of(content) for content in contents]
    return client.post(f"{FILES}/batch", json={"deletions": {"sha": shas, "rewriteHistory": rewrite}})


def share(client: httpx.Client, target: str, *contents: bytes) -> httpx.Response:
    files = [{"sha256": sha256_of(content), "xetHash": "ab" * 32, "filename": "f"} for content in contents]
    return client.post(
        f"{FILES}/duplicate", json={"target": {"type": "dataset", "name": target}, "files": files}
    )


def test_files_are_listed_over_all_refs_and_history(alice: httpx.Client) -> None:
    create(alice)
    add(alice, b"old")
    commit(alice, ("deletedFile", {"path": "old.bin"}))
    alice.post("/api/models/alice/m/branch/side", json={})
    add(alice, b"side", revision="side")
    add(alice, b"main")
    listed = {item["filename"]: item for item in alice.get(FILES).json()}
    assert {name: item["ref"] for name, item in listed.items()} == {
        "old.bin": "refs/heads/main",
        "main.bin": "refs/heads/main",
        "side.bin": "refs/heads/side",
    }
    old = listed["old.bin"]
    assert (old["fileOid"], old["oid"], old["size"]) == (sha256_of(b"old"), sha256_of(b"old"), 3)
    assert old["pushedAt"].endswith("Z")


def test_a_long_list_goes_on_at_a_link(alice: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_files, "_PAGE", 2)
    create(alice)
    contents = [b"%d" % number for number in range(5)]
    add(alice, *contents)
    found, url, pages = list[str](), FILES, 0
    while url:
        page = alice.get(url)
        found += [item["fileOid"] for item in page.json()]
        url, pages = page.links.get("next", {}).get("url", ""), pages + 1
    assert (sorted(found), pages) == (sorted(map(sha256_of, contents)), 3)


def test_the_stock_client_lists_and_deletes_for_good(hub: LocalHub, tmp_path: Path) -> None:
    api = HfApi(endpoint=hub.endpoint, token=hub.tokens["alice"])
    api.create_repo("alice/m")
    for name in ("a.bin", "b.bin"):
        api.upload_file(repo_id="alice/m", path_or_fileobj=name.encode(), path_in_repo=name)
    gone = [item for item in api.list_lfs_files("alice/m") if item.filename == "a.bin"]
    api.permanently_delete_lfs_files("alice/m", gone)
    assert [item.filename for item in api.list_lfs_files("alice/m")] == ["b.bin"]
    assert api.list_repo_files("alice/m") == [".gitattributes", "b.bin"]
    with pytest.raises(EntryNotFoundError):
        api.hf_hub_download("alice/m", "a.bin", cache_dir=tmp_path / "cache")
    assert (
        Path(api.hf_hub_download("alice/m", "b.bin", cache_dir=tmp_path / "cache")).read_bytes() == b"b.bin"
    )


def test_deleting_rewrites_what_named_the_file_and_nothing_else(alice: httpx.Client) -> None:
    create(alice)
    commits = "/api/models/alice/m/commits/main"
    commit(alice, file("note.txt", b"text"))
    before = [item["id"] for item in alice.get(commits).json()]
    add(alice, b"gone", b"kept")
    commit(alice, file("later.txt", b"text"))
    alice.post("/api/models/alice/m/tag/main", json={"tag": "v1", "message": "first"})
    alice.post("/api/models/alice/m/tag/main", json={"tag": "light"})
    assert delete(alice, b"gone").status_code == 200
    after = [item["id"] for item in alice.get(commits).json()]
    assert len(after) == len(before) + 2
    assert after[2:] == before
    refs = alice.get("/api/models/alice/m/refs").json()
    assert {tag["targetCommit"] for tag in refs["tags"]} == {after[0]}
    for revision in ("main", "v1", "light"):
        names = [item["path"] for item in alice.get(f"/api/models/alice/m/tree/{revision}").json()]
        assert names == [".gitattributes", "kept.bin", "later.txt", "note.txt"]
    assert alice.get("/alice/m/resolve/main/kept.bin").content == b"kept"
    assert commit(alice, upload(alice, b"gone")).status_code == 200


def test_a_folder_that_held_nothing_else_goes_with_the_file(alice: httpx.Client) -> None:
    create(alice)
    key, line = upload(alice, b"gone")
    commit(alice, (key, {**line, "path": "deep/down/gone.bin"}))
    delete(alice, b"gone")
    names = [item["path"] for item in alice.get("/api/models/alice/m/tree/main?recursive=true").json()]
    assert names == [".gitattributes"]


def test_without_rewriting_the_commits_stay(alice: httpx.Client) -> None:
    create(alice)
    add(alice, b"gone")
    head = alice.get("/api/models/alice/m").json()["sha"]
    assert delete(alice, b"gone", rewrite=False).status_code == 200
    assert alice.get("/api/models/alice/m").json()["sha"] == head
    assert alice.get(FILES).json() == []
    assert alice.get("/alice/m/resolve/main/gone.bin").text.startswith("version https://git-lfs")


def test_another_repo_keeps_what_one_deletes(alice: httpx.Client) -> None:
    create(alice)
    add(alice, b"both")
    create(alice, "d", type="dataset")
    assert share(alice, "alice/d", b"both").json() == {"success": [sha256_of(b"both")], "failed": []}
    key, line = upload(alice, b"both")
    assert commit(alice, (key, line), repo="datasets/alice/d").status_code == 200
    delete(alice, b"both")
    assert alice.get("/datasets/alice/d/resolve/main/both.bin").content == b"both"
    assert alice.get("/alice/m/resolve/main/both.bin").status_code == 404


def test_the_stock_client_copies_between_repos(hub: LocalHub, tmp_path: Path) -> None:
    api = HfApi(endpoint=hub.endpoint, token=hub.tokens["alice"])
    api.create_repo("alice/m")
    api.create_repo("alice/d", repo_type="dataset")
    api.upload_file(repo_id="alice/m", path_or_fileobj=b"large", path_in_repo="in/f.bin")
    api.upload_file(repo_id="alice/m", path_or_fileobj=b"small", path_in_repo="in/f.txt")
    api.copy_files("hf://alice/m/in/", "hf://datasets/alice/d/out/")
    for name, content in (("f.bin", b"large"), ("f.txt", b"small")):
        path = api.hf_hub_download(
            "alice/d", f"out/{name}", repo_type="dataset", cache_dir=tmp_path / "cache"
        )
        assert Path(path).read_bytes() == content


def test_what_the_source_does_not_have_is_not_shared(alice: httpx.Client) -> None:
    create(alice)
    create(alice, "d", type="dataset")
    answer = share(alice, "alice/d", b"nowhere").json()
    assert answer["success"] == []
    assert [item["sha256"] for item in answer["failed"]] == [sha256_of(b"nowhere")]


def test_both_sides_must_allow_sharing(
    alice: httpx.Client, mallory: httpx.Client, stranger: httpx.Client
) -> None:
    create(alice, visibility="private")
    create(alice, "d", type="dataset")
    create(mallory, "theirs", type="dataset")
    create(mallory, "hidden", type="dataset", visibility="private")
    add(alice, b"mine")
    assert share(mallory, "mallory/theirs", b"mine").status_code == 404
    assert share(alice, "mallory/theirs", b"mine").status_code == 403
    assert share(alice, "mallory/hidden", b"mine").status_code == 404
    assert share(alice, "alice/none", b"mine").status_code == 404
    alice.put("/api/models/alice/m/settings", json={"visibility": "public", "gated": "manual"})
    refused = share(mallory, "mallory/theirs", b"mine")
    assert (refused.status_code, refused.headers["X-Error-Code"]) == (403, "GatedRepo")
    alice.put("/api/models/alice/m/settings", json={"gated": False})
    assert share(stranger, "mallory/theirs", b"mine").status_code == 401
    assert share(mallory, "mallory/theirs", b"mine").status_code == 200


def test_housekeeping_is_for_writers(
    alice: httpx.Client, mallory: httpx.Client, stranger: httpx.Client
) -> None:
    create(alice)
    add(alice, b"mine")
    for client, status in ((mallory, 403), (stranger, 401)):
        assert client.get(FILES).status_code == status
        assert delete(client, b"mine").status_code == status
    assert alice.get("/alice/m/resolve/main/mine.bin").content == b"mine"

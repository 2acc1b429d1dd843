import hashlib
from typing import Any

import httpx
import pytest

from hfdeploy_localhub.api import lfs

from .conftest import commit, create, file

CONTENT = b"large" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def batch(
    client: httpx.Client, operation: str = "upload", size: int = len(CONTENT), **body: Any
) -> dict[str, Any]:
    answer = client.post(
        "/alice/m.git/info/lfs/objects/batch",
        json={"operation": operation, "objects": [{"oid": SHA256, "size": size}], **body},
    )
    assert answer.headers["Content-Type"].startswith("application/vnd.git-lfs+json")
    told: dict[str, Any] = answer.json()["objects"][0]
    return told


def large(path: str = "w.bin") -> tuple[str, dict[str, Any]]:
    return "lfsFile", {"path": path, "algo": "sha256", "oid": SHA256, "size": len(CONTENT)}


def test_basic_upload_and_download(alice: httpx.Client, stranger: httpx.Client) -> None:
    create(alice)
    actions = batch(alice)["actions"]
    assert "header" not in actions["upload"]
    assert stranger.put(actions["upload"]["href"], content=CONTENT).status_code == 200
    checked = alice.post(actions["verify"]["href"], json={"oid": SHA256, "size": len(CONTENT)})
    assert checked.status_code == 200
    assert commit(alice, large()).status_code == 200
    assert "actions" not in batch(alice)
    answer = stranger.get("/alice/m/resolve/main/w.bin")
    assert (answer.content, answer.headers["ETag"]) == (CONTENT, f'"{SHA256}"')
    ranged = stranger.get("/alice/m/resolve/main/w.bin", headers={"Range": "bytes=5-9"})
    assert (ranged.status_code, ranged.content) == (206, b"large")
    fetched = stranger.get(batch(stranger, "download")["actions"]["download"]["href"])
    assert fetched.content == CONTENT
    pointer = stranger.get("/alice/m/raw/main/w.bin").text
    assert (
        pointer == f"version https://git-lfs.github.com/spec/v1\noid sha256:{SHA256}\nsize {len(CONTENT)}\n"
    )
    entry = stranger.get("/api/models/alice/m/tree/main").json()[-1]
    assert (entry["size"], entry["lfs"]) == (
        len(CONTENT),
        {"oid": SHA256, "size": len(CONTENT), "pointerSize": len(pointer)},
    )


def test_multipart_upload(
    alice: httpx.Client, stranger: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lfs, "PART_BYTES", 2000)
    create(alice)
    upload = batch(alice, transfers=["basic", "multipart"])["actions"]["upload"]
    assert upload["header"]["chunk_size"] == "2000"
    parts = [CONTENT[:2000], CONTENT[2000:4000], CONTENT[4000:]]
    etags = []
    for number, part in reversed(list(enumerate(parts, 1))):
        sent = stranger.put(upload["header"][str(number)], content=part)
        etags.append({"partNumber": number, "etag": sent.headers["ETag"]})
    missing = stranger.post(upload["href"], json={"oid": SHA256, "parts": etags[:2]})
    assert missing.status_code == 400
    assert stranger.post(upload["href"], json={"oid": SHA256, "parts": etags}).status_code == 200
    commit(alice, large())
    assert alice.get("/alice/m/resolve/main/w.bin").content == CONTENT


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"x", b"x" * len(CONTENT)])
def test_wrong_content_is_refused(alice: httpx.Client, stranger: httpx.Client, content: bytes) -> None:
    create(alice)
    href = batch(alice)["actions"]["upload"]["href"]
    assert stranger.put(href, content=content).status_code == 400
    assert commit(alice, large()).status_code == 400


def test_an_address_is_good_for_its_file_and_direction_only(
    alice: httpx.Client, stranger: httpx.Client
) -> None:
    create(alice)
    href = batch(alice)["actions"]["upload"]["href"]
    assert stranger.get(href).status_code == 403
    assert stranger.put(href[:-3] + "abc", content=CONTENT).status_code == 403
    assert stranger.put(href, content=CONTENT).status_code == 200
    download = batch(stranger, "download")["actions"]["download"]["href"]
    assert stranger.put(download, content=CONTENT).status_code == 403


def test_anothers_file_cannot_be_had_by_its_hash(alice: httpx.Client, mallory: httpx.Client) -> None:
    create(alice, visibility="private")
    alice.put(batch(alice)["actions"]["upload"]["href"], content=CONTENT)
    create(mallory, "theirs")
    stolen = commit(mallory, large(), repo="models/mallory/theirs")
    assert stolen.status_code == 400
    url = "/mallory/theirs.git/info/lfs/objects/batch"
    body = {"operation": "download", "objects": [{"oid": SHA256, "size": len(CONTENT)}]}
    assert mallory.post(url, json=body).json()["objects"][0]["error"]["code"] == 404


def test_a_pointer_as_plain_text_opens_nothing(alice: httpx.Client, mallory: httpx.Client) -> None:
    create(alice, visibility="private")
    alice.put(batch(alice)["actions"]["upload"]["href"], content=CONTENT)
    create(mallory, "theirs")
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{SHA256}\nsize {len(CONTENT)}\n"
    commit(mallory, file("w.bin", pointer.encode()), repo="models/mallory/theirs")
    assert mallory.get("/mallory/theirs/resolve/main/w.bin").content != CONTENT


def test_others_upload_for_a_pull_request_only(alice: httpx.Client, mallory: httpx.Client) -> None:
    create(alice)
    assert mallory.put(batch(mallory)["actions"]["upload"]["href"], content=CONTENT).status_code == 200
    assert commit(mallory, large()).status_code == 403
    proposed = commit(mallory, large(), revision="main?create_pr=1")
    assert proposed.json()["pullRequestUrl"].endswith("/discussions/1")
    assert alice.get("/alice/m/resolve/main/w.bin").status_code == 404
    assert alice.get("/alice/m/resolve/refs%2Fpr%2F1/w.bin").content == CONTENT


def test_uploads_take_rights(alice: httpx.Client, mallory: httpx.Client, stranger: httpx.Client) -> None:
    create(alice, visibility="private")
    body = {"operation": "upload", "objects": [{"oid": SHA256, "size": 5}]}
    assert mallory.post("/alice/m.git/info/lfs/objects/batch", json=body).status_code == 404
    assert stranger.post("/alice/m.git/info/lfs/objects/batch", json=body).status_code == 401
    for oid in ("../../x", "AB" * 32, "ab"):
        bad = {"operation": "upload", "objects": [{"oid": oid, "size": 5}]}
        assert alice.post("/alice/m.git/info/lfs/objects/batch", json=bad).status_code == 400

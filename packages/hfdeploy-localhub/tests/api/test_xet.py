import hashlib
import random
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from huggingface_hub import HfApi, file_download
from xet_pieces import make_shard, name_file, name_xorb, pack

from hfdeploy_localhub import LocalHub
from hfdeploy_localhub.ranges import Span
from hfdeploy_localhub.store.xet_formats import read_chunk, read_chunk_headers

from .conftest import client_for, commit, create

CHUNKS = [b"hello " * 100, b"world " * 200]
CONTENT = b"".join(CHUNKS)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Cas:
    """The content store as a client sees it who has a token for one repo."""

    def __init__(self, client: httpx.Client, repo: str, kind: str = "write") -> None:
        token = client.get(f"/api/{repo}/xet-{kind}-token/main").json()
        self.url = token["casUrl"]
        self.headers = {"Authorization": f"Bearer {token['accessToken']}"}

    def put_xorb(self, chunks: list[bytes], name: str | None = None) -> httpx.Response:
        content = b"".join(map(pack, chunks))
        return self.post(f"xorbs/default/{name or name_xorb(chunks)}", content)

    def put_shard(self, shard: bytes) -> httpx.Response:
        return self.post("shards", shard)

    def post(self, path: str, content: bytes) -> httpx.Response:
        return httpx.post(f"{self.url}/v1/{path}", content=content, headers=self.headers)

    def plan(self, name: str, span: str | None = None, version: int = 1) -> httpx.Response:
        headers = self.headers | ({"Range": span} if span else {})
        return httpx.get(f"{self.url}/v{version}/reconstructions/{name}", headers=headers)


def large(path: str = "w.bin", content: bytes = CONTENT) -> tuple[str, dict[str, Any]]:
    oid = hashlib.sha256(content).hexdigest()
    return "lfsFile", {"path": path, "algo": "sha256", "oid": oid, "size": len(content)}


def upload(client: httpx.Client, repo: str = "models/alice/m") -> None:
    """The file as a client of xet brings it."""
    cas = Cas(client, repo)
    assert cas.put_xorb(CHUNKS).status_code == 200
    assert cas.put_shard(make_shard(CHUNKS)).json() == {"result": 1}
    assert commit(client, large(), repo=repo).status_code == 200


def upload_by_lfs(client: httpx.Client, content: bytes, path: str) -> None:
    oid = hashlib.sha256(content).hexdigest()
    batch = {"operation": "upload", "objects": [{"oid": oid, "size": len(content)}]}
    told = client.post("/alice/m.git/info/lfs/objects/batch", json=batch).json()["objects"][0]
    assert client.put(told["actions"]["upload"]["href"], content=content).status_code == 200
    assert commit(client, large(path, content)).status_code == 200


@pytest.fixture
def api(hub: LocalHub, tmp_path: Path) -> HfApi:
    return HfApi(endpoint=hub.endpoint, token=hub.tokens["alice"])


@pytest.fixture
def roads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How the stock client fetches each file: a list that grows."""
    taken: list[str] = []
    for name in ("xet_get", "http_get"):
        original = getattr(file_download, name)

        def spy(*args: Any, _name: str = name, _original: Any = original, **kwargs: Any) -> Any:
            taken.append(_name)
            return _original(*args, **kwargs)

        monkeypatch.setattr(file_download, name, spy)
    return taken


def make_folder(folder: Path) -> dict[str, bytes]:
    """Files that share chunks, that are packed in every way, one too short for xet's liking, one empty."""
    noise = random.Random(7)
    shared = noise.randbytes(3_000_000)
    content = {
        "a.bin": shared + noise.randbytes(100_000),
        "b.bin": noise.randbytes(50_000) + shared + b"end",
        "numbers.bin": b"".join((number % 977).to_bytes(4, "little") for number in range(600_000)),
        "text.bin": b"all work and no play\n" * 90_000,
        "one.bin": b"1",
        "empty.bin": b"",
        "deep/down/a.bin": shared,
        "readme.txt": b"small",
    }
    for path, data in content.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return content


def read_folder(folder: Path, names: Any) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in names}


# -- the stock client ------------------------------------------------------------------------------


def test_the_stock_client_goes_by_xet_both_ways(api: HfApi, tmp_path: Path, roads: list[str]) -> None:
    content = make_folder(tmp_path / "source")
    for repo in ("alice/m", "alice/copy"):  # the second time the client knows that all chunks are here
        api.create_repo(repo)
        api.upload_folder(repo_id=repo, folder_path=tmp_path / "source")
        roads.clear()
        got = Path(api.snapshot_download(repo, cache_dir=tmp_path / repo.replace("/", "-")))
        assert read_folder(got, content) == content
        assert roads.count("xet_get") == 6
    entries = {entry.path: entry for entry in api.list_repo_tree("alice/m", recursive=True)}
    assert entries["a.bin"].xet_hash != entries["b.bin"].xet_hash is not None
    assert entries["readme.txt"].xet_hash is None
    (info,) = api.get_paths_info("alice/m", ["a.bin"])
    assert info.xet_hash == entries["a.bin"].xet_hash


def test_what_came_by_xet_is_had_by_http_too_and_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, roads: list[str]
) -> None:
    content = make_folder(tmp_path / "source")
    with LocalHub(tmp_path / "hub") as hub:
        api = HfApi(endpoint=hub.endpoint, token=hub.token)
        api.create_repo("local/m")
        api.upload_folder(repo_id="local/m", folder_path=tmp_path / "source")
    with LocalHub(tmp_path / "hub") as again:
        api = HfApi(endpoint=again.endpoint, token=again.token)
        by_xet = Path(api.snapshot_download("local/m", cache_dir=tmp_path / "1"))
        assert read_folder(by_xet, content) == content
        assert roads.count("xet_get") == 6
        roads.clear()
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        by_http = Path(api.snapshot_download("local/m", cache_dir=tmp_path / "2"))
        assert read_folder(by_http, content) == content
        assert set(roads) == {"http_get"}
        noise, data = random.Random(3), content["b.bin"]
        with client_for(again, "local") as client:
            for _ in range(20):
                start = noise.randrange(len(data))
                end = noise.randrange(start, len(data))
                got = client.get("/local/m/resolve/main/b.bin", headers={"Range": f"bytes={start}-{end}"})
                assert (got.status_code, got.content) == (206, data[start : end + 1])


@pytest.mark.parametrize("size", [1, 65_536, 65_537, 34_000_000])  # one slice, two, more than one xorb
def test_a_file_that_came_by_lfs_is_read_by_xet(
    alice: httpx.Client, api: HfApi, tmp_path: Path, roads: list[str], size: int
) -> None:
    create(alice)
    content = random.Random(size).randbytes(size)
    upload_by_lfs(alice, content, "w.bin")
    name = alice.head("/alice/m/resolve/main/w.bin").headers["X-Xet-Hash"]
    assert alice.get("/api/models/alice/m/tree/main").json()[-1]["xetHash"] == name
    assert Path(api.hf_hub_download("alice/m", "w.bin", cache_dir=tmp_path)).read_bytes() == content
    assert roads == ["xet_get"]


def test_a_file_that_came_by_lfs_and_by_xet_keeps_its_name(
    alice: httpx.Client, api: HfApi, tmp_path: Path, roads: list[str]
) -> None:
    create(alice)
    upload_by_lfs(alice, CONTENT, "w.bin")
    name = alice.head("/alice/m/resolve/main/w.bin").headers["X-Xet-Hash"]
    upload(alice)
    assert alice.head("/alice/m/resolve/main/w.bin").headers["X-Xet-Hash"] == name
    assert Path(api.hf_hub_download("alice/m", "w.bin", cache_dir=tmp_path)).read_bytes() == CONTENT
    assert roads == ["xet_get"]


def test_parts_of_a_file_that_came_by_lfs(alice: httpx.Client) -> None:
    create(alice)
    content = random.Random(0).randbytes(200_000)
    upload_by_lfs(alice, content, "w.bin")
    name = alice.head("/alice/m/resolve/main/w.bin").headers["X-Xet-Hash"]
    plan = Cas(alice, "models/alice/m", "read").plan(name, "bytes=70000-140000").json()
    (term,) = plan["terms"]
    (piece,) = plan["fetch_info"][term["hash"]]
    span = piece["url_range"]
    answer = httpx.get(piece["url"], headers={"Range": f"bytes={span['start']}-{span['end']}"})

    def read(at: int, length: int) -> bytes:
        return answer.content[at : at + length]

    headers = read_chunk_headers(read, len(answer.content))
    plain = b"".join(read_chunk(read, header) for header in headers)
    assert plain[plan["offset_into_first_range"] :][:70_001] == content[70_000:140_001]


def test_an_empty_large_file_goes_without_xet(alice: httpx.Client) -> None:
    create(alice)
    upload_by_lfs(alice, b"", "w.bin")
    answer = alice.get("/alice/m/resolve/main/w.bin")
    assert answer.content == b""
    assert "X-Xet-Hash" not in answer.headers


def test_a_client_that_knows_other_data_at_this_address_uploads_all_the_same(tmp_path: Path) -> None:
    source, port = tmp_path / "f", 0
    source.write_bytes(random.Random(1).randbytes(300_000))
    for number in range(2):
        with LocalHub(tmp_path / str(number), port=port) as hub:
            port = int(hub.endpoint.rpartition(":")[2])
            api = HfApi(endpoint=hub.endpoint, token=hub.token)
            api.create_repo("local/m")
            api.upload_file(repo_id="local/m", path_or_fileobj=source, path_in_repo="f.bin")


# -- the protocol ----------------------------------------------------------------------------------


def test_resolve_leads_to_xet(alice: httpx.Client, stranger: httpx.Client) -> None:
    create(alice)
    upload(alice)
    for answer in (stranger.head("/alice/m/resolve/main/w.bin"), stranger.get("/alice/m/resolve/main/w.bin")):
        assert answer.headers["X-Xet-Hash"] == name_file(CHUNKS)
        token = stranger.get(answer.links["xet-auth"]["url"])
        assert token.headers["X-Xet-Access-Token"] == token.json()["accessToken"]
        assert token.headers["X-Xet-Cas-Url"] == token.json()["casUrl"]
        assert int(token.headers["X-Xet-Token-Expiration"]) == token.json()["exp"]
    assert (
        stranger.get("/api/models/alice/m/xet-read-token/nope").headers["X-Error-Code"] == "RevisionNotFound"
    )


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    "span", [None, Span(0, 1800), Span(0, 1), Span(599, 601), Span(600, 601), Span(1799, 1800)]
)
def test_a_plan_is_fetched_and_put_together(
    alice: httpx.Client, stranger: httpx.Client, span: Span | None, version: int
) -> None:
    create(alice)
    upload(alice)
    asked = f"bytes={span.start}-{span.end - 1}" if span else None
    plan = Cas(stranger, "models/alice/m", "read").plan(name_file(CHUNKS), asked, version).json()
    (term,) = plan["terms"]
    if version == 1:
        (piece,) = plan["fetch_info"][term["hash"]]
        url, chunks, where = piece["url"], piece["range"], piece["url_range"]
    else:
        (piece,) = plan["xorbs"][term["hash"]]
        (only,) = piece["ranges"]
        url, chunks, where = piece["url"], only["chunks"], only["bytes"]
    assert chunks == term["range"]
    got = httpx.get(url, headers={"Range": f"bytes={where['start']}-{where['end']}"})
    assert got.status_code == 206
    read = lambda at, length: got.content[at : at + length]  # noqa: E731
    headers = read_chunk_headers(read, len(got.content))
    assert len(headers) == chunks["end"] - chunks["start"]
    plain = b"".join(read_chunk(read, header) for header in headers)
    assert len(plain) == term["unpacked_length"]
    wanted = span or Span(0, len(CONTENT))
    skip = plan["offset_into_first_range"]
    assert plain[skip : skip + wanted.end - wanted.start] == CONTENT[wanted.start : wanted.end]


def test_behind_the_end_there_is_nothing(alice: httpx.Client) -> None:
    create(alice)
    upload(alice)
    answer = Cas(alice, "models/alice/m", "read").plan(name_file(CHUNKS), "bytes=1800-1900")
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, "bytes */1800")


def test_no_chunk_is_known_beforehand(alice: httpx.Client) -> None:
    create(alice)
    upload(alice)
    cas = Cas(alice, "models/alice/m")
    assert httpx.get(f"{cas.url}/v1/chunks/default/{'ab' * 32}", headers=cas.headers).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"xorb": "ab" * 32}, "unknown xorb"),
        ({"proof": bytes(32)}, "does not prove"),
        ({"sha256": "ab" * 32}, "sha256"),
        ({"file_hash": "ab" * 32}, "hash is not"),
        ({"size": 7}, "size"),
        ({"end": 3}, "has 2 chunks"),
        ({"end": 0}, "has 2 chunks"),
        ({"flags": 1 << 30}, "without proofs"),
    ],
)
def test_a_shard_that_is_wrong_brings_nothing(alice: httpx.Client, wrong: dict[str, Any], why: str) -> None:
    create(alice)
    cas = Cas(alice, "models/alice/m")
    cas.put_xorb(CHUNKS)
    refused = cas.put_shard(make_shard(CHUNKS, **wrong))
    assert refused.status_code == 400
    assert why in refused.json()["error"]
    assert commit(alice, large()).status_code == 400


def test_a_xorb_is_kept_under_its_own_hash_only(alice: httpx.Client) -> None:
    create(alice)
    cas = Cas(alice, "models/alice/m")
    assert cas.put_xorb(CHUNKS[:1], name=name_xorb(CHUNKS)).status_code == 400
    assert cas.put_xorb(CHUNKS, name="x" * 64).status_code == 400
    assert cas.post("xorbs/default/" + "ab" * 32, b"no xorb").status_code == 400
    assert cas.put_xorb(CHUNKS).json() == {"was_inserted": True}
    assert cas.put_xorb(CHUNKS).json() == {"was_inserted": False}


def test_nothing_is_left_of_what_was_refused(alice: httpx.Client, tmp_path: Path) -> None:
    create(alice)
    Cas(alice, "models/alice/m").put_xorb(CHUNKS, name="ab" * 32)
    assert not [path for path in (tmp_path / "hub" / "xet").rglob("*") if path.is_file()]


# -- rights ----------------------------------------------------------------------------------------


def test_a_private_repo_gives_read_tokens_to_its_own(
    alice: httpx.Client, mallory: httpx.Client, stranger: httpx.Client
) -> None:
    create(alice, visibility="private")
    url = "/api/models/alice/m/xet-read-token/main"
    assert [client.get(url).status_code for client in (alice, mallory, stranger)] == [200, 404, 401]


def test_a_gated_repo_gives_read_tokens_to_the_granted(
    alice: httpx.Client, mallory: httpx.Client, stranger: httpx.Client
) -> None:
    create(alice)
    alice.put("/api/models/alice/m/settings", json={"gated": "manual"})
    url = "/api/models/alice/m/xet-read-token/main"
    answers = [client.get(url) for client in (alice, mallory, stranger)]
    assert [answer.status_code for answer in answers] == [200, 403, 401]
    assert answers[1].headers["X-Error-Code"] == "GatedRepo"


def test_a_read_token_opens_its_repos_files_only(alice: httpx.Client, mallory: httpx.Client) -> None:
    create(alice, visibility="private")
    upload(alice)
    create(mallory, "theirs")
    theirs = Cas(mallory, "models/mallory/theirs", "read")
    assert theirs.plan(name_file(CHUNKS)).status_code == 404
    assert Cas(alice, "models/alice/m", "read").plan(name_file(CHUNKS)).status_code == 200


def test_each_token_is_for_one_direction(alice: httpx.Client) -> None:
    create(alice)
    upload(alice)
    reading, writing = (Cas(alice, "models/alice/m", kind) for kind in ("read", "write"))
    assert writing.plan(name_file(CHUNKS)).status_code == 401
    assert reading.put_xorb(CHUNKS).status_code == 401
    assert reading.put_shard(make_shard(CHUNKS)).status_code == 401
    assert httpx.get(f"{reading.url}/v1/reconstructions/{name_file(CHUNKS)}").status_code == 401


def test_an_address_is_good_for_its_bytes_only(alice: httpx.Client) -> None:
    create(alice)
    upload(alice)
    plan = Cas(alice, "models/alice/m", "read").plan(name_file(CHUNKS), "bytes=0-10").json()
    ((piece,),) = plan["fetch_info"].values()
    last = piece["url_range"]["end"]
    for headers, status in (
        ({"Range": f"bytes=0-{last}"}, 206),
        ({"Range": f"bytes=0-{last + 1}"}, 403),
        ({"Range": "bytes=-5"}, 403),
        ({}, 403),
    ):
        assert httpx.get(piece["url"], headers=headers).status_code == status
    forged = re.sub(r"/xorbs/.", "/xorbs/x", piece["url"])
    assert httpx.get(forged, headers={"Range": "bytes=0-1"}).status_code == 403
    assert httpx.get(f"{piece['url'].rpartition('/')[0]}/{quote(name_xorb(CHUNKS))}").status_code == 403


def test_knowing_all_names_of_a_file_opens_nothing(alice: httpx.Client, mallory: httpx.Client) -> None:
    create(alice, visibility="private")
    upload(alice)
    create(mallory, "theirs")
    cas = Cas(mallory, "models/mallory/theirs")
    assert cas.put_shard(make_shard(CHUNKS, proof=bytes(32))).status_code == 400
    assert commit(mallory, large(), repo="models/mallory/theirs").status_code == 400
    assert Cas(mallory, "models/mallory/theirs", "read").plan(name_file(CHUNKS)).status_code == 404


def test_who_has_the_content_need_not_send_it_again(alice: httpx.Client, mallory: httpx.Client) -> None:
    create(alice, visibility="private")
    upload(alice)
    create(mallory, "theirs")
    assert Cas(mallory, "models/mallory/theirs").put_shard(make_shard(CHUNKS)).status_code == 200
    assert commit(mallory, large(), repo="models/mallory/theirs").status_code == 200


def test_a_xorb_that_a_crash_cut_off_can_be_sent_again(alice: httpx.Client, tmp_path: Path) -> None:
    create(alice)
    name = name_xorb(CHUNKS)
    place = tmp_path / "hub" / "xet" / name[:2] / name
    place.parent.mkdir()
    place.write_bytes(b"half")
    upload(alice)
    assert alice.get("/alice/m/resolve/main/w.bin").content == CONTENT


def test_writers_only_may_upload(alice: httpx.Client, mallory: httpx.Client, stranger: httpx.Client) -> None:
    create(alice)
    url = "/api/models/alice/m/xet-write-token/main"
    assert [client.get(url).status_code for client in (alice, mallory, stranger)] == [200, 403, 401]
    assert mallory.get(url, params={"create_pr": "1"}).status_code == 200

import httpx
import pytest

from .conftest import commit, create, file


@pytest.fixture
def repo(alice: httpx.Client) -> httpx.Client:
    create(alice)
    commit(alice, file("a.txt", b"0123456789"), file("d/e/f", b"deep"), file("d/x y", b"<script>"))
    return alice


def test_head_tells_all_the_client_needs(repo: httpx.Client) -> None:
    head = repo.head("/alice/m/resolve/main/a.txt")
    assert head.headers["X-Repo-Commit"] == repo.get("/api/models/alice/m").json()["sha"]
    assert head.headers["ETag"] == '"ad471007bd7f5983d273b9584e5629230150fd54"'
    assert head.headers["Content-Length"] == "10"
    assert head.content == b""
    assert "Content-Encoding" not in head.headers


@pytest.mark.parametrize(
    ("wanted", "status", "content", "told"),
    [
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=0-99", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("lines=1-2", 200, b"0123456789", None),
    ],
)
def test_ranges(repo: httpx.Client, wanted: str, status: int, content: bytes, told: str | None) -> None:
    answer = repo.get("/alice/m/resolve/main/a.txt", headers={"Range": wanted})
    assert (answer.status_code, answer.content, answer.headers.get("Content-Range")) == (
        status,
        content,
        told,
    )


@pytest.mark.parametrize("wanted", ["bytes=0-0", "bytes=0-", "bytes=-1"])
def test_a_range_of_an_empty_file_is_all_of_it(repo: httpx.Client, wanted: str) -> None:
    """JavaScript's client asks for the first byte to learn a file's size, and gives up at a 416."""
    commit(repo, file("empty", b""))
    answer = repo.get("/alice/m/resolve/main/empty", headers={"Range": wanted})
    assert (answer.status_code, answer.content, answer.headers["Content-Range"]) == (200, b"", "bytes */0")


def test_what_is_missing_is_told_apart(repo: httpx.Client) -> None:
    file_missing = repo.head("/alice/m/resolve/main/nope")
    assert (file_missing.status_code, file_missing.headers["X-Error-Code"]) == (404, "EntryNotFound")
    assert len(file_missing.headers["X-Repo-Commit"]) == 40
    revision_missing = repo.head("/alice/m/resolve/nope/a.txt")
    assert revision_missing.headers["X-Error-Code"] == "RevisionNotFound"
    assert repo.get("/alice/m/resolve/main/d").headers["X-Error-Code"] == "EntryNotFound"


@pytest.mark.parametrize("path", ["..%2f..%2fhub.sqlite", "%2e%2e/%2e%2e/key", "d/../../key", "/etc/passwd"])
def test_no_path_leads_out(repo: httpx.Client, path: str) -> None:
    assert repo.get(f"/alice/m/resolve/main/{path}").status_code == 404


def test_pages_of_a_repo_cannot_run_as_the_hubs(repo: httpx.Client) -> None:
    answer = repo.get("/alice/m/resolve/main/d/x%20y")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_an_unchanged_file_is_not_sent_again(repo: httpx.Client) -> None:
    etag = repo.head("/alice/m/resolve/main/a.txt").headers["ETag"]
    assert repo.get("/alice/m/resolve/main/a.txt", headers={"If-None-Match": etag}).status_code == 304


def test_the_tree_of_a_folder(repo: httpx.Client) -> None:
    def paths(url: str) -> list[str]:
        return [item["path"] for item in repo.get(f"/api/models/alice/m/tree/{url}").json()]

    assert paths("main") == [".gitattributes", "a.txt", "d"]
    assert paths("main/d") == ["d/e", "d/x y"]
    assert paths("main/d%2Fe") == ["d/e/f"]
    assert paths("main?recursive=true") == [".gitattributes", "a.txt", "d", "d/e", "d/e/f", "d/x y"]
    for missing in ("main/nope", "main/a.txt"):
        answer = repo.get(f"/api/models/alice/m/tree/{missing}")
        assert (answer.status_code, answer.headers["X-Error-Code"]) == (404, "EntryNotFound")


def test_the_tree_comes_in_pages(repo: httpx.Client) -> None:
    seen: list[str] = []
    url = "/api/models/alice/m/tree/main?recursive=true&limit=2"
    while url:
        page = repo.get(url)
        seen += [item["path"] for item in page.json()]
        url = page.links.get("next", {}).get("url", "")
    assert seen == [".gitattributes", "a.txt", "d", "d/e", "d/e/f", "d/x y"]


@pytest.mark.parametrize("form", [True, False])
def test_paths_info_leaves_unknown_paths_out(repo: httpx.Client, form: bool) -> None:
    url = "/api/models/alice/m/paths-info/main"
    paths = ["a.txt", "d", "nope"]
    if form:
        answer = repo.post(url, data={"paths": paths, "expand": "true"})
    else:
        answer = repo.post(url, json={"paths": paths, "expand": True})
    found = answer.json()
    assert [(item["path"], item["type"], item["size"]) for item in found] == [
        ("a.txt", "file", 10),
        ("d", "directory", 0),
    ]
    assert found[0]["lastCommit"]["title"] == "change"


def test_history_and_refs(repo: httpx.Client) -> None:
    commits = repo.get("/api/models/alice/m/commits/main").json()
    assert [item["title"] for item in commits] == ["change", "initial commit"]
    assert commits[0]["authors"] == [{"user": "alice", "avatar": ""}]
    refs = repo.get("/api/models/alice/m/refs").json()
    assert refs["branches"] == [{"name": "main", "ref": "refs/heads/main", "targetCommit": commits[0]["id"]}]
    short = repo.get(f"/api/models/alice/m/revision/{commits[1]['id'][:8]}").json()
    assert short["sha"] == commits[1]["id"]
    page = repo.get("/api/models/alice/m/commits/main?limit=1")
    assert page.headers["X-Total-Count"] == str(len(commits))
    assert "next" in page.links

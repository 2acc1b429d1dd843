"""What must not get slower, or wrong, where there is much of it."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pygit2
import pytest

from hfdeploy_localhub import LocalHub
from hfdeploy_localhub.store import git
from hfdeploy_localhub.store.git import MAIN, GitRepository
from hfdeploy_localhub.store.repos import Listing

from .api.conftest import client_for, commit, create, file

CLIENTS = 50
COUNTERS = 5
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[LocalHub]:
    with LocalHub(tmp_path / "hub", durable=False) as running:
        yield running


def test_of_what_fifty_clients_commit_at_once_nothing_is_lost(hub: LocalHub, tmp_path: Path) -> None:
    """Some count in one file, each from what it has read; the others add files to what is there."""

    def count(client: httpx.Client) -> list[str]:
        for _ in range(1000):
            answer = client.get("/local/m/resolve/main/count")
            number, head = int(answer.content or b"0"), answer.headers["X-Repo-Commit"]
            made = commit(
                client, file("count", b"%d" % (number + 1)), repo="models/local/m", parentCommit=head
            )
            if made.status_code == 200:
                return [made.json()["commitOid"]]
            assert made.status_code == 412
        raise AssertionError("never landed")

    def add(client: httpx.Client, number: int) -> list[str]:
        added = [
            commit(client, file(f"d{number % 7}/{number}-{item}", b"x"), repo="models/local/m")
            for item in range(2)
        ]
        assert {answer.status_code for answer in added} == {200}
        return [answer.json()["commitOid"] for answer in added]

    def work(number: int) -> list[str]:
        with client_for(hub, "local") as client:
            return count(client) if number < COUNTERS else add(client, number)

    with client_for(hub, "local") as local:
        create(local)
        commit(local, file("count", b"0"), repo="models/local/m")
        with ThreadPoolExecutor(CLIENTS) as pool:
            confirmed = [oid for oids in pool.map(work, range(CLIENTS)) for oid in oids]
        assert local.get("/local/m/resolve/main/count").content == b"%d" % COUNTERS
        history = local.get("/api/models/local/m/commits/main", params={"limit": 1000}).json()
        tree = local.get("/api/models/local/m/tree/main", params={"recursive": True}).json()
    assert len(confirmed) == len(set(confirmed)) == COUNTERS + 2 * (CLIENTS - COUNTERS)
    assert {item["id"] for item in history} >= set(confirmed)
    assert len(history) == len(confirmed) + 2
    added = [item for item in tree if item["path"].startswith("d") and item["type"] == "file"]
    assert len(added) == 2 * (CLIENTS - COUNTERS)
    (repository,) = (tmp_path / "hub/git").iterdir()
    checked = subprocess.run(["git", "-C", repository, "fsck", "--strict"], capture_output=True, text=True)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def make_folder(repository: pygit2.Repository, count: int) -> pygit2.Oid:
    blob = repository.create_blob(b"x")
    builder = repository.TreeBuilder()
    for number in range(count):
        builder.insert(f"f{number:06}", blob, pygit2.enums.FileMode.BLOB)
    return builder.write()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    """100,000 files: half of them in one folder, the others in a hundred."""
    folder = tmp_path_factory.mktemp("large") / "r.git"
    GitRepository.create(folder)
    repository = pygit2.Repository(str(folder))
    root = repository.TreeBuilder()
    small = make_folder(repository, 500)
    for number in range(100):
        root.insert(f"d{number:03}", small, pygit2.enums.FileMode.TREE)
    root.insert("flat", make_folder(repository, 50_000), pygit2.enums.FileMode.TREE)
    author = pygit2.Signature("a", "a@localhost", 0, 0)
    repository.create_commit(MAIN, author, author, "all", root.write(), [])
    return GitRepository(folder)


def test_a_page_of_a_tree_costs_what_the_page_does(
    large: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    head, looked_at = large.head(), list[str]()
    monkeypatch.setattr(large, "_describe", lambda path, found: looked_at.append(path))
    original = git._sort_key
    monkeypatch.setattr(git, "_sort_key", lambda entry: looked_at.append("") or original(entry))
    for folder, after in (("", None), ("", "d050/f000250"), ("", "flat/f025000"), ("flat", "flat/f049000")):
        looked_at.clear()
        entries = large.walk(head, folder, recursive=True, after=after)
        for _ in range(1000):
            next(entries, None)
        assert 900 < len(looked_at) < 1040


def test_ten_thousand_repos_are_listed_page_by_page(hub: LocalHub) -> None:
    """One commit serves all of them: it is the listing that is looked at."""
    store = hub._hub.store
    with client_for(hub, "local") as local:
        create(local, "r0")
    template = store.git_folder(store.repos.page(Listing())[0])
    with store.database.transaction():
        for number in range(1, 10_000):
            repo = store.repos.add("model", "local", f"r{number}", visibility="public", creator=None, now=NOW)
            if not 100 <= number < 9_700:  # those in between are on no page that is asked for
                store.git_folder(repo).symlink_to(template)
    with client_for(hub, "local") as local:
        for url in ("/api/models?author=local&limit=100", "/api/settings/repositories?limit=100"):
            first = local.get(url)
            assert [item["id"] for item in first.json()] == [f"local/r{n}" for n in range(9_999, 9_899, -1)]
            following = first.links["next"]["url"]
            assert local.get(following).json()[0]["id"] == "local/r9899"
            last = local.get(following.replace("cursor=9901", "cursor=51"))
            assert [item["id"] for item in last.json()] == [f"local/r{n}" for n in range(49, -1, -1)]
            assert not last.links

import gzip
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from hfdeploy_localhub import LocalHub, User
from hfdeploy_localhub.api import git as git_api
from hfdeploy_localhub.api.http_backend import find_backend

from .conftest import commit, create, file

Git = Callable[..., subprocess.CompletedProcess[str]]
LS_REFS = b"0014command=ls-refs\n0000"


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """Runs git with a home of its own."""
    (tmp_path / "home").mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "home"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }
    for who in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{who}_NAME": "a", f"GIT_{who}_EMAIL": "a@localhost"}

    def run(*words: str | Path, fails: bool = False) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["git", *words], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        assert (done.returncode != 0) is fails, done.stderr
        return done

    return run


def url_of(hub: LocalHub, user: str, path: str = "alice/m") -> str:
    return f"{hub.endpoint.replace('://', f'://{user}:{hub.tokens[user]}@')}/{path}"


def change(git: Git, clone: str, name: str = "new.txt", content: str = "x") -> str:
    (Path(git("-C", clone, "rev-parse", "--show-toplevel").stdout.strip()) / name).write_text(content)
    git("-C", clone, "add", "-A")
    git("-C", clone, "commit", "-qm", f"change {name}")
    return git("-C", clone, "rev-parse", "HEAD").stdout.strip()


def head(client: httpx.Client, repo: str = "alice/m") -> str:
    sha: str = client.get(f"/api/models/{repo}").json()["sha"]
    return sha


def bare(tmp_path: Path) -> Path:
    (folder,) = (tmp_path / "hub/git").iterdir()
    return folder


def test_a_moved_repo_is_found_under_its_old_name(git: Git, hub: LocalHub, alice: httpx.Client) -> None:
    create(alice)
    git("clone", "-q", url_of(hub, "alice"), "c")
    moved = {"fromRepo": "alice/m", "toRepo": "acme/n", "type": "model"}
    alice.post("/api/repos/move", json=moved).raise_for_status()
    answer = alice.get("/alice/m.git/info/refs?service=git-upload-pack")
    assert (answer.status_code, answer.headers["Location"]) == (
        307,
        "/acme/n.git/info/refs?service=git-upload-pack",
    )
    pushed = change(git, "c")
    git("-C", "c", "push", "-q")
    assert head(alice, "acme/n") == pushed


def test_an_author_extends_his_pull_request_and_nothing_else(
    git: Git, hub: LocalHub, alice: httpx.Client, mallory: httpx.Client
) -> None:
    create(alice)
    before = head(alice)
    proposed = commit(mallory, file("a.txt", b"a"), revision="main?create_pr=1")
    assert proposed.status_code == 200, proposed.text
    git("clone", "-q", url_of(hub, "mallory"), "c")
    git("-C", "c", "fetch", "-q", "origin", "refs/pr/1")
    git("-C", "c", "checkout", "-q", "FETCH_HEAD")
    pushed = change(git, "c")
    refused = git("-C", "c", "push", "origin", "HEAD:refs/heads/main", fails=True)
    assert "open a pull request" in refused.stderr
    git("-C", "c", "push", "-q", "origin", "HEAD:refs/pr/1")
    assert head(alice) == before
    events = alice.get("/api/models/alice/m/discussions/1").json()["events"]
    assert [event["data"]["oid"] for event in events if event["type"] == "commit"][1:] == [pushed]


def test_a_refused_push_leaves_nothing(
    git: Git, hub: LocalHub, alice: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_api, "LARGE_FILE_BYTES", 1000)
    create(alice)
    before = head(alice)
    git("clone", "-q", url_of(hub, "alice"), "c")
    change(git, "c", "small.txt", "x")
    pushed = change(git, "c", "big.txt", "x" * 1000)
    refused = git("-C", "c", "push", fails=True)
    assert "git-lfs" in refused.stderr
    assert "big.txt" in refused.stderr
    assert head(alice) == before
    kept = subprocess.run(["git", "-C", bare(tmp_path), "cat-file", "-e", pushed], capture_output=True)
    assert kept.returncode != 0
    assert not list((bare(tmp_path) / "objects").glob("*incoming*"))


def test_a_tag_leads_to_a_commit(git: Git, hub: LocalHub, alice: httpx.Client) -> None:
    create(alice)
    git("clone", "-q", url_of(hub, "alice"), "c")
    git("-C", "c", "tag", "tree", "HEAD^{tree}")
    assert "must lead to commits" in git("-C", "c", "push", "origin", "tree", fails=True).stderr
    git("-C", "c", "tag", "-a", "-m", "one", "v1")
    git("-C", "c", "push", "-q", "origin", "v1")
    assert [tag["name"] for tag in alice.get("/api/models/alice/m/refs").json()["tags"]] == ["v1"]


@pytest.mark.parametrize("suffix", ["", ".git"])
def test_bodies_may_be_compressed(alice: httpx.Client, stranger: httpx.Client, suffix: str) -> None:
    create(alice)
    headers = {
        "Git-Protocol": "version=2",
        "Content-Type": "application/x-git-upload-pack-request",
        "Content-Encoding": "gzip",
    }
    url = f"/alice/m{suffix}/git-upload-pack"
    answer = stranger.post(url, content=gzip.compress(LS_REFS), headers=headers)
    assert answer.headers["Content-Type"] == "application/x-git-upload-pack-result"
    assert f"{head(alice)} refs/heads/main".encode() in answer.content


@pytest.mark.parametrize(
    "path", ["HEAD", "config", "objects/info/packs", "info/refs", "info/refs?service=git-upload-archive"]
)
def test_nothing_but_the_smart_protocol(alice: httpx.Client, path: str) -> None:
    create(alice)
    assert alice.get(f"/alice/m.git/{path}").status_code in (400, 404)


def test_strangers_are_asked_who_they_are(
    alice: httpx.Client, mallory: httpx.Client, stranger: httpx.Client
) -> None:
    create(alice, visibility="private")
    for service in ("upload", "receive"):
        path = f"/alice/m/info/refs?service=git-{service}-pack"
        assert stranger.get(path).status_code == 401
        assert stranger.get(path).headers["WWW-Authenticate"].startswith("Basic ")
        assert mallory.get(path).status_code == 404
        assert alice.get(path).status_code == 200
        assert stranger.post(f"/alice/m/git-{service}-pack", content=LS_REFS).status_code == 401
        assert mallory.post(f"/alice/m/git-{service}-pack", content=LS_REFS).status_code == 404


def test_readers_do_not_push(alice: httpx.Client, mallory: httpx.Client, stranger: httpx.Client) -> None:
    create(alice)
    for path in ("/alice/m/info/refs?service=git-receive-pack", "/alice/m/git-receive-pack"):
        method = "GET" if "?" in path else "POST"
        assert stranger.request(method, path).status_code == 401
        refused = mallory.request(method, path)
        assert (refused.status_code, "write token" in refused.text) == (403, True)


def test_without_git_it_says_so(alice: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    create(alice)
    find_backend.cache_clear()
    monkeypatch.setenv("PATH", "")
    answer = alice.get("/alice/m/info/refs?service=git-upload-pack")
    monkeypatch.undo()
    assert (answer.status_code, "install git" in answer.text) == (501, True)
    assert alice.get("/alice/m/info/refs?service=git-upload-pack").status_code == 200


def test_a_slow_push_stops_nobody_and_ends_with_its_client(hub: LocalHub, alice: httpx.Client) -> None:
    create(alice)
    with begin_push(hub):
        wait_for(lambda: len(git_children()) >= 1)
        assert commit(alice, file("a.txt", b"a")).status_code == 200
    wait_for(lambda: git_children() == [])


def test_a_hub_that_ends_takes_its_children_along(tmp_path: Path) -> None:
    with LocalHub(tmp_path / "other", users=[User("alice")]) as hub:
        with httpx.Client(base_url=hub.endpoint, headers={"Authorization": f"Bearer {hub.token}"}) as client:
            create(client)
        slow = begin_push(hub)
        wait_for(lambda: len(git_children()) >= 1)
    with slow:
        assert git_children() == []


def begin_push(hub: LocalHub) -> socket.socket:
    """A push that says how much it will send, and stops."""
    host, port = hub.endpoint.removeprefix("http://").split(":")
    request = (
        f"POST /alice/m/git-receive-pack HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100000\r\n"
        f"Authorization: Bearer {hub.tokens['alice']}\r\n"
        f"Content-Type: application/x-git-receive-pack-request\r\n\r\n00a0{'0' * 40}"
    )
    slow = socket.create_connection((host, int(port)))
    slow.sendall(request.encode())
    return slow


def test_a_push_waits_for_who_moves_a_ref(git: Git, hub: LocalHub, alice: httpx.Client) -> None:
    create(alice)
    git("clone", "-q", url_of(hub, "alice"), "c")
    pushed = change(git, "c")
    before = head(alice)
    store = hub._hub.store
    repo = store.repos.find("model", "alice", "m")
    assert repo is not None
    pushing = threading.Thread(target=git, args=("-C", "c", "push", "-q"))
    with store.lock(repo):
        pushing.start()
        pushing.join(timeout=1.0)
        assert pushing.is_alive()
        assert head(alice) == before
    pushing.join()
    assert head(alice) == pushed


def git_children() -> list[str]:
    """The commands named git that this process has started."""
    found = list[str]()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name, _, rest = (folder / "stat").read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        if int(rest.split()[1]) == os.getpid() and name.startswith("git"):
            found.append(name)
    return found


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(200):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it did not come to be")


def test_pushes_and_commits_side_by_side_are_all_kept(
    git: Git, hub: LocalHub, alice: httpx.Client, tmp_path: Path
) -> None:
    create(alice)

    def push(number: int) -> None:
        clone = f"c{number}"
        git("clone", "-q", url_of(hub, "alice"), clone)
        change(git, clone, f"pushed{number}")
        for _ in range(50):
            try:
                git("-C", clone, "push", "-q")
            except AssertionError:
                git("-C", clone, "pull", "-q", "--rebase")
            else:
                return
        raise AssertionError("never pushed")

    def upload(number: int) -> None:
        for item in range(5):
            assert commit(alice, file(f"uploaded{number}-{item}", b"x")).status_code == 200

    failed = list[BaseException]()

    def guarded(work: Callable[[int], None], number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=guarded, args=(work, n)) for work in (push, upload) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    names = {entry["path"] for entry in alice.get("/api/models/alice/m/tree/main").json()}
    uploaded = {f"uploaded{number}-{item}" for number in range(3) for item in range(5)}
    assert names == {".gitattributes", "pushed0", "pushed1", "pushed2"} | uploaded
    checked = git("-C", bare(tmp_path), "fsck", "--strict", "--no-dangling")
    assert "error" not in checked.stdout + checked.stderr

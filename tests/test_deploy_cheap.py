"""What is unchanged is neither read nor sent, seen from outside: requests on the wire, and files opened."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi

import hfdeploy_core
from hfdeploy_core.hub.client import HubClient
from hfdeploy_core.hub.wire import Wire
from hfdeploy_localhub import LocalHub

FILES = 1500
_opened: list[str] = []


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open":
        _opened.append(os.fsdecode(arguments[0]) if isinstance(arguments[0], str | bytes) else "")


@pytest.fixture(scope="module", autouse=True)
def _audited() -> None:
    sys.addaudithook(_watch)


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every request that is sent, as `METHOD path`."""
    sent: list[str] = []
    send = Wire.send

    def counted(wire: Wire, method: str, url: str, headers: dict[str, str], body: bytes | None) -> object:
        sent.append(f"{method} {url.partition('?')[0].partition('/api/')[2]}")
        return send(wire, method, url, headers, body)

    monkeypatch.setattr(Wire, "send", counted)
    return sent


def git(root: Path, *arguments: str) -> None:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    subprocess.run(command, cwd=root, check=True, capture_output=True)


@pytest.fixture
def clone(workspace: Path) -> Path:
    """A fresh clone: a clean checkout without any cache."""
    origin = workspace / "origin"
    origin.mkdir()
    for number in range(FILES):
        (origin / f"d{number % 7}").mkdir(exist_ok=True)
        (origin / f"d{number % 7}" / f"{number}.txt").write_text(f"content {number}\n")
    git(origin, "init", "-q")
    git(origin, "add", "-A")
    git(origin, "commit", "-qm", "x")
    git(workspace, "clone", "-q", str(origin), "clone")
    return workspace / "clone"


@pytest.fixture
def client(hub: LocalHub, canary: str) -> Iterator[HubClient]:
    with HubClient(endpoint=hub.endpoint, token=canary, on_event=lambda event: None) as client:
        yield client


def read(root: Path) -> set[str]:
    """Which files of the source were opened since the last time."""
    found = {path for path in _opened if path.startswith(f"{root}/") and "/.git/" not in path}
    _opened.clear()
    return {path.removeprefix(f"{root}/") for path in found}


def test_an_unchanged_clone_costs_two_requests_and_no_file_is_read(
    clone, client, requests, api: HfApi
) -> None:
    first = hfdeploy_core.deploy(clone, "alice/m", repo_type="model", hub=client)
    assert len(api.list_repo_commits("alice/m")) == 2
    assert read(clone)
    requests.clear()
    second = hfdeploy_core.deploy(clone, "alice/m", repo_type="model", mirror=True, hub=client)
    assert (second.changed, second.commit, second.files_unchanged) == (False, first.commit, FILES)
    assert sorted(requests) == ["GET models/alice/m", "GET models/alice/m/commits/main"]
    assert read(clone) <= {".hfdeploy/hashes.json"}


def test_one_changed_file_costs_five_requests_and_only_it_is_read(
    clone, client, requests, api: HfApi
) -> None:
    hfdeploy_core.deploy(clone, "alice/m", repo_type="model", hub=client)
    (clone / "d1" / "1.txt").write_text("other\n")
    git(clone, "commit", "-qam", "y")
    requests.clear()
    read(clone)
    outcome = hfdeploy_core.deploy(clone, "alice/m", repo_type="model", hub=client)
    assert (outcome.files_updated, outcome.files_unchanged) == (1, FILES - 1)
    assert len(requests) <= 5
    assert not any("/tree/" in request for request in requests)
    assert read(clone) <= {"d1/1.txt", ".hfdeploy/hashes.json", ".hfdeploy/journal.jsonl"}
    assert Path(api.hf_hub_download("alice/m", "d1/1.txt")).read_text() == "other\n"


def test_where_somebody_else_committed_the_tree_is_listed_and_mended(clone, client, requests, api) -> None:
    hfdeploy_core.deploy(clone, "alice/m", repo_type="model", hub=client)
    api.upload_file(path_or_fileobj=b"theirs", path_in_repo="d1/1.txt", repo_id="alice/m")
    requests.clear()
    outcome = hfdeploy_core.deploy(clone, "alice/m", repo_type="model", hub=client)
    assert outcome.files_updated == 1
    assert sum("/tree/" in request for request in requests) == 2
    assert Path(api.hf_hub_download("alice/m", "d1/1.txt")).read_text() == "content 1\n"


def test_the_unchanged_path_imports_neither_the_library_nor_yaml(clone, run, canary: str) -> None:
    assert run("hfdeploy", "deploy", clone, "alice/m", "--type", "model").returncode == 0
    code = (
        "import sys, hfdeploy_core; hfdeploy_core.deploy(sys.argv[1], 'alice/m', repo_type='model');"
        "assert not {'huggingface_hub', 'httpx2', 'yaml'} & set(sys.modules)"
    )
    done = run("python", "-c", code, clone)
    assert done.returncode == 0, done.stderr

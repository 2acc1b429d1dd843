import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from hfdeploy_localhub import LocalHub, User

Commit = Callable[..., httpx.Response]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[LocalHub]:
    users = (User("alice", organisations=("acme",)), User("mallory"))
    with LocalHub(tmp_path / "hub", users=users, venv_cache=tmp_path / "venvs") as running:
        yield running


def client_for(hub: LocalHub, user: str | None) -> httpx.Client:
    headers = {"Authorization": f"Bearer {hub.tokens[user]}"} if user else {}
    return httpx.Client(base_url=hub.endpoint, headers=headers, timeout=20)


@pytest.fixture
def alice(hub: LocalHub) -> Iterator[httpx.Client]:
    with client_for(hub, "alice") as client:
        yield client


@pytest.fixture
def mallory(hub: LocalHub) -> Iterator[httpx.Client]:
    with client_for(hub, "mallory") as client:
        yield client


@pytest.fixture
def stranger(hub: LocalHub) -> Iterator[httpx.Client]:
    with client_for(hub, None) as client:
        yield client


def create(client: httpx.Client, name: str = "m", **body: Any) -> httpx.Response:
    return client.post("/api/repos/create", json={"name": name, **body})


def lines(*items: tuple[str, dict[str, Any]]) -> bytes:
    return "".join(json.dumps({"key": key, "value": value}) + "\n" for key, value in items).encode()


def commit(
    client: httpx.Client,
    *items: tuple[str, dict[str, Any]],
    repo: str = "models/alice/m",
    revision: str = "main",
    **header: Any,
) -> httpx.Response:
    body = lines(("header", {"summary": "change", **header}), *items)
    return client.post(f"/api/{repo}/commit/{revision}", content=body)


def file(path: str, content: bytes) -> tuple[str, dict[str, Any]]:
    encoded = base64.b64encode(content).decode()
    return "file", {"path": path, "content": encoded, "encoding": "base64"}

"""Takes the place of the client's own conftest, which its sdist leaves out: fixtures by the names it used.

Copied beside the tests before they run; see test_upstream.py.
"""

import contextlib
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import HfApi, RepoUrl, constants

from .testing_constants import ENDPOINT_STAGING, TOKEN
from .testing_utils import repo_name

RepoFactory = Callable[..., RepoUrl]  # the tests import this name
_FOLDERS = {
    "HF_HUB_CACHE": "hub",
    "HUGGINGFACE_HUB_CACHE": "hub",
    "HF_XET_CACHE": "xet",
    "HF_ASSETS_CACHE": "assets",
    "HF_TOKEN_PATH": "token",
    "HF_STORED_TOKENS_PATH": "stored_tokens",
}


@pytest.fixture(autouse=True)
def home_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setattr(constants, "HF_HOME", str(home))
    for name, leaf in _FOLDERS.items():
        monkeypatch.setattr(constants, name, str(home / leaf), raising=False)
    return home


@pytest.fixture(autouse=True)
def plain_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line's tests compare what it prints."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_EXPERIMENTAL_WARNING", True, raising=False)
    with contextlib.suppress(ImportError, AttributeError):
        from huggingface_hub.utils import _detect_agent

        monkeypatch.setattr(_detect_agent, "_registry", _detect_agent._EMPTY_REGISTRY)
    with contextlib.suppress(ImportError, AttributeError):
        from huggingface_hub.cli._output import out

        out.set_mode()
        out.set_no_truncate(False)


@pytest.fixture(autouse=True)
def what_the_marks_ask_for(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    node = request.node
    if node.get_closest_marker("xet"):
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
        monkeypatch.delenv("HF_HUB_DISABLE_XET", raising=False)
    with contextlib.ExitStack() as warnings:
        for mark in node.iter_markers("deprecated"):
            for name in mark.args:
                warnings.enter_context(pytest.warns(FutureWarning, match=rf".*'{name}'.*"))
        yield


@pytest.fixture(scope="session")
def api() -> HfApi:
    return HfApi(endpoint=ENDPOINT_STAGING, token=TOKEN)


@pytest.fixture
def repo_factory(api: HfApi) -> Iterator[RepoFactory]:
    """Makes repos that are gone after the test."""
    made: list[tuple[str, str, Any]] = []

    def make(repo_type: str = "model", **options: Any) -> RepoUrl:
        options.setdefault("repo_id", repo_name(prefix=repo_type))
        if repo_type == "space":
            options.setdefault("space_sdk", "gradio")
        url = api.create_repo(repo_type=repo_type, **options)
        made.append((url.repo_id, repo_type, options.get("token")))
        return url

    yield make
    for repo_id, repo_type, token in made:
        with contextlib.suppress(Exception):
            api.delete_repo(repo_id, repo_type=repo_type, token=token)


@pytest.fixture
def new_repo_id(api: HfApi) -> Iterator[str]:
    repo_id = f"{api.whoami()['name']}/{uuid.uuid4().hex}"
    yield repo_id
    for repo_type in ("model", "dataset", "space"):
        api.delete_repo(repo_id, repo_type=repo_type, missing_ok=True)

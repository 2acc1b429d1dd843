"""The Hub that the integration tests use: the local one, or the real one where a token for it is given.

Only `.github/workflows/integration-hf.yml` gives one. Every repo has a marked name, and its id is in the
journal before it is made, so that `clean_up.py` finds what a job left that was killed.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from hfdeploy_janitor import mark
from hfdeploy_localhub import LocalHub

TOKEN_VARIABLE = "HFDEPLOY_INTEGRATION_TOKEN"
JOURNAL_VARIABLE = "HFDEPLOY_INTEGRATION_JOURNAL"
_HUB = "https://huggingface.co"
_KEY = "names need no secrecy here: nobody deletes by them"


@dataclass(frozen=True)
class Place:
    """A Hub and who we are there."""

    endpoint: str
    token: str
    namespace: str

    @property
    def api(self) -> HfApi:
        return HfApi(endpoint=self.endpoint, token=self.token)


@pytest.fixture
def place(request: pytest.FixtureRequest, canary: str) -> Place:
    token = os.environ.get(TOKEN_VARIABLE)
    if token:
        return Place(_HUB, token, HfApi(endpoint=_HUB, token=token).whoami()["name"])
    hub: LocalHub = request.getfixturevalue("hub")
    return Place(hub.endpoint, canary, "alice")


@pytest.fixture
def name_repo(place: Place, tmp_path: Path) -> Iterator[Callable[[str, str], str]]:
    """A new name for a repo, gone with all that begins with it when the test ends."""
    journal = Path(os.environ.get(JOURNAL_VARIABLE) or tmp_path / "journal.jsonl")
    made: list[tuple[str, str]] = []

    def name_one(type: str, case: str, suffix: str = "") -> str:
        run = f"{os.environ.get('GITHUB_RUN_ID', 'local')}{case}"
        name = mark(place.namespace, type, ttl="2h", run=run, key=_KEY, endpoint=place.endpoint)
        for whole in {name, name + suffix}:
            repo = (type, f"{place.namespace}/{whole}")
            made.append(repo)
            with journal.open("a") as stream:
                stream.write(json.dumps(repo) + "\n")
        return f"{place.namespace}/{name}"

    yield name_one
    for type, repo in made:
        place.api.delete_repo(repo, repo_type=type, missing_ok=True)

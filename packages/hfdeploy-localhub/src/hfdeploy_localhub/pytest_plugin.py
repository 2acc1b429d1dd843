"""The pytest plugin: a local hub as a fixture."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hfdeploy_localhub.server import LocalHub


@pytest.fixture
def localhub(tmp_path: Path) -> Iterator[LocalHub]:
    """A hub of the test's own: ``localhub.endpoint``, ``localhub.token``, ``localhub.add_user(...)``."""
    with LocalHub(tmp_path / "localhub") as hub:
        yield hub

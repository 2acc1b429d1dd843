"""The pytest plugin: a local hub as a fixture. Whoever asks for none does not wait for it to be imported."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from hfdeploy_localhub.serving import HubLoop, LocalHub


@pytest.fixture(scope="session")
def _localhub_loop() -> "Iterator[HubLoop]":
    """One thread for the hubs of all tests: to start one is most of what a hub costs."""
    from hfdeploy_localhub.serving import HubLoop

    loop = HubLoop()
    yield loop
    loop.stop()


@pytest.fixture
def localhub(tmp_path: Path, _localhub_loop: "HubLoop") -> "Iterator[LocalHub]":
    """A hub of the test's own, with a data folder, a port, users, faults and a request log of its own:
    ``localhub.endpoint``, ``localhub.token``, ``localhub.add_user(...)``, ``.faults``, ``.requests``.
    """
    from hfdeploy_localhub.serving import LocalHub

    with LocalHub(tmp_path / "localhub", loop=_localhub_loop, durable=False) as hub:
        yield hub

"""What the janitor's tests share: a clock that stands still, a Hub in memory, and a local hub with a past."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from hfdeploy_core.testing import FakeClock
from hfdeploy_janitor.mark import Seal
from hfdeploy_janitor.rules import Kind, Policy, Rule
from hfdeploy_janitor.testing import FakeHub
from hfdeploy_localhub import LocalHub, User

HOUR = 3600.0


class Past:
    """The local hub's clock: the machine's own, moved by `ahead`."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def hub(clock: FakeClock) -> FakeHub:
    return FakeHub(clock)


@pytest.fixture
def seal() -> Seal:
    return Seal("https://hub.test", b"a key for tests")


@pytest.fixture
def policy() -> Policy:
    """Whatever of alice's begins with test- lives six hours."""
    return Policy((Rule("alice", "test-", 6 * HOUR),))


@pytest.fixture
def past() -> Past:
    return Past()


@pytest.fixture
def local(tmp_path: Path, past: Past, canary: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """A local hub whose clock is `past`, as the environment's Hub, with alice, a member of acme, and bob."""
    users = (User("alice", canary, ("acme",)), User("bob"))
    with LocalHub(tmp_path / "hub", users=users, durable=False, clock=past) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint)
        yield running


@pytest.fixture
def api(local: LocalHub, canary: str) -> HfApi:
    return HfApi(endpoint=local.endpoint, token=canary)


def age(hours: float) -> timedelta:
    return timedelta(hours=hours)


MODEL, DATASET, SPACE = Kind.MODEL, Kind.DATASET, Kind.SPACE

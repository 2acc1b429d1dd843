"""Shared by the tests of the command: it runs in this process, over the fake Hub."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import hfdeploy_core
from hfdeploy.cli.app import app
from hfdeploy_core.testing import FakeClock, FakeHub


@pytest.fixture
def hub() -> FakeHub:
    return FakeHub()


@pytest.fixture
def run(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run `hfdeploy ARGUMENTS...` with the fake Hub as the Hub, and not as in CI, where it waits."""
    monkeypatch.delenv("CI", raising=False)
    for verb in (
        hfdeploy_core.deploy,
        hfdeploy_core.apply,
        hfdeploy_core.destroy,
        hfdeploy_core.create_preview,
    ):
        monkeypatch.setattr(hfdeploy_core, verb.__name__, partial(verb, hub=hub, clock=FakeClock()))
    for reader in (
        hfdeploy_core.plan,
        hfdeploy_core.list_previews,
        hfdeploy_core.plan_destroy,
        hfdeploy_core.plan_destroy_preview,
        hfdeploy_core.plan_promote,
        hfdeploy_core.plan_rollback,
        hfdeploy_core.status,
        hfdeploy_core.diff,
        hfdeploy_core.diagnose,
    ):
        monkeypatch.setattr(hfdeploy_core, reader.__name__, partial(reader, hub=hub))
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    root.mkdir()
    (root / "README.md").write_text("---\nsdk: static\n---\n")
    (root / "index.html").write_text("<p>")
    (root / ".env").write_text("SECRET=1")
    return root

from pathlib import Path

import pytest

from hfdeploy_core.running.steps.context import StepContext
from hfdeploy_core.testing import FakeClock


@pytest.fixture
def lines() -> list[str]:
    """What a step has told."""
    return []


@pytest.fixture
def context(tmp_path: Path, lines: list[str], clock: FakeClock) -> StepContext:
    """Where a step runs, with a token and a variable in the environment."""
    environment = {"PATH": "/usr/bin:/bin", "HF_TOKEN": "x" * 12, "A": "a"}
    return StepContext(tmp_path, "app", "staging", environment, lines.append, clock)

"""The list of invariants, over thousands of histories: `make fuzz` runs many more than `make test`."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from hfdeploy_core.testing import FakeClock
from hfdeploy_localhub import LocalHub

from .machine import Histories
from .worlds import LocalWorld, World

HISTORIES = int(os.environ.get("HFDEPLOY_HISTORIES", "300"))
LOCAL_HISTORIES = max(10, HISTORIES // 100)
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


@pytest.mark.timeout(3600)
def test_histories_over_a_hub_in_memory() -> None:
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=HISTORIES, stateful_step_count=15, deadline=None, suppress_health_check=QUIET
        ),
    )


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[tuple[LocalHub, FakeClock]]:
    clock = FakeClock()
    with LocalHub(tmp_path, durable=False, clock=clock.now) as local:
        yield local, clock


@pytest.mark.timeout(3600)
def test_histories_over_the_local_hub(
    shared: tuple[LocalHub, FakeClock], monkeypatch: pytest.MonkeyPatch
) -> None:
    local, clock = shared
    count = 0

    class LocalHistories(Histories):
        def make_world(self) -> World:
            nonlocal count
            count += 1
            local.faults.clear()
            return LocalWorld(local, clock, count)

    monkeypatch.setattr("hfdeploy_janitor.client._PAGE", 2)
    run_state_machine_as_test(
        LocalHistories,
        settings=settings(
            max_examples=LOCAL_HISTORIES,
            stateful_step_count=8,
            deadline=None,
            suppress_health_check=QUIET,
            database=None,
        ),
    )
    assert count >= LOCAL_HISTORIES

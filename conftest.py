"""For every test of the repository."""

import os
from collections.abc import Iterator

import pytest

from hfdeploy_core.redact import _remembered

pytest_plugins = ["canary"]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """In CI every system part is installed, so that a skipped test is a fault of the set-up."""
    outcome = yield
    report: pytest.TestReport = outcome.get_result()
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped in CI: {report.longrepr}"


@pytest.fixture(autouse=True)
def secrets_of_one_test() -> Iterator[None]:
    """What is masked in one test is not in the next: a process remembers its secrets."""
    before = set(_remembered)
    yield
    _remembered.clear()
    _remembered.update(before)

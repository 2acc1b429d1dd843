"""A pytest plugin that looks for a token in all that a test printed, logged, raised or stored.

The token is the one of the whole suite: ``HF_TOKEN`` in the environment of every test, and the token of the
user of the hubs that tests start. A test that leaves it anywhere fails, whatever else it asserts.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

CANARY = "hf_" + "canaryDoNotLeak" + "Xq7Zw3Kp9RtB2mLs"
MASK = "[the token]"
_READ_BYTES = 4 * 1024 * 1024


def pytest_configure(config: pytest.Config) -> None:
    """The environment of every test, whoever runs the suite: nobody's real token, home or endpoint."""
    for name in list(os.environ):
        if name.startswith("HF_") and name != "HF_TEST_WORKSPACE":
            del os.environ[name]
    home = tempfile.TemporaryDirectory(prefix="hfdeploy-home-")
    config.add_cleanup(home.cleanup)
    os.environ |= {
        "HF_HOME": home.name,
        "HF_TOKEN": CANARY,
        "HF_ENDPOINT": "http://127.0.0.1:9",  # nobody listens there: a test without a hub reaches none
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "NO_COLOR": "1",
    }


@pytest.fixture
def canary() -> str:
    """The token of the suite."""
    return CANARY


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome = yield
    report: pytest.TestReport = outcome.get_result()
    raised = report.longreprtext if call.excinfo is not None else ""
    if any(CANARY in text for text in (raised, *(text for _, text in report.sections))):
        report.outcome = "failed"
        told = f"{raised}\n{item.nodeid}: the token was printed, logged or raised"
        report.longrepr = told.replace(CANARY, MASK)
        report.sections = [(name, text.replace(CANARY, MASK)) for name, text in report.sections]


@pytest.fixture(autouse=True)
def _nothing_stored(request: pytest.FixtureRequest) -> Iterator[None]:
    folders = [Path(os.environ["HF_HOME"])]
    if "tmp_path" in request.fixturenames:
        folders.append(request.getfixturevalue("tmp_path"))
    yield
    left = [path for folder in folders for path in files_with(CANARY.encode(), folder)]
    assert not left, f"the token was stored in {left}"


def files_with(needle: bytes, folder: Path) -> Iterator[Path]:
    """Every file below ``folder`` that holds ``needle``, in its content or its name."""
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            if needle in os.fsencode(name) or (
                path.is_file() and not path.is_symlink() and _holds(path, needle)
            ):
                yield path


def _holds(path: Path, needle: bytes) -> bool:
    with path.open("rb") as file:
        tail = b""
        while data := file.read(_READ_BYTES):
            if needle in tail + data:
                return True
            tail = data[-len(needle) :]
    return False

"""The watchdog barks: a test that leaves the token somewhere fails for that alone."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from canary import CANARY

SUPPORT = Path(__file__).parent / "support"
LEAKS = {
    "prints": "def test(canary): print(canary)",
    "logs": "import logging\ndef test(canary): logging.warning('sent %s', canary)",
    "raises": "def test(canary): raise ValueError(canary)",
    "stores": "def test(canary, tmp_path): (tmp_path / 'f').write_text('x' * 100 + canary)",
    "stores at home": "import os\ndef test(canary): open(os.environ['HF_HOME'] + '/f', 'w').write(canary)",
    "names": "def test(canary, tmp_path): (tmp_path / canary).touch()",
}


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not ``tmp_path``: what leaks into that would fail this very test."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.mark.parametrize("way", LEAKS)
def test_a_leak_fails_the_test(way: str, folder: Path) -> None:
    done = run_pytest(LEAKS[way], folder)
    assert done.returncode == 1, done.stdout
    assert "the token was" in done.stdout
    assert CANARY not in done.stdout.replace(f"/{CANARY}'", "")


def test_a_clean_test_passes(folder: Path) -> None:
    done = run_pytest("def test(canary, tmp_path): (tmp_path / 'f').write_text('fine')", folder)
    assert done.returncode == 0


def run_pytest(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(code)
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {SUPPORT}\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "canary",
        "-p",
        "no:cacheprovider",
        "-q",
        "--show-capture=all",
    ]
    return subprocess.run(
        [*command, "-p", "no:hfdeploy_localhub", "--basetemp", folder / "t", "test_it.py"],
        cwd=folder,
        capture_output=True,
        text=True,
    )

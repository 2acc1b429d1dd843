"""`make demo`, as a user runs it."""

import subprocess
import sys

from .conftest import ROOT


def test_the_demo_shows_the_main_job() -> None:
    done = subprocess.run([sys.executable, ROOT / "demo/run.py"], capture_output=True, text=True, timeout=110)
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    assert done.stdout.count("WebSocket 11.868") == 2
    for told in (
        "relay local/orbits-proxy",
        "not there",
        "nothing to do",
        "out of fuel",
        "came and went",
        "4 targets applied with steps, in sync, destroyed",
    ):
        assert told in done.stdout

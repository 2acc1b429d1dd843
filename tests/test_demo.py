"""`make demo`, as a user runs it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

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


def test_a_demo_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [sys.executable, ROOT / "demo/run.py"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not (ready := list(tmp_path.glob("hfdeploy-demo-*/ready.json"))):
        assert demo.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    endpoint = json.loads(ready[0].read_text())["endpoint"]
    demo.terminate()
    _, said = demo.communicate(timeout=60)
    assert (demo.returncode, said) == (130, "Interrupted.\n")
    with pytest.raises(URLError):
        urlopen(endpoint)
    assert list(tmp_path.glob("hfdeploy-demo-*")) == []

"""The local hub, by the Hub's client for JavaScript."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hfdeploy_localhub import LocalHub

NODE_MODULES = Path(sys.prefix) / "node" / "node_modules"


@pytest.mark.parametrize("type", ["model", "dataset", "space"])
def test_files_go_up_and_come_back(localhub: LocalHub, type: str) -> None:
    node = shutil.which("node")
    if node is None or not NODE_MODULES.exists():
        pytest.skip("needs node and @huggingface/hub")
    program = Path(__file__).with_name("hub_client.mjs")
    command = [node, program, NODE_MODULES, localhub.endpoint, localhub.token, type]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "user": "local",
        "name": "local/js",
        "private": True,
        "missing": None,
        "sizes": {
            "false/empty.txt": 0,
            "false/large.bin": 11_000_005,
            "true/a b/ü.txt": 9,
            "true/empty.txt": 0,
            "true/large.bin": 11_000_004,
        },
        "commits": 4,
    }

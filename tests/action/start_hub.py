"""Starts a local hub that outlives its step in a workflow: ``start_hub.py PORT USER:TOKEN``."""

import os
import subprocess
import sys
import time
from pathlib import Path

_PATIENCE_SECONDS = 60


def main(port: str, user: str) -> int:
    folder = Path(os.environ["RUNNER_TEMP"])
    ready = folder / "ready.json"
    command = ["hfdeploy-localhub", "serve", "--data", str(folder / "hub"), "--port", port, "--user", user]
    with (folder / "hub.log").open("w") as log:
        subprocess.Popen(
            [*command, "--ready-file", str(ready)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    until = time.monotonic() + _PATIENCE_SECONDS
    while not ready.exists():
        if time.monotonic() > until:
            print((folder / "hub.log").read_text())
            return 1
        time.sleep(0.2)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

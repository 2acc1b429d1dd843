"""How long 200 targets take to plan, each answer of the Hub delayed by 50 ms: new ones, and all in sync.

Prints seconds, requests and the most memory that the command took.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BIN = Path(sys.executable).parent
TARGETS = 200
FAULT = "* /** latency_seconds=0.05"


def write_project(folder: Path, targets: int) -> None:
    """A manifest of so many targets, with a folder each."""
    lines = ["version: 1", "targets:"]
    for number in range(targets):
        source = folder / f"s{number}"
        source.mkdir()
        for name in ("a.txt", "b.txt"):
            (source / name).write_text(f"{number} {name}")
        lines.append(f"  t{number}: {{type: model, repo: local/t{number}, source: ./s{number}}}")
    (folder / "hfdeploy.yaml").write_text("\n".join(lines) + "\n")


def run(folder: Path, environment: dict[str, str], *words: str) -> tuple[float, str]:
    """Seconds, and what was told last."""
    started = time.perf_counter()
    command = [str(BIN / "hfdeploy"), *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    return time.perf_counter() - started, done.stdout.splitlines()[-1]


def measure(targets: int) -> None:
    """One table row for so many targets."""
    with tempfile.TemporaryDirectory(prefix="hfdeploy-bench-") as name:
        folder, ready = Path(name) / "project", Path(name) / "ready.json"
        folder.mkdir()
        write_project(folder, targets)
        command = [
            str(BIN / "hfdeploy-localhub"),
            "serve",
            "--port=0",
            f"--data={name}/hub",
            f"--ready-file={ready}",
        ]
        with subprocess.Popen([*command, f"--fault={FAULT}"], stdout=subprocess.DEVNULL) as hub:
            try:
                while not ready.exists():
                    time.sleep(0.05)
                told = json.loads(ready.read_text())
                environment = {
                    **os.environ,
                    "HF_ENDPOINT": told["endpoint"],
                    "HF_TOKEN": told["users"][0]["token"],
                }
                new, _ = run(folder, environment, "plan", "--json")
                applied, _ = run(folder, environment, "apply", "--yes", "--json")
                synced, _ = run(folder, environment, "plan", "--json")
            finally:
                hub.terminate()
    most_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
    print(f"{targets:7d}  {new:10.2f}  {applied:10.2f}  {synced:10.2f}  {most_mb:8.0f}")


def main() -> None:
    print("targets  plan new s     apply s  plan sync s   most MB")
    for targets in (20, TARGETS):
        measure(targets)


if __name__ == "__main__":
    main()

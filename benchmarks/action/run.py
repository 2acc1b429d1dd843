"""Set-up times of actions side by side, with empty caches, in interleaved rounds: benchmarks/action/run.py

What is timed is the install step of each and one start of what it installed, on this environment's Python:
- nateraw/huggingface-sync-action: `pip install -r requirements.txt` (what that file says), then its imports;
- huggingface/hub-sync: `uvx hf ...`, with uv in place: its step that fetches uv is not counted;
- ours, with uv and with pip alone: the step itself, up to the refusal of its empty inputs.
"""

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path

from hfdeploy_action.environment import choose_variables
from hfdeploy_action.errors import InputsInvalid

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).parent / "uv"
ROUNDS = 3
THEIRS = ("huggingface_hub==0.11.1", "fire==0.4.0")
START = ROOT / "packages/hfdeploy-action/start.sh"


class Runner:
    """A machine on which nothing is cached."""

    def __init__(self, folder: Path, *, has_uv: bool) -> None:
        self.folder = folder
        venv.create(folder / "python", with_pip=True, symlinks=True)
        self.bin = folder / "python/bin"
        if has_uv:
            (self.bin / "uv").symlink_to(UV)
            (self.bin / "uvx").symlink_to(UV.with_name("uvx"))
        self.environment = {
            **choose_variables(os.environ),
            "PATH": f"{self.bin}:/usr/bin:/bin",
            "HOME": str(folder),
            "RUNNER_TEMP": str(folder),
            "UV_CACHE_DIR": str(folder / "cache"),
            "PIP_CACHE_DIR": str(folder / "cache"),
        }

    def run(self, *command: str | Path, ends_with: int = 0) -> None:
        done = subprocess.run(command, env=self.environment, cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == ends_with, done.stdout + done.stderr


def start_ours(runner: Runner) -> None:
    runner.run("/bin/sh", START, ends_with=InputsInvalid.exit_code)


def start_nateraw(runner: Runner) -> None:
    runner.run(runner.bin / "pip", "install", *THEIRS)
    runner.run(runner.bin / "python", "-c", "import fire, huggingface_hub")


def start_hub_sync(runner: Runner) -> None:
    runner.run(runner.bin / "uvx", "hf", "upload", "--help")


ACTIONS: dict[str, tuple[bool, Callable[[Runner], None]]] = {
    "ours, uv": (True, start_ours),
    "ours, pip": (False, start_ours),
    "huggingface/hub-sync, uv": (True, start_hub_sync),
    "nateraw/huggingface-sync-action, pip": (False, start_nateraw),
}


def read_cpu_seconds() -> float:
    """What the processes that were started have spent: others on this machine do not change it much."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> int:
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in ACTIONS}
    for _ in range(ROUNDS):
        for name, (has_uv, start) in ACTIONS.items():
            folder = Path(tempfile.mkdtemp(prefix="hfdeploy-bench-"))
            try:
                runner = Runner(folder, has_uv=has_uv)
                began, spent = time.perf_counter(), read_cpu_seconds()
                start(runner)
                measured[name].append((time.perf_counter() - began, read_cpu_seconds() - spent))
            finally:
                shutil.rmtree(folder)
    for name, told in measured.items():
        seconds, cpu_seconds = map(statistics.median, zip(*told, strict=True))
        print(f"{name:<40} {seconds:6.1f} s, of the processor {cpu_seconds:5.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())

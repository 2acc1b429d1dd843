"""Deploys beside `hf upload`, against the local hub with 50 ms a request: benchmarks/deploy/run.py [CASE...]

Both in turns, medians of the rounds; each time a process of its own. Cases: unchanged, one, new, large, huge,
start; all of them without arguments. `large` and `huge` take 25 GB of disk for a while; what they write is
generated, mostly holes, and deleted in the end.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

from hfdeploy_localhub import LocalHub, User

BIN = Path(sys.executable).parent
MEASURING = Path(__file__).parent / "measuring.py"
LATENCY = "* /** latency_seconds=0.05"
REPO = "alice/m"
FILES = 10_000
LARGE_FILES, LARGE_BYTES, HUGE_BYTES = 20, 500_000_000, 5_000_000_000
ROUNDS = 3


@dataclass(frozen=True)
class Measured:
    """One process: how long it took, the most memory it had, what it read, and what it asked the hub."""

    seconds: float
    cpu_seconds: float
    hub_cpu_seconds: float
    peak_mb: float
    read_mb: float
    requests: int
    trees: int
    commits: int


class Bench:
    """A hub, and a place for folders."""

    def __init__(self, hub: LocalHub, folder: Path) -> None:
        self.hub = hub
        self.folder = folder
        self.environment = {
            **os.environ,
            "HF_ENDPOINT": hub.endpoint,
            "HF_TOKEN": hub.tokens["alice"],
            "HF_HOME": str(folder / "hf"),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "CI": "",
        }

    def run(self, *command: str | Path) -> Measured:
        """Run one process to its end, and fail if it fails."""
        self.hub.requests.clear()
        # The hub runs in this very process, and nothing else does.
        hub_cpu_seconds = time.process_time()
        done = subprocess.run(
            [sys.executable, "-S", "-E", MEASURING, BIN / command[0], *command[1:]],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        return Measured(
            **json.loads(done.stdout),
            hub_cpu_seconds=time.process_time() - hub_cpu_seconds,
            requests=len(self.hub.requests),
            trees=self.hub.requests.count("GET", "/api/**/tree/**"),
            commits=self.hub.requests.count("POST", "/api/**/commit/*"),
        )

    def deploy(self, source: Path, repo: str = REPO, *options: str) -> Measured:
        return self.run("hfdeploy", "deploy", source, repo, "--type", "model", *options)

    def upload(self, source: Path, repo: str = REPO) -> Measured:
        return self.run("hf", "upload", repo, source, ".")

    def delete(self, repo: str = REPO) -> None:
        self.run("hf", "repos", "delete", repo, "--yes")

    def clone(self, source: Path) -> Path:
        """A fresh clone: nothing of it is in a cache of ours, and git's index is as git left it."""
        place = self.folder / "clone"
        shutil.rmtree(place, ignore_errors=True)
        git(self.folder, "clone", "--quiet", source, place)
        return place


def git(folder: Path, *arguments: str | Path) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True)


def write_texts(folder: Path) -> Path:
    """10,000 text files of about 2 KB, as a git repository."""
    source = folder / "texts"
    for number in range(FILES):
        place = source / f"{number // 100:02}" / f"{number:05}.txt"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("".join(f"line {line} of file {number}\n" for line in range(85)))
    git(source, "init", "--quiet")
    git(source, "add", ".")
    git(source, "commit", "--quiet", "-m", "all")
    return source


def write_large(place: Path, size_bytes: int, mark: str) -> None:
    """A binary file of that size that costs no disk: something at its beginning, then a hole."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("wb") as stream:
        stream.write(f"{mark}\0".encode() * 1000)
        stream.truncate(size_bytes)


Case = Callable[[Bench], None]


def measure_unchanged(bench: Bench) -> None:
    source = write_texts(bench.folder)
    bench.deploy(source)
    compare(
        "nothing changed, 10,000 files, fresh clone",
        lambda: bench.upload(bench.clone(source)),
        lambda: bench.deploy(bench.clone(source)),
    )


def measure_one(bench: Bench) -> None:
    source = write_texts(bench.folder)
    bench.upload(source, "alice/theirs")
    bench.deploy(source, "alice/ours")
    rounds = count()

    def change() -> Path:
        (source / "00/00000.txt").write_text(f"round {next(rounds)}\n")
        git(source, "commit", "--quiet", "-am", "one")
        return bench.clone(source)

    compare(
        "1 of 10,000 changed, fresh clone",
        lambda: bench.upload(change(), "alice/theirs"),
        lambda: bench.deploy(change(), "alice/ours"),
    )


def measure_new(bench: Bench) -> None:
    source = write_texts(bench.folder)

    def fresh(send: Callable[[Path], Measured]) -> Measured:
        place = bench.clone(source)
        measured = send(place)
        bench.delete()
        return measured

    compare("10,000 new files", lambda: fresh(bench.upload), lambda: fresh(bench.deploy))


def measure_large(bench: Bench) -> None:
    source = bench.folder / "large"
    for number in range(LARGE_FILES):
        write_large(source / f"{number:02}.bin", LARGE_BYTES, f"file {number} ")
    # What was written a moment ago may be written to again within one tick of its time: it is read again.
    time.sleep(3)
    bench.deploy(source)
    rounds = count()

    def change() -> Path:
        write_large(source / "00.bin", LARGE_BYTES, f"round {next(rounds)} ")
        return source

    compare(
        f"1 changed among {LARGE_FILES} files of 500 MB, warm cache",
        lambda: bench.upload(change()),
        lambda: bench.deploy(change()),
        rounds=1,
    )


def measure_huge(bench: Bench) -> None:
    source = bench.folder / "huge"
    write_large(source / "5gb.bin", HUGE_BYTES, "huge ")
    compare(
        "5 GB file",
        lambda: bench.upload(source, "alice/uploaded"),
        lambda: bench.deploy(source, "alice/deployed"),
        rounds=1,
    )


def measure_start(bench: Bench) -> None:
    for option in ("--version", "--help"):
        compare(option, partial(bench.run, "hf", option), partial(bench.run, "hfdeploy", option), rounds=7)


CASES: dict[str, Case] = {
    "unchanged": measure_unchanged,
    "one": measure_one,
    "new": measure_new,
    "large": measure_large,
    "huge": measure_huge,
    "start": measure_start,
}


def compare(
    name: str, theirs: Callable[[], Measured], ours: Callable[[], Measured], *, rounds: int = ROUNDS
) -> None:
    """Both in turns; a line for each with the medians."""
    pairs = [(theirs(), ours()) for _ in range(rounds)]
    print(f"\n{name}")
    for who, runs in (("hf", [pair[0] for pair in pairs]), ("hfdeploy", [pair[1] for pair in pairs])):
        print(f"  {who:<9} {describe(runs)}")
    ratio = statistics.median(a.seconds for a, _ in pairs) / statistics.median(b.seconds for _, b in pairs)
    print(f"  {'':<9} {ratio:.1f} times as fast", flush=True)


def describe(runs: list[Measured]) -> str:
    def middle(name: str) -> float:
        return statistics.median(getattr(run, name) for run in runs)

    asked = f"{middle('requests'):.0f} requests ({middle('trees'):.0f} of them tree pages)"
    cost = f"{middle('read_mb'):,.0f} MB read, {middle('peak_mb'):.0f} MB of memory at most"
    busy = f"{middle('cpu_seconds'):.2f} s of processor (and the hub {middle('hub_cpu_seconds'):.2f})"
    return f"{middle('seconds'):6.2f} s, {busy}, {asked}, {middle('commits'):.0f} commits, {cost}"


def main() -> None:
    chosen = sys.argv[1:] or list(CASES)
    for name in chosen:
        with (
            tempfile.TemporaryDirectory(prefix="hfdeploy-bench-") as place,
            LocalHub(Path(place) / "hub", users=(User("alice"),)) as hub,
        ):
            hub.faults.add(LATENCY)
            CASES[name](Bench(hub, Path(place)))


if __name__ == "__main__":
    main()

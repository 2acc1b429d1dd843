"""How the janitor fares with 100,000 repos in a namespace: memory, requests, decisions a second.

python benchmarks/janitor/run.py [REPOS]
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hfdeploy_janitor.decide import decide
from hfdeploy_janitor.mark import Mark, Seal, write_mark
from hfdeploy_janitor.model import Delete, Thing
from hfdeploy_janitor.rules import Kind, Policy, Rule

_HERE = Path(__file__).parent
_ROUNDS = 5
_COMMAND = Path(sys.executable).parent / "hfdeploy-janitor"
_RULE = ["--namespace", "alice", "--prefix", "test-", "--ttl", "6h", "--type", "model"]


def measure_decisions(count: int) -> tuple[float, float]:
    """Decisions a second of CPU, medians: of names without marks, and of marked ones."""
    now = datetime.now(UTC).replace(microsecond=0)
    policy = Policy((Rule("alice", "test-", 21600.0), Rule("acme", "ci-", 7200.0)), ("test-keep-*",))
    seal = Seal("https://hub.test", b"a key of the benchmark")
    things = {False: list[Thing](), True: list[Thing]()}
    for number in range(count):
        made_at = now - timedelta(hours=number % 13)
        id = f"{int(made_at.timestamp()):08x}{number:016x}"
        mark = Mark(f"run.{number}", made_at, made_at + timedelta(hours=1))
        for marked, name in (
            (False, f"test-{number}"),
            (True, write_mark(seal, Kind.MODEL, "alice", "test-", mark)),
        ):
            things[marked].append(Thing(Kind.MODEL, "alice", name, id, made_at, made_at, "sha", ("mit",)))
    rates: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(_ROUNDS):
        for marked, found in things.items():
            begun = time.process_time()
            going = sum(isinstance(decide(thing, policy, now, seal), Delete) for thing in found)
            rates[marked].append(count / (time.process_time() - begun))
            assert 0 < going < count
    return statistics.median(rates[False]), statistics.median(rates[True])


def measure_sweep(repos: int, apply: bool) -> tuple[float, float, float, dict[str, int], str]:
    """Megabytes at most, seconds by the clock and of CPU, requests by method, and the last line of a sweep of
    its own process.
    """
    server = subprocess.Popen(
        [sys.executable, _HERE / "listing_server.py", str(repos)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    with tempfile.TemporaryDirectory(prefix="hfdeploy-test-") as folder:
        environment = {
            **os.environ,
            "HF_ENDPOINT": f"http://127.0.0.1:{server.stdout.readline().strip()}",
            "HF_TOKEN": "none-is-looked-at",
        }
        options = ["--max-deletes", str(repos), "--budget", str(10 * repos)]
        command = [_COMMAND, "sweep", *_RULE, *options, *(["--apply"] if apply else [])]
        begun = time.perf_counter()
        with (Path(folder) / "out").open("w") as out:
            sweep = subprocess.Popen(
                command, env=environment, cwd=folder, stdout=out, stderr=subprocess.DEVNULL
            )
            _, status, usage = os.wait4(sweep.pid, 0)
        seconds = time.perf_counter() - begun
        assert os.waitstatus_to_exitcode(status) == 0
        last = (Path(folder) / "out").read_text().splitlines()[-1]
    server.stdin.write("count\n")
    server.stdin.flush()
    counts: dict[str, int] = json.loads(server.stdout.readline())
    server.stdin.close()
    server.wait()
    return usage.ru_maxrss / 1024, seconds, usage.ru_utime + usage.ru_stime, counts, last


def main(repos: int) -> None:
    plain, marked = measure_decisions(min(repos, 100_000))
    print(f"decisions a second: {plain:,.0f}, with marks to verify {marked:,.0f}")
    for apply in (False, True):
        megabytes, seconds, cpu_seconds, counts, last = measure_sweep(repos, apply)
        took = f"{seconds:.1f} s, {cpu_seconds:.1f} s of CPU"
        print(f"{'--apply' if apply else 'dry run'}: {megabytes:.0f} MB, {took}, {counts}: {last}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)

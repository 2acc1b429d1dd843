"""What the local hub costs: its start, requests, commits, large files both ways, a test's fixture, memory.

python benchmarks/hub/run.py [GIGABYTES]
"""

import hashlib
import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hfdeploy_localhub import LocalHub
from hfdeploy_localhub.serving import HubLoop

_HERE = Path(__file__).parent
_COMMAND = Path(sys.executable).parent / "hfdeploy-localhub"
_BLOCK = os.urandom(1024 * 1024)
_TICKS = os.sysconf("SC_CLK_TCK")


class Served:
    """A hub in a process of its own, and what the system tells of it."""

    def __init__(self, process: subprocess.Popen[bytes], told: dict[str, Any]) -> None:
        self._process = process
        self.endpoint: str = told["endpoint"]
        self.token: str = told["users"][0]["token"]

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory_mb(self, key: str = "VmRSS") -> float:
        """``VmRSS`` is what it has now, ``VmHWM`` what it had at most."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.split(f"{key}:")[1].split()[0]) / 1024

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.endpoint}{path}", data, headers, method=method)
        with urllib.request.urlopen(request) as answer:
            content = answer.read()
            return json.loads(content) if content[:1] in (b"{", b"[") else content

    def run_client(self, *arguments: str, xet: bool = False) -> tuple[float, float]:
        """Wall and CPU seconds of the stock client doing something."""
        what, *rest = arguments
        environment = {
            **os.environ,
            "HF_TOKEN": self.token,
            "HF_ENDPOINT": self.endpoint,
            "HF_HUB_DISABLE_XET": "0" if xet else "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }
        with tempfile.TemporaryDirectory(prefix="hfdeploy-test-") as home:
            environment["HF_HOME"] = home
            begun = time.perf_counter()
            client = subprocess.Popen(
                [sys.executable, _HERE / "client.py", what, self.endpoint, *rest],
                env=environment,
                stdout=subprocess.DEVNULL,
            )
            _, status, usage = os.wait4(client.pid, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        return time.perf_counter() - begun, usage.ru_utime + usage.ru_stime


@contextmanager
def serve(folder: Path) -> Iterator[Served]:
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    command = [_COMMAND, "serve", "--data", folder / "data", "--port=0", "--ready-file", ready]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        while not ready.exists():
            time.sleep(0.002)
        yield Served(process, json.loads(ready.read_text()))
    finally:
        process.terminate()
        process.wait()


def measure_start(folder: Path, rounds: int = 5) -> str:
    """From the command to its first answer; beside it an interpreter that does nothing."""
    walls, cpus, bare = list[float](), list[float](), list[float]()
    for _ in range(rounds):
        begun = time.perf_counter()
        with serve(folder) as hub:
            hub.ask("GET", "/api/models")
            walls.append(time.perf_counter() - begun)
            cpus.append(hub.cpu_seconds())
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", ""], check=True)
        bare.append(time.perf_counter() - begun)
    wall, cpu, nothing = map(statistics.median, (walls, cpus, bare))
    return f"{wall:.2f} s, of which {cpu:.2f} s of CPU (an interpreter that does nothing: {nothing:.2f} s)"


def measure_fixture(rounds: int = 60) -> str:
    """A hub for each test, as the pytest plugin makes it."""
    loop, costs = HubLoop(), list[float]()
    with tempfile.TemporaryDirectory(prefix="hfdeploy-test-") as folder:
        for number in range(rounds):
            begun = time.perf_counter()
            with LocalHub(Path(folder) / str(number), loop=loop, durable=False):
                pass
            costs.append(time.perf_counter() - begun)
    loop.stop()
    return f"{statistics.median(costs) * 1000:.1f} ms"


def measure_requests(hub: Served, path: str, count: int = 3000, clients: int = 8) -> str:
    """As many as the hub answers; the clients share the machine with it, so that its CPU time tells more."""
    host, port = urlsplit(hub.endpoint).hostname, urlsplit(hub.endpoint).port

    def ask() -> None:
        connection = http.client.HTTPConnection(host or "", port)
        for _ in range(count // clients):
            connection.request("GET", path, headers={"Authorization": f"Bearer {hub.token}"})
            answer = connection.getresponse()
            assert answer.status == 200
            answer.read()
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    begun, cpu = time.perf_counter(), hub.cpu_seconds()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall, cpu = time.perf_counter() - begun, hub.cpu_seconds() - cpu
    return f"{count / wall:,.0f} a second, {1000 * cpu / count:.2f} ms of the hub's CPU each"


def measure_commit(hub: Served, count: int = 1000, rounds: int = 3) -> str:
    seconds = list[float]()
    for number in range(rounds):
        hub.ask("POST", "/api/repos/create", {"name": f"many{number}"})
        hub.ask("DELETE", "/__localhub__/requests")
        hub.run_client("commit", f"local/many{number}", str(count))
        asked = hub.ask("GET", "/__localhub__/requests")
        seconds.append(sum(request["seconds"] for request in asked))
    return f"{statistics.median(seconds):.2f} s of all its requests together"


def measure_tree(hub: Served) -> str:
    """Pages of a repo with 100,000 files, the first and one far behind."""
    hub.ask("POST", "/api/repos/create", {"name": "wide"})
    lines = [{"key": "header", "value": {"summary": "wide"}}]
    lines += [
        {"key": "file", "value": {"path": f"d{number % 100:02}/{number:06}", "content": "x"}}
        for number in range(100_000)
    ]
    body = "\n".join(map(json.dumps, lines)).encode()
    request = urllib.request.Request(
        f"{hub.endpoint}/api/models/local/wide/commit/main",
        body,
        {"Authorization": f"Bearer {hub.token}", "Content-Type": "application/x-ndjson"},
    )
    with urllib.request.urlopen(request) as answer:
        answer.read()
    url = "/api/models/local/wide/tree/main?recursive=true"
    first = [time_of(lambda: hub.ask("GET", url)) for _ in range(5)]
    late = [time_of(lambda: hub.ask("GET", f"{url}&cursor=d90/099990")) for _ in range(5)]
    return f"{1000 * statistics.median(first):.0f} ms and {1000 * statistics.median(late):.0f} ms"


def time_of(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def measure_lfs(hub: Served, folder: Path, megabytes: int = 1024, rounds: int = 3) -> str:
    """A whole file by LFS beside a plain write of the same bytes to the same disk, in turns.

    Both until the bytes are on the disk; and without that, where a plain write is a copy in memory.
    """
    hub.ask("POST", "/api/repos/create", {"name": "lfs"})
    times: dict[str, list[float]] = {"plain": [], "plain, synced": [], "lfs": [], "lfs, synced": []}
    for number in range(rounds):
        head = number.to_bytes(8, "little") + _BLOCK[8:]
        digest = hashlib.sha256()
        for block in make_blocks(head, megabytes):
            digest.update(block)
        name, size = digest.hexdigest(), megabytes * len(_BLOCK)
        wanted = {"operation": "upload", "objects": [{"oid": name, "size": size}]}
        told = hub.ask("POST", "/local/lfs.git/info/lfs/objects/batch", wanted)["objects"][0]
        plain, stored = folder / "plain", folder / "data/large" / name[:2] / name[2:4] / name
        for path, key, work in (
            (plain, "plain", partial(write, plain)),
            (stored, "lfs", partial(put, told["actions"]["upload"]["href"], size)),
        ):
            begun = time.perf_counter()
            work(make_blocks(head, megabytes))
            times[key].append(time.perf_counter() - begun)
            sync(path)
            times[f"{key}, synced"].append(time.perf_counter() - begun)
        plain.unlink()
    rates = {key: megabytes / statistics.median(measured) for key, measured in times.items()}
    synced, cached = rates["lfs, synced"] / rates["plain, synced"], rates["lfs"] / rates["plain"]
    shown = ", ".join(f"{key} {rate:,.0f} MB/s" for key, rate in rates.items())
    return f"{shown}: {synced:.2f} of a plain write to the disk, {cached:.2f} of one into memory"


def sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def make_blocks(head: bytes, count: int) -> Iterator[bytes]:
    yield head
    for _ in range(count - 1):
        yield _BLOCK


def write(path: Path, blocks: Iterator[bytes]) -> None:
    with path.open("wb", buffering=0) as file:
        for block in blocks:
            file.write(block)


def put(url: str, size: int, blocks: Iterator[bytes]) -> None:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    connection.request("PUT", address.path, blocks, {"Content-Length": str(size)})
    assert connection.getresponse().status == 200
    connection.close()


def measure_large(hub: Served, folder: Path, gigabytes: float, *, xet: bool) -> str:
    """A large file up and down by the stock client; the CPU times of hub and client side by side."""
    name = f"{'xet' if xet else 'large'}{gigabytes:g}"
    hub.ask("POST", "/api/repos/create", {"name": name})
    source = folder / "large.bin"
    with source.open("wb") as file:
        for number in range(int(gigabytes * 1024)):
            file.write(os.urandom(1024 * 1024) if xet else number.to_bytes(8, "little") + _BLOCK[8:])
    parts = []
    for what, argument in (("upload", source), ("download", folder / "down")):
        cpu = hub.cpu_seconds()
        wall, client = hub.run_client(what, f"local/{name}", str(argument), xet=xet)
        cpu = hub.cpu_seconds() - cpu
        rate = gigabytes * 1024 / wall
        parts.append(f"{what} {rate:,.0f} MB/s, CPU: hub {cpu:.1f} s, client {client:.1f} s")
    source.unlink()
    shutil.rmtree(folder / "down")
    return "; ".join(parts)


def main(gigabytes: float) -> None:
    with tempfile.TemporaryDirectory(prefix="hfdeploy-test-") as name:
        folder = Path(name)
        (folder / "start").mkdir()
        print("start to the first answer:", measure_start(folder / "start"), flush=True)
        print("a hub for a test:", measure_fixture(), flush=True)
        with serve(folder) as hub:
            print(f"memory when new: {hub.memory_mb():.0f} MB", flush=True)
            hub.ask("POST", "/api/repos/create", {"name": "m"})
            for path in ("/api/whoami-v2", "/api/models/local/m", "/local/m/resolve/main/.gitattributes"):
                print(f"GET {path}:", measure_requests(hub, path), flush=True)
            print("a commit of 1,000 files:", measure_commit(hub), flush=True)
            print("a page of 100,000 files, first and late:", measure_tree(hub), flush=True)
        with serve(folder) as hub:
            print("LFS:", measure_lfs(hub, folder), flush=True)
            print(f"{gigabytes:g} GB by LFS:", measure_large(hub, folder, gigabytes, xet=False), flush=True)
            print(f"memory at most: {hub.memory_mb('VmHWM'):.0f} MB", flush=True)
        with serve(folder) as hub:
            print("0.5 GB by xet:", measure_large(hub, folder, 0.5, xet=True), flush=True)
            print(f"memory at most: {hub.memory_mb('VmHWM'):.0f} MB", flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 5)

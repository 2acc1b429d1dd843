"""Relays side by side, one worker each, in interleaved rounds; medians: python benchmarks/relay/run.py

Needs nginx and wrk, and the environment that `make bench-relay` makes.
"""

import asyncio
import os
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from websockets.asyncio.client import connect

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
ROUNDS = 3
SECONDS = 3
LARGE_BYTES = 10**9
SILENT = 2000
WINDOW = 32
FILES, NGINX, CADDY, PLAIN, LIBRARY, HTTP1, HTTPX, GIVEN, SILENCE, ECHO = range(29801, 29811)
TALK = 29812  # event streams; WebSockets on the next
RELAYS = {
    "nginx": NGINX,
    "Caddy": CADDY,
    "fastapi-proxy-lib": LIBRARY,
    "FastAPI + httpx": PLAIN,
    "ours": HTTP1,
    "ours, engine httpx": HTTPX,
    "ours, httpx's pool": GIVEN,
}


class Processes:
    """What runs for the benchmark, by its port."""

    def __init__(self) -> None:
        self.running: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, port: int, *command: str | Path, **settings: str) -> None:
        environment = {**os.environ, **settings}
        self.running[port] = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        raise TimeoutError(f"{command[0]} does not listen on {port}")

    def status(self, port: int) -> tuple[float, float]:
        """Resident megabytes and seconds of processor time."""
        pid = self.running[port].pid
        (memory,) = re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        return int(memory) / 1024, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        for process in self.running.values():
            process.terminate()
            process.wait(20)


def start_all(processes: Processes, folder: Path) -> None:
    text = (HERE / "nginx.conf").read_text()
    for word, value in {
        "FOLDER": str(folder),
        "UPSTREAM": str(FILES),
        "TALK": str(TALK),
        "PORT": str(NGINX),
    }.items():
        text = text.replace(word, value)
    (folder / "nginx.conf").write_text(text)
    processes.start(NGINX, "nginx", "-p", folder, "-c", folder / "nginx.conf")
    files = f"http://127.0.0.1:{FILES}"
    if caddy := shutil.which("caddy", path=str(BIN)):
        processes.start(
            CADDY,
            caddy,
            "reverse-proxy",
            "--from",
            f"http://127.0.0.1:{CADDY}",
            "--to",
            files,
            GOMAXPROCS="1",
        )
    for port, name in ((PLAIN, "plain"), (LIBRARY, "library"), (GIVEN, "given")):
        command = [BIN / "uvicorn", "--app-dir", HERE, "--no-access-log", "--log-level", "error"]
        processes.start(port, *command, "--port", str(port), f"peers:{name}", UPSTREAM=files)
    for port, engine, target in (
        (HTTP1, "http1", files),
        (HTTPX, "httpx", files),
        (SILENCE, "http1", f"http://127.0.0.1:{TALK}"),
        (ECHO, "http1", f"http://127.0.0.1:{TALK + 1}"),
    ):
        serve = [BIN / "hfdeploy-proxy", "serve", "--port", str(port), "--engine", engine]
        processes.start(port, *serve, TARGET_URL=target, HF_TOKEN="hf_x")
    processes.start(TALK, sys.executable, HERE / "upstream.py", str(TALK))


def ask_small(port: int) -> float:
    """Requests a second."""
    command = ["wrk", "-t1", "-c32", f"-d{SECONDS}s", f"http://127.0.0.1:{port}/1k"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in told, told
    return float(re.findall(r"Requests/sec:\s+([\d.]+)", told)[0])


def ask_paced(port: int) -> float:
    """Median milliseconds of requests that come 500 a second."""
    took = []
    with socket.create_connection(("127.0.0.1", port)) as client:
        due = time.perf_counter()
        for _ in range(1000):
            due += 0.002
            time.sleep(max(0.0, due - time.perf_counter()))
            began = time.perf_counter()
            client.sendall(b"GET /1k HTTP/1.1\r\nHost: a\r\n\r\n")
            got = b""
            while len(got.partition(b"\r\n\r\n")[2]) < 1024:
                got += client.recv(65536)
                assert got
            took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


def download(port: int) -> float:
    """Megabytes a second."""
    began = time.perf_counter()
    subprocess.run(["curl", "-sfo", "/dev/null", f"http://127.0.0.1:{port}/large"], check=True)
    return LARGE_BYTES / 1e6 / (time.perf_counter() - began)


def upload(port: int, file: Path) -> float:
    """Megabytes a second."""
    began = time.perf_counter()
    address = f"http://127.0.0.1:{port}/upload"
    subprocess.run(["curl", "-sfo", "/dev/null", "-T", file, "-H", "Expect:", address], check=True)
    return LARGE_BYTES / 1e6 / (time.perf_counter() - began)


def interleave(
    measure: Callable[[int], float], relays: dict[str, int], rounds: int = ROUNDS
) -> dict[str, float]:
    found: dict[str, list[float]] = {name: [] for name in relays}
    for _ in range(rounds):
        for name, port in relays.items():
            found[name].append(measure(port))
    return {name: statistics.median(values) for name, values in found.items()}


async def hold_silent(processes: Processes) -> tuple[float, float]:
    """Kilobytes a connection and share of a core, with so many silent streams and WebSockets."""
    before = sum(processes.status(port)[0] for port in (SILENCE, ECHO))
    streams = []
    for _ in range(SILENT):
        reader, writer = await asyncio.open_connection("127.0.0.1", SILENCE)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        streams.append((reader, writer))
    for reader, _ in streams:
        await reader.readuntil(b"data: hello\n\n")
    sockets = [await connect(f"ws://127.0.0.1:{ECHO}", proxy=None, ping_interval=None) for _ in range(SILENT)]
    began, used = time.perf_counter(), sum(processes.status(port)[1] for port in (SILENCE, ECHO))
    await asyncio.sleep(25)  # longer than WebSockets are left without a ping
    share = (sum(processes.status(port)[1] for port in (SILENCE, ECHO)) - used) / (
        time.perf_counter() - began
    )
    after = sum(processes.status(port)[0] for port in (SILENCE, ECHO))
    for _, writer in streams:
        writer.close()
    for held in sockets:
        held.transport.abort()
    return (after - before) * 1024 / (2 * SILENT), share


async def echo(port: int) -> float:
    """Messages a second, so many under way."""
    async with connect(f"ws://127.0.0.1:{port}", proxy=None, compression=None) as client:
        count, began = 0, time.perf_counter()
        for _ in range(WINDOW):
            await client.send("x" * 100)
        while time.perf_counter() - began < SECONDS:
            await client.recv()
            await client.send("x" * 100)
            count += 1
        return count / SECONDS


def show(title: str, found: dict[str, float], unit: str) -> None:
    print(f"\n{title}", flush=True)
    for name, value in found.items():
        print(f"  {name:20} {value:10.2f} {unit}  {value / found.get('nginx', value):6.3f}", flush=True)


def main() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    processes = Processes()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # nginx's worker is another user
        (folder / "www").mkdir()
        (folder / "www/1k").write_bytes(b"x" * 1024)
        with (folder / "www/large").open("wb") as file:
            file.truncate(LARGE_BYTES)
        try:
            start_all(processes, folder)
            relays = {name: port for name, port in RELAYS.items() if port in processes.running}
            show("1 KiB GET, 32 connections", interleave(ask_small, relays), "/s")
            few = {name: relays[name] for name in ("nginx", "ours")}
            show("median at 500 requests a second", interleave(ask_paced, few), "ms")
            before = processes.status(HTTP1)[0]
            show("1 GB download", interleave(download, few), "MB/s")
            print(f"  memory grew by {processes.status(HTTP1)[0] - before:.1f} MB")
            ways = {"nginx": NGINX, "ours": SILENCE}
            before = processes.status(SILENCE)[0]
            show("1 GB upload", interleave(lambda port: upload(port, folder / "www/large"), ways), "MB/s")
            print(f"  memory grew by {processes.status(SILENCE)[0] - before:.1f} MB")
            direct = {"direct": TALK + 1, "ours": ECHO}
            echoed = interleave(lambda port: asyncio.run(echo(port)), direct)
            show("WebSocket echo", echoed, "/s")
            print(f"  of direct: {echoed['ours'] / echoed['direct']:.3f}")
            kilobytes, share = asyncio.run(hold_silent(processes))
            print(f"\n{SILENT} event streams and {SILENT} WebSockets, silent")
            print(f"  {kilobytes:.1f} KB each, {share * 100:.1f} % of a core")
        finally:
            processes.stop()


if __name__ == "__main__":
    main()

"""Mixed traffic through the relay for as long as HFDEPLOY_SOAK_SECONDS says: clients that leave, an upstream
that is restarted, a token that is replaced. No wrong answer; no memory, socket or request left behind.
"""

import asyncio
import contextlib
import hashlib
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

SECONDS = float(os.environ["HFDEPLOY_SOAK_SECONDS"])
CLIENTS = 12
RESTART_SECONDS = 15.0
ROTATE_SECONDS = 7.0
# So long after a restart a failure may be blamed on it.
EXCUSED_SECONDS = 4.0
GROWTH_BYTES = 24 * 2**20
FOLDER = Path(__file__).parent


class Wrong(Exception):
    """An answer that should not have been."""


class Lost(Exception):
    """An answer that did not come, or not to its end."""


class Upstream:
    """A process that comes and goes on one port."""

    def __init__(self, port: int, tokens: Path) -> None:
        self._command = [sys.executable, str(FOLDER / "upstream.py"), str(port), str(tokens)]
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._ready_at = float("inf")

    def start(self) -> None:
        self._process = subprocess.Popen(self._command)
        while not is_listening(self._port):
            time.sleep(0.05)
        self._ready_at = time.monotonic()

    def stop(self, number: int) -> None:
        assert self._process
        self._ready_at = float("inf")
        self._process.send_signal(number)
        self._process.wait(20)

    def is_excuse(self) -> bool:
        """Whether it is away, or was until just now."""
        return time.monotonic() - self._ready_at < EXCUSED_SECONDS


def is_listening(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def replace_token(tokens: Path, file: Path) -> None:
    """A new one, which the upstream knows first; the last ones are known for a while."""
    new = f"hf_soak{random.randrange(10**9)}"
    last = tokens.read_text().split()[-4:] if tokens.exists() else []
    write(tokens, " ".join([*last, new]))
    write(file, new)


def write(file: Path, text: str) -> None:
    beside = file.with_suffix(".new")
    beside.write_text(text)
    beside.replace(file)


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[Upstream]:
    replace_token(tmp_path / "tokens", tmp_path / "token")
    found = Upstream(free_port(), tmp_path / "tokens")
    found.start()
    yield found
    found.stop(signal.SIGKILL)


@pytest.fixture
def relay(upstream: Upstream, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int, Path]]:
    port, log = free_port(), tmp_path / "relay.log"
    settings = {name: value for name, value in os.environ.items() if name != "HF_TOKEN"}
    settings |= {"TARGET_URL": f"http://127.0.0.1:{upstream._port}", "HF_TOKEN_FILE": str(tmp_path / "token")}
    command = [sys.executable, "-m", "hfdeploy_proxy", "serve", "--port", str(port)]
    with log.open("wb") as out, subprocess.Popen(command, env=settings, stdout=out, stderr=out) as process:
        while not is_listening(port):
            time.sleep(0.05)
        yield process, port, log
        process.kill()


Visit = Callable[[httpx.AsyncClient, random.Random], Awaitable[None]]


def check(answer: httpx.Response, body: str) -> None:
    """Lost if the relay says so, and wrong if it is anything else than expected."""
    if answer.status_code in (502, 503, 504):
        if answer.headers["content-type"] != "application/problem+json":
            raise Wrong(f"{answer.status_code} without a problem")
        raise Lost(answer.json()["type"])
    if (answer.status_code, answer.text) != (200, body):
        raise Wrong(f"{answer.status_code} {answer.text[:80]!r}, not {body[:80]!r}")


async def echo(client: httpx.AsyncClient, chance: random.Random) -> None:
    text = str(chance.random())
    check(await client.get(f"/echo/{text}"), text)


async def upload(client: httpx.AsyncClient, chance: random.Random) -> None:
    data = chance.randbytes(chance.choice([0, 1, 1000, 300_000]))
    chunked = chance.random() < 0.5

    async def parts() -> Any:
        for start in range(0, len(data), 50_000):
            yield data[start : start + 50_000]

    answer = await client.post("/digest", content=parts() if chunked else data)
    check(answer, hashlib.sha256(data).hexdigest())


async def download(client: httpx.AsyncClient, chance: random.Random) -> None:
    seed, size = chance.randrange(256), chance.choice([0, 10, 100_000, 2_000_000])
    leaves = chance.random() < 0.3
    read = 0
    async with client.stream("GET", f"/blob/{seed}/{size}") as answer:
        if answer.status_code != 200:
            await answer.aread()
            check(answer, "")
        async for part in answer.aiter_raw():
            if part.strip(bytes([seed])):
                raise Wrong("bytes of another answer")
            read += len(part)
            if leaves and read:
                return
    if read != size:
        raise Wrong(f"{read} bytes of {size} taken for all")


async def follow(client: httpx.AsyncClient, chance: random.Random) -> None:
    last = chance.choice([1, 20, 60])
    stops = chance.randrange(last) if chance.random() < 0.3 else None
    seen = 0
    async with client.stream("GET", f"/events/{last}") as answer:
        if answer.status_code != 200:
            await answer.aread()
            check(answer, "")
        async for line in answer.aiter_lines():
            if line:
                if line != f"data: {seen}":
                    raise Wrong(f"{line!r} in place of event {seen}")
                seen += 1
                if seen == stops:
                    return
    if seen != last:
        raise Wrong(f"{seen} events of {last} taken for all")


async def talk(client: httpx.AsyncClient, chance: random.Random) -> None:
    address = str(client.base_url).replace("http", "ws", 1) + "/socket"
    async with websockets.connect(address, proxy=None, open_timeout=20) as socket:
        for _ in range(chance.randrange(30)):
            said = str(chance.random()) * chance.choice([1, 1000])
            await socket.send(said)
            if await socket.recv() != said[::-1]:
                raise Wrong("another message came back")
        if chance.random() < 0.3:
            socket.transport.abort()


VISITS: list[Visit] = [echo, echo, echo, upload, download, follow, talk]
BROKEN = (httpx.TransportError, websockets.WebSocketException, OSError, Lost, TimeoutError)


class Soak:
    """What happened."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self.done: Counter[str] = Counter()
        self.excused: Counter[str] = Counter()
        self.wrong: list[str] = []

    async def visit(self, port: int, until: float, seed: int) -> None:
        chance = random.Random(seed)
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False
        ) as client:
            while time.monotonic() < until:
                kind = chance.choice(VISITS)
                try:
                    await kind(client, chance)
                    self.done[kind.__name__] += 1
                except Wrong as error:
                    self.wrong.append(f"{kind.__name__}: {error}")
                except BROKEN as error:
                    if self._upstream.is_excuse():
                        self.excused[kind.__name__] += 1
                        await asyncio.sleep(0.2)
                    else:
                        self.wrong.append(f"{kind.__name__}: {error!r}")

    async def disturb(self, tokens: Path, file: Path, until: float) -> None:
        restart_at, rotate_at = time.monotonic() + RESTART_SECONDS, time.monotonic() + ROTATE_SECONDS
        while time.monotonic() < until:
            await asyncio.sleep(0.2)
            if time.monotonic() >= rotate_at:
                replace_token(tokens, file)
                rotate_at += ROTATE_SECONDS
            if time.monotonic() >= restart_at and until - time.monotonic() > RESTART_SECONDS:
                await asyncio.to_thread(self._upstream.stop, random.choice([signal.SIGTERM, signal.SIGKILL]))
                await asyncio.to_thread(self._upstream.start)
                restart_at = time.monotonic() + RESTART_SECONDS


def memory_bytes(pid: int) -> int:
    (kilobytes,) = re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(kilobytes) * 1024


def files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def run(soak: Soak, port: int, pid: int, folder: Path) -> tuple[int, int]:
    """Memory after a first part, and at the end."""
    begun = time.monotonic()
    warm, until = begun + max(SECONDS / 5, 20), begun + SECONDS
    visits = [asyncio.create_task(soak.visit(port, until, seed)) for seed in range(CLIENTS)]
    disturbing = asyncio.create_task(soak.disturb(folder / "tokens", folder / "token", until))
    await asyncio.sleep(warm - time.monotonic())
    first = memory_bytes(pid)
    await asyncio.gather(disturbing, *visits)
    return first, memory_bytes(pid)


def test_nothing_is_wrong_and_nothing_is_left(
    upstream: Upstream, relay: tuple[subprocess.Popen[bytes], int, Path], tmp_path: Path
) -> None:
    process, port, log = relay
    httpx.get(f"http://127.0.0.1:{port}/echo/x")
    files_before = files(process.pid)
    soak = Soak(upstream)
    first, last = asyncio.run(run(soak, port, process.pid, tmp_path))
    deadline = time.monotonic() + 60
    while files(process.pid) > files_before + 2 and time.monotonic() < deadline:
        time.sleep(1)  # connections to the upstream that are not used are kept for half a minute
    numbers = httpx.get(f"http://127.0.0.1:{port}/_relay/metrics").text
    print(f"\n{sum(soak.done.values())} visits {dict(soak.done)}")
    print(f"{sum(soak.excused.values())} more were broken off while the upstream was restarted")
    print(f"memory {first / 2**20:.1f} -> {last / 2**20:.1f} MiB")
    print(f"open files {files_before} -> {files(process.pid)}")
    assert Counter(soak.wrong).most_common(10) == []
    assert sum(soak.done.values()) > SECONDS * 5
    assert last - first < GROWTH_BYTES
    assert files(process.pid) <= files_before + 2
    assert "\nrelay_open_requests 0.0" in numbers
    assert "\nrelay_open_websockets 0.0" in numbers
    told = log.read_text()
    assert "Traceback" not in told
    assert "hf_soak" not in told
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.terminate()
        process.wait(20)
    assert process.returncode is not None

"""A folder-backed store, small apps, and a running room: real processes, real sockets, no network."""

import asyncio
import hashlib
import os
import shutil
import textwrap
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from hfdeploy_localhub.spaces import Runtime, Spaces, SpaceSettings

OWNER_TOKEN = "hf_owner_token_canary"

PYTHON_DOCKERFILE = """\
FROM python:3.11
WORKDIR /app
COPY . .
EXPOSE 7860
CMD ["python", "app.py"]
"""

# Echoes the request as JSON, with PATH-independent stdlib only.
ECHO_APP = """\
import http.server, json, os, socketserver

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode("latin-1")
        echo = {"method": self.command, "target": self.path, "headers": self.headers.items(), "body": body,
                "environment": dict(os.environ), "folder": os.getcwd(), "version": VERSION}
        data = json.dumps(echo).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Mixed-Case", "kept")
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = answer

class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

Server(("0.0.0.0", int(os.environ.get("PORT", "7860"))), Handler).serve_forever()
"""


def readme(sdk: str = "docker", **fields: object) -> str:
    """A README.md with front matter."""
    lines = [f"sdk: {sdk}", *(f"{name}: {value}" for name, value in fields.items())]
    return "---\n" + "\n".join(lines) + "\n---\n# A Space\n"


def docker_space(app: str, dockerfile: str = PYTHON_DOCKERFILE, **fields: object) -> dict[str, str]:
    """The files of a Docker Space that runs a Python script."""
    return {"README.md": readme(**fields), "Dockerfile": dockerfile, "app.py": textwrap.dedent(app)}


def echo_space(version: int = 1, **fields: object) -> dict[str, str]:
    """A Docker Space that echoes requests and tells its version."""
    return docker_space(f"VERSION = {version}\n{ECHO_APP}", **fields)


@dataclass
class FolderSource:
    """A SpaceSource over plain folders: `folder/<commit>/` is a commit's tree."""

    folder: Path
    heads: dict[str, str] = field(default_factory=dict)
    all_settings: dict[str, SpaceSettings] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    def commit(self, space: str, files: dict[str, str]) -> str:
        commit = hashlib.sha1(repr((space, sorted(files.items()))).encode()).hexdigest()
        for name, text in files.items():
            path = self.folder / commit / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.heads[space] = commit
        return commit

    def set(self, space: str, **fields: object) -> None:
        self.all_settings[space] = replace(self.settings(space), **fields)

    def spaces(self) -> list[str]:
        return list(self.heads)

    def head(self, space: str) -> str:
        return self.heads[space]

    def export(self, space: str, commit: str, folder: Path) -> None:
        shutil.copytree(self.folder / commit, folder, dirs_exist_ok=True, symlinks=True)

    def settings(self, space: str) -> SpaceSettings:
        return self.all_settings.get(space, SpaceSettings())

    def may_read(self, space: str, token: str | None) -> bool:
        return not self.settings(space).private or token == OWNER_TOKEN

    def knows_token(self, token: str) -> bool:
        return token == OWNER_TOKEN

    def port(self, space: str) -> int | None:
        return self.ports.get(space)

    def remember_port(self, space: str, port: int) -> None:
        self.ports[space] = port


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until `condition` holds."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def settle(spaces: Spaces, space: str, seconds: float = 20.0) -> Runtime:
    """Wait until a Space moves no more by itself."""
    await until(lambda: not spaces.runtime(space).stage.is_on_its_way, seconds)
    return spaces.runtime(space)


def log_text(spaces: Spaces, space: str, kind: str) -> str:
    """A whole log."""
    return "".join(line.data for line in spaces.log(space, kind).lines())


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def venv_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("venvs")


@pytest.fixture
def source(tmp_path: Path) -> FolderSource:
    return FolderSource(tmp_path / "commits")


@pytest.fixture
def room(tmp_path: Path, source: FolderSource, venv_cache: Path) -> Iterator[Callable[..., Spaces]]:
    """Makes rooms over the same folders."""

    def make(**options: object) -> Spaces:
        environment = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        environment["HF_TOKEN"] = OWNER_TOKEN
        given = {"grace_seconds": 1.0, "wrong_port_seconds": 0.5, **options}
        return Spaces(source, tmp_path / "data", venv_cache, environment=environment, **given)

    return make


@asynccontextmanager
async def started(spaces: Spaces) -> AsyncIterator[Spaces]:
    """A room between start and stop."""
    await spaces.start()
    try:
        yield spaces
    finally:
        await spaces.stop()


@pytest.fixture
async def spaces(room: Callable[..., Spaces], anyio_backend: str) -> AsyncIterator[Spaces]:
    async with started(room()) as running:
        yield running


async def fetch(host: str, raw: bytes, seconds: float = 10.0) -> bytes:
    """Send raw bytes to `http://host:port` and read until the other side closes."""
    name, _, port = host.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    try:
        writer.write(raw)
        await writer.drain()
        return await asyncio.wait_for(reader.read(-1), seconds)
    finally:
        writer.close()
        await writer.wait_closed()


async def get(host: str, target: str = "/", *headers: str) -> tuple[int, str]:
    """A GET request: the status and the body (of known length)."""
    lines = [f"GET {target} HTTP/1.1", "Host: x", "Connection: close", *headers, "", ""]
    head, _, body = (await fetch(host, "\r\n".join(lines).encode())).partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode()


def is_alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def make_wheel(folder: Path, name: str, version: str, code: str, command: bool = False) -> None:
    """A wheel of one module; `command` makes its `main` a program."""
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", code)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        tags = "Root-Is-Purelib: true\nTag: py3-none-any\n"
        wheel.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nGenerator: x\n{tags}")
        if command:
            wheel.writestr(f"{info}/entry_points.txt", f"[console_scripts]\n{name} = {name}:main\n")
        wheel.writestr(f"{info}/RECORD", "")

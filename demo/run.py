"""`make demo`: the main job from end to end, offline.

Starts a local hub, deploys a model, a dataset and a private Space to it with the `hfdeploy` command, waits
until the Space's own commit runs, talks to the app, and deploys everything once more: nothing is left to do.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import websockets
from huggingface_hub import HfApi
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
TARGETS = (("model", "kepler"), ("dataset", "planets"), ("space", "orbits"))
READY_SECONDS = 30.0
RUNNING_SECONDS = 180.0


class DemoError(Exception):
    """A step did not end as it should have."""


@dataclass(slots=True)
class Report:
    """What happened, step by step, with the time each took."""

    rows: list[tuple[str, str, float]] = field(default_factory=list)

    def run(self, step: str, work: Callable[[], tuple[str, Any]]) -> Any:
        """Does one step; ``work`` returns what to say of it and its result."""
        started = time.perf_counter()
        said, result = work()
        self.rows.append((step, said, time.perf_counter() - started))
        return result

    def show(self) -> None:
        table = Table("step", "what happened")
        table.add_column("seconds", justify="right")
        for step, said, seconds in self.rows:
            table.add_row(step, said, f"{seconds:.2f}")
        table.add_section()
        table.add_row("all", "", f"{sum(seconds for *_, seconds in self.rows):.2f}")
        Console(width=100 if not sys.stdout.isatty() else None).print(table)


@dataclass(frozen=True, slots=True)
class Hub:
    """The local hub that this demo started."""

    process: subprocess.Popen[bytes]
    endpoint: str
    token: str = field(repr=False)

    @property
    def environment(self) -> dict[str, str]:
        """For a child that talks to the hub: the token is handed over here, never as an argument."""
        return {
            **os.environ,
            "HF_ENDPOINT": self.endpoint,
            "HF_TOKEN": self.token,
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }

    @property
    def api(self) -> HfApi:
        return HfApi(endpoint=self.endpoint, token=self.token)


def start_hub(folder: Path) -> Hub:
    """A hub of its own on a free port, in a folder of its own."""
    ready = folder / "ready.json"
    log = (folder / "hub.log").open("wb")
    command = [str(BIN / "hfdeploy-localhub"), "serve", "--port=0"]
    command += [f"--data={folder / 'data'}", f"--ready-file={ready}"]
    process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + READY_SECONDS
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise DemoError(f"The local hub did not start; see {log.name}")
        time.sleep(0.02)
    told = json.loads(ready.read_text())
    return Hub(process, told["endpoint"], told["users"][0]["token"])


@contextmanager
def local_hub(folder: Path, *, keep: bool) -> Iterator[Hub]:
    """Stops the hub at the end, unless all went well and it is to be kept."""
    hub = start_hub(folder)
    try:
        yield hub
    except BaseException:
        keep = False
        raise
    finally:
        if not keep:
            hub.process.send_signal(signal.SIGTERM)
            hub.process.wait(timeout=30)


def deploy(hub: Hub, type: str, name: str) -> dict[str, Any]:
    """What a user would type; returns the outcome, which is the last event."""
    command = [str(BIN / "hfdeploy"), "deploy", str(HERE / type), name, f"--type={type}", "--json"]
    if type == "space":
        command.append("--private")
    done = subprocess.run(command, env=hub.environment, capture_output=True, text=True)
    if done.returncode:
        raise DemoError(f"hfdeploy deploy {name} failed: {done.stderr or done.stdout}")
    outcome: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return outcome


def wait_until_running(hub: Hub, repo_id: str, commit: str) -> str:
    """Until the app of that very commit answers; an earlier one that still runs does not count."""
    deadline = time.monotonic() + RUNNING_SECONDS
    while time.monotonic() < deadline:
        runtime = hub.api.get_space_runtime(repo_id)
        if runtime.stage == "RUNNING" and runtime.raw["sha"] == commit:
            return f"{repo_id} is RUNNING {commit[:8]}"
        if runtime.stage.endswith("ERROR"):
            lines = "".join(hub.api.fetch_space_logs(repo_id, build=runtime.stage == "BUILD_ERROR"))
            raise DemoError(f"{repo_id} is {runtime.stage}: {runtime.raw.get('errorMessage')}\n{lines}")
        time.sleep(0.1)
    raise DemoError(f"{repo_id} was not running after {RUNNING_SECONDS:.0f} s")


def call_app(hub: Hub, url: str) -> str:
    """The page, the JSON endpoint, the events and the WebSocket, all with the token."""
    headers = {"Authorization": f"Bearer {hub.token}"}
    with httpx.Client(base_url=url, headers=headers, timeout=10) as client:
        page = client.get("/").raise_for_status()
        year = client.get("/period", params={"distance_au": 1.524}).raise_for_status().json()["period_years"]
        with client.stream("GET", "/tour") as tour:
            visited = sum(line.startswith("event: planet") for line in tour.iter_lines())
    answer = asyncio.run(ask_socket(url, headers, 5.203))
    if "Welcome aboard" not in page.text or (year, visited, answer) != (1.881, 5, 11.868):
        raise DemoError(f"The app answered {year}, {visited} events, {answer}")
    return f"page {len(page.content)} bytes, JSON {year}, {visited} events, WebSocket {answer}"


async def ask_socket(url: str, headers: dict[str, str], distance_au: float) -> float:
    address = url.replace("http", "ws", 1) + "/orbit"
    async with websockets.connect(address, additional_headers=headers, proxy=None) as socket:
        await socket.send(str(distance_au))
        return float(await socket.recv())


def knock_without_token(hub: Hub, repo_id: str, url: str) -> str:
    """A stranger finds neither the app nor the repo."""
    app = httpx.get(url).status_code
    repo = httpx.get(f"{hub.endpoint}/api/spaces/{repo_id}").status_code
    if (app, repo) != (404, 401):
        raise DemoError(f"A stranger got {app} from the app and {repo} from the repo")
    return f"app {app}, repo {repo}: not there"


def run(folder: Path, *, keep: bool) -> None:
    report = Report()
    started = time.perf_counter()
    with local_hub(folder, keep=keep) as hub:
        report.rows.append(("start", f"local hub at {hub.endpoint}", time.perf_counter() - started))
        outcomes = {name: report.run(f"deploy {type}", _deploy(hub, type, name)) for type, name in TARGETS}
        space = outcomes["orbits"]
        repo_id, url, commit = space["repo_id"], space["space_url"], space["commit"]
        report.run("wait", lambda: (wait_until_running(hub, repo_id, commit), None))
        report.run("call with the token", lambda: (call_app(hub, url), None))
        report.run("call without", lambda: (knock_without_token(hub, repo_id, url), None))
        for type, name in TARGETS:
            report.run(f"deploy {type} again", _deploy_again(hub, type, name, outcomes[name]["commit"]))
    report.show()
    if keep:
        print(f"\nStill running, until: kill {hub.process.pid}")
        print(f"  hub    {hub.endpoint}\n  data   {folder}\n  users and tokens   {folder / 'ready.json'}")
        for outcome in outcomes.values():
            print(
                f"  {outcome['repo_url']}"
                + (f"   app {outcome['space_url']}" if outcome["space_url"] else "")
            )


def _deploy(hub: Hub, type: str, name: str) -> Callable[[], tuple[str, Any]]:
    def work() -> tuple[str, Any]:
        outcome = deploy(hub, type, name)
        return f"{outcome['repo_id']} is at {outcome['commit'][:8]}", outcome

    return work


def _deploy_again(hub: Hub, type: str, name: str, commit: str) -> Callable[[], tuple[str, Any]]:
    def work() -> tuple[str, Any]:
        again = deploy(hub, type, name)["commit"]
        if again != commit:
            raise DemoError(f"Deploying {name} again made a commit: {again}")
        return f"nothing to do, still {again[:8]}", None

    return work


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the hub and the Space running")
    keep = parser.parse_args().keep
    try:
        if keep:
            run(Path(tempfile.mkdtemp(prefix="hfdeploy-demo-")), keep=True)
        else:
            with tempfile.TemporaryDirectory(prefix="hfdeploy-demo-") as folder:
                run(Path(folder), keep=False)
    except DemoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`make demo`: the main job from end to end, offline.

Starts a local hub, deploys a model, a dataset and a private Space behind its relay to it with the `hfdeploy`
command, which waits until the Space is live, and talks to the app. Deploys everything once more: nothing is
left to do. Then a version that crashes is rolled back, all of it comes and goes once more as the manifest's
staging profile has it, and so does a preview.
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import websockets
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
TARGETS = {"model": "kepler", "dataset": "planets", "space": "orbits"}
READY_SECONDS = 30.0
APP_FAILED = 51
INTERRUPTED = 130


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
    folder: Path
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

    def list_spaces(self) -> list[str]:
        """The names of all that are there, as the Hub tells them to their owner."""
        headers = {"Authorization": f"Bearer {self.token}"}
        listed = httpx.get(f"{self.endpoint}/api/spaces?author=local", headers=headers).raise_for_status()
        return [space["id"] for space in listed.json()]


def start_hub(folder: Path) -> Hub:
    """A hub of its own on a free port, in a folder of its own."""
    ready = folder / "ready.json"
    log = (folder / "hub.log").open("wb")
    command = [str(BIN / "hfdeploy-localhub"), "serve", "--port=0"]
    command += [f"--data={folder / 'data'}", f"--ready-file={ready}"]
    process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + READY_SECONDS
    try:
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise DemoError(f"The local hub did not start; see {log.name}")
            time.sleep(0.02)
    except BaseException:
        process.kill()
        raise
    told = json.loads(ready.read_text())
    return Hub(process, folder, told["endpoint"], told["users"][0]["token"])


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


def run_hfdeploy(hub: Hub, *arguments: str | Path, code: int = 0) -> str:
    """What a user would type; returns what it printed."""
    command = [str(BIN / "hfdeploy"), *map(str, arguments)]
    done = subprocess.run(command, env=hub.environment, capture_output=True, text=True)
    if done.returncode != code:
        raise DemoError(f"hfdeploy {arguments[0]} ended with {done.returncode}: {done.stderr or done.stdout}")
    return done.stdout


def deploy(hub: Hub, type: str) -> dict[str, Any]:
    """One of the folders beside this file; returns the outcome, which is the last event."""
    arguments: list[str | Path] = ["deploy", HERE / type, TARGETS[type], f"--type={type}", "--json"]
    if type == "space":
        arguments += ["--private", "--proxy", "--wait", "--probe", "/period?distance_au=1"]
    outcome: dict[str, Any] = json.loads(run_hfdeploy(hub, *arguments).splitlines()[-1])
    return outcome


def call_app(url: str, headers: dict[str, str]) -> str:
    """The page, the JSON endpoint, the events and the WebSocket."""
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


def deploy_broken(hub: Hub, folder: Path, url: str) -> str:
    """A version that crashes at start ends the command with its log, and the one before it answers again."""
    source = folder / "broken"
    shutil.copytree(HERE / "space", source, ignore=shutil.ignore_patterns(".hfdeploy"))
    (source / "app.py").write_text('raise SystemExit("out of fuel")\n')
    arguments = ("deploy", source, TARGETS["space"], "--rollback-on-failure", "--json")
    told = [json.loads(line) for line in run_hfdeploy(hub, *arguments, code=APP_FAILED).splitlines()]
    back = next(event for event in told if event["event"] == "rolled_back")
    if "out of fuel" not in told[-1]["log"]:
        raise DemoError("The crash was not in the log")
    call_app(url, {})
    return f"crashed: 'out of fuel'; back at {back['restores'][:8]}, and live"


def show_preview(hub: Hub) -> str:
    """A Space of its own for a pull request."""
    named = (TARGETS["space"], "--id", "pr-1")
    made = run_hfdeploy(
        hub, "preview", "create", HERE / "space", *named, "--state", hub.folder / "preview", "--json"
    )
    repo_id = json.loads(made.splitlines()[-1])["repo_id"]
    run_hfdeploy(hub, "preview", "destroy", *named, "--yes")
    if repo_id in hub.list_spaces():
        raise DemoError(f"{repo_id} is still there")
    return f"{repo_id} came and went"


def apply_manifest(hub: Hub, folder: Path) -> str:
    """All four targets as another profile has them: made, in sync, and deleted again."""
    project = folder / "project"
    shutil.copytree(HERE, project, ignore=shutil.ignore_patterns(".hfdeploy", "plugin"))
    named = ("--manifest", project / "hfdeploy.yaml", "--profile", "staging")
    run_hfdeploy(hub, "apply", *named, "--yes")
    run_hfdeploy(hub, "plan", *named, "--detailed-exitcode")
    run_hfdeploy(hub, "destroy", *named, "--yes")
    if left := [repo_id for repo_id in hub.list_spaces() if "-staging" in repo_id]:
        raise DemoError(f"{left} are still there")
    return "4 targets applied with steps, in sync, destroyed"


def deploy_again(hub: Hub, before: dict[str, dict[str, Any]]) -> str:
    """Nothing is left to do."""
    with ThreadPoolExecutor() as pool:
        again = dict(zip(before, pool.map(partial(deploy, hub), before), strict=True))
    for type, outcome in again.items():
        if outcome["changed"] or outcome["commit"] != before[type]["commit"]:
            raise DemoError(f"Deploying the {type} again changed it: {outcome}")
    return f"nothing to do, {len(again)} times"


def run(folder: Path, *, keep: bool) -> None:
    report = Report()
    started = time.perf_counter()
    with local_hub(folder, keep=keep) as hub:
        report.rows.append(("start", f"local hub at {hub.endpoint}", time.perf_counter() - started))
        outcomes = {type: report.run(f"deploy {type}", _deploy(hub, type)) for type in TARGETS}
        space = outcomes["space"]
        url, relay = space["space_url"], space["proxy_url"]
        headers = {"Authorization": f"Bearer {hub.token}"}
        report.run("call with the token", lambda: (call_app(url, headers), None))
        report.run("call without", lambda: (knock_without_token(hub, space["repo_id"], url), None))
        report.run("call through the relay", lambda: (call_app(relay, {}), None))
        report.run("deploy all again", lambda: (deploy_again(hub, outcomes), None))
        report.run("deploy what crashes", lambda: (deploy_broken(hub, folder, relay), None))
        report.run("manifest, staging", lambda: (apply_manifest(hub, folder), None))
        report.run("preview", lambda: (show_preview(hub), None))
    report.show()
    if keep:
        print(f"\nStill running, until: kill {hub.process.pid}")
        print(f"  hub    {hub.endpoint}\n  data   {folder}\n  users and tokens   {folder / 'ready.json'}")
        for outcome in outcomes.values():
            shown = (
                f"   app {outcome['space_url']}   relay {outcome['proxy_url']}"
                if outcome["space_url"]
                else ""
            )
            print(f"  {outcome['repo_url']}{shown}")


def _deploy(hub: Hub, type: str) -> Callable[[], tuple[str, Any]]:
    def work() -> tuple[str, Any]:
        outcome = deploy(hub, type)
        live = f", live; relay {outcome['proxy_repo_id']}" if outcome["proxy_enabled"] else ""
        return f"{outcome['repo_id']} is at {outcome['commit'][:8]}{live}", outcome

    return work


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the hub and the Space running")
    keep = parser.parse_args().keep
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if keep:
            run(Path(tempfile.mkdtemp(prefix="hfdeploy-demo-")), keep=True)
        else:
            with tempfile.TemporaryDirectory(prefix="hfdeploy-demo-") as folder:
                run(Path(folder), keep=False)
    except DemoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())

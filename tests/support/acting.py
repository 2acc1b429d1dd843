"""Runs workflows that use the action, on this machine: by act, which runs action.yml as GitHub's runner does.

The job sees an empty environment but for what is handed to it, and steps see what `actions/checkout` gives
them: a copy of the workspace. act itself knows no paths with spaces: those are for `test_start.py`.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from hfdeploy_action.environment import choose_variables

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
USES = "hfdeploy/hfdeploy@v1"
_TIMEOUT_SECONDS = 100
_NEEDED = (
    "packages/hfdeploy-core/src",
    "packages/hfdeploy/src",
    "packages/hfdeploy-proxy/src",
    "packages/hfdeploy-janitor/src",
    "packages/hfdeploy-action",
)


@dataclass(frozen=True)
class Job:
    """What became of a job: by the id of the step, its outputs, its end and what was annotated."""

    succeeded: bool
    outputs: Mapping[str, dict[str, str]]
    results: Mapping[str, str]
    annotations: tuple[str, ...]
    log: str
    summary: str


@dataclass
class Workplace:
    """A runner in a folder: a home, a workspace that is a git checkout, and a copy of the action."""

    folder: Path
    hub: str
    secrets: dict[str, str]
    environment: dict[str, str] = field(default_factory=dict)
    event: str = "push"
    payload: dict[str, Any] = field(default_factory=dict)
    has_uv: bool = True

    def __post_init__(self) -> None:
        self.workspace = self.folder / "workspace"
        self.home = self.folder / "home"
        self.action = self.folder / "action"
        self.programs = self.folder / "programs"
        for folder in (self.workspace, self.home, self.programs):
            folder.mkdir(parents=True)
        copy_action(self.action)
        for name in ("git", "sh", "bash", "env", "dirname", "cat", "sleep", "test"):
            (self.programs / name).symlink_to(str(shutil.which(name)))
        # The interpreter itself: a version manager's is a script that needs variables of its own.
        (self.programs / "python3").symlink_to(Path(sys.executable).resolve())
        if self.has_uv:
            (self.programs / "uv").symlink_to(BIN / "uv")

    @property
    def variables(self) -> dict[str, str]:
        """All that act sees of the environment."""
        return {"PATH": str(self.programs), "HOME": str(self.home)}

    def run(self, steps: list[dict[str, Any]]) -> Job:
        """Run one job of these steps. Those without `uses` and `run` use the action."""
        self.write(steps)
        done = subprocess.run(
            self.command(),
            cwd=self.workspace,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
        )
        return read_job(done.stdout)

    def write(self, steps: list[dict[str, Any]]) -> None:
        """The workflow of these steps, committed."""
        job = {
            "runs-on": "ubuntu-latest",
            "steps": [
                {"uses": "actions/checkout@v5"},
                *(step if {"uses", "run"} & step.keys() else {"uses": USES, **step} for step in steps),
            ],
        }
        workflow = self.workspace / ".github/workflows/use.yml"
        workflow.parent.mkdir(parents=True, exist_ok=True)
        workflow.write_text(yaml.safe_dump({"on": self.event, "jobs": {"job": job}}, sort_keys=False))
        (self.folder / "event.json").write_text(json.dumps(self.payload))
        self._commit()

    def command(self) -> list[str]:
        index = {
            name: value
            for name, value in choose_variables(os.environ).items()
            if name.startswith(("PIP_", "UV_", "SSL_"))
        }
        given = {
            "HF_ENDPOINT": self.hub,
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "UV_CACHE_DIR": find_cache(),
            **index,
            **self.environment,
        }
        return [
            str(BIN / "act"),
            self.event,
            *("--workflows", ".github/workflows/use.yml"),
            *("--eventpath", str(self.folder / "event.json")),
            *("--platform", "ubuntu-latest=-self-hosted"),
            *("--local-repository", f"{USES}={self.action}"),
            *("--no-cache-server", "--json"),
            *(word for name, value in given.items() for word in ("--env", f"{name}={value}")),
            *(word for name, value in self.secrets.items() for word in ("--secret", f"{name}={value}")),
        ]

    def _commit(self) -> None:
        git = ["git", "-c", "user.name=alice", "-c", "user.email=alice@example.com"]
        if not (self.workspace / ".git").exists():
            subprocess.run([*git, "init", "--quiet", "--initial-branch=main"], cwd=self.workspace, check=True)
            address = "https://github.com/alice/code"
            subprocess.run([*git, "remote", "add", "origin", address], cwd=self.workspace, check=True)
        subprocess.run([*git, "add", "--all"], cwd=self.workspace, check=True)
        subprocess.run(
            [*git, "commit", "--quiet", "--allow-empty", "-m", "x"], cwd=self.workspace, check=True
        )


def copy_action(target: Path) -> None:
    """All of the repository that the action needs, as a runner has it: nothing built, nothing installed."""
    target.mkdir(parents=True)
    for name in ("action.yml", "VERSION"):
        shutil.copy(ROOT / name, target)
    ignored = shutil.ignore_patterns("__pycache__", "tests")
    for name in _NEEDED:
        shutil.copytree(ROOT / name, target / name, ignore=ignored)


def read_job(lines: str) -> Job:
    """What act's JSON lines tell, without the masks: act prints them as they are."""
    outputs: dict[str, dict[str, str]] = {}
    results: dict[str, str] = {}
    annotations, log, summary = [], [], []
    succeeded = False
    for line in lines.splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            log.append(line)
            continue
        step, command = told.get("stepID") or [""], told.get("command")
        if command == "add-mask":
            continue
        if "jobResult" in told:
            succeeded = told["jobResult"] == "success"
        if len(step) == 1 and told.get("stage") == "Main" and "stepResult" in told:
            results[step[0]] = told["stepResult"]
        if command == "set-output":
            if len(step) == 1:
                outputs.setdefault(step[0], {})[told["name"]] = told["arg"]
        elif command == "summary":
            if len(step) == 1:
                summary.append(told["content"])
        elif command in ("error", "warning", "notice"):
            annotations.append(told["raw"].strip())
        else:
            log.append(told.get("msg", ""))
    return Job(succeeded, outputs, results, tuple(annotations), "\n".join(log), "\n".join(summary))


def find_cache() -> str:
    asked = subprocess.run([BIN / "uv", "cache", "dir"], capture_output=True, text=True, check=True)
    return asked.stdout.strip()

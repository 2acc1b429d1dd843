"""Runs deploys that kill themselves: a process that forks for each, so that none has to import anything.

Reads one JSON object a line: `environment`, `verb`, `arguments`, `options`, and `kill_at`, the number of the
point at which the process sends itself SIGKILL (null: never). Answers each with `points`, how many there
were, and `signal`.

Points are, from the first line of the journal on: before every line, before every request to the Hub that may
change something, and the end. What is between two of them leaves nothing behind that the second does not see.
"""

import gc
import json
import os
import signal
import sys
from typing import Any

import huggingface_hub  # noqa: F401  imported once, here

import hfdeploy_core
from hfdeploy_core import project
from hfdeploy_core.hub import large  # noqa: F401
from hfdeploy_core.hub.client import HubClient


class Points:
    """Counts the points that a process passes, and ends it at one of them."""

    def __init__(self, kill_at: int | None) -> None:
        self.passed = 0
        self._kill_at = kill_at
        self._has_begun = False
        sys.addaudithook(self._watch)

    def around(self, call: Any) -> Any:
        def watched(*arguments: Any, **options: Any) -> Any:
            self.mark()
            return call(*arguments, **options)

        return watched

    def _watch(self, event: str, arguments: tuple[Any, ...]) -> None:
        if (
            event == "open"
            and str(arguments[0]).endswith(("journal.jsonl", "state.lock"))
            and arguments[2] & os.O_WRONLY
        ):
            self._has_begun = True
            self.mark()

    def mark(self) -> None:
        if self._has_begun:
            self.passed += 1
            if self.passed == self._kill_at:
                os.kill(os.getpid(), signal.SIGKILL)


# What asks and changes nothing: a kill right before it is one right after the point before.
ASKING = ("find_", "list_", "recent_", "check_", "read_", "open_", "visit_", "whoami")


class Watched:
    """A Hub of which every request is a point that may change something."""

    def __init__(self, hub: HubClient, points: Points) -> None:
        self._hub = hub
        self._points = points

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._hub, name)
        return method if name.startswith(ASKING) else self._points.around(method)


def run(asked: dict[str, Any]) -> int:
    os.environ.update(asked["environment"])
    points = Points(asked["kill_at"])
    with HubClient(on_event=lambda event: None) as client:
        hub: Any = Watched(client, points)
        if asked["verb"] == "project":
            project.apply_project(
                project.plan_project(project.load_project(*asked["arguments"]), hub=hub), hub=hub
            )
        elif asked["verb"] == "apply":
            plan = hfdeploy_core.load_plan(*asked["arguments"])
            hfdeploy_core.apply(plan, hub=hub, **asked["options"])
        else:
            verb = getattr(hfdeploy_core, asked["verb"])
            verb(*asked["arguments"], hub=hub, **asked["options"])
    points.mark()
    return points.passed


def main() -> None:
    # So that a child does not copy what it only looks at.
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        reader, writer = os.pipe()
        if (child := os.fork()) == 0:
            os.close(reader)
            os.write(writer, str(run(json.loads(line))).encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as told:
            points = told.read()
        _, status = os.waitpid(child, 0)
        ended_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        print(json.dumps({"points": int(points or 0), "signal": ended_by}), flush=True)


if __name__ == "__main__":
    main()

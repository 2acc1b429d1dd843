"""JSON, one event a line, for programs. The last line is the outcome, the plan or the error."""

import json
from dataclasses import asdict
from typing import Any, Self, TextIO

from hfdeploy.render.facts import describe_error, describe_event
from hfdeploy_core import DeployError, Plan
from hfdeploy_core.events import Event
from hfdeploy_core.planning.document import describe_plan


class JsonLines:
    """Writes `{"event": NAME, ...}` lines to `out`."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def show(self, event: Event) -> None:
        self._write(describe_event(event))

    def show_plan(self, plan: Plan, target: str | None = None) -> None:
        named = {} if target is None else {"target": target}
        self._write({"event": "plan", **named, **describe_plan(plan)})

    def show_answer(self, name: str, facts: Any, text: str) -> None:
        self._write({"event": name, **asdict(facts)})

    def fail(self, error: DeployError, name: str, exit_code: int) -> None:
        self._write(describe_error(error, name, exit_code))

    def _write(self, fields: dict[str, Any]) -> None:
        # In one piece: several threads may wait for the Hub at a time.
        self._out.write(f"{json.dumps(fields)}\n")
        self._out.flush()

"""JSON, one event a line, for programs. The last line is the outcome, the plan or the error."""

import json
from dataclasses import asdict
from typing import Any, Self, TextIO

from hfdeploy_core import DeployError, Plan
from hfdeploy_core.errors import GateError, SeveralFaults
from hfdeploy_core.events import Event, Finished, TargetTold
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
        self._write(_describe(event))

    def show_plan(self, plan: Plan, target: str | None = None) -> None:
        named = {} if target is None else {"target": target}
        self._write({"event": "plan", **named, **describe_plan(plan)})

    def show_answer(self, name: str, facts: Any, text: str) -> None:
        self._write({"event": name, **asdict(facts)})

    def fail(self, error: DeployError, name: str, exit_code: int) -> None:
        fields: dict[str, Any] = {
            "event": "error",
            "error": name,
            "message": error.message,
            "remedy": error.remedy,
            "exit_code": exit_code,
        }
        if isinstance(error, GateError):
            fields["log"] = error.log
        if isinstance(error, SeveralFaults):
            fields["faults"] = [
                {"error": type(fault).__name__, "message": fault.message, "remedy": fault.remedy}
                for fault in error.faults
            ]
        self._write(fields)

    def _write(self, fields: dict[str, Any]) -> None:
        # In one piece: several threads may wait for the Hub at a time.
        self._out.write(f"{json.dumps(fields)}\n")
        self._out.flush()


def _describe(event: Event) -> dict[str, Any]:
    match event:
        case Finished():
            return {"event": event.name, **asdict(event.outcome)}
        case TargetTold():
            told = _describe(event.event)
            return {"event": told.pop("event"), "target": event.target, **told}
        case _:
            return {"event": event.name, **asdict(event)}

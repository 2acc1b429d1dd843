"""Events as plain data: what programs and reports are given."""

from dataclasses import asdict
from typing import Any

from hfdeploy_core import DeployError
from hfdeploy_core.errors import GateError, SeveralFaults
from hfdeploy_core.events import Event, Finished, TargetTold


def describe_event(event: Event) -> dict[str, Any]:
    """An event in JSON's own types; what a target tells also names it."""
    match event:
        case Finished():
            return {"event": event.name, **asdict(event.outcome)}
        case TargetTold():
            told = describe_event(event.event)
            return {"event": told.pop("event"), "target": event.target, **told}
        case _:
            return {"event": event.name, **asdict(event)}


def describe_error(error: DeployError, name: str, exit_code: int) -> dict[str, Any]:
    """The failure that ends a run, in JSON's own types."""
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
    return fields

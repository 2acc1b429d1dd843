"""A plan as a file, to be looked at by somebody before it is applied."""

import json
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from hfdeploy_janitor.errors import PlanInvalid
from hfdeploy_janitor.model import Plan

_PLAN = TypeAdapter(Plan)


def write_plan(plan: Plan, path: Path) -> None:
    """Write all that applying it takes: what is kept is not part of it."""
    content = {"digest": plan.digest, "plan": _PLAN.dump_python(plan, mode="json", exclude={"kept"})}
    try:
        path.write_text(json.dumps(content, indent=2) + "\n")
    except OSError as error:
        raise PlanInvalid(
            f"The plan {path} cannot be written: {error.strerror}.", "Name another file."
        ) from error


def read_plan(path: Path) -> Plan:
    """The plan of a file. Raises PlanInvalid if it is none, or not what was written."""
    try:
        content = json.loads(path.read_text())
        plan = _PLAN.validate_python(content["plan"], strict=False)
        told = content["digest"]
    except OSError as error:
        raise PlanInvalid(f"The plan {path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, ValidationError):
        raise PlanInvalid(f"{path} is no plan.") from None
    if told != plan.digest:
        raise PlanInvalid(f"The plan {path} was changed after it was made: its digest does not fit.")
    return plan

"""A plan as plain data: what programs are shown, and what a saved plan holds."""

from dataclasses import fields, is_dataclass
from typing import Any

from hfdeploy_core.model import CommitFiles, CreateRepo, Plan, SetVisibility
from hfdeploy_core.planning.digest import digest_plan

VERSION = 1
_CHANGES = {"create_repo": CreateRepo, "set_visibility": SetVisibility, "commit_files": CommitFiles}
_NAMES = {kind: name for name, kind in _CHANGES.items()}


def describe_plan(plan: Plan) -> dict[str, Any]:
    """Everything that the plan says, in JSON's own types; the same plan always in the same words."""
    changes = [{"change": _NAMES[type(change)], **_write(change)} for change in plan.changes]
    facts = {field.name: _write(getattr(plan, field.name)) for field in fields(plan)}
    return {"version": VERSION, "digest": digest_plan(plan), **facts, "changes": changes}


def _write(value: Any) -> Any:
    if is_dataclass(value):
        # What does not compare is no part of the value: when a file was written.
        return {field.name: _write(getattr(value, field.name)) for field in fields(value) if field.compare}
    if isinstance(value, tuple):
        return [_write(item) for item in value]
    return value

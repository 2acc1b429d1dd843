"""A plan as plain data: what programs are shown, and what a saved plan holds."""

import json
from dataclasses import fields, is_dataclass
from enum import Enum
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from hfdeploy_core.errors import PlanInvalid
from hfdeploy_core.model import (
    Change,
    CommitFiles,
    CreateRepo,
    Plan,
    RemoveSecret,
    RemoveVariable,
    SetGated,
    SetHardware,
    SetSecret,
    SetSleep,
    SetUpstream,
    SetVariable,
    SetVisibility,
    SetVolumes,
)
from hfdeploy_core.planning.digest import digest_plan

VERSION = 3
_CHANGES = {
    "create_repo": CreateRepo,
    "set_visibility": SetVisibility,
    "set_gated": SetGated,
    "set_hardware": SetHardware,
    "set_sleep": SetSleep,
    "set_volumes": SetVolumes,
    "set_variable": SetVariable,
    "remove_variable": RemoveVariable,
    "remove_secret": RemoveSecret,
    "set_upstream": SetUpstream,
    "set_secret": SetSecret,
    "commit_files": CommitFiles,
}
_NAMES = {kind: name for name, kind in _CHANGES.items()}


def describe_plan(plan: Plan) -> dict[str, Any]:
    """Everything that the plan says, in JSON's own types; the same plan always in the same words."""
    return {"version": VERSION, "digest": digest_plan(plan), **_write(plan)}


def write_plan(plan: Plan) -> str:
    """The plan as text, from which `read_plan` makes it again."""
    return json.dumps(describe_plan(plan), indent=1, sort_keys=True) + "\n"


def read_plan(text: str) -> Plan:
    """The plan that a text describes. Raises PlanInvalid where it is none, or not what its digest says."""
    try:
        document = json.loads(text)
        version, digest = document.pop("version"), document.pop("digest")
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError):
        raise PlanInvalid("This is no saved plan.") from None
    if version != VERSION:
        raise PlanInvalid(f"The plan is of version {version!r}; only {VERSION} can be read.")
    try:
        plan: Plan = _read(Plan, document)
    except (ValueError, KeyError, TypeError):
        raise PlanInvalid("The plan is not complete, or holds what no plan holds.") from None
    if digest_plan(plan) != digest:
        raise PlanInvalid("The plan was changed after it was made: its digest is another.")
    return plan


def describe_change(change: Change) -> dict[str, Any]:
    """One change in JSON's own types."""
    described: dict[str, Any] = _write(change)
    return described


def read_change(facts: Any) -> Change:
    """The change that was described. Raises PlanInvalid."""
    try:
        change: Change = _read(Change, facts)
    except (ValueError, KeyError, TypeError):
        raise PlanInvalid("This is no change.") from None
    return change


def _write(value: Any) -> Any:
    if is_dataclass(value):
        # What does not compare is no part of the value: when a file was written.
        facts = {field.name: _write(getattr(value, field.name)) for field in fields(value) if field.compare}
        return {"change": _NAMES[type(value)], **facts} if type(value) in _NAMES else facts
    if isinstance(value, tuple):
        return [_write(item) for item in value]
    return value


def _read(kind: Any, value: Any) -> Any:
    """The value of that type; whatever is missing, unknown or of another type raises."""
    if kind == Change:
        facts = dict(value)
        return _read(_CHANGES[facts.pop("change")], facts)
    if isinstance(kind, UnionType):
        (other,) = (arm for arm in get_args(kind) if arm is not type(None))
        return None if value is None else _read(other, value)
    if get_origin(kind) is tuple:
        return tuple(_read(get_args(kind)[0], item) for item in _check(list, value))
    if is_dataclass(kind):
        return _read_fields(kind, dict(value))
    if issubclass(kind, Enum):
        return kind(value)
    return _check(kind, value)


def _read_fields(kind: Any, facts: dict[str, Any]) -> Any:
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind) if field.compare]
    read = {name: _read(hints[name], facts.pop(name)) for name in names}
    if facts:
        raise ValueError(facts)
    return kind(**read)


def _check(kind: Any, value: Any) -> Any:
    # Not isinstance(): True would pass for a number.
    if type(value) is not kind:
        raise TypeError(value)
    return value

"""Saved plans of manifests: what was planned of each target, to be carried out as it is or refused."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar, cast

from hfdeploy_core.applying.journal import Journal
from hfdeploy_core.clock import SystemClock
from hfdeploy_core.errors import PlanInvalid, PlanStale
from hfdeploy_core.events import OnEvent
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.manifest.references import stand_in, stand_in_address
from hfdeploy_core.model import Plan
from hfdeploy_core.planning.digest import digest_plan
from hfdeploy_core.planning.document import describe_plan, read_plan
from hfdeploy_core.running.plan import ProjectPlan, TargetPlan, plan_project
from hfdeploy_core.running.project import Project
from hfdeploy_core.running.run import Run
from hfdeploy_core.saving import TARGETS, load_text, save_text

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SavedProjectPlan:
    """What was planned of each target of a manifest, by profile and preview; `text` is that one's digest."""

    manifest: str
    profile: str | None
    preview: str | None
    text: str
    targets: Mapping[str, Plan]


def save_project_plan(plan: ProjectPlan, manifest: str, file: str | PathLike[str]) -> None:
    """Write the plan to a file, whole or not at all. Raises SettingInvalid where that cannot be."""
    facts = {
        "manifest": manifest,
        "profile": plan.project.profile,
        "preview": plan.project.preview,
        "text": _digest_manifest(manifest),
        TARGETS: {name: describe_plan(target.plan) for name, target in plan.targets.items()},
    }
    text = json.dumps({"digest": _digest(facts), **facts}, indent=1)
    save_text(f"{text}\n", file, (target.plan.source.path for target in plan.targets.values()))


def load_project_plan(file: str | PathLike[str]) -> SavedProjectPlan:
    """The plan that was saved to a file. Raises PlanInvalid."""
    try:
        facts = json.loads(load_text(file))
        digest = facts.pop("digest")
        if digest != _digest(facts):
            raise PlanInvalid("The plan was changed after it was made: its digest is another.")
        plans = {name: read_plan(json.dumps(plan)) for name, plan in facts.pop(TARGETS).items()}
        return SavedProjectPlan(**facts, targets=plans)
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError):
        raise PlanInvalid(f"{file} is no saved plan.") from None


def recall_project_plan(
    saved: SavedProjectPlan,
    project: Project,
    *,
    on_event: OnEvent = lambda event: None,
    hub: Hub | None = None,
) -> ProjectPlan:
    """The plan as it was saved, to be applied. Raises PlanStale where another would be made by now.

    What a run that was cut short has done of it may be done already.
    """
    if _digest_manifest(saved.manifest) != saved.text:
        raise PlanStale(f"{saved.manifest} was changed since the plan was made.")
    made = plan_project(project, saved.targets, on_event=on_event, hub=hub)
    run = Run(project, on_event, SystemClock())
    facts = {each: value for target in made.targets.values() for each, value in target.facts.items()}
    targets = {}
    for name, target in made.targets.items():
        references = made.project.manifest.targets[name].references & facts.keys()
        # What was to be known after apply may be known by now.
        told = {stands(each): facts[each] for each in references for stands in (stand_in, stand_in_address)}
        meant = _fill(saved.targets[name], told)
        targets[name] = _recall(target, meant, run.find_state(name))
    return replace(made, targets=targets)


def _recall(target: TargetPlan, saved: Plan, state: Path) -> TargetPlan:
    digest = digest_plan(saved)
    if digest_plan(target.plan) == digest:
        return target
    if target.plan.content == saved.content:
        if not target.has_changes:
            return target
        history = Journal(state, SystemClock()).read()
        # Each repo is carried out, and written down, by itself.
        plans = (replace(saved, relay=None), *((saved.relay.plan,) if saved.relay else ()))
        if any(history.has_begun(digest_plan(plan)) for plan in plans):
            # One that is planned again when its turn comes goes on by itself.
            return target if target.asked is None else replace(target, plan=saved)
    raise PlanStale(f"What has to be changed of {target.name} is another by now.")


def _fill(value: T, told: Mapping[str, str]) -> T:
    """The plan, or a part of it, with what stood in for values replaced by these."""
    filled: Any = value
    if type(value) is str:
        for text, fact in told.items():
            filled = filled.replace(text, fact)
    elif isinstance(value, tuple):
        filled = tuple(_fill(each, told) for each in value)
    elif is_dataclass(value):
        facts = {each.name: _fill(getattr(value, each.name), told) for each in fields(value)}
        filled = replace(filled, **facts)
    return cast("T", filled)


def _digest(facts: object) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _digest_manifest(manifest: str) -> str:
    return hashlib.sha256(Path(manifest).read_bytes()).hexdigest()

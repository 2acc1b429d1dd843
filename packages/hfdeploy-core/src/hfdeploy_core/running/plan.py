"""Plans every target: what would be changed, and what is known only later."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from hfdeploy_core import deployment
from hfdeploy_core.clock import SystemClock
from hfdeploy_core.errors import SettingInvalid
from hfdeploy_core.events import OnEvent
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.manifest.facts import find_facts
from hfdeploy_core.manifest.model import Asked
from hfdeploy_core.manifest.references import Kind, Reference
from hfdeploy_core.manifest.selecting import select
from hfdeploy_core.model import Plan, RepoRef
from hfdeploy_core.running.project import Project
from hfdeploy_core.running.run import Run, raise_failures
from hfdeploy_core.running.values import find_values

UNKNOWN = "(known after apply)"


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """What would be changed of one target. `asked` is None where only others, once applied, tell it."""

    name: str
    plan: Plan
    asked: Asked | None = field(repr=False)
    facts: Mapping[Reference, str] = field(default_factory=dict, repr=False)

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing to do, nor to wait for."""
        return self.asked is not None and self.asked.gate is None and not self.plan.changes


@dataclass(frozen=True, slots=True)
class ProjectPlan:
    """What would be changed of each target. `values` are what references name, but those to targets."""

    project: Project
    targets: Mapping[str, TargetPlan]
    values: Mapping[Reference, str] = field(repr=False)

    @property
    def has_changes(self) -> bool:
        """Whether there is anything to do."""
        return any(target.plan.changes for target in self.targets.values())


def plan_project(
    project: Project,
    targets: Iterable[str] = (),
    *,
    on_event: OnEvent = lambda event: None,
    hub: Hub | None = None,
) -> ProjectPlan:
    """What `apply_project` would change, of these targets and those that they need: of all if none is named.

    Nothing on the Hub is changed. Raises a DeployError where one target cannot be planned.
    """
    manifest = select(project.manifest, targets)
    references = frozenset().union(*(target.references for target in manifest.targets.values()))
    values = find_values(references, manifest.places, project.folder, project.environment)
    # Only what a value comes from has to be planned before.
    needs = {name: _list_sources(target.references) for name, target in manifest.targets.items()}
    run = Run(project, on_event, SystemClock())
    planned: dict[str, TargetPlan] = {}

    def work(name: str, tell: OnEvent, hub: Hub) -> TargetPlan:
        declared = manifest.targets[name]
        known = dict(values)
        for source in needs[name]:
            known |= planned[source].facts
        missing = declared.references - known.keys()
        asked = declared.fill({**known, **dict.fromkeys(missing, UNKNOWN)})
        plan = deployment.plan(
            project.folder / asked.source,
            asked.repo,
            state=run.find_state(name),
            on_event=tell,
            hub=hub,
            **asked.options,
        )
        wanted = {
            reference for reference in references if (reference.kind, reference.name) == (Kind.TARGETS, name)
        }
        facts = find_facts(name, plan, hub.find_repo(plan.repo) if wanted else None)
        planned[name] = TargetPlan(name, plan, None if missing else asked, facts)
        return planned[name]

    with run.enter(hub) as connected:
        fates = run.go(needs, lambda name, tell: work(name, tell, connected))
    raise_failures(fates)
    in_order = {name: planned[name] for name in manifest.targets}
    _refuse_twins(in_order.values())
    return ProjectPlan(replace(project, manifest=manifest), in_order, values)


def _list_sources(references: Iterable[Reference]) -> frozenset[str]:
    """The targets that values come from."""
    return frozenset(reference.name for reference in references if reference.kind is Kind.TARGETS)


def _refuse_twins(plans: Iterable[TargetPlan]) -> None:
    by_repo: dict[RepoRef, str] = {}
    for target in plans:
        other = by_repo.setdefault(target.plan.repo, target.name)
        if other != target.name:
            raise SettingInvalid(
                f"{other} and {target.name} are both {target.plan.repo}.",
                "Give each target a repo of its own.",
            )

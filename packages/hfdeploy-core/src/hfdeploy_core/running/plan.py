"""Plans every target: what would be changed, and what is known only later."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from hfdeploy_core import deployment
from hfdeploy_core.clock import SystemClock
from hfdeploy_core.errors import SettingInvalid
from hfdeploy_core.events import OnEvent, TargetLeftOut
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.manifest.conditions import Circumstances, decide
from hfdeploy_core.manifest.facts import find_facts
from hfdeploy_core.manifest.model import Asked, Declared
from hfdeploy_core.manifest.references import Kind, Reference, fill_all, stand_in, stand_in_address
from hfdeploy_core.manifest.selecting import may_be_written, select
from hfdeploy_core.model import Plan, RepoRef
from hfdeploy_core.running.project import Project
from hfdeploy_core.running.run import Run, raise_failures
from hfdeploy_core.running.sharing import adopt_secrets
from hfdeploy_core.running.values import find_values


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """What would be changed of one target. `asked` is None where only what comes before tells it:
    other targets, or steps that may write to its source. `left_out` is why it is planned only, if it is.
    """

    name: str
    plan: Plan
    asked: Asked | None = field(repr=False)
    facts: Mapping[Reference, str] = field(default_factory=dict, repr=False)
    has_steps: bool = False
    left_out: str | None = None

    @property
    def has_changes(self) -> bool:
        """Whether anything is to be changed, of the relay in front of it too."""
        return bool(self.plan.changes or (self.plan.relay and self.plan.relay.plan.changes))

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing to do, nor to wait for."""
        is_unchanged = self.asked is not None and self.asked.gate is None and not self.has_changes
        return self.left_out is not None or (is_unchanged and not self.has_steps)


@dataclass(frozen=True, slots=True)
class ProjectPlan:
    """What would be changed of each target. `values` are what references name, but those to targets;
    `previous` is what became of the run before.
    """

    project: Project
    targets: Mapping[str, TargetPlan]
    values: Mapping[Reference, str] = field(repr=False)
    previous: str = ""

    @property
    def has_changes(self) -> bool:
        """Whether there is anything to change on the Hub."""
        return any(target.has_changes and not target.left_out for target in self.targets.values())

    @property
    def has_work(self) -> bool:
        """Whether there is anything to do: to change, or a step to take."""
        steps = self.project.manifest.steps
        is_idle = all(target.is_settled for target in self.targets.values())
        return self.has_changes or not is_idle or bool(steps.before or steps.after)


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
    references = manifest.references
    values = find_values(references, manifest.places, project.folder, project.environment)
    # Only what a value comes from has to be planned before.
    owners = {each: name for name, target in manifest.targets.items() for each in target.names}
    needs = {
        name: frozenset(owners[source] for source in _list_sources(target.references))
        for name, target in manifest.targets.items()
    }
    wanted = _list_sources(references)
    clock = SystemClock()
    run = Run(project, on_event, clock)
    planned: dict[str, TargetPlan] = {}

    def work(name: str, tell: OnEvent, hub: Hub) -> TargetPlan:
        declared = manifest.targets[name]
        known = dict(values)
        for source in needs[name]:
            known |= planned[source].facts
        missing = declared.references - known.keys()
        is_known = not (missing or may_be_written(manifest, name))
        asked = project.ask(declared, {**known, **{each: stand_in(each) for each in missing}}, hub)
        if declared.relay is not None:
            addresses = {**known, **{each: stand_in_address(each) for each in missing}}
            asked = replace(asked, relay=fill_all(declared.relay.fields, addresses))
        if declared.has_secrets:
            adopt_secrets(state, name, run.find_state(name), clock)
        plan = deployment.plan(
            project.folder / asked.source,
            asked.repo,
            relay=project.build_relay(asked),
            state=run.find_state(name),
            on_event=tell,
            hub=hub,
            **project.place_options(asked),
        )
        left_out = _find_reason(declared, circumstances, plan)
        facts: dict[Reference, str] = {}
        plans = (plan,) if plan.relay is None else (plan, plan.relay.plan)
        for each, one in zip(declared.names, plans, strict=True):
            info = hub.find_repo(one.repo) if each in wanted else None
            facts |= find_facts(each, one, info, is_applied=not left_out)
        has_steps = bool(declared.steps.before or declared.steps.after)
        planned[name] = TargetPlan(name, plan, asked if is_known else None, facts, has_steps, left_out)
        if left_out:
            on_event(TargetLeftOut(name, left_out))
        return planned[name]

    with run.enter(hub) as connected:
        state = run.find_store(connected).read()
        circumstances = run.look_around(state.result)
        fates = run.go(needs, connected, work)
    raise_failures(fates)
    in_order = {name: planned[name] for name in manifest.targets}
    _refuse_twins(in_order.values())
    return ProjectPlan(replace(project, manifest=manifest), in_order, values, state.result)


def _find_reason(declared: Declared, circumstances: Circumstances, plan: Plan) -> str | None:
    """Why a target is planned only, if it is."""
    if circumstances.preview and declared.previews is None:
        return "it has no previews"
    if declared.skip:
        return "the manifest skips it"
    here = replace(circumstances, target=declared.name, changed=list_changed(plan))
    if declared.when is not None and not decide(declared.when, here):
        return f"{declared.when} does not hold"
    return None


def list_changed(plan: Plan) -> tuple[str, ...]:
    """The paths that a plan changes."""
    return (*(put.entry.path for put in plan.puts), *plan.deletions)


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

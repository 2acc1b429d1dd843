"""The façade for manifests: load, plan, apply."""

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import TypeVar

from hfdeploy_core import deployment
from hfdeploy_core.clock import Clock, SystemClock
from hfdeploy_core.errors import DeployError, ManifestMissing, RunFailed, SettingInvalid, ValueMissing
from hfdeploy_core.events import (
    Event,
    OnEvent,
    Planned,
    RunFinished,
    Scanned,
    TargetFailed,
    TargetLeft,
    TargetTold,
    Validated,
)
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.manifest.building import build_manifest, list_profiles
from hfdeploy_core.manifest.facts import find_facts, name_facts
from hfdeploy_core.manifest.model import Asked, Manifest
from hfdeploy_core.manifest.reading import read_yaml
from hfdeploy_core.manifest.references import Kind, Reference
from hfdeploy_core.manifest.selecting import select
from hfdeploy_core.model import Outcome, Plan, RepoRef
from hfdeploy_core.running.flow import Done, Failed, Fate, Left, Stopped, run_graph
from hfdeploy_core.running.values import find_values, read_environment
from hfdeploy_core.source.cache import STATE_FOLDER

FILE = "hfdeploy.yaml"
UNKNOWN = "(known after apply)"
_MOST_AT_A_TIME = 8

Needs = Mapping[str, frozenset[str]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Project:
    """A manifest that makes sense, and where it stands. `environment` is what `${env:NAME}` means."""

    folder: Path
    manifest: Manifest
    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """What would be changed of one target. `asked` is None where only others, once applied, tell it."""

    name: str
    plan: Plan
    asked: Asked | None = field(repr=False)
    facts: Mapping[Reference, str] = field(default_factory=dict, repr=False)


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


def load_project(
    file: str | PathLike[str] = FILE,
    *,
    profile: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Project:
    """Read a manifest, with one of its profiles if one is named. Raises a ManifestError."""
    path = Path(file)
    manifest = build_manifest(read_yaml(_read(path), str(file)), profile)
    folder = path.absolute().parent
    found = read_environment(manifest.env_files, folder, os.environ if environment is None else environment)
    return Project(folder, manifest, found)


def validate(file: str | PathLike[str] = FILE, *, on_event: OnEvent = lambda event: None) -> None:
    """Look at a manifest as it is and with each profile, and at nothing else. Raises a ManifestError."""
    root = read_yaml(_read(Path(file)), str(file))
    manifest = build_manifest(root)
    profiles = list_profiles(root)
    for profile in profiles:
        build_manifest(root, profile)
    on_event(Validated(str(file), tuple(manifest.targets), tuple(profiles)))


def list_targets(file: str | PathLike[str] = FILE) -> frozenset[str]:
    """The names of a manifest's targets, whatever else is wrong with it; none where there is no manifest."""
    path = Path(file)
    if not path.exists():
        return frozenset()
    targets = read_yaml(_read(path), str(file)).children.get("targets")
    return frozenset(targets.children) if targets is not None else frozenset()


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
    run = _Run(project, on_event, SystemClock())
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
    _raise_failures(fates)
    _refuse_twins(planned.values())
    return ProjectPlan(
        replace(project, manifest=manifest), {name: planned[name] for name in manifest.targets}, values
    )


def apply_project(
    plan: ProjectPlan,
    *,
    on_event: OnEvent = lambda event: None,
    hub: Hub | None = None,
    clock: Clock | None = None,
) -> dict[str, Outcome | None]:
    """Carry out the plan, target by target: what each led to, None where there was nothing to do.

    What failed keeps back those that need it, and nothing else; then the failure is raised.
    """
    clock = clock or SystemClock()
    started_seconds = clock.seconds()
    project, manifest = plan.project, plan.project.manifest
    run = _Run(project, on_event, clock)
    facts: dict[Reference, str] = dict(plan.values)

    def work(name: str, tell: OnEvent, hub: Hub) -> Outcome | None:
        target, declared = plan.targets[name], manifest.targets[name]
        asked, state = target.asked, run.find_state(name)
        if asked is not None and asked.gate is None and not target.plan.changes:
            facts.update(target.facts)
            return None
        if asked is not None:
            outcome = deployment.apply(
                target.plan,
                secrets=asked.options.get("secrets", {}),
                gate=asked.gate,
                state=state,
                on_event=_skip_known(tell),
                hub=hub,
                clock=clock,
            )
        else:
            if missing := declared.references - facts.keys():
                raise ValueMissing(f"{' and '.join(sorted(map(str, missing)))}: there is none.", "Drop it.")
            asked = declared.fill(facts)
            outcome = deployment.deploy(
                project.folder / asked.source,
                asked.repo,
                gate=asked.gate,
                state=state,
                on_event=tell,
                hub=hub,
                clock=clock,
                **asked.options,
            )
        facts.update(name_facts(name, outcome))
        return outcome

    needs = {name: target.needs for name, target in manifest.targets.items()}
    with run.enter(hub) as connected:
        fates = run.go(needs, lambda name, tell: work(name, tell, connected))
    on_event(_summarize(fates, clock.seconds() - started_seconds))
    _raise_failures(fates)
    return {name: fate.result for name, fate in fates.items() if isinstance(fate, Done)}


class _Run:
    """One run over targets: what each of them tells passes through here, one at a time."""

    def __init__(self, project: Project, on_event: OnEvent, clock: Clock) -> None:
        self._project = project
        self._on_event = on_event
        self._clock = clock
        self._lock = threading.Lock()

    def enter(self, hub: Hub | None) -> AbstractContextManager[Hub]:
        """The Hub, one client for all targets."""
        return deployment.connect(on_event=self._tell) if hub is None else nullcontext(hub)

    def find_state(self, name: str) -> Path:
        """The folder for a target's journal and hashes."""
        return self._project.folder / STATE_FOLDER / "targets" / name

    def go(self, needs: Needs, work: Callable[[str, OnEvent], T]) -> dict[str, Fate[T]]:
        """Do the work of every target, with somebody to tell its events to."""
        return run_graph(
            needs,
            lambda name, is_over: self._attempt(name, is_over, work),
            most=_MOST_AT_A_TIME,
            on_left=lambda name, left: self._tell(TargetLeft(name, left.because)),
        )

    def _attempt(self, name: str, is_over: threading.Event, work: Callable[[str, OnEvent], T]) -> T:
        def tell(event: Event) -> None:
            if is_over.is_set():
                raise Stopped
            self._tell(TargetTold(name, event))

        try:
            return work(name, tell)
        except DeployError as error:
            self._tell(TargetFailed(name, type(error).__name__, error.message, error.remedy, error.exit_code))
            raise

    def _tell(self, event: Event) -> None:
        with self._lock:
            self._on_event(event)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ManifestMissing(f"There is no {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ManifestMissing(f"The manifest {path} cannot be read: {reason}.") from None


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


def _skip_known(tell: OnEvent) -> OnEvent:
    """Not what was told already when it was planned."""

    def tell_rest(event: Event) -> None:
        if not isinstance(event, Scanned | Planned):
            tell(event)

    return tell_rest


def _summarize(fates: Mapping[str, Fate[Outcome | None]], elapsed_seconds: float) -> RunFinished:
    done = {name: fate.result for name, fate in fates.items() if isinstance(fate, Done)}
    changed = tuple(name for name, outcome in done.items() if outcome is not None and outcome.changed)
    return RunFinished(
        changed,
        tuple(name for name in done if name not in changed),
        tuple(name for name, fate in fates.items() if isinstance(fate, Failed)),
        tuple(name for name, fate in fates.items() if isinstance(fate, Left)),
        elapsed_seconds,
    )


def _raise_failures(fates: Mapping[str, Fate[T]]) -> None:
    """Raise the failure, where there is one; what is unexpected goes before."""
    failures = {name: fate.error for name, fate in fates.items() if isinstance(fate, Failed)}
    for error in failures.values():
        if len(failures) == 1 or not isinstance(error, DeployError):
            raise error
    if failures:
        raise RunFailed(f"{len(failures)} of {len(fates)} targets failed: {', '.join(failures)}.")

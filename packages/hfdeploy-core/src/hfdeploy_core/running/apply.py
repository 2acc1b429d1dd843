"""Carries out what was planned for every target, and writes down what that leaves."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import reduce

from hfdeploy_core.clock import Clock, SystemClock
from hfdeploy_core.events import OnEvent, RunFinished
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.manifest.state import State
from hfdeploy_core.model import Outcome
from hfdeploy_core.running.flow import Done, Failed, Fate, Left, list_fates
from hfdeploy_core.running.plan import ProjectPlan, list_changed
from hfdeploy_core.running.run import Run, raise_failures
from hfdeploy_core.running.sharing import choose_key
from hfdeploy_core.running.stepping import Progress, Stepper, digest_run
from hfdeploy_core.running.stores import Book, Store
from hfdeploy_core.running.targets import Targets, find_failure, list_held
from hfdeploy_core.source.cache import STATE_FOLDER


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
    run = Run(project, on_event, clock)
    circumstances = run.look_around(plan.previous)
    changed = dict.fromkeys(path for target in plan.targets.values() for path in list_changed(target.plan))
    everywhere = replace(circumstances, changed=tuple(changed))
    stepper = Stepper(
        project.folder,
        project.folder / STATE_FOLDER,
        project.environment,
        Progress(run.find_progress(), _name_run(plan)),
        clock,
        frozenset(name for target in manifest.targets.values() for name in target.names),
        run.over,
    )
    needs = {name: target.needs for name, target in manifest.targets.items()}
    known = dict(plan.values)
    for target in plan.targets.values():
        known |= target.facts
    with run.enter(hub) as connected, _hold(run.find_store(connected), plan, clock) as book:
        targets = Targets(plan, run, book, stepper, circumstances, clock)
        failure = find_failure(lambda: stepper.take(manifest.steps.before, everywhere, known, on_event))
        fates: dict[str, Fate[Outcome | None]] = {name: Left(("the steps before",)) for name in needs}
        if failure is None:
            fates = run.go(needs, connected, targets.apply)
        is_done = all(isinstance(fate, Done) for fate in fates.values())
        result = replace(everywhere, result="done" if is_done else "failed")
        told = known | targets.facts
        late = find_failure(lambda: stepper.take(manifest.steps.after, result, told, on_event))
        if is_done and late is None:
            stepper.progress.end()
            book.conclude("done")
    on_event(_summarize(fates, clock.seconds() - started_seconds))
    raise_failures(fates)
    if (error := failure or late) is not None:
        raise error
    return {name: fate.result for name, fate in fates.items() if isinstance(fate, Done)}


def _name_run(plan: ProjectPlan) -> str:
    """What a run is about: as long as that is the same, a run that was cut short is gone on with."""
    targets = (f"{name} {target.plan.repo} {target.plan.content}" for name, target in plan.targets.items())
    return digest_run([plan.project.profile or "", *targets])


def _hold(store: Store, plan: ProjectPlan, clock: Clock) -> AbstractContextManager[Book]:
    """Keep other runs away, with what is to be made written down; not where there is nothing to do."""
    if not plan.has_work:
        repos = {target.plan.repo for target in plan.targets.values()}
        state = store.read()
        is_unfinished = any(held.is_unfinished for held in state.repos if held.repo in repos)
        if not is_unfinished and state.result != "failed":
            return nullcontext(Book(State(), lambda state: None))
    at = clock.now().isoformat()
    made = [
        replace(held, is_owned=True, at=at)
        for name, target in plan.targets.items()
        if not target.left_out
        for held in list_held(plan.project.manifest.targets[name], target.plan, are_made=True)
    ]
    has_secrets = any(target.has_secrets for target in plan.project.manifest.targets.values())

    def begin(state: State) -> State:
        key = choose_key(state) if has_secrets else state.key
        # It has failed until it is done, also if it is killed.
        return replace(reduce(State.hold, made, state), result="failed", key=key)

    return store.hold(begin)


def _summarize(fates: Mapping[str, Fate[Outcome | None]], elapsed_seconds: float) -> RunFinished:
    done = {name: fate.result for name, fate in fates.items() if isinstance(fate, Done)}
    changed = tuple(name for name, outcome in done.items() if outcome is not None and outcome.changed)
    return RunFinished(
        changed,
        tuple(name for name in done if name not in changed),
        list_fates(fates, Failed),
        list_fates(fates, Left),
        elapsed_seconds,
    )

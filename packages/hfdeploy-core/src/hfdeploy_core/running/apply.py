"""Carries out what was planned for every target, and writes down what that leaves."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import TypedDict

from hfdeploy_core import deployment
from hfdeploy_core.clock import Clock, SystemClock
from hfdeploy_core.errors import DeployError, ValueMissing
from hfdeploy_core.events import Event, OnEvent, Planned, RepoCreated, RunFinished, Scanned
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.manifest.facts import name_facts, name_relay_facts
from hfdeploy_core.manifest.model import Declared
from hfdeploy_core.manifest.references import Reference
from hfdeploy_core.manifest.state import Held, State
from hfdeploy_core.model import Outcome, Plan, RepoInfo, RepoRef
from hfdeploy_core.running.flow import Done, Failed, Fate, Left, list_fates
from hfdeploy_core.running.plan import ProjectPlan, list_changed
from hfdeploy_core.running.run import Run, raise_failures
from hfdeploy_core.running.sharing import adopt_secrets, choose_key, share_secrets
from hfdeploy_core.running.stepping import Progress, Stepper, digest_run
from hfdeploy_core.running.stores import Book, Store
from hfdeploy_core.source.cache import STATE_FOLDER


class _Shared(TypedDict):
    state: Path
    hub: Hub
    clock: Clock


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
    facts: dict[Reference, str] = dict(plan.values)
    circumstances = run.look_around(plan.previous)
    changed = tuple(
        dict.fromkeys(path for target in plan.targets.values() for path in list_changed(target.plan))
    )
    everywhere = replace(circumstances, changed=changed)
    stepper = Stepper(
        project.folder,
        project.folder / STATE_FOLDER,
        project.environment,
        Progress(run.find_progress(), _name_run(plan)),
        clock,
        frozenset(name for target in manifest.targets.values() for name in target.names),
    )

    def deploy(name: str, tell: OnEvent, hub: Hub) -> Outcome:
        target, declared = plan.targets[name], manifest.targets[name]
        shared: _Shared = {"state": run.find_state(name), "hub": hub, "clock": clock}
        if (asked := target.asked) is not None:
            secrets = asked.options.get("secrets", {})
            told = _skip_known(tell)
            relay = project.build_relay(asked)
            return deployment.apply(
                target.plan, secrets=secrets, relay=relay, gate=asked.gate, on_event=told, **shared
            )
        if missing := declared.references - facts.keys():
            raise ValueMissing(f"{' and '.join(sorted(map(str, missing)))}: there is none.", "Drop it.")
        asked = project.ask(declared, facts, hub)
        source = project.folder / asked.source
        relay = project.build_relay(asked)
        options = project.place_options(asked)
        return deployment.deploy(
            source, asked.repo, relay=relay, gate=asked.gate, on_event=tell, **shared, **options
        )

    def carry_out(name: str, tell: OnEvent, hub: Hub, book: Book) -> Outcome | None:
        target, declared = plan.targets[name], manifest.targets[name]
        if declared.has_secrets:
            adopt_secrets(book.state, name, run.find_state(name), clock)
        made: set[str] = set()

        def listen(event: Event) -> None:
            if isinstance(event, RepoCreated):
                made.add(event.repo_id)
            tell(event)

        try:
            outcome = None if target.is_settled else deploy(name, listen, hub)
        except DeployError:
            # What it made is a run's own, also if it does not get live.
            for held in _list_held(declared, target.plan):
                if held.repo.id in made and (info := _find_quietly(hub, held.repo)) is not None:
                    book.note(_note(held, info, book.state.find(held.repo), clock))
            raise
        facts.update(target.facts if outcome is None else name_facts(name, outcome))
        if outcome is not None and declared.relay is not None:
            facts.update(name_relay_facts(declared.relay.name, outcome))
        for held in _list_held(declared, target.plan):
            found = book.state.find(held.repo)
            is_open = found is not None and found.is_unfinished and not target.left_out
            is_news = outcome is not None or is_open
            if is_news and (info := hub.find_repo(held.repo)) is not None:
                book.note(_note(held, info, found, clock))
        if outcome is not None and declared.has_secrets:
            share_secrets(book, _list_held(declared, target.plan), run.find_state(name), clock)
        return outcome

    def work(name: str, tell: OnEvent, hub: Hub, book: Book) -> Outcome | None:
        target, steps = plan.targets[name], manifest.targets[name].steps
        if target.is_settled:
            return carry_out(name, tell, hub, book)
        here = replace(circumstances, target=name, changed=list_changed(target.plan))
        try:
            stepper.take(steps.before, here, facts, tell)
            outcome = carry_out(name, tell, hub, book)
        except DeployError:
            failed = replace(here, result="failed")
            _find_failure(lambda: stepper.take(steps.after, failed, {**target.facts, **facts}, tell))
            raise
        stepper.take(steps.after, here, facts, tell)
        return outcome

    needs = {name: target.needs for name, target in manifest.targets.items()}
    with run.enter(hub) as connected, _hold(run.find_store(connected), plan, clock) as book:
        known = dict(plan.values)
        for target in plan.targets.values():
            known |= target.facts
        failure = _find_failure(lambda: stepper.take(manifest.steps.before, everywhere, known, on_event))
        fates: dict[str, Fate[Outcome | None]] = {name: Left(("the steps before",)) for name in needs}
        if failure is None:
            fates = run.go(needs, connected, lambda name, tell, hub: work(name, tell, hub, book))
        is_done = all(isinstance(fate, Done) for fate in fates.values())
        result = replace(everywhere, result="done" if is_done else "failed")
        late = _find_failure(lambda: stepper.take(manifest.steps.after, result, known | facts, on_event))
        if is_done and late is None:
            stepper.progress.end()
            book.conclude("done")
    on_event(_summarize(fates, clock.seconds() - started_seconds))
    raise_failures(fates)
    if (error := failure or late) is not None:
        raise error
    return {name: fate.result for name, fate in fates.items() if isinstance(fate, Done)}


def _find_quietly(hub: Hub, repo: RepoRef) -> RepoInfo | None:
    """What is there, if that can be told: who asks has a failure to tell already."""
    try:
        return hub.find_repo(repo)
    except DeployError:
        return None


def _find_failure(work: Callable[[], None]) -> DeployError | None:
    """What became of work that others have to hear about first."""
    try:
        work()
    except DeployError as error:
        return error
    return None


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
        for held in _list_held(plan.project.manifest.targets[name], target.plan, are_made=True)
    ]
    has_secrets = any(target.has_secrets for target in plan.project.manifest.targets.values())

    def begin(state: State) -> State:
        key = choose_key(state) if has_secrets else state.key
        # It has failed until it is done, also if it is killed.
        return replace(reduce(State.hold, made, state), result="failed", key=key)

    return store.hold(begin)


def _list_held(declared: Declared, plan: Plan, *, are_made: bool = False) -> Iterator[Held]:
    """What a target leaves in the state: its repo and its relay, or what of them it makes."""
    if plan.creates or not are_made:
        yield Held(declared.name, plan.repo, False, tuple(sorted(declared.needs)))
    if declared.relay and plan.relay and (plan.relay.plan.creates or not are_made):
        yield Held(declared.relay.name, plan.relay.plan.repo, False, (declared.name,))


def _note(held: Held, info: RepoInfo, found: Held | None, clock: Clock) -> Held:
    """What is held of a repo that was applied: owned if a run made it, and it is still that one."""
    is_owned = found is not None and found.is_owned and found.hub_id in ("", info.hub_id)
    at = clock.now().isoformat()
    return replace(held, is_owned=is_owned, hub_id=info.hub_id, commit=info.head, at=at)


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
        list_fates(fates, Failed),
        list_fates(fates, Left),
        elapsed_seconds,
    )

"""What becomes of each target in a run: its steps, its deploy, and what that leaves in the state."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

from hfdeploy_core import deployment
from hfdeploy_core.clock import Clock
from hfdeploy_core.errors import DeployError, ValueMissing
from hfdeploy_core.events import Event, OnEvent, Planned, RepoCreated, Scanned
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.manifest.conditions import Circumstances
from hfdeploy_core.manifest.facts import name_facts, name_relay_facts
from hfdeploy_core.manifest.model import Declared
from hfdeploy_core.manifest.references import Reference
from hfdeploy_core.manifest.state import Held
from hfdeploy_core.model import Outcome, Plan, RepoInfo, RepoRef
from hfdeploy_core.running.plan import ProjectPlan, TargetPlan, list_changed
from hfdeploy_core.running.run import Run
from hfdeploy_core.running.sharing import adopt_secrets, share_secrets
from hfdeploy_core.running.stepping import Stepper
from hfdeploy_core.running.stores import Book


class _Shared(TypedDict):
    state: Path
    hub: Hub
    clock: Clock


class Targets:
    """The targets of a run. `facts` are what references name, as far as it is known by now."""

    def __init__(
        self,
        plan: ProjectPlan,
        run: Run,
        book: Book,
        stepper: Stepper,
        circumstances: Circumstances,
        clock: Clock,
    ) -> None:
        self.facts: dict[Reference, str] = dict(plan.values)
        self._plan = plan
        self._project = plan.project
        self._run = run
        self._book = book
        self._stepper = stepper
        self._circumstances = circumstances
        self._clock = clock

    def apply(self, name: str, tell: OnEvent, hub: Hub) -> Outcome | None:
        """Apply one, its steps around it: what it led to, None where there was nothing to do."""
        target, declared = self._plan.targets[name], self._project.manifest.targets[name]
        if target.is_settled:
            return self._carry_out(target, declared, tell, hub)
        here = replace(self._circumstances, target=name, changed=list_changed(target.plan))
        try:
            self._stepper.take(declared.steps.before, here, self.facts, tell)
            outcome = self._carry_out(target, declared, tell, hub)
        except DeployError:
            failed = replace(here, result="failed")
            known = {**target.facts, **self.facts}
            find_failure(lambda: self._stepper.take(declared.steps.after, failed, known, tell))
            raise
        self._stepper.take(declared.steps.after, here, self.facts, tell)
        return outcome

    def _carry_out(self, target: TargetPlan, declared: Declared, tell: OnEvent, hub: Hub) -> Outcome | None:
        state = self._run.find_state(target.name)
        if declared.has_secrets:
            adopt_secrets(self._book.state, target.name, state, self._clock)
        outcome = None if target.is_settled else self._deploy_and_own(target, declared, tell, hub)
        self.facts.update(target.facts if outcome is None else name_facts(target.name, outcome))
        if outcome is not None and declared.relay is not None:
            self.facts.update(name_relay_facts(declared.relay.name, outcome))
        for held in list_held(declared, target.plan):
            found = self._book.state.find(held.repo)
            is_open = found is not None and found.is_unfinished and not target.left_out
            is_news = outcome is not None or is_open
            if is_news and (info := hub.find_repo(held.repo)) is not None:
                self._note(held, info)
        if outcome is not None and declared.has_secrets:
            share_secrets(self._book, list_held(declared, target.plan), state, self._clock)
        return outcome

    def _deploy_and_own(self, target: TargetPlan, declared: Declared, tell: OnEvent, hub: Hub) -> Outcome:
        """Deploy one. What it made is a run's own, also if it does not get live."""
        made: set[str] = set()

        def listen(event: Event) -> None:
            if isinstance(event, RepoCreated):
                made.add(event.repo_id)
            tell(event)

        try:
            return self._deploy(target, declared, listen, hub)
        except DeployError:
            for held in list_held(declared, target.plan):
                if held.repo.id in made and (info := _find_quietly(hub, held.repo)) is not None:
                    self._note(held, info)
            raise

    def _deploy(self, target: TargetPlan, declared: Declared, tell: OnEvent, hub: Hub) -> Outcome:
        shared: _Shared = {"state": self._run.find_state(target.name), "hub": hub, "clock": self._clock}
        if (asked := target.asked) is not None:
            secrets = asked.options.get("secrets", {})
            told = _skip_known(tell)
            relay = self._project.build_relay(asked)
            return deployment.apply(
                target.plan, secrets=secrets, relay=relay, gate=asked.gate, on_event=told, **shared
            )
        if missing := declared.references - self.facts.keys():
            raise ValueMissing(f"{' and '.join(sorted(map(str, missing)))}: there is none.", "Drop it.")
        asked = self._project.ask(declared, self.facts, hub)
        source = self._project.folder / asked.source
        relay = self._project.build_relay(asked)
        options = self._project.place_options(asked)
        return deployment.deploy(
            source, asked.repo, relay=relay, gate=asked.gate, on_event=tell, **shared, **options
        )

    def _note(self, held: Held, info: RepoInfo) -> None:
        """Write down a repo that was applied: it is owned if a run made it, and it is still that one."""
        found = self._book.state.find(held.repo)
        is_owned = found is not None and found.is_owned and found.hub_id in ("", info.hub_id)
        at = self._clock.now().isoformat()
        self._book.note(replace(held, is_owned=is_owned, hub_id=info.hub_id, commit=info.head, at=at))


def list_held(declared: Declared, plan: Plan, *, are_made: bool = False) -> Iterator[Held]:
    """What a target leaves in the state: its repo and its relay, or what of them it makes."""
    if plan.creates or not are_made:
        yield Held(declared.name, plan.repo, False, tuple(sorted(declared.needs)))
    if declared.relay and plan.relay and (plan.relay.plan.creates or not are_made):
        yield Held(declared.relay.name, plan.relay.plan.repo, False, (declared.name,))


def find_failure(work: Callable[[], None]) -> DeployError | None:
    """What became of work that others have to hear about first."""
    try:
        work()
    except DeployError as error:
        return error
    return None


def _find_quietly(hub: Hub, repo: RepoRef) -> RepoInfo | None:
    """What is there, if that can be told: who asks has a failure to tell already."""
    try:
        return hub.find_repo(repo)
    except DeployError:
        return None


def _skip_known(tell: OnEvent) -> OnEvent:
    """Not what was told already when it was planned."""

    def tell_rest(event: Event) -> None:
        if not isinstance(event, Scanned | Planned):
            tell(event)

    return tell_rest

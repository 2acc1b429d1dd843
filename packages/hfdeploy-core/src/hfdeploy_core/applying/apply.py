"""Carries a plan out, change by change, in the plan's order: intent before effect."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hfdeploy_core.applying.commit import commit_files
from hfdeploy_core.applying.journal import Journal
from hfdeploy_core.applying.settings import change_setting
from hfdeploy_core.applying.surroundings import describe_surroundings
from hfdeploy_core.clock import Clock
from hfdeploy_core.errors import NameTaken, PaymentRequired, RepoNotFound
from hfdeploy_core.events import Committed, OnEvent, RepoCreated
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.model import (
    Change,
    CommitFiles,
    CreateRepo,
    Plan,
    Provenance,
    RepoInfo,
    SetSecret,
    SetVisibility,
    Snapshot,
    Variable,
)
from hfdeploy_core.planning.digest import digest_plan
from hfdeploy_core.planning.exposure import advise_payment
from hfdeploy_core.planning.history import Step
from hfdeploy_core.planning.relay import find_marked
from hfdeploy_core.planning.trailers import describe_commit


@dataclass(frozen=True, slots=True)
class Applied:
    """What is there now: the repo, the commit that holds the source, and whether anything was changed."""

    info: RepoInfo
    commit: str
    changed: bool


def apply_plan(
    plan: Plan,
    snapshot: Snapshot,
    hub: Hub,
    journal: Journal,
    *,
    info: RepoInfo | None,
    provenance: Provenance,
    secrets: Mapping[str, str],
    clock: Clock,
    on_event: OnEvent,
    settled: frozenset[int] = frozenset(),
) -> Applied:
    """Make every change of the plan but those `settled`, which an earlier try has made.

    `info` is the repo as it is, if there is one. `provenance` is written down in the commit; `secrets` has
    the values of those that the plan names. Raises Conflict where somebody else commits meanwhile.
    """
    digest = digest_plan(plan)
    applier = _Applier(plan, digest, snapshot, hub, journal, info, provenance, secrets, clock, on_event)
    changed = False
    if len(settled) < len(plan.changes):
        journal.describe(describe_surroundings())
    for number, change in enumerate(plan.changes):
        if number not in settled:
            changed |= applier.make(number, change)
    info = applier.find_info()
    return Applied(info, info.head, changed)


@dataclass(slots=True)
class _Applier:
    """Makes changes of one plan, and knows the repo's head in between."""

    plan: Plan
    digest: str
    snapshot: Snapshot
    hub: Hub
    journal: Journal
    info: RepoInfo | None
    provenance: Provenance
    secrets: Mapping[str, str]
    clock: Clock
    on_event: OnEvent

    def make(self, number: int, change: Change) -> bool:
        """Write down the intention, make the change, write down that it is made: whether there was one."""
        step = self.journal.intend(self.plan.repo, self.digest, number, change)
        try:
            return self._make(step, number, change)
        except PaymentRequired as error:
            raise PaymentRequired(error.message, advise_payment(change)) from error

    def _make(self, step: Step, number: int, change: Change) -> bool:
        match change:
            case CreateRepo():
                self._create(change)
                info = self.find_info()
                self.journal.conclude(step, info.head)
                self.on_event(RepoCreated(info.repo.id, info.url))
            case CommitFiles():
                info = self.find_info()
                commit = self._commit(change, info, is_last=number == self._last_commit())
                self.journal.conclude(step, commit)
                if commit == info.head:
                    return False
                self.info = replace(info, head=commit)
                self.on_event(Committed(self.plan.repo.id, commit))
            case _:
                told = change_setting(change, self.hub, self.plan.repo, self.secrets)
                self.journal.conclude(step)
                if isinstance(change, SetVisibility):
                    self.info = replace(self.find_info(), visibility=change.visibility)
                if isinstance(change, SetSecret):
                    held = self.hub.list_secrets(self.plan.repo)
                    self.journal.remember_secret(self.plan.repo, change.name, self.secrets[change.name], held)
                self.on_event(told)
        return True

    def _create(self, change: CreateRepo) -> None:
        marker = change.marker
        variables = (Variable(marker.name, marker.value),) if marker else ()
        self.hub.create_repo(self.plan.repo, change.visibility, change.sdk, variables)
        # Somebody else may have made one just now, which the Hub leaves as it is.
        if marker and find_marked(marker.name, self.hub.list_variables(self.plan.repo)) != marker.value:
            raise NameTaken(f"Somebody else made {self.plan.repo} meanwhile.")

    def find_info(self) -> RepoInfo:
        """The repo, which is there by now."""
        self.info = self.info or self.hub.find_repo(self.plan.repo)
        if self.info is None:
            raise RepoNotFound(f"{self.plan.repo} is not there although it was just made.")
        return self.info

    def _commit(self, change: CommitFiles, info: RepoInfo, *, is_last: bool) -> str:
        # What the repo holds is told by the commit with which it does.
        told = self.plan if is_last else replace(self.plan, content="", is_exact=False)
        return commit_files(
            change,
            self.snapshot,
            self.hub,
            self.plan.repo,
            parent=info.head,
            restores=self.plan.restores,
            origin=self.plan.origin,
            card=self.plan.card,
            digest=self.digest,
            description=describe_commit(change.description, self.digest, told, self.provenance),
            clock=self.clock,
            on_event=self.on_event,
        )

    def _last_commit(self) -> int:
        return max(n for n, change in enumerate(self.plan.changes) if isinstance(change, CommitFiles))

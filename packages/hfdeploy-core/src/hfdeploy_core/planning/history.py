"""What a journal says: what was intended and what was done, in the order in which it was written down."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hfdeploy_core.errors import PlanInvalid
from hfdeploy_core.model import (
    Change,
    CommitFiles,
    HeldSecret,
    RemoveSecret,
    RemoveVariable,
    RepoRef,
    RepoType,
    SetSecret,
    SetSleep,
    Setting,
    SetUpstream,
    SetVariable,
)
from hfdeploy_core.planning.document import describe_change, read_change
from hfdeploy_core.planning.relay import ADDRESS


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a plan: intended, or done once `is_done`.

    `number` is its place in the plan whose digest is `plan`. Of commits, `change` does not list the files,
    and `commit` is their id once it is known. `at` is the time in ISO 8601.
    """

    repo: RepoRef
    plan: str
    number: int
    is_done: bool
    change: Change
    commit: str | None
    at: str


@dataclass(frozen=True, slots=True)
class KnownSecret:
    """A secret that was sent: a keyed digest of its value, and when the Hub says that it was last changed."""

    repo: RepoRef
    name: str
    mark: str
    updated_at: str | None


@dataclass(frozen=True, slots=True)
class Restoring:
    """A rollback to the commit `restores` that was begun where `base` was the head, ended once `is_done`."""

    repo: RepoRef
    restores: str
    base: str | None
    is_done: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a gate said of a commit."""

    repo: RepoRef
    commit: str
    is_live: bool


@dataclass(frozen=True, slots=True)
class History:
    """Everything that a journal says, oldest first."""

    steps: tuple[Step, ...] = ()
    secrets: tuple[KnownSecret, ...] = ()
    restorings: tuple[Restoring, ...] = ()
    verdicts: tuple[Verdict, ...] = ()

    def find_restoring(self, repo: RepoRef) -> Restoring | None:
        """The latest rollback of a repo if nothing says that it ended."""
        latest = [restoring for restoring in self.restorings if restoring.repo == repo][-1:]
        return next((restoring for restoring in latest if not restoring.is_done), None)

    def find_failed(self, repo: RepoRef) -> frozenset[str]:
        """The commits of a repo that did not pass their gate, and never have since."""
        latest = {verdict.commit: verdict.is_live for verdict in self.verdicts if verdict.repo == repo}
        return frozenset(commit for commit, is_live in latest.items() if not is_live)

    def has_begun(self, plan: str) -> bool:
        """Whether something of a plan may have been done: it was intended."""
        return any(step.plan == plan for step in self.steps)

    def find_done(self, plan: str) -> frozenset[int]:
        """The steps of a plan that were done for sure."""
        return frozenset(step.number for step in self.steps if step.plan == plan and step.is_done)

    def find_update(self, repo: RepoRef, name: str) -> str | None:
        """When the Hub said that a secret was changed, right after it was sent from here."""
        found = [secret for secret in self.secrets if (secret.repo, secret.name) == (repo, name)]
        return found[-1].updated_at if found else None

    def find_known(self, repo: RepoRef, marks: Mapping[str, str], held: Mapping[str, HeldSecret]) -> set[str]:
        """Names of secrets that the Hub has with the value of which `marks` has the digest.

        Only where the Hub says when it was changed, and that is when it was sent from here.
        """
        latest = {secret.name: secret for secret in self.secrets if secret.repo == repo}
        return {
            name
            for name, mark in marks.items()
            if name in latest
            and name in held
            and latest[name].mark == mark
            and latest[name].updated_at == held[name].updated_at is not None
        }


def trim_history(history: History, most_steps: int) -> History:
    """What is worth keeping: the newest plans, whole, of `most_steps` steps at least, and what is known last.

    Nothing older is gone on with, and rollbacks that far back leave settings as they are.
    """
    first = max(0, len(history.steps) - most_steps)
    kept = {step.plan for step in history.steps[first:]}
    secrets = {(secret.repo, secret.name): secret for secret in history.secrets}
    restorings = {restoring.repo: restoring for restoring in history.restorings}
    verdicts = {(verdict.repo, verdict.commit): verdict for verdict in history.verdicts}
    return History(
        tuple(step for step in history.steps if step.plan in kept),
        tuple(secrets.values()),
        tuple(restorings.values()),
        tuple(list(verdicts.values())[-most_steps:]),
    )


def write_history(history: History) -> str:
    """A whole journal."""
    lines = [write_step(step) for step in history.steps]
    records: list[KnownSecret | Restoring | Verdict] = [
        *history.secrets,
        *history.restorings,
        *history.verdicts,
    ]
    return "\n".join([*lines, *map(write_record, records)])


def name_setting(change: Setting) -> str:
    """Which setting a change is about."""
    match change:
        case SetVariable(name=name) | RemoveVariable(name=name):
            return f"variable {name}"
        case SetUpstream():
            return f"variable {ADDRESS}"
        case SetSecret(name=name) | RemoveSecret(name=name):
            return f"secret {name}"
        case SetSleep():
            return "sleep time"
        case _:
            return type(change).__name__.removeprefix("Set").lower()


_KINDS = {KnownSecret: "secret", Restoring: "rollback", Verdict: "gate"}
_NAMES: dict[str, Any] = {name: kind for kind, name in _KINDS.items()}


def write_step(step: Step) -> str:
    """One line of a journal."""
    change = step.change
    if isinstance(change, CommitFiles):
        change = CommitFiles((), (), change.title)
    return _write({**_facts(step), "repo": _name(step.repo), "change": describe_change(change)})


def write_record(record: KnownSecret | Restoring | Verdict) -> str:
    """One line of a journal."""
    return _write({_KINDS[type(record)]: {**_facts(record), "repo": _name(record.repo)}})


def read_history(text: str) -> History:
    """Read a journal. A line that cannot be read is left out: the last one, where a kill tore it."""
    steps: list[Step] = []
    records: dict[type, list[Any]] = {kind: [] for kind in _KINDS}
    for line in text.splitlines():
        try:
            facts = json.loads(line)
            if "change" in facts:
                change = read_change(facts["change"])
                steps.append(Step(**{**facts, "repo": _find(facts["repo"]), "change": change}))
            else:
                ((name, told),) = facts.items()
                kind = _NAMES[name]
                records[kind].append(kind(**{**told, "repo": _find(told["repo"])}))
        except (ValueError, TypeError, KeyError, AttributeError, PlanInvalid):
            continue
    return History(
        tuple(steps), tuple(records[KnownSecret]), tuple(records[Restoring]), tuple(records[Verdict])
    )


def _facts(record: Step | KnownSecret | Restoring | Verdict) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__slots__ if name not in ("repo", "change")}


def _name(repo: RepoRef) -> dict[str, str]:
    return asdict(repo)


def _find(name: Mapping[str, str]) -> RepoRef:
    return RepoRef(RepoType(name["type"]), name["namespace"], name["name"])


def _write(facts: dict[str, Any]) -> str:
    return json.dumps(facts, sort_keys=True)

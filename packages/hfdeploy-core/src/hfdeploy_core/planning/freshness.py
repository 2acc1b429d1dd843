"""Whether a saved plan still fits, and what of it an earlier try has made."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hfdeploy_core.errors import PlanStale, SettingInvalid
from hfdeploy_core.model import (
    Change,
    CommitFiles,
    CommitInfo,
    FileEntry,
    HeldSettings,
    Plan,
    Remote,
    RemoveSecret,
    RemoveVariable,
    RepoRef,
    SetGated,
    SetHardware,
    SetSecret,
    SetSleep,
    Setting,
    SetUpstream,
    SetVariable,
    SetVisibility,
    SetVolumes,
    Snapshot,
)
from hfdeploy_core.planning.digest import digest_content, digest_plan
from hfdeploy_core.planning.history import History
from hfdeploy_core.planning.relay import ADDRESS
from hfdeploy_core.planning.trailers import find_made

_UNKNOWN = object()


def renew_entries(plan: Plan, snapshot: Snapshot) -> Plan:
    """The plan with the files as they are now in the source, whose content has to be what was planned.

    Raises PlanStale where it is not.
    """
    if digest_content(snapshot.entries) != plan.content:
        raise PlanStale("The source was changed since the plan was made.")
    entries = {entry.path: entry for entry in snapshot.entries}
    return replace(plan, changes=tuple(_renew(change, entries) for change in plan.changes))


def check_complete(plan: Plan, secrets: Container[str]) -> None:
    """Raise SettingInvalid where the value of a secret is missing that the plan names."""
    for change in plan.settings:
        if isinstance(change, SetSecret) and change.name not in secrets:
            raise SettingInvalid(
                f"The plan sets the secret {change.name}, whose value is not given.",
                f"Set {change.name} in the environment, or name the file that holds it by --secrets-file.",
            )


def list_asked(plan: Plan) -> tuple[bool, bool]:
    """Whether variables, and whether secrets, have to be read to check the plan."""
    kinds = {type(change) for change in plan.settings}
    is_held = plan.held is not None and bool(plan.held.variables)
    names_variable = bool({SetVariable, SetUpstream, RemoveVariable} & kinds)
    return is_held or names_variable, bool({SetSecret, RemoveSecret} & kinds)


def find_settled(
    plan: Plan, remote: Remote | None, commits: Sequence[CommitInfo], history: History
) -> frozenset[int]:
    """The changes that need not be made: an earlier try was killed, or has made them all.

    `commits` are the latest of the repo, newest first; they matter where its head is not the plan's base.
    Raises PlanStale where somebody else has changed what the plan was made from.
    """
    digest = digest_plan(plan)
    done = history.find_done(digest)
    is_resumed = history.has_begun(digest) and len(done) < len(plan.changes)
    if remote is None:
        if plan.base is not None:
            raise PlanStale(f"{plan.repo} is gone since the plan was made.")
        return frozenset()
    settled = _find_committed(plan, remote, commits, is_resumed=is_resumed)
    for setting in compare_settings(plan, remote, done, history):
        if setting.now == setting.after:
            settled |= set() if setting.number is None else {setting.number}
        elif setting.now != setting.before and not is_resumed:
            raise PlanStale(f"The {setting.name} of {plan.repo} was changed since the plan was made.")
    return frozenset(settled)


def _find_committed(
    plan: Plan, remote: Remote, commits: Sequence[CommitInfo], *, is_resumed: bool
) -> set[int]:
    """The creation and the commits that were made, told by the trailer that all of them carry."""
    head = remote.info.head
    steps = [number for number, change in enumerate(plan.changes) if isinstance(change, CommitFiles)]
    made = find_made(commits, digest_plan(plan)) if head != plan.base else ()
    if plan.creates and not made:
        # A repo with one commit, made after this plan was begun, is what the plan made.
        if not (is_resumed and len(commits) == 1):
            raise PlanStale(f"{plan.repo} was created since the plan was made.")
        return {0}
    if head != (made[-1] if made else plan.base):
        raise PlanStale(f"{plan.repo} was committed to since the plan was made; its head is {head}.")
    return {*steps[: len(made)], *([0] if plan.creates else [])}


@dataclass(frozen=True, slots=True)
class Compared:
    """What a setting was when the plan was made, what the plan makes of it, and what it is."""

    name: str
    before: Any
    after: Any
    now: Any
    number: int | None = None


def compare_settings(
    plan: Plan, remote: Remote, done: Container[int], history: History
) -> Iterator[Compared]:
    """Each setting that the plan changes, with its place there, and each that it found and leaves."""
    changed = set()
    for number, change in enumerate(plan.changes):
        if isinstance(change, Setting):
            compared = _compare_changed(number, change, plan.repo, remote, done, history)
            changed.add(compared.name)
            yield compared
    if plan.held is None:
        return
    if "hardware" in changed:
        # Other hardware may come with a time of its own.
        changed.add("sleep time")
    for name, before, now in _pair(plan.held, remote):
        if name not in changed:
            yield Compared(name, before, before, now)


def _pair(held: HeldSettings, remote: Remote) -> Iterator[tuple[str, Any, Any]]:
    """Each setting that a plan found: its name, what it was, and what it is."""
    info, values = remote.info, {variable.name: variable.value for variable in remote.variables}
    yield "visibility", held.visibility, info.visibility
    yield "gated setting", held.gated, info.gated
    yield "hardware", held.hardware, info.hardware
    yield "sleep time", held.sleep_seconds, info.sleep_seconds
    yield "list of volumes", frozenset(held.volumes), frozenset(info.volumes)
    for variable in held.variables:
        yield f"variable {variable.name}", variable.value, values.get(variable.name)


def _compare_changed(
    number: int, change: Setting, repo: RepoRef, remote: Remote, done: Container[int], history: History
) -> Compared:
    info = remote.info
    match change:
        case SetVisibility():
            return Compared("visibility", change.before, change.visibility, info.visibility, number)
        case SetGated():
            return Compared("gated setting", change.before, change.gated, info.gated, number)
        case SetHardware():
            return Compared("hardware", change.before, change.hardware, info.hardware, number)
        case SetSleep():
            return Compared("sleep time", change.before, change.sleep_seconds, info.sleep_seconds, number)
        case SetVolumes():
            before, after = frozenset(change.before), frozenset(change.volumes)
            return Compared("list of volumes", before, after, frozenset(info.volumes), number)
        case SetVariable():
            values = {variable.name: variable.value for variable in remote.variables}
            value = values.get(change.name)
            return Compared(f"variable {change.name}", change.before, change.value, value, number)
        case RemoveVariable():
            values = {variable.name: variable.value for variable in remote.variables}
            return Compared(f"variable {change.name}", change.before, None, values.get(change.name), number)
        case RemoveSecret():
            updates = {secret.name: (True, secret.updated_at) for secret in remote.secrets}
            now = updates.get(change.name, (False, None))
            return Compared(f"secret {change.name}", (True, change.updated_at), (False, None), now, number)
        case SetUpstream():
            address = next((held.value for held in remote.variables if held.name == ADDRESS), None)
            given = address if number in done else _UNKNOWN
            return Compared(f"variable {ADDRESS}", change.before, given, address, number)
        case SetSecret():
            updates = {secret.name: (True, secret.updated_at) for secret in remote.secrets}
            sent = (True, history.find_update(repo, change.name)) if number in done else None
            was, now = (change.replaces, change.updated_at), updates.get(change.name, (False, None))
            return Compared(f"secret {change.name}", was, sent, now, number)


def _renew(change: Change, entries: Mapping[str, FileEntry]) -> Change:
    if not isinstance(change, CommitFiles):
        return change
    return replace(change, puts=tuple(replace(put, entry=entries[put.entry.path]) for put in change.puts))

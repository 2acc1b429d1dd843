"""Whether a saved plan still fits, and what of it an earlier try has made."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hfdeploy_core.errors import PlanStale, SettingInvalid
from hfdeploy_core.model import (
    Change,
    CommitFiles,
    CommitInfo,
    FileEntry,
    Plan,
    Remote,
    SetGated,
    SetHardware,
    SetSecret,
    SetSleep,
    SetVariable,
    SetVisibility,
    SetVolumes,
    Snapshot,
)
from hfdeploy_core.planning.digest import digest_content, digest_plan
from hfdeploy_core.planning.history import History
from hfdeploy_core.planning.trailers import find_made


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
    return SetVariable in kinds, SetSecret in kinds


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
    for number, name, before, after, now in _compare(plan, remote, done, history):
        if now == after:
            settled.add(number)
        elif now != before and not is_resumed:
            raise PlanStale(f"The {name} of {plan.repo} was changed since the plan was made.")
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


def _compare(
    plan: Plan, remote: Remote, done: Container[int], history: History
) -> Iterator[tuple[int, str, Any, Any, Any]]:
    """Of each setting its place in the plan, its name, and what it was, shall be and is."""
    info = remote.info
    values = {variable.name: variable.value for variable in remote.variables}
    updates = {secret.name: (True, secret.updated_at) for secret in remote.secrets}
    for number, change in enumerate(plan.changes):
        match change:
            case SetVisibility():
                yield number, "visibility", change.before, change.visibility, info.visibility
            case SetGated():
                yield number, "gated setting", change.before, change.gated, info.gated
            case SetHardware():
                yield number, "hardware", change.before, change.hardware, info.hardware
            case SetSleep():
                yield number, "sleep time", change.before, change.sleep_seconds, info.sleep_seconds
            case SetVolumes():
                mounted = frozenset(info.volumes)
                yield number, "volumes", frozenset(change.before), frozenset(change.volumes), mounted
            case SetVariable():
                value = values.get(change.name)
                yield number, f"variable {change.name}", change.before, change.value, value
            case SetSecret():
                now = updates.get(change.name, (False, None))
                sent = (True, history.find_update(plan.repo, change.name)) if number in done else None
                before = (change.replaces, change.updated_at)
                yield number, f"secret {change.name}", before, sent, now


def _renew(change: Change, entries: Mapping[str, FileEntry]) -> Change:
    if not isinstance(change, CommitFiles):
        return change
    return replace(change, puts=tuple(replace(put, entry=entries[put.entry.path]) for put in change.puts))

"""Whether a saved plan still fits: it is carried out exactly, or not at all."""

from collections.abc import Container, Mapping
from dataclasses import replace

from hfdeploy_core.errors import PlanStale, SettingInvalid
from hfdeploy_core.model import (
    Change,
    CommitFiles,
    FileEntry,
    Plan,
    Remote,
    RepoInfo,
    SetGate,
    SetHardware,
    SetSecret,
    SetSleep,
    Setting,
    SetVariable,
    SetVisibility,
    SetVolumes,
    Snapshot,
)
from hfdeploy_core.planning.digest import digest_content


def renew_entries(plan: Plan, snapshot: Snapshot) -> Plan:
    """The plan with the files as they are now in the source, whose content has to be what was planned.

    Raises PlanStale where it is not.
    """
    if digest_content(snapshot.entries) != plan.content:
        raise PlanStale("The source was changed since the plan was made.")
    entries = {entry.path: entry for entry in snapshot.entries}
    return replace(plan, changes=tuple(_renew(change, entries) for change in plan.changes))


def check_head(plan: Plan, info: RepoInfo | None) -> None:
    """Raise PlanStale where the repo is not at the commit that the plan was made against."""
    if info is None:
        if plan.base is not None:
            raise PlanStale(f"{plan.repo} is gone since the plan was made.")
    elif plan.base is None:
        raise PlanStale(f"{plan.repo} was created since the plan was made.")
    elif info.head != plan.base:
        raise PlanStale(f"{plan.repo} was committed to since the plan was made: {info.head} is its head.")


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


def check_held(plan: Plan, remote: Remote) -> None:
    """Raise PlanStale where a setting is neither what the plan found nor what it makes of it."""
    for change in plan.settings:
        if (moved := _find_moved(change, remote)) is not None:
            raise PlanStale(f"The {moved} of {plan.repo} was changed since the plan was made.")


def _find_moved(change: Setting, remote: Remote) -> str | None:
    """The name of a setting that somebody changed."""
    info = remote.info
    match change:
        case SetVisibility(visibility=wanted, before=before):
            return None if info.visibility in (before, wanted) else "visibility"
        case SetGate(gate=gate, before=before_gate):
            return None if info.gate in (before_gate, gate) else "gate"
        case SetHardware(hardware=hardware, before=rented):
            return None if info.hardware in (rented, hardware) else "hardware"
        case SetSleep(sleep_seconds=seconds, before=slept):
            return None if info.sleep_seconds in (slept, seconds) else "sleep time"
        case SetVolumes(volumes=volumes, before=mounted):
            return None if set(info.volumes) in (set(mounted), set(volumes)) else "list of volumes"
        case SetVariable(name=name, value=value, before=valued):
            values = {variable.name: variable.value for variable in remote.variables}
            return None if values.get(name) in (valued, value) else f"variable {name}"
        case SetSecret(name=name, replaces=replaces, updated_at=updated_at):
            held = {secret.name: secret.updated_at for secret in remote.secrets}
            is_same = held.get(name) == updated_at if replaces else name not in held
            return None if is_same and replaces is (name in held) else f"secret {name}"


def _renew(change: Change, entries: Mapping[str, FileEntry]) -> Change:
    if not isinstance(change, CommitFiles):
        return change
    return replace(change, puts=tuple(replace(put, entry=entries[put.entry.path]) for put in change.puts))

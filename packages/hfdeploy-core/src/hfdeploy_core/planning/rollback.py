"""Going back: which commit to restore, what that changes, and which settings its time had."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace

from hfdeploy_core.model import (
    Change,
    CommitFiles,
    CommitInfo,
    FileEntry,
    Plan,
    Remote,
    RemoteFile,
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
    Target,
    Variable,
)
from hfdeploy_core.planning.deploy import hold_settings
from hfdeploy_core.planning.files import plan_files
from hfdeploy_core.planning.history import History, Step, name_setting
from hfdeploy_core.planning.relay import ADDRESS
from hfdeploy_core.planning.settings import SettingChanges
from hfdeploy_core.planning.trailers import CONTENT, DIGEST, ROLLBACK, is_exact, read_trailers


@dataclass(frozen=True, slots=True)
class Recalled:
    """The settings of an earlier time, as a target; `lost` are changes that nothing can undo."""

    target: Target
    lost: tuple[Setting, ...] = ()


def decide_earlier(commits: Sequence[CommitInfo], failed: Container[str] = frozenset()) -> CommitInfo | None:
    """The deploy before the one that is live, those that `failed` left out; None where none is known.

    `commits` are newest first, from the head. What was rolled back is no deploy to go back to; where somebody
    else has committed last, the latest deploy is.
    """
    standing: list[CommitInfo] = []
    age = {commit.id: number for number, commit in enumerate(commits)}
    for commit in reversed(commits):
        trailers = read_trailers(commit.message)
        restored = trailers.get(ROLLBACK)
        if restored is not None:
            while standing and age[standing[-1].id] < age.get(restored, len(commits)):
                standing.pop()
            if not standing or standing[-1].id != restored:
                standing.append(commit)
        elif CONTENT in trailers:
            standing.append(commit)
    if not commits:
        return None
    head = read_trailers(commits[0].message)
    earlier = standing[:-1] if CONTENT in head or ROLLBACK in head else standing
    return next((commit for commit in reversed(earlier) if commit.id not in failed), None)


def find_others(commits: Sequence[CommitInfo], earlier: str) -> tuple[CommitInfo, ...]:
    """The commits on top of an earlier one that no deploy made, of those that are known."""
    others = []
    for commit in commits:
        if commit.id == earlier:
            break
        if DIGEST not in read_trailers(commit.message):
            others.append(commit)
    return tuple(others)


def plan_rollback(
    earlier: CommitInfo, files: Sequence[RemoteFile], remote: Remote, settings: SettingChanges, target: Target
) -> Plan:
    """The changes that make `remote` hold exactly the `files` of an earlier commit, and have the `settings`.

    `target` is what these were planned for.
    """
    entries = [FileEntry(file.path, file.size_bytes, file.blob_id, file.sha256) for file in files]
    changed = plan_files(entries, remote.files, mirror=True)
    commits: tuple[CommitFiles, ...] = ()
    if changed.puts or changed.deletions:
        told = f"The files are those of {earlier.id}: {earlier.title}"
        commits = (CommitFiles(changed.puts, changed.deletions, f"Roll back to {earlier.id[:7]}", told),)
    return Plan(
        remote.info.repo,
        remote.info.head,
        (*settings.before, *commits, *settings.after),
        changed.unchanged_files,
        read_trailers(earlier.message).get(CONTENT, ""),
        is_exact(earlier),
        held=hold_settings(target, remote),
        restores=earlier.id,
    )


def recall_settings(history: History, repo: RepoRef, earlier: str, later: Container[str]) -> Recalled:
    """What a journal knows of the settings that a repo had when an earlier commit was deployed.

    `later` are the commits on top of it. Where the journal knows neither, it knows nothing.
    """
    steps = [step for step in history.steps if step.repo == repo and step.is_done]
    return undo_settings(repo, (step.change for step in steps[_find_end(steps, earlier, later) :]))


def undo_settings(repo: RepoRef, changes: Iterable[Change]) -> Recalled:
    """The settings that a repo had before these changes, which are in the order in which they were made."""
    target = Target(repo, "")
    lost: list[Setting] = []
    seen: set[str] = set()
    for change in changes:
        if not isinstance(change, Setting) or (name := name_setting(change)) in seen:
            continue
        seen.add(name)
        recalled = _recall(target, change)
        if recalled is None:
            lost.append(change)
        else:
            target = recalled
    return Recalled(target, tuple(lost))


def say_lost(change: Setting) -> str:
    """Why a change stays, and what to do about that."""
    told = f"The {name_setting(change)} was"
    match change:
        case SetSecret(name=name, replaces=False):
            return f"{told} added since, and stays: take it away with --remove-secret {name}."
        case SetSecret(name=name) | RemoveSecret(name=name):
            return (
                f"{told} changed since, and its earlier value cannot come back, as the Hub tells no secrets:"
                f" send it with --secret {name}."
            )
    return f"{told} changed since, and cannot be set back: it stays as it is."


def _find_end(steps: Sequence[Step], earlier: str, later: Container[str]) -> int:
    """How many steps had been made when the earlier commit's plan was done."""
    plans = [step.plan for step in steps]
    for number, step in reversed(list(enumerate(steps))):
        if step.commit == earlier:
            return len(plans) - plans[::-1].index(plans[number])
    return min((plans.index(step.plan) for step in steps if step.commit in later), default=len(steps))


def _recall(target: Target, change: Setting) -> Target | None:
    """The target with what a setting was before a change; None where that cannot be set."""
    match change:
        case SetVisibility(before=visibility):
            return replace(target, visibility=visibility)
        case SetGated(before=gated):
            return replace(target, gated=gated)
        case SetHardware(before=str(hardware)):
            return replace(target, hardware=hardware)
        case SetSleep(before=int(seconds)):
            return replace(target, sleep_seconds=seconds)
        case SetVolumes(before=volumes):
            return replace(target, volumes=volumes)
        case SetVariable(name=name, before=str(value)):
            return replace(target, variables=(*target.variables, Variable(name, value)))
        case SetVariable(name=name):
            return replace(target, removed_variables=(*target.removed_variables, name))
        case RemoveVariable(name=name, before=value):
            return replace(target, variables=(*target.variables, Variable(name, value)))
        case SetUpstream(before=str(address)):
            return replace(target, variables=(*target.variables, Variable(ADDRESS, address)))
        case SetUpstream():
            return replace(target, removed_variables=(*target.removed_variables, ADDRESS))
    return None

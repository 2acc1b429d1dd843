"""What a repo holds, who put it there, and what of it is not as it was left."""

from collections.abc import Sequence
from dataclasses import dataclass

from hfdeploy_core.model import CommitInfo, CreateRepo, Plan, Remote, RepoRef, Setting, SetVisibility
from hfdeploy_core.planning.freshness import compare_settings
from hfdeploy_core.planning.history import History, name_setting
from hfdeploy_core.planning.trailers import COMMIT, CONTENT, ROLLBACK, RUN, SOURCE, read_trailers
from hfdeploy_core.space import Runtime

_ANSWERING = frozenset({"RUNNING", "RUNNING_BUILDING", "RUNNING_APP_STARTING", "SLEEPING"})


@dataclass(frozen=True, slots=True)
class Deployed:
    """The latest deploy or rollback of a repo: its commit, and what that says of where the files come from.

    `restores` is the earlier commit that a rollback went back to.
    """

    commit: str
    title: str
    source: str | None = None
    source_commit: str | None = None
    run: str | None = None
    restores: str | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """A setting that is not as it was left: in words."""

    setting: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Status:
    """A repo as it is. `stage` and `live`, the commit that answers, are there for Spaces only.

    `others` are titles of commits on top of what was `deployed`, and `changed_files` what they changed.
    `is_known` says whether something told how the settings were left, so that their `drift` can be seen.
    """

    repo_id: str
    repo_type: str
    repo_url: str
    visibility: str
    head: str
    stage: str | None
    live: str | None
    deployed: Deployed | None
    others: tuple[str, ...]
    changed_files: tuple[str, ...]
    is_known: bool
    drift: tuple[Drift, ...]


def find_live(runtime: Runtime) -> str | None:
    """The commit that answers, or will when it is woken."""
    return runtime.commit if runtime.stage in _ANSWERING else None


def find_deployed(commits: Sequence[CommitInfo]) -> Deployed | None:
    """The latest deploy among commits, which are newest first."""
    for commit in commits:
        told = read_trailers(commit.message)
        if CONTENT in told:
            where = (told.get(name) for name in (SOURCE, COMMIT, RUN, ROLLBACK))
            return Deployed(commit.id, commit.title, *where)
    return None


def recall_left(history: History, repo: RepoRef) -> Plan:
    """The settings as the journal says that they were left: as a plan that makes them so."""
    left: dict[str, Setting] = {}
    for step in history.steps:
        if step.repo == repo and step.is_done and isinstance(step.change, CreateRepo):
            # It has none of the settings of a former repo of its name.
            visibility = step.change.visibility
            left = {} if visibility is None else {"visibility": SetVisibility(visibility, visibility)}
        if step.repo == repo and isinstance(step.change, Setting):
            name = name_setting(step.change)
            left.pop(name, None)
            if step.is_done:
                left[name] = step.change
    return Plan(repo, None, tuple(left.values()))


def find_drift(left: Plan, remote: Remote, history: History) -> tuple[Drift, ...]:
    """The settings that are not as a plan left them."""
    compared = compare_settings(left, remote, range(len(left.changes)), history)
    return tuple(
        Drift(setting.name, _say(setting.after), _say(setting.now, setting.after))
        for setting in compared
        if setting.now != setting.after
    )


def _say(value: object, expected: object = None) -> str:
    match value:
        case None:
            return "none"
        case frozenset():
            return ", ".join(sorted(volume.mount_path for volume in value)) or "none"
        case (True, _):
            return "sent from here" if expected is None else "sent by somebody else"
        case (False, _):
            return "none"
    return str(value)

"""Whether a saved plan still fits: it is carried out exactly, or not at all."""

from collections.abc import Mapping
from dataclasses import replace

from hfdeploy_core.errors import PlanStale
from hfdeploy_core.model import Change, CommitFiles, FileEntry, Plan, RepoInfo, Snapshot
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
        raise PlanStale(
            f"{plan.repo} has been committed to since the plan was made: {info.head} is its head."
        )


def _renew(change: Change, entries: Mapping[str, FileEntry]) -> Change:
    if not isinstance(change, CommitFiles):
        return change
    return replace(change, puts=tuple(replace(put, entry=entries[put.entry.path]) for put in change.puts))

"""Carries a plan out, change by change, in the plan's order."""

from collections.abc import Mapping
from dataclasses import dataclass

from hfdeploy_core.applying.commit import commit_files
from hfdeploy_core.applying.settings import change_setting
from hfdeploy_core.clock import Clock
from hfdeploy_core.errors import RepoNotFound
from hfdeploy_core.events import Committed, OnEvent, RepoCreated
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.model import CommitFiles, CreateRepo, Plan, Provenance, RepoInfo, Snapshot
from hfdeploy_core.planning.digest import digest_plan
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
    *,
    info: RepoInfo | None,
    provenance: Provenance,
    secrets: Mapping[str, str],
    clock: Clock,
    on_event: OnEvent,
) -> Applied:
    """Make every change of the plan. `info` is the repo that it was made against, if any.

    `provenance` is written down in the commit; `secrets` has the values of those that the plan names.
    """
    digest = digest_plan(plan)
    commit = None
    changed = False
    for change in plan.changes:
        match change:
            case CreateRepo(visibility=visibility, sdk=sdk):
                hub.create_repo(plan.repo, visibility, sdk)
                info = _find(hub, plan)
                changed = True
                on_event(RepoCreated(info.repo.id, info.url))
            case CommitFiles():
                info = info or _find(hub, plan)
                commit = commit_files(
                    change,
                    snapshot,
                    hub,
                    plan.repo,
                    parent=info.head,
                    digest=digest,
                    description=describe_commit(change.description, digest, plan, provenance),
                    clock=clock,
                    on_event=on_event,
                )
                if commit != info.head:
                    changed = True
                    on_event(Committed(plan.repo.id, commit))
            case _:
                on_event(change_setting(change, hub, plan.repo, secrets))
                changed = True
    info = info or _find(hub, plan)
    return Applied(info, commit or info.head, changed)


def _find(hub: Hub, plan: Plan) -> RepoInfo:
    info = hub.find_repo(plan.repo)
    if info is None:
        raise RepoNotFound(f"{plan.repo} is not there although it was just made.")
    return info

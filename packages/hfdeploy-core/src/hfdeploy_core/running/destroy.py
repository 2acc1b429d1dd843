"""Deletes what runs have made, and nothing else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hfdeploy_core.clock import SystemClock
from hfdeploy_core.destruction import destroy, plan_destroy
from hfdeploy_core.errors import SettingInvalid
from hfdeploy_core.events import DeletionPlanned, OnEvent, RunFinished, Warned
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.manifest.state import Held, list_owned, turn_around
from hfdeploy_core.manifest.suggesting import suggest
from hfdeploy_core.model import Destruction, RepoRef
from hfdeploy_core.running.flow import Done, Failed, Fate, Left, list_fates
from hfdeploy_core.running.project import Project
from hfdeploy_core.running.run import Run, raise_failures
from hfdeploy_core.running.stores import Book


@dataclass(frozen=True, slots=True)
class ProjectDestruction:
    """What is to be deleted, by repo; and what is `gone` already, and only has to be forgotten."""

    project: Project
    repos: Mapping[str, tuple[Held, Destruction]]
    gone: tuple[RepoRef, ...] = ()


def plan_destroy_project(
    project: Project,
    targets: Iterable[str] = (),
    *,
    on_event: OnEvent = lambda event: None,
    hub: Hub | None = None,
) -> ProjectDestruction:
    """What `destroy_project` would delete: what runs have made of these targets and of all that need them.

    What was there before, or is another repo by now, is kept, and told. Nothing on the Hub is changed.
    """
    names = tuple(targets)
    run = Run(project, on_event, SystemClock())
    with run.enter(hub) as connected:
        state = run.find_store(connected).read()
        known = {*project.manifest.targets, *(held.target for held in state.repos)}
        for name in names:
            if name not in known:
                raise SettingInvalid(
                    f"There is no target {name!r}{suggest(name, known)}", "Name one that is there."
                )
        doomed: dict[str, tuple[Held, Destruction]] = {}
        gone: list[RepoRef] = []
        for held in list_owned(state, names):
            if connected.find_repo(held.repo) is None:
                gone.append(held.repo)
                continue
            found = plan_destroy(held.repo.id, repo_type=held.repo.type, hub=connected)
            if held.hub_id != found.repos[-1].hub_id:
                on_event(Warned(f"{held.repo} is kept: it may be another than a run made."))
                continue
            doomed[str(held.repo)] = (held, found)
            for one in found.repos:
                on_event(DeletionPlanned(one.repo.id, one.repo.type, one.url))
    return ProjectDestruction(project, doomed, tuple(gone))


def destroy_project(
    plan: ProjectDestruction, *, on_event: OnEvent = lambda event: None, hub: Hub | None = None
) -> None:
    """Delete what the plan lists, what needs something before that, each after another look at it."""
    clock = SystemClock()
    started_seconds = clock.seconds()
    run = Run(plan.project, on_event, clock)

    def work(key: str, tell: OnEvent, hub: Hub, book: Book) -> None:
        held, found = plan.repos[key]
        destroy(found, on_event=tell, hub=hub)
        book.forget(held.repo)

    needs = turn_around(held for held, _ in plan.repos.values())
    fates: dict[str, Fate[None]] = {}
    if needs or plan.gone:
        with run.enter(hub) as connected, run.find_store(connected).hold(lambda state: state) as book:
            for repo in plan.gone:
                book.forget(repo)
            fates = run.go(needs, connected, lambda key, tell, hub: work(key, tell, hub, book))
    on_event(
        RunFinished(
            changed=list_fates(fates, Done),
            unchanged=(),
            failed=list_fates(fates, Failed),
            left=list_fates(fates, Left),
            elapsed_seconds=clock.seconds() - started_seconds,
        )
    )
    raise_failures(fates)

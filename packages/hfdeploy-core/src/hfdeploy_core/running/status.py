"""What targets are, and what others changed of them."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from hfdeploy_core.clock import SystemClock
from hfdeploy_core.events import OnEvent
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.inspection import status
from hfdeploy_core.manifest.model import Declared
from hfdeploy_core.manifest.references import Reference, fill, find_references
from hfdeploy_core.manifest.selecting import select
from hfdeploy_core.manifest.state import Held
from hfdeploy_core.model import RepoRef, RepoType
from hfdeploy_core.planning.names import parse_repo_id
from hfdeploy_core.planning.previews import name_preview
from hfdeploy_core.planning.status import Status
from hfdeploy_core.running.project import Project
from hfdeploy_core.running.run import MOST_AT_A_TIME, Run
from hfdeploy_core.running.values import find_values


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """A repo as it is: what a run has left of it, if one has, and what is there now, if anything is.

    Once `is_replaced`, what is there is another repo of that name.
    """

    target: str
    repo: str
    is_declared: bool
    held: Held | None
    found: Status | None
    is_replaced: bool


@dataclass(frozen=True, slots=True)
class ProjectStatus:
    """All targets as they are."""

    targets: tuple[TargetStatus, ...]


def status_project(
    project: Project,
    targets: Iterable[str] = (),
    *,
    on_event: OnEvent = lambda event: None,
    hub: Hub | None = None,
) -> ProjectStatus:
    """What these targets are, and what others changed of them since they were applied: all if none is named.

    What runs have left and the manifest does not name any more is shown with all.
    """
    names = tuple(targets)
    manifest = select(project.manifest, names)
    run = Run(project, on_event, SystemClock())
    # Nobody needs a secret to look.
    references = find_references([target.repo for target in manifest.targets.values()])
    values = find_values(references, manifest.places, project.folder, project.environment)

    with run.enter(hub) as connected:
        state = run.find_store(connected).read()
        declared = {
            _find_repo(target, values, connected, project.preview): name
            for name, target in manifest.targets.items()
            if project.preview is None or target.previews is not None
        }
        held = {held.repo: held.target for held in state.repos if not names or held.target in names}

        def look(repo: RepoRef, name: str) -> TargetStatus:
            left, info = state.find(repo), connected.find_repo(repo)
            is_replaced = bool(left and info and left.hub_id not in ("", info.hub_id))
            found = None
            if info is not None:
                found = status(repo.id, repo_type=repo.type, state=run.find_state(name), hub=connected)
            return TargetStatus(name, str(repo), repo in declared, left, found, is_replaced)

        with ThreadPoolExecutor(MOST_AT_A_TIME) as pool:
            looks = [pool.submit(look, repo, name) for repo, name in {**declared, **held}.items()]
            return ProjectStatus(tuple(found.result() for found in looks))


def _find_repo(declared: Declared, values: Mapping[Reference, str], hub: Hub, preview: str | None) -> RepoRef:
    namespace, name = parse_repo_id(fill(declared.repo, values))
    repo = RepoRef(RepoType(declared.options["repo_type"]), namespace or hub.whoami().name, name)
    return repo if preview is None else name_preview(repo, preview)

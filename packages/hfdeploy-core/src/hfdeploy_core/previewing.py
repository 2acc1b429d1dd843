"""The façade for previews: short-lived Spaces beside the one that they are previews of."""

from dataclasses import dataclass, replace
from os import PathLike
from typing import Unpack

from hfdeploy_core.clock import Clock
from hfdeploy_core.deploying.preparation import check_ours, find_existing
from hfdeploy_core.deployment import deploy, enter
from hfdeploy_core.destruction import plan_destroy
from hfdeploy_core.errors import PermissionRefused
from hfdeploy_core.events import OnEvent
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.model import Destruction, Outcome, Remote, RepoRef, Visibility
from hfdeploy_core.options import Options, Relay, read_target
from hfdeploy_core.planning.gate import Gate
from hfdeploy_core.planning.previews import (
    MOST_PREVIEWS,
    check_room,
    decide_hardware,
    mark_preview,
    name_preview,
)
from hfdeploy_core.planning.relay import find_marked


@dataclass(frozen=True, slots=True)
class Preview:
    """A preview that is there. `tags` are those of its card, one of which may say when it expires."""

    id: str
    repo_id: str
    tags: tuple[str, ...]


def create_preview(
    source: str | PathLike[str],
    repo: str,
    *,
    id: str,
    most: int = MOST_PREVIEWS,
    relay: Relay | None = None,
    gate: Gate | None = None,
    state: str | PathLike[str] | None = None,
    on_event: OnEvent = lambda event: None,
    hub: Hub | None = None,
    clock: Clock | None = None,
    **options: Unpack[Options],
) -> Outcome:
    """Deploy to the preview `id` of the Space `repo`, which is made if it is missing and there are less than
    `most` of them; one that is there is used again.

    It is private unless told, and runs on what costs nothing unless told. A janitor knows by the `tags` that
    its card gets when it expires. For the rest, see `deploy`.
    """
    asked = read_target(repo, options).repo
    with enter(hub, on_event) as connected:
        place = _place(connected, asked)
        preview = name_preview(place, id)
        info = connected.find_repo(preview)
        if info is None:
            check_room([found.id for found in _list(connected, place)], most, place)
        options["visibility"] = options.get("visibility") or Visibility.PRIVATE
        options["hardware"] = decide_hardware(options.get("hardware"), info)
        options["marker"] = mark_preview(place)
        return deploy(
            source,
            preview.id,
            relay=relay,
            gate=gate,
            state=state,
            on_event=on_event,
            hub=connected,
            clock=clock,
            **options,
        )


def list_previews(repo: str, *, hub: Hub | None = None) -> tuple[Preview, ...]:
    """The previews of the Space `repo` that are there, by id."""
    asked = read_target(repo, {}).repo
    with enter(hub, lambda event: None) as connected:
        return _list(connected, _place(connected, asked))


def plan_destroy_preview(
    repo: str,
    *,
    id: str,
    relay: Relay | None = None,
    on_event: OnEvent = lambda event: None,
    hub: Hub | None = None,
) -> Destruction:
    """What `destroy` would delete: the preview `id` of the Space `repo`, and its relay where one is given.

    Raises NameTaken where a Space of its name is no preview.
    """
    asked = read_target(repo, {}).repo
    with enter(hub, on_event) as connected:
        place = _place(connected, asked)
        preview = name_preview(place, id)
        info = find_existing(connected, preview)
        remote = Remote(info, (), variables=connected.list_variables(info.repo))
        check_ours(connected, mark_preview(place), remote)
        return plan_destroy(preview.id, relay=relay, on_event=on_event, hub=connected)


def _place(hub: Hub, repo: RepoRef) -> RepoRef:
    return repo if repo.namespace else replace(repo, namespace=hub.whoami().name)


def _list(hub: Hub, repo: RepoRef) -> tuple[Preview, ...]:
    prefix = f"{repo.name}-"
    near = [space for space in hub.list_spaces(repo.namespace) if space.repo.name.startswith(prefix)]
    found = []
    for space in near:
        try:
            told = find_marked(mark_preview(repo).name, hub.list_variables(space.repo))
        except PermissionRefused:
            continue  # what this token may not change is no preview that it made
        if told == repo.id:
            found.append(Preview(space.repo.name.removeprefix(prefix), space.repo.id, space.tags))
    return tuple(sorted(found, key=lambda preview: preview.id))

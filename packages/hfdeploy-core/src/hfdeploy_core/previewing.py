"""The façade for previews: short-lived Spaces beside the one that they are previews of."""

from os import PathLike
from typing import Unpack

from hfdeploy_core.clock import Clock
from hfdeploy_core.deploying.preparation import check_ours, find_existing
from hfdeploy_core.deploying.previews import Preview, find_place, find_previews, turn_aside
from hfdeploy_core.deployment import deploy, enter
from hfdeploy_core.destruction import plan_destroy
from hfdeploy_core.events import OnEvent
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.model import Destruction, Outcome, Remote
from hfdeploy_core.options import Options, Relay, read_target
from hfdeploy_core.planning.gate import Gate
from hfdeploy_core.planning.previews import (
    MOST_PREVIEWS,
    mark_preview,
    name_preview,
)


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
        preview, changed = turn_aside(connected, asked, id, most, options)
        return deploy(
            source,
            preview.id,
            relay=relay,
            gate=gate,
            state=state,
            on_event=on_event,
            hub=connected,
            clock=clock,
            **changed,
        )


def list_previews(repo: str, *, hub: Hub | None = None) -> tuple[Preview, ...]:
    """The previews of the Space `repo` that are there, by id."""
    asked = read_target(repo, {}).repo
    with enter(hub, lambda event: None) as connected:
        return find_previews(connected, find_place(connected, asked))


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
        place = find_place(connected, asked)
        preview = name_preview(place, id)
        info = find_existing(connected, preview)
        remote = Remote(info, (), variables=connected.list_variables(info.repo))
        check_ours(connected, mark_preview(place), remote)
        return plan_destroy(preview.id, relay=relay, on_event=on_event, hub=connected)

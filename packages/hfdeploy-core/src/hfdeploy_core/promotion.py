"""The façade for promoting: what one Space holds, put into another on the Hub itself."""

from collections.abc import Sequence
from contextlib import suppress
from os import PathLike

from hfdeploy_core.clock import Clock
from hfdeploy_core.deploying.preparation import find_existing
from hfdeploy_core.deployment import apply, enter
from hfdeploy_core.errors import CardInvalid, PermissionRefused, SettingInvalid
from hfdeploy_core.events import OnEvent, Warned
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.model import Outcome, Plan, Remote, RemoteFile, RepoInfo, RepoType
from hfdeploy_core.options import read_target
from hfdeploy_core.planning import promotion as planning
from hfdeploy_core.planning.gate import Gate
from hfdeploy_core.planning.previews import MARKER
from hfdeploy_core.planning.relay import find_marked
from hfdeploy_core.source import tagging


def promote(
    source: str,
    repo: str,
    *,
    drop_tags: str | None = None,
    gate: Gate | None = None,
    state: str | PathLike[str] | None = None,
    on_event: OnEvent = lambda event: None,
    hub: Hub | None = None,
    clock: Clock | None = None,
) -> Outcome:
    """Make the Space `repo` hold exactly what the Space `source` holds, in one commit; settings stay.

    Large files are shared on the Hub and not sent; others are read from there and put into the commit. Tags
    of its card that begin with `drop_tags` do not come along, by which a preview says when it expires. For
    the rest, see `deploy`.
    """
    with enter(hub, on_event) as connected:
        plan = plan_promote(source, repo, drop_tags=drop_tags, on_event=on_event, hub=connected)
        return apply(plan, gate=gate, state=state, on_event=on_event, hub=connected, clock=clock)


def plan_promote(
    source: str,
    repo: str,
    *,
    drop_tags: str | None = None,
    on_event: OnEvent = lambda event: None,
    hub: Hub | None = None,
) -> Plan:
    """What `promote` would change, for `apply`: nothing on the Hub is changed. Both have to be there."""
    asked = [read_target(name, {"repo_type": RepoType.SPACE}).repo for name in (source, repo)]
    with enter(hub, on_event) as connected:
        origin, info = (find_existing(connected, place) for place in asked)
        if drop_tags is None:
            _refuse_preview(connected, origin)
        if doubt := planning.find_doubt(origin, connected.find_runtime(origin.repo)):
            on_event(Warned(doubt))
        latest = connected.recent_commits(origin.repo, origin.head)[0]
        files = connected.list_files(origin.repo, origin.head)
        card = _read_card(connected, origin, files, drop_tags)
        remote = Remote(info, connected.list_files(info.repo, info.head))
        return planning.plan_promotion(origin, latest, files, remote, card)


def _read_card(hub: Hub, info: RepoInfo, files: Sequence[RemoteFile], drop_tags: str | None) -> str | None:
    """What README.md is to say where it comes without some of its tags; None where it comes as it is."""
    if drop_tags is None or all(file.path != planning.CARD for file in files):
        return None
    text = hub.read_file(info.repo, info.head, planning.CARD).decode(errors="replace")
    # What has no front matter, or none that can be read, has no tags.
    with suppress(CardInvalid):
        if (card := tagging.drop_tags(text, drop_tags)) != text:
            return card
    return None


def _refuse_preview(hub: Hub, info: RepoInfo) -> None:
    """A preview's card says when it expires, which must not come to stay elsewhere."""
    try:
        variables = hub.list_variables(info.repo)
    except PermissionRefused:
        return  # somebody else's: no preview of ours
    if repo_id := find_marked(MARKER, variables):
        raise SettingInvalid(
            f"{info.repo.id} is a preview of {repo_id}, and its card says when it expires.",
            "Say by drop_tags which tags of the card do not come along.",
        )

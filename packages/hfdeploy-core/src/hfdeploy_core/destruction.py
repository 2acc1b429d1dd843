"""The façade for deleting: what is listed first, and nothing else."""

from hfdeploy_core.clock import Clock, SystemClock
from hfdeploy_core.deploying.preparation import check_ours
from hfdeploy_core.deployment import enter
from hfdeploy_core.errors import HubRefused, PlanStale, RepoNotFound
from hfdeploy_core.events import Deleted, DeletionPlanned, OnEvent, Warned
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.model import Destruction, Doomed, Marker, Remote, RepoInfo, RepoRef, RepoType
from hfdeploy_core.options import Relay, read_target
from hfdeploy_core.planning.relay import name_relay

_LOOKS = 3
_PAUSE_SECONDS = 1.0


def plan_destroy(
    repo: str,
    *,
    repo_type: RepoType | str = RepoType.SPACE,
    relay: Relay | None = None,
    on_event: OnEvent = lambda event: None,
    hub: Hub | None = None,
) -> Destruction:
    """What `destroy` would delete: the repo and, given a `relay`, the one in front of it if it is ours.

    Nothing on the Hub is changed. Raises RepoNotFound, also where a repo has another name by now.
    """
    asked = read_target(repo, {"repo_type": repo_type}).repo
    with enter(hub, on_event) as connected:
        place = asked if asked.namespace else RepoRef(asked.type, connected.whoami().name, asked.name)
        info = connected.find_repo(place)
        if info is None:
            raise RepoNotFound(f"There is no {place} that this token can see.")
        _check_name(info, place)
        connected.check_write(place)
        doomed = [_doom(info)]
        if relay is not None:
            there = connected.find_repo(name_relay(place, relay.suffix))
            if there is None:
                on_event(Warned(f"There is no relay {name_relay(place, relay.suffix).id}."))
            else:
                _check_relay(connected, there, place, relay)
                doomed.insert(0, _doom(there))
    for found in doomed:
        on_event(DeletionPlanned(found.repo.id, found.repo.type, found.url))
    return Destruction(tuple(doomed))


def destroy(
    plan: Destruction,
    *,
    on_event: OnEvent = lambda event: None,
    hub: Hub | None = None,
    clock: Clock | None = None,
) -> None:
    """Delete what the plan lists, each after another look at it. What is gone already is left at that.

    Raises PlanStale, before it deletes it, where a repo is another one by now.
    """
    clock = clock or SystemClock()
    with enter(hub, on_event) as connected:
        for doomed in plan.repos:
            found = connected.find_repo(doomed.repo)
            if found is None:
                on_event(Warned(f"{doomed.repo} is gone already."))
                continue
            if not doomed.hub_id or (found.hub_id, found.repo) != (doomed.hub_id, doomed.repo):
                raise PlanStale(f"{doomed.repo} is another one than was listed.", "Look again.")
            connected.delete_repo(doomed.repo)
            _see_gone(connected, doomed.repo, clock)
            on_event(Deleted(doomed.repo.id, doomed.repo.type))


def _see_gone(hub: Hub, repo: RepoRef, clock: Clock) -> None:
    for look in range(_LOOKS):
        if look:
            clock.sleep(_PAUSE_SECONDS)
        if hub.find_repo(repo) is None:
            return
    raise HubRefused(f"{repo} is still there after the Hub said that it was deleted.", "Look at its page.")


def _check_relay(hub: Hub, info: RepoInfo, upstream: RepoRef, relay: Relay) -> None:
    _check_name(info, name_relay(upstream, relay.suffix))
    files, variables = hub.list_files(info.repo, info.head), hub.list_variables(info.repo)
    marker = Marker(relay.marker_name, upstream.id, relay.marker_file)
    check_ours(hub, marker, Remote(info, files, variables=variables))


def _check_name(info: RepoInfo, asked: RepoRef) -> None:
    """The Hub leads from a former name to the present one: that is not what was named."""
    if info.repo != asked:
        raise RepoNotFound(f"{asked} is called {info.repo.id} now.", "Name it so, if that is what shall go.")


def _doom(info: RepoInfo) -> Doomed:
    return Doomed(info.repo, info.hub_id, info.url)

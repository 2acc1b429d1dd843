"""A Space at run time, for whoever operates it: its logs, and what starts or stops it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from hfdeploy_core.deploying.preparation import find_existing
from hfdeploy_core.deployment import connect
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.model import RepoInfo, RepoRef, RepoType
from hfdeploy_core.planning.names import parse_repo_id
from hfdeploy_core.space import LogKind, LogLine, Runtime

_FOLLOW_QUIET_SECONDS = 24 * 3600.0
_READ_QUIET_SECONDS = 2.0
_VISIT_SECONDS = 15.0


def restart(repo: str, *, hub: Hub | None = None) -> Runtime:
    """Start the Space anew, also one that is paused or stopped; what it is doing then."""
    with _enter(hub) as connected:
        return connected.restart_space(_find(connected, repo).repo)


def pause(repo: str, *, hub: Hub | None = None) -> Runtime:
    """Stop the Space until somebody restarts it; what it is doing then."""
    with _enter(hub) as connected:
        return connected.pause_space(_find(connected, repo).repo)


def wake(repo: str, *, hub: Hub | None = None) -> Runtime:
    """Get the Space running: a visit wakes one that sleeps, one that is paused or stopped is restarted."""
    with _enter(hub) as connected:
        info = _find(connected, repo)
        stage = connected.find_runtime(info.repo).stage
        if stage in ("PAUSED", "STOPPED"):
            return connected.restart_space(info.repo)
        if stage == "SLEEPING" and info.app_url:
            connected.visit_app(info.app_url, "/", quiet_seconds=_VISIT_SECONDS)
        return connected.find_runtime(info.repo)


@contextmanager
def read_log(
    repo: str, kind: LogKind | str = LogKind.RUN, *, follow: bool = False, hub: Hub | None = None
) -> Iterator[Iterator[LogLine]]:
    """The Space's log, line by line; with `follow` also what comes until it ends."""
    quiet_seconds = _FOLLOW_QUIET_SECONDS if follow else _READ_QUIET_SECONDS
    with _enter(hub) as connected:
        space = _find(connected, repo).repo
        with connected.open_log(space, LogKind(kind), quiet_seconds=quiet_seconds) as lines:
            yield lines


def find_space(repo: str, *, hub: Hub | None = None) -> RepoInfo:
    """The Space as it is now. Raises RepoNotFound."""
    with _enter(hub) as connected:
        return _find(connected, repo)


def _enter(hub: Hub | None) -> AbstractContextManager[Hub]:
    return connect() if hub is None else nullcontext(hub)


def _find(hub: Hub, repo: str) -> RepoInfo:
    namespace, name = parse_repo_id(repo)
    return find_existing(hub, RepoRef(RepoType.SPACE, namespace or "", name))

"""The façade for going back: an earlier commit's files, and the settings of its time, put in place again."""

from os import PathLike

from hfdeploy_core.applying.journal import Journal
from hfdeploy_core.applying.recall import read_rollback
from hfdeploy_core.clock import Clock, SystemClock
from hfdeploy_core.deploying.preparation import find_existing
from hfdeploy_core.deployment import apply, enter, find_state
from hfdeploy_core.errors import RevisionMissing
from hfdeploy_core.events import OnEvent, Warned
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.model import CommitInfo, Outcome, Plan, RepoRef, RepoType, Source
from hfdeploy_core.options import read_target
from hfdeploy_core.planning import rollback as planning
from hfdeploy_core.planning.gate import Gate, check_gate
from hfdeploy_core.planning.history import History
from hfdeploy_core.planning.trailers import ROLLBACK, read_trailers

# Fewer characters of a commit's id may mean several.
_SHORTEST_ID = 7


def rollback(
    repo: str,
    *,
    to: str | None = None,
    repo_type: RepoType | str = RepoType.SPACE,
    gate: Gate | None = None,
    state: str | PathLike[str] | None = None,
    on_event: OnEvent = lambda event: None,
    hub: Hub | None = None,
    clock: Clock | None = None,
) -> Outcome:
    """Make the repo hold what it held at an earlier commit, in one commit on top of the head.

    That is `to` (a commit, branch or tag), or the deploy before the one that is live; one that did not pass
    its gate is passed over. Large files are named, not sent; others are read from the Hub and put into the
    commit. Settings that were changed since are set back as far as the journal in `state` knows them. A
    rollback that was killed goes on to the same commit. For the rest, see `deploy`.
    """
    check_gate(gate, read_target(repo, {"repo_type": repo_type}).repo.type)
    with enter(hub, on_event) as connected:
        plan = plan_rollback(repo, to=to, repo_type=repo_type, state=state, on_event=on_event, hub=connected)
        return apply(plan, gate=gate, state=state, on_event=on_event, hub=connected, clock=clock)


def plan_rollback(
    repo: str,
    *,
    to: str | None = None,
    repo_type: RepoType | str = RepoType.SPACE,
    state: str | PathLike[str] | None = None,
    on_event: OnEvent = lambda event: None,
    hub: Hub | None = None,
) -> Plan:
    """What `rollback` would change, for `apply`: nothing on the Hub is changed.

    Raises RevisionMissing where there is no such commit, or none to go back to.
    """
    asked = read_target(repo, {"repo_type": repo_type}).repo
    folder = find_state(Source(""), state)
    history = Journal(folder, SystemClock()).read()
    with enter(hub, on_event) as connected:
        info = find_existing(connected, asked)
        commits = connected.recent_commits(info.repo)
        earlier = _find_earlier(connected, info.repo, to, commits, history)
        others = planning.find_others(commits, earlier.id)
        later = {commit.id for commit in commits[: _count_later(commits, earlier)]}
        recalled = planning.recall_settings(history, info.repo, earlier.id, later)
        plan = read_rollback(connected, info, earlier, recalled)
    if others:
        on_event(Warned(f"This undoes what others committed since, too: {others[0].title!r} for one."))
    for change in recalled.lost:
        on_event(Warned(planning.say_lost(change)))
    if not any(step.repo == info.repo for step in history.steps):
        told = f"No journal in {folder} tells of {info.repo}: only its files go back, no setting does."
        on_event(Warned(f"{told} If there is one elsewhere, name its folder by --state."))
    return plan


def _count_later(commits: tuple[CommitInfo, ...], earlier: CommitInfo) -> int:
    return next((n for n, commit in enumerate(commits) if commit.id == earlier.id), len(commits))


def _find_earlier(
    hub: Hub, repo: RepoRef, to: str | None, commits: tuple[CommitInfo, ...], history: History
) -> CommitInfo:
    """The commit to restore."""
    begun = history.find_restoring(repo)
    live = read_trailers(commits[0].message).get(ROLLBACK)
    if to is None and begun is not None and (commits[0].id == begun.base or live == begun.restores):
        # It was killed, before its commit or after it.
        to = begun.restores
    if to is None:
        earlier = planning.decide_earlier(commits, history.find_failed(repo))
        if earlier is None:
            raise RevisionMissing(f"{repo} has no earlier deploy among its last {len(commits)} commits.")
        return earlier
    named = [commit for commit in commits if len(to) >= _SHORTEST_ID and commit.id.startswith(to)]
    return named[0] if named else hub.recent_commits(repo, to)[0]

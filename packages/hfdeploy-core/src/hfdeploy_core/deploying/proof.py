"""Whether what was made is live; where it is not, and that is asked for, what was there before comes back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hfdeploy_core.applying.apply import Applied
from hfdeploy_core.applying.gate import pass_gate
from hfdeploy_core.applying.recall import read_rollback
from hfdeploy_core.deploying.execution import carry_out
from hfdeploy_core.deploying.preparation import describe, find_existing
from hfdeploy_core.deploying.relay import Relaying
from hfdeploy_core.deploying.run import Prepared, Run
from hfdeploy_core.errors import DeployError, GateError, NotRunning, Superseded
from hfdeploy_core.events import RolledBack, Warned
from hfdeploy_core.model import Change, Snapshot
from hfdeploy_core.planning.gate import Gate
from hfdeploy_core.planning.history import Restoring, Verdict
from hfdeploy_core.planning.rollback import decide_earlier, say_lost, undo_settings


@dataclass(frozen=True, slots=True)
class Made:
    """What was made of a repo by `changes`, on top of the commit `base`; None where there was none."""

    run: Run
    applied: Applied
    base: str | None
    changes: tuple[Change, ...]


def see_live(gate: Gate | None, made: Made, beside: Relaying | None, relayed: Applied | None) -> None:
    """The Space has to be live, and then its relay, which has to answer the same."""
    if gate is None:
        return
    parts = [(gate, made)]
    if beside and relayed:
        plan = beside.prepared.plan
        asked = replace(gate, probes=(*beside.relay.probes, *gate.probes))
        parts.append((asked, Made(beside.run, relayed, plan.base, plan.changes)))
    try:
        for asked, part in parts:
            _pass(part.run, asked, part.applied)
    except GateError as error:
        # What somebody else did, or will have to do, is not undone by going back.
        if not gate.rolls_back or isinstance(error, Superseded | NotRunning):
            raise
        raise _go_back(parts, error) from error


def _pass(run: Run, gate: Gate, applied: Applied) -> None:
    """Wait for the commit, and remember where it does not get live: it is nothing to go back to."""
    repo, commit = applied.info.repo, applied.commit
    try:
        pass_gate(gate, applied.info, commit, run.hub, clock=run.clock, on_event=run.on_event)
    except Superseded:
        raise
    except GateError:
        run.journal.record(Verdict(repo, commit, is_live=False))
        raise
    if commit in run.journal.read().find_failed(repo):
        run.journal.record(Verdict(repo, commit, is_live=True))


def _go_back(parts: Sequence[tuple[Gate, Made]], error: GateError) -> GateError:
    """Put in place again what was there before; the error, which says what came of that."""
    said = []
    for gate, part in parts:
        try:
            said.append(_roll_back(gate, part))
        except DeployError as failure:
            said.append(f"{part.applied.info.repo.id} could not be put back: {failure.message}")
    told = type(error)(" ".join(filter(None, [error.message, *said])), error.remedy)
    told.log = error.log
    return told


def _roll_back(gate: Gate, made: Made) -> str:
    """Undo one repo's part of a deploy, and see that live: what to say of it."""
    run, repo, commit = made.run, made.applied.info.repo, made.applied.commit
    if not made.applied.changed:
        return ""
    commits = run.hub.recent_commits(repo)
    if commits[0].id != commit:
        return f"{repo.id} stays as it is: somebody else has committed since."
    failed = run.journal.read().find_failed(repo) - {commit}
    if made.base in failed:
        earlier = decide_earlier(commits, failed)
    else:
        earlier = next((known for known in commits if known.id == made.base), None)
    if earlier is None:
        return f"{repo.id} stays as it is: there is nothing earlier that was live."
    recalled = undo_settings(repo, made.changes)
    info = find_existing(run.hub, repo)
    plan = read_rollback(run.hub, info, earlier, recalled)
    for change in recalled.lost:
        run.on_event(Warned(f"{repo.id}: {say_lost(change)}"))
    run.on_event(describe(plan))
    run.journal.record(Restoring(repo, earlier.id, plan.base, is_done=False))
    applied = carry_out(run, Prepared(plan, Snapshot(Path(), ()), info))
    held = f"{repo.id} holds again what it held at {earlier.id[:7]}"
    try:
        _pass(run, gate, applied)
    except GateError as failure:
        return f"{held}, but: {failure.message}"
    run.journal.record(Restoring(repo, earlier.id, plan.base, is_done=True))
    run.on_event(RolledBack(repo.id, applied.commit, earlier.id))
    return f"{held}, and that is live."

"""Carries one repo's plan out, and plans again where somebody else commits meanwhile."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count

from hfdeploy_core.applying.apply import Applied, apply_plan
from hfdeploy_core.deploying.preparation import prepare
from hfdeploy_core.deploying.run import Prepared, Run
from hfdeploy_core.errors import Conflict
from hfdeploy_core.events import Warned
from hfdeploy_core.model import CommitFiles, Plan, Provenance, Snapshot, Target
from hfdeploy_core.planning.deletions import check_deletions
from hfdeploy_core.planning.files import find_foreign
from hfdeploy_core.planning.parts import check_parts
from hfdeploy_core.planning.trailers import COMMIT, SOURCE, read_trailers
from hfdeploy_core.source.git import find_provenance, find_run

_MOST_PLANS = 3
_NAMED_PATHS = 3


def carry_out_or_plan_again(run: Run, target: Target, first: Prepared) -> tuple[Prepared, Applied]:
    """Carry out the plan, or a new one where somebody else commits: the plan that held, and what is there."""
    prepared = first
    for tries in count(1):
        try:
            applied = carry_out(run, prepared)
            break
        except Conflict as conflict:
            if tries == _MOST_PLANS:
                raise
            prepared = _prepare_again(run, target, prepared, conflict)
    # What came before the commit was changed at the first try.
    is_changed = applied.changed or (tries > 1 and not isinstance(first.plan.changes[0], CommitFiles))
    return prepared, replace(applied, changed=is_changed)


def _prepare_again(run: Run, target: Target, prepared: Prepared, conflict: Conflict) -> Prepared:
    """Plan on top of what somebody else committed. Raises Conflict where that would undo it."""
    repo = prepared.plan.repo
    run.on_event(Warned(f"{conflict.message} Planning again."))
    again = prepare(run, target, prepared.snapshot)
    if again.info is None:
        raise conflict
    # A repo that was made just now began with what the Hub puts there.
    base = prepared.info.head if prepared.info else run.hub.recent_commits(repo)[-1].id
    if again.info.head == base:
        raise conflict
    foreign = find_foreign(run.hub.list_files(repo, base), run.hub.list_files(repo, again.info.head))
    touched = {*(put.entry.path for put in again.plan.puts), *again.plan.deletions}
    if both := sorted(foreign & touched):
        rest = f" and {len(both) - _NAMED_PATHS:,} more" if len(both) > _NAMED_PATHS else ""
        raise Conflict(
            f"Somebody else changed {', '.join(both[:_NAMED_PATHS])}{rest} of {repo} meanwhile.",
            "Look at what they did; run it again to put yours in its place.",
        ) from conflict
    return again


def carry_out(run: Run, prepared: Prepared, settled: frozenset[int] = frozenset()) -> Applied:
    plan, snapshot = prepared.plan, prepared.snapshot
    check_parts(plan)
    check_deletions(plan)
    provenance = Provenance()
    if len(settled) < len(plan.changes):
        # git answers while the Hub does.
        with ThreadPoolExecutor(1) as pool:
            found = pool.submit(_find_provenance, run, plan, snapshot)
            if prepared.info is not None:
                run.hub.check_write(plan.repo)
            provenance = found.result()
    return apply_plan(
        plan,
        snapshot,
        run.hub,
        run.journal,
        info=prepared.info,
        provenance=provenance,
        secrets=run.secrets,
        clock=run.clock,
        on_event=run.on_event,
        settled=settled,
    )


def _find_provenance(run: Run, plan: Plan, snapshot: Snapshot) -> Provenance:
    """Where the files come from: those of an earlier commit from where it says."""
    if plan.restores is None:
        return find_provenance(snapshot.root, os.environ, run.source.commit)
    told = read_trailers(run.hub.recent_commits(plan.origin or plan.repo, plan.restores)[0].message)
    return Provenance(told.get(SOURCE), told.get(COMMIT), find_run(os.environ))

"""The façade: validate, read, plan, apply."""

import os
from collections.abc import Container, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import count
from os import PathLike, fspath
from pathlib import Path
from types import MappingProxyType
from typing import Unpack

from hfdeploy_core.applying.apply import Applied, apply_plan
from hfdeploy_core.applying.gate import pass_gate
from hfdeploy_core.applying.journal import Journal
from hfdeploy_core.clock import Clock, SystemClock
from hfdeploy_core.errors import Conflict, GateError, SourceMissing, Superseded
from hfdeploy_core.events import Finished, OnEvent, Planned, Scanned, Warned
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.model import (
    Account,
    CommitFiles,
    CommitInfo,
    CreateRepo,
    Outcome,
    Plan,
    Provenance,
    Remote,
    RepoInfo,
    RepoRef,
    SetVisibility,
    Snapshot,
    Source,
    Target,
)
from hfdeploy_core.options import Options, check_secrets, read_target
from hfdeploy_core.planning.access import check_may_create, check_token_may_write
from hfdeploy_core.planning.deletions import check_deletions
from hfdeploy_core.planning.deploy import plan_deploy
from hfdeploy_core.planning.digest import digest_content, digest_plan
from hfdeploy_core.planning.files import find_changed, find_foreign, find_unnamed
from hfdeploy_core.planning.freshness import check_complete, find_settled, list_asked, renew_entries
from hfdeploy_core.planning.gate import Gate, check_gate
from hfdeploy_core.planning.guards import find_doubts
from hfdeploy_core.planning.history import Restoring, Verdict
from hfdeploy_core.planning.parts import check_parts
from hfdeploy_core.planning.trailers import (
    COMMIT,
    CONTENT,
    SOURCE,
    is_exact,
    read_trailers,
    recall_files,
    suffices,
)
from hfdeploy_core.source.cache import STATE_FOLDER
from hfdeploy_core.source.card import read_texts
from hfdeploy_core.source.digest import complete
from hfdeploy_core.source.git import find_provenance, find_run, read_tree
from hfdeploy_core.source.ignore import is_deployed
from hfdeploy_core.source.scan import scan

_MOST_PLANS = 3
_NAMED_PATHS = 3


@dataclass(frozen=True, slots=True)
class _Run:
    """What a deploy works with. `source` is where its files are, `secrets` has their values by name."""

    hub: Hub
    source: Source
    secrets: Mapping[str, str]
    state: Path
    clock: Clock
    on_event: OnEvent

    @property
    def journal(self) -> Journal:
        return Journal(self.state, self.clock)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A plan with what it was made from. `info` is the repo, where there is one."""

    plan: Plan
    snapshot: Snapshot
    info: RepoInfo | None


def plan(
    source: str | PathLike[str],
    repo: str,
    *,
    state: str | PathLike[str] | None = None,
    on_event: OnEvent = lambda event: None,
    hub: Hub | None = None,
    **options: Unpack[Options],
) -> Plan:
    """What `deploy` would change, as a value: nothing on the Hub is changed. See `deploy`, `apply`."""
    target, place = read_target(repo, options), _locate(source)
    snapshot = _read_source(place, state, on_event)
    secrets = options.get("secrets", {})
    with enter(hub, on_event) as connected:
        run = _Run(connected, place, secrets, find_state(place, state), SystemClock(), on_event)
        return _prepare(run, target, snapshot).plan


def apply(
    plan: Plan,
    *,
    secrets: Mapping[str, str] = MappingProxyType({}),
    gate: Gate | None = None,
    state: str | PathLike[str] | None = None,
    on_event: OnEvent = lambda event: None,
    hub: Hub | None = None,
    clock: Clock | None = None,
) -> Outcome:
    """Carry out exactly this plan, or nothing: PlanStale where source or repo have changed since.

    A plan that was killed is gone on with, and one that was applied already changes nothing. `secrets` has
    the values of the secrets that the plan names. With a `gate`, return
    once the commit is live. For the rest, see `deploy`.
    """
    check_gate(gate, plan.repo.type)
    clock = clock or SystemClock()
    started_seconds = clock.seconds()
    check_secrets(secrets)
    check_complete(plan, secrets)
    check_parts(plan)
    check_deletions(plan)
    snapshot = Snapshot(Path(), ())
    if plan.restores is None:
        snapshot = _read_source(plan.source, state, on_event)
        plan = renew_entries(plan, snapshot)
    with enter(hub, on_event) as connected:
        run = _Run(connected, plan.source, secrets, find_state(plan.source, state), clock, on_event)
        info = connected.find_repo(plan.repo)
        settled = _find_settled(run, plan, info)
        if info is None:
            _check_creation(connected, plan.repo)
        on_event(_describe(plan))
        if plan.restores is not None:
            run.journal.record(Restoring(plan.repo, plan.restores, plan.base, is_done=False))
        applied = _carry_out(run, _Prepared(plan, snapshot, info), settled)
        if gate is not None:
            _pass(run, gate, applied)
        if plan.restores is not None:
            run.journal.record(Restoring(plan.repo, plan.restores, plan.base, is_done=True))
    return _conclude(run, plan, applied, started_seconds, created=plan.creates)


def deploy(
    source: str | PathLike[str],
    repo: str,
    *,
    gate: Gate | None = None,
    state: str | PathLike[str] | None = None,
    on_event: OnEvent = lambda event: None,
    hub: Hub | None = None,
    clock: Clock | None = None,
    **options: Unpack[Options],
) -> Outcome:
    """Make the repo hold the files of the folder `source`, in one commit or none.

    `repo` is `NAMESPACE/NAME`, or `NAME` for the token's own namespace; it is created if it is missing. For
    what else can be asked for, see `options.Options`. With a `gate` it returns once the Space runs this very
    commit and answers the gate's probes; the commit stays if it does not. `state` is the folder for the
    journal and the hashes of files, by default `.hfdeploy` in the source. `hub` is by default the one that
    HF_ENDPOINT and HF_TOKEN name to the `hf` command.

    Nothing is written before everything is validated. Where somebody else commits meanwhile, it is planned
    again, unless both change the same files. Raises a DeployError; see `hfdeploy_core.errors`.
    """
    clock = clock or SystemClock()
    started_seconds = clock.seconds()
    target, place = read_target(repo, options), _locate(source)
    check_gate(gate, target.repo.type)
    snapshot = _read_source(place, state, on_event)
    secrets = options.get("secrets", {})
    with enter(hub, on_event) as connected:
        run = _Run(connected, place, secrets, find_state(place, state), clock, on_event)
        first = _prepare(run, target, snapshot)
        prepared, applied = _carry_out_or_plan_again(run, target, first)
        if gate is not None:
            _pass(run, gate, applied)
    return _conclude(run, prepared.plan, applied, started_seconds, created=first.plan.creates)


def connect(
    *, endpoint: str | None = None, token: str | None = None, on_event: OnEvent = lambda event: None
) -> AbstractContextManager[Hub]:
    """The Hub, to be entered with `with`: by default the one that HF_ENDPOINT and HF_TOKEN name to `hf`.

    Waits and warnings go to `on_event`.
    """
    # Imported here: huggingface_hub takes most of a second.
    from hfdeploy_core.hub.client import HubClient

    return HubClient(endpoint=endpoint, token=token, on_event=on_event)


def enter(hub: Hub | None, on_event: OnEvent) -> AbstractContextManager[Hub]:
    """The hub that was passed, or the one that the environment names."""
    return connect(on_event=on_event) if hub is None else nullcontext(hub)


def _locate(source: str | PathLike[str]) -> Source:
    if not fspath(source):
        # Path("") is the working directory, which nobody means by an unset variable.
        raise SourceMissing("The source is empty text.")
    return Source(fspath(source))


def _read_source(source: Source, state: str | PathLike[str] | None, on_event: OnEvent) -> Snapshot:
    snapshot = scan(Path(source.path), find_state(source, state))
    for skipped in snapshot.skipped:
        on_event(Warned(f"{skipped.path} is not deployed: {skipped.reason}."))
    on_event(Scanned(source.path, len(snapshot.entries), snapshot.size_bytes))
    return snapshot


def find_state(source: Source, state: str | PathLike[str] | None) -> Path:
    """The folder for the journal and the hashes of files."""
    return Path(state) if state is not None else Path(source.path) / STATE_FOLDER


def _prepare(run: _Run, asked: Target, snapshot: Snapshot) -> _Prepared:
    """Read the remote, plan, and check what can be checked without writing; tells the plan."""
    hub = run.hub
    # Whose token it is matters only where something is left open; the answer is one request away.
    target = asked if asked.repo.namespace else _place(asked, hub.whoami())
    remote = _read_remote(hub, target, snapshot)
    known: Container[str] = frozenset()
    if remote is None:
        _check_creation(hub, target.repo)
    else:
        unnamed = find_unnamed(snapshot.entries, remote.files)
        entries = complete(snapshot.root, snapshot.entries, unnamed, run.state)
        snapshot = replace(snapshot, entries=entries)
        is_named = bool(target.variables or target.secrets)
        remote = _read_settings(hub, remote, is_named, is_named)
        if remote.secrets:
            known = run.journal.find_known(remote.info.repo, run.secrets, remote.secrets)
    snapshot = read_texts(snapshot, find_changed(snapshot.entries, remote.files if remote else ()))
    is_moved = target.hardware not in (None, remote.info.hardware if remote else None)
    hardware = hub.list_hardware() if is_moved else ()
    made = plan_deploy(target, snapshot, remote, hardware=hardware, known_secrets=known)
    plan = replace(made, source=run.source)
    _check_card(hub, plan, snapshot, run.on_event)
    for doubt in find_doubts(plan):
        run.on_event(Warned(doubt))
    run.on_event(_describe(plan))
    return _Prepared(plan, snapshot, remote.info if remote else None)


def _carry_out_or_plan_again(run: _Run, target: Target, first: _Prepared) -> tuple[_Prepared, Applied]:
    """Carry out the plan, or a new one where somebody else commits: the plan that held, and what is there."""
    prepared = first
    for tries in count(1):
        try:
            applied = _carry_out(run, prepared)
            break
        except Conflict as conflict:
            if tries == _MOST_PLANS:
                raise
            prepared = _prepare_again(run, target, prepared, conflict)
    # What came before the commit was changed at the first try.
    is_changed = applied.changed or (tries > 1 and not isinstance(first.plan.changes[0], CommitFiles))
    return prepared, replace(applied, changed=is_changed)


def _prepare_again(run: _Run, target: Target, prepared: _Prepared, conflict: Conflict) -> _Prepared:
    """Plan on top of what somebody else committed. Raises Conflict where that would undo it."""
    repo = prepared.plan.repo
    run.on_event(Warned(f"{conflict.message} Planning again."))
    again = _prepare(run, target, prepared.snapshot)
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


def _carry_out(run: _Run, prepared: _Prepared, settled: frozenset[int] = frozenset()) -> Applied:
    plan, snapshot = prepared.plan, prepared.snapshot
    check_parts(plan)
    check_deletions(plan)
    provenance = Provenance()
    if len(settled) < len(plan.changes):
        # git answers while the Hub does.
        with ThreadPoolExecutor(1) as pool:
            found = pool.submit(_find_provenance, run.hub, plan, snapshot)
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


def _find_provenance(hub: Hub, plan: Plan, snapshot: Snapshot) -> Provenance:
    """Where the files come from: those of an earlier commit from where it says."""
    if plan.restores is None:
        return find_provenance(snapshot.root, os.environ)
    told = read_trailers(hub.recent_commits(plan.repo, plan.restores)[0].message)
    return Provenance(told.get(SOURCE), told.get(COMMIT), find_run(os.environ))


def _pass(run: _Run, gate: Gate, applied: Applied) -> None:
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


def _find_settled(run: _Run, plan: Plan, info: RepoInfo | None) -> frozenset[int]:
    """What of a saved plan was made already; see `find_settled`."""
    remote = None if info is None else _read_settings(run.hub, Remote(info, ()), *list_asked(plan))
    is_moved = info is not None and info.head != plan.base
    commits = run.hub.recent_commits(plan.repo) if is_moved else ()
    return find_settled(plan, remote, commits, run.journal.read())


def _place(target: Target, account: Account) -> Target:
    return replace(target, repo=replace(target.repo, namespace=account.name))


def _read_remote(hub: Hub, target: Target, snapshot: Snapshot) -> Remote | None:
    """What is there: what the head's trailers say was deployed if that is enough, else what the Hub lists."""
    head = hub.find_head(target.repo)
    if head is None:
        return None
    if head.commit is not None:
        earlier = {path: blob for path, blob in _read_deployed(snapshot, head.commit) if is_deployed(path)}
        known = recall_files(head.commit, snapshot.entries, earlier)
        paths = (entry.path for entry in snapshot.entries)
        if known is not None and suffices(head.commit, known, paths, mirror=target.mirror):
            return Remote(head.info, known, is_exact(head.commit))
    return Remote(head.info, hub.list_files(head.info.repo, head.info.head))


def _read_settings(hub: Hub, remote: Remote, variables: bool, secrets: bool) -> Remote:
    """The remote with what costs a request of its own."""
    return replace(
        remote,
        variables=hub.list_variables(remote.info.repo) if variables else (),
        secrets=hub.list_secrets(remote.info.repo) if secrets else (),
    )


def _read_deployed(snapshot: Snapshot, commit: CommitInfo) -> Iterable[tuple[str, str]]:
    """What the source held when it was deployed, if git still knows and it is not what it holds now."""
    trailers = read_trailers(commit.message)
    if COMMIT not in trailers or trailers.get(CONTENT) == digest_content(snapshot.entries):
        return ()
    return read_tree(snapshot.root, trailers[COMMIT]).items()


def _check_creation(hub: Hub, repo: RepoRef) -> None:
    account = hub.whoami()
    check_token_may_write(account)
    check_may_create(account, repo)


def _check_card(hub: Hub, plan: Plan, snapshot: Snapshot, on_event: OnEvent) -> None:
    if snapshot.card is not None and any(put.entry.path == "README.md" for put in plan.puts):
        for warning in hub.check_card(plan.repo.type, snapshot.card.text):
            on_event(Warned(f"README.md: {warning}"))


def _describe(plan: Plan) -> Planned:
    shown = [change.visibility for change in plan.changes if isinstance(change, CreateRepo | SetVisibility)]
    return Planned(
        repo_id=plan.repo.id,
        repo_type=plan.repo.type,
        creates=plan.creates,
        visibility=shown[-1] if shown else None,
        files_added=sum(not put.replaces for put in plan.puts),
        files_updated=sum(put.replaces for put in plan.puts),
        files_deleted=len(plan.deletions),
        files_unchanged=plan.unchanged_files,
        bytes_to_send=plan.bytes_to_send,
        digest=digest_plan(plan),
        settings_changed=sum(not isinstance(change, SetVisibility) for change in plan.settings),
    )


def _conclude(run: _Run, plan: Plan, applied: Applied, started_seconds: float, *, created: bool) -> Outcome:
    info = applied.info
    outcome = Outcome(
        repo_id=info.repo.id,
        repo_type=info.repo.type,
        repo_url=info.url,
        commit=applied.commit,
        space_url=info.app_url,
        plan_digest=digest_plan(plan),
        changed=applied.changed,
        created=created,
        files_added=sum(not put.replaces for put in plan.puts),
        files_updated=sum(put.replaces for put in plan.puts),
        files_deleted=len(plan.deletions),
        files_unchanged=plan.unchanged_files,
        elapsed_seconds=run.clock.seconds() - started_seconds,
    )
    run.on_event(Finished(outcome))
    return outcome

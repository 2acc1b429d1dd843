"""The façade: validate, read, plan, apply."""

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from os import PathLike, fspath
from pathlib import Path
from types import MappingProxyType
from typing import Unpack

from hfdeploy_core.applying.apply import Applied, apply_plan
from hfdeploy_core.clock import Clock, SystemClock
from hfdeploy_core.errors import SourceMissing
from hfdeploy_core.events import Finished, OnEvent, Planned, Scanned, Warned
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.model import (
    Account,
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
from hfdeploy_core.planning.deploy import plan_deploy
from hfdeploy_core.planning.digest import digest_content, digest_plan
from hfdeploy_core.planning.files import find_changed, find_unnamed
from hfdeploy_core.planning.freshness import (
    check_complete,
    check_head,
    check_held,
    list_asked,
    renew_entries,
)
from hfdeploy_core.planning.guards import find_doubts
from hfdeploy_core.planning.trailers import COMMIT, CONTENT, is_exact, read_trailers, recall_files, suffices
from hfdeploy_core.source.cache import STATE_FOLDER
from hfdeploy_core.source.card import read_texts
from hfdeploy_core.source.digest import complete
from hfdeploy_core.source.git import find_provenance, read_tree
from hfdeploy_core.source.ignore import is_deployed
from hfdeploy_core.source.scan import scan


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
    with _enter(hub, on_event) as connected:
        return _prepare(target, place, snapshot, state, connected, on_event).plan


def apply(
    plan: Plan,
    *,
    secrets: Mapping[str, str] = MappingProxyType({}),
    state: str | PathLike[str] | None = None,
    on_event: OnEvent = lambda event: None,
    hub: Hub | None = None,
    clock: Clock | None = None,
) -> Outcome:
    """Carry out exactly this plan, or nothing: PlanStale where source or repo have changed since.

    `secrets` has the values of the secrets that the plan names. For the rest, see `deploy`.
    """
    clock = clock or SystemClock()
    started_seconds = clock.seconds()
    check_secrets(secrets)
    check_complete(plan, secrets)
    snapshot = _read_source(plan.source, state, on_event)
    plan = renew_entries(plan, snapshot)
    with _enter(hub, on_event) as connected:
        info = connected.find_repo(plan.repo)
        check_head(plan, info)
        if info is None:
            _check_creation(connected, plan.repo)
        else:
            check_held(plan, _read_settings(connected, Remote(info, ()), *list_asked(plan)))
        on_event(_describe(plan))
        applied = _carry_out(_Prepared(plan, snapshot, info), secrets, connected, clock, on_event)
    return _conclude(plan, applied, clock.seconds() - started_seconds, on_event)


def deploy(
    source: str | PathLike[str],
    repo: str,
    *,
    state: str | PathLike[str] | None = None,
    on_event: OnEvent = lambda event: None,
    hub: Hub | None = None,
    clock: Clock | None = None,
    **options: Unpack[Options],
) -> Outcome:
    """Make the repo hold the files of the folder `source`, in one commit or none.

    `repo` is `NAMESPACE/NAME`, or `NAME` for the token's own namespace; it is created if it is missing. For
    what else can be asked for, see `options.Options`. `state` is the folder that remembers the hashes of
    files, by default `.hfdeploy` in the source. `hub` is by default the one that HF_ENDPOINT and HF_TOKEN
    name to the `hf` command.

    Nothing is written before everything is validated. Raises a DeployError; see `hfdeploy_core.errors`.
    """
    clock = clock or SystemClock()
    started_seconds = clock.seconds()
    target, place = read_target(repo, options), _locate(source)
    snapshot = _read_source(place, state, on_event)
    with _enter(hub, on_event) as connected:
        prepared = _prepare(target, place, snapshot, state, connected, on_event)
        applied = _carry_out(prepared, options.get("secrets", {}), connected, clock, on_event)
    return _conclude(prepared.plan, applied, clock.seconds() - started_seconds, on_event)


def connect(
    *, endpoint: str | None = None, token: str | None = None, on_event: OnEvent = lambda event: None
) -> AbstractContextManager[Hub]:
    """The Hub, to be entered with `with`: by default the one that HF_ENDPOINT and HF_TOKEN name to `hf`.

    Waits and warnings go to `on_event`.
    """
    # Imported here: huggingface_hub takes most of a second.
    from hfdeploy_core.hub.client import HubClient

    return HubClient(endpoint=endpoint, token=token, on_event=on_event)


def _enter(hub: Hub | None, on_event: OnEvent) -> AbstractContextManager[Hub]:
    return connect(on_event=on_event) if hub is None else nullcontext(hub)


def _locate(source: str | PathLike[str]) -> Source:
    if not fspath(source):
        # Path("") is the working directory, which nobody means by an unset variable.
        raise SourceMissing("The source is empty text.")
    return Source(fspath(source))


def _read_source(source: Source, state: str | PathLike[str] | None, on_event: OnEvent) -> Snapshot:
    snapshot = scan(Path(source.path), _find_state(source, state))
    for skipped in snapshot.skipped:
        on_event(Warned(f"{skipped.path} is not deployed: {skipped.reason}."))
    on_event(Scanned(source.path, len(snapshot.entries), snapshot.size_bytes))
    return snapshot


def _find_state(source: Source, state: str | PathLike[str] | None) -> Path:
    return Path(state) if state is not None else Path(source.path) / STATE_FOLDER


def _prepare(
    asked: Target,
    source: Source,
    snapshot: Snapshot,
    state: str | PathLike[str] | None,
    hub: Hub,
    on_event: OnEvent,
) -> _Prepared:
    """Read the remote, plan, and check what can be checked without writing; tells the plan."""
    # Whose token it is matters only where something is left open; the answer is one request away.
    target = asked if asked.repo.namespace else _place(asked, hub.whoami())
    remote = _read_remote(hub, target, snapshot)
    if remote is None:
        _check_creation(hub, target.repo)
    else:
        unnamed = find_unnamed(snapshot.entries, remote.files)
        entries = complete(snapshot.root, snapshot.entries, unnamed, _find_state(source, state))
        snapshot = replace(snapshot, entries=entries)
        is_named = bool(target.variables or target.secrets)
        remote = _read_settings(hub, remote, is_named, is_named)
    snapshot = read_texts(snapshot, find_changed(snapshot.entries, remote.files if remote else ()))
    is_moved = target.hardware not in (None, remote.info.hardware if remote else None)
    hardware = hub.list_hardware() if is_moved else ()
    plan = replace(plan_deploy(target, snapshot, remote, hardware=hardware), source=source)
    _check_card(hub, plan, snapshot, on_event)
    for doubt in find_doubts(plan):
        on_event(Warned(doubt))
    on_event(_describe(plan))
    return _Prepared(plan, snapshot, remote.info if remote else None)


def _carry_out(
    prepared: _Prepared, secrets: Mapping[str, str], hub: Hub, clock: Clock, on_event: OnEvent
) -> Applied:
    plan, snapshot = prepared.plan, prepared.snapshot
    provenance = Provenance()
    if plan.changes:
        # git answers while the Hub does.
        with ThreadPoolExecutor(1) as pool:
            found = pool.submit(find_provenance, snapshot.root, os.environ)
            if prepared.info is not None:
                hub.check_write(plan.repo)
            provenance = found.result()
    return apply_plan(
        plan,
        snapshot,
        hub,
        info=prepared.info,
        provenance=provenance,
        secrets=secrets,
        clock=clock,
        on_event=on_event,
    )


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


def _conclude(plan: Plan, applied: Applied, elapsed_seconds: float, on_event: OnEvent) -> Outcome:
    info = applied.info
    outcome = Outcome(
        repo_id=info.repo.id,
        repo_type=info.repo.type,
        repo_url=info.url,
        commit=applied.commit,
        space_url=info.app_url,
        changed=applied.changed,
        created=plan.creates,
        files_added=sum(not put.replaces for put in plan.puts),
        files_updated=sum(put.replaces for put in plan.puts),
        files_deleted=len(plan.deletions),
        files_unchanged=plan.unchanged_files,
        elapsed_seconds=elapsed_seconds,
    )
    on_event(Finished(outcome))
    return outcome

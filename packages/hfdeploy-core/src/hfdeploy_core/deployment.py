"""The façade: validate, read, plan, apply."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from types import MappingProxyType
from typing import Unpack

from hfdeploy_core.applying.apply import Applied
from hfdeploy_core.clock import Clock, SystemClock
from hfdeploy_core.deploying.execution import carry_out, carry_out_or_plan_again
from hfdeploy_core.deploying.preparation import check_creation, describe, find_settled_changes, prepare
from hfdeploy_core.deploying.proof import Made, see_live
from hfdeploy_core.deploying.relay import expose, prepare_relay, recall_relay
from hfdeploy_core.deploying.run import Prepared, Run
from hfdeploy_core.errors import gather
from hfdeploy_core.events import Finished, OnEvent, Scanned, Warned, take_turns
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.model import Outcome, Plan, Snapshot, Source
from hfdeploy_core.options import Options, Relay, check_secrets, read_source, read_target
from hfdeploy_core.planning.deletions import check_deletions
from hfdeploy_core.planning.digest import digest_plan
from hfdeploy_core.planning.freshness import check_complete, renew_entries
from hfdeploy_core.planning.gate import Gate, check_gate
from hfdeploy_core.planning.history import Restoring
from hfdeploy_core.planning.parts import check_parts
from hfdeploy_core.source.cache import STATE_FOLDER
from hfdeploy_core.source.opening import OpenSource, open_source

_NAMED_PATHS = 3


def plan(
    source: str | PathLike[str],
    repo: str,
    *,
    relay: Relay | None = None,
    state: str | PathLike[str] | None = None,
    on_event: OnEvent = lambda event: None,
    hub: Hub | None = None,
    **options: Unpack[Options],
) -> Plan:
    """What `deploy` would change, as a value: nothing on the Hub is changed. See `deploy`, `apply`."""
    with look_ahead(source, repo, relay=relay, state=state, on_event=on_event, hub=hub, **options) as made:
        return made.plan


@contextmanager
def look_ahead(
    source: str | PathLike[str],
    repo: str,
    *,
    relay: Relay | None = None,
    state: str | PathLike[str] | None = None,
    on_event: OnEvent = lambda event: None,
    hub: Hub | None = None,
    **options: Unpack[Options],
) -> Iterator[Prepared]:
    """The `plan`, and where the contents are that it would send, as long as this is not left."""
    target, place = read_target(repo, options), read_source(fspath(source), options)
    secrets = options.get("secrets", {})
    with _open(place, state, on_event) as opened, enter(hub, on_event) as connected:
        run = Run(connected, opened, secrets, find_state(place, state), SystemClock(), on_event)
        target, relay = expose(connected, target, relay)
        prepared = prepare(run, target, opened.snapshot)
        with prepare_relay(run, relay, target, prepared) as beside:
            yield replace(prepared, plan=beside.join(prepared.plan)) if beside else prepared


def apply(
    plan: Plan,
    *,
    secrets: Mapping[str, str] = MappingProxyType({}),
    relay: Relay | None = None,
    gate: Gate | None = None,
    state: str | PathLike[str] | None = None,
    on_event: OnEvent = lambda event: None,
    hub: Hub | None = None,
    clock: Clock | None = None,
) -> Outcome:
    """Carry out exactly this plan, or nothing: PlanStale where source or repo have changed since.

    A plan that was killed is gone on with, and one that was applied already changes nothing. `secrets` has
    the values of the secrets that the plan names, `relay` makes the relay that it plans. With a `gate`,
    return once the commit is live. For the rest, see `deploy`.
    """
    check_gate(gate, plan.repo.type)
    clock = clock or SystemClock()
    started_seconds = clock.seconds()
    check_secrets(secrets)
    check_complete(plan, secrets)
    check_parts(plan)
    check_deletions(plan)
    nothing = OpenSource(plan.source, Snapshot(Path(), ()))
    reading = _open(plan.source, state, on_event) if plan.restores is None else nullcontext(nothing)
    with reading as opened, enter(hub, on_event) as connected:
        if plan.restores is None:
            sent = {put.entry.path for put in plan.puts}
            plan = renew_entries(plan, opened.bring(opened.snapshot, sent))
        if opened.faults:
            raise gather(opened.faults)
        run = Run(connected, opened, secrets, find_state(plan.source, state), clock, on_event)
        info = connected.find_repo(plan.repo)
        own = replace(plan, relay=None)
        settled = find_settled_changes(run, own, info)
        if info is None:
            check_creation(connected, plan.repo)
        on_event(describe(own))
        with recall_relay(run, relay, plan, info) as beside:
            if own.restores is not None and own.origin is None:
                run.journal.record(Restoring(own.repo, own.restores, own.base, is_done=False))
            applied = carry_out(run, Prepared(own, opened.snapshot, info), settled)
            behind = beside.carry_out() if beside else None
            made = Made(run, applied, own.base, own.changes)
            see_live(gate, made, beside, behind)
            if own.restores is not None and own.origin is None:
                run.journal.record(Restoring(own.repo, own.restores, own.base, is_done=True))
    return _conclude(run, plan, applied, behind, started_seconds, created=plan.creates)


def deploy(
    source: str | PathLike[str],
    repo: str,
    *,
    relay: Relay | None = None,
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
    commit and answers the gate's probes; the commit stays if it does not, unless the gate rolls back. With a
    `relay` a public Space is put in front of a private one, which lets callers in. `state` is the folder for
    the journal and the hashes of files, by default `.hfdeploy` in the source. `hub` is by default the one
    that HF_ENDPOINT and HF_TOKEN name to the `hf` command.

    Nothing is written before everything is validated. Where somebody else commits meanwhile, it is planned
    again, unless both change the same files. Raises a DeployError; see `hfdeploy_core.errors`.
    """
    clock = clock or SystemClock()
    started_seconds = clock.seconds()
    target, place = read_target(repo, options), read_source(fspath(source), options)
    check_gate(gate, target.repo.type)
    secrets = options.get("secrets", {})
    with _open(place, state, on_event) as opened, enter(hub, on_event) as connected:
        run = Run(connected, opened, secrets, find_state(place, state), clock, on_event)
        target, relay = expose(connected, target, relay)
        first = prepare(run, target, opened.snapshot)
        with prepare_relay(run, relay, target, first) as beside:
            prepared, applied = carry_out_or_plan_again(run, target, first)
            behind = beside.carry_out() if beside else None
            changes = (*first.plan.changes, *prepared.plan.changes)
            made = Made(run, applied, None if first.plan.creates else prepared.plan.base, changes)
            see_live(gate, made, beside, behind)
            whole = beside.join(prepared.plan) if beside else prepared.plan
    return _conclude(run, whole, applied, behind, started_seconds, created=first.plan.creates)


def connect(
    *,
    endpoint: str | None = None,
    token: str | None = None,
    resource: str | None = None,
    on_event: OnEvent = lambda event: None,
) -> AbstractContextManager[Hub]:
    """The Hub, to be entered with `with`: by default the one that HF_ENDPOINT and HF_TOKEN name to `hf`.

    With a `resource`, such as `spaces/alice/app`, this CI job's identity is exchanged for a token of that one
    repo (OIDC), as HF_OIDC_RESOURCE asks for too; a `token` that is passed wins. Waits and warnings go to
    `on_event`.
    """
    # Imported here: huggingface_hub takes most of a second.
    from hfdeploy_core.hub.client import HubClient

    return HubClient(endpoint=endpoint, token=token, resource=resource, on_event=take_turns(on_event))


def enter(hub: Hub | None, on_event: OnEvent) -> AbstractContextManager[Hub]:
    """The hub that was passed, or the one that the environment names."""
    return connect(on_event=on_event) if hub is None else nullcontext(hub)


@contextmanager
def _open(source: Source, state: str | PathLike[str] | None, on_event: OnEvent) -> Iterator[OpenSource]:
    """The source, and aloud what of it is left out."""
    with open_source(source, find_state(source, state)) as opened:
        snapshot = opened.snapshot
        for skipped in snapshot.skipped:
            on_event(Warned(f"{skipped.path} is not deployed: {skipped.reason}."))
        files, ignored = len(snapshot.entries), snapshot.ignored
        on_event(Scanned(source.path, files, snapshot.size_bytes, len(ignored), ignored[:_NAMED_PATHS]))
        yield opened


def find_state(source: Source, state: str | PathLike[str] | None) -> Path:
    """The folder for the journal and the hashes of files; that of an archive lies beside it."""
    place = Path(source.path)
    if state is not None:
        return Path(state)
    return (place.parent if place.is_file() else place) / STATE_FOLDER


def _conclude(
    run: Run,
    plan: Plan,
    applied: Applied,
    relayed: Applied | None,
    started_seconds: float,
    *,
    created: bool,
) -> Outcome:
    info = applied.info
    outcome = Outcome(
        repo_id=info.repo.id,
        repo_type=info.repo.type,
        repo_url=info.url,
        commit=applied.commit,
        space_url=info.app_url,
        plan_digest=digest_plan(plan),
        proxy_enabled=relayed is not None,
        proxy_repo_id=relayed.info.repo.id if relayed else "",
        proxy_url=(relayed.info.app_url or "") if relayed else "",
        changed=applied.changed or (relayed is not None and relayed.changed),
        created=created,
        files_added=sum(not put.replaces for put in plan.puts),
        files_updated=sum(put.replaces for put in plan.puts),
        files_deleted=len(plan.deletions),
        files_unchanged=plan.unchanged_files,
        elapsed_seconds=run.clock.seconds() - started_seconds,
    )
    run.on_event(Finished(outcome))
    return outcome

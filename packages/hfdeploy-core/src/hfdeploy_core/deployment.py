"""The façade: validate, read, plan, apply."""

import os
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from itertools import count
from os import PathLike, fspath
from pathlib import Path
from types import MappingProxyType
from typing import Unpack

from hfdeploy_core.applying.apply import Applied, apply_plan
from hfdeploy_core.applying.gate import pass_gate
from hfdeploy_core.applying.journal import Journal
from hfdeploy_core.applying.recall import read_rollback
from hfdeploy_core.clock import Clock, SystemClock
from hfdeploy_core.errors import (
    Conflict,
    DeployError,
    GateError,
    NotRunning,
    RepoNameInvalid,
    RepoNotFound,
    RequestError,
    SettingInvalid,
    Superseded,
    TokenRejected,
    gather,
)
from hfdeploy_core.events import Finished, OnEvent, Planned, RolledBack, Scanned, Warned, take_turns
from hfdeploy_core.globs import Globs
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.model import (
    Account,
    Change,
    CommitFiles,
    CommitInfo,
    CreateRepo,
    Marker,
    Outcome,
    Plan,
    Provenance,
    RelayPlan,
    Remote,
    RepoInfo,
    RepoRef,
    RepoType,
    SetVisibility,
    Snapshot,
    Source,
    Target,
    Visibility,
)
from hfdeploy_core.options import Options, Relay, check_secrets, read_source, read_target
from hfdeploy_core.planning.access import check_may_create, check_token_may_write
from hfdeploy_core.planning.card import find_card_faults
from hfdeploy_core.planning.deletions import check_deletions
from hfdeploy_core.planning.deploy import list_first, plan_deploy
from hfdeploy_core.planning.digest import digest_content, digest_plan
from hfdeploy_core.planning.exposure import may_protect
from hfdeploy_core.planning.files import find_changed, find_foreign, find_unnamed
from hfdeploy_core.planning.freshness import check_complete, find_settled, list_asked, renew_entries
from hfdeploy_core.planning.gate import Gate, check_gate
from hfdeploy_core.planning.guards import find_doubts, find_dropped
from hfdeploy_core.planning.history import Restoring, Verdict
from hfdeploy_core.planning.names import parse_repo_id
from hfdeploy_core.planning.parts import check_parts
from hfdeploy_core.planning.relay import (
    TOKEN,
    check_marked,
    check_relay_token,
    check_relayed,
    find_marked,
    name_relay,
    plan_relay,
    recommend_token,
)
from hfdeploy_core.planning.rollback import decide_earlier, undo_settings
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
from hfdeploy_core.source.given import lay_out
from hfdeploy_core.source.ignore import GITIGNORE, Rules, find_collisions
from hfdeploy_core.source.opening import OpenSource, open_source
from hfdeploy_core.source.scan import scan
from hfdeploy_core.source.search import search

_MOST_PLANS = 3
_NAMED_PATHS = 3


@dataclass(frozen=True, slots=True)
class _Run:
    """What a deploy works with; `secrets` has their values by name."""

    hub: Hub
    source: OpenSource
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


@dataclass(frozen=True, slots=True)
class _Made:
    """What was made of a repo by `changes`, on top of the commit `base`; None where there was none."""

    run: _Run
    applied: Applied
    base: str | None
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class _Relaying:
    """The relay of a deploy. `target` is what it is planned from again, None where the plan was saved."""

    relay: Relay
    run: _Run
    prepared: _Prepared
    target: Target | None = None
    settled: frozenset[int] = frozenset()

    def carry_out(self) -> Applied:
        if self.target is None:
            return _carry_out(self.run, self.prepared, self.settled)
        return _carry_out_or_plan_again(self.run, self.target, self.prepared)[1]

    def join(self, plan: Plan) -> Plan:
        """The plan of the Space together with that of its relay."""
        terms = RelayPlan(self.prepared.plan, self.relay.token_name, self.relay.is_strict)
        return replace(plan, relay=terms)


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
    target, place = read_target(repo, options), read_source(fspath(source), options)
    secrets = options.get("secrets", {})
    with _open(place, state, on_event) as opened, enter(hub, on_event) as connected:
        run = _Run(connected, opened, secrets, find_state(place, state), SystemClock(), on_event)
        target, relay = _expose(connected, target, relay)
        prepared = _prepare(run, target, opened.snapshot)
        with _prepare_relay(run, relay, target, prepared) as beside:
            return beside.join(prepared.plan) if beside else prepared.plan


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
            plan = renew_entries(plan, opened.snapshot)
        if opened.faults:
            raise gather(opened.faults)
        run = _Run(connected, opened, secrets, find_state(plan.source, state), clock, on_event)
        info = connected.find_repo(plan.repo)
        own = replace(plan, relay=None)
        settled = _find_settled(run, own, info)
        if info is None:
            _check_creation(connected, plan.repo)
        on_event(_describe(own))
        with _recall_relay(run, relay, plan, info) as beside:
            if own.restores is not None and own.origin is None:
                run.journal.record(Restoring(own.repo, own.restores, own.base, is_done=False))
            applied = _carry_out(run, _Prepared(own, opened.snapshot, info), settled)
            behind = beside.carry_out() if beside else None
            made = _Made(run, applied, own.base, own.changes)
            _see_live(gate, made, beside, behind)
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
        run = _Run(connected, opened, secrets, find_state(place, state), clock, on_event)
        target, relay = _expose(connected, target, relay)
        first = _prepare(run, target, opened.snapshot)
        with _prepare_relay(run, relay, target, first) as beside:
            prepared, applied = _carry_out_or_plan_again(run, target, first)
            behind = beside.carry_out() if beside else None
            changes = (*first.plan.changes, *prepared.plan.changes)
            made = _Made(run, applied, None if first.plan.creates else prepared.plan.base, changes)
            _see_live(gate, made, beside, behind)
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


def find_existing(hub: Hub, asked: RepoRef) -> RepoInfo:
    """A repo that has to be there; without a namespace it is the token's own. Raises RepoNotFound."""
    repo = asked if asked.namespace else replace(asked, namespace=hub.whoami().name)
    info = hub.find_repo(repo)
    if info is None:
        raise RepoNotFound(f"There is no {repo} that this token can see.")
    return info


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
    """The folder for the journal and the hashes of files."""
    return Path(state) if state is not None else Path(source.path) / STATE_FOLDER


def _prepare(run: _Run, asked: Target, snapshot: Snapshot) -> _Prepared:
    """Read the remote, plan, and check what can be checked without writing; tells the plan."""
    hub = run.hub
    # Whose token it is matters only where something is left open; the answer is one request away.
    target = asked if asked.repo.namespace else _place(asked, hub.whoami())
    remote = _read_remote(hub, target, snapshot, run.source.rules)
    known: Container[str] = frozenset()
    if remote is None:
        _check_creation(hub, target.repo)
    else:
        unnamed = find_unnamed(snapshot.entries, remote.files)
        entries = complete(snapshot.root, snapshot.entries, unnamed, run.state)
        snapshot = replace(snapshot, entries=entries)
        is_named = target.names_environment or target.marker is not None
        remote = _read_settings(hub, remote, is_named, is_named)
        if target.marker is not None:
            check_ours(hub, target.marker, remote)
        if remote.secrets:
            known = run.journal.find_known(remote.info.repo, run.secrets, remote.secrets)
    changed = find_changed(snapshot.entries, remote.files if remote else ())
    sent = [entry for entry in snapshot.entries if entry.path in changed]
    allowed = Globs(run.source.asked.allow_secrets)
    faults = [*run.source.faults, *search(snapshot.root, sent, allowed)]
    is_moved = target.hardware not in (None, remote.info.hardware if remote else None)
    hardware = hub.list_hardware() if is_moved else ()
    try:
        snapshot = read_texts(snapshot, changed)
        if snapshot.card is not None:
            paths = {entry.path for entry in snapshot.entries}
            faults += find_card_faults(snapshot.card, target.repo.type, paths)
        made = plan_deploy(target, snapshot, remote, hardware=hardware, known_secrets=known)
        plan = replace(made, source=run.source.asked)
        faults += _find_unwelcome(hub, plan, snapshot, remote)
        if not faults:
            _check_card(hub, plan, snapshot, run.on_event)
    except RequestError as fault:
        faults.append(fault)
    if faults:
        raise gather(faults)
    for doubt in find_doubts(plan):
        run.on_event(Warned(doubt))
    run.on_event(_describe(plan))
    return _Prepared(plan, snapshot, remote.info if remote else None)


def _expose(hub: Hub, target: Target, relay: Relay | None) -> tuple[Target, Relay | None]:
    """How callers get to an app where that is left to us: a spare relay is for plans without another way."""
    if relay is None or not relay.is_spare:
        return target, relay
    account = hub.whoami()
    placed = target if target.repo.namespace else _place(target, account)
    if may_protect(account, placed.repo):
        return replace(placed, visibility=Visibility.PROTECTED), None
    return replace(placed, visibility=Visibility.PRIVATE), relay


@contextmanager
def _prepare_relay(
    run: _Run, relay: Relay | None, asked: Target, prepared: _Prepared
) -> Iterator[_Relaying | None]:
    """The relay in front of what is prepared, planned as far as it can be before that is there."""
    if relay is None:
        yield None
        return
    upstream = prepared.plan.repo
    check_relayed(replace(asked, repo=upstream), prepared.info)
    repo = name_relay(replace(asked.repo, namespace=asked.repo.namespace or upstream.namespace), relay.suffix)
    token = _find_relay_token(run, relay, upstream, is_there=prepared.info is not None)
    content = relay.make(upstream.id)
    target = plan_relay(
        repo,
        upstream,
        relay.target_url or (prepared.info.app_url if prepared.info else None),
        variables=content.variables,
        marker=Marker(relay.marker_name, upstream.id, relay.marker_file),
        title=asked.title,
    )
    with lay_out(content.files) as root:
        snapshot = scan(root, root / STATE_FOLDER)
        beside = replace(run, source=OpenSource(Source(""), snapshot), secrets={TOKEN: token})
        yield _Relaying(relay, beside, _prepare(beside, target, snapshot), target)


@contextmanager
def _recall_relay(
    run: _Run, relay: Relay | None, plan: Plan, info: RepoInfo | None
) -> Iterator[_Relaying | None]:
    """The relay of a saved plan, whose files have to be what they were."""
    if plan.relay is None:
        yield None
        return
    if relay is None:
        raise SettingInvalid(
            f"The plan makes the relay {plan.relay.plan.repo}, and nothing is given to make it."
        )
    relay = replace(relay, is_strict=plan.relay.is_strict)
    made = plan.relay.plan
    secrets = {TOKEN: _find_relay_token(run, relay, plan.repo, is_there=info is not None)}
    with lay_out(relay.make(plan.repo.id).files) as root:
        snapshot = scan(root, root / STATE_FOLDER)
        beside = replace(run, source=OpenSource(Source(""), snapshot), secrets=secrets)
        made = renew_entries(made, snapshot)
        there = run.hub.find_repo(made.repo)
        settled = _find_settled(beside, made, there)
        if there is None:
            _check_creation(run.hub, made.repo)
        run.on_event(_describe(made))
        yield _Relaying(relay, beside, _Prepared(made, snapshot, there), settled=settled)


def _find_relay_token(run: _Run, relay: Relay, upstream: RepoRef, *, is_there: bool) -> str:
    """What the relay opens the Space with: a token of its own, known to the Hub and good enough, or ours."""
    if relay.token is None:
        if relay.is_strict:
            check_relay_token(run.hub.whoami(), upstream, named="The token that deploys", is_strict=True)
        run.on_event(Warned(recommend_token(upstream)))
        return run.hub.lend_token()
    check_secrets({relay.token_name: relay.token})
    named = f"The token in {relay.token_name}"
    try:
        with run.hub.speak_as(relay.token) as other:
            check_relay_token(other.whoami(), upstream, named=named, is_strict=relay.is_strict)
            if is_there and other.find_repo(upstream) is None:
                raise SettingInvalid(f"{named} may not read {upstream}.", "Let it read that Space.")
    except TokenRejected:
        raise SettingInvalid(f"{named} is none that the Hub knows.", "Make a new one.") from None
    return relay.token


def check_ours(hub: Hub, marker: Marker, remote: Remote) -> None:
    """Raise NameTaken where the Space that is there is not ours."""
    told = find_marked(marker.name, remote.variables)
    is_fresh, owner = False, None
    if told is not None and all(file.path != marker.file for file in remote.files):
        is_fresh = len(hub.recent_commits(remote.info.repo)) == 1
    if told not in (None, marker.value):
        owner = _find_renamed(hub, told)
    check_marked(marker, remote, is_fresh=is_fresh, owner=owner)


def _find_renamed(hub: Hub, repo_id: str) -> RepoRef | None:
    """What a Space is called now that was once called so."""
    try:
        namespace, name = parse_repo_id(repo_id)
    except RepoNameInvalid:
        return None
    info = hub.find_repo(RepoRef(RepoType.SPACE, namespace, name)) if namespace else None
    return info.repo if info else None


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
    told = read_trailers(hub.recent_commits(plan.origin or plan.repo, plan.restores)[0].message)
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


def _see_live(gate: Gate | None, made: _Made, beside: _Relaying | None, relayed: Applied | None) -> None:
    """The Space has to be live, and then its relay, which has to answer the same."""
    if gate is None:
        return
    parts = [(gate, made)]
    if beside and relayed:
        plan = beside.prepared.plan
        asked = replace(gate, probes=(*beside.relay.probes, *gate.probes))
        parts.append((asked, _Made(beside.run, relayed, plan.base, plan.changes)))
    try:
        for asked, part in parts:
            _pass(part.run, asked, part.applied)
    except GateError as error:
        # What somebody else did, or will have to do, is not undone by going back.
        if not gate.rolls_back or isinstance(error, Superseded | NotRunning):
            raise
        raise _go_back(parts, error) from error


def _go_back(parts: Sequence[tuple[Gate, _Made]], error: GateError) -> GateError:
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


def _roll_back(gate: Gate, made: _Made) -> str:
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
    for name in recalled.lost:
        run.on_event(Warned(f"The {name} of {repo.id} cannot be set back: it stays as it is."))
    run.on_event(_describe(plan))
    run.journal.record(Restoring(repo, earlier.id, plan.base, is_done=False))
    applied = _carry_out(run, _Prepared(plan, Snapshot(Path(), ()), info))
    _pass(run, gate, applied)
    run.journal.record(Restoring(repo, earlier.id, plan.base, is_done=True))
    run.on_event(RolledBack(repo.id, applied.commit, earlier.id))
    return f"{repo.id} holds again what it held at {earlier.id[:7]}, and that is live."


def _find_settled(run: _Run, plan: Plan, info: RepoInfo | None) -> frozenset[int]:
    """What of a saved plan was made already; see `find_settled`."""
    remote = None if info is None else _read_settings(run.hub, Remote(info, ()), *list_asked(plan))
    is_moved = info is not None and info.head != plan.base
    commits = run.hub.recent_commits(plan.repo) if is_moved else ()
    return find_settled(plan, remote, commits, run.journal.read())


def _place(target: Target, account: Account) -> Target:
    return replace(target, repo=replace(target.repo, namespace=account.name))


def _read_remote(hub: Hub, target: Target, snapshot: Snapshot, rules: Rules) -> Remote | None:
    """What is there: what the head's trailers say was deployed if that is enough, else what the Hub lists."""
    head = hub.find_head(target.repo)
    if head is None:
        return None
    if head.commit is not None:
        deployed = _read_deployed(snapshot, head.commit)
        earlier = {path: blob for path, blob in deployed if rules.decide(path) is None}
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


def _find_unwelcome(hub: Hub, plan: Plan, snapshot: Snapshot, remote: Remote | None) -> Iterator[DeployError]:
    """Files that the repo, as it is or will be, does not take."""
    new = [put.entry.path for put in plan.puts if not put.replaces]
    held = {file.path for file in remote.files} if remote else list_first(plan.repo.type)
    there = {*held - set(plan.deletions), *(entry.path for entry in snapshot.entries)}
    yield from find_collisions(new, there)
    if not plan.puts:
        return
    own = next((entry for entry in snapshot.entries if entry.path == GITIGNORE), None)
    if own is not None:
        text = own.locate(snapshot.root).read_text(encoding="utf-8", errors="replace")
    else:
        text = _read_gitignore(hub, remote)
    yield from find_dropped((put.entry.path for put in plan.puts), text, is_deployed=own is not None)


def _read_gitignore(hub: Hub, remote: Remote | None) -> str:
    """The repo's own. One that is not known was there already when all these paths were taken."""
    if remote is None or all(file.path != GITIGNORE for file in remote.files):
        return ""
    return hub.read_file(remote.info.repo, remote.info.head, GITIGNORE).decode(errors="replace")


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


def _conclude(
    run: _Run,
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

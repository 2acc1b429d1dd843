"""What comes before the first write: the remote is read, all of it planned, and what can be refused is."""

from collections.abc import Collection, Container, Iterable, Iterator
from dataclasses import replace

from hfdeploy_core.deploying.run import Prepared, Run
from hfdeploy_core.errors import DeployError, RepoNameInvalid, RepoNotFound, RequestError, gather
from hfdeploy_core.events import OnEvent, Planned, Warned
from hfdeploy_core.globs import Globs
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.model import (
    Account,
    CommitInfo,
    CreateRepo,
    Marker,
    Plan,
    Remote,
    RepoInfo,
    RepoRef,
    RepoType,
    SetVisibility,
    Snapshot,
    Target,
)
from hfdeploy_core.planning.access import check_may_create, check_token_may_write
from hfdeploy_core.planning.card import find_card_faults
from hfdeploy_core.planning.deploy import list_first, plan_deploy
from hfdeploy_core.planning.digest import digest_content, digest_plan
from hfdeploy_core.planning.files import find_changed, find_unnamed
from hfdeploy_core.planning.freshness import find_settled, list_asked
from hfdeploy_core.planning.guards import find_doubts, find_dropped
from hfdeploy_core.planning.names import parse_repo_id
from hfdeploy_core.planning.relay import check_marked, find_marked
from hfdeploy_core.planning.trailers import COMMIT, CONTENT, is_exact, read_trailers, recall_files, suffices
from hfdeploy_core.source.card import read_texts
from hfdeploy_core.source.digest import complete
from hfdeploy_core.source.git import read_tree
from hfdeploy_core.source.ignore import GITIGNORE, Rules, find_collisions
from hfdeploy_core.source.search import search


def prepare(run: Run, asked: Target, snapshot: Snapshot) -> Prepared:
    """Read the remote, plan, and check what can be checked without writing; tells the plan."""
    hub = run.hub
    # Whose token it is matters only where something is left open; the answer is one request away.
    target = asked if asked.repo.namespace else place(asked, hub.whoami())
    remote = _read_remote(hub, target, snapshot, run.source.rules)
    known: Container[str] = frozenset()
    if remote is None:
        check_creation(hub, target.repo)
    else:
        unnamed = find_unnamed(snapshot.entries, remote.files)
        snapshot = run.source.bring(snapshot, unnamed)
        entries = complete(snapshot.root, snapshot.entries, unnamed, run.state)
        snapshot = replace(snapshot, entries=entries)
        is_named = target.names_environment or target.marker is not None
        remote = _read_settings(hub, remote, is_named, is_named)
        if target.marker is not None:
            check_ours(hub, target.marker, remote)
        if remote.secrets:
            known = run.journal.find_known(remote.info.repo, run.secrets, remote.secrets)
    changed = find_changed(snapshot.entries, remote.files if remote else ())
    snapshot = run.source.bring(snapshot, {*changed, GITIGNORE} if changed else ())
    sent = [entry for entry in snapshot.entries if entry.path in changed]
    allowed = Globs(run.source.asked.allow_secrets)
    faults = [*run.source.faults, *search(snapshot.root, sent, allowed)]
    is_moved = target.hardware not in (None, remote.info.hardware if remote else None)
    hardware = hub.list_hardware() if is_moved else ()
    plan = None
    try:
        snapshot = read_texts(snapshot, changed)
        if snapshot.card is not None:
            paths = {entry.path for entry in snapshot.entries}
            faults += find_card_faults(snapshot.card, target.repo.type, paths)
        made = plan_deploy(target, snapshot, remote, hardware=hardware, known_secrets=known)
        plan = replace(made, source=run.source.asked)
    except RequestError as fault:
        faults.append(fault)
    faults += _find_unwelcome(run, target, snapshot, changed, remote, plan)
    if faults or plan is None:
        raise gather(faults)
    _check_card(hub, plan, snapshot, run.on_event)
    for doubt in find_doubts(plan):
        run.on_event(Warned(doubt))
    run.on_event(describe(plan))
    return Prepared(plan, snapshot, remote.info if remote else None)


def find_existing(hub: Hub, asked: RepoRef) -> RepoInfo:
    """A repo that has to be there; without a namespace it is the token's own. Raises RepoNotFound."""
    repo = asked if asked.namespace else replace(asked, namespace=hub.whoami().name)
    info = hub.find_repo(repo)
    if info is None:
        raise RepoNotFound(f"There is no {repo} that this token can see.")
    return info


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


def find_settled_changes(run: Run, plan: Plan, info: RepoInfo | None) -> frozenset[int]:
    """What of a saved plan was made already; see `find_settled`."""
    remote = None if info is None else _read_settings(run.hub, Remote(info, ()), *list_asked(plan))
    is_moved = info is not None and info.head != plan.base
    commits = run.hub.recent_commits(plan.repo) if is_moved else ()
    return find_settled(plan, remote, commits, run.journal.read())


def place(target: Target, account: Account) -> Target:
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


def check_creation(hub: Hub, repo: RepoRef) -> None:
    account = hub.whoami()
    check_token_may_write(account)
    check_may_create(account, repo)


def _find_unwelcome(
    run: Run,
    target: Target,
    snapshot: Snapshot,
    changed: Collection[str],
    remote: Remote | None,
    plan: Plan | None,
) -> Iterator[DeployError]:
    """Files that the repo, as it is or will be, does not take; told also where no plan can be made."""
    if not changed:
        return
    held = frozenset(file.path for file in remote.files) if remote else list_first(target.repo.type)
    deleted = plan.deletions if plan else held.difference(entry.path for entry in snapshot.entries)
    new = [path for path in sorted(changed) if path not in held]
    if new:
        yield from find_collisions(new, held.difference(deleted))
    own = next((entry for entry in snapshot.entries if entry.path == GITIGNORE), None)
    if own is not None:
        text = own.locate(snapshot.root).read_text(encoding="utf-8", errors="replace")
    else:
        text = _read_gitignore(run.hub, remote)
    yield from find_dropped(changed, text, is_deployed=own is not None)


def _read_gitignore(hub: Hub, remote: Remote | None) -> str:
    """The repo's own. One that is not known was there already when all these paths were taken."""
    if remote is None or all(file.path != GITIGNORE for file in remote.files):
        return ""
    return hub.read_file(remote.info.repo, remote.info.head, GITIGNORE).decode(errors="replace")


def _check_card(hub: Hub, plan: Plan, snapshot: Snapshot, on_event: OnEvent) -> None:
    if snapshot.card is not None and any(put.entry.path == "README.md" for put in plan.puts):
        for warning in hub.check_card(plan.repo.type, snapshot.card.text):
            on_event(Warned(f"README.md: {warning}"))


def describe(plan: Plan) -> Planned:
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

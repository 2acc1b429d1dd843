"""The façade: validate, read, plan, apply."""

import os
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from enum import StrEnum
from os import PathLike, fspath
from pathlib import Path
from typing import TypeVar

from hfdeploy_core.applying.apply import Applied, apply_plan
from hfdeploy_core.clock import Clock, SystemClock
from hfdeploy_core.errors import SettingInvalid, SourceMissing
from hfdeploy_core.events import Finished, OnEvent, Planned, Scanned, Warned
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.model import (
    Account,
    CommitFiles,
    CommitInfo,
    Outcome,
    Plan,
    Provenance,
    Remote,
    RepoRef,
    RepoType,
    Sdk,
    Snapshot,
    Target,
    Visibility,
)
from hfdeploy_core.planning.access import check_may_create, check_token_may_write
from hfdeploy_core.planning.deploy import plan_deploy
from hfdeploy_core.planning.digest import digest_content, digest_plan
from hfdeploy_core.planning.files import find_changed, find_unnamed
from hfdeploy_core.planning.guards import find_doubts
from hfdeploy_core.planning.names import parse_repo_id
from hfdeploy_core.planning.settings import check_settings
from hfdeploy_core.planning.trailers import COMMIT, CONTENT, is_exact, read_trailers, recall_files, suffices
from hfdeploy_core.redact import redact
from hfdeploy_core.source.cache import STATE_FOLDER
from hfdeploy_core.source.card import read_texts
from hfdeploy_core.source.digest import complete
from hfdeploy_core.source.git import find_provenance, read_tree
from hfdeploy_core.source.ignore import is_deployed
from hfdeploy_core.source.scan import scan

DEFAULT_TITLE = "Deploy with hfdeploy"

Choice = TypeVar("Choice", bound=StrEnum)


def deploy(
    source: str | PathLike[str],
    repo: str,
    *,
    repo_type: RepoType | str = RepoType.SPACE,
    sdk: Sdk | str | None = None,
    visibility: Visibility | str | None = None,
    message: str | None = None,
    mirror: bool = False,
    state: str | PathLike[str] | None = None,
    on_event: OnEvent = lambda event: None,
    hub: Hub | None = None,
    clock: Clock | None = None,
) -> Outcome:
    """Make the repo hold the files of the folder `source`, in one commit or none.

    `repo` is `NAMESPACE/NAME`, or `NAME` for the token's own namespace; it is created if it is missing. What
    is not asked for stays as it is: `visibility` of an existing repo, and without `mirror` every file that
    the source lacks. `message` is the commit's title and, after its first line, its description. `state` is
    the folder that remembers the hashes of files, by default `.hfdeploy` in the source. `hub` is by default
    the one that HF_ENDPOINT and HF_TOKEN name to the `hf` command.

    Nothing is written before everything is validated. Raises a DeployError; see `hfdeploy_core.errors`.
    """
    clock = clock or SystemClock()
    started_seconds = clock.seconds()
    namespace, name = parse_repo_id(repo)
    title, description = _read_message(message)
    asked = Target(
        RepoRef(_choose(RepoType, repo_type, "type"), namespace or "", name),
        title,
        description,
        None if sdk is None else _choose(Sdk, sdk, "sdk"),
        None if visibility is None else _choose(Visibility, visibility, "visibility"),
        mirror,
    )
    check_settings(asked)
    if not fspath(source):
        # Path("") is the working directory, which nobody means by an unset variable.
        raise SourceMissing("The source is empty text.")
    folder = Path(source)
    state_folder = Path(state) if state is not None else folder / STATE_FOLDER
    snapshot = scan(folder, state_folder)
    _tell_scanned(snapshot, source, on_event)
    connection: AbstractContextManager[Hub] = connect(on_event=on_event) if hub is None else nullcontext(hub)
    with connection as connected:
        # Whose token it is matters only where something is left open; the answer is one request away.
        target = asked if namespace else _place(asked, connected.whoami())
        remote = _read_remote(connected, target, snapshot)
        if remote is None:
            _check_creation(connected, target.repo)
        else:
            unnamed = find_unnamed(snapshot.entries, remote.files)
            entries = complete(snapshot.root, snapshot.entries, unnamed, state_folder)
            snapshot = replace(snapshot, entries=entries)
        snapshot = read_texts(snapshot, find_changed(snapshot.entries, remote.files if remote else ()))
        plan = plan_deploy(target, snapshot, remote)
        if plan.changes and remote is not None:
            connected.check_write(plan.repo)
        _check_card(connected, plan, snapshot, on_event)
        for doubt in find_doubts(plan):
            on_event(Warned(doubt))
        on_event(_describe(plan))
        applied = apply_plan(
            plan,
            snapshot,
            connected,
            info=remote.info if remote else None,
            provenance=find_provenance(snapshot.root, os.environ) if plan.changes else Provenance(),
            clock=clock,
            on_event=on_event,
        )
    outcome = _conclude(plan, applied, clock.seconds() - started_seconds)
    on_event(Finished(outcome))
    return outcome


def connect(
    *, endpoint: str | None = None, token: str | None = None, on_event: OnEvent = lambda event: None
) -> AbstractContextManager[Hub]:
    """The Hub, to be entered with `with`: by default the one that HF_ENDPOINT and HF_TOKEN name to `hf`.

    Waits and warnings go to `on_event`.
    """
    # Imported here: huggingface_hub takes most of a second.
    from hfdeploy_core.hub.client import HubClient

    return HubClient(endpoint=endpoint, token=token, on_event=on_event)


def _read_message(message: str | None) -> tuple[str, str]:
    """Title and description of the commit. A token in it would be there for every reader to see: masked."""
    if message is None:
        return DEFAULT_TITLE, ""
    title, _, description = redact(message).strip().partition("\n")
    if not title:
        raise SettingInvalid("The commit message is empty.", "Say in a few words what is deployed.")
    return title.strip(), description.strip()


def _choose(choices: type[Choice], value: str, what: str) -> Choice:
    try:
        return choices(value)
    except ValueError:
        raise SettingInvalid(f"There is no {what} {value!r}.", f"Use one of {', '.join(choices)}.") from None


def _tell_scanned(snapshot: Snapshot, source: str | PathLike[str], on_event: OnEvent) -> None:
    for skipped in snapshot.skipped:
        on_event(Warned(f"{skipped.path} is not deployed: {skipped.reason}."))
    on_event(Scanned(str(source), len(snapshot.entries), snapshot.size_bytes))


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
    visibilities = [change.visibility for change in plan.changes if not isinstance(change, CommitFiles)]
    return Planned(
        repo_id=plan.repo.id,
        repo_type=plan.repo.type,
        creates=plan.creates,
        visibility=next(iter(visibilities), None),
        files_added=sum(not put.replaces for put in plan.puts),
        files_updated=sum(put.replaces for put in plan.puts),
        files_deleted=len(plan.deletions),
        files_unchanged=plan.unchanged_files,
        bytes_to_send=sum(put.entry.size_bytes for put in plan.puts),
        digest=digest_plan(plan),
    )


def _conclude(plan: Plan, applied: Applied, elapsed_seconds: float) -> Outcome:
    info = applied.info
    return Outcome(
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

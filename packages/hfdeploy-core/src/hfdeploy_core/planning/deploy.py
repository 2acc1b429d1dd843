"""The plan of a deploy: (Target, Snapshot, Remote) -> Plan."""

from collections.abc import Container, Iterable
from dataclasses import replace

from hfdeploy_core.model import (
    Change,
    CommitFiles,
    Hardware,
    HeldSettings,
    Plan,
    PutFile,
    Remote,
    RepoType,
    Snapshot,
    Target,
)
from hfdeploy_core.planning.deletions import check_kept, decide_most, find_kept
from hfdeploy_core.planning.digest import digest_content
from hfdeploy_core.planning.files import plan_files
from hfdeploy_core.planning.parts import Limits, split_commit
from hfdeploy_core.planning.settings import check_settings, decide_sdk, plan_creation, plan_settings


def plan_deploy(
    target: Target,
    snapshot: Snapshot,
    remote: Remote | None,
    *,
    hardware: Iterable[Hardware] = (),
    known_secrets: Container[str] = frozenset(),
    limits: Limits = Limits(),  # noqa: B008  a frozen value
) -> Plan:
    """The changes that make `remote` (None: no such repo) hold the snapshot with the target's settings.

    `hardware` and `known_secrets` as for `plan_settings`, `limits` as for `split_commit`. Raises a
    RequestError where target and source contradict each other or the remote.
    """
    check_settings(target)
    content = digest_content(snapshot.entries)
    is_space = target.repo.type is RepoType.SPACE
    sdk_before = remote.info.sdk if remote else None
    sdk = decide_sdk(target.sdk, snapshot.card, sdk_before) if is_space else None
    settings = plan_settings(target, remote, sdk=sdk, hardware=hardware, known_secrets=known_secrets)
    if remote is None:
        puts = tuple(PutFile(entry, replaces=False) for entry in snapshot.entries)
        changes: tuple[Change, ...] = (
            plan_creation(target, snapshot.card),
            *settings.before,
            *split_commit(_commit(target, puts, ()), target.repo.type, limits),
            *settings.after,
        )
        return Plan(
            target.repo,
            None,
            changes,
            content=content,
            is_exact=True,
            allows_partial=target.allow_partial,
        )
    spared = list_first(target.repo.type) | find_kept(target, remote.files)
    files = plan_files(snapshot.entries, remote.files, mirror=target.mirror, spared=spared)
    check_kept(target, files.deletions)
    paths = {entry.path for entry in snapshot.entries} | set(files.deletions) | list_first(target.repo.type)
    is_exact = remote.is_exact and all(file.path in paths for file in remote.files)
    commits: tuple[Change, ...] = ()
    if files.puts or files.deletions:
        commit = _commit(target, files.puts, files.deletions)
        is_moved = is_space and snapshot.card is not None and sdk != sdk_before
        *first, last = split_commit(commit, target.repo.type, limits)
        commits = (*first, replace(last, sdk=sdk, sdk_before=sdk_before) if is_moved else last)
    changes = (*settings.before, *commits, *settings.after)
    return Plan(
        remote.info.repo,
        remote.info.head,
        changes,
        files.unchanged_files,
        content,
        is_exact,
        allows_partial=target.allow_partial,
        held=hold_settings(target, remote),
        most_deletions=decide_most(target.max_delete, len(remote.files)),
    )


def hold_settings(target: Target, remote: Remote) -> HeldSettings:
    """What a saved plan has to find again."""
    info = remote.info
    asked = {variable.name for variable in target.variables}.union(target.removed_variables)
    variables = sorted((held for held in remote.variables if held.name in asked), key=lambda held: held.name)
    return HeldSettings(
        info.visibility, info.gated, info.hardware, info.sleep_seconds, info.volumes, tuple(variables)
    )


def _commit(target: Target, puts: tuple[PutFile, ...], deletions: tuple[str, ...]) -> CommitFiles:
    return CommitFiles(puts, deletions, target.title, target.description)


def list_first(repo_type: RepoType) -> frozenset[str]:
    """What the Hub puts into a repo that it makes. It needs these: no mirror deletes them."""
    return frozenset({".gitattributes", "README.md"} if repo_type is RepoType.SPACE else {".gitattributes"})

"""The plan of a deploy: (Target, Snapshot, Remote) -> Plan."""

from hfdeploy_core.model import (
    Change,
    CommitFiles,
    Plan,
    PutFile,
    Remote,
    RepoType,
    Snapshot,
    Target,
)
from hfdeploy_core.planning.digest import digest_content
from hfdeploy_core.planning.files import plan_files
from hfdeploy_core.planning.settings import (
    check_settings,
    decide_sdk,
    plan_creation,
    plan_visibility,
    tightens,
)


def plan_deploy(target: Target, snapshot: Snapshot, remote: Remote | None) -> Plan:
    """The changes that make `remote` (None: no such repo) hold the snapshot with the target's settings.

    Raises a RequestError where target and source contradict each other or the remote.
    """
    check_settings(target)
    content = digest_content(snapshot.entries)
    if remote is None:
        puts = tuple(PutFile(entry, replaces=False) for entry in snapshot.entries)
        creation = plan_creation(target, snapshot.card)
        commit = _commit(target, puts, ())
        return Plan(target.repo, None, (creation, commit), content=content, is_exact=True)
    if target.repo.type is RepoType.SPACE:
        decide_sdk(target.sdk, snapshot.card, remote.info.sdk)
    files = plan_files(snapshot.entries, remote.files, mirror=target.mirror, spared=_spared(target))
    paths = {entry.path for entry in snapshot.entries} | set(files.deletions) | _spared(target)
    is_exact = remote.is_exact and all(file.path in paths for file in remote.files)
    changes: list[Change] = []
    if files.puts or files.deletions:
        changes.append(_commit(target, files.puts, files.deletions))
    if visibility := plan_visibility(target, remote.info):
        changes.insert(0 if tightens(visibility, remote.info) else len(changes), visibility)
    return Plan(remote.info.repo, remote.info.head, tuple(changes), files.unchanged_files, content, is_exact)


def _commit(target: Target, puts: tuple[PutFile, ...], deletions: tuple[str, ...]) -> CommitFiles:
    return CommitFiles(puts, deletions, target.title, target.description)


def _spared(target: Target) -> frozenset[str]:
    """What no mirror deletes: the Hub puts these there when it makes a repo, and needs them."""
    is_space = target.repo.type is RepoType.SPACE
    return frozenset({".gitattributes", "README.md"} if is_space else {".gitattributes"})

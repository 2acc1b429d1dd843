"""One Space's files for another: what that changes."""

from collections.abc import Sequence
from dataclasses import replace

from hfdeploy_core.errors import SettingInvalid
from hfdeploy_core.model import (
    CommitFiles,
    CommitInfo,
    FileEntry,
    Plan,
    Remote,
    RemoteFile,
    RepoInfo,
    Sdk,
    Target,
)
from hfdeploy_core.planning.deploy import hold_settings
from hfdeploy_core.planning.digest import digest_blobs, name_text
from hfdeploy_core.planning.files import plan_files
from hfdeploy_core.planning.trailers import CONTENT, is_exact, read_trailers
from hfdeploy_core.space import Runtime

CARD = "README.md"

_LIVE = frozenset({"RUNNING", "SLEEPING"})


def plan_promotion(
    origin: RepoInfo,
    latest: CommitInfo,
    files: Sequence[RemoteFile],
    remote: Remote,
    card: str | None = None,
) -> Plan:
    """The changes that make `remote` hold exactly the `files` of another Space, at its `latest` commit.

    But for README.md, where `card` is what that is to say instead. Settings stay as they are. Raises
    SettingInvalid where both are one.
    """
    repo = remote.info.repo
    if origin.repo == repo:
        raise SettingInvalid(f"{repo} cannot be promoted to itself.", "Name two Spaces.")
    entries = [
        name_text(file.path, card)
        if card is not None and file.path == CARD
        else FileEntry(file.path, file.size_bytes, file.blob_id, file.sha256)
        for file in files
    ]
    changed = plan_files(entries, remote.files, mirror=True)
    commits: tuple[CommitFiles, ...] = ()
    if changed.puts or changed.deletions:
        told = f"The files are those of {origin.repo.id} at {latest.id}: {latest.title}"
        commit = CommitFiles(changed.puts, changed.deletions, f"Promote {origin.repo.id}", told)
        sdk = next((sdk for sdk in Sdk if sdk == origin.sdk), None)
        is_moved = sdk is not None and sdk != remote.info.sdk
        commits = (replace(commit, sdk=sdk, sdk_before=remote.info.sdk) if is_moved else commit,)
    return Plan(
        repo,
        remote.info.head,
        commits,
        changed.unchanged_files,
        read_trailers(latest.message).get(CONTENT, "") if card is None else _digest_tree(entries),
        is_exact(latest),
        held=hold_settings(Target(repo, ""), remote),
        restores=latest.id,
        origin=origin.repo,
        card=card,
    )


def _digest_tree(entries: Sequence[FileEntry]) -> str:
    """The digest of the source that holds this; where there are large files, known by another, of none."""
    kept = (entry for entry in entries if entry.path != ".gitattributes")
    return digest_blobs((entry.path, entry.sha256 or entry.blob_id) for entry in kept)


def find_doubt(origin: RepoInfo, runtime: Runtime) -> str | None:
    """What speaks against promoting a Space: that nobody has seen its head run."""
    if runtime.stage in _LIVE and runtime.commit == origin.head:
        return None
    return f"{origin.repo.id} is {runtime.stage}: it does not run what it holds."

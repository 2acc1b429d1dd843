"""The façade for looking: what a repo holds, and what a deploy would change in it, line by line."""

from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Unpack

from hfdeploy_core.applying.journal import Journal
from hfdeploy_core.clock import SystemClock
from hfdeploy_core.deploying.preparation import find_existing
from hfdeploy_core.deployment import enter, find_state, look_ahead
from hfdeploy_core.errors import SettingInvalid, SourceUnreadable
from hfdeploy_core.events import OnEvent
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.model import CommitInfo, Plan, Remote, RemoteFile, RepoInfo, RepoType, Source
from hfdeploy_core.options import Options, read_target
from hfdeploy_core.planning.differences import LONGEST_TEXT_BYTES, describe_sizes, describe_text
from hfdeploy_core.planning.files import find_foreign
from hfdeploy_core.planning.freshness import list_asked
from hfdeploy_core.planning.status import Deployed, Status, find_deployed, find_drift, find_live, recall_left
from hfdeploy_core.redact import redact


def status(
    repo: str,
    *,
    repo_type: RepoType | str = RepoType.SPACE,
    plan: Plan | None = None,
    state: str | PathLike[str] | None = None,
    on_event: OnEvent = lambda event: None,
    hub: Hub | None = None,
) -> Status:
    """What a repo holds, who put it there, and what of it was changed by others since.

    Settings are compared with what the journal in `state` says of them, or with what a `plan` leaves.
    """
    asked = read_target(repo, {"repo_type": repo_type}).repo
    history = Journal(find_state(Source(""), state), SystemClock()).read()
    with enter(hub, on_event) as connected:
        info = find_existing(connected, asked)
        left = recall_left(history, info.repo) if plan is None else plan
        if left.repo != info.repo:
            raise SettingInvalid(f"The plan is for {left.repo}, not for {info.repo}.", "Name that repo.")
        commits = connected.recent_commits(info.repo)
        deployed = find_deployed(commits)
        others = _find_others(commits, deployed)
        runtime = connected.find_runtime(info.repo) if info.repo.type is RepoType.SPACE else None
        return Status(
            repo_id=info.repo.id,
            repo_type=info.repo.type,
            repo_url=info.url,
            visibility=info.visibility,
            head=info.head,
            stage=runtime.stage if runtime else None,
            live=find_live(runtime) if runtime else None,
            deployed=deployed,
            others=tuple(commit.title for commit in others),
            changed_files=_list_changed(connected, info, deployed) if others else (),
            is_known=plan is not None or bool(left.changes),
            drift=find_drift(left, _read_settings(connected, info, left), history),
        )


def diff(
    source: str | PathLike[str],
    repo: str,
    *,
    state: str | PathLike[str] | None = None,
    on_event: OnEvent = lambda event: None,
    hub: Hub | None = None,
    **options: Unpack[Options],
) -> Iterator[str]:
    """What `deploy` would change in each file: a unified diff, or a line with sizes where it is no text."""
    with (
        enter(hub, on_event) as connected,
        look_ahead(source, repo, state=state, on_event=on_event, hub=connected, **options) as prepared,
    ):
        made = prepared.plan
        held = connected.list_files(made.repo, made.base) if made.base and made.changes else ()
        files = {file.path: file for file in held}
        for put in made.puts:
            location = put.entry.locate(prepared.snapshot.root)
            yield _compare(connected, made, put.entry.path, files.get(put.entry.path), location)
        for path in made.deletions:
            yield _compare(connected, made, path, files[path], None)


def _compare(hub: Hub, made: Plan, path: str, held: RemoteFile | None, location: Path | None) -> str:
    try:
        size = location.stat().st_size if location else None
        is_short = max(size or 0, held.size_bytes if held else 0) <= LONGEST_TEXT_BYTES
        if is_short and (held is None or held.sha256 is None):
            before = hub.read_file(made.repo, made.base or "", path) if held else None
            text = describe_text(path, before, location.read_bytes() if location else None)
            if text is not None:
                return redact(text)
    except OSError as error:
        raise SourceUnreadable(f"{path} cannot be read: {error.strerror or error}.") from error
    return describe_sizes(path, held.size_bytes if held else None, size)


def _find_others(commits: tuple[CommitInfo, ...], deployed: Deployed | None) -> tuple[CommitInfo, ...]:
    """What lies on top of the latest deploy."""
    if deployed is None:
        return ()
    return commits[: [commit.id for commit in commits].index(deployed.commit)]


def _list_changed(hub: Hub, info: RepoInfo, deployed: Deployed | None) -> tuple[str, ...]:
    if deployed is None:
        return ()
    before = hub.list_files(info.repo, deployed.commit)
    return tuple(sorted(find_foreign(before, hub.list_files(info.repo, info.head))))


def _read_settings(hub: Hub, info: RepoInfo, left: Plan) -> Remote:
    variables, secrets = list_asked(left)
    return Remote(
        info,
        (),
        variables=hub.list_variables(info.repo) if variables else (),
        secrets=hub.list_secrets(info.repo) if secrets else (),
    )

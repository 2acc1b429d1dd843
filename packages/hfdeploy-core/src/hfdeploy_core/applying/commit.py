"""One commit or none, even where answers get lost."""

from collections.abc import Callable
from itertools import count

from hfdeploy_core.clock import Clock
from hfdeploy_core.errors import AccessError, AnswerLost, Conflict, HubError, UploadFailed
from hfdeploy_core.events import OnEvent, Uploading, Waiting, Warned
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.hub.retry import Budget, Failure, decide_retry
from hfdeploy_core.model import CommitFiles, FileEntry, RepoRef, Snapshot
from hfdeploy_core.planning.trailers import find_landed
from hfdeploy_core.source.digest import check_unchanged

_NAMED_PATHS = 3


def commit_files(
    change: CommitFiles,
    snapshot: Snapshot,
    hub: Hub,
    repo: RepoRef,
    *,
    parent: str,
    restores: str | None = None,
    origin: RepoRef | None = None,
    card: str | None = None,
    digest: str,
    description: str,
    clock: Clock,
    on_event: OnEvent,
) -> str:
    """Upload contents, then commit on top of `parent`: the new id, or `parent` where nothing was left to do.

    What an earlier commit had, which it `restores`, of this repo or of its `origin`, is not uploaded; where
    there is a `card`, README.md is that instead.
    `description` carries `digest` in a trailer, by which a commit is known whose answer was lost.

    Raises SourceChanged, with nothing committed, where a file is not what was planned any more.
    """
    entries = [put.entry for put in change.puts]
    tell = _progress(entries, on_event)
    tell(0)
    if restores is not None:
        given = {} if card is None else {"README.md": card.encode()}
        staged = hub.recall(repo, restores, entries, tell, origin=origin, given=given)
    else:
        try:
            staged = hub.stage(repo, snapshot.root, entries, tell)
        except UploadFailed:
            # What is cut short on the way cannot be stored either.
            check_unchanged(snapshot.root, entries)
            raise
        check_unchanged(snapshot.root, entries)
    if staged.ignored:
        on_event(Warned(_tell_ignored(staged.ignored)))
    if not staged.uploads and not change.deletions:
        return parent

    def post() -> str:
        return hub.commit(
            repo, staged, change.deletions, parent=parent, title=change.title, description=description
        )

    commit = _post_once(post, lambda: find_landed(hub.recent_commits(repo), parent, digest), clock, on_event)
    tell(sum(entry.size_bytes for entry in entries))
    return commit


def _post_once(
    post: Callable[[], str], find: Callable[[], str | None], clock: Clock, on_event: OnEvent
) -> str:
    """Post a commit until it is there, and never twice: after each lost answer look first, with `find`."""
    budget = Budget(attempts=4)
    started_seconds = clock.seconds()
    for attempt in count(1):
        try:
            return post()
        except Conflict:
            # Perhaps it moved by this very commit: its answer was lost, here or in a try that was killed.
            if commit := find():
                return commit
            raise
        except AnswerLost as error:
            try:
                commit = find()
            except (AccessError, HubError) as unseen:
                # Whatever keeps it from looking: it does not know.
                raise error from unseen
            if commit:
                return commit
            elapsed_seconds = clock.seconds() - started_seconds
            wait_seconds = decide_retry(
                Failure(None), attempt=attempt, elapsed_seconds=elapsed_seconds, budget=budget, jitter=1.0
            )
            if wait_seconds is None:
                raise
            on_event(Waiting(wait_seconds, error.message))
            clock.sleep(wait_seconds)
    raise AssertionError("count() ends")


def _progress(entries: list[FileEntry], on_event: OnEvent) -> Callable[[int], None]:
    """Tells how many bytes are done, each number once: an upload that stalls says nothing new."""
    total = sum(entry.size_bytes for entry in entries)
    told = None

    def tell(bytes_done: int) -> None:
        nonlocal told
        if entries and bytes_done != told:
            told = bytes_done
            on_event(Uploading(len(entries), bytes_done, total))

    return tell


def _tell_ignored(paths: tuple[str, ...]) -> str:
    rest = len(paths) - _NAMED_PATHS
    named = ", ".join(paths[:_NAMED_PATHS]) + (f" and {rest:,} more" if rest > 0 else "")
    return f"Left out because .gitignore says so: {named}."

"""What the pages show, read from the store: plain values for the templates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from hfdeploy_localhub.api.context import Hub
from hfdeploy_localhub.api.describe import card_at
from hfdeploy_localhub.cards import find_front_matter, list_tags
from hfdeploy_localhub.model import Caller, Repo, RepoType, Right, decide_right
from hfdeploy_localhub.pages.markup import render_markdown
from hfdeploy_localhub.pages.visitor import may_write
from hfdeploy_localhub.store.buckets import BucketFile, end_of
from hfdeploy_localhub.store.discussions import Discussion, Event, Filter
from hfdeploy_localhub.store.git import Commit, Entry, GitRepository
from hfdeploy_localhub.store.repos import Listing

_REPOS_A_PAGE = 30
_COMMITS_A_PAGE = 40
_DISCUSSIONS_A_PAGE = 40
_ENTRIES_A_PAGE = 500
_MOST_TEXT_BYTES = 500_000
_IMAGES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class RepoLine:
    """A repo in a list."""

    repo: Repo
    changed: datetime
    stage: str | None


@dataclass(frozen=True, slots=True)
class RepoPage:
    """Some of a list of repos; ``after`` leads to the next ones."""

    lines: Sequence[RepoLine]
    after: int | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A repo at one revision, as every page of it begins."""

    repo: Repo
    revision: str
    commit: Commit
    tags: Sequence[str]
    branches: Sequence[str]
    git_tags: Sequence[str]
    stage: str | None
    is_own: bool


@dataclass(frozen=True, slots=True)
class FileLine:
    """A file or folder in a list, with the commit that changed it last."""

    entry: Entry
    change: Commit | None


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder's entries, folders first. ``has_more``: there are others, too many to show."""

    lines: Sequence[FileLine]
    has_more: bool


@dataclass(frozen=True, slots=True)
class TalkLine:
    """Something that happened in a discussion, and as HTML what was said, if it was a comment."""

    event: Event
    moment: datetime
    said: str | None


@dataclass(frozen=True, slots=True)
class BucketLine:
    """A file of a bucket, or a folder, which has no size."""

    path: str
    size: int | None
    changed: datetime


def list_repos(
    hub: Hub, visitor: Caller, type: RepoType | None, namespace: str | None, search: str, after: int | None
) -> RepoPage:
    """The newest repos that the visitor may see."""
    lines = list[RepoLine]()
    while True:
        page = hub.store.repos.page(
            Listing(type, namespace, tuple(search.split()), after=after, limit=_REPOS_A_PAGE)
        )
        for repo in page:
            if len(lines) == _REPOS_A_PAGE:
                return RepoPage(lines, after)
            after = repo.id
            if decide_right(visitor, repo) >= Right.READ:
                lines.append(RepoLine(repo, find_change(hub, repo), find_stage(hub, repo)))
        if len(page) < _REPOS_A_PAGE:
            return RepoPage(lines, None)


def find_change(hub: Hub, repo: Repo) -> datetime:
    """When the repo was changed last."""
    if repo.type == "bucket":
        uploaded_at = hub.store.buckets.measure(repo).uploaded_at
        return datetime.fromisoformat(uploaded_at) if uploaded_at else repo.created_at
    git = hub.store.git(repo)
    return git.show(git.head()).date


def find_stage(hub: Hub, repo: Repo) -> str | None:
    return str(hub.spaces.runtime(repo.full_name).stage) if repo.type == "space" else None


def show_repo(hub: Hub, visitor: Caller, repo: Repo, git: GitRepository, revision: str) -> Shown:
    """Raises RevisionNotFound."""
    commit = git.resolve(revision)
    return Shown(
        repo,
        revision,
        git.show(commit),
        list_tags(card_at(git, commit)),
        [ref.name for ref in git.refs("refs/heads/")],
        [ref.name for ref in git.refs("refs/tags/")],
        find_stage(hub, repo),
        may_write(visitor, repo),
    )


def read_readme(git: GitRepository, shown: Shown, links: dict[str, str]) -> str | None:
    """The README as HTML, without its front matter; None where there is none."""
    entry = git.find(shown.commit.id, "README.md")
    if entry is None or entry.kind != "file" or entry.large is not None:
        return None
    text = git.read(entry).decode(errors="replace")
    matter = find_front_matter(text)
    if matter is not None:
        text = text[text.index(matter) + len(matter) :].partition("\n")[2]
    return render_markdown(text, **links)


def list_folder(git: GitRepository, commit: str, path: str) -> Folder:
    """Raises EntryNotFound."""
    entries = list(islice(git.walk(commit, path), _ENTRIES_A_PAGE + 1))
    has_more = len(entries) > _ENTRIES_A_PAGE
    shown = sorted(entries[:_ENTRIES_A_PAGE], key=lambda entry: (entry.kind == "file", entry.path))
    changes = git.last_change(commit, [entry.path for entry in shown]) if len(shown) <= 100 else {}
    return Folder([FileLine(entry, changes.get(entry.path)) for entry in shown], has_more)


def list_bucket(hub: Hub, bucket: Repo, path: str, after: str) -> tuple[list[BucketLine], str | None]:
    """A page of a bucket's folder, and behind which path the next begins."""
    prefix = f"{path}/" if path else ""
    found = hub.store.buckets.page(bucket, prefix, recursive=False, after=after, limit=_ENTRIES_A_PAGE)
    lines = [
        BucketLine(
            entry.path,
            entry.size if isinstance(entry, BucketFile) else None,
            datetime.fromisoformat(entry.uploaded_at),
        )
        for entry in found
    ]
    last = found[-1] if len(found) == _ENTRIES_A_PAGE else None
    if last is None:
        return lines, None
    return lines, last.path if isinstance(last, BucketFile) else end_of(last.path)


def read_text(git: GitRepository, entry: Entry) -> list[str] | None:
    """The lines of a file that is a text of moderate size, else None."""
    if entry.large is not None or entry.size > _MOST_TEXT_BYTES:
        return None
    content = git.read(entry)
    if b"\0" in content:
        return None
    return content.decode(errors="replace").splitlines()


def find_image_type(path: str) -> str | None:
    return _IMAGES.get(path.rpartition(".")[2].lower())


def list_commits(git: GitRepository, commit: str, skip: int) -> tuple[list[Commit], int | None]:
    """A page of history, and where the next begins."""
    found = list(islice(git.log(commit), skip, skip + _COMMITS_A_PAGE + 1))
    return found[:_COMMITS_A_PAGE], skip + _COMMITS_A_PAGE if len(found) > _COMMITS_A_PAGE else None


def list_discussions(hub: Hub, repo: Repo, skip: int) -> tuple[list[Discussion], int | None]:
    """A page of discussions and pull requests, newest first, and where the next begins."""
    count, page = hub.store.discussions.page(repo, Filter(), offset=skip, limit=_DISCUSSIONS_A_PAGE)
    return page, skip + _DISCUSSIONS_A_PAGE if count > skip + _DISCUSSIONS_A_PAGE else None


def read_talk(hub: Hub, repo: Repo, num: int, links: dict[str, str]) -> list[TalkLine]:
    """What was said and done in a discussion, oldest first."""
    lines = []
    for event in hub.store.discussions.events(repo, num):
        said = render_markdown(event.data["latest"]["raw"], **links) if event.type == "comment" else None
        lines.append(TalkLine(event, datetime.fromisoformat(event.created_at), said))
    return lines


@dataclass(frozen=True, slots=True)
class Change:
    """What a commit did: git's letter and the path of each file, and the patch by lines, perhaps cut."""

    files: Sequence[tuple[str, str]]
    lines: Sequence[str]
    is_cut: bool


def read_change(git: GitRepository, commit: str) -> Change:
    files, patch = git.changes(commit)
    return Change(files, patch[:_MOST_TEXT_BYTES].splitlines(), len(patch) > _MOST_TEXT_BYTES)


def read_settings(hub: Hub, space: Repo) -> dict[str, Any]:
    """Variables with their values, secrets by name alone."""
    rows = hub.store.space_rows
    row = rows.get(space)
    return {
        "variables": [(item.key, item.value) for item in rows.settings(space, "variable")],
        "secrets": [item.key for item in rows.settings(space, "secret")],
        "hardware": row.hardware,
        "paused": row.paused,
    }

"""What webhooks are told (pure): how a repo was before a request and after it becomes what happened to it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hfdeploy_localhub.model import Repo, public_id
from hfdeploy_localhub.store.discussions import Discussion, Event

Action = Literal["create", "delete", "move", "update"]
Scope = Literal["repo", "repo.content", "repo.config", "discussion", "discussion.comment"]


@dataclass(frozen=True, slots=True)
class State:
    """A repo as it is at one moment. What a request cannot change need not be looked at."""

    repo: Repo
    refs: Mapping[str, str] = field(default_factory=dict)
    discussions: Mapping[int, Discussion] = field(default_factory=dict)
    comments: Mapping[str, tuple[int, Event]] = field(default_factory=dict)
    """Id -> the number of its discussion, and the comment."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that happened to a repo; of the rest only what it is about."""

    action: Action
    scope: Scope
    repo: Repo
    head: str | None = None
    moved_to: Repo | None = None
    updated_refs: tuple[tuple[str, str | None, str | None], ...] = ()
    discussion: Discussion | None = None
    comment: Event | None = None

    @property
    def domain(self) -> str:
        """What a webhook names to be told of it."""
        return self.scope.partition(".")[0]


def plan_notices(before: State | None, after: State | None) -> Iterator[Notice]:
    """What happened in between."""
    if before is None or after is None:
        if after is not None:
            yield Notice("create", "repo", after.repo, after.refs.get("refs/heads/main"))
        if before is not None:
            yield Notice("delete", "repo", before.repo)
        return
    repo, head = after.repo, after.refs.get("refs/heads/main")
    if before.repo.full_name != repo.full_name:
        yield Notice("move", "repo", before.repo, head, moved_to=repo)
    if (before.repo.visibility, before.repo.gated) != (repo.visibility, repo.gated):
        yield Notice("update", "repo.config", repo, head)
    moved = [
        ref for ref in sorted({*before.refs, *after.refs}) if before.refs.get(ref) != after.refs.get(ref)
    ]
    if moved:
        refs = tuple((ref, before.refs.get(ref), after.refs.get(ref)) for ref in moved)
        yield Notice("update", "repo.content", repo, head, updated_refs=refs)
    for num, discussion in after.discussions.items():
        if num not in before.discussions:
            first = next((comment for at, comment in after.comments.values() if at == num), None)
            yield Notice("create", "discussion", repo, head, discussion=discussion, comment=first)
        elif before.discussions[num] != discussion:
            yield Notice("update", "discussion", repo, head, discussion=discussion)
    for id, (num, comment) in after.comments.items():
        known = before.comments.get(id)
        if num in before.discussions and known != (num, comment):
            action: Action = "update" if known else "create"
            discussion = after.discussions[num]
            yield Notice(action, "discussion.comment", repo, head, discussion=discussion, comment=comment)


def covers(watched: Mapping[str, str], notice: Notice) -> bool:
    """Whether a webhook that watches this is to be told; of a move, under either name."""
    type, name = watched["type"], watched["name"].lower()
    repos = [repo for repo in (notice.repo, notice.moved_to) if repo is not None]
    if type in ("user", "org"):
        return any(repo.namespace.lower() == name for repo in repos)
    return any(repo.type == type and repo.full_name.lower() == name for repo in repos)


def describe_notice(
    notice: Notice, endpoint: str, webhook_id: str, find_id: Callable[[str], str]
) -> dict[str, Any]:
    """The payload, in its third version; ``find_id`` tells an account's id by its name."""
    repo = notice.repo
    told: dict[str, Any] = {
        "event": {"action": notice.action, "scope": notice.scope},
        "repo": {
            "type": repo.type,
            "name": repo.full_name,
            "id": repo.public_id,
            "private": repo.visibility != "public",
            "owner": {"id": find_id(repo.namespace)},
            "url": {
                "web": f"{endpoint}/{repo.web_path}",
                "api": f"{endpoint}/api/{repo.type}s/{repo.full_name}",
            },
        },
        "webhook": {"id": webhook_id, "version": 3},
    }
    if notice.head:
        told["repo"]["headSha"] = notice.head
    if notice.moved_to:
        owner = {"id": find_id(notice.moved_to.namespace)}
        told["movedTo"] = {"name": notice.moved_to.full_name, "owner": owner}
    if notice.updated_refs:
        told["updatedRefs"] = [
            {"ref": ref, "oldSha": old, "newSha": new} for ref, old, new in notice.updated_refs
        ]
    if notice.discussion:
        page = f"{endpoint}/{repo.web_path}/discussions/{notice.discussion.num}"
        told["discussion"] = _describe_discussion(repo, notice.discussion, page, find_id)
        if notice.comment:
            told["comment"] = _describe_comment(notice.comment, page, find_id)
    return told


def _describe_discussion(
    repo: Repo, discussion: Discussion, page: str, find_id: Callable[[str], str]
) -> dict[str, Any]:
    described: dict[str, Any] = {
        "id": public_id(f"discussion-{repo.id}", discussion.num),
        "num": discussion.num,
        "title": discussion.title,
        "status": discussion.status,
        "isPullRequest": discussion.is_pull_request,
        "author": {"id": find_id(discussion.author)},
        "url": {"web": page},
    }
    if discussion.is_pull_request:
        described["changes"] = {"base": "refs/heads/main"}
        if discussion.merge_commit:
            described["changes"]["mergeCommitId"] = discussion.merge_commit
    return described


def _describe_comment(comment: Event, page: str, find_id: Callable[[str], str]) -> dict[str, Any]:
    return {
        "id": comment.id,
        "author": {"id": find_id(comment.author)},
        "content": comment.data["latest"]["raw"],
        "hidden": comment.data["hidden"],
        "url": {"web": f"{page}#{comment.id}"},
    }

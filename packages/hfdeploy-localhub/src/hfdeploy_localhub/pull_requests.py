"""Opening, extending and merging pull requests: the rows of a discussion and its git ref, kept in step.

Callers hold the repo's lock.
"""

from dataclasses import dataclass
from typing import Any

from hfdeploy_localhub.errors import BadRequest
from hfdeploy_localhub.model import Account, Caller, Repo, format_time
from hfdeploy_localhub.store.discussions import Discussion, Event, Status
from hfdeploy_localhub.store.git import MAIN, GitRepository
from hfdeploy_localhub.store.store import Store, author_of


@dataclass(frozen=True, slots=True)
class Talk:
    """Who acts in the discussions of one repo."""

    store: Store
    repo: Repo
    caller: Caller

    @property
    def user(self) -> Account:
        assert self.caller.user is not None
        return self.caller.user

    def open(self, title: str, description: str, status: Status, *, pull_request: bool) -> Discussion:
        """A new discussion, with its description as the first comment."""
        discussion = self.store.discussions.add(
            self.repo, title, self.user, status, pull_request=pull_request, now=self.store.now()
        )
        self.comment(discussion, description)
        return discussion

    def open_pull_request(self, title: str, description: str, start: str, status: Status) -> Discussion:
        """A pull request whose ref begins at the commit ``start``."""
        discussion = self.open(title, description, status, pull_request=True)
        self.store.git(self.repo).set_ref(discussion.ref, start)
        return discussion

    def comment(self, discussion: Discussion, text: str) -> Event:
        now = format_time(self.store.now())
        latest = {"raw": text, "html": "", "updatedAt": now, "author": {"name": self.user.name}}
        data = {"edited": False, "hidden": False, "latest": latest, "history": []}
        return self._add_event(discussion, "comment", data)

    def edit(self, event: Event, text: str) -> Event:
        """Raises BadRequest for a hidden comment."""
        if event.data["hidden"]:
            raise BadRequest("This comment is hidden and cannot be edited.")
        latest = {**event.data["latest"], "raw": text, "updatedAt": format_time(self.store.now())}
        history = [event.data["latest"], *event.data["history"]]
        data = {**event.data, "edited": True, "latest": latest, "history": history}
        return self.store.discussions.change_event(event, data)

    def hide(self, event: Event) -> Event:
        hidden = {**event.data["latest"], "raw": "This comment has been hidden", "html": ""}
        return self.store.discussions.change_event(event, {**event.data, "hidden": True, "latest": hidden})

    def rename(self, discussion: Discussion, title: str) -> Event:
        self.store.discussions.update(self.repo, discussion.num, "title", title)
        return self._add_event(discussion, "title-change", {"from": discussion.title, "to": title})

    def change_status(self, discussion: Discussion, status: Status) -> Event:
        self.store.discussions.update(self.repo, discussion.num, "status", status)
        return self._add_event(discussion, "status-change", {"status": status})

    def record_commit(self, discussion: Discussion, oid: str, subject: str) -> Event:
        return self._add_event(discussion, "commit", {"subject": subject, "oid": oid})

    def merge(self, discussion: Discussion, comment: str | None = None) -> str:
        """Merges a pull request into main; returns the merge commit. Raises BadRequest, Conflict, and then
        the comment is not made either.
        """
        if discussion.status not in ("open", "draft"):
            raise BadRequest(f"This pull request is {discussion.status} and cannot be merged.")
        git: GitRepository = self.store.git(self.repo)
        message = f"{discussion.title} (#{discussion.num})"
        oid = git.merge(
            MAIN,
            git.head(discussion.ref),
            message=message,
            author=author_of(self.caller),
            now=self.store.now(),
        )
        if comment:
            self.comment(discussion, comment)
        self.store.discussions.update(self.repo, discussion.num, "merge_commit", oid)
        self.change_status(discussion, "merged")
        return oid

    def _add_event(self, discussion: Discussion, type: Any, data: dict[str, Any]) -> Event:
        return self.store.discussions.add_event(
            self.repo, discussion.num, type, self.user, data, self.store.now()
        )

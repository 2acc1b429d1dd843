"""What the hub answers when it will not do something.

    HubError
    ├── BadRequest            400
    ├── InvalidCredentials    401
    ├── RepoNotFound          401 to a stranger, 404 to a known caller
    ├── Forbidden             403
    ├── GatedRepo             401 to a stranger, 403 to a known caller
    ├── RevisionNotFound      404
    ├── EntryNotFound         404
    ├── NotFound              404
    ├── Conflict              409
    ├── HeadMoved             412
    ├── TooLarge              413
    ├── InvalidPath           422
    └── Unavailable           501

Clients pick their exception by the header ``X-Error-Code`` first and by the status second, so both are
part of a class here. ``server.py`` turns a raised error into an answer; nothing else does.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class HubError(Exception):
    """A refusal with its status, its error code and the sentence that the client shows.

    ``details`` become further keys of the JSON body, ``headers`` further headers.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str | None] = None

    def __init__(
        self,
        message: str,
        *,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = dict(details or {})
        self.headers = dict(headers or {})
        self.answer_status = self.status


class BadRequest(HubError):
    status = 400


class InvalidCredentials(HubError):
    """The token is not one of this hub's. The client recognises this very sentence."""

    status = 401

    def __init__(self, message: str = "Invalid credentials in Authorization header") -> None:
        super().__init__(message)


class RepoNotFound(HubError):
    """The repo is missing or hidden from this caller: the two look the same from outside."""

    status = 404
    code = "RepoNotFound"

    def __init__(self, *, anonymous: bool) -> None:
        super().__init__("Invalid username or password." if anonymous else "Repository not found")
        self.answer_status = 401 if anonymous else 404


class Forbidden(HubError):
    status = 403


class GatedRepo(HubError):
    """The repo is there to see, its files only for those who were let in."""

    status = 403
    code = "GatedRepo"

    def __init__(self, repo_type: str, repo_id: str, *, anonymous: bool) -> None:
        who = "you must be logged in" if anonymous else "you are not in the authorized list"
        page = "Visit its page to ask for access."
        super().__init__(f"Access to {repo_type} {repo_id} is restricted and {who}. {page}")
        self.answer_status = 401 if anonymous else 403


class RevisionNotFound(HubError):
    status = 404
    code = "RevisionNotFound"

    def __init__(self, revision: str) -> None:
        super().__init__(f"Invalid rev id: {revision}")


class EntryNotFound(HubError):
    status = 404
    code = "EntryNotFound"


class NotFound(HubError):
    """An unknown route, or a thing that is no repo, revision or entry."""

    status = 404


class Conflict(HubError):
    status = 409


class HeadMoved(HubError):
    """Someone else committed since the caller last looked."""

    status = 412

    def __init__(self) -> None:
        super().__init__("The branch was updated since you opened this page. Please refresh and try again.")


class TooLarge(HubError):
    status = 413


class InvalidPath(HubError):
    status = 422

    def __init__(self, path: str) -> None:
        super().__init__(f"Invalid path in repo: {path!r}")


class Unavailable(HubError):
    """This machine lacks what is needed for it."""

    status = 501

"""Maps what the Hub answers to our errors: the one place where a status code gets its meaning."""

from dataclasses import dataclass

from hfdeploy_core.errors import (
    AnswerLost,
    Conflict,
    DeployError,
    HubFailed,
    HubRefused,
    HubUnreachable,
    PaymentRequired,
    PermissionRefused,
    RateLimited,
    RepoNotFound,
    RevisionMissing,
    TokenRejected,
)
from hfdeploy_core.hub.retry import Failure

_LONGEST_WORDS = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that says no: its status, the Hub's `X-Error-Code` and the Hub's own words."""

    status: int
    error_code: str | None = None
    words: str | None = None


def map_answer(answer: Answer, doing: str) -> DeployError:
    """The error for an answer (hub-api 1.2). `doing` completes the sentence "cannot ..."."""
    words = _shorten(answer.words)
    because = f": {words}" if words else ""
    if answer.error_code == "RepoNotFound" or (answer.status == 404 and answer.error_code is None):
        return RepoNotFound(f"Cannot {doing}: the Hub knows no such repo or namespace.")
    if answer.error_code == "RevisionNotFound":
        return RevisionMissing(f"Cannot {doing}: the repo has no such commit, branch or tag.")
    if answer.status == 401:
        return TokenRejected(f"Cannot {doing}: the Hub does not accept the token.")
    if answer.status == 402:
        return PaymentRequired(f"Cannot {doing} without a paid plan{because}.")
    if answer.status == 403:
        return PermissionRefused(f"Cannot {doing}: the token may not do this{because}.")
    if answer.status in (409, 412):
        return Conflict(f"Cannot {doing}: the repo was changed by somebody else meanwhile{because}.")
    return HubRefused(f"Cannot {doing}: the Hub refused it with {answer.status}{because}.")


def map_failure(failure: Failure, doing: str, endpoint: str, message: str) -> DeployError:
    """The error for a request that was given up."""
    if failure.status == 429:
        return RateLimited(f"Cannot {doing}: the Hub limits the rate of requests.", _when(failure))
    if failure.status == 409:
        return Conflict(f"Cannot {doing}: the Hub is still busy with another operation of this account.")
    if failure.status is not None:
        return HubFailed(f"Cannot {doing}: the Hub at {endpoint} keeps answering {failure.status}.")
    return HubUnreachable(f"Cannot {doing}: no answer from the Hub at {endpoint} ({message}).")


def map_lost(doing: str, message: str) -> AnswerLost:
    """The error for a request whose effect nobody knows."""
    return AnswerLost(f"Cannot tell whether this was done: {doing} ({message}).")


def _when(failure: Failure) -> str | None:
    if failure.asked_seconds is None:
        return None
    return f"Run it again in {failure.asked_seconds:.0f} seconds: what is done stays done."


def _shorten(words: str | None) -> str:
    line = " ".join((words or "").split()).rstrip(".")
    return line if len(line) <= _LONGEST_WORDS else f"{line[:_LONGEST_WORDS]}..."

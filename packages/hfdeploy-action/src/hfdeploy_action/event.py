"""What started the workflow, as GitHub tells it: pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """The repository and commit that the job is about; of a pull request its number, whether it is a fork's,
    and whether it was merged or given up just now.
    """

    repository: str = ""
    commit: str = ""
    pull_request: int | None = None
    is_fork: bool = False
    is_closed: bool = False


def read_event(environment: Mapping[str, str], payload: Mapping[str, Any]) -> Event:
    """The event from the runner's variables and GITHUB_EVENT_PATH's content."""
    repository = environment.get("GITHUB_REPOSITORY", "")
    pull_request = payload.get("pull_request")
    if not isinstance(pull_request, Mapping):
        return Event(repository, environment.get("GITHUB_SHA", ""))
    # The repository of a fork may be deleted while its pull request stays.
    head = pull_request.get("head", {}).get("repo") or {}
    return Event(
        repository,
        environment.get("GITHUB_SHA", ""),
        pull_request.get("number"),
        head.get("full_name") != repository,
        payload.get("action") == "closed",
    )

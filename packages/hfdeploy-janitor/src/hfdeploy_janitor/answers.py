"""What the Hub's answers mean: times, waits, refusals. Pure."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import httpx2

from hfdeploy_core.errors import (
    DeployError,
    HubFailed,
    HubRefused,
    PermissionRefused,
    RateLimited,
    TokenRejected,
)

BUSY_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
REDIRECTS = frozenset({301, 302, 307, 308})


def is_no_repo(answer: httpx2.Response) -> bool:
    """Whether it says that there is no repo, or bucket, of that name: another 404 may mean anything."""
    return answer.status_code == 404 and answer.headers.get("x-error-code") == "RepoNotFound"


def read_move(answer: httpx2.Response) -> str:
    """What a renamed repo, or bucket, is called now: where it leads to ends in that."""
    path = urlsplit(answer.headers.get("location", "")).path
    return "/".join(unquote(part) for part in path.split("/")[-2:]) or "something else"


def read_time(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def read_date(answer: httpx2.Response) -> datetime | None:
    """The Hub's own clock (RFC 9110 6.6.1)."""
    try:
        date = parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def read_wait_seconds(answer: httpx2.Response) -> float:
    """The wait that the Hub asks for (hub-api 1.3), 0 where it asks for none."""
    limit = re.search(r";\s*r\s*=\s*0\s*;\s*t\s*=\s*(\d+)", answer.headers.get("ratelimit", ""))
    value = limit[1] if limit else answer.headers.get("retry-after", "")
    return float(value) + 1 if value.isascii() and value.isdigit() else 0.0


def read_json(answer: httpx2.Response, doing: str) -> Any:
    if answer.status_code != 200:
        return None
    try:
        return cast("Any", answer.json())
    except ValueError:
        raise HubFailed(f"Cannot {doing}: the answer is not the Hub's.", "Check HF_ENDPOINT.") from None


def refuse(answer: httpx2.Response, doing: str) -> DeployError:
    """The error for an answer that says no. A 401 or a 403 is never taken for "there is none"."""
    status = answer.status_code
    words = " ".join(answer.headers.get("x-error-message", "").split()).rstrip(".")[:300]
    because = f": {words}" if words else ""
    if status == 401:
        return TokenRejected(f"Cannot {doing}: the Hub does not accept the token.")
    if status == 403:
        return PermissionRefused(f"Cannot {doing}: the token may not do this{because}.")
    if status == 429:
        return RateLimited(f"Cannot {doing}: the Hub limits the rate of requests.")
    if status in BUSY_STATUSES:
        return HubFailed(f"Cannot {doing}: the Hub keeps answering {status}.")
    return HubRefused(f"Cannot {doing}: the Hub refused it with {status}{because}.")

"""Whether and when to repeat a request: pure, so that every case can be tried without waiting."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
# After these the Hub may have done what it was asked to; 429 and 503 say that it has not.
_AMBIGUOUS_STATUSES = frozenset({408, 500, 502, 504})

# hub-api 1.3: `RateLimit: "api";r=0;t=12`, of which r is what remains and t the seconds until it is renewed.
_QUOTA = re.compile(r"\bq\s*=\s*(?P<quota>\d+)")
_RATE_LIMIT = re.compile(r'"[^"]*"\s*;\s*r\s*=\s*(?P<remaining>\d+)\s*;\s*t\s*=\s*(?P<reset>\d+)')


@dataclass(frozen=True, slots=True)
class Budget:
    """How patient to be with one request: tries in all, and seconds from the first try to the last.

    Waits double from `first_wait_seconds` up to `longest_wait_seconds` unless the Hub names its own.
    """

    attempts: int = 6
    total_seconds: float = 330.0
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed try: its status (None: no answer came) and the wait that the Hub asked for, if any.

    `was_sent` is false where the connection was never made, so that nothing can have happened.
    """

    status: int | None
    asked_seconds: float | None = None
    was_sent: bool = True

    @property
    def is_ambiguous(self) -> bool:
        """Whether what was asked for may have been done all the same."""
        return self.was_sent and (self.status is None or self.status in _AMBIGUOUS_STATUSES)


def decide_retry(
    failure: Failure, *, attempt: int, elapsed_seconds: float, budget: Budget, jitter: float
) -> float | None:
    """Seconds to wait before the next try, or None to give up.

    `attempt` counts from 1, `jitter` is a random number in [0, 1). A wait that the Hub asked for is never
    shortened; one that does not fit the budget ends it at once.
    """
    if attempt >= budget.attempts:
        return None
    if failure.asked_seconds is not None:
        wait_seconds = failure.asked_seconds + jitter
    else:
        doubled = budget.first_wait_seconds * 2 ** (attempt - 1)
        wait_seconds = min(budget.longest_wait_seconds, doubled) * (0.5 + jitter / 2)
    return wait_seconds if elapsed_seconds + wait_seconds <= budget.total_seconds else None


def read_asked_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """The wait that an answer asks for: by `RateLimit` where nothing remains, else by `Retry-After`.

    `headers` has lower-case names. RFC 9110 10.2.3: `Retry-After` is a number of seconds or a date.
    """
    limit = _RATE_LIMIT.search(headers.get("ratelimit", ""))
    if limit and limit["remaining"] == "0":
        return float(limit["reset"])
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())


def read_limit(headers: Mapping[str, str]) -> tuple[int | None, int | None]:
    """How many requests are left, and of how many, where an answer tells it."""
    left = _RATE_LIMIT.search(headers.get("ratelimit", ""))
    quota = _QUOTA.search(headers.get("ratelimit-policy", ""))
    return int(left["remaining"]) if left else None, int(quota["quota"]) if quota else None


def read_ahead_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """How much later it is here than an answer's `Date` says, which has no fractions of a second."""
    try:
        date = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return None
    ahead_seconds = (now - (date if date.tzinfo else date.replace(tzinfo=UTC))).total_seconds()
    return 0.0 if 0 <= ahead_seconds < 1 else ahead_seconds

"""What may be deleted at all: rules, what protects from them, and the limits of a sweep. Pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import translate
from functools import cache

from hfdeploy_janitor.errors import RuleInvalid

DELIMITERS = "-_."
DEFAULT_MIN_AGE_SECONDS = 3600.0
DEFAULT_MAX_DELETES = 100

# What trash.write_trash puts behind a prefix leaves room for so much, delimiter included.
_LONGEST_QUARANTINED_PREFIX = 48
_LONGEST_SECONDS = 10 * 365 * 86400

DURATION_PATTERN = r"([0-9]+(?:\.[0-9]+)?) ?([smhdw])"
_DURATION = re.compile(DURATION_PATTERN)
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_NAMESPACE = re.compile(r"[A-Za-z0-9][\w\-.]{0,95}", re.ASCII)
_PREFIX = re.compile(r"[A-Za-z0-9][\w\-.]{0,94}", re.ASCII)


class Kind(StrEnum):
    """What there is to clean up."""

    MODEL = "model"
    DATASET = "dataset"
    SPACE = "space"
    BRANCH = "branch"
    TAG = "tag"
    PULL_REQUEST = "pull-request"
    COLLECTION = "collection"
    WEBHOOK = "webhook"
    BUCKET = "bucket"
    JOB = "job"
    SCHEDULED_JOB = "scheduled-job"
    INFERENCE_ENDPOINT = "inference-endpoint"


REPO_KINDS = (Kind.DATASET, Kind.MODEL, Kind.SPACE)
RUNNING_KINDS = (Kind.INFERENCE_ENDPOINT, Kind.JOB, Kind.SCHEDULED_JOB)
# These lie in a repo, which is what their names are unique in.
INNER_KINDS = (Kind.BRANCH, Kind.PULL_REQUEST, Kind.TAG)
# The Hub does not tell when these were made.
TIMELESS_KINDS = (Kind.BRANCH, Kind.COLLECTION, Kind.TAG, Kind.WEBHOOK)


@dataclass(frozen=True, slots=True)
class Rule:
    """Things of these kinds in a namespace, whose name begins with `prefix` and a delimiter, live so long.

    `marked` narrows it to names that carry a mark which verifies. Without it the prefix is all there is to go
    by, and whoever names a repo so offers it for deletion.
    """

    namespace: str
    prefix: str
    ttl_seconds: float
    kinds: tuple[Kind, ...] = REPO_KINDS
    marked: bool = False

    def __str__(self) -> str:
        return f"{self.namespace}/{self.prefix}*"

    def covers(self, kind: Kind, namespace: str, name: str) -> bool:
        """Whether a thing of that name is one this rule speaks of."""
        if namespace != self.namespace or not name.startswith(self.prefix) or kind not in self.kinds:
            return False
        rest = name[len(self.prefix) :]
        if self.prefix[-1] not in DELIMITERS:
            return len(rest) > 1 and rest[0] in DELIMITERS
        return bool(rest)


@dataclass(frozen=True, slots=True)
class Policy:
    """All rules of a sweep with what holds for every one of them.

    Nothing that is younger than `min_age_seconds`, or was changed since, is touched, whatever a rule says. If
    a plan has more than `max_deletes` targets, or more than `max_percent` of all that was listed, none of it
    is done. With `quarantine_seconds` what expires is put away for so long before it is deleted.
    """

    rules: tuple[Rule, ...]
    protect: tuple[str, ...] = ()
    min_age_seconds: float = DEFAULT_MIN_AGE_SECONDS
    max_deletes: int = DEFAULT_MAX_DELETES
    max_percent: float | None = None
    quarantine_seconds: float | None = None


def check_policy(policy: Policy) -> Policy:
    """The policy itself. Raises RuleInvalid for one that is empty, contradictory or dangerously wide."""
    if not policy.rules:
        raise RuleInvalid("There is no rule.", "Name at least one namespace, prefix and ttl.")
    for rule in policy.rules:
        check_rule(rule, policy.min_age_seconds)
    if policy.min_age_seconds < 0 or policy.max_deletes < 0:
        raise RuleInvalid("A minimum age or a maximum cannot be negative.")
    if policy.quarantine_seconds is not None and not policy.quarantine_seconds > 0:
        raise RuleInvalid("A quarantine of no time is none.", "Make it longer, or leave it out.")
    longest = max(len(delimit(rule.prefix)) for rule in policy.rules)
    if policy.quarantine_seconds is not None and longest > _LONGEST_QUARANTINED_PREFIX:
        raise RuleInvalid(
            f"A prefix of {longest} characters leaves no room for the names of a quarantine.",
            f"Use one of {_LONGEST_QUARANTINED_PREFIX} at most, or leave the quarantine out.",
        )
    if policy.max_percent is not None and not 0 <= policy.max_percent <= 100:
        raise RuleInvalid(f"{policy.max_percent} is no percentage.", "Use a number from 0 to 100.")
    if any(not pattern.strip() for pattern in policy.protect):
        raise RuleInvalid("A pattern to protect is empty.", "Write the name to protect, or remove it.")
    return policy


def check_rule(rule: Rule, min_age_seconds: float) -> None:
    """Raises RuleInvalid for one that is too wide, or shorter than the minimum age."""
    check_namespace(rule.namespace)
    check_prefix(rule.prefix)
    if not rule.kinds:
        raise RuleInvalid(f"The rule for {rule} is about nothing.", "Name at least one type.")
    if not rule.marked and (others := [kind for kind in rule.kinds if kind not in REPO_KINDS]):
        raise RuleInvalid(
            f"The rule for {rule} is about {', '.join(others)}, which go by their marks alone.",
            "Add --marked (marked: true), or leave those types to a rule of their own.",
        )
    if not rule.ttl_seconds >= min_age_seconds:
        raise RuleInvalid(
            f"The ttl of {rule} is shorter than the minimum age.",
            "Make the ttl longer, or lower --min-age (min_age) if even younger things may go.",
        )


def check_namespace(namespace: str) -> None:
    """Raises RuleInvalid for what nobody can be called."""
    if not _NAMESPACE.fullmatch(namespace):
        raise RuleInvalid(f"{namespace!r} is no namespace.", "Name a user or an organization.")


def check_prefix(prefix: str) -> None:
    """Raises RuleInvalid for one that is empty, or with which no name can begin."""
    if not prefix:
        raise RuleInvalid(
            "A prefix is empty: that would be the whole namespace.",
            "Name the prefix that your tests give to what they create, such as hfdeploy-test-.",
        )
    if not _PREFIX.fullmatch(prefix):
        raise RuleInvalid(
            f"{prefix!r} is no prefix of a name.", "Use letters, digits, '-', '_' and '.', no patterns."
        )


def delimit(prefix: str) -> str:
    """The prefix as names go on after it: with a delimiter at its end."""
    return prefix if prefix.endswith(tuple(DELIMITERS)) else f"{prefix}-"


def find_protection(policy: Policy, namespace: str, name: str) -> str | None:
    """The pattern that protects a thing of that name, in any case; patterns cover NAME or NAMESPACE/NAME."""
    lowered = name.lower()
    for pattern in policy.protect:
        covers = _compile(pattern.lower())
        if covers(lowered) or covers(f"{namespace.lower()}/{lowered}"):
            return pattern
    return None


def parse_duration(text: str) -> float:
    """Seconds of `90s`, `30m`, `6h`, `2d`, `1w`. Raises RuleInvalid: a number alone could mean anything, and
    what is longer than ten years leaves the calendar.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise RuleInvalid(f"{text!r} is no duration.", "Write a number and its unit: 90s, 30m, 6h, 2d or 1w.")
    seconds = float(match[1]) * _UNIT_SECONDS[match[2]]
    if seconds > _LONGEST_SECONDS:
        raise RuleInvalid(f"{text!r} is longer than ten years.", "To keep something for good, protect it.")
    return seconds


def format_duration(seconds: float) -> str:
    """About how long, in one unit: `3 h`, `12 min`."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


@cache
def _compile(pattern: str) -> Callable[[str], object]:
    return re.compile(translate(pattern)).match

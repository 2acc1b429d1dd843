"""What a look at the credentials and the way to the Hub has found."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from hfdeploy_core.errors import DeployError

# Identity tokens, signed addresses and certificates take this much, and not much more.
_BAD_SECONDS = 60
_FEW_REQUESTS = 50
# What a token says beside that changes with every job, and is nothing to register.
_PASSING = frozenset(
    {"exp", "iat", "nbf", "jti", "run_id", "run_number", "run_attempt", "sha", "workflow_sha"}
)


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `exit_code` is that of the error that a deploy would end with."""

    level: Level
    subject: str
    words: str
    remedy: str = ""
    exit_code: int = 0


def find_error(subject: str, error: DeployError) -> Finding:
    """What went wrong where it was tried."""
    return Finding(Level.ERROR, subject, error.message, error.remedy, error.exit_code)


def judge_clock(ahead_seconds: float | None) -> Finding:
    """Whether this machine and the Hub agree on the time."""
    if ahead_seconds is None:
        return Finding(Level.WARNING, "clock", "The Hub does not tell the time.")
    if abs(ahead_seconds) < _BAD_SECONDS:
        return Finding(Level.OK, "clock", f"{abs(ahead_seconds):.0f} s from the Hub's")
    which = "ahead of" if ahead_seconds > 0 else "behind"
    return Finding(
        Level.WARNING,
        "clock",
        f"This machine is {abs(ahead_seconds):.0f} s {which} the Hub.",
        "Set it: tokens of a job's identity and certificates may be refused.",
    )


def judge_limit(left: int | None, most: int | None) -> Finding:
    """Whether there are requests left."""
    if left is None:
        return Finding(Level.OK, "limits", "The Hub tells no limit of requests")
    words = f"{left:,} requests left" + (f" of {most:,}" if most is not None else "")
    if left >= _FEW_REQUESTS:
        return Finding(Level.OK, "limits", words)
    return Finding(Level.WARNING, "limits", f"Only {words}.", "Wait a few minutes: a deploy waits as well.")


def judge_resource(resource: str, wanted: str, *, exists: bool) -> Finding | None:
    """What a token of one repo cannot do: anything to another one, or make it."""
    if resource.lower() not in (wanted.lower(), wanted.lower().removeprefix("models/")):
        return Finding(
            Level.ERROR,
            "rights",
            f"The token is for {resource} only, not for {wanted}.",
            f"Set HF_OIDC_RESOURCE to {wanted}, or unset it to use HF_TOKEN.",
            32,
        )
    if not exists:
        return Finding(
            Level.ERROR,
            "rights",
            f"{wanted} does not exist, and a token of one repo cannot make it.",
            "Make it once with a token of yours, and enter this job as its trusted publisher.",
            32,
        )
    return None


def read_claims(identity: str) -> Mapping[str, str] | None:
    """What an identity token says of its job (RFC 7519, 3), but for what changes with each.

    None if it is none. Its signature is the Hub's to check.
    """
    try:
        _, body, _ = identity.split(".")
        claims = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return {name: str(claims[name]) for name in sorted(claims) if name not in _PASSING}
    except (ValueError, TypeError):
        return None


def list_claims(claims: Mapping[str, str]) -> Finding:
    """What to enter, to the letter, so that the Hub knows the job."""
    words = "; ".join(f"{name}={value}" for name, value in claims.items())
    return Finding(
        Level.WARNING,
        "claims",
        f"This job's identity says: {words}.",
        "Enter it as a trusted publisher in the repo's settings, each claim exactly as it stands here.",
    )

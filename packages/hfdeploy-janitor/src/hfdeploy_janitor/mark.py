"""Marks: names that say which run made a thing, when, and until when it may live. Nobody forges them. Pure.

    hfdeploy-test-<run>-<mint>-<expiry>-<mac>

`mint` and `expiry` are seconds since 1970 in hex; `mac` is an HMAC over the endpoint, the namespace, the kind
and all of the name before it. So a thing that was renamed, transferred or copied elsewhere carries no mark
any more, and the time of its making must be near the mint, or the name has been used again.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hfdeploy_janitor.errors import RuleInvalid
from hfdeploy_janitor.model import Thing
from hfdeploy_janitor.rules import TIMELESS_KINDS, Kind, delimit

# How long after its mint a name is used, at most; and how much clocks may differ.
MINT_WINDOW_SECONDS = 900
SKEW_SECONDS = 60

_LONGEST_NAME = 96
_LONGEST_TITLE = 60
_MAC_BYTES = 10
_RUN = re.compile(r"[a-z0-9]+(\.[a-z0-9]+)*", re.ASCII)
_MARK = re.compile(
    r"(?P<unsigned>(?P<prefix>.+?[-_.])(?P<run>[a-z0-9.]+)-(?P<mint>[0-9a-f]{8})-(?P<expiry>[0-9a-f]{8}))"
    r"-(?P<mac>[a-z2-7]{16})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Seal:
    """What marks are made and verified with. Every Hub has marks of its own."""

    endpoint: str
    key: bytes = field(repr=False)

    def sign(self, kind: Kind, scope: str, unsigned: str) -> str:
        """The mac: 80 bits, in the letters that a name may have whatever its case."""
        said = "\n".join((self.endpoint.rstrip("/").lower(), scope.lower(), kind, unsigned))
        digest = hmac.digest(self.key, said.encode(), hashlib.sha256)
        return base64.b32encode(digest[:_MAC_BYTES]).decode().lower()


@dataclass(frozen=True, slots=True)
class Mark:
    """What a marked name says."""

    run: str
    minted_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a mark does not count, as the end of a sentence that begins with the thing."""

    reason: str


NO_MARK = Refusal("carries no mark: its name does not end in run, mint time, expiry and mac")


def write_mark(seal: Seal, kind: Kind, scope: str, prefix: str, mark: Mark) -> str:
    """The marked name. Raises RuleInvalid for what no name can hold."""
    if not _RUN.fullmatch(mark.run):
        raise RuleInvalid(f"{mark.run!r} names no run.", "Use lower-case letters, digits and single dots.")
    if mark.expires_at <= mark.minted_at:
        raise RuleInvalid("The mark would have expired before it was made.", "Give it a longer ttl.")
    unsigned = f"{delimit(prefix)}{mark.run}-{_hex(mark.minted_at)}-{_hex(mark.expires_at)}"
    name = f"{unsigned}-{seal.sign(kind, scope, unsigned)}"
    longest = _LONGEST_TITLE if kind is Kind.COLLECTION else _LONGEST_NAME
    if len(name) > longest or "--" in name or ".." in name:
        raise RuleInvalid(
            f"{name!r} is no name that the Hub allows.",
            f"Use a shorter prefix or run, without '--' or '..': there is room for {longest} characters.",
        )
    return name


def read_mark(name: str) -> Mark | None:
    """What the name says, verified or not; None where it does not look like a mark."""
    match = _MARK.fullmatch(name)
    return _read(match) if match else None


def verify(thing: Thing, seal: Seal) -> Mark | Refusal:
    """The mark of a thing, if this seal made it for this very thing."""
    if thing.kind is Kind.INFERENCE_ENDPOINT:
        return _verify_tags(thing, seal)
    return _verify(thing.name, thing, seal)


def _verify_tags(thing: Thing, seal: Seal) -> Mark | Refusal:
    """One of its tags carries the mark, as its name is too short: of several the one that expires last."""
    marks = list[Mark]()
    for text in (thing.name, *(thing.tags or ())):
        verdict = _verify(text, thing, seal)
        if isinstance(verdict, Mark):
            marks.append(verdict)
        elif verdict is not NO_MARK:
            return verdict
    return max(marks, key=lambda mark: mark.expires_at, default=NO_MARK)


def _verify(text: str, thing: Thing, seal: Seal) -> Mark | Refusal:
    match = _MARK.fullmatch(text)
    if match is None:
        return NO_MARK
    expected = seal.sign(thing.kind, thing.scope, match["unsigned"])
    if not hmac.compare_digest(expected.encode(), match["mac"].encode()):
        return Refusal(
            "has a mac that does not fit: it was made with another key, or renamed, transferred or copied"
            " from another namespace, type or Hub"
        )
    mark = _read(match)
    if thing.kind in TIMELESS_KINDS:
        return mark
    if thing.created_at is None or thing.created_at.tzinfo is None:
        return Refusal("has a mark that fits, but when it was created is unknown")
    late_seconds = (thing.created_at - mark.minted_at).total_seconds()
    if not -SKEW_SECONDS <= late_seconds <= MINT_WINDOW_SECONDS:
        return Refusal(
            f"was created at {thing.created_at:%Y-%m-%d %H:%M} UTC, but its name was minted at"
            f" {mark.minted_at:%Y-%m-%d %H:%M}: the name was used again"
        )
    return mark


def _read(match: re.Match[str]) -> Mark:
    return Mark(match["run"], _moment(match["mint"]), _moment(match["expiry"]))


def _hex(moment: datetime) -> str:
    return f"{int(moment.timestamp()):08x}"


def _moment(text: str) -> datetime:
    return datetime.fromtimestamp(int(text, 16), UTC)

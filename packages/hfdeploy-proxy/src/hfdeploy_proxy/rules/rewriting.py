"""What is changed in the body of an answer, where that is asked for. Pure; nothing is decoded or collected.

A body comes in parts, and what has to be found may lie across two of them: the end of a part is held back
only while it may be the beginning of something, so that an event is not late.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Protocol

from hfdeploy_proxy.rules.errors import Header
from hfdeploy_proxy.rules.headers import values

_TYPES = frozenset((b"text/html", b"application/json", b"text/event-stream"))
_SCHEMES = (b"https:", b"http:", b"wss:", b"ws:", b"")
_SLASHES = (b"//", rb"\/\/")
# Another host or another port that only begins like ours.
_GOES_ON = rb"(?![A-Za-z0-9-]|\.[A-Za-z0-9]|:[0-9])"


class Change(Protocol):
    """One pass over a body."""

    def feed(self, part: bytes, *, last: bool) -> bytes:
        """What can be passed on after this part."""
        ...


class OriginChange:
    """The upstream's origin becomes the relay's: in URLs of HTTP and of WebSockets, without a scheme, and
    with slashes as JSON may escape them.
    """

    def __init__(self, authority: bytes, scheme: bytes, host: bytes, prefix: bytes) -> None:
        self._pattern = re.compile(
            rb"(?:(https?|wss?):)?(//|\\/\\/)" + re.escape(authority) + _GOES_ON, re.IGNORECASE
        )
        lowered = authority.lower()
        self._beginnings = [first + slashes + lowered for first in _SCHEMES for slashes in _SLASHES]
        self._longest = max(map(len, self._beginnings)) + 1
        self._is_secure = scheme == b"https"
        self._place = host + prefix
        self._held = b""

    def feed(self, part: bytes, *, last: bool) -> bytes:
        data = self._held + part
        cut = len(data) if last else self._find_cut(data)
        changed: list[bytes] = []
        done = 0
        for found in self._pattern.finditer(data):
            if found.start() >= cut:
                break
            changed += (data[done : found.start()], self._replace(found))
            done = found.end()
        cut = max(cut, done)
        self._held = data[cut:]
        return b"".join((*changed, data[done:cut]))

    def _replace(self, found: re.Match[bytes]) -> bytes:
        scheme, slashes = found[1], found[2]
        place = self._place if slashes == b"//" else self._place.replace(b"/", rb"\/")
        if scheme is None:
            return slashes + place
        kind = b"ws" if scheme.lower().startswith(b"ws") else b"http"
        return kind + (b"s:" if self._is_secure else b":") + slashes + place

    def _find_cut(self, data: bytes) -> int:
        """Where that begins whose end is still to come."""
        for start in range(max(0, len(data) - self._longest), len(data)):
            if data[start] in b"hHwW/\\":
                tail = data[start:].lower()
                for beginning in self._beginnings:
                    if beginning.startswith(tail) or (tail[:-1] == beginning and tail[-1] in b".:"):
                        return start
        return len(data)


class SecretChange:
    """A secret becomes asterisks, as many as it has letters: lengths and ranges stay true."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._mask = b"*" * len(secret)
        self._held = b""

    def feed(self, part: bytes, *, last: bool) -> bytes:
        data = (self._held + part).replace(self._secret, self._mask)
        cut = len(data) if last else self._find_cut(data)
        self._held = data[cut:]
        return data[:cut]

    def _find_cut(self, data: bytes) -> int:
        start = max(0, len(data) - len(self._secret) + 1)
        while (start := data.find(self._secret[:1], start)) >= 0:
            if self._secret.startswith(data[start:]):
                return start
            start += 1
        return len(data)


def can_rewrite(status: int, headers: Iterable[Header]) -> bool:
    """Whether a body may name origins, and is plain and whole: the length of a range must not change."""
    lowered = [(name.lower(), value) for name, value in headers]
    types = [value.partition(b";")[0].strip().lower() for value in values(lowered, b"content-type")]
    return status != 206 and len(types) == 1 and types[0] in _TYPES and not is_encoded(headers)


def has_body(method: bytes, status: int) -> bool:
    """RFC 9110, section 6.4.1."""
    return method != b"HEAD" and status not in (204, 304)


def is_encoded(headers: Iterable[Header]) -> bool:
    """Whether a body is compressed, though it was asked for as it is."""
    codings = values([(name.lower(), value) for name, value in headers], b"content-encoding")
    return any(coding.strip().lower() not in (b"", b"identity") for coding in codings)


def plan_rewritten_headers(headers: Iterable[Header]) -> list[Header]:
    """Without what is true of the bytes that were sent only (RFC 9110, sections 8.6, 8.8.3 and 14.3)."""
    dropped = (b"content-length", b"etag", b"accept-ranges", b"content-md5", b"digest", b"content-digest")
    return [pair for pair in headers if pair[0].lower() not in dropped]


def apply_changes(changes: Sequence[Change], part: bytes, *, last: bool) -> bytes:
    """One after the other."""
    for change in changes:
        part = change.feed(part, last=last)
    return part

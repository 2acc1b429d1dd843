"""The token for the upstream, from a setting or from a file that may change."""

import re
from pathlib import Path
from typing import Literal, Protocol

from hfdeploy_proxy.rules.errors import Header, TokenMissing

AuthMode = Literal["authorization", "x-hf-authorization"]

_LOOK_AGAIN_SECONDS = 1.0
# What may stand in a header (RFC 6750, section 2.1).
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")


class Clock(Protocol):
    """Seconds that only go forward."""

    def __call__(self) -> float: ...


def is_token(text: str) -> bool:
    """Whether a text can be sent as a bearer token."""
    return bool(_TOKEN.fullmatch(text))


class Credentials:
    """The header that opens the upstream. A file is looked at once a second at most.

    A file that is gone or empty is a missing token: the last one known may have been revoked.
    """

    def __init__(self, token: str | None, file: Path | None, mode: AuthMode, clock: Clock) -> None:
        self._file = file
        self._name = mode.encode()
        self._clock = clock
        self._header = self._make(token)
        self._seen: tuple[int, int, int] | None = None
        self._look_at = float("-inf")

    def header(self) -> Header:
        """Name and value. Raises TokenMissing."""
        if self._file is not None and (now := self._clock()) >= self._look_at:
            self._look_at = now + _LOOK_AGAIN_SECONDS
            self._refresh(self._file)
        if self._header is None:
            raise TokenMissing("none is set, or its file is gone, empty or holds something else")
        return self._header

    def _refresh(self, file: Path) -> None:
        try:
            status = file.stat()
            seen = (status.st_mtime_ns, status.st_size, status.st_ino)
            if seen != self._seen:
                self._header = self._make(file.read_text().strip())
                self._seen = seen
        except (OSError, UnicodeDecodeError):
            self._header = self._seen = None

    def _make(self, token: str | None) -> Header | None:
        return (self._name, b"Bearer " + token.encode()) if token and is_token(token) else None

"""A Space at run time, as frozen values (hub-api 8)."""

from dataclasses import dataclass
from enum import StrEnum


class LogKind(StrEnum):
    """The two logs of a Space."""

    BUILD = "build"
    RUN = "run"


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a Space is doing. `stage` is the Hub's word, which may be one that no client knows yet.

    `commit` is the one that answers requests; while none does, the one that `stage` is about.
    """

    stage: str
    commit: str | None = None
    error_message: str | None = None
    hardware: str | None = None


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a log, without its newline, and when it was written (ISO 8601)."""

    text: str
    timestamp: str = ""


@dataclass(frozen=True, slots=True)
class AppReply:
    """What an app answered. 101 is a WebSocket that was opened; `body` is no more than was asked for."""

    status: int
    body: str = ""

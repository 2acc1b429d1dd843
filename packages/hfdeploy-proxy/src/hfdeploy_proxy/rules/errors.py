"""What can go wrong, and what the client is told: one table, in the shape of RFC 9457.

    RequestRefused            4xx   the client's fault: nothing reaches the upstream
    UpstreamError
    ├── TargetUnknown         503   nobody can say where the upstream is
    ├── TokenMissing          503   without a token nothing is relayed
    ├── UpstreamUnreachable   502   no connection
    ├── ConnectTimedOut       504   no connection in time
    ├── CircuitOpen           503   it accepted none of the last connections: not tried again at once
    ├── PoolExhausted         503   every connection is taken
    ├── UpstreamClosed        502   it closed the connection before it answered
    ├── AnswerInvalid         502   what it sent is not HTTP, or not an answer to what was asked
    ├── AnswerCompressed      502   it compressed what has to be searched
    ├── AnswerTimedOut        504   it did not answer in time
    ├── SpaceUnavailable            it is a Space, and the Hub says why it does not answer
    │   ├── SpaceAsleep       503
    │   ├── SpaceBuilding     503
    │   ├── SpaceStarting     503
    │   ├── SpacePaused       503
    │   └── SpaceBroken       503
    └── AnswerTruncated        -    it stopped in the middle: the client's connection is closed

No text here names an address, a token or a line of code: the client learns what happened and what to do.
"""

import json
from dataclasses import dataclass
from typing import ClassVar

Header = tuple[bytes, bytes]

PROBLEM_TYPES = "/_relay/problems/"


@dataclass(frozen=True, slots=True)
class Problem:
    """One row of the table: RFC 9457, section 3.1."""

    status: int
    name: str
    title: str
    detail: str
    retry_after_seconds: int | None = None
    extra: tuple[Header, ...] = ()

    def body(self) -> bytes:
        """The problem as JSON."""
        members = {
            "type": PROBLEM_TYPES + self.name,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        return json.dumps(members).encode()

    def headers(self, body: bytes) -> list[Header]:
        """The headers of an answer that holds ``body``."""
        found = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (b"connection", b"close"),
            *self.extra,
        ]
        if self.retry_after_seconds is not None:
            found.append((b"retry-after", str(self.retry_after_seconds).encode()))
        return found


PATH_INVALID = Problem(400, "path-invalid", "Bad path", "The path must begin with exactly one slash.")
HOST_INVALID = Problem(
    400, "host-invalid", "Bad Host", "The request must have exactly one Host header, which names a host."
)
FRAMING_INVALID = Problem(
    400, "framing-invalid", "Bad framing", "Content-Length and Transfer-Encoding contradict each other."
)
HEADER_INVALID = Problem(
    400, "header-invalid", "Bad header", "A header holds a line break or another control character."
)
REQUEST_INVALID = Problem(
    400, "request-invalid", "Bad request", "This is no request of HTTP/1.1, or its method is not known here."
)
HANDSHAKE_INVALID = Problem(  # RFC 6455, section 4.4
    400,
    "handshake-invalid",
    "Bad handshake",
    "This is no handshake of a WebSocket of version 13.",
    extra=((b"sec-websocket-version", b"13"),),
)
CODING_UNKNOWN = Problem(
    501, "coding-unknown", "Unknown transfer coding", "The only transfer coding understood here is chunked."
)
PAGE_UNKNOWN = Problem(404, "page-unknown", "Not found", "The relay itself has no such page.")
METHOD_REFUSED = Problem(405, "method-refused", "Method not allowed", "This relay does not pass this method.")
ORIGIN_REFUSED = Problem(
    403, "origin-refused", "Origin not allowed", "Pages of this origin may not use this relay."
)
PATH_REFUSED = Problem(403, "path-refused", "Path not allowed", "This relay does not lead to this path.")
KEY_REFUSED = Problem(
    401,
    "key-refused",
    "API key needed",
    "Send a valid key as X-API-Key, or as Authorization: Bearer.",
    extra=((b"www-authenticate", b'Bearer realm="relay"'),),
)
RATE_LIMITED = Problem(429, "rate-limited", "Too many requests", "Ask again when Retry-After is over.", 1)
BODY_TOO_LARGE = Problem(
    413, "body-too-large", "Body too large", "The body is longer than this relay lets pass."
)
HEADERS_TOO_LARGE = Problem(
    431, "headers-too-large", "Headers too large", "The headers are longer than this relay lets pass."
)
HEADERS_TOO_SLOW = Problem(
    408, "headers-too-slow", "Request timed out", "The headers of the request did not come in time."
)
TOO_BUSY = Problem(503, "too-busy", "Too busy", "This relay has as many requests as it takes at a time.", 1)
RELAY_FAILED = Problem(500, "relay-failed", "Out of order", "The relay has failed; its log says where.")
LOOP_DETECTED = Problem(508, "loop-detected", "Loop detected", "The request has come back to where it was.")


class RequestRefused(Exception):
    """The client asked for what is not relayed: ``refusal`` says why."""

    def __init__(self, refusal: Problem) -> None:
        super().__init__(refusal.title)
        self.refusal = refusal


class UpstreamError(Exception):
    """The upstream, or the way to it, failed; the message is for the log."""

    problem: ClassVar[Problem]


class TargetUnknown(UpstreamError):
    problem: ClassVar[Problem] = Problem(
        503, "target-unknown", "Upstream not known", "Where the upstream is could not be found out.", 5
    )


class TokenMissing(UpstreamError):
    problem: ClassVar[Problem] = Problem(
        503, "token-missing", "Not configured", "This relay has no token for its upstream; set HF_TOKEN."
    )


class UpstreamUnreachable(UpstreamError):
    problem: ClassVar[Problem] = Problem(
        502, "upstream-unreachable", "Upstream unreachable", "The upstream accepts no connection.", 5
    )


class ConnectTimedOut(UpstreamError):
    problem: ClassVar[Problem] = Problem(
        504, "connect-timed-out", "Upstream unreachable", "The upstream accepted no connection in time.", 5
    )


class CircuitOpen(UpstreamError):
    problem: ClassVar[Problem] = Problem(
        503, "circuit-open", "Upstream unreachable", "The upstream accepts no connections at the moment.", 2
    )


class PoolExhausted(UpstreamError):
    problem: ClassVar[Problem] = Problem(
        503, "pool-exhausted", "Too busy", "All connections to the upstream are taken.", 1
    )


class UpstreamClosed(UpstreamError):
    problem: ClassVar[Problem] = Problem(
        502, "upstream-closed", "No answer", "The upstream closed the connection before it answered."
    )


class AnswerInvalid(UpstreamError):
    problem: ClassVar[Problem] = Problem(
        502, "answer-invalid", "Bad answer", "What the upstream sent is not a valid answer."
    )


class AnswerCompressed(UpstreamError):
    problem: ClassVar[Problem] = Problem(
        502,
        "answer-compressed",
        "Answer withheld",
        "The upstream compressed its answer unasked: it cannot be searched for what must not leave.",
    )


class AnswerTimedOut(UpstreamError):
    problem: ClassVar[Problem] = Problem(
        504, "answer-timed-out", "No answer in time", "The upstream did not answer in time."
    )


class SpaceUnavailable(UpstreamError):
    """What is behind the relay is a Space that does not run."""


class SpaceAsleep(SpaceUnavailable):
    problem: ClassVar[Problem] = Problem(
        503, "space-asleep", "Waking up", "The application was asleep and is waking up.", 10
    )


class SpaceBuilding(SpaceUnavailable):
    problem: ClassVar[Problem] = Problem(
        503, "space-building", "Being built", "The application is being built.", 20
    )


class SpaceStarting(SpaceUnavailable):
    problem: ClassVar[Problem] = Problem(503, "space-starting", "Starting", "The application is starting.", 5)


class SpacePaused(SpaceUnavailable):
    problem: ClassVar[Problem] = Problem(
        503, "space-paused", "Paused", "The application is paused until its owner starts it again.", 60
    )


class SpaceBroken(SpaceUnavailable):
    problem: ClassVar[Problem] = Problem(
        503, "space-broken", "Out of order", "The application does not start; its owner finds out why.", 60
    )


class AnswerTruncated(UpstreamError):
    """Has no problem body: the answer had begun."""

    problem: ClassVar[Problem] = AnswerInvalid.problem


class ClientGone(Exception):
    """The client has left: there is nobody to answer."""

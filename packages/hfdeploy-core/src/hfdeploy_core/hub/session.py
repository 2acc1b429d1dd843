"""An HTTP client that waits out a busy Hub, for the requests that huggingface_hub makes.

It goes under huggingface_hub, whose own retries never come to bear: what it would retry is either answered
or raised as something that it does not know. So each request has one budget, and no retries multiply.
"""

import re

import httpx2

from hfdeploy_core.hub.patience import GaveUp, Patience, repeat
from hfdeploy_core.hub.retry import RETRIED_STATUSES, Failure, read_asked_seconds

# Generous: the Hub may think long about a large commit. Without any, a dead network would hang for ever.
TIMEOUT = httpx2.Timeout(connect=15.0, read=180.0, write=60.0, pool=None)

_TRANSPORT_FAULTS = (
    httpx2.TimeoutException,
    httpx2.NetworkError,
    httpx2.RemoteProtocolError,
    httpx2.ProxyError,
)
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)

# Asked by huggingface_hub on its own account; without an answer it goes on, so there is nothing to wait for.
_OPTIONAL_PATHS = ("/api/agent-harnesses", "/api/telemetry")

# huggingface_hub repeats a creation without pause or end while it reads this (hub-api 1.3).
_BUSY_CREATING = b"another conflicting operation is in progress"


class PatientClient(httpx2.Client):
    """Repeats requests over `inner`, the client that would have been used, with its proxies and hooks."""

    def __init__(self, inner: httpx2.Client, patience: Patience) -> None:
        # The transport is never used: building a real one costs a TLS context.
        super().__init__(transport=httpx2.BaseTransport(), timeout=TIMEOUT, follow_redirects=True)
        self._inner = inner
        self._patience = patience

    def send(self, request: httpx2.Request, **options: object) -> httpx2.Response:
        """Send until there is an answer worth returning. Raises GaveUp."""
        is_streamed = not isinstance(request.stream, httpx2.ByteStream)
        # A file being streamed cannot be sent again from here; huggingface_hub rewinds and repeats it.
        if is_streamed or request.url.path.startswith(_OPTIONAL_PATHS):
            return self._inner.send(request, **options)  # type: ignore[arg-type]
        return repeat(
            lambda: self._try(request, options), self._patience, makes_a_commit=_makes_a_commit(request)
        )

    def close(self) -> None:
        """Close the inner client too."""
        self._inner.close()
        super().close()

    def _try(self, request: httpx2.Request, options: dict[str, object]) -> httpx2.Response | GaveUp:
        url = str(request.url)
        try:
            response = self._inner.send(request, **options)  # type: ignore[arg-type]
            if not _is_busy(response):
                return response
            response.read()
            response.close()
        except _TRANSPORT_FAULTS as error:
            gave_up = GaveUp(Failure(None, was_sent=not isinstance(error, _NEVER_SENT)), url, _name(error))
            gave_up.__cause__ = error
            return gave_up
        asked_seconds = read_asked_seconds(response.headers, self._patience.clock.now())
        return GaveUp(
            Failure(response.status_code, asked_seconds), url, f"it answered {response.status_code}"
        )


def _is_busy(response: httpx2.Response) -> bool:
    if response.status_code == 409 and response.request.url.path.endswith("/repos/create"):
        return _BUSY_CREATING in response.read()
    return response.status_code in RETRIED_STATUSES


def _makes_a_commit(request: httpx2.Request) -> bool:
    return request.method == "POST" and "/commit/" in request.url.path


def _name(error: Exception) -> str:
    text = re.sub(r"^\[Errno -?\d+\] ", "", str(error).strip().rstrip("."))
    return text or type(error).__name__

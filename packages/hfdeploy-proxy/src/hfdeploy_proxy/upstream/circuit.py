"""A circuit breaker: an upstream that accepts no connection is not asked for one by every request."""

from collections.abc import Callable

from hfdeploy_proxy.rules.errors import CircuitOpen

_FAILURES = 10
_PAUSE_SECONDS = 1.0


class Circuit:
    """Opens after some failures in a row; then one attempt a second, and the first that succeeds closes it.

    It is about making connections: requests on those that are there neither look at it nor pay for it.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._try_at = 0.0

    def check(self) -> None:
        """Before an attempt. Raises CircuitOpen."""
        if self._failures < _FAILURES:
            return
        now = self._clock()
        if now < self._try_at:
            raise CircuitOpen(f"{self._failures} connections in a row have failed")
        self._try_at = now + _PAUSE_SECONDS

    def failed(self) -> None:
        """An attempt has failed."""
        self._failures += 1
        self._try_at = self._clock() + _PAUSE_SECONDS

    def succeeded(self) -> None:
        """An attempt has succeeded."""
        self._failures = 0

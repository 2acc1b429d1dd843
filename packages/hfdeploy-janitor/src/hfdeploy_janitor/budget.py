"""How many requests may be sent: the Hub allows so many within five minutes."""

from collections import deque

from hfdeploy_core.clock import Clock
from hfdeploy_janitor.errors import BudgetSpent

DEFAULT_REQUESTS = 1000
WINDOW_SECONDS = 300.0


class Budget:
    """At most `requests` within any window of five minutes, however many sweeps share it."""

    def __init__(self, clock: Clock, requests: int = DEFAULT_REQUESTS) -> None:
        self._clock = clock
        self._requests = requests
        self._sent = deque[float]()

    @property
    def left(self) -> int:
        """How many may be sent now."""
        oldest_seconds = self._clock.seconds() - WINDOW_SECONDS
        while self._sent and self._sent[0] <= oldest_seconds:
            self._sent.popleft()
        return self._requests - len(self._sent)

    def take(self) -> None:
        """Counts one request. Raises BudgetSpent where none is left."""
        if self.left <= 0:
            raise BudgetSpent(f"The {self._requests} requests of this sweep's five minutes are spent.")
        self._sent.append(self._clock.seconds())

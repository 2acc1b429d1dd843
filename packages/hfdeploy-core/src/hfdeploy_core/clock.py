"""Time as a parameter: what waits or measures is handed a clock."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Time as the retries and the apply see it."""

    def seconds(self) -> float:
        """Monotonic seconds since an arbitrary moment: only differences mean something."""
        ...

    def now(self) -> datetime:
        """The wall clock, with a time zone: to understand dates that the Hub names."""
        ...

    def sleep(self, seconds: float) -> None:
        """Do nothing for that long."""
        ...


class SystemClock:
    """The machine's own clock."""

    def seconds(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

"""What is counted while requests pass: plain numbers, so that counting costs next to nothing."""

from bisect import bisect_left
from dataclasses import asdict, dataclass, field
from typing import Any

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


@dataclass(slots=True)
class Tally:
    """Since the start of a process. ``buckets`` are how many answers began within which of SECONDS."""

    requests: int = 0
    sockets: int = 0
    open_requests: int = 0
    open_sockets: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    problems: dict[str, int] = field(default_factory=dict)
    buckets: list[int] = field(default_factory=lambda: [0] * (len(SECONDS) + 1))
    seconds: float = 0.0

    def answered(self, status: int, seconds: float) -> None:
        """An answer begins."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.buckets[bisect_left(SECONDS, seconds)] += 1
        self.seconds += seconds

    def failed(self, name: str) -> None:
        """A request was refused or could not be relayed."""
        self.problems[name] = self.problems.get(name, 0) + 1

    def snapshot(self) -> dict[str, Any]:
        """As JSON has it."""
        found = asdict(self)
        found["statuses"] = {str(status): count for status, count in self.statuses.items()}
        return found

"""Repeating what failed: the one loop behind both ways of sending a request."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

from hfdeploy_core.clock import Clock
from hfdeploy_core.hub.retry import Budget, Failure, decide_retry

T = TypeVar("T")


class GaveUp(Exception):
    """A request failed for good. No client's own error, so that huggingface_hub lets it pass."""

    def __init__(self, failure: Failure, url: str, message: str) -> None:
        super().__init__(message)
        self.failure = failure
        self.url = url
        self.message = message


@dataclass(frozen=True, slots=True)
class Patience:
    """What waiting needs: a budget, a clock, random numbers in [0, 1), and someone to tell (seconds, why)."""

    budget: Budget
    clock: Clock
    random: Callable[[], float]
    on_wait: Callable[[float, str], None]


def repeat(attempt: Callable[[], T | GaveUp], patience: Patience, *, makes_a_commit: bool) -> T:
    """Try until there is an answer worth returning. Raises GaveUp.

    A commit is not repeated where it may have been made: who asked for it has to look first.
    """
    started_seconds = patience.clock.seconds()
    for tries in count(1):
        answer = attempt()
        if not isinstance(answer, GaveUp):
            return answer
        wait_seconds = None
        if not (makes_a_commit and answer.failure.is_ambiguous):
            wait_seconds = decide_retry(
                answer.failure,
                attempt=tries,
                elapsed_seconds=patience.clock.seconds() - started_seconds,
                budget=patience.budget,
                jitter=patience.random(),
            )
        if wait_seconds is None:
            raise answer
        patience.on_wait(wait_seconds, answer.message)
        patience.clock.sleep(wait_seconds)
    raise AssertionError("count() ends")

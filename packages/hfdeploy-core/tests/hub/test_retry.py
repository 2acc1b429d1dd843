from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_core.hub.retry import (
    Budget,
    Failure,
    decide_retry,
    read_ahead_seconds,
    read_asked_seconds,
    read_limit,
)

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
JITTER = st.floats(0, 1, exclude_max=True)
BUDGET = Budget(attempts=6, total_seconds=100, first_wait_seconds=1, longest_wait_seconds=8)


@given(JITTER, st.integers(1, 10), st.floats(0, 1000), st.none() | st.floats(0, 1000))
def test_waits_are_bounded_and_what_was_asked_for_is_never_shortened(jitter, attempt, elapsed, asked) -> None:
    failure = Failure(503, asked_seconds=asked)
    wait = decide_retry(failure, attempt=attempt, elapsed_seconds=elapsed, budget=BUDGET, jitter=jitter)
    if wait is None:
        assert attempt >= BUDGET.attempts or elapsed + (asked if asked is not None else 8) + 1 > 100
        return
    assert attempt < BUDGET.attempts
    assert elapsed + wait <= BUDGET.total_seconds
    if asked is None:
        assert 0 < wait <= BUDGET.longest_wait_seconds
    else:
        assert asked <= wait <= asked + 1


def test_without_a_word_from_the_hub_waits_double_up_to_the_longest() -> None:
    waits = [
        decide_retry(Failure(None), attempt=attempt, elapsed_seconds=0, budget=BUDGET, jitter=0.999999)
        for attempt in range(1, 7)
    ]
    assert waits == [pytest.approx(wait, rel=1e-3) for wait in (1, 2, 4, 8, 8)] + [None]


@given(JITTER)
def test_all_the_waits_of_one_request_fit_the_budget(jitter: float) -> None:
    elapsed, attempt = 0.0, 1
    budget = Budget()
    while wait := decide_retry(
        Failure(500), attempt=attempt, elapsed_seconds=elapsed, budget=budget, jitter=jitter
    ):
        elapsed, attempt = elapsed + wait, attempt + 1
    assert attempt == budget.attempts
    assert elapsed <= budget.total_seconds


def test_a_wait_that_does_not_fit_ends_it_at_once() -> None:
    failure = Failure(429, asked_seconds=3600)
    assert decide_retry(failure, attempt=1, elapsed_seconds=0, budget=Budget(), jitter=0) is None


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        ({}, None),
        ({"retry-after": "12"}, 12),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:30 GMT"}, 30),
        ({"retry-after": "Sat, 21 Nov 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "21 Nov 2026 12:00:30"}, 30),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "²"}, None),
        ({"ratelimit": '"api";r=0;t=12'}, 12),
        ({"ratelimit": '"api"; r=0; t=12', "retry-after": "3"}, 12),
        ({"ratelimit": '"api";r=5;t=12'}, None),
        ({"ratelimit": '"api";r=5;t=12', "retry-after": "3"}, 3),
        ({"ratelimit": "nonsense"}, None),
    ],
)
def test_the_hubs_wish_is_read_from_either_header(headers: dict[str, str], asked: float | None) -> None:
    assert read_asked_seconds(headers, NOW) == asked


@pytest.mark.parametrize(
    ("failure", "ambiguous"),
    [
        (Failure(None), True),
        (Failure(None, was_sent=False), False),
        (Failure(500), True),
        (Failure(502), True),
        (Failure(504), True),
        (Failure(503), False),
        (Failure(429), False),
    ],
)
def test_only_some_failures_leave_it_open_whether_it_was_done(failure: Failure, ambiguous: bool) -> None:
    assert failure.is_ambiguous is ambiguous


@pytest.mark.parametrize(
    ("date", "ahead_seconds"),
    [
        ("Thu, 01 Jan 2026 00:00:00 GMT", 0.0),
        ("Wed, 31 Dec 2025 23:58:20 GMT", 100.5),
        ("Thu, 01 Jan 2026 00:01:00 -0000", -59.5),
        ("yesterday", None),
        ("", None),
    ],
)
def test_how_far_this_clock_is_ahead(date: str, ahead_seconds: float | None) -> None:
    now = datetime(2026, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)
    assert read_ahead_seconds({"date": date}, now) == ahead_seconds


def test_the_limit_is_read_where_it_is_told() -> None:
    told = {
        "ratelimit": '"api";r=480;t=12',
        "ratelimit-policy": '"fixed window";"api";q=500;w=300',
    }
    assert read_limit(told) == (480, 500)
    assert read_limit({}) == (None, None)

"""Invariants 7 and 8, of decisions alone: what must never add a deletion, and what must change nothing."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_core.testing import FakeClock
from hfdeploy_janitor.decide import plan_sweep
from hfdeploy_janitor.model import Listing, Thing
from hfdeploy_janitor.rules import Kind, Policy
from hfdeploy_janitor.sweep import make_plan
from hfdeploy_janitor.testing import FakeHub

from .machine import NAMES, policies

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SECONDS = st.integers(-3600, 40 * 3600)
TAGS = st.sampled_from(
    ["hfdeploy-keep", "hfdeploy-expires-2026-01-01T20:00:00Z", "hfdeploy-expires-x", "pet"]
)


def build(name: str, number: int, age_seconds: int, quiet_seconds: int, tags: Sequence[str]) -> Thing:
    made_at = NOW - timedelta(seconds=age_seconds)
    id = f"{int(made_at.timestamp()):08x}{number:016x}"
    changed_at = NOW - timedelta(seconds=min(age_seconds, quiet_seconds))
    return Thing(Kind.MODEL, "alice", name, id, made_at, changed_at, "sha", tuple(tags))


things = st.lists(
    st.builds(
        build, st.sampled_from(NAMES), st.integers(0, 99), SECONDS, SECONDS, st.lists(TAGS, max_size=1)
    ),
    max_size=8,
    unique_by=lambda thing: thing.name,
)


def targets(found: Sequence[Thing], policy: Policy, now: datetime = NOW) -> set[Thing]:
    plan = plan_sweep([Listing("alice", Kind.MODEL, tuple(found))], policy, now, endpoint="")
    return {target.thing for target in plan.targets}


@given(things, policies, st.integers(0, 10**6))
def test_a_clock_that_goes_back_adds_nothing(found: list[Thing], policy: Policy, seconds: int) -> None:
    assert targets(found, policy, NOW - timedelta(seconds=seconds)) <= targets(found, policy)


@given(things, policies, st.integers(0, 10**6))
def test_longer_lives_add_nothing(found: list[Thing], policy: Policy, seconds: int) -> None:
    rules = tuple(replace(rule, ttl_seconds=rule.ttl_seconds + seconds) for rule in policy.rules)
    assert targets(found, replace(policy, rules=rules)) <= targets(found, policy)
    longer = replace(policy, min_age_seconds=policy.min_age_seconds + seconds)
    assert targets(found, longer) <= targets(found, policy)


@given(things, policies, st.sampled_from(["*", "test*", "alice/test-1", "none"]))
def test_protection_adds_nothing_and_takes_away_what_it_names(
    found: list[Thing], policy: Policy, pattern: str
) -> None:
    protected = targets(found, replace(policy, protect=(*policy.protect, pattern)))
    assert protected <= targets(found, policy)
    assert not (pattern == "*" and protected)


@given(things, policies)
def test_a_rule_that_is_narrowed_adds_nothing(found: list[Thing], policy: Policy) -> None:
    narrowed = tuple(replace(rule, marked=True) for rule in policy.rules)
    assert targets(found, replace(policy, rules=narrowed)) <= targets(found, policy)


@given(things, policies, st.randoms())
def test_the_order_of_a_listing_changes_nothing(found: list[Thing], policy: Policy, random) -> None:  # type: ignore[no-untyped-def]
    shuffled = random.sample(found, len(found))
    first, second = (
        plan_sweep([Listing("alice", Kind.MODEL, tuple(listed))], policy, NOW, endpoint="")
        for listed in (found, shuffled)
    )
    assert first == second


@given(things, policies, st.integers(1, 9))
def test_the_size_of_pages_changes_nothing(found: list[Thing], policy: Policy, size: int) -> None:
    plans = []
    for page_size in (1000, size):
        clock = FakeClock(NOW)
        hub = FakeHub(clock, page_size=page_size)
        for thing in found:
            hub.put(thing)
        rules = tuple(replace(rule, marked=False) for rule in policy.rules)
        plans.append(make_plan(hub, replace(policy, rules=rules), clock))
    assert plans[0] == plans[1]

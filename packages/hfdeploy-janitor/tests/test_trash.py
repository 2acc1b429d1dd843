from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hfdeploy_janitor.decide import decide
from hfdeploy_janitor.model import Delete, Keep, Quarantine, Thing
from hfdeploy_janitor.rules import Kind, Policy, Rule, check_policy
from hfdeploy_janitor.trash import Trash, read_trash, write_trash

NOW = datetime(2026, 1, 2, tzinfo=UTC)
MADE = NOW - timedelta(hours=30)
ID = f"{int(MADE.timestamp()):08x}{7:016x}"
POLICY = Policy((Rule("alice", "test-", 21600.0),), quarantine_seconds=86400.0)
THING = Thing(Kind.MODEL, "alice", "test-1", ID, MADE, MADE, "sha")


@pytest.mark.parametrize("prefix", ["test", "test-"])
def test_a_name_says_since_when_and_until_when_and_whose_it_is(prefix: str) -> None:
    name = write_trash(prefix, ID, NOW, 86400.0)
    assert name == f"test-trash-{int(NOW.timestamp()):08x}-{int(NOW.timestamp()) + 86400:08x}-{ID}"
    assert read_trash(name) == Trash(NOW, NOW + timedelta(days=1), ID)
    assert write_trash("mine_", ID, NOW, 1.0).startswith("mine_trash-")


def test_the_longest_prefix_of_a_quarantine_makes_the_longest_name() -> None:
    for prefix in ("x" * 47, "x" * 47 + "-"):
        check_policy(replace(POLICY, rules=(replace(POLICY.rules[0], prefix=prefix),)))
        assert len(write_trash(prefix, ID, NOW, 1.0)) == 96


@pytest.mark.parametrize("name", ["test-1", f"test-trash-{ID}", f"x-trash-00000000-00000000-{ID}x", "trash"])
def test_other_names_are_none(name: str) -> None:
    assert read_trash(name) is None


def put(since: datetime, **changes: object) -> Thing:
    return replace(THING, name=write_trash("test-", ID, since, 86400.0), **changes)  # type: ignore[arg-type]


def test_what_expires_is_put_away_first() -> None:
    decision = decide(THING, POLICY, NOW)
    assert isinstance(decision, Quarantine)
    assert decision.trash_name == write_trash("test-", ID, NOW, 86400.0)
    assert isinstance(decide(replace(THING, created_at=NOW, changed_at=NOW), POLICY, NOW), Keep)


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (put(NOW - timedelta(hours=23)), "in quarantine until 2026-01-02 01:00 UTC"),
        (put(NOW - timedelta(hours=25), id=f"{ID[:8]}{8:016x}"), "something else in quarantine"),
        (put(NOW - timedelta(hours=25), changed_at=NOW - timedelta(hours=24)), "changed while"),
        (put(NOW - timedelta(hours=25), tags=("hfdeploy-keep",)), "tagged"),
        (put(NOW - timedelta(hours=25), created_at=None), "unknown"),
    ],
)
def test_what_is_put_away_is_kept_in_doubt(thing: Thing, words: str) -> None:
    decision = decide(thing, POLICY, NOW)
    assert isinstance(decision, Keep)
    assert words in decision.reason


def test_it_goes_exactly_when_its_time_is_over() -> None:
    thing = put(NOW - timedelta(hours=24))
    expected = Delete("its quarantine ended at 2026-01-02 00:00 UTC", 0)
    assert decide(thing, POLICY, NOW) == expected
    assert isinstance(decide(thing, POLICY, NOW - timedelta(seconds=1)), Keep)
    assert isinstance(decide(replace(thing, changed_at=NOW - timedelta(hours=24)), POLICY, NOW), Delete)
    marking = replace(POLICY, rules=(replace(POLICY.rules[0], marked=True),), quarantine_seconds=None)
    assert decide(thing, marking, NOW) == expected

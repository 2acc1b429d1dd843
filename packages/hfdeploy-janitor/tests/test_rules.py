from dataclasses import replace

import pytest

from hfdeploy_janitor.errors import RuleInvalid
from hfdeploy_janitor.rules import (
    Kind,
    Policy,
    Rule,
    check_policy,
    find_protection,
    format_duration,
    parse_duration,
)

RULE = Rule("alice", "hfdeploy-test-", 21600.0)


@pytest.mark.parametrize(
    ("prefix", "name", "covered"),
    [
        ("test-", "test-1", True),
        ("test-", "test-", False),
        ("test-", "tests-1", False),
        ("test", "test-1", True),
        ("test", "test_1", True),
        ("test", "test-", False),
        ("test", "testing", False),
        ("test", "test", False),
        ("test-", "Test-1", False),
        ("test-", "my-test-1", False),
        ("te.t-", "test-1", False),
    ],
)
def test_a_prefix_ends_at_a_delimiter(prefix: str, name: str, covered: bool) -> None:
    assert replace(RULE, prefix=prefix).covers(Kind.MODEL, "alice", name) is covered


def test_another_namespace_or_kind_is_not_covered() -> None:
    rule = replace(RULE, kinds=(Kind.SPACE,))
    assert rule.covers(Kind.SPACE, "alice", "hfdeploy-test-1")
    assert not rule.covers(Kind.MODEL, "alice", "hfdeploy-test-1")
    assert not rule.covers(Kind.SPACE, "alicee", "hfdeploy-test-1")
    assert not rule.covers(Kind.SPACE, "Alice", "hfdeploy-test-1")


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (Policy(()), "no rule"),
        (Policy((replace(RULE, prefix=""),)), "whole namespace"),
        (Policy((replace(RULE, prefix="*"),)), "no prefix"),
        (Policy((replace(RULE, prefix="-"),)), "no prefix"),
        (Policy((replace(RULE, namespace=""),)), "no namespace"),
        (Policy((replace(RULE, namespace="a/b"),)), "no namespace"),
        (Policy((replace(RULE, kinds=()),)), "about nothing"),
        (Policy((replace(RULE, ttl_seconds=3599.0),)), "shorter than the minimum age"),
        (Policy((replace(RULE, ttl_seconds=float("nan")),)), "shorter than the minimum age"),
        (Policy((RULE,), min_age_seconds=-1), "negative"),
        (Policy((RULE,), max_deletes=-1), "negative"),
        (Policy((RULE,), max_percent=101), "percentage"),
        (Policy((RULE,), protect=(" ",)), "pattern to protect"),
        (Policy((replace(RULE, prefix="x" * 48),), quarantine_seconds=1.0), "no room"),
        (Policy((replace(RULE, prefix="x" * 48 + "-"),), quarantine_seconds=1.0), "no room"),
    ],
)
def test_a_dangerous_policy_is_refused(policy: Policy, words: str) -> None:
    with pytest.raises(RuleInvalid, match=words):
        check_policy(policy)


def test_a_sane_policy_passes() -> None:
    policy = Policy((RULE, replace(RULE, ttl_seconds=3600.0)), ("keep-*",), 3600.0, 0, 0.0)
    assert check_policy(policy) is policy


@pytest.mark.parametrize(
    ("pattern", "name", "protected"),
    [
        ("keep-*", "keep-1", True),
        ("KEEP-*", "keep-1", True),
        ("keep-*", "KEEP-1", True),
        ("keep", "keep-1", False),
        ("alice/*", "anything", True),
        ("bob/*", "anything", False),
        ("*/keep-?", "keep-1", True),
    ],
)
def test_patterns_protect_in_any_case(pattern: str, name: str, protected: bool) -> None:
    found = find_protection(Policy((RULE,), ("nothing", pattern)), "alice", name)
    assert found == (pattern if protected else None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("6h", 21600), (" 1.5h ", 5400), ("2d", 172800), ("1w", 604800)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


def test_a_duration_ends_within_the_calendar() -> None:
    assert parse_duration("87600h") == 3650 * 86400
    for text in ("87601h", "99999999w", "9" * 400 + "w"):
        with pytest.raises(RuleInvalid, match="ten years"):
            parse_duration(text)


@pytest.mark.parametrize("text", ["", "6", "h", "-6h", "6 hours", "6h6m", "٦h", "1e3s", "inf"])
def test_a_duration_without_a_clear_unit_is_refused(text: str) -> None:
    with pytest.raises(RuleInvalid, match="no duration"):
        parse_duration(text)


def test_durations_are_told_in_one_unit() -> None:
    assert [format_duration(seconds) for seconds in (5, 119, 120, 7200, 172800)] == [
        "5 s",
        "119 s",
        "2 min",
        "2 h",
        "2 d",
    ]

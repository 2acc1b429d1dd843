from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hfdeploy_janitor.decide import (
    KEEP_TAG,
    decide,
    find_change,
    find_excess,
    find_skew,
    plan_sweep,
    take_turns,
)
from hfdeploy_janitor.mark import Mark, Seal, write_mark
from hfdeploy_janitor.model import Delete, Keep, Listing, Target, Thing
from hfdeploy_janitor.rules import Kind, Policy, Rule

NOW = datetime(2026, 1, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
RULE = Rule("alice", "test-", 6 * 3600.0)
POLICY = Policy((RULE,))


def old(name: str = "test-1", hours: float = 7, **changes: object) -> Thing:
    made_at = NOW - timedelta(hours=hours)
    thing = Thing(
        Kind.MODEL, "alice", name, f"{int(made_at.timestamp()):08x}{0:016x}", made_at, made_at, "sha"
    )
    return replace(thing, **changes)  # type: ignore[arg-type]


def reason(thing: Thing, policy: Policy = POLICY, now: datetime = NOW, seal: Seal | None = None) -> str:
    decision = decide(thing, policy, now, seal)
    assert isinstance(decision, Keep), decision
    return decision.reason


def test_what_is_expired_goes_and_says_why() -> None:
    assert decide(old(), POLICY, NOW) == Delete("it expired at 2026-01-01 23:00 UTC; its prefix is test-", 0)


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (old("other"), "no rule covers it"),
        (old(namespace="bob"), "no rule covers it"),
        (old(hours=5.9), "it expires at"),
        (old(created_at=None), "was created is unknown"),
        (old(changed_at=None), "was last changed is unknown"),
        (old(created_at=(NOW - 7 * HOUR).replace(tzinfo=None)), "no time zone"),
        (old(changed_at=(NOW - 7 * HOUR).replace(tzinfo=None)), "no time zone"),
        (old(created_at=NOW + HOUR), "in the future"),
        (old(changed_at=NOW + HOUR), "in the future"),
        (old(changed_at=NOW - HOUR / 2), "within the minimum age"),
        (old(id="0" * 24), "contradict"),
        (old(id="short"), "none that the Hub gives"),
        (old(tags=(KEEP_TAG,)), "tagged hfdeploy-keep"),
        (old(tags=None), "tags are unknown"),
        (old(tags=("hfdeploy-expires-2026-01-02T00:00:01Z",)), "it expires at"),
        (old(tags=("hfdeploy-expires-2026-01-01",)), "no time zone"),
        (old(tags=("hfdeploy-expires-soon",)), "cannot be understood"),
    ],
)
def test_in_doubt_it_is_kept(thing: Thing, words: str) -> None:
    assert words in reason(thing)


def test_what_lies_in_a_protected_repo_is_kept() -> None:
    branch = Thing(Kind.BRANCH, "alice", "test-1", "1", None, None, within="models/alice/golden")
    rules = (replace(RULE, kinds=(Kind.BRANCH,), marked=True),)
    for pattern in ("alice/gold*", "golden", "test-?"):
        policy = replace(POLICY, rules=rules, protect=(pattern,))
        assert decide(branch, policy, NOW) == Keep(f"it is protected by {pattern!r}")
    assert decide(branch, replace(POLICY, rules=rules, protect=("models",)), NOW) == Keep(
        "there is no key to verify its mark with"
    )


def test_a_protected_one_is_kept() -> None:
    assert reason(old(), replace(POLICY, protect=("test-*",))) == "it is protected by 'test-*'"


def test_the_latest_expiry_counts() -> None:
    longer = replace(POLICY, rules=(RULE, replace(RULE, prefix="test", ttl_seconds=8 * 3600.0)))
    assert "it expires at 2026-01-02 01:00 UTC" in reason(old(), longer)
    assert decide(old(hours=9), longer, NOW) == Delete(
        "it expired at 2026-01-01 23:00 UTC; its prefix is test", 1
    )
    assert isinstance(decide(old(tags=("hfdeploy-expires-2026-01-01T01:00:00Z",)), POLICY, NOW), Delete)


def test_a_ttl_ends_exactly() -> None:
    assert isinstance(decide(old(hours=6), POLICY, NOW), Delete)
    assert isinstance(decide(old(hours=6), POLICY, NOW - timedelta(seconds=1)), Keep)


def test_the_minimum_age_ends_exactly() -> None:
    assert isinstance(decide(old(changed_at=NOW - HOUR), POLICY, NOW), Delete)
    assert isinstance(decide(old(changed_at=NOW - HOUR + timedelta(seconds=1)), POLICY, NOW), Keep)


def marked(seal: Seal, hours: float, ttl_hours: float = 1) -> Thing:
    made_at = NOW - timedelta(hours=hours)
    mark = Mark("run.1", made_at, made_at + timedelta(hours=ttl_hours))
    return old(write_mark(seal, Kind.MODEL, "alice", "test-", mark), hours)


def test_marks_are_verified_where_there_is_a_seal(seal: Seal) -> None:
    thing = marked(seal, 7)
    marking = Policy((replace(RULE, marked=True),))
    decision = decide(thing, marking, NOW, seal)
    assert isinstance(decision, Delete)
    assert "marked by run run.1" in decision.reason
    forged = replace(thing, name=thing.name[:-1] + ("a" if thing.name[-1] != "a" else "b"))
    for policy in (POLICY, marking):
        assert "mac that does not fit" in reason(forged, policy, seal=seal)
    assert "carries no mark" in reason(old(), marking, seal=seal)
    assert "carries no mark" in reason(thing, marking)
    assert isinstance(decide(old(), POLICY, NOW, seal), Delete)


def test_a_mark_prolongs_a_life_and_never_shortens_it(seal: Seal) -> None:
    assert "it expires at 2026-01-02 13:00 UTC" in reason(marked(seal, 7, ttl_hours=20), seal=seal)
    assert "it expires at 2026-01-02 13:00 UTC" in reason(marked(seal, 7, ttl_hours=20))
    assert "it expires at 2026-01-02 03:00 UTC" in reason(marked(seal, 3, ttl_hours=1), seal=seal)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": "f" * 24}, "another one"),
        ({"name": "test-2"}, "called alice/test-2"),
        ({"namespace": "bob"}, "called bob/"),
        ({"changed_at": NOW}, "changed since"),
        ({"version": "other"}, "changed since"),
        ({"created_at": NOW}, "creation"),
    ],
)
def test_every_change_shows(change: dict[str, object], words: str) -> None:
    assert find_change(old(), old()) is None
    assert words in (find_change(old(), old(**change)) or "")


def test_skew_is_seen_both_ways() -> None:
    assert find_skew(NOW, NOW + timedelta(seconds=60)) is None
    assert "differ by" in (find_skew(NOW, NOW + timedelta(seconds=61)) or "")
    assert "differ by" in (find_skew(NOW, NOW - timedelta(seconds=61)) or "")
    assert "does not tell" in (find_skew(NOW, None) or "")


def plan(*things: Thing, policy: Policy = POLICY, failure: str | None = None):  # type: ignore[no-untyped-def]
    listing = Listing("alice", Kind.MODEL, things, failure)
    return plan_sweep([listing], policy, NOW, endpoint="https://hub.test")


def test_a_plan_tells_of_everything() -> None:
    found = plan(old("test-2", 8), old("other"), old("test-1", 9))
    assert [target.thing.name for target in found.targets] == ["test-1", "test-2"]
    assert [(kept.thing.name, kept.reason) for kept in found.kept] == [("other", "no rule covers it")]
    assert found.refusal is None


def test_an_incomplete_listing_spares_all_of_it() -> None:
    found = plan(old(), failure="it broke")
    assert not found.targets
    assert found.kept[0].reason == "the listing is incomplete"
    assert found.incomplete == ("models of alice: it broke",)


def test_one_broken_listing_does_not_spare_the_others() -> None:
    listings = [
        Listing("alice", Kind.MODEL, (old(),), "it broke"),
        Listing("alice", Kind.SPACE, (old(kind=Kind.SPACE),)),
    ]
    found = plan_sweep(listings, POLICY, NOW, endpoint="")
    assert [target.thing.kind for target in found.targets] == [Kind.SPACE]


@pytest.mark.parametrize("twin", [old("test-9"), old("TEST-1", id=f"{old().id[:8]}{1:016x}")])
def test_what_is_listed_twice_is_kept(twin: Thing) -> None:
    found = plan(old(), twin)
    assert not found.targets
    assert any("twice" in kept.reason for kept in found.kept)


def test_over_the_maximum_is_a_refusal() -> None:
    assert find_excess(3, 10, replace(POLICY, max_deletes=3)) is None
    assert "3 deletions are more than the maximum of 2" in (
        find_excess(3, 10, replace(POLICY, max_deletes=2)) or ""
    )
    assert find_excess(3, 10, replace(POLICY, max_percent=30.0)) is None
    assert "more than the maximum of 29 %" in (find_excess(3, 10, replace(POLICY, max_percent=29.0)) or "")
    assert find_excess(0, 0, replace(POLICY, max_percent=0.0)) is None
    things = [old(f"test-{number}", id=f"{old().id[:8]}{number:016x}") for number in range(3)]
    assert plan(*things, policy=replace(POLICY, max_deletes=2)).refusal
    assert not plan(*things, policy=replace(POLICY, max_deletes=3)).refusal


def test_rules_take_turns() -> None:
    targets = [
        Target(old(f"test-{number}", 20 - number), "", rule) for number, rule in enumerate([0, 0, 0, 1, 2, 2])
    ]
    assert [target.rule for target in take_turns(targets)] == [0, 1, 2, 0, 2, 0]
    assert [target.thing.name for target in take_turns(targets) if target.rule == 0] == [
        "test-0",
        "test-1",
        "test-2",
    ]


def test_a_digest_names_what_is_to_be_done() -> None:
    first = plan(old())
    assert first.digest == plan(old(), old("other", 9)).digest == plan(old()).digest
    assert first.digest != plan(old(version="x")).digest
    assert first.digest != plan(old(), policy=replace(POLICY, max_deletes=99)).digest

"""The exact edges of what is decided: mutation testing asked for each of these."""

import dataclasses
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest

from hfdeploy_janitor.decide import (
    decide,
    find_change,
    find_excess,
    find_skew,
    find_twins,
    plan_sweep,
    take_turns,
)
from hfdeploy_janitor.errors import RuleInvalid
from hfdeploy_janitor.mark import NO_MARK, Mark, Refusal, Seal, read_mark, verify, write_mark
from hfdeploy_janitor.model import Delete, Keep, Listing, Target, Thing
from hfdeploy_janitor.rules import DEFAULT_MAX_DELETES, Kind, Policy, Rule, check_policy, format_duration
from hfdeploy_janitor.trash import write_trash

NOW = datetime(2026, 1, 2, tzinfo=UTC)
RULE = Rule("alice", "test-", 6 * 3600.0)
POLICY = Policy((RULE,))


def old(name: str = "test-1", hours: float = 7, **changes: object) -> Thing:
    made_at = NOW - timedelta(hours=hours)
    id = f"{int(made_at.timestamp()):08x}{8:016x}"
    return replace(Thing(Kind.MODEL, "alice", name, id, made_at, made_at, "m"), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("seconds", [-2, 2])
def test_an_id_and_its_time_may_be_two_seconds_apart(seconds: int) -> None:
    made_at = NOW - timedelta(hours=7, seconds=seconds)
    assert isinstance(decide(old(created_at=made_at), POLICY, NOW), Delete)
    further = made_at - timedelta(seconds=1 if seconds > 0 else -1)
    assert isinstance(decide(old(created_at=further), POLICY, NOW), Keep)


def test_the_first_of_the_longest_rules_is_named() -> None:
    shorter, same = replace(RULE, ttl_seconds=7200.0), replace(RULE, prefix="test")
    for several, number in (((RULE, shorter), 0), ((shorter, RULE, same), 1), ((RULE, same, same), 0)):
        decision = decide(old(), Policy(several), NOW)
        assert isinstance(decision, Delete)
        assert (decision.rule, "23:00" in decision.reason) == (number, True)


@pytest.mark.parametrize("row", [7, 9])
def test_a_trash_name_is_good_for_one_id(row: int) -> None:
    name = write_trash("test-", old(hours=30).id, NOW - timedelta(hours=26), 3600.0)
    both = replace(POLICY, rules=(RULE, replace(RULE, prefix="test")))
    assert decide(old(name, 30), both, NOW) == Delete("its quarantine ended at 2025-12-31 23:00 UTC", 0)
    other = old(name, 30)
    assert isinstance(decide(replace(other, id=f"{other.id[:8]}{row:016x}"), both, NOW), Keep)


def test_now_is_not_the_future() -> None:
    decision = decide(old(hours=0), POLICY, NOW)
    assert isinstance(decision, Keep)
    assert "expires at" in decision.reason


@pytest.mark.parametrize(
    "change",
    [
        {"id": "0" * 24},
        {"id": "f" * 24},
        {"name": "test-0"},
        {"name": "test-2"},
        {"version": "a"},
        {"version": "z"},
        {"private": True},
        {"created_at": NOW},
        {"created_at": NOW - timedelta(days=9)},
        {"within": "models/alice/repo"},
    ],
)
def test_a_change_shows_in_either_direction(change: dict[str, object]) -> None:
    assert find_change(old(private=False), old(private=False)) is None
    assert find_change(old(private=False), old(**{"private": False, **change}))


def test_a_little_skew_is_none() -> None:
    assert find_skew(NOW, NOW + timedelta(seconds=30)) is None


def test_percentages_are_exact() -> None:
    assert find_excess(1, 10, replace(POLICY, max_percent=50.0)) is None
    assert find_excess(3, 10, replace(POLICY, max_percent=29.8))
    assert find_excess(3, 10, replace(POLICY, max_percent=30.0)) is None


def test_the_first_rule_goes_first_however_young_its_things() -> None:
    targets = [Target(old("test-1", 9), "", 1), Target(old("test-2", 8), "", 0)]
    assert [target.rule for target in take_turns(targets)] == [0, 1]


def test_what_is_kept_is_told_by_age_and_what_has_none_last() -> None:
    things = [
        old("a", 1),
        old("b", created_at=None, id="1"),
        old("c", created_at=NOW.replace(tzinfo=None), id="2"),
        old("d", 3),
    ]
    plan = plan_sweep([Listing("alice", Kind.MODEL, tuple(things))], POLICY, NOW, endpoint="")
    assert [kept.thing.name for kept in plan.kept] == ["d", "a", "b", "c"]


def name_of(seal: Seal, kind: Kind = Kind.MODEL, run: str = "r.1", scope: str = "alice") -> str:
    made_at = NOW - timedelta(hours=7)
    return write_mark(seal, kind, scope, "test-", Mark(run, made_at, made_at + timedelta(hours=6)))


@pytest.mark.parametrize(("seconds", "fits"), [(-61, False), (-60, True), (900, True), (901, False)])
def test_the_mint_window_ends_exactly(seal: Seal, seconds: int, fits: bool) -> None:
    thing = old(name_of(seal), created_at=NOW - timedelta(hours=7) + timedelta(seconds=seconds))
    assert isinstance(verify(thing, seal), Mark if fits else Refusal)


def test_a_name_has_96_characters_at_most(seal: Seal) -> None:
    spare = 96 - len(name_of(seal))
    assert len(name_of(seal, run="r.1" + "x" * spare)) == 96
    with pytest.raises(RuleInvalid):
        name_of(seal, run="r.1" + "x" * (spare + 1))


def test_the_title_of_a_collection_has_60_characters_at_most(seal: Seal) -> None:
    def title(length: int, kind: Kind = Kind.COLLECTION) -> str:
        mark = Mark("r" * (length - len("test--00000000-00000000-") - 16), NOW, NOW + timedelta(hours=1))
        return write_mark(seal, kind, "alice", "test-", mark)

    assert len(title(60)) == 60
    with pytest.raises(RuleInvalid, match="room for 60"):
        title(61)
    for kind in set(Kind) - {Kind.COLLECTION}:
        assert len(title(61, kind)) == 61


def test_a_mark_does_not_expire_before_it_is_made(seal: Seal) -> None:
    for seconds in (0, -1):
        with pytest.raises(RuleInvalid, match="expired before"):
            write_mark(seal, Kind.MODEL, "alice", "test-", Mark("r", NOW, NOW + timedelta(seconds=seconds)))


def test_what_is_no_repo_expires_exactly(seal: Seal) -> None:
    kinds = (Kind.BRANCH,)
    scope = "models/alice/repo"
    branch = Thing(
        Kind.BRANCH, "alice", name_of(seal, Kind.BRANCH, scope=scope), "x", None, None, within=scope
    )
    for ttl_hours, min_age_hours, hours in ((2, 1, 6), (8, 1, 8), (2, 1.5, 6), (8, 9, 9)):
        longer = Rule("alice", "test", ttl_hours * 3600.0, kinds, True)
        policy = Policy((replace(longer, ttl_seconds=60.0), longer, longer), (), min_age_hours * 3600.0)
        ends = NOW - timedelta(hours=7) + timedelta(hours=hours)
        decision = decide(branch, policy, ends, seal)
        assert isinstance(decision, Delete)
        assert decision.rule == 1
        assert isinstance(decide(branch, policy, ends - timedelta(seconds=1), seal), Keep)
        assert isinstance(decide(branch, policy, ends + timedelta(seconds=1), seal), Delete)
    assert isinstance(decide(replace(branch, tags=("hfdeploy-keep",)), policy, NOW, seal), Keep)


def job(seal: Seal, **changes: object) -> Thing:
    minted_at = NOW - timedelta(hours=7)
    made = Thing(Kind.JOB, "alice", name_of(seal, Kind.JOB), "id", minted_at, minted_at)
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"created_at": None}, "unknown"),
        ({"created_at": (NOW - timedelta(hours=7)).replace(tzinfo=None)}, "no time zone"),
        ({"created_at": NOW + timedelta(hours=1)}, "in the future"),
        ({"created_at": NOW - timedelta(hours=5)}, "used again"),
        ({"changed_at": NOW.replace(tzinfo=None)}, "no time zone"),
        ({"changed_at": NOW + timedelta(seconds=1)}, "it was last changed in the future"),
        ({"changed_at": NOW - timedelta(seconds=3599)}, "within the minimum age of 60 min"),
        ({"tags": None}, "tags are unknown"),
    ],
)
def test_what_runs_is_kept_in_doubt(seal: Seal, changes: dict[str, object], words: str) -> None:
    policy = Policy((Rule("alice", "test", 3600.0, (Kind.JOB,), True),))
    for calm in ({}, {"changed_at": None}, {"changed_at": NOW - timedelta(hours=1)}):
        assert isinstance(decide(job(seal, **calm), policy, NOW, seal), Delete)
    decision = decide(job(seal, **changes), policy, NOW, seal)
    assert isinstance(decision, Keep)
    assert words in decision.reason


def test_the_tags_of_an_inference_endpoint_carry_marks(seal: Seal) -> None:
    kind = Kind.INFERENCE_ENDPOINT
    mark = name_of(seal, kind)
    minted_at = NOW - timedelta(hours=7)
    later = write_mark(seal, kind, "alice", "x-", Mark("r", minted_at, NOW))
    made = Thing(kind, "alice", "test-1", "id", minted_at, minted_at, tags=("a", mark))
    assert verify(made, seal) == read_mark(mark)
    assert verify(replace(made, name=mark, tags=("a",)), seal) == read_mark(mark)
    for tags in ((mark, later), (later, mark)):
        assert verify(replace(made, tags=tags), seal) == read_mark(later)
    forged = f"{mark[:-1]}{'a' if mark[-1] != 'a' else 'b'}"
    for tags in ((mark, forged), (forged, mark)):
        assert isinstance(verify(replace(made, tags=tags), seal), Refusal)
    assert verify(replace(made, tags=None), seal) is NO_MARK
    for other in (Kind.DATASET, Kind.JOB):
        assert verify(replace(made, kind=other, tags=(name_of(seal, other),)), seal) is NO_MARK


def test_what_runs_may_share_its_name_but_not_its_id(seal: Seal) -> None:
    one = job(seal)
    for twins, found in ((set(), replace(one, id="other")), ({(Kind.JOB, "id")}, replace(one, name="other"))):
        assert find_twins([Listing("alice", Kind.JOB, (one, found))]) == twins


@pytest.mark.parametrize("module", ["mark", "model", "rules", "trash"])
def test_values_are_frozen_and_small(module: str) -> None:
    names = vars(import_module(f"hfdeploy_janitor.{module}"))
    kinds = [kind for kind in names.values() if isinstance(kind, type) and dataclasses.is_dataclass(kind)]
    assert kinds
    for kind in kinds:
        assert kind.__dataclass_params__.frozen  # type: ignore[union-attr]
        assert "__slots__" in vars(kind)


def test_a_namespace_is_compared_by_what_it_says() -> None:
    assert RULE.covers(Kind.MODEL, "".join(["al", "ice"]), "test-1")


@pytest.mark.parametrize(
    ("change", "is_sane"),
    [
        ({"min_age_seconds": 0.0}, True),
        ({"min_age_seconds": 0.5}, True),
        ({"quarantine_seconds": 0.5}, True),
        ({"quarantine_seconds": 1.0}, True),
        ({"quarantine_seconds": 0.0}, False),
        ({"quarantine_seconds": -1.0}, False),
        ({"quarantine_seconds": float("nan")}, False),
        ({"max_percent": 0.0}, True),
        ({"max_percent": 99.5}, True),
        ({"max_percent": 100.0}, True),
        ({"max_percent": -0.5}, False),
        ({"max_percent": 100.5}, False),
        ({"max_deletes": 0}, True),
    ],
)
def test_limits_have_exact_limits(change: dict[str, object], is_sane: bool) -> None:
    policy = replace(POLICY, **change)  # type: ignore[arg-type]
    if is_sane:
        assert check_policy(policy) is policy
    else:
        with pytest.raises(RuleInvalid):
            check_policy(policy)


def test_what_is_no_repo_needs_a_rule_that_asks_for_marks() -> None:
    marking = Policy((replace(RULE, kinds=(Kind.MODEL, Kind.TAG), marked=True),))
    assert check_policy(marking) is marking
    for kinds in ((Kind.MODEL, Kind.TAG), (Kind.WEBHOOK,)):
        with pytest.raises(RuleInvalid, match="by their marks alone"):
            check_policy(Policy((replace(RULE, kinds=kinds),)))


def test_a_hundred_is_the_maximum_unless_told() -> None:
    assert DEFAULT_MAX_DELETES == 100


def test_durations_change_their_unit_exactly() -> None:
    told = [format_duration(seconds) for seconds in (119, 120, 7198, 7200, 10800, 172798, 172800, 224640)]
    assert told == ["119 s", "2 min", "120 min", "2 h", "3 h", "48 h", "2 d", "3 d"]

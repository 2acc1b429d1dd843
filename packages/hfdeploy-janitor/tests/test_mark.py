from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_janitor.errors import RuleInvalid
from hfdeploy_janitor.mark import Mark, Refusal, Seal, read_mark, verify, write_mark
from hfdeploy_janitor.model import Thing
from hfdeploy_janitor.rules import Kind

MINTED = datetime(2026, 1, 1, 12, tzinfo=UTC)
MARK = Mark("gh123.a1b2c3", MINTED, MINTED + timedelta(hours=2))


def thing(name: str, **changes: object) -> Thing:
    made = Thing(Kind.MODEL, "alice", name, "0" * 24, MINTED, MINTED)
    return replace(made, **changes)  # type: ignore[arg-type]


def refusal(found: Thing, seal: Seal) -> str:
    verdict = verify(found, seal)
    assert isinstance(verdict, Refusal)
    return verdict.reason


@pytest.fixture
def name(seal: Seal) -> str:
    return write_mark(seal, Kind.MODEL, "alice", "hfdeploy-test-", MARK)


def test_a_mark_says_what_was_written(name: str, seal: Seal) -> None:
    assert name.startswith("hfdeploy-test-gh123.a1b2c3-")
    assert read_mark(name) == MARK
    assert verify(thing(name), seal) == MARK
    assert verify(thing(name, created_at=MINTED + timedelta(minutes=14)), seal) == MARK


def test_a_prefix_gets_its_delimiter(seal: Seal) -> None:
    assert write_mark(seal, Kind.MODEL, "alice", "mine", MARK).startswith("mine-gh123")
    assert write_mark(seal, Kind.MODEL, "alice", "mine_", MARK).startswith("mine_gh123")


@pytest.mark.parametrize(
    "change",
    [
        {"namespace": "bob"},
        {"kind": Kind.DATASET},
        {"name": "x{}"},
    ],
)
def test_what_was_renamed_or_transferred_is_refused(name: str, seal: Seal, change: dict[str, object]) -> None:
    renamed = str(change.get("name", "{}")).format(name)
    other = thing(renamed, **{key: value for key, value in change.items() if key != "name"})
    assert "mac that does not fit" in refusal(other, seal)


def test_another_key_or_hub_is_refused(name: str, seal: Seal) -> None:
    assert "another key" in refusal(thing(name), replace(seal, key=b"other"))
    assert "another key" in refusal(thing(name), replace(seal, endpoint="https://other.test"))
    assert verify(thing(name), replace(seal, endpoint="HTTPS://hub.test/")) == MARK


@pytest.mark.parametrize("minutes", [-2, 16, 24 * 60])
def test_a_name_that_was_used_again_is_refused(name: str, seal: Seal, minutes: int) -> None:
    assert "used again" in refusal(thing(name, created_at=MINTED + timedelta(minutes=minutes)), seal)


def test_an_unknown_or_naive_time_is_refused(name: str, seal: Seal) -> None:
    assert "unknown" in refusal(thing(name, created_at=None), seal)
    assert "unknown" in refusal(thing(name, created_at=MINTED.replace(tzinfo=None)), seal)


def test_what_carries_no_mark_is_told_so(seal: Seal) -> None:
    assert "carries no mark" in refusal(thing("hfdeploy-test-1"), seal)


@pytest.mark.parametrize(
    ("prefix", "mark"),
    [
        ("p-", replace(MARK, run="Upper")),
        ("p-", replace(MARK, run="")),
        ("p-", replace(MARK, run="a-b")),
        ("p-", replace(MARK, expires_at=MINTED)),
        ("p" * 60, MARK),
        ("a--", MARK),
    ],
)
def test_what_no_name_can_hold_is_refused(seal: Seal, prefix: str, mark: Mark) -> None:
    with pytest.raises(RuleInvalid):
        write_mark(seal, Kind.MODEL, "alice", prefix, mark)


@given(flipped=st.integers(0, 200), letter=st.sampled_from("abcdefghijklmnopqrstuvwxyz234567890-."))
def test_no_other_name_verifies(flipped: int, letter: str) -> None:
    seal = Seal("https://hub.test", b"a key for tests")
    name = write_mark(seal, Kind.MODEL, "alice", "hfdeploy-test-", MARK)
    at = flipped % len(name)
    changed = f"{name[:at]}{letter}{name[at + 1 :]}"
    assert (verify(thing(changed), seal) == MARK) is (changed == name)


def test_marks_outlive_a_release(seal: Seal) -> None:
    assert seal.sign(Kind.MODEL, "alice", "test-1") == "tfmqqgt3kjub2h6s"


def test_a_seal_does_not_show_its_key(seal: Seal) -> None:
    assert "key" not in repr(seal)

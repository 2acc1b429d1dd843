from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfdeploy_core.errors import StateInvalid
from hfdeploy_core.manifest.state import (
    LEASE_SECONDS,
    Held,
    State,
    is_locked,
    list_owned,
    make_lock,
    read_state,
    turn_around,
    write_state,
)
from hfdeploy_core.model import RepoRef, RepoType

NOW = datetime(2026, 1, 1, tzinfo=UTC)
names = st.sampled_from("abcd")
entries = st.builds(
    Held,
    target=names,
    repo=st.builds(RepoRef, st.sampled_from(RepoType), st.just("alice"), names),
    is_owned=st.booleans(),
    needs=st.lists(names, max_size=2, unique=True).map(tuple),
    hub_id=st.text(max_size=3),
)


@settings(deadline=None)
@given(st.lists(entries, max_size=5))
def test_the_latest_entry_of_a_repo_is_held_and_the_text_tells_all(given: list[Held]) -> None:
    state = State()
    for held in given:
        state = state.hold(held)
    assert {held.repo: held for held in given} == {held.repo: held for held in state.repos}
    again = read_state(write_state(state), "f")
    assert set(again.repos) == set(state.repos)
    assert write_state(again) == write_state(state)
    for held in given:
        state = state.forget(held.repo)
    assert state == State()


@settings(deadline=None, max_examples=50)
@given(st.lists(entries, max_size=5), st.sets(names))
def test_only_what_is_owned_goes_and_what_needs_it_before(given: list[Held], named: set[str]) -> None:
    state = State()
    for held in given:
        # Only what comes before, so that there is no circle.
        state = state.hold(replace(held, needs=tuple(n for n in held.needs if n < held.target)))
    doomed = list_owned(state, named)
    assert all(held.is_owned and held in state.repos for held in doomed)
    targets = {held.target for held in doomed}
    for held in state.repos:
        is_named = not named or held.target in named or set(held.needs) & targets
        assert held in doomed or not held.is_owned or not is_named
    before = turn_around(doomed)
    for held in doomed:
        assert before[str(held.repo)] == {str(later.repo) for later in doomed if held.target in later.needs}


def test_entries_that_need_each_other_go_in_any_order() -> None:
    a, b = (
        Held(name, RepoRef(RepoType.MODEL, "x", name), True, needs)
        for name, needs in (("a", ("b",)), ("b", ("a",)))
    )
    assert turn_around([a, b]) == {"model x/a": frozenset(), "model x/b": frozenset()}


def test_a_lock_ends_with_its_time_or_its_process() -> None:
    lock = make_lock("somebody", "host", 1, NOW)
    assert read_state(write_state(State(lock=lock)), "f").lock == lock
    assert is_locked(lock, NOW, is_gone=False)
    assert not is_locked(lock, NOW, is_gone=True)
    assert not is_locked(lock, NOW + timedelta(seconds=LEASE_SECONDS), is_gone=False)
    assert not is_locked(None, NOW, is_gone=False)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"version": 1, "repos": [{}]}', '{"version": 1, "repos": 3}']
)
def test_what_is_no_state_is_told(text: str) -> None:
    with pytest.raises(StateInvalid, match=r"state.json holds no state"):
        read_state(text, "state.json")


def test_a_state_of_another_version_is_not_read() -> None:
    with pytest.raises(StateInvalid, match="version 2; only 1"):
        read_state(write_state(State(version=2)), "f")

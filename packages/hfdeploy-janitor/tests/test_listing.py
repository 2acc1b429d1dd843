from datetime import timedelta

import pytest

from hfdeploy_core.errors import HubFailed, PermissionRefused, TokenRejected
from hfdeploy_core.testing import FakeClock
from hfdeploy_janitor.errors import ClockSkewed
from hfdeploy_janitor.listing import list_all, list_kind
from hfdeploy_janitor.port import Page
from hfdeploy_janitor.rules import Kind, Rule
from hfdeploy_janitor.testing import FakeHub


def test_all_pages_are_one_listing(hub: FakeHub, clock: FakeClock) -> None:
    hub.page_size = 2
    for number in range(5):
        hub.add(Kind.MODEL, f"test-{number}")
    hub.add(Kind.SPACE, "test-space")
    listing = list_kind(hub, Kind.MODEL, "alice", clock)
    assert len(listing.things) == 5
    assert listing.failure is None
    assert len(hub.requests) == 3


def test_a_page_that_fails_makes_it_incomplete(hub: FakeHub, clock: FakeClock) -> None:
    hub.page_size = 2
    for number in range(5):
        hub.add(Kind.MODEL, f"test-{number}")
    hub.fail("list_page", HubFailed("Page two is broken."), skip=1)
    listing = list_kind(hub, Kind.MODEL, "alice", clock)
    assert len(listing.things) == 2
    assert listing.failure == "Page two is broken"


def test_who_is_told_to_stop_lists_no_further_page(hub: FakeHub, clock: FakeClock) -> None:
    hub.page_size = 2
    for number in range(5):
        hub.add(Kind.MODEL, f"test-{number}")
    rules = [Rule("alice", "a-", 1.0)]
    listings = list_all(hub, rules, clock, lambda: len(hub.requests) == 2)
    assert {listing.failure for listing in listings} == {None, "it was told to stop"}
    assert len(hub.requests) == 2


def test_pages_that_lead_in_a_circle_end(
    hub: FakeHub, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "list_page", lambda *asked: Page((), "again", clock.now()))
    assert list_kind(hub, Kind.MODEL, "alice", clock).failure == "its pages lead in a circle"


def test_an_entry_without_a_name_makes_it_incomplete(
    hub: FakeHub, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "list_page", lambda *asked: Page((), None, clock.now(), unreadable=1))
    assert list_kind(hub, Kind.MODEL, "alice", clock).failure == "1 of its entries cannot be understood"


def test_a_refused_token_ends_it_all_and_a_refused_namespace_only_that(
    hub: FakeHub, clock: FakeClock
) -> None:
    rules = [Rule("alice", "a-", 1.0, (Kind.MODEL, Kind.SPACE)), Rule("alice", "b-", 1.0, (Kind.MODEL,))]
    hub.fail("list_page", PermissionRefused("Not there."))
    first, second = list_all(hub, rules, clock)
    assert (first.failure, second.failure) == ("Not there", None)
    assert len(hub.requests) == 2
    hub.fail("list_page", TokenRejected("Who are you?"))
    with pytest.raises(TokenRejected):
        list_all(hub, rules, clock)


def test_clocks_that_differ_end_it_all(hub: FakeHub, clock: FakeClock) -> None:
    hub.skew = timedelta(minutes=5)
    with pytest.raises(ClockSkewed, match="differ by 5 min"):
        list_kind(hub, Kind.MODEL, "alice", clock)

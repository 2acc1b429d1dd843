"""Deleting, over the Hub in memory."""

from dataclasses import replace

import pytest

from hfdeploy_core import Relay, destroy, plan_destroy
from hfdeploy_core.errors import HubRefused, NameTaken, PermissionRefused, PlanStale, RepoNotFound
from hfdeploy_core.events import Deleted, DeletionPlanned, Event, Warned
from hfdeploy_core.model import Account, Destruction, RepoRef, RepoType, Sdk, Variable, Visibility
from hfdeploy_core.testing import FakeClock, FakeHub

SPACE = RepoRef(RepoType.SPACE, "alice", "app")
PROXY = RepoRef(RepoType.SPACE, "alice", "app-proxy")
MODEL = RepoRef(RepoType.MODEL, "alice", "app")


def make(target: str) -> None:
    raise AssertionError("nothing is made where something is deleted")


RELAY = Relay(make, "RELAY_OF", "relay.json")  # type: ignore[arg-type]


@pytest.fixture
def hub() -> FakeHub:
    """A Space behind its relay, and others whose names are near."""
    hub = FakeHub()
    hub.create_repo(SPACE, Visibility.PRIVATE, Sdk.DOCKER)
    hub.create_repo(PROXY, Visibility.PUBLIC, Sdk.DOCKER, [Variable("RELAY_OF", "alice/app")])
    hub.push(PROXY, {"relay.json": b"{}"})
    hub.create_repo(MODEL, Visibility.PUBLIC, None)
    hub.create_repo(RepoRef(RepoType.SPACE, "alice", "app2"), Visibility.PUBLIC, Sdk.STATIC)
    hub.calls.clear()
    return hub


def carry_out(hub: FakeHub, plan: Destruction, told: list[Event] | None = None) -> None:
    destroy(plan, on_event=(told if told is not None else []).append, hub=hub, clock=FakeClock())


def test_it_deletes_what_was_listed_and_nothing_else(hub: FakeHub, told: list[Event]) -> None:
    others = set(hub.repos) - {SPACE}
    plan = plan_destroy("app", on_event=told.append, hub=hub)
    assert hub.writes == []
    carry_out(hub, plan, told)
    assert set(hub.repos) == others
    assert told == [
        DeletionPlanned("alice/app", "space", "https://hub.test/spaces/alice/app"),
        Deleted("alice/app", "space"),
    ]


def test_the_relay_goes_first(hub: FakeHub, told: list[Event]) -> None:
    plan = plan_destroy("alice/app", relay=RELAY, hub=hub)
    assert [doomed.repo for doomed in plan.repos] == [PROXY, SPACE]
    carry_out(hub, plan, told)
    assert [event.repo_id for event in told] == ["alice/app-proxy", "alice/app"]
    assert {SPACE, PROXY}.isdisjoint(hub.repos)


def test_without_a_relay_there_is_one_less_to_delete(hub: FakeHub, told: list[Event]) -> None:
    del hub.repos[PROXY]
    plan = plan_destroy("alice/app", relay=RELAY, on_event=told.append, hub=hub)
    assert [doomed.repo for doomed in plan.repos] == [SPACE]
    assert Warned("There is no relay alice/app-proxy.") in told


@pytest.mark.parametrize("variables", [{}, {"RELAY_OF": "alice/other"}])
def test_a_stranger_of_the_relays_name_stops_everything(hub: FakeHub, variables: dict[str, str]) -> None:
    hub.repos[PROXY].variables = variables
    with pytest.raises(NameTaken):
        plan_destroy("alice/app", relay=RELAY, hub=hub)
    hub.repos[PROXY].variables = {"RELAY_OF": "alice/app"}
    hub.push(PROXY, {"index.html": b"<p>mine"})
    with pytest.raises(NameTaken):
        plan_destroy("alice/app", relay=RELAY, hub=hub)
    assert hub.writes == []


def test_another_one_of_the_same_name_is_left(hub: FakeHub) -> None:
    plan = plan_destroy("alice/app", relay=RELAY, hub=hub)
    del hub.repos[SPACE]
    hub.create_repo(SPACE, Visibility.PRIVATE, Sdk.DOCKER)
    with pytest.raises(PlanStale, match="another one"):
        carry_out(hub, plan)
    assert SPACE in hub.repos
    assert PROXY not in hub.repos


def test_one_that_the_hub_gives_no_id_is_left(hub: FakeHub) -> None:
    hub.repos[SPACE].hub_id = ""
    with pytest.raises(PlanStale):
        carry_out(hub, plan_destroy("alice/app", hub=hub))
    assert SPACE in hub.repos


def test_one_that_was_renamed_is_left(hub: FakeHub) -> None:
    plan = plan_destroy("alice/app", hub=hub)
    hub.repos[SPACE].ref = replace(SPACE, name="moved")
    with pytest.raises(PlanStale):
        carry_out(hub, plan)
    with pytest.raises(RepoNotFound, match="is called alice/moved now"):
        plan_destroy("alice/app", hub=hub)
    assert "delete_repo" not in hub.calls


def test_what_is_gone_already_is_left_at_that(hub: FakeHub, told: list[Event]) -> None:
    plan = plan_destroy("alice/app", relay=RELAY, hub=hub)
    carry_out(hub, plan)
    carry_out(hub, plan, told)
    assert [type(event) for event in told] == [Warned, Warned]


def test_one_that_stays_is_not_called_deleted(hub: FakeHub, told: list[Event], monkeypatch) -> None:
    plan = plan_destroy("alice/app", hub=hub)
    monkeypatch.setattr(hub, "delete_repo", lambda repo: None)
    with pytest.raises(HubRefused, match="still there"):
        carry_out(hub, plan, told)
    assert told == []


def test_what_is_not_there_or_not_yours_cannot_be_listed(hub: FakeHub) -> None:
    with pytest.raises(RepoNotFound):
        plan_destroy("alice/nothing", hub=hub)
    hub.account = Account("alice", "read")
    with pytest.raises(PermissionRefused):
        plan_destroy("alice/app", hub=hub)

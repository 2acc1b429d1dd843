"""The adapter against the local hub: everything that janitor.md's facts warn of."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from huggingface_hub import HfApi

from hfdeploy_core.clock import SystemClock
from hfdeploy_core.errors import (
    HubFailed,
    HubUnreachable,
    PermissionRefused,
    RateLimited,
    TokenMissing,
    TokenRejected,
)
from hfdeploy_core.testing import FakeClock
from hfdeploy_janitor.budget import Budget
from hfdeploy_janitor.client import HubClient
from hfdeploy_janitor.decide import find_doubt
from hfdeploy_janitor.errors import BudgetSpent
from hfdeploy_janitor.model import Thing
from hfdeploy_janitor.rules import Kind
from hfdeploy_localhub import LocalHub

GHOST = Thing(Kind.MODEL, "alice", "ghost", "0" * 24, None, None)


@pytest.fixture
def client(local: LocalHub, clock: FakeClock) -> HubClient:
    """Waits on a clock that does not wait."""
    return HubClient(clock, Budget(clock))


@pytest.fixture
def model(api: HfApi, client: HubClient) -> Thing:
    api.create_repo("alice/model")
    (thing,) = client.list_page(Kind.MODEL, "alice", None).things
    return thing


@pytest.mark.parametrize("kind", list(Kind)[:3])
def test_what_is_listed_is_what_is_there(api: HfApi, client: HubClient, kind: Kind) -> None:
    api.create_repo(
        "alice/one", repo_type=kind, space_sdk="static" if kind is Kind.SPACE else None, private=True
    )
    api.create_repo("acme/other", repo_type=kind, space_sdk="static" if kind is Kind.SPACE else None)
    page = client.list_page(kind, "alice", None)
    (thing,) = page.things
    info = api.repo_info("alice/one", repo_type=kind)
    assert thing == Thing(
        kind, "alice", "one", info._id, info.created_at, info.last_modified, info.sha, tuple(info.tags), True
    )
    assert page.cursor is None
    assert page.date is not None
    assert abs(page.date - datetime.now(UTC)) < timedelta(seconds=10)
    assert find_doubt(thing, datetime.now(UTC)) is None
    assert client.look(thing).thing == thing


def test_pages_are_followed(
    api: HfApi, local: LocalHub, client: HubClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hfdeploy_janitor.client._PAGE", 2)
    for number in range(5):
        api.create_repo(f"alice/model-{number}")
    local.requests.clear()
    names, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = client.list_page(Kind.MODEL, "alice", cursor)
        names += [thing.name for thing in page.things]
        cursor, pages = page.cursor, pages + 1
    assert sorted(names) == [f"model-{number}" for number in range(5)]
    assert local.requests.count() == pages == 3


def test_a_card_with_the_clients_own_words_hides_nothing(api: HfApi, client: HubClient) -> None:
    for name in ("one", "two", "three"):
        api.create_repo(f"alice/{name}")
    card = b"---\nself: 1\nignore_metadata_errors: true\n---\n"
    api.upload_file(path_or_fileobj=card, path_in_repo="README.md", repo_id="alice/two")
    page = client.list_page(Kind.MODEL, "alice", None)
    assert {thing.name for thing in page.things} == {"one", "two", "three"}
    assert page.unreadable == 0


def test_deleting_leaves_nothing_and_says_whether_there_was_something(
    model: Thing, client: HubClient
) -> None:
    assert client.delete(model) is True
    assert client.look(model).thing is None
    assert client.delete(model) is False


def test_a_model_is_not_a_dataset_of_the_same_name(api: HfApi, model: Thing, client: HubClient) -> None:
    api.create_repo("alice/model", repo_type="dataset")
    client.delete(replace(model, kind=Kind.DATASET))
    assert client.look(model).thing == model


def test_a_renamed_repo_is_not_taken_for_the_old_one(api: HfApi, model: Thing, client: HubClient) -> None:
    api.move_repo("alice/model", "alice/renamed")
    sight = client.look(model)
    assert sight.thing is None
    assert sight.moved_to == "alice/renamed"


def test_an_edit_and_a_tag_show(api: HfApi, model: Thing, client: HubClient) -> None:
    card = b"---\ntags: [hfdeploy-keep]\n---\n"
    api.upload_file(path_or_fileobj=card, path_in_repo="README.md", repo_id="alice/model")
    found = client.look(model).thing
    assert found is not None
    assert found.version != model.version
    assert "hfdeploy-keep" in (found.tags or ())


@pytest.mark.parametrize("endpoint", ["hub.test", "http://me:open-sesame@hub.test"])
def test_what_is_no_address_of_a_hub_is_told_before_anything_is_asked(endpoint: str) -> None:
    with pytest.raises(HubUnreachable):
        HubClient(FakeClock(), Budget(FakeClock()), endpoint=endpoint)


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        ("* ** status=401", TokenRejected),
        ("* ** token=expired", TokenRejected),
        ("* ** status=403", PermissionRefused),
        ("* ** status=429", RateLimited),
        ("* ** status=503", HubFailed),
        ("* ** reset=before", HubUnreachable),
    ],
)
def test_a_refusal_is_never_an_absence(
    local: LocalHub, model: Thing, client: HubClient, rule: str, error: type[Exception]
) -> None:
    local.faults.add(rule)
    asking: list[Callable[[], object]] = [
        lambda: client.look(model),
        lambda: client.delete(model),
        lambda: client.list_page(Kind.MODEL, "alice", None),
    ]
    for ask in asking:
        with pytest.raises(error):
            ask()


def test_an_unknown_404_is_no_absence(local: LocalHub, model: Thing, client: HubClient) -> None:
    local.faults.add("* ** status=404")
    with pytest.raises(Exception, match="404"):
        client.look(model)
    with pytest.raises(Exception, match="404"):
        client.delete(model)


def test_anothers_private_repo_cannot_be_deleted(local: LocalHub, model: Thing, clock: FakeClock) -> None:
    bob = HubClient(clock, Budget(clock), token=local.tokens["bob"])
    with pytest.raises(PermissionRefused):
        bob.delete(model)


def test_reading_waits_for_a_busy_hub_and_deleting_is_sent_once(
    local: LocalHub, model: Thing, client: HubClient, clock: FakeClock
) -> None:
    local.faults.add("GET /api/models/** status=503 count=2")
    local.faults.add("GET /api/models/** status=429 retry_after_seconds=7 count=1")
    assert client.look(model).thing == model
    assert clock.naps == [0.5, 1.0, 8.0]
    local.requests.clear()
    local.faults.add("DELETE ** status=503")
    with pytest.raises(HubFailed):
        client.delete(model)
    assert local.requests.count("DELETE") == 1


def test_every_try_is_counted(local: LocalHub, model: Thing, clock: FakeClock) -> None:
    budget = Budget(clock, 3)
    client = HubClient(clock, budget)
    local.faults.add("GET ** status=503")
    with pytest.raises(BudgetSpent):
        client.look(model)
    assert budget.left == 0


def test_the_token_stays_on_its_host(
    local: LocalHub, client: HubClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    import httpx2

    answer = httpx2.Response(
        200, headers={"link": '<https://elsewhere.test/api/models?p=2>; rel="next"'}, json=[]
    )
    monkeypatch.setattr(client, "read", lambda *asked, **options: answer)
    with pytest.raises(HubFailed, match="another host"):
        client.list_page(Kind.MODEL, "alice", None)


@pytest.mark.parametrize(
    "item",
    [
        None,
        "text",
        {},
        {"id": "alice/x"},
        {"id": "x", "_id": "1"},
        {"id": "a/b/c", "_id": "1"},
        {"id": 1, "_id": "1"},
    ],
)
def test_an_entry_that_cannot_be_understood_is_counted(
    client: HubClient, monkeypatch: pytest.MonkeyPatch, item: object
) -> None:
    import httpx2

    good = {"id": "alice/x", "_id": "0" * 24, "createdAt": "garbage", "tags": "none"}
    answer = httpx2.Response(200, json=[good, item])
    monkeypatch.setattr(client, "read", lambda *asked, **options: answer)
    page = client.list_page(Kind.MODEL, "alice", None)
    assert page.unreadable == 1
    assert page.things == (Thing(Kind.MODEL, "alice", "x", "0" * 24, None, None, None, None),)
    assert page.date is None


def test_without_a_token_nothing_is_asked(local: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(TokenMissing):
        HubClient(SystemClock(), Budget(SystemClock())).look(GHOST)
    assert local.requests.count() == 0

import pytest

from hfdeploy_core.model import (
    Account,
    Change,
    CreateRepo,
    Marker,
    Membership,
    RepoRef,
    RepoType,
    Sdk,
    SetHardware,
    SetVisibility,
    Visibility,
)
from hfdeploy_core.planning.exposure import advise_payment, may_protect


@pytest.mark.parametrize(
    ("account", "namespace", "expected"),
    [
        (Account("alice", is_pro=True), "Alice", True),
        (Account("alice"), "alice", False),
        (Account("alice", is_pro=True, memberships=(Membership("team"),)), "team", False),
        (Account("alice", memberships=(Membership("team", is_enterprise=True),)), "Team", True),
        (Account("alice", is_pro=True), "bob", False),
    ],
)
def test_whose_plan_has_protected_spaces(account: Account, namespace: str, expected: bool) -> None:
    assert may_protect(account, RepoRef(RepoType.SPACE, namespace, "app")) is expected


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (SetVisibility(Visibility.PROTECTED, Visibility.PRIVATE), "--exposure relay"),
        (CreateRepo(None, Sdk.GRADIO), "gradio Spaces need"),
        (CreateRepo(None, Sdk.DOCKER, Marker("A", "b")), "hfdeploy-proxy elsewhere"),
        (SetHardware("t4-small", None), "--hardware t4-small"),
        (CreateRepo(None, Sdk.STATIC), None),
        (SetVisibility(Visibility.PRIVATE, Visibility.PUBLIC), None),
    ],
)
def test_what_to_do_where_the_hub_wants_money(change: Change, says: str | None) -> None:
    advice = advise_payment(change)
    assert advice is None if says is None else says in (advice or "")

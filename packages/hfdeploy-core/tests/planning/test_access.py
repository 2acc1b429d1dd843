import pytest

from hfdeploy_core.errors import PermissionRefused
from hfdeploy_core.model import Account, Membership, RepoRef, RepoType
from hfdeploy_core.planning.access import check_may_create, check_token_may_write, owns

ALICE = Account("Alice", "write", (Membership("team", "contributor"), Membership("guests", "read")))


def space(namespace: str) -> RepoRef:
    return RepoRef(RepoType.SPACE, namespace, "app")


@pytest.mark.parametrize("namespace", ["Alice", "alice", "TEAM"])
def test_one_may_create_at_home_and_in_ones_organizations(namespace: str) -> None:
    check_may_create(ALICE, space(namespace))
    assert owns(ALICE, space(namespace)) is (namespace != "TEAM")


@pytest.mark.parametrize("namespace", ["bob", "guests"])
def test_one_may_not_create_elsewhere(namespace: str) -> None:
    with pytest.raises(PermissionRefused, match=namespace):
        check_may_create(ALICE, space(namespace))


def test_a_token_for_reading_may_not_write() -> None:
    with pytest.raises(PermissionRefused, match="may only read"):
        check_token_may_write(Account("Alice", "read"))
    for role in ("write", "fineGrained", None):
        check_token_may_write(Account("Alice", role))

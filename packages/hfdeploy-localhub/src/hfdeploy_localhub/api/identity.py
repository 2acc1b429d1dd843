"""Who is asking: ``/api/whoami-v2``; the overviews of users and organisations, and who is a member."""

from typing import Any

from fastapi import APIRouter, Depends

from hfdeploy_localhub.api.context import CurrentStore, CurrentUser, Decoded, get_caller
from hfdeploy_localhub.errors import NotFound
from hfdeploy_localhub.model import AccessToken, Account, Role
from hfdeploy_localhub.store.store import Store

router = APIRouter(prefix="/api", dependencies=[Depends(get_caller)])
_EPOCH = "2020-01-01T00:00:00.000Z"


@router.get("/whoami-v2")
def whoami(store: CurrentStore, caller: CurrentUser) -> dict[str, Any]:
    user = caller.user
    assert user is not None
    assert caller.token is not None
    return {
        "type": "user",
        **_describe(user),
        "emailVerified": True,
        "isPro": True,
        "orgs": [
            {"type": "org", **_describe(organisation), "roleInOrg": role, "isEnterprise": False}
            for organisation, role in store.accounts.organisations(user)
        ],
        "auth": {
            "type": "access_token",
            "accessToken": {
                "displayName": caller.token.name,
                "role": caller.token.role,
                "createdAt": _EPOCH,
                **_describe_scopes(caller.token),
            },
        },
    }


def _describe_scopes(token: AccessToken) -> dict[str, Any]:
    if token.role != "fineGrained":
        return {}
    scoped = [
        {
            "entity": {"type": scope.entity, "name": scope.name},
            "permissions": sorted(scope.permissions),
        }
        for scope in token.scopes
    ]
    return {"fineGrained": {"canReadGatedRepos": True, "global": [], "scoped": scoped}}


@router.get("/users/{user}/overview")
def show_user(user: Decoded, store: CurrentStore) -> dict[str, Any]:
    account = store.accounts.find(user)
    if account is None or account.kind != "user":
        raise NotFound(f"There is no user called {user}")
    organisations: list[tuple[Account, Role]] = store.accounts.organisations(account)
    return {
        **describe_user(account),
        "orgs": [
            {"name": found.name, "fullname": found.full_name, "avatarUrl": ""} for found, _ in organisations
        ],
    }


@router.get("/organizations/{organisation}/overview")
def show_organisation(organisation: Decoded, store: CurrentStore) -> dict[str, Any]:
    account = _find_organisation(store, organisation)
    return {"name": account.name, "fullname": account.full_name, "avatarUrl": "", "type": "org"}


@router.get("/organizations/{organisation}/members")
def list_members(organisation: Decoded, store: CurrentStore) -> list[dict[str, Any]]:
    members = store.accounts.members(_find_organisation(store, organisation))
    return [{**describe_user(user), "role": role} for user, role in members]


def describe_user(user: Account) -> dict[str, Any]:
    """As others see them."""
    return {
        "user": user.name,
        "fullname": user.full_name,
        "avatarUrl": "",
        "type": "user",
        "isPro": True,
    }


def _find_organisation(store: Store, name: str) -> Account:
    account = store.accounts.find(name)
    if account is None or account.kind != "org":
        raise NotFound(f"There is no organisation called {name}")
    return account


def _describe(account: Account) -> dict[str, Any]:
    return {
        "id": account.public_id,
        "name": account.name,
        "fullname": account.full_name,
        "email": f"{account.name}@localhost",
        "canPay": True,
        "periodEnd": None,
        "avatarUrl": "",
    }

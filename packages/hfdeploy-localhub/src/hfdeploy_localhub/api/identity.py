"""Who is asking: ``/api/whoami-v2`` and the overviews of users and organisations."""

from typing import Any

from fastapi import APIRouter

from hfdeploy_localhub.api.context import CurrentStore, CurrentUser, Decoded
from hfdeploy_localhub.errors import NotFound
from hfdeploy_localhub.model import AccessToken, Account, Role

router = APIRouter(prefix="/api")
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
        "user": account.name,
        "fullname": account.full_name,
        "avatarUrl": "",
        "type": "user",
        "isPro": True,
        "orgs": [
            {"name": found.name, "fullname": found.full_name, "avatarUrl": ""} for found, _ in organisations
        ],
    }


@router.get("/organizations/{organisation}/overview")
def show_organisation(organisation: Decoded, store: CurrentStore) -> dict[str, Any]:
    account = store.accounts.find(organisation)
    if account is None or account.kind != "org":
        raise NotFound(f"There is no organisation called {organisation}")
    return {"name": account.name, "fullname": account.full_name, "avatarUrl": "", "type": "org"}


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

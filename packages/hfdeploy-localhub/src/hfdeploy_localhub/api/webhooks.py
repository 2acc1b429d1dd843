"""Webhooks as settings of a user. See ``announcing`` for what they are told."""

from typing import Any, Literal, get_args

from fastapi import APIRouter
from pydantic import Field

from hfdeploy_localhub.api.context import Body, CurrentStore, CurrentUser
from hfdeploy_localhub.errors import BadRequest, Forbidden, NotFound
from hfdeploy_localhub.model import Account, Caller
from hfdeploy_localhub.store.store import Store
from hfdeploy_localhub.store.webhooks import Webhook

router = APIRouter(prefix="/api/settings/webhooks")

Domain = Literal["repo", "discussion"]


class Watched(Body):
    type: Literal["dataset", "model", "org", "space", "user"]
    name: str


class NewWebhook(Body):
    url: str = Field(pattern=r"^https?://\S+$")
    watched: list[Watched]
    domains: list[Domain] = Field(default_factory=lambda: list(get_args(Domain)))
    secret: str | None = None


class Changes(Body):
    watched: list[Watched]
    url: str | None = Field(default=None, pattern=r"^https?://\S+$")
    domains: list[Domain] | None = None
    secret: str | None = None


@router.get("")
def list_webhooks(store: CurrentStore, caller: CurrentUser) -> list[dict[str, Any]]:
    return [_describe(webhook) for webhook in store.webhooks.of(_user(caller))]


@router.post("")
def create(body: NewWebhook, store: CurrentStore, caller: CurrentUser) -> dict[str, Any]:
    watched = [item.model_dump() for item in body.watched]
    webhook = store.webhooks.add(_writer(caller), body.url, watched, body.domains, body.secret)
    return {"webhook": _describe(webhook)}


@router.get("/{webhook_id}")
def show(webhook_id: str, store: CurrentStore, caller: CurrentUser) -> dict[str, Any]:
    return {"webhook": _describe(_find(store, _user(caller), webhook_id))}


@router.post("/{webhook_id}")
def change(body: Changes, webhook_id: str, store: CurrentStore, caller: CurrentUser) -> dict[str, Any]:
    webhook = _find(store, _writer(caller), webhook_id)
    return {"webhook": _describe(store.webhooks.update(webhook, body.model_dump(exclude_none=True)))}


@router.post("/{webhook_id}/{action}")
def switch(
    webhook_id: str, action: Literal["enable", "disable"], store: CurrentStore, caller: CurrentUser
) -> dict[str, Any]:
    webhook = _find(store, _writer(caller), webhook_id)
    return {"webhook": _describe(store.webhooks.update(webhook, {"disabled": action == "disable"}))}


@router.delete("/{webhook_id}")
def delete(webhook_id: str, store: CurrentStore, caller: CurrentUser) -> dict[str, Any]:
    store.webhooks.remove(_find(store, _writer(caller), webhook_id))
    return {"success": True}


def _user(caller: Caller) -> Account:
    if caller.user is None:
        raise BadRequest("Webhooks belong to users.")
    return caller.user


def _writer(caller: Caller) -> Account:
    if caller.token is None or caller.token.role != "write":
        raise Forbidden("A write token is needed to change webhooks.")
    return _user(caller)


def _find(store: Store, user: Account, webhook_id: str) -> Webhook:
    webhook = store.webhooks.find(user, webhook_id)
    if webhook is None:
        raise NotFound("There is no such webhook.")
    return webhook


def _describe(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.public_id,
        "url": webhook.url,
        "watched": webhook.watched,
        "domains": webhook.domains,
        "secret": webhook.secret,
        "disabled": webhook.disabled,
    }

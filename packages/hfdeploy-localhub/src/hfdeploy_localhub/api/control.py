"""Steering the hub from outside: its fault rules and its request log. For this machine only."""

from dataclasses import asdict
from ipaddress import ip_address
from typing import Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from hfdeploy_localhub.api.asgi import CONTROL_PREFIX
from hfdeploy_localhub.api.context import CurrentHub
from hfdeploy_localhub.errors import BadRequest, NotFound
from hfdeploy_localhub.faults import ArmedRule, format_rule


def check_local(request: Request) -> None:
    """Raises NotFound for callers from elsewhere, and for pages that reach us under another site's name."""
    client = request.client.host if request.client else ""
    if not (is_loopback(client) and is_loopback(request.url.hostname or "")):
        raise NotFound("Not found")


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


router = APIRouter(prefix=CONTROL_PREFIX.rstrip("/"), dependencies=[Depends(check_local)])


class NewRule(BaseModel):
    rule: str = Field(max_length=4096)


@router.get("/faults")
def list_faults(hub: CurrentHub) -> list[dict[str, Any]]:
    return [describe_rule(armed) for armed in hub.faults.rules()]


@router.post("/faults", status_code=201)
def add_fault(body: NewRule, hub: CurrentHub) -> dict[str, Any]:
    try:
        return {"id": hub.faults.add(body.rule)}
    except ValueError as error:
        raise BadRequest(str(error)) from None


@router.delete("/faults", status_code=204)
def clear_faults(hub: CurrentHub) -> None:
    hub.faults.clear()


@router.delete("/faults/{id}", status_code=204)
def remove_fault(id: int, hub: CurrentHub) -> None:
    try:
        hub.faults.remove(id)
    except KeyError:
        raise NotFound(f"There is no fault rule {id}") from None


@router.get("/requests")
def list_requests(hub: CurrentHub, method: str = "*", path: str = "**") -> list[dict[str, Any]]:
    """The requests of these methods whose path the glob covers, oldest first."""
    return [asdict(entry) for entry in hub.requests.find(method, path)]


@router.delete("/requests", status_code=204)
def clear_requests(hub: CurrentHub) -> None:
    hub.requests.clear()


def describe_rule(armed: ArmedRule) -> dict[str, Any]:
    return {"id": armed.id, "rule": format_rule(armed.rule), "met": armed.met, "struck": armed.struck}

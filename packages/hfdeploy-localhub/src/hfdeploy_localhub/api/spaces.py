"""Spaces: runtime, actions, secrets, variables and logs."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, Literal

from fastapi import APIRouter, Depends, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from hfdeploy_localhub.api.context import (
    Body,
    CurrentCaller,
    CurrentHub,
    Hub,
    VisibleSpace,
    check_write,
    get_caller,
)
from hfdeploy_localhub.api.describe import card_at, describe_runtime
from hfdeploy_localhub.api.repos import KeyValue, SleepSeconds, Volume, format_volumes
from hfdeploy_localhub.model import Caller, Repo, Right, check_setting_key, decide_right
from hfdeploy_localhub.spaces import Log
from hfdeploy_localhub.store.repos import Listing
from hfdeploy_localhub.store.space_settings import Kind, Setting

catalogue_router = APIRouter(prefix="/api/spaces", dependencies=[Depends(get_caller)])
router = APIRouter(prefix="/api/{types}/{namespace}/{name}")

_KEEP_ALIVE_SECONDS = 30.0

_HARDWARE = (
    ("cpu-basic", "CPU basic", "2 vCPU", "16 GB", None, 0),
    ("cpu-upgrade", "CPU upgrade", "8 vCPU", "32 GB", None, 500),
    ("t4-small", "Nvidia T4 - small", "4 vCPU", "15 GB", ("T4", 1, "16 GB"), 6_667),
    ("t4-medium", "Nvidia T4 - medium", "8 vCPU", "30 GB", ("T4", 1, "16 GB"), 10_000),
    ("l4x1", "1x Nvidia L4", "8 vCPU", "30 GB", ("L4", 1, "24 GB"), 13_333),
    ("l4x4", "4x Nvidia L4", "48 vCPU", "186 GB", ("L4", 4, "96 GB"), 63_333),
    ("l40sx1", "1x Nvidia L40S", "8 vCPU", "62 GB", ("L40S", 1, "48 GB"), 30_000),
    ("a10g-small", "Nvidia A10G - small", "4 vCPU", "15 GB", ("A10G", 1, "24 GB"), 16_667),
    ("a10g-large", "Nvidia A10G - large", "12 vCPU", "46 GB", ("A10G", 1, "24 GB"), 25_000),
    ("a100-large", "Nvidia A100 - large", "12 vCPU", "142 GB", ("A100", 1, "80 GB"), 41_667),
)
"""What this hub says it rents out: name, shown name, cores, memory, accelerators (model, how many, their
memory), millionths of a dollar a minute. All of it is this machine, and costs nothing."""


class SettingKey(Body):
    key: str


class Hardware(Body):
    flavor: str = Field(min_length=1)
    sleep_time_seconds: SleepSeconds | None = None


class SleepTime(Body):
    seconds: SleepSeconds


class Volumes(Body):
    volumes: list[Volume]


class DevMode(Body):
    enabled: bool


@catalogue_router.get("/hardware")
def list_hardware() -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "prettyName": shown,
            "cpu": cpu,
            "ram": ram,
            "accelerator": accelerators and _describe_accelerators(*accelerators),
            "unitCostMicroUSD": cost,
            "unitCostUSD": cost / 1_000_000,
            "unitLabel": "minute",
        }
        for name, shown, cpu, ram, accelerators, cost in _HARDWARE
    ]


def _describe_accelerators(model: str, quantity: int, vram: str) -> dict[str, str]:
    return {
        "type": "gpu",
        "model": model,
        "quantity": str(quantity),
        "vram": vram,
        "manufacturer": "Nvidia",
    }


@catalogue_router.get("/templates")
def list_templates(hub: CurrentHub, caller: CurrentCaller) -> dict[str, Any]:
    """Every Space that the caller sees: there are no official ones here."""
    spaces = hub.store.repos.page(Listing("space"))
    seen = [space for space in spaces if decide_right(caller, space) >= Right.READ]
    return {"templates": [_describe_template(hub, space) for space in seen]}


@router.get("/runtime")
def show_runtime(hub: CurrentHub, space: VisibleSpace) -> dict[str, Any]:
    return describe_runtime(hub, space)


@router.post("/pause")
async def pause(hub: CurrentHub, space: VisibleSpace, caller: CurrentCaller) -> dict[str, Any]:
    check_write(caller, space)
    hub.store.space_rows.update(space, {"paused": True})
    await hub.spaces.pause(space.full_name)
    return describe_runtime(hub, space)


@router.post("/restart")
async def restart(
    hub: CurrentHub, space: VisibleSpace, caller: CurrentCaller, factory: bool = False
) -> dict[str, Any]:
    check_write(caller, space)
    hub.store.space_rows.update(space, {"paused": False})
    await hub.spaces.restart(space.full_name, factory=factory)
    return describe_runtime(hub, space)


@router.post("/hardware")
async def set_hardware(
    body: Hardware, hub: CurrentHub, space: VisibleSpace, caller: CurrentCaller
) -> dict[str, Any]:
    check_write(caller, space)
    changes: dict[str, Any] = {"hardware": body.flavor}
    if body.sleep_time_seconds is not None:
        changes["sleep_time_seconds"] = body.sleep_time_seconds
    hub.store.space_rows.update(space, changes)
    await hub.spaces.restart(space.full_name)
    return describe_runtime(hub, space)


@router.post("/sleeptime")
def set_sleep_time(
    body: SleepTime, hub: CurrentHub, space: VisibleSpace, caller: CurrentCaller
) -> dict[str, Any]:
    check_write(caller, space)
    hub.store.space_rows.update(space, {"sleep_time_seconds": body.seconds})
    return describe_runtime(hub, space)


@router.post("/dev-mode")
def set_dev_mode(
    body: DevMode, hub: CurrentHub, space: VisibleSpace, caller: CurrentCaller
) -> dict[str, Any]:
    check_write(caller, space)
    hub.store.space_rows.update(space, {"dev_mode": body.enabled})
    return describe_runtime(hub, space)


@router.get("/secrets")
def list_secrets(hub: CurrentHub, space: VisibleSpace, caller: CurrentCaller) -> dict[str, Any]:
    """Names only: a secret's value never leaves the hub."""
    check_write(caller, space)
    return {item.key: _describe(item) for item in hub.store.space_rows.settings(space, "secret")}


@router.post("/secrets")
async def put_secret(
    body: KeyValue, hub: CurrentHub, space: VisibleSpace, caller: CurrentCaller
) -> dict[str, Any]:
    await _put(hub, space, caller, "secret", body)
    return {}


@router.delete("/secrets")
async def drop_secret(
    body: SettingKey, hub: CurrentHub, space: VisibleSpace, caller: CurrentCaller
) -> dict[str, Any]:
    await _drop(hub, space, caller, "secret", body.key)
    return {}


@router.get("/variables")
def list_variables(hub: CurrentHub, space: VisibleSpace, caller: CurrentCaller) -> dict[str, Any]:
    check_write(caller, space)
    return _variables(hub, space)


@router.post("/variables")
async def put_variable(
    body: KeyValue, hub: CurrentHub, space: VisibleSpace, caller: CurrentCaller
) -> dict[str, Any]:
    await _put(hub, space, caller, "variable", body)
    return _variables(hub, space)


@router.delete("/variables")
async def drop_variable(
    body: SettingKey, hub: CurrentHub, space: VisibleSpace, caller: CurrentCaller
) -> dict[str, Any]:
    await _drop(hub, space, caller, "variable", body.key)
    return _variables(hub, space)


@router.put("/volumes")
def set_volumes(body: Volumes, hub: CurrentHub, space: VisibleSpace, caller: CurrentCaller) -> dict[str, Any]:
    """Kept and told; nothing is mounted on this machine."""
    check_write(caller, space)
    hub.store.space_rows.update(space, {"volumes": format_volumes(body.volumes)})
    return describe_runtime(hub, space)


@router.delete("/volumes")
def drop_volumes(hub: CurrentHub, space: VisibleSpace, caller: CurrentCaller) -> dict[str, Any]:
    check_write(caller, space)
    hub.store.space_rows.update(space, {"volumes": "[]"})
    return describe_runtime(hub, space)


@router.get("/logs/{kind}")
def stream_log(
    kind: Literal["build", "run"],
    hub: CurrentHub,
    space: VisibleSpace,
    caller: CurrentCaller,
    tail: int | None = None,
) -> Response:
    """Server-sent events, one a line; the stream ends with the log."""
    check_write(caller, space)
    return StreamingResponse(
        stream_events(hub.spaces.log(space.full_name, kind), tail),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


async def _put(hub: Hub, space: Repo, caller: Caller, kind: Kind, body: KeyValue) -> None:
    check_write(caller, space)
    key = check_setting_key(body.key)
    hub.store.space_rows.put(space, kind, key, body.value, body.description, hub.store.now())
    await hub.spaces.restart(space.full_name)


async def _drop(hub: Hub, space: Repo, caller: Caller, kind: Kind, key: str) -> None:
    check_write(caller, space)
    if hub.store.space_rows.drop(space, kind, key):
        await hub.spaces.restart(space.full_name)


def _variables(hub: Hub, space: Repo) -> dict[str, Any]:
    return {
        item.key: {**_describe(item), "value": item.value}
        for item in hub.store.space_rows.settings(space, "variable")
    }


def _describe_template(hub: Hub, space: Repo) -> dict[str, Any]:
    git = hub.store.git(space)
    sdk = card_at(git, git.head()).data.get("sdk")
    return {"name": space.name, "repoId": space.full_name, "sdk": sdk, "preferredPrivate": False}


def _describe(setting: Setting) -> dict[str, Any]:
    described: dict[str, Any] = {"updatedAt": setting.updated_at}
    if setting.description is not None:
        described["description"] = setting.description
    return described


async def stream_events(log: Log, tail: int | None = None) -> AsyncIterator[str]:
    """A log as server-sent events, to its end; comments where it is silent, at which clients give up."""
    lines = log.follow(tail)
    coming = asyncio.ensure_future(anext(lines, None))
    try:
        while True:
            done, _ = await asyncio.wait([coming], timeout=_KEEP_ALIVE_SECONDS)
            if not done:
                yield ": keep-alive\n\n"
                continue
            line = coming.result()
            if line is None:
                return
            event = {"data": line.data, "timestamp": line.timestamp}
            yield f"data: {json.dumps(event)}\n\n"
            coming = asyncio.ensure_future(anext(lines, None))
    finally:
        coming.cancel()

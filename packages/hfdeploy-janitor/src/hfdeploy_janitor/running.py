"""The adapter for what runs, and costs as long as it does: jobs, scheduled jobs and inference endpoints.

A job cannot be deleted: it is cancelled, and is no more when it has ended. Inference endpoints are asked for
at a host of their own, which is the public Hub's.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from huggingface_hub import constants

from hfdeploy_core.errors import HubRefused
from hfdeploy_janitor.answers import read_date, read_json, read_time
from hfdeploy_janitor.asking import Asker, check, understood
from hfdeploy_janitor.model import Thing
from hfdeploy_janitor.port import Page, Sight
from hfdeploy_janitor.rules import Kind

_PUBLIC_HUB = "https://huggingface.co"
_UNENDED = ["RUNNING", "SCHEDULING"]
_ENDED = frozenset({"COMPLETED", "CANCELED", "ERROR", "DELETED"})


class Running:
    """The port's methods for things of these kinds."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker

    def list_page(self, kind: Kind, namespace: str, cursor: str | None) -> Page:
        doing = f"list the {kind}s of {namespace}"
        query = {"stage": _UNENDED} if kind is Kind.JOB and cursor is None else None
        path = cursor or self._find_all(kind, namespace, doing)
        with understood(doing):
            answer = check(self._asker.read(path, doing, query=query), doing)
            told = read_json(answer, doing)
            items = told["items"] if kind is Kind.INFERENCE_ENDPOINT else told
            found = [_read(kind, namespace, item) for item in items]
            things = tuple(thing for thing in found if thing is not None)
            return Page(things, self._asker.find_next(answer), read_date(answer))

    def look(self, thing: Thing) -> Sight:
        doing = f"look at {thing}"
        path = self._find(thing, doing)
        with understood(doing):
            answer = self._asker.read(path, doing)
            if answer.status_code == 404:
                return Sight(None, read_date(answer))
            item = read_json(check(answer, doing), doing)
            return Sight(_read(thing.kind, thing.namespace, item), read_date(answer))

    def delete(self, thing: Thing) -> bool:
        doing = f"{'cancel' if thing.kind is Kind.JOB else 'delete'} {thing}"
        url = self._find(thing, doing)
        if thing.kind is Kind.JOB:
            answer = self._asker.send("POST", f"{url}/cancel", doing)
        else:
            answer = self._asker.send("DELETE", url, doing)
        if answer.status_code == 404:
            return False
        check(answer, doing)
        return True

    def _find(self, thing: Thing, doing: str) -> str:
        called = thing.name if thing.kind is Kind.INFERENCE_ENDPOINT else thing.id
        return f"{self._find_all(thing.kind, thing.namespace, doing)}/{quote(called, safe='')}"

    def _find_all(self, kind: Kind, namespace: str, doing: str) -> str:
        """Where things of a kind are asked for. Raises HubRefused for the host of another Hub."""
        owner = quote(namespace, safe="")
        endpoint = self._asker.endpoint
        if kind is not Kind.INFERENCE_ENDPOINT:
            return f"{endpoint}/api/{kind}s/{owner}"
        theirs = constants.INFERENCE_ENDPOINTS_ENDPOINT
        if endpoint != _PUBLIC_HUB and urlsplit(theirs).netloc != urlsplit(endpoint).netloc:
            raise HubRefused(
                f"Cannot {doing}: they belong to {_PUBLIC_HUB}, and this is {endpoint}.",
                "Leave that type out of the rule.",
            )
        return f"{theirs}/endpoint/{owner}"


def _read(kind: Kind, namespace: str, item: Mapping[str, Any]) -> Thing | None:
    """The thing; None for a job that has ended."""
    match kind:
        case Kind.INFERENCE_ENDPOINT:
            return _read_inference_endpoint(namespace, item)
        case Kind.SCHEDULED_JOB:
            return _read_job(kind, item, item["jobSpec"].get("labels"), str(item["schedule"]))
    if item["status"]["stage"] in _ENDED:
        return None
    return _read_job(kind, item, item.get("labels"), None)


def _read_job(
    kind: Kind, item: Mapping[str, Any], labels: Mapping[str, str] | None, version: str | None
) -> Thing:
    """Its name is one of its labels, and the names of all are its tags."""
    known = labels or {}
    return Thing(
        kind,
        item["owner"]["name"],
        known.get("name") or item["id"],
        item["id"],
        read_time(item["createdAt"]),
        None,
        version,
        tuple(known),
    )


def _read_inference_endpoint(namespace: str, item: Mapping[str, Any]) -> Thing:
    """It has no id: when it was created tells it from another one of that name."""
    name, created_at = item["name"], item["status"]["createdAt"]
    return Thing(
        Kind.INFERENCE_ENDPOINT,
        namespace,
        name,
        f"{namespace}/{name} of {created_at}",
        read_time(created_at),
        read_time(item["status"]["updatedAt"]),
        None,
        tuple(item.get("tags") or ()),
    )

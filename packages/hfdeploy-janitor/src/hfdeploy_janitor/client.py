"""The adapter: the Hub's API as the port wants it, over huggingface_hub's own HTTP client and settings.

Answers are read here rather than by HfApi: that turns some refusals into "not found", follows redirects to
renamed repos, and stumbles over one card in a listing of thousands (and then hides the rest).
"""

import os
import re
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2
from huggingface_hub import constants, get_token
from huggingface_hub.utils._http import get_session

from hfdeploy_core.clock import Clock
from hfdeploy_core.endpoint import check_endpoint
from hfdeploy_core.errors import (
    DeployError,
    HubFailed,
    HubUnreachable,
    TokenMissing,
    TokenRejected,
)
from hfdeploy_core.redact import redact, remember_secret
from hfdeploy_janitor.answers import (
    BUSY_STATUSES,
    REDIRECTS,
    is_no_repo,
    read_date,
    read_json,
    read_move,
    read_time,
    read_wait_seconds,
    refuse,
)
from hfdeploy_janitor.budget import Budget
from hfdeploy_janitor.model import Thing
from hfdeploy_janitor.others import Others
from hfdeploy_janitor.port import Page, Sight
from hfdeploy_janitor.rules import REPO_KINDS, RUNNING_KINDS, Kind
from hfdeploy_janitor.running import Running

_EXPAND = ["createdAt", "lastModified", "tags", "sha", "private"]
_PAGE = 1000
_TIMEOUT = httpx2.Timeout(connect=15.0, read=60.0, write=30.0, pool=None)
_TRIES = 4
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 60.0
_NEXT = re.compile(r'<([^>]+)>\s*;[^,]*rel="?next"?')


class HubClient:
    """The Hub that HF_ENDPOINT and HF_TOKEN name to the `hf` command, unless they are given."""

    def __init__(
        self, clock: Clock, budget: Budget, *, endpoint: str | None = None, token: str | None = None
    ) -> None:
        self._clock = clock
        self._budget = budget
        self._endpoint = check_endpoint(endpoint or os.environ.get("HF_ENDPOINT") or constants.ENDPOINT)
        self._given_token = token
        self._known_headers: dict[str, str] | None = None
        self._others = Others(self)
        self._running = Running(self)

    @property
    def endpoint(self) -> str:
        return self._endpoint

    @property
    def requests_left(self) -> int:
        return self._budget.left

    def list_page(self, kind: Kind, namespace: str, cursor: str | None) -> Page:
        if kind not in REPO_KINDS:
            return self._of(kind).list_page(kind, namespace, cursor)
        doing = f"list the {kind}s of {namespace}"
        if cursor is None:
            query = {"author": namespace, "expand": _EXPAND, "limit": _PAGE}
            answer = self.read(f"/api/{kind}s", doing, query=query)
        else:
            answer = self.read(cursor, doing)
        items = read_json(answer, doing)
        if answer.status_code != 200 or not isinstance(items, list):
            raise refuse(answer, doing)
        found = [_read_repo(kind, item) for item in items]
        things = tuple(thing for thing in found if thing is not None)
        return Page(things, self.find_next(answer), read_date(answer), len(found) - len(things))

    def look(self, thing: Thing) -> Sight:
        if thing.kind not in REPO_KINDS:
            return self._of(thing.kind).look(thing)
        doing = f"look at {thing}"
        answer = self.read(_path(thing), doing, query={"expand": _EXPAND})
        if answer.status_code in REDIRECTS:
            return Sight(None, read_date(answer), read_move(answer))
        if is_no_repo(answer):
            return Sight(None, read_date(answer))
        if answer.status_code != 200:
            raise refuse(answer, doing)
        found = _read_repo(thing.kind, read_json(answer, doing))
        if found is None:
            raise HubFailed(f"Cannot {doing}: the answer cannot be understood.")
        return Sight(found, read_date(answer))

    def delete(self, thing: Thing) -> bool:
        if thing.kind not in REPO_KINDS:
            return self._of(thing.kind).delete(thing)
        doing = f"delete {thing}"
        content = {"organization": thing.namespace, "name": thing.name, "type": thing.kind.value}
        answer = self.send("DELETE", f"{self._endpoint}/api/repos/delete", doing, content=content)
        if is_no_repo(answer):
            return False
        if answer.status_code >= 300:
            raise refuse(answer, doing)
        return True

    def pause(self, space: Thing) -> None:
        self._change("POST", f"{_path(space)}/pause", f"pause {space}")

    def restart(self, space: Thing) -> None:
        self._change("POST", f"{_path(space)}/restart", f"restart {space}")

    def set_private(self, thing: Thing, private: bool) -> None:
        visibility = "private" if private else "public"
        content = {"visibility": visibility}
        self._change("PUT", f"{_path(thing)}/settings", f"make {thing} {visibility}", content)

    def rename(self, thing: Thing, name: str) -> None:
        content = {
            "fromRepo": thing.full_name,
            "toRepo": f"{thing.namespace}/{name}",
            "type": thing.kind.value,
        }
        self._change("POST", "/api/repos/move", f"rename {thing}", content)

    def _of(self, kind: Kind) -> Others | Running:
        """Who speaks for what is no repo."""
        return self._running if kind in RUNNING_KINDS else self._others

    def _change(self, method: str, path: str, doing: str, content: Any = None) -> None:
        """A request that changes something: sent once."""
        answer = self.send(method, f"{self._endpoint}{path}", doing, content=content)
        if answer.status_code >= 300:
            raise refuse(answer, doing)

    def read(self, path: str, doing: str, *, query: Mapping[str, Any] | None = None) -> httpx2.Response:
        """An answer to a GET, which may be repeated while the Hub is busy."""
        url = path if "://" in path else f"{self._endpoint}{path}"
        for tried in range(1, _TRIES + 1):
            error: DeployError
            wait_seconds = _FIRST_WAIT_SECONDS * 2 ** (tried - 1)
            try:
                answer = self.send("GET", url, doing, query=query)
            except HubUnreachable as unreachable:
                error = unreachable
            else:
                if answer.status_code not in BUSY_STATUSES:
                    return answer
                error = refuse(answer, doing)
                wait_seconds = max(wait_seconds, read_wait_seconds(answer))
            if tried == _TRIES or wait_seconds > _LONGEST_WAIT_SECONDS:
                raise error
            self._clock.sleep(wait_seconds)
        raise AssertionError("the last try returns or raises")

    def send(
        self,
        method: str,
        url: str,
        doing: str,
        *,
        query: Mapping[str, Any] | None = None,
        content: Any = None,
    ) -> httpx2.Response:
        headers = self._headers()
        self._budget.take()
        try:
            return get_session().request(
                method,
                url,
                params=query,
                json=content,
                headers=headers,
                follow_redirects=False,
                timeout=_TIMEOUT,
            )
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            words = redact(str(error).strip().rstrip(".")) or type(error).__name__
            raise HubUnreachable(
                f"Cannot {doing}: no answer from the Hub at {self._endpoint} ({words})."
            ) from error

    def _headers(self) -> dict[str, str]:
        if self._known_headers is None:
            token = self._given_token or get_token()
            if not token:
                raise TokenMissing("No token for the Hub was found.")
            remember_secret(token)
            if not token.isascii() or not token.isprintable() or " " in token:
                raise TokenRejected("The token holds characters that no token has.")
            # Written here: huggingface_hub would ask the Hub something of its own, which no budget knows.
            python = f"{sys.version_info[0]}.{sys.version_info[1]}"
            agent = f"hfdeploy-janitor; python/{python}"
            self._known_headers = {"Authorization": f"Bearer {token}", "User-Agent": agent}
        return self._known_headers

    def find_next(self, answer: httpx2.Response) -> str | None:
        """The address of the next page. Raises HubFailed where the token would leave for another host."""
        match = _NEXT.search(answer.headers.get("link", ""))
        if match is None:
            return None
        here, there = urlsplit(self._endpoint), urlsplit(match[1])
        if (here.scheme, here.netloc) != (there.scheme, there.netloc):
            raise HubFailed("Cannot list the next page: it lies on another host.")
        return match[1]


def _path(thing: Thing) -> str:
    return f"/api/{thing.kind}s/{quote(thing.namespace, safe='')}/{quote(thing.name, safe='')}"


def _read_repo(kind: Kind, item: Any) -> Thing | None:
    """The thing that an entry describes; None where it does not even tell its name and id."""
    if not isinstance(item, dict):
        return None
    full_name, identity = item.get("id"), item.get("_id")
    if not isinstance(full_name, str) or full_name.count("/") != 1 or not isinstance(identity, str):
        return None
    namespace, _, name = full_name.partition("/")
    tags, head, private = item.get("tags"), item.get("sha"), item.get("private")
    return Thing(
        kind,
        sys.intern(namespace),
        name,
        identity,
        read_time(item.get("createdAt")),
        read_time(item.get("lastModified")),
        head if isinstance(head, str) else None,
        tuple(sys.intern(tag) for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else None,
        private if isinstance(private, bool) else None,
    )

"""Around every request that may change a repo: whoever watches the repo by a webhook is told what changed.

That is found out by looking before and after, so that no route has to say it. While somebody watches, changes
of one repo come one after the other: each is told once.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple
from urllib.parse import unquote

from fastapi import Request

from hfdeploy_localhub.api.asgi import App, Receive, Scope, Send, hub_of
from hfdeploy_localhub.api.context import Hub, base_url
from hfdeploy_localhub.courier import Parcel, is_here
from hfdeploy_localhub.model import TYPES_BY_PREFIX, AccessToken, Account, GitType, Repo, Right, decide_right
from hfdeploy_localhub.notices import Notice, State, covers, describe_notice, plan_notices
from hfdeploy_localhub.store.repos import Listing
from hfdeploy_localhub.store.store import Store
from hfdeploy_localhub.store.webhooks import Webhook

_CHANGING = frozenset(["POST", "PUT", "DELETE"])
_TARGET = re.compile(
    r"/api/(?P<types>models|datasets|spaces|kernels)/(?P<namespace>[^/]+)/(?P<name>[^/]+)"
    r"/(?:commit|settings|discussions|branch|tag|super-squash|lfs-files)(?:/.*)?"
    r"|(?:/(?P<git_types>datasets|spaces|kernels))?/(?P<git_namespace>[^/]+)/(?P<git_name>[^/]+?)(?:\.git)?"
    r"/git-receive-pack"
    r"|/api/repos/(?:create|move|delete)|/api/[^/]+/[^/]+/[^/]+/duplicate"
)


_ALL = 1_000_000

Watcher = tuple[Account, Webhook]
"""A webhook, and whose it is."""


class Target(NamedTuple):
    """The repo that a path names; without one any may change."""

    type: GitType
    namespace: str
    name: str


class Announcer:
    """Looks twice where somebody wants to know; else it costs one look into the table of webhooks."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match = _TARGET.fullmatch(scope["path"]) if scope.get("method") in _CHANGING else None
        webhooks = hub_of(scope).store.webhooks.enabled() if match else []
        if match is None or not webhooks:
            await self._app(scope, receive, send)
            return
        hub, target = hub_of(scope), _find_target(match)
        async with hub.courier.turn(target):
            before = await asyncio.to_thread(_look, hub.store, target)
            try:
                await self._app(scope, receive, send)
            finally:  # also where the client did not wait for the answer
                after = await asyncio.to_thread(_look, hub.store, target, before)
                for row in sorted({*before, *after}):
                    for notice in plan_notices(before.get(row), after.get(row)):
                        _announce(hub, webhooks, notice, base_url(Request(scope)))


def _find_target(match: re.Match[str]) -> Target | None:
    groups = {key.removeprefix("git_"): unquote(value) for key, value in match.groupdict().items() if value}
    if "name" not in groups:
        return None
    return Target(TYPES_BY_PREFIX[groups.get("types", "models")], groups["namespace"], groups["name"])


def _look(store: Store, target: Target | None, before: Mapping[int, State] | None = None) -> dict[int, State]:
    """Repos by their rows: that of the path, or all; closely only those that were not there ``before``."""
    if target is not None:
        repo = store.repos.find(*target)
        return {repo.id: _look_closely(store, repo)} if repo else {}
    repos = [repo for repo in store.repos.page(Listing(limit=_ALL)) if repo.type != "bucket"]
    return {
        repo.id: State(repo) if before is None or repo.id in before else _look_closely(store, repo)
        for repo in repos
    }


def _look_closely(store: Store, repo: Repo) -> State:
    discussions = {discussion.num: discussion for discussion in store.discussions.all(repo)}
    comments = {
        event.id: (num, event)
        for num in discussions
        for event in store.discussions.events(repo, num)
        if event.type == "comment"
    }
    refs = {ref.ref: ref.commit for ref in store.git(repo).refs("refs/")}
    return State(repo, refs, discussions, comments)


def _announce(hub: Hub, webhooks: Sequence[Watcher], notice: Notice, endpoint: str) -> None:
    for owner, webhook in webhooks:
        wanted = notice.domain in webhook.domains and any(covers(item, notice) for item in webhook.watched)
        if wanted and is_here(webhook.url) and _may_see(hub.store, owner, notice.repo):
            find_id = partial(_find_id, hub.store)
            content = describe_notice(notice, endpoint, webhook.public_id, find_id)
            hub.courier.send(Parcel(webhook.url, content, webhook.secret))


def _may_see(store: Store, owner: Account, repo: Repo) -> bool:
    caller = store.accounts.caller_as(owner, AccessToken("write", "webhook"))
    return decide_right(caller, repo) >= Right.READ


def _find_id(store: Store, name: str) -> str:
    account = store.accounts.find(name)
    return account.public_id if account else ""

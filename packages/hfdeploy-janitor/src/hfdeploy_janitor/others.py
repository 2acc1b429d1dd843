"""The adapter for what lies around repos: branches, tags, pull requests, collections, webhooks and buckets.

The Hub tells no time of creation for most of them, and nothing like an id for some: they go by their marks,
and are told apart by what they lie in and what they point to. A pull request cannot be deleted; it is closed.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx2

from hfdeploy_core.errors import HubFailed
from hfdeploy_janitor.answers import REDIRECTS, is_no_repo, read_date, read_json, read_move, read_time
from hfdeploy_janitor.asking import Asker, check, understood
from hfdeploy_janitor.model import Thing
from hfdeploy_janitor.port import Page, Sight
from hfdeploy_janitor.rules import REPO_KINDS, Kind

_REFS = {Kind.BRANCH: "branches", Kind.TAG: "tags"}
_OPEN = frozenset({"open", "draft"})


class Others:
    """The port's methods for things of these kinds."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker

    def list_page(self, kind: Kind, namespace: str, cursor: str | None) -> Page:
        with understood(f"list the {kind}s of {namespace}"):
            return self._list_page(kind, namespace, cursor)

    def look(self, thing: Thing) -> Sight:
        with understood(f"look at {thing}"):
            return self._look(thing)

    def _list_page(self, kind: Kind, namespace: str, cursor: str | None) -> Page:
        match kind:
            case Kind.COLLECTION:
                return self._list_collections(namespace, cursor)
            case Kind.WEBHOOK:
                return self._list_webhooks(namespace)
            case Kind.BUCKET:
                return self._list_buckets(namespace, cursor)
        # One page of repos of one type with all that lies in them; then the next page, then the next type.
        type, _, inner = (cursor or REPO_KINDS[0].value).partition(" ")
        repos = self._asker.list_page(Kind(type), namespace, inner or None)
        things = [thing for repo in repos.things for thing in self._list_in(kind, repo)]
        following = None
        if repos.cursor is not None:
            following = f"{type} {repos.cursor}"
        elif (number := REPO_KINDS.index(Kind(type)) + 1) < len(REPO_KINDS):
            following = REPO_KINDS[number].value
        return Page(tuple(things), following, repos.date, repos.unreadable)

    def _look(self, thing: Thing) -> Sight:
        doing = f"look at {thing}"
        if thing.kind is Kind.WEBHOOK:
            page = self._list_webhooks(thing.namespace)
            found = [other for other in page.things if other.handle == thing.handle]
            return Sight(found[0] if found else None, page.date)
        if thing.kind is Kind.COLLECTION:
            answer = self._asker.read(f"/api/collections/{thing.handle}", doing)
            if answer.status_code == 404:
                return Sight(None, read_date(answer))
            check(answer, doing)
            return Sight(_read_collection(thing.namespace, read_json(answer, doing)), read_date(answer))
        if thing.kind is Kind.BUCKET:
            answer = self._asker.read(_find_bucket(thing), doing)
            if answer.status_code in REDIRECTS:
                return Sight(None, read_date(answer), read_move(answer))
            if is_no_repo(answer):
                return Sight(None, read_date(answer))
            return Sight(_read_bucket(read_json(check(answer, doing), doing)), read_date(answer))
        if thing.kind is Kind.PULL_REQUEST:
            answer = self._asker.read(f"/api/{thing.within}/discussions/{thing.handle}", doing)
            if _is_missing(answer):
                return Sight(None, read_date(answer))
            item = read_json(check(answer, doing), doing)
            found = [_read_pull_request(thing, item)] if item["status"] in _OPEN else []
            return Sight(found[0] if found else None, read_date(answer))
        answer = self._asker.read(f"/api/{thing.within}/refs", doing)
        if _is_missing(answer):
            return Sight(None, read_date(answer))
        refs = read_json(check(answer, doing), doing)[_REFS[thing.kind]]
        found = [_read_ref(thing, ref) for ref in refs if ref["name"] == thing.name]
        return Sight(found[0] if found else None, read_date(answer))

    def delete(self, thing: Thing) -> bool:
        doing = f"delete {thing}"
        method, path, content = "DELETE", "", None
        match thing.kind:
            case Kind.COLLECTION:
                path = f"/api/collections/{thing.handle}"
            case Kind.BUCKET:
                path = _find_bucket(thing)
            case Kind.WEBHOOK:
                path = f"/api/settings/webhooks/{thing.handle}"
            case Kind.PULL_REQUEST:
                method, content = "POST", {"status": "closed"}
                path = f"/api/{thing.within}/discussions/{thing.handle}/status"
            case _:
                path = f"/api/{thing.within}/{thing.kind}/{quote(thing.name, safe='')}"
        answer = self._asker.send(method, f"{self._asker.endpoint}{path}", doing, content=content)
        if is_no_repo(answer) if thing.kind is Kind.BUCKET else answer.status_code == 404:
            return False
        check(answer, doing)
        return True

    def _list_in(self, kind: Kind, repo: Thing) -> list[Thing]:
        within = f"{repo.kind}s/{repo.full_name}"
        doing = f"list the {kind}s of {repo}"
        inner = Thing(kind, repo.namespace, "", repo.id, None, None, within=within)
        if kind is not Kind.PULL_REQUEST:
            answer = check(self._asker.read(f"/api/{within}/refs", doing), doing)
            refs = read_json(answer, doing)[_REFS[kind]]
            return [_read_ref(inner, ref) for ref in refs if ref["name"] != "main"]
        things = list[Thing]()
        seen = 0
        for number in range(10_000):
            query = {"p": number, "type": "pull_request", "status": "open"}
            answer = check(self._asker.read(f"/api/{within}/discussions", doing, query=query), doing)
            page = read_json(answer, doing)
            items = page["discussions"]
            seen += len(items)
            things += [_read_pull_request(inner, item) for item in items if item["isPullRequest"]]
            if not items or seen >= page["count"]:
                return things
        raise HubFailed(f"Cannot {doing}: there is no end to them.")

    def _list_collections(self, namespace: str, cursor: str | None) -> Page:
        doing = f"list the collections of {namespace}"
        query = {"owner": namespace, "limit": 100}
        answer = self._asker.read(cursor or "/api/collections", doing, query=None if cursor else query)
        items = read_json(check(answer, doing), doing)
        things = tuple(_read_collection(namespace, item) for item in items)
        return Page(things, self._asker.find_next(answer), read_date(answer))

    def _list_webhooks(self, namespace: str) -> Page:
        """Those of the token's own account: there are no others to be listed."""
        doing = f"list the webhooks of {namespace}"
        account = read_json(check(self._asker.read("/api/whoami-v2", doing), doing), doing)
        if account["name"].lower() != namespace.lower():
            raise HubFailed(
                f"Cannot {doing}: the token is {account['name']}'s.", "Use a token of that account."
            )
        answer = check(self._asker.read("/api/settings/webhooks", doing), doing)
        things = tuple(_read_webhook(namespace, item) for item in read_json(answer, doing))
        return Page(things, None, read_date(answer))

    def _list_buckets(self, namespace: str, cursor: str | None) -> Page:
        doing = f"list the buckets of {namespace}"
        answer = self._asker.read(cursor or f"/api/buckets/{quote(namespace, safe='')}", doing)
        items = read_json(check(answer, doing), doing)
        things = tuple(_read_bucket(item) for item in items)
        return Page(things, self._asker.find_next(answer), read_date(answer))


def _read_ref(inner: Thing, ref: Mapping[str, Any]) -> Thing:
    # The repo's own id in that of its branch: one in a repo that was made again is another one.
    repo_id = inner.id.partition(":")[0]
    return Thing(
        inner.kind,
        inner.namespace,
        ref["name"],
        f"{repo_id}:{ref['ref']}",
        None,
        None,
        ref["targetCommit"],
        within=inner.within,
    )


def _read_pull_request(inner: Thing, item: Mapping[str, Any]) -> Thing:
    repo_id = inner.id.partition(":")[0]
    return Thing(
        Kind.PULL_REQUEST,
        inner.namespace,
        item["title"],
        f"{repo_id}:{item['num']}",
        read_time(item["createdAt"]),
        None,
        within=inner.within,
        handle=str(item["num"]),
    )


def _read_collection(namespace: str, item: Mapping[str, Any]) -> Thing:
    changed_at = read_time(item.get("lastUpdated"))
    slug = str(item["slug"])
    owner = slug.partition("/")[0]
    # Slugs end in the collection's id.
    id = slug.rpartition("-")[2]
    return Thing(Kind.COLLECTION, owner or namespace, item["title"], id, None, changed_at, handle=slug)


def _read_webhook(namespace: str, item: Mapping[str, Any]) -> Thing:
    """Its name is the last part of its address: there is no other place for a mark."""
    url = str(item["url"])
    name = url.split("?")[0].rstrip("/").rpartition("/")[2]
    return Thing(Kind.WEBHOOK, namespace, name, item["id"], None, None, url, handle=item["id"])


def _read_bucket(item: Mapping[str, Any]) -> Thing:
    """It has no commits: what is known of its content is how much there is."""
    namespace, _, name = item["id"].partition("/")
    return Thing(
        Kind.BUCKET,
        namespace,
        name,
        str(item.get("_id") or item["id"]),
        read_time(item["createdAt"]),
        None,
        f"{item['totalFiles']} files, {item['size']} bytes",
        private=item["private"],
    )


def _find_bucket(bucket: Thing) -> str:
    return f"/api/buckets/{quote(bucket.namespace, safe='')}/{quote(bucket.name, safe='')}"


def _is_missing(answer: httpx2.Response) -> bool:
    """Whether the repo, or what was asked for in it, is not there any more, or not by that name."""
    return answer.status_code == 404 or answer.status_code in REDIRECTS

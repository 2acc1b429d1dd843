"""Calls of the Hub's API: a token, patience, and every refusal as one of our errors."""

import json
import os
import random
import sys
import threading
from collections.abc import Iterator, Mapping, Set
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from hfdeploy_core.clock import Clock, SystemClock
from hfdeploy_core.errors import HubFailed, HubUnreachable
from hfdeploy_core.events import OnEvent, Waiting, Warned
from hfdeploy_core.hub.failures import Answer, map_answer, map_failure, map_lost
from hfdeploy_core.hub.patience import GaveUp, Patience, repeat
from hfdeploy_core.hub.retry import RETRIED_STATUSES, Budget, Failure, read_asked_seconds
from hfdeploy_core.hub.wire import Reply, Stream, Wire
from hfdeploy_core.redact import redact

_MOST_REFUSAL_BYTES = 64 * 1024
# What the Hub says while another creation of this account is under way (hub-api 1.3).
_BUSY_CREATING = b"another conflicting operation is in progress"


class Caller:
    """The Hub's API at `endpoint`. `doing` completes the sentence "cannot ..." in what is raised."""

    def __init__(
        self, endpoint: str, *, on_event: OnEvent, budget: Budget | None, clock: Clock | None
    ) -> None:
        self._given_endpoint = endpoint
        self.endpoint = endpoint.rstrip("/")
        self.token = ""
        self.patience = Patience(
            budget or Budget(),
            clock or SystemClock(),
            random.random,
            lambda seconds, why: on_event(Waiting(seconds, redact(why))),
        )
        self._on_event = on_event
        self._warned: set[str] = set()
        self._wire: Wire | None = None
        self._opening = threading.Lock()

    def ask(
        self,
        method: str,
        path: str,
        doing: str,
        *,
        query: Mapping[str, str | list[str]] | None = None,
        content: Any = None,
        lines: bytes | None = None,
        accept: frozenset[int] = frozenset(),
    ) -> Reply:
        """One answer with a status below 400, or one that `accept` names.

        `content` is sent as JSON, `lines` as they are: JSON a line. Raises an AccessError or a HubError.
        """
        url = path if "://" in path else f"{self.endpoint}{path}"
        if query:
            url += "?" + urlencode(query, doseq=True)
        body = lines if content is None else json.dumps(content).encode()
        kind = "application/x-ndjson" if lines is not None else "application/json"
        reply = self._send(method, url, doing, body, kind)
        if reply.status >= 400 and reply.status not in accept:
            raise map_answer(read_answer(reply), doing)
        return reply

    def ask_json(
        self, method: str, path: str, doing: str, *, names: Set[str] = frozenset(), **options: Any
    ) -> Any:
        """The JSON of an answer; see `ask`, and `read_json` for its `names`."""
        return read_json(self.ask(method, path, doing, **options), doing, names)

    def ask_pages(self, path: str, doing: str) -> Iterator[Any]:
        """The items of a list, page by page (hub-api 1.4)."""
        url: str | None = path
        while url:
            reply = self.ask("GET", url, doing)
            yield from read_json(reply, doing)
            url = _find_next(reply.headers.get("link", ""))

    def open(self, path: str, doing: str, *, quiet_seconds: float) -> Stream:
        """An answer that is read while it arrives: asked for once, not repeated."""
        wire, headers = self._prepare(doing)
        stream = wire.open(f"{self.endpoint}{path}", headers, quiet_seconds=quiet_seconds)
        if isinstance(stream, GaveUp):
            raise map_failure(stream.failure, doing, self.endpoint, stream.message)
        if stream.status >= 400:
            body = stream.read(_MOST_REFUSAL_BYTES)
            stream.close()
            raise map_answer(read_answer(Reply(stream.status, stream.headers, body, path)), doing)
        return stream

    def close(self) -> None:
        """Close the connections."""
        if self._wire is not None:
            self._wire.close()

    def _send(self, method: str, url: str, doing: str, body: bytes | None, kind: str) -> Reply:
        wire, headers = self._prepare(doing)
        if body is not None:
            headers["Content-Type"] = kind
        makes_a_commit = method == "POST" and "/commit/" in url
        try:
            reply = repeat(
                lambda: self._judge(wire.send(method, url, headers, body)),
                self.patience,
                makes_a_commit=makes_a_commit,
            )
        except GaveUp as error:
            if makes_a_commit and error.failure.is_ambiguous:
                raise map_lost(doing, error.message) from error
            raise map_failure(error.failure, doing, self.endpoint, error.message) from error
        self._pass_on(reply.warnings)
        return reply

    def _prepare(self, doing: str) -> tuple[Wire, dict[str, str]]:
        """The wire, and the headers that every request has."""
        if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
            raise HubUnreachable(f"Cannot {doing}: HF_HUB_OFFLINE is set.", "Unset HF_HUB_OFFLINE.")
        with self._opening:  # of two wires that two threads open, one would never be closed
            self._wire = self._wire or Wire(self._given_endpoint)
        agent = f"hfdeploy; python/{sys.version_info[0]}.{sys.version_info[1]}"
        return self._wire, {"User-Agent": agent, "Authorization": f"Bearer {self.token}"}

    def _judge(self, reply: Reply | GaveUp) -> Reply | GaveUp:
        """The reply if it is one to act on, else what to wait for."""
        if isinstance(reply, GaveUp) or not _is_busy(reply):
            return reply
        asked_seconds = read_asked_seconds(reply.headers, self.patience.clock.now())
        return GaveUp(Failure(reply.status, asked_seconds), reply.url, f"it answered {reply.status}")

    def _pass_on(self, warnings: tuple[str, ...]) -> None:
        """Tell the Hub's own warnings, `topic; text`, once a topic."""
        for warning in warnings:
            topic, _, text = warning.rpartition(";")
            if text.strip() and topic not in self._warned:
                self._warned.add(topic)
                self._on_event(Warned(redact(" ".join(text.split()))))


def read_answer(reply: Reply) -> Answer:
    """The refusal in a reply, with the Hub's own words for it (hub-api 1.2)."""
    words = reply.headers.get("x-error-message")
    if words is None:
        try:
            told = json.loads(reply.body)["error"]
            words = "; ".join(told) if isinstance(told, list) else str(told)
        except (ValueError, KeyError, TypeError):
            words = None
    return Answer(reply.status, reply.headers.get("x-error-code"), words and redact(words))


def read_json(reply: Reply, doing: str, names: Set[str] = frozenset()) -> Any:
    """A reply's JSON: an object with these `names`, if any are given. Raises HubFailed for all else."""
    with suppress(ValueError):
        content = json.loads(reply.body)
        if not names or (isinstance(content, dict) and names <= content.keys()):
            return content
    raise HubFailed(f"Cannot {doing}: the answer is not the Hub's.", "Check HF_ENDPOINT.")


def _is_busy(reply: Reply) -> bool:
    if reply.status == 409:
        return _BUSY_CREATING in reply.body
    return reply.status in RETRIED_STATUSES


def _find_next(links: str) -> str | None:
    """The address of the next page in a Link header (RFC 8288)."""
    for link in links.split(","):
        address, _, parameters = link.partition(">")
        if 'rel="next"' in parameters:
            return address.strip().lstrip("<")
    return None

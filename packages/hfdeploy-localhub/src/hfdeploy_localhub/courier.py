"""Sends webhooks: one after the other, off the requests' way, to this machine only."""

import asyncio
import http.client
import ipaddress
import json
import logging
import queue
import threading
from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

_TIMEOUT_SECONDS = 5.0
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes where. The secret goes along as it is, for the receiver to know the sender by."""

    url: str
    content: Mapping[str, Any]
    secret: str | None = field(repr=False)


class Courier:
    """A thread that delivers, from the first parcel on. What cannot be delivered is logged, and forgotten."""

    def __init__(self) -> None:
        self._parcels: queue.SimpleQueue[Parcel | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._turns = defaultdict[Hashable, asyncio.Lock](asyncio.Lock)

    def turn(self, repo: Hashable) -> asyncio.Lock:
        """To be held while a repo changes and it is found out how: so each change is told once."""
        return self._turns[repo]

    def send(self, parcel: Parcel) -> None:
        """Returns at once; all calls come from one thread."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._deliver, name="webhooks", daemon=True)
            self._thread.start()
        self._parcels.put(parcel)

    def close(self) -> None:
        """Waits for what is on its way, for a while."""
        if self._thread is not None:
            self._parcels.put(None)
            self._thread.join(2 * _TIMEOUT_SECONDS)

    def _deliver(self) -> None:
        while (parcel := self._parcels.get()) is not None:
            try:
                status = post(parcel)
            except (OSError, http.client.HTTPException) as error:
                _LOGGER.warning("A webhook for %s was not delivered: %s", urlsplit(parcel.url).netloc, error)
            else:
                if status >= 400:
                    _LOGGER.warning("A webhook was answered by %d at %s", status, urlsplit(parcel.url).netloc)


def is_here(url: str) -> bool:
    """Whether an address is this machine's own: nothing that happens here is told to others."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def post(parcel: Parcel) -> int:
    """The status of the answer. Raises OSError, HTTPException."""
    address = urlsplit(parcel.url)
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.hostname or "", address.port, timeout=_TIMEOUT_SECONDS)
    headers = {"Content-Type": "application/json"}
    if parcel.secret is not None:
        headers["X-Webhook-Secret"] = parcel.secret
    path = f"{address.path or '/'}?{address.query}" if address.query else address.path or "/"
    try:
        connection.request("POST", path, json.dumps(parcel.content).encode(), headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()

"""The request log: what a hub was asked, to be counted by tests."""

import re
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

from hfdeploy_localhub.routes import matches_method, matches_route

_MAX_ENTRIES = 10_000
_SIGNED = re.compile(r"(?<=/)[\w-]+\.[\w-]{43}(?=/|$)", re.ASCII)
_TOKEN = re.compile(r"hf_[A-Za-z0-9_]{4,}", re.ASCII)
_ADDRESS = re.compile(r"^(/lfs/)[^/]+")
MASK = "***"


@dataclass(slots=True)
class RequestEntry:
    """One request. ``status`` is None until the answer begins, and for good if it never does; ``seconds``
    are up to the last byte. ``path`` is without query, and masked where it carries a right.
    """

    method: str
    path: str
    status: int | None = None
    received_bytes: int = 0
    sent_bytes: int = 0
    seconds: float = 0.0


def mask_path(path: str) -> str:
    """The path without what lets its bearer in: signed words, and tokens."""
    path = _ADDRESS.sub(rf"\g<1>{MASK}", path.partition("?")[0])
    return _TOKEN.sub(MASK, _SIGNED.sub(MASK, path))


class Requests:
    """The last requests of one hub, oldest first. Threads may share it; entries that are read are copies."""

    def __init__(self, max_entries: int = _MAX_ENTRIES) -> None:
        self._lock = threading.Lock()
        self._entries = deque[RequestEntry](maxlen=max_entries)

    def begin(self, method: str, path: str) -> RequestEntry:
        """Notes a request as it arrives, so that nobody who has its answer misses it here."""
        entry = RequestEntry(method, mask_path(path))
        with self._lock:
            self._entries.append(entry)
        return entry

    def find(self, methods: str = "*", pattern: str = "**") -> list[RequestEntry]:
        """The requests of these methods (``GET|HEAD``) whose path the glob covers: see ``routes``."""
        return [
            entry
            for entry in self
            if matches_method(methods, entry.method) and matches_route(pattern, entry.path)
        ]

    def count(self, methods: str = "*", pattern: str = "**") -> int:
        """How many ``find`` finds."""
        return len(self.find(methods, pattern))

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()

    def __iter__(self) -> Iterator[RequestEntry]:
        with self._lock:
            return iter([replace(entry) for entry in self._entries])

    def __len__(self) -> int:
        return len(self._entries)

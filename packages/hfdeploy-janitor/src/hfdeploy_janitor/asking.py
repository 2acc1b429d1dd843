"""What the adapters share: how they ask, and how they take an answer."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import httpx2

from hfdeploy_core.errors import HubFailed
from hfdeploy_janitor.answers import refuse
from hfdeploy_janitor.port import Page
from hfdeploy_janitor.rules import Kind


class Asker(Protocol):
    """What is needed of the adapter for repos."""

    @property
    def endpoint(self) -> str: ...
    def list_page(self, kind: Kind, namespace: str, cursor: str | None) -> Page: ...
    def read(self, path: str, doing: str, *, query: Mapping[str, Any] | None = None) -> httpx2.Response: ...
    def send(
        self,
        method: str,
        url: str,
        doing: str,
        *,
        query: Mapping[str, Any] | None = None,
        content: Any = None,
    ) -> httpx2.Response: ...
    def find_next(self, answer: httpx2.Response) -> str | None: ...


@contextmanager
def understood(doing: str) -> Iterator[None]:
    """Raises HubFailed for an answer that is not as it should be."""
    try:
        yield
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise HubFailed(f"Cannot {doing}: the answer cannot be understood.") from error


def check(answer: httpx2.Response, doing: str) -> httpx2.Response:
    """The answer, if it says yes."""
    if not 200 <= answer.status_code < 300:
        raise refuse(answer, doing)
    return answer

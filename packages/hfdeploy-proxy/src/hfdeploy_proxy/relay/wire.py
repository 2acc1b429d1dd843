"""What ASGI does not tell: the request line as it was sent, and a way to break the connection.

Our own server puts a `Wire` into the scope. Under any other the relay works as well: the question mark of an
empty query is lost then, and a server that closes a connection in the middle of an answer complains of it.
"""

from collections.abc import Callable
from typing import NamedTuple

from hfdeploy_proxy.relay.client import Scope
from hfdeploy_proxy.rules.paths import raw_path, split_target

EXTENSION = "hfdeploy_proxy"


class Wire(NamedTuple):
    """The client's connection: ``break_off`` closes it in the middle of an answer."""

    break_off: Callable[[], None]
    target: bytes


def wire_of(scope: Scope) -> Wire | None:
    """The wire, where the server is ours."""
    extensions = scope.get("extensions")
    wire = extensions.get(EXTENSION) if extensions else None
    return wire if isinstance(wire, Wire) else None


def sent_target(scope: Scope) -> tuple[bytes, bytes | None]:
    """Path and query as the client sent them, below the place where the relay is mounted."""
    root_path: str = scope.get("root_path", "")
    wire = wire_of(scope)
    if wire is None or root_path:
        return raw_path(scope["path"], scope.get("raw_path"), root_path), scope.get("query_string") or None
    return split_target(wire.target)


def abort_client(scope: Scope) -> None:
    """Close the connection, so that a half answer is not taken for a whole one.

    Without a wire, servers do it themselves when an application returns in the middle of an answer.
    """
    if wire := wire_of(scope):
        wire.break_off()

"""The words of ASGI that our own layers around the routes use."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from hfdeploy_localhub.api.context import Hub

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

TRANSPORT = "hfdeploy_localhub.transport"
"""The extension by which a layer reaches the connection itself."""
CONTROL_PREFIX = "/__localhub__/"
"""Paths that steer the hub instead of asking it: no fault strikes them, and no log tells them."""


def hub_of(scope: Scope) -> "Hub":
    """The hub that a request is for: one process may serve several with the same routes."""
    return cast("Hub", scope["state"]["hub"])

"""At most so many requests at a time."""

from collections.abc import Mapping

from hfdeploy_proxy.relay.client import App, Receive, Scope, Send
from hfdeploy_proxy.relay.entrance import refuse
from hfdeploy_proxy.relay.tally import Tally
from hfdeploy_proxy.rules.errors import TOO_BUSY


class Cap:
    """An application around others, by ASGI's types of scopes; all are counted together."""

    def __init__(self, apps: Mapping[str, App], most: int, tally: Tally) -> None:
        self._apps = apps
        self._most = most
        self._tally = tally
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._running >= self._most:
            self._tally.failed(TOO_BUSY.name)
            await refuse(scope, receive, send, TOO_BUSY)
            return
        self._running += 1
        try:
            await self._apps[scope["type"]](scope, receive, send)
        finally:
            self._running -= 1

import asyncio
from typing import Any

from hfdeploy_proxy.rules.errors import TargetUnknown
from hfdeploy_proxy.rules.headers import Target
from hfdeploy_proxy.upstream.destination import Destination
from hfdeploy_proxy.upstream.dial import Address


def test_who_waits_shares_what_is_found_and_what_fails() -> None:
    now = 0.0
    asked: list[str | None] = [None, "http://there"]

    async def locate() -> str:
        await asyncio.sleep(0)
        url = asked.pop(0)
        if url is None:
            raise TargetUnknown("no Hub")
        return url

    def connect(address: Address, target: Target) -> Any:
        return None

    async def find() -> None:
        nonlocal now
        destination = Destination(locate, connect, lambda: now)
        failed = await asyncio.gather(*(destination.find() for _ in range(5)), return_exceptions=True)
        assert {str(error) for error in failed} == {"no Hub"}
        assert len(asked) == 1
        now = 5.0
        found = await asyncio.gather(*(destination.find() for _ in range(5)))
        assert {there.address.host for there in found} == {"there"}

    asyncio.run(find())
    assert not asked

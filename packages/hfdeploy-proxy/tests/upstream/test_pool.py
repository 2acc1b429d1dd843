"""Who waits for a connection gets one as soon as there is room, whatever becomes of those before."""

import asyncio

import pytest

from hfdeploy_proxy.rules.errors import UpstreamUnreachable
from hfdeploy_proxy.upstream.connection import Connection
from hfdeploy_proxy.upstream.pool import Pool


class Dialler:
    """Makes connections that lead nowhere; the next one can be kept waiting, and fail."""

    def __init__(self) -> None:
        self.failing: asyncio.Event | None = None

    async def __call__(self, pool: Pool) -> Connection:
        if self.failing is not None:
            await self.failing.wait()
            self.failing = None
            raise UpstreamUnreachable("no connection")
        return Connection(asyncio.get_running_loop(), pool.give_back, pool.forget)


def make_pool(dial: Dialler) -> Pool:
    return Pool(
        dial,
        limit=1,
        pool_timeout_seconds=0.5,
        keep_seconds=60,
        answer_timeout_seconds=60,
        idle_timeout_seconds=60,
    )


async def wait_in_line(pool: Pool, count: int) -> list[asyncio.Task[Connection]]:
    tasks = [asyncio.create_task(pool.take()) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


@pytest.mark.parametrize("left_first", [True, False], ids=["before", "after"])
def test_who_leaves_as_the_turn_comes_hands_it_on(left_first: bool) -> None:
    async def run() -> None:
        pool = make_pool(Dialler())
        taken = await pool.take()
        gone, next_one = await wait_in_line(pool, 2)
        if left_first:
            gone.cancel()
            pool.give_back(taken, reusable=False)
        else:
            pool.give_back(taken, reusable=False)
            gone.cancel()
        assert await next_one is not taken
        with pytest.raises(asyncio.CancelledError):
            await gone
        await pool.close()

    asyncio.run(run())


def test_a_connection_that_fails_makes_room() -> None:
    async def run() -> None:
        dial = Dialler()
        dial.failing = asyncio.Event()
        pool = make_pool(dial)
        failed, next_one = await wait_in_line(pool, 2)
        dial.failing.set()
        with pytest.raises(UpstreamUnreachable):
            await failed
        await next_one
        await pool.close()

    asyncio.run(run())

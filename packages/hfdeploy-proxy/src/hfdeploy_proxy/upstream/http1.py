"""The default engine: HTTP/1.1 on asyncio's transports, without an object a request that is not needed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from hfdeploy_proxy.rules.errors import Header, UpstreamClosed
from hfdeploy_proxy.upstream.circuit import Circuit
from hfdeploy_proxy.upstream.connection import Connection
from hfdeploy_proxy.upstream.dial import Address, dial
from hfdeploy_proxy.upstream.pool import Pool
from hfdeploy_proxy.upstream.port import IDEMPOTENT, Answer, Body


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections, and how long to wait for what."""

    connections: int = 4096
    connect_seconds: float = 5.0
    pool_seconds: float = 5.0
    keep_seconds: float = 30.0
    answer_seconds: float = 600.0
    idle_seconds: float = 6 * 3600.0


class Http1Upstream:
    """Implements `hfdeploy_proxy.upstream.port.Upstream`."""

    def __init__(self, address: Address, limits: Limits, circuit: Circuit) -> None:
        self._address = address
        self._limits = limits
        self._circuit = circuit
        self._pool: Pool | None = None

    async def send(
        self, method: bytes, target: bytes, headers: Sequence[Header], body: Body | None
    ) -> Answer:
        pool = self._pool
        if pool is None or pool.is_over:
            pool = self._open_pool()
        connection = await pool.take()
        while True:
            try:
                await connection.ask(method, target, headers, body)
                return connection
            except UpstreamClosed:
                stale = not connection.fresh and not connection.heard
                await connection.close()
                if body is not None or not stale or method not in IDEMPOTENT:
                    raise
            except BaseException:
                await connection.close()
                raise
            connection = await pool.take(fresh=True)  # RFC 9112, section 9.3.1: it was closed while idle

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()

    def _open_pool(self) -> Pool:
        limits = self._limits
        self._pool = Pool(
            self._dial,
            limit=limits.connections,
            pool_timeout_seconds=limits.pool_seconds,
            keep_seconds=limits.keep_seconds,
            answer_timeout_seconds=limits.answer_seconds,
            idle_timeout_seconds=limits.idle_seconds,
        )
        return self._pool

    async def _dial(self, pool: Pool) -> Connection:
        loop = asyncio.get_running_loop()
        return await dial(
            self._address,
            lambda: Connection(loop, pool.give_back, pool.forget),
            timeout_seconds=self._limits.connect_seconds,
            circuit=self._circuit,
        )

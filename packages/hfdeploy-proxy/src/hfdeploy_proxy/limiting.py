"""How often a client or a key may ask. The library `limits` counts, here or in a Redis for all replicas."""

import ipaddress
import logging
import math
import time
from dataclasses import replace

from limits import RateLimitItem, parse_many
from limits.aio.storage import Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.storage import storage_from_string

from hfdeploy_proxy.rules.errors import RATE_LIMITED, RequestRefused

logger = logging.getLogger("hfdeploy_proxy")

_PREFIX_BITS = 64
_STORAGE_SECONDS = 1.0


class Limiter:
    """Limits such as ``10/second; 500/hour``, for each client and for each key.

    A storage that cannot be reached lets requests pass: a relay that answers nobody is the greater harm.
    """

    def __init__(self, per_client: str, per_key: str, storage: str) -> None:
        self._per_client = parse_limits(per_client)
        self._per_key = parse_limits(per_key)
        self._storage = open_storage(storage)
        self._strategy = SlidingWindowCounterRateLimiter(self._storage)

    async def check_client(self, address: bytes) -> None:
        """Count a request of a client. Raises RequestRefused."""
        if self._per_client:
            await self._count(self._per_client, "client", network(address.decode("latin-1")))

    async def check_key(self, name: str) -> None:
        """Count a request with a key. Raises RequestRefused."""
        if self._per_key:
            await self._count(self._per_key, "key", name)

    async def close(self) -> None:
        """Close the connections to the storage; `limits` leaves them to its client."""
        bridge = getattr(self._storage, "bridge", None)
        if bridge is not None:
            await bridge.storage.aclose()

    async def _count(self, limits: list[RateLimitItem], kind: str, who: str) -> None:
        try:
            for limit in limits:
                if not await self._strategy.hit(limit, kind, who):
                    stats = await self._strategy.get_window_stats(limit, kind, who)
                    seconds = max(1, math.ceil(stats.reset_time - time.time()))
                    raise RequestRefused(replace(RATE_LIMITED, retry_after_seconds=seconds))
        except RequestRefused:
            raise
        except Exception as error:  # whatever the storage's client raises
            logger.warning("rate limits are not counted: %s", type(error).__name__)


def parse_limits(text: str) -> list[RateLimitItem]:
    """Raises ValueError."""
    return parse_many(text) if text else []


def open_storage(address: str) -> Storage:
    """``memory://`` or ``redis://...``. Raises when the client of Redis is not installed."""
    options: dict[str, float | str | bool] = {}
    if not address.startswith("memory"):
        options = {
            "implementation": "redispy",
            "socket_timeout": _STORAGE_SECONDS,
            "socket_connect_timeout": _STORAGE_SECONDS,
        }
    found = storage_from_string(f"async+{address}", **options)
    assert isinstance(found, Storage)
    return found


def network(address: str) -> str:
    """An IPv6 client has a whole network of addresses: it is counted as one."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return address
    return str(ipaddress.ip_network((found, _PREFIX_BITS), strict=False))

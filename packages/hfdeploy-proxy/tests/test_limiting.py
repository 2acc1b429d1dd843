"""Rate limits, counted in this process and in a Redis that is really there."""

import asyncio
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hfdeploy_proxy.limiting import Limiter, network
from hfdeploy_proxy.rules.errors import RequestRefused

from .conftest import free_port, is_listening


async def may_ask(limiter: Limiter, address: bytes) -> bool:
    try:
        await limiter.check_client(address)
    except RequestRefused:
        return False
    return True


async def count(limiter: Limiter, *addresses: bytes) -> list[int]:
    """How often each of them may ask, of five times."""
    return [sum([await may_ask(limiter, address) for _ in range(5)]) for address in addresses]


def test_each_client_and_each_key_has_a_limit_of_its_own() -> None:
    async def run() -> None:
        limiter = Limiter("3/hour", "1/hour; 5/day", "memory://")
        assert await count(limiter, b"1.2.3.4", b"1.2.3.5") == [3, 3]
        assert await count(limiter, b"2001:db8::1", b"2001:db8::2", b"2001:db8:0:1::1") == [3, 0, 3]
        await limiter.check_key("alice")
        await limiter.check_key("bob")
        with pytest.raises(RequestRefused) as refused:
            await limiter.check_key("alice")
        problem = refused.value.refusal
        assert problem.status == 429
        assert 0 < (problem.retry_after_seconds or 0) <= 3600

    asyncio.run(run())


def test_a_name_that_is_no_address_counts_as_it_is() -> None:
    assert network("unknown") == "unknown"
    assert network("10.0.0.1") == "10.0.0.1"
    assert network("2001:db8::7") == "2001:db8::/64"


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        pytest.skip("needs redis-server or valkey-server")
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    with subprocess.Popen([program, *options], stdout=subprocess.DEVNULL) as server:
        try:
            deadline = time.monotonic() + 10
            while not is_listening(port):
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield f"redis://127.0.0.1:{port}"
        finally:
            server.kill()


def test_replicas_count_together(redis: str) -> None:
    async def run() -> None:
        first, second = Limiter("3/hour", "", redis), Limiter("3/hour", "", redis)
        assert await count(first, b"1.2.3.4") == [3]
        assert await count(second, b"1.2.3.4", b"1.2.3.5") == [0, 3]
        await first.close()
        await second.close()

    asyncio.run(run())


def test_a_storage_that_is_gone_lets_requests_pass(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        assert await count(Limiter("1/hour", "", f"redis://127.0.0.1:{free_port()}"), b"1.2.3.4") == [5]

    asyncio.run(run())
    assert "not counted" in caplog.text

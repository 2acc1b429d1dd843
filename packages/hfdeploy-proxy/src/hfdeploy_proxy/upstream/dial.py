"""A connection to the upstream, in time, over TLS where its address says so."""

import asyncio
import functools
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from hfdeploy_proxy.rules.errors import ConnectTimedOut, UpstreamUnreachable
from hfdeploy_proxy.upstream.circuit import Circuit

Protocol = TypeVar("Protocol", bound=asyncio.Protocol)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the upstream listens."""

    host: str
    port: int
    tls: bool


async def dial(
    address: Address,
    factory: Callable[[], Protocol],
    *,
    timeout_seconds: float,
    circuit: Circuit,
    tls: ssl.SSLContext | None = None,
) -> Protocol:
    """Connect, by default for HTTP/1.1. Raises UpstreamError."""
    circuit.check()
    try:
        async with asyncio.timeout(timeout_seconds):
            _, protocol = await asyncio.get_running_loop().create_connection(
                factory,
                address.host,
                address.port,
                ssl=(tls or tls_context()) if address.tls else None,
                server_hostname=address.host if address.tls else None,
            )
    except TimeoutError:
        circuit.failed()
        raise ConnectTimedOut("no connection in time") from None
    except OSError as error:  # ssl.SSLError is one
        circuit.failed()
        raise UpstreamUnreachable(f"no connection: {type(error).__name__}") from None
    circuit.succeeded()
    return protocol


@functools.cache
def tls_context() -> ssl.SSLContext:
    """For connections that speak HTTP/1.1, and WebSockets."""
    return make_tls_context("http/1.1")


def make_tls_context(*protocols: str) -> ssl.SSLContext:
    """One that believes the system's authorities, or those of SSL_CERT_FILE; ``protocols`` go by ALPN."""
    context = ssl.create_default_context()
    if protocols:
        context.set_alpn_protocols(protocols)
    return context

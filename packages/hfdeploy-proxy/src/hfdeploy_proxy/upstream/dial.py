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
    address: Address, factory: Callable[[], Protocol], *, timeout_seconds: float, circuit: Circuit
) -> Protocol:
    """Connect. Raises UpstreamError."""
    circuit.check()
    try:
        async with asyncio.timeout(timeout_seconds):
            _, protocol = await asyncio.get_running_loop().create_connection(
                factory,
                address.host,
                address.port,
                ssl=tls_context() if address.tls else None,
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
    context = make_tls_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def make_tls_context() -> ssl.SSLContext:
    """One that believes the system's authorities, or those of SSL_CERT_FILE."""
    return ssl.create_default_context()

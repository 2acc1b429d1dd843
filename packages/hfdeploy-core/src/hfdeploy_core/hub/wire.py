"""HTTP/1.1 over kept connections, from the standard library: a client that is there at once.

huggingface_hub's own takes most of a second to import, longer than a whole deploy that changes nothing. What
it honours is honoured here: proxies and certificates from the environment, redirects on the same host.
"""

import http.client
import os
import select
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urljoin

from hfdeploy_core.endpoint import check_endpoint, split_url
from hfdeploy_core.hub.patience import GaveUp
from hfdeploy_core.hub.retry import Failure

CONNECT_SECONDS = 15.0
# Generous: the Hub may think long about a large commit. Without any, a dead network would hang for ever.
ANSWER_SECONDS = 180.0
# What only reads has little to think about, and may be asked again.
LOOK_SECONDS = 60.0
_REDIRECTS = frozenset({301, 302, 307, 308})
_MOST_REDIRECTS = 5


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: header names in lower case, the body whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    warnings: tuple[str, ...] = ()


class Stream:
    """An answer that is read while it arrives. Reading may raise OSError and HTTPException."""

    def __init__(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> None:
        self._connection = connection
        self._response = response
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}

    def __iter__(self) -> Iterator[bytes]:
        """Its lines, until it ends or is closed."""
        with self._response:
            yield from self._response

    def read(self, most_bytes: int) -> bytes:
        """The body's first bytes."""
        with self._response:
            return self._response.read(most_bytes)

    def close(self) -> None:
        """End it, also while another thread waits for its next byte: that one finds the end of the stream."""
        if self._connection.sock is not None:
            with suppress(OSError):
                self._connection.sock.shutdown(socket.SHUT_RDWR)
            self._connection.sock.close()


class Wire:
    """Sends requests to one host, from several threads if need be."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = split_url(check_endpoint(endpoint))
        self._proxy = _find_proxy(self._endpoint)
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()
        self._is_closed = False

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply | GaveUp:
        """One request, redirects followed; a GaveUp where no answer came."""
        for _ in range(_MOST_REDIRECTS):
            reply = self._send(method, url, headers, body)
            if isinstance(reply, GaveUp) or reply.status not in _REDIRECTS or "location" not in reply.headers:
                return reply
            url = urljoin(url, reply.headers["location"])
            here, there = self._endpoint, split_url(url)
            if (there.scheme, there.netloc) != (here.scheme, here.netloc):
                # The token is for this host only.
                return GaveUp(Failure(reply.status), url, "it leads to another host")
        return GaveUp(Failure(None), url, "it leads in a circle")

    def open(self, url: str, headers: Mapping[str, str], *, quiet_seconds: float) -> Stream | GaveUp:
        """Ask once for an answer that may take its time: `quiet_seconds` without a byte make it fail."""
        connection = self._open()
        connection.timeout = quiet_seconds
        try:
            connection.request("GET", self._name(url), headers={**headers, **self._proxy_headers()})
            return Stream(connection, connection.getresponse())
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return GaveUp(Failure(None), url, _describe(error))

    def close(self) -> None:
        """Close what is kept open, and keep nothing more: a thread may still wait for an answer."""
        with self._lock:
            self._is_closed = True
            while self._idle:
                self._idle.pop().close()

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply | GaveUp:
        was_sent = False
        connection = self._take()
        try:
            if not connection.sock:
                connection.connect()
            connection.sock.settimeout(LOOK_SECONDS if method == "GET" else ANSWER_SECONDS)
            was_sent = True
            # It may answer before it has heard everything.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, self._name(url), body, {**headers, **self._proxy_headers()})
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return GaveUp(Failure(None, was_sent=was_sent), url, _describe(error))
        self._keep(connection)
        names = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, names, content, url, tuple(response.msg.get_all("X-HF-Warning", ())))

    def _keep(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            if self._is_closed:
                connection.close()
            elif connection.sock:
                self._idle.append(connection)

    def _take(self) -> http.client.HTTPConnection:
        """A connection that is still open, or a new one that is not yet."""
        with self._lock:
            while self._idle:
                connection = self._idle.pop()
                if connection.sock and not select.select([connection.sock], [], [], 0)[0]:
                    return connection
                connection.close()
        return self._open()

    def _open(self) -> http.client.HTTPConnection:
        place = self._proxy or self._endpoint
        host, port = place.hostname or "", place.port
        if self._endpoint.scheme == "http":
            return http.client.HTTPConnection(host, port or 80, timeout=CONNECT_SECONDS)
        context = _trust()
        if self._proxy is None:
            return http.client.HTTPSConnection(host, port or 443, timeout=CONNECT_SECONDS, context=context)
        connection = http.client.HTTPSConnection(host, port or 8080, timeout=CONNECT_SECONDS, context=context)
        target = self._endpoint
        connection.set_tunnel(target.hostname or "", target.port or 443, _authorize(self._proxy))
        return connection

    def _proxy_headers(self) -> dict[str, str]:
        if self._proxy is None or self._endpoint.scheme == "https":
            return {}
        return _authorize(self._proxy)

    def _name(self, url: str) -> str:
        """What stands in the request line: all of the URL only where a proxy has to know it."""
        if self._proxy is not None and self._endpoint.scheme == "http":
            return url
        parts = split_url(url)
        return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"


def _find_proxy(endpoint: SplitResult) -> SplitResult | None:
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    proxy = proxies.get(endpoint.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(endpoint.hostname or ""):
        return None
    return split_url(proxy if "://" in proxy else f"http://{proxy}")


def _authorize(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    from base64 import b64encode
    from urllib.parse import unquote

    user = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(user.encode()).decode()}"}


def _trust() -> Any:
    """The system's certificates, as huggingface_hub's client trusts them."""
    import ssl

    if "SSL_CERT_FILE" in os.environ or "SSL_CERT_DIR" in os.environ:
        return ssl.create_default_context()
    import truststore

    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _describe(error: Exception) -> str:
    text = str(getattr(error, "strerror", None) or error).strip().rstrip(".")
    return text or type(error).__name__

"""Which headers pass the gateway. Pure.

Headers are raw pairs of bytes in the order they came; names keep the case they were sent in.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from hfdeploy_localhub.signing import COOKIE_PREFIX

Header = tuple[bytes, bytes]

# RFC 9110, section 7.6.1: fields of one connection, not of the message.
_HOP_BY_HOP = frozenset(
    b"connection proxy-connection keep-alive te trailer transfer-encoding upgrade proxy-authenticate "
    b"proxy-authorization".split()
)
_HUB_AUTHORIZATION = b"x-hf-authorization"
_OWN_COOKIES = COOKIE_PREFIX.encode()


def values(headers: Iterable[Header], name: bytes) -> list[bytes]:
    """All values of a header, `name` in lower case."""
    return [value for key, value in headers if key.lower() == name]


def list_items(headers: Iterable[Header], name: bytes) -> list[bytes]:
    """The items of a header that is a list, in lower case (RFC 9110, section 5.6.1)."""
    joined = b",".join(values(headers, name))
    return [item.strip().lower() for item in joined.split(b",") if item.strip()]


def bearer_token(value: bytes) -> str | None:
    """The token of `Bearer TOKEN`, or None."""
    scheme, _, token = value.strip().partition(b" ")
    return token.strip().decode("latin-1") if scheme.lower() == b"bearer" and token.strip() else None


def offered_tokens(headers: Sequence[Header]) -> list[str]:
    """The tokens a client shows to the gateway."""
    shown = values(headers, _HUB_AUTHORIZATION) + values(headers, b"authorization")
    return [token for token in map(bearer_token, shown) if token]


def wants_upgrade(headers: Sequence[Header]) -> bool:
    """Whether the client asks for another protocol on this connection (RFC 9110, section 7.8)."""
    return b"upgrade" in list_items(headers, b"connection") and bool(values(headers, b"upgrade"))


def is_ambiguous(headers: Sequence[Header]) -> bool:
    """Two framings at once, the stuff of request smuggling (RFC 9112, section 6.1)."""
    return bool(values(headers, b"content-length") and values(headers, b"transfer-encoding"))


def plan_request_headers(
    headers: Sequence[Header], client: str, knows_token: Callable[[str], bool]
) -> list[Header]:
    """What the app sees: no fields of the client's connection, no token of the hub, and where the request is
    from.
    """
    upgrade = _upgrade(headers)
    passed = [
        (name, value)
        for name, value in _without_own_cookies(_without_connection(headers))
        if name.lower() not in (_HUB_AUTHORIZATION, b"expect", b"x-forwarded-for")
        and not _is_ours(name, value, knows_token)
    ]
    chain = [*values(headers, b"x-forwarded-for"), client.encode()]
    passed.append((b"X-Forwarded-For", b", ".join(chain)))
    if not values(headers, b"x-forwarded-host") and (host := values(headers, b"host")):
        passed.append((b"X-Forwarded-Host", host[0]))
    if not values(headers, b"x-forwarded-proto"):
        passed.append((b"X-Forwarded-Proto", b"http"))
    return passed + (upgrade or [*_framing(headers), (b"Connection", b"close")])


def plan_response_headers(headers: Sequence[Header], *, switching: bool = False) -> list[Header]:
    """What the client sees of the app's headers; the framing is made anew."""
    return list(_without_connection(headers)) + (_upgrade(headers) if switching else [])


def _is_ours(name: bytes, value: bytes, knows_token: Callable[[str], bool]) -> bool:
    token = bearer_token(value) if name.lower() == b"authorization" else None
    return token is not None and knows_token(token)


def find_cookies(headers: Iterable[Header], name: str) -> list[str]:
    """The values that a browser sends for a cookie's name (RFC 6265, section 5.4)."""
    pairs = [pair.strip() for value in values(headers, b"cookie") for pair in value.split(b";")]
    start = f"{name}=".encode()
    return [pair.removeprefix(start).decode("latin-1") for pair in pairs if pair.startswith(start)]


def _without_own_cookies(headers: Iterable[Header]) -> Iterator[Header]:
    for name, value in headers:
        if name.lower() != b"cookie" or _OWN_COOKIES not in value:
            yield name, value
            continue
        pairs = [pair.strip() for pair in value.split(b";")]
        if kept := [pair for pair in pairs if not pair.startswith(_OWN_COOKIES)]:
            yield name, b"; ".join(kept)


def _without_connection(headers: Sequence[Header]) -> list[Header]:
    """Everything but the hop-by-hop fields, those that Connection lists among them."""
    dropped = _HOP_BY_HOP | (set(list_items(headers, b"connection")) - {b"host", b"content-length"})
    return [(name, value) for name, value in headers if name.lower() not in dropped]


def _framing(headers: Sequence[Header]) -> list[Header]:
    """A chunked body stays one; a Content-Length has passed already."""
    return [(b"Transfer-Encoding", b"chunked")] if values(headers, b"transfer-encoding") else []


def _upgrade(headers: Sequence[Header]) -> list[Header]:
    if not wants_upgrade(headers):
        return []
    return [(b"Upgrade", b", ".join(values(headers, b"upgrade"))), (b"Connection", b"Upgrade")]

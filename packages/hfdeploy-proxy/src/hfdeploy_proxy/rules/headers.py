"""Which headers pass the relay. Pure.

Headers are raw pairs of bytes in the order they came. Those of requests have names in lower case, as ASGI
demands; what the upstream sends may have any case.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from hfdeploy_proxy.rules.errors import (
    CODING_UNKNOWN,
    FRAMING_INVALID,
    HEADER_INVALID,
    HOST_INVALID,
    LOOP_DETECTED,
    Header,
    RequestRefused,
)

PSEUDONYM = b"hfdeploy-proxy"
_VIA = b"1.1 " + PSEUDONYM
_MOST_HOPS = 8

# RFC 9110, section 7.6.1: fields of one connection, not of the message.
_HOP_BY_HOP = frozenset(
    b"connection proxy-connection keep-alive te trailer transfer-encoding upgrade proxy-authenticate "
    b"proxy-authorization proxy-authentication-info http2-settings".split()
)
# What the relay says itself, or reads before it decides.
_READ = frozenset(
    b"host origin content-length expect via x-forwarded-for x-forwarded-host x-forwarded-proto "
    b"x-forwarded-port x-forwarded-prefix x-real-ip forwarded authorization x-hf-authorization".split()
)
_WEBSOCKET = frozenset(
    b"sec-websocket-key sec-websocket-version sec-websocket-extensions sec-websocket-protocol "
    b"sec-websocket-accept".split()
)
_SPECIAL = _HOP_BY_HOP | _READ | _WEBSOCKET
# Headers of the Hub's edge that speak of the upstream's Space.
_EDGE = frozenset((b"x-proxied-host", b"x-proxied-replica", b"x-proxied-path"))
_EDGE_COOKIE = b"spaces-jwt"
_CONTROLS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_HOST = re.compile(rb"(?:[A-Za-z0-9._~%\-]*|\[[A-Za-z0-9:.%]+\])(?::[0-9]*)?")


class Request(NamedTuple):
    """What a request says of itself; ``kept`` is what may pass, ``special`` what the relay decides about."""

    kept: list[Header]
    host: bytes
    origin: bytes | None
    length: int | None
    chunked: bool
    expects_continue: bool
    special: list[Header]


@dataclass(frozen=True, slots=True)
class Target:
    """The upstream as the rules need it: ``authority`` for Host, ``origin`` for what names it in full."""

    authority: bytes
    origin: bytes


class Forwarding(NamedTuple):
    """From where a request is, as far as that can be believed."""

    chain: tuple[bytes, ...]
    host: bytes
    scheme: bytes
    prefix: bytes = b""


def values(headers: Iterable[Header], name: bytes) -> list[bytes]:
    """All values of a header, ``name`` in lower case."""
    return [value for key, value in headers if key == name]


def list_items(headers: Iterable[Header], name: bytes) -> list[bytes]:
    """The items of a header that is a list (RFC 9110, section 5.6.1)."""
    return [
        item for value in values(headers, name) for part in value.split(b",") if (item := part.strip(b" \t"))
    ]


def read_request(headers: Iterable[Header]) -> Request:
    """Sort the headers of a request; refuse what could be read in two ways. Raises RequestRefused.

    Fields with an underscore are dropped: CGI-like servers take them for those with a hyphen. So are those
    of X-Forwarded-* that the relay does not know: nobody has looked whether they are true.
    """
    kept: list[Header] = []
    special: list[Header] = []
    for pair in headers:
        name = pair[0]
        if name in _SPECIAL:
            special.append(pair)
        elif b"_" not in name and not name.startswith(b"x-forwarded-"):
            kept.append(pair)
    if len(special) == 1 and special[0][0] == b"host" and is_host(special[0][1]):  # what most look like
        return Request(kept, special[0][1], None, None, False, False, special)
    hosts = values(special, b"host")
    if len(hosts) != 1 or not is_host(hosts[0]):
        raise RequestRefused(HOST_INVALID)
    if listed := list_items(special, b"connection"):
        names = {item.lower() for item in listed}
        kept = [pair for pair in kept if pair[0] not in names]
        special = [pair for pair in special if pair[0] not in names or pair[0] in _FRAMING]
    length, chunked = _framing(special)
    origins = values(special, b"origin")
    if len(origins) > 1:
        raise RequestRefused(HEADER_INVALID)
    expects = any(value.lower() == b"100-continue" for value in values(special, b"expect"))
    return Request(kept, hosts[0], origins[0] if origins else None, length, chunked, expects, special)


@lru_cache(maxsize=1024)
def is_host(value: bytes) -> bool:
    """Whether a Host names one (RFC 9112, section 3.2); what RFC 3986 allows besides is in no name of DNS."""
    return bool(_HOST.fullmatch(value))


# Naming these in Connection does not make them fields of the connection: the message cannot be without them,
# and an Origin left out would pass where it is not allowed.
_FRAMING = frozenset((b"host", b"content-length", b"transfer-encoding", b"connection", b"origin", b"via"))


def _framing(headers: Sequence[Header]) -> tuple[int | None, bool]:
    """Length and whether chunked (RFC 9112, section 6.3): one of them, or neither."""
    codings = [item.lower() for item in list_items(headers, b"transfer-encoding")]
    lengths = values(headers, b"content-length")
    if codings and (lengths or codings.count(b"chunked") > 1):
        raise RequestRefused(FRAMING_INVALID)
    if codings and codings != [b"chunked"]:
        raise RequestRefused(CODING_UNKNOWN)
    if not lengths:
        return None, bool(codings)
    if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0]):
        raise RequestRefused(FRAMING_INVALID)
    return int(lengths[0]), False


def decide_forwarding(
    request: Request, peer: bytes, scheme: bytes, trusted_hops: int, prefix: bytes = b""
) -> Forwarding:
    """From where the request is. Of what it says itself, only what ``trusted_hops`` proxies added counts."""
    if not trusted_hops:
        return Forwarding((peer,), request.host, scheme, prefix)
    told = list_items(request.special, b"x-forwarded-for")[-trusted_hops:]
    hosts = list_items(request.special, b"x-forwarded-host")
    schemes = list_items(request.special, b"x-forwarded-proto")
    return Forwarding(
        (*told, peer),
        hosts[-1] if hosts else request.host,
        schemes[-1].lower() if schemes else scheme,
        prefix,
    )


def client_address(headers: Iterable[Header], peer: tuple[str, int] | None, trusted_hops: int) -> bytes:
    """Who asks, as far as that can be believed: the first of `decide_forwarding`'s chain."""
    told = list_items(headers, b"x-forwarded-for")[-trusted_hops:] if trusted_hops else []
    return told[0] if told else peer[0].encode() if peer else b"unknown"


@lru_cache(maxsize=1024)
def forwarding_headers(forwarding: Forwarding) -> tuple[Header, ...]:
    """X-Forwarded-* as applications read them, and Forwarded (RFC 7239), saying the same."""
    chain, host, scheme, prefix = forwarding
    nodes = [b"for=" + _node(node) for node in chain]
    said = nodes[0] + b";host=" + _quoted(host) + b";proto=" + _quoted(scheme)
    found = [
        (b"x-forwarded-for", b", ".join(chain)),
        (b"x-forwarded-host", host),
        (b"x-forwarded-proto", scheme),
        (b"forwarded", b", ".join([said, *nodes[1:]])),
    ]
    if prefix:
        found.append((b"x-forwarded-prefix", prefix))
    return tuple(found)


def _node(address: bytes) -> bytes:
    """RFC 7239, section 6: an IPv6 address stands in brackets, and so in quotes."""
    return _quoted(b"[%b]" % address if b":" in address and not address.startswith(b"[") else address)


_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def _quoted(value: bytes) -> bytes:
    """RFC 9110, section 5.6.4: as a token where it is one."""
    if _TOKEN.fullmatch(value):
        return value
    return b'"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def plan_request_headers(
    request: Request, target: Target, forwarding: Forwarding, credentials: Header
) -> list[Header]:
    """What the upstream sees. The credentials come last: nothing that a client sends can take them away.

    Framing is not among them: who sends the message says how long it is. Nobody sends an empty one.
    """
    planned = [(b"host", target.authority)]
    planned += _without_edge_cookie(request.kept)
    if request.length == 0:
        planned.append((b"content-length", b"0"))
    if credentials[0] != b"authorization":
        planned += [pair for pair in request.special if pair[0] == b"authorization"]
    if request.origin is not None:
        planned.append((b"origin", target.origin))
    planned.append((b"via", _via(request.special)))
    planned += forwarding_headers(forwarding)
    planned.append(credentials)
    return planned


def ask_plain(planned: Sequence[Header], *, whole: bool) -> list[Header]:
    """The same request for an answer that is not compressed (RFC 9110, section 12.5.3), and if it has to be
    ``whole``, is not a part of one either (section 14.2).
    """
    host, *rest = planned
    dropped = (b"accept-encoding", b"range", b"if-range") if whole else (b"accept-encoding",)
    kept = [pair for pair in rest if pair[0] not in dropped]
    return [host, (b"accept-encoding", b"identity"), *kept]


def _via(headers: Sequence[Header]) -> bytes:
    """RFC 9110, section 7.6.3. A request that has passed here too often turns in a circle."""
    if not any(name == b"via" for name, _ in headers):
        return _VIA
    told = list_items(headers, b"via")
    if sum(item.endswith(b" " + PSEUDONYM) for item in told) >= _MOST_HOPS:
        raise RequestRefused(LOOP_DETECTED)
    return b", ".join([*told, _VIA])


def _without_edge_cookie(headers: list[Header]) -> list[Header]:
    """The Hub's own cookie for the relay's Space is none of the upstream's business."""
    if not any(name == b"cookie" and _EDGE_COOKIE in value for name, value in headers):
        return headers
    planned = []
    for name, value in headers:
        if name == b"cookie":
            crumbs = [crumb.strip() for crumb in value.split(b";")]
            rest = b"; ".join(crumb for crumb in crumbs if crumb.partition(b"=")[0] != _EDGE_COOKIE)
            planned += [(name, rest)] if rest else []
        else:
            planned.append((name, value))
    return planned


def is_answer(status: int, headers: Iterable[Header]) -> bool:
    """Whether status and framing (RFC 9112, section 6.3) can be read in one way only."""
    names = [name.lower() for name, _ in headers]
    lengths = names.count(b"content-length")
    return 200 <= status <= 599 and lengths + (b"transfer-encoding" in names) <= 1


def plan_answer_headers(
    headers: Iterable[Header], status: int, target: Target, prefix: bytes, date: bytes
) -> list[Header]:
    """What the client sees of the upstream's headers.

    Fields of the connection go (RFC 9110, section 7.6.1), and so do those of the Hub's edge and those of
    CORS, which is the relay's own affair. What names the upstream leads to the relay. Via comes last.
    """
    planned: list[Header] = []
    listed: list[bytes] = []
    vias: tuple[bytes, ...] = ()
    dated = False
    for given, value in headers:
        name = given.lower()
        if name not in _ANSWER_SPECIAL:
            planned.append((name, value))
        elif name == b"content-length":
            if status not in _BODILESS:
                planned.append((name, value))
        elif name == b"date":
            dated = True
            planned.append((name, value))
        elif name == b"connection":
            if value.lower() not in _PLAIN_OPTIONS:
                listed += [item.lower() for item in list_items([(name, value)], name)]
        elif name == b"via":
            vias = (*vias, value)
        elif name == b"set-cookie":
            if (cookie := plan_cookie(value, target, prefix)) is not None:
                planned.append((name, cookie))
        elif name in _REFERENCES:
            planned.append((name, plan_reference(value, target, prefix)))
        elif name == b"link" and not _names_upstream(value, target):
            planned.append((name, value))
    if listed:
        planned = [pair for pair in planned if pair[0] not in listed or pair[0] in _KEPT]
    if not dated:  # RFC 9110, section 6.6.1
        planned.append((b"date", date))
    planned.append((b"via", b", ".join((*vias, _VIA)) if vias else _VIA))
    return planned


_PLAIN_OPTIONS = frozenset((b"keep-alive", b"close"))
_BODILESS = frozenset((204, 205, 304))
_REFERENCES = frozenset((b"location", b"content-location"))
_CORS = frozenset(
    b"access-control-allow-origin access-control-allow-credentials access-control-allow-methods "
    b"access-control-allow-headers access-control-max-age".split()
)
_KEPT = frozenset((b"content-length", b"content-type", b"set-cookie", b"location", b"date"))
_ANSWER_SPECIAL = (
    _HOP_BY_HOP
    | _WEBSOCKET
    | _EDGE
    | _CORS
    | _REFERENCES
    | {b"via", b"content-length", b"set-cookie", b"link", b"date"}
)


def plan_reference(value: bytes, target: Target, prefix: bytes) -> bytes:
    """A Location that names the upstream, as a path of the relay (RFC 9110, section 10.2.2).

    A path that begins with two slashes would name another host: a dot between them keeps it a path
    (RFC 3986, section 4.2).
    """
    rest = value
    if not value.startswith(b"/"):
        scheme, colon, after = value.partition(b"://")
        authority = re.split(rb"[/?#]", after, maxsplit=1)[0]
        if not colon or scheme.lower() not in (b"http", b"https") or not _is_target(authority, target):
            return value
        rest = after[len(authority) :]
    elif value.startswith(b"//"):
        authority = re.split(rb"[/?#]", value[2:], maxsplit=1)[0]
        if not _is_target(authority, target):
            return value
        rest = value[2 + len(authority) :]
    if not rest.startswith(b"/"):
        rest = b"/" + rest
    if prefix:
        return prefix + rest
    return b"/." + rest if rest.startswith((b"//", b"/\\")) else rest


def _is_target(authority: bytes, target: Target) -> bool:
    return _without_default_port(authority) == _without_default_port(target.authority)


def _without_default_port(authority: bytes) -> bytes:
    return re.sub(rb":(80|443)?$", b"", authority.lower())


def _names_upstream(link: bytes, target: Target) -> bool:
    return b"canonical" in link.lower() and target.authority.lower() in link.lower()


def plan_cookie(value: bytes, target: Target, prefix: bytes) -> bytes | None:
    """A cookie of the upstream as one of the relay's host (RFC 6265, section 5.3); None for the edge's own.

    A Domain that covers the upstream is left out: browsers refuse a cookie for a host it did not come from.
    """
    crumbs = value.split(b";")
    if crumbs[0].partition(b"=")[0].strip() == _EDGE_COOKIE:
        return None
    lowered = value.lower()
    if b"domain" not in lowered and not prefix:
        return value
    host = target.authority.lower().rpartition(b":")[0] or target.authority.lower()
    kept = crumbs[:1]
    for crumb in crumbs[1:]:
        name, _, said = (part.strip() for part in crumb.partition(b"="))
        if name.lower() == b"domain" and (b"." + host).endswith(b"." + said.lower().lstrip(b".")):
            continue
        if prefix and name.lower() == b"path" and said.startswith(b"/"):
            crumb = b" Path=" + prefix + said
        kept.append(crumb)
    return b";".join(kept)

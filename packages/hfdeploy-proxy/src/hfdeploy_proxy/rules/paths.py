"""Which request target is sent upstream. Pure."""

import re
from urllib.parse import quote

from hfdeploy_proxy.rules.errors import PATH_INVALID, RequestRefused

# RFC 9112, section 3.2.1: origin-form only. Two slashes at the start read as an authority to some parsers.
_PATH = re.compile(rb"/(?!/)[!-\"$->@-~\x80-\xff]*")
_QUERY = re.compile(rb"[!-\"$-~\x80-\xff]*")
_SIGNATURE = b"__sign"


def plan_target(path: bytes, query: bytes | None) -> bytes:
    """Path and query as they were sent, but for the Hub's signature; None for no question mark at all.

    Raises RequestRefused.
    """
    if not _PATH.fullmatch(path):
        raise RequestRefused(PATH_INVALID)
    if query is None:
        return path
    if not _QUERY.fullmatch(query):
        raise RequestRefused(PATH_INVALID)
    if _SIGNATURE in query and not (query := strip_signature(query)):
        return path
    return path + b"?" + query


def split_target(target: bytes) -> tuple[bytes, bytes | None]:
    """Path and query of a request line."""
    path, mark, query = target.partition(b"?")
    return path, query if mark else None


def strip_signature(query: bytes) -> bytes:
    """The query without ``__sign``: a token of the Hub's edge for the relay's own Space."""
    parts = query.split(b"&")
    return b"&".join(part for part in parts if part.partition(b"=")[0] != _SIGNATURE)


def raw_path(path: str, raw: bytes | None, root_path: str) -> bytes:
    """The path as it was sent, below the place where the relay is mounted. Servers need not tell it raw."""
    sent = quote(path, safe="/!$&'()*+,;=:@~").encode() if raw is None else raw
    root = quote(root_path, safe="/!$&'()*+,;=:@~").encode()
    return (sent[len(root) :] or b"/") if root and sent.startswith(root) else sent

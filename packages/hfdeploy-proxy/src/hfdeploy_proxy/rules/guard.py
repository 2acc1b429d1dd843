"""Who may come in, and to what, where that is not the world and everything. Pure."""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from hfdeploy_proxy.rules.errors import (
    BODY_TOO_LARGE,
    KEY_REFUSED,
    METHOD_REFUSED,
    PATH_REFUSED,
    Header,
    RequestRefused,
)

KEY_HEADER = b"x-api-key"
_BEARER = b"bearer "
# What a server may read as another path than it looks like: dot segments, empty ones, backslashes,
# parameters, slashes and dots that are encoded, once or twice.
_AMBIGUOUS = re.compile(rb"//|\\|/\.\.?(/|$)|%2[ef]|%5c|[\x00-\x1f\x7f;]", re.IGNORECASE)


class Key(NamedTuple):
    """An API key: the name it has in logs and limits, and its SHA-256. The key itself is nowhere."""

    name: str
    digest: bytes


def parse_key(text: str) -> Key:
    """``NAME:SHA256`` in hex. Raises ValueError."""
    name, _, digest = text.partition(":")
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name) or not re.fullmatch(r"[0-9a-fA-F]{64}", digest):
        raise ValueError("a key is NAME:SHA256, as `hfdeploy-proxy key NAME` prints it")
    return Key(name, bytes.fromhex(digest))


def digest_key(key: bytes) -> bytes:
    """Keys are random and long: a plain hash of one cannot be reversed by trying."""
    return hashlib.sha256(key).digest()


@dataclass(frozen=True, slots=True)
class Guard:
    """Lists of what is allowed; one that is empty allows everything."""

    keys: tuple[Key, ...] = ()
    methods: frozenset[str] = frozenset()
    paths: tuple[str, ...] = ()
    max_body_bytes: int = 0

    def check(self, method: str, path: bytes, length: int | None) -> None:
        """Method, path and the length that is told. Raises RequestRefused."""
        if self.methods and method not in self.methods:
            allow = (b"allow", ", ".join(sorted(self.methods)).encode())
            raise RequestRefused(replace(METHOD_REFUSED, extra=(allow,)))
        if self.paths and not any(is_path_allowed(path, allowed) for allowed in self.paths):
            raise RequestRefused(PATH_REFUSED)
        if self.max_body_bytes and (length or 0) > self.max_body_bytes:
            raise RequestRefused(BODY_TOO_LARGE)

    def find_key(self, headers: Iterable[Header]) -> Key | None:
        """Whose key a request shows; None where no keys are asked for. Raises RequestRefused.

        Every key is compared, each in constant time: how long it takes tells nothing.
        """
        if not self.keys:
            return None
        offered = [digest_key(key) for key in offered_keys(headers)]
        found = [key for key in self.keys for digest in offered if hmac.compare_digest(key.digest, digest)]
        if len(offered) != 1 or not found:
            raise RequestRefused(KEY_REFUSED)
        return found[0]


def offered_keys(headers: Iterable[Header]) -> list[bytes]:
    """The keys in ``X-API-Key``; without any, those in ``Authorization: Bearer``."""
    own, bearer = [], []
    for name, value in headers:
        if name == KEY_HEADER:
            own.append(value)
        elif name == b"authorization" and value[: len(_BEARER)].lower() == _BEARER:
            bearer.append(value[len(_BEARER) :].strip())
    return own or bearer


def is_path_allowed(path: bytes, allowed: str) -> bool:
    """``/a`` allows itself, ``/a/*`` everything below. A path that can be read in two ways is not allowed."""
    decoded = unquote_to_bytes(path)
    if _AMBIGUOUS.search(path) or _AMBIGUOUS.search(decoded):
        return False
    wanted = allowed.encode()
    return decoded.startswith(wanted[:-1]) if wanted.endswith(b"/*") else decoded == wanted

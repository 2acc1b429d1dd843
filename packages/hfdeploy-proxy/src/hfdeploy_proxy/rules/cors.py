"""What pages of other origins are told (the Fetch standard's CORS protocol). Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from hfdeploy_proxy.rules.access import ANYONE, Origins, is_same_host
from hfdeploy_proxy.rules.errors import Header

_MAX_AGE_SECONDS = b"600"
_REQUESTED_METHOD = b"access-control-request-method"
_REQUESTED_HEADERS = b"access-control-request-headers"
_METHOD = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


@dataclass(frozen=True, slots=True)
class Cors:
    """The relay's policy; what the upstream says of its own is dropped."""

    origins: Origins
    credentials: bool = False

    def is_preflight(self, method: str, origin: bytes | None, headers: Iterable[Header]) -> bool:
        """Whether a browser asks before it sends a page's request."""
        return (
            method == "OPTIONS"
            and origin is not None
            and any(name == _REQUESTED_METHOD for name, _ in headers)
        )

    def plan_answer(self, origin: bytes | None, host: bytes) -> list[Header]:
        """Headers of an answer to an origin that is admitted.

        Caches must keep the answers to different origins apart (RFC 9110, section 12.5.5).
        """
        if not self.origins.allowed:
            return []
        if ANYONE in self.origins.allowed:
            return [(b"access-control-allow-origin", b"*")]
        planned = [(b"vary", b"Origin")]
        if origin is not None and not is_same_host(origin.decode("latin-1"), host.decode("latin-1")):
            planned.append((b"access-control-allow-origin", origin))
            if self.credentials:
                planned.append((b"access-control-allow-credentials", b"true"))
        return planned

    def plan_preflight(self, origin: bytes | None, host: bytes, headers: Iterable[Header]) -> list[Header]:
        """Headers of the answer to a preflight: any method and any header that are asked for."""
        planned = self.plan_answer(origin, host)
        for name, value in headers:
            if name == _REQUESTED_METHOD and _METHOD.fullmatch(value):
                planned.append((b"access-control-allow-methods", value))
            elif name == _REQUESTED_HEADERS:
                planned.append((b"access-control-allow-headers", value))
        planned.append((b"access-control-max-age", _MAX_AGE_SECONDS))
        planned.append((b"vary", _REQUESTED_METHOD + b", " + _REQUESTED_HEADERS))
        return planned

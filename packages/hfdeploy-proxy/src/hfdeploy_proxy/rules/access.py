"""Which pages of other origins may use the relay. Pure.

The Hub's edge answers preflights by itself and reflects any Origin with credentials: to leave a header out
keeps nobody away there, so that what is not allowed is refused.
"""

from dataclasses import dataclass

from hfdeploy_proxy.rules.errors import ORIGIN_REFUSED, RequestRefused

ANYONE = "*"


@dataclass(frozen=True, slots=True)
class Origins:
    """The allow-list: origins in full, ``https://*.a.com`` for subdomains, or ``*``."""

    allowed: tuple[str, ...] = ()

    def admits(self, origin: str) -> bool:
        """Whether an origin is on the list, compared as the string that browsers send (Fetch standard)."""
        if ANYONE in self.allowed or origin in self.allowed:
            return True
        return any(matches_subdomain(pattern, origin) for pattern in self.allowed if "*" in pattern)


def matches_subdomain(pattern: str, origin: str) -> bool:
    """``https://*.example.com`` admits ``https://a.b.example.com``, but neither another scheme or port nor
    ``https://example.com``.
    """
    scheme, _, suffix = pattern.partition("*")
    if not origin.startswith(scheme) or not origin.endswith(suffix):
        return False
    label = origin[len(scheme) : len(origin) - len(suffix)]
    return bool(label) and all(
        part and all(letter.isalnum() or letter in "-_" for letter in part) for part in label.split(".")
    )


def check_origin(origin: bytes | None, host: bytes, origins: Origins) -> None:
    """Refuse pages of foreign origins (RFC 6454, section 7). Raises RequestRefused.

    Pages of the relay itself send an Origin too, when they post or open a WebSocket. Their scheme is not
    compared: where TLS ends before the relay, it does not know it.
    """
    if origin is None:
        return
    text = origin.decode("latin-1")
    if is_same_host(text, host.decode("latin-1")) or origins.admits(text):
        return
    raise RequestRefused(ORIGIN_REFUSED)


def is_same_host(origin: str, host: str) -> bool:
    """Whether an origin has the host and port of a Host header."""
    scheme, separator, authority = origin.partition("://")
    default = {"http": ":80", "https": ":443"}.get(scheme)
    if not separator or default is None:
        return False
    return authority.lower().removesuffix(default) == host.lower().removesuffix(default)

"""Templates become answers, with the headers that keep what they show from doing harm."""

from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from fastapi import Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

# Nothing from elsewhere, no script or style but the hub's own files, and no page of the hub in a frame.
# Apps of Spaces are shown in frames: they are on other ports of the same host.
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'; frame-src {frames}"
)
_STATIC_TYPES = {"style.css": "text/css", "live.js": "text/javascript"}


def render(name: str, *, status: int = 200, frames: str = "'none'", **values: Any) -> Response:
    """The page of a template. ``frames`` is the origin that it may show in a frame."""
    text = _environment().get_template(name).render(values)
    return HTMLResponse(
        text,
        status,
        headers={
            "Content-Security-Policy": _POLICY.format(frames=frames),
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "same-origin",
            "Cache-Control": "no-store",
        },
    )


def send_static(name: str) -> Response:
    content = (files("hfdeploy_localhub.pages") / "static" / name).read_bytes()
    return Response(
        content, media_type=f"{_STATIC_TYPES[name]}; charset=utf-8", headers={"Cache-Control": "no-cache"}
    )


def format_bytes(size: float) -> str:
    """Bytes for people, in powers of 1000."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def format_age(moment: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that fits."""
    seconds = max((now - moment).total_seconds(), 0)
    for unit, length in (
        ("year", 31_557_600),
        ("month", 2_629_800),
        ("day", 86_400),
        ("hour", 3600),
        ("minute", 60),
    ):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("hfdeploy_localhub.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["bytes"] = format_bytes
    environment.filters["age"] = lambda moment: format_age(moment, datetime.now(UTC))
    environment.filters["path"] = lambda text: quote(text)
    environment.filters["word"] = lambda text: quote(text, safe="")
    return environment

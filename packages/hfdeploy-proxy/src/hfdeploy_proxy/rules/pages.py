"""Problems for people: a small page that looks again by itself. Pure."""

from collections.abc import Iterable
from html import escape

from hfdeploy_proxy.rules.errors import Header, Problem

_STYLE = "body{font:1.1em system-ui;max-width:30em;margin:20vh auto;padding:0 1em;text-align:center}"
_POLICY = b"default-src 'none'; style-src 'unsafe-inline'"


def wants_page(method: str, headers: Iterable[Header]) -> bool:
    """Whether somebody looks at the answer: browsers ask for HTML, and clients of an API do not."""
    return method in ("GET", "HEAD") and any(
        name == b"accept" and b"text/html" in value.lower() for name, value in headers
    )


def plan_page(problem: Problem) -> tuple[list[Header], bytes]:
    """Headers and body of a page about a problem that passes."""
    again = str(problem.retry_after_seconds)
    body = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="{again}">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(problem.title)}</title>'
        f"<style>{_STYLE}</style><h1>{escape(problem.title)}</h1><p>{escape(problem.detail)}</p>"
        f"<p>This page looks again every {again} seconds.</p></html>\n"
    ).encode()
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", _POLICY),
        *(pair for pair in problem.headers(body) if pair[0] != b"content-type"),
    ]
    return headers, body

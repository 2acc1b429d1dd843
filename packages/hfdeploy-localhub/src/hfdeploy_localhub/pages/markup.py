"""A README as HTML that is safe to show, whoever wrote it: no HTML of its own, no address but of the web."""

import posixpath
from collections.abc import Iterable
from urllib.parse import quote, unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_MAX_CHARACTERS = 500_000


def render_markdown(text: str, *, files: str, images: str) -> str:
    """``files`` and ``images`` are the addresses below which the repo's files and their bytes are shown."""
    tokens = _PARSER.parse(text[:_MAX_CHARACTERS])
    _lead(tokens, files, images)
    return str(_PARSER.renderer.render(tokens, _PARSER.options, {}))


def _lead(tokens: Iterable[Token], files: str, images: str) -> None:
    """Makes relative addresses lead into the repo, and keeps others from learning where one came from."""
    for token in tokens:
        if token.type == "image":
            token.attrSet("src", _resolve(str(token.attrGet("src") or ""), images))
            token.attrSet("loading", "lazy")
        elif token.type == "link_open":
            token.attrSet("href", _resolve(str(token.attrGet("href") or ""), files))
            token.attrSet("rel", "nofollow noopener noreferrer")
        _lead(token.children or (), files, images)


def _resolve(address: str, base: str) -> str:
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or not parts.path:
        return address
    path = posixpath.normpath("/" + unquote(parts.path)).lstrip("/")
    return f"{base}/{quote(path)}" + (f"#{parts.fragment}" if parts.fragment else "")

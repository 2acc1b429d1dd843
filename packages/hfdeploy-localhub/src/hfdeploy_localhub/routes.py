"""Globs over a request's method and path, as fault rules and the request log use them (pure)."""

import re
from functools import cache


def matches_route(pattern: str, path: str) -> bool:
    """Whether the glob covers the whole path: ``*`` stands for anything but ``/``, ``**`` for anything."""
    return _compile(pattern).fullmatch(path) is not None


def matches_method(methods: str, method: str) -> bool:
    """Whether ``methods`` (``POST``, ``GET|HEAD`` or ``*``) names the method."""
    return methods == "*" or method in methods.split("|")


@cache
def _compile(pattern: str) -> re.Pattern[str]:
    words = re.split(r"(\*\*|\*)", pattern)
    meanings = {"**": ".*", "*": "[^/]*"}
    return re.compile("".join(meanings.get(word, re.escape(word)) for word in words), re.DOTALL)

"""Reads a manifest from TOML: `[tool.hfdeploy]` of a pyproject.toml, or the whole of another file.

The standard library's parser tells values, not places: these are looked for in the lines, where keys and
headers of tables stand. What stands in an inline table or a list is found at the key that holds it.
"""

import re
import tomllib
from typing import Any

from hfdeploy_core.manifest.node import Fault, Node, Place, Position, refusal

_TABLE = ("tool", "hfdeploy")
_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_HEADER = re.compile(rf"\s*(?P<open>\[\[?)\s*(?P<key>{_PART}(?:\s*\.\s*{_PART})*)\s*\]\]?")
_KEY = re.compile(rf"\s*(?P<key>{_PART}(?:\s*\.\s*{_PART})*)\s*=\s*(?=\S)")
_PLACE = re.compile(r"\(at line (?P<line>\d+), column (?P<column>\d+)\)")


def read_toml(text: str, file: str) -> Node:
    """The manifest that a text spells; `file` is what to call it. Raises ManifestInvalid."""
    try:
        content: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _PLACE.search(str(error))
        at = Position(file, int(found["line"]), int(found["column"])) if found else Position(file, 1, 1)
        raise refusal([Fault(at, f"this is no TOML: {str(error).partition(' (at ')[0].lower()}.")]) from None
    root: Place = _TABLE if file.endswith("pyproject.toml") else ()
    for part in root:
        content = content.get(part, {}) if isinstance(content, dict) else {}
    return _make(content, root, _find_places(text, file), Position(file, 1, 1))


def has_table(text: str) -> bool:
    """Whether a pyproject.toml holds a manifest."""
    return re.search(r"^\s*\[+\s*tool\s*\.\s*hfdeploy\s*[.\]]", text, re.MULTILINE) is not None


def _make(value: Any, place: Place, places: dict[Place, tuple[Position, Position]], above: Position) -> Node:
    key_at, at = places.get(place, (above, above))
    if isinstance(value, dict):
        return Node(
            {key: _make(inner, (*place, key), places, at) for key, inner in value.items()}, at, key_at
        )
    if isinstance(value, list):
        items = (_make(inner, (*place, number), places, at) for number, inner in enumerate(value))
        return Node(tuple(items), at, key_at)
    is_known = value is None or isinstance(value, str | int | float | bool)
    return Node(value if is_known else str(value), at, key_at)


def _find_places(text: str, file: str) -> dict[Place, tuple[Position, Position]]:
    """Where each key or header stands, and where its value begins."""
    places: dict[Place, tuple[Position, Position]] = {}
    table: Place = ()
    counts: dict[Place, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if found := _HEADER.match(line):
            table = _number(_split(found["key"]), counts)
            if found["open"] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            at = Position(file, number, found.start("key") + 1)
            for end in range(len(table)):
                places.setdefault(table[: end + 1], (at, at))
        elif found := _KEY.match(line):
            key_at = Position(file, number, found.start("key") + 1)
            places.setdefault(
                (*table, *_split(found["key"])), (key_at, Position(file, number, found.end() + 1))
            )
    return places


def _split(key: str) -> Place:
    return tuple(part.strip("\"'") for part in re.findall(_PART, key))


def _number(key: Place, counts: dict[Place, int]) -> Place:
    """A header's place: within a list of tables it means the latest one."""
    place: Place = ()
    for part in key[:-1]:
        place = (*place, part)
        if place in counts:
            place = (*place, counts[place])
    return (*place, *key[-1:])

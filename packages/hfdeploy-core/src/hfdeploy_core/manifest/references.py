"""References in a manifest's texts, such as `${env:NAME}`, `${git.sha}` or `${targets.app.host}`.

A text is filled once, with all values at the same time: what a value says is never read as a reference.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hfdeploy_core.manifest.suggesting import suggest

# `$${` is how `${` is written that means itself.
_REFERENCE = re.compile(r"\$\$\{|\$\{(?P<inner>[^{}]*)\}|\$\{")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_TARGET = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9_-]*)\.(?P<fact>\w+)", re.ASCII)
_CONNECTOR = re.compile(r"(?P<plugin>[A-Za-z][\w-]*)\.(?P<name>[A-Za-z][\w-]*):(?P<words>.+)", re.ASCII)

GIT_FACTS = ("sha", "branch")
TARGET_FACTS = ("repo_id", "repo_url", "commit", "space_url", "host")


class Kind(StrEnum):
    """Where a value comes from."""

    ENV = "env"
    FILE = "file"
    CMD = "cmd"
    GIT = "git"
    TARGETS = "targets"
    PLUGIN = "plugin"


@dataclass(frozen=True, slots=True)
class Reference:
    """What stands between `${` and `}`: of a target, `name` is which and `fact` what of it.

    Of a plugin's, `fact` is the connector and `name` what it is asked.
    """

    kind: Kind
    name: str
    fact: str = ""

    def __str__(self) -> str:
        if self.kind in (Kind.GIT, Kind.TARGETS):
            return "${" + ".".join(filter(None, [self.kind, self.name, self.fact])) + "}"
        return f"${{{self.fact or self.kind}:{self.name}}}"


def list_references(text: str) -> tuple[Reference, ...]:
    """The references in a text. Raises ValueError, in a sentence, for one that means nothing."""
    return tuple(part for part in _split(text) if isinstance(part, Reference))


def fill(text: str, values: Mapping[Reference, str]) -> str:
    """The text with every reference replaced by its value."""
    return "".join(values[part] if isinstance(part, Reference) else part for part in _split(text))


def fill_all(value: Any, values: Mapping[Reference, str]) -> Any:
    """`fill` for every text of lists and mappings; keys stay as they are."""
    if isinstance(value, str):
        return fill(value, values)
    if isinstance(value, Mapping):
        return {key: fill_all(inner, values) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [fill_all(inner, values) for inner in value]
    return value


def stand_in(reference: Reference) -> str:
    """What a plan shows for a value that is not known before something else is applied."""
    return f"{reference} (known after apply)"


def stand_in_address(reference: Reference) -> str:
    """The same where only an address will do: that of a host that can never be there."""
    host = f"{reference.name}-{reference.fact}.known-after-apply.invalid".replace("_", "-").lower()
    return host if reference.fact == "host" else f"https://{host}"


def find_references(value: Any) -> frozenset[Reference]:
    """The references in every text of lists and mappings."""
    if isinstance(value, str):
        return frozenset(list_references(value))
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return frozenset().union(*map(find_references, value))
    return frozenset()


def _split(text: str) -> Iterator[str | Reference]:
    done = 0
    for found in _REFERENCE.finditer(text):
        yield text[done : found.start()]
        done = found.end()
        if found[0] == "$${":
            yield "${"
        elif found["inner"] is None:
            raise ValueError("'${' has no '}' after it; write '$${' for one that means itself.")
        else:
            yield _parse(found["inner"])
    yield text[done:]


def _parse(inner: str) -> Reference:
    kind, colon, rest = inner.partition(":")
    if colon and kind in (Kind.ENV, Kind.FILE, Kind.CMD):
        rest = rest.strip()
        if not rest or (kind == Kind.ENV and not _NAME.fullmatch(rest)):
            raise ValueError(f"'${{{inner}}}' names nothing.")
        return Reference(Kind(kind), rest)
    kind, dot, rest = inner.partition(".")
    if dot and kind == Kind.GIT:
        if rest not in GIT_FACTS:
            raise ValueError(f"git has no {rest!r}{suggest(rest, GIT_FACTS)}")
        return Reference(Kind.GIT, rest)
    if dot and kind == Kind.TARGETS:
        if (found := _TARGET.fullmatch(rest)) is None:
            raise ValueError(f"'${{{inner}}}' is not '${{targets.NAME.FACT}}'.")
        if found["fact"] not in TARGET_FACTS:
            raise ValueError(f"a target has no {found['fact']!r}{suggest(found['fact'], TARGET_FACTS)}")
        return Reference(Kind.TARGETS, found["name"], found["fact"])
    if (found := _CONNECTOR.fullmatch(inner)) and found["plugin"] not in set(Kind):
        return Reference(Kind.PLUGIN, found["words"], f"{found['plugin']}.{found['name']}")
    word = re.split("[:.]", inner)[0]
    raise ValueError(f"'${{{inner}}}' means nothing{suggest(word, set(Kind) - {Kind.PLUGIN})}")

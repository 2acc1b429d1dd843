"""A manifest as it was written: plain values, and where each of them stands."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hfdeploy_core.errors import ManifestInvalid
from hfdeploy_core.redact import redact

Place = tuple[str | int, ...]
Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Node:
    """A value, or a mapping or list of nodes; `key_at` is where the key stands that it is the value of."""

    content: "Mapping[str, Node] | tuple[Node, ...] | Scalar"
    at: Position
    key_at: Position | None = None

    @property
    def children(self) -> "Mapping[str, Node]":
        """Its values by key, if it is a mapping."""
        return self.content if isinstance(self.content, Mapping) else {}

    @property
    def items(self) -> "tuple[Node, ...]":
        """Its values, if it is a list."""
        return self.content if isinstance(self.content, tuple) else ()


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a manifest, and where."""

    at: Position
    message: str

    def __str__(self) -> str:
        return redact(f"{self.at}: {self.message}")


def strip(node: Node) -> Any:
    """The bare values."""
    if isinstance(node.content, Mapping):
        return {key: strip(child) for key, child in node.content.items()}
    if isinstance(node.content, tuple):
        return [strip(child) for child in node.content]
    return node.content


def find_node(root: Node, place: Iterable[str | int]) -> Node:
    """The node at a place, or the innermost one on the way there."""
    node = root
    for part in place:
        if (inner := _enter(node, part)) is None:
            break
        node = inner
    return node


def list_texts(node: Node, place: Place = ()) -> Iterator[tuple[Place, Node]]:
    """Every text below a node, and its place."""
    if isinstance(node.content, str):
        yield place, node
    for key, child in node.children.items():
        yield from list_texts(child, (*place, key))
    for number, child in enumerate(node.items):
        yield from list_texts(child, (*place, number))


def refusal(faults: Iterable[Fault]) -> ManifestInvalid:
    """The error that tells all faults, in the order of the file."""
    told = sorted(set(faults), key=lambda fault: (fault.at.file, fault.at.line, fault.at.column))
    return ManifestInvalid("\n".join(map(str, told)))


def _enter(node: Node, part: str | int) -> Node | None:
    if isinstance(part, str):
        return node.children.get(part)
    return node.items[part] if part < len(node.items) else None

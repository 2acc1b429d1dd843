"""Reads a manifest's YAML, and remembers where everything stands."""

from dataclasses import replace

import yaml
from yaml.constructor import ConstructorError, SafeConstructor

from hfdeploy_core.manifest.node import Fault, Node, Position, refusal

# Aliases make a small file as large as they like.
_MOST_NODES = 100_000
_SCALARS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null"))


def read_yaml(text: str, file: str) -> Node:
    """The manifest that a text spells; `file` is what to call it. Raises ManifestInvalid."""
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = Position(file, mark.line + 1, mark.column + 1) if mark else Position(file, 1, 1)
        problem = getattr(error, "problem", None) or "it holds characters that YAML does not allow"
        raise refusal([Fault(at, f"this is no YAML: {problem}.")]) from None
    return Node({}, Position(file, 1, 1)) if root is None else _Reader(file).read(root)


class _Reader:
    """Reads each node once, also where aliases name it again."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._constructor = SafeConstructor()
        self._read: dict[int, tuple[Node, int] | None] = {}

    def read(self, node: yaml.Node) -> Node:
        return self._measure(node)[0]

    def _measure(self, node: yaml.Node) -> tuple[Node, int]:
        """The node, and how many it is made of once every alias is written out."""
        at = self._locate(node)
        if id(node) not in self._read:
            self._read[id(node)] = None
            self._read[id(node)] = self._make(node, at)
        made = self._read[id(node)]
        if made is None:
            raise refusal([Fault(at, "this holds itself.")])
        if made[1] > _MOST_NODES:
            raise refusal([Fault(at, "its aliases make it far too large.")])
        return made

    def _make(self, node: yaml.Node, at: Position) -> tuple[Node, int]:
        if isinstance(node, yaml.MappingNode):
            self._check_keys(node)
            values = {key.value: (key, *self._measure(value)) for key, value in node.value}
            children = {
                name: replace(value, key_at=self._locate(key)) for name, (key, value, _) in values.items()
            }
            return Node(children, at), 1 + sum(size for *_, size in values.values())
        if isinstance(node, yaml.SequenceNode):
            items = [self._measure(item) for item in node.value]
            return Node(tuple(item for item, _ in items), at), 1 + sum(size for _, size in items)
        # A date is a text to us.
        return Node(self._constructor.construct_object(node) if node.tag in _SCALARS else node.value, at), 1

    def _check_keys(self, node: yaml.MappingNode) -> None:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise refusal([Fault(self._locate(key), "a key must be a word.")])
            if key.value in seen:
                # YAML would take the last one without a word.
                raise refusal([Fault(self._locate(key), f"{key.value!r} is there twice.")])
            seen.add(key.value)
        try:
            self._constructor.flatten_mapping(node)  # `<<`
        except ConstructorError as error:
            raise refusal([Fault(self._locate(node), f"{error.problem}.")]) from None

    def _locate(self, node: yaml.Node) -> Position:
        return Position(self._file, node.start_mark.line + 1, node.start_mark.column + 1)

"""Checks a manifest as it was written: everything that is wrong, each with its place and a suggestion."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hfdeploy_core.manifest.node import Fault, Node, Place, find_node, refusal, strip
from hfdeploy_core.manifest.spec import NAME_PATTERN, TARGET_KINDS, ManifestFile
from hfdeploy_core.manifest.steps import STEP_KINDS
from hfdeploy_core.manifest.suggesting import suggest

_WORDS = {
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "string_too_short": "is empty",
}


_OF_OTHERS = frozenset().union(*(kind.model_fields for kind in TARGET_KINDS.values()))


def write_schema() -> dict[str, Any]:
    """The JSON Schema of a manifest, for editors."""
    return ManifestFile.model_json_schema()


def check_spec(root: Node, model: type[BaseModel] = ManifestFile) -> None:
    """Raise ManifestInvalid, with every fault, where the manifest is not what `model` describes."""
    try:
        model.model_validate(strip(root))
    except ValidationError as error:
        schema = model.model_json_schema()
        found = error.errors(include_url=False)
        raise refusal([_describe(detail, root, schema) for detail in found]) from None


def _describe(detail: ErrorDetails, root: Node, schema: Mapping[str, Any]) -> Fault:
    place, kind, context = _clean(detail["loc"], root), detail["type"], detail.get("ctx", {})
    *above, last = place or ("the manifest",)
    node = find_node(root, place)
    key_at, value_at = node.key_at or node.at, node.at
    match kind:
        case "extra_forbidden":
            known = list_keys(schema, root, tuple(above))
            other = find_node(root, above).children.get("type")
            if "targets" in above[-2:] and other is not None and last in _OF_OTHERS:
                return Fault(key_at, f"a {other.content} has no {last!r}.")
            return Fault(key_at, f"there is no key {last!r} here{suggest(str(last), known)}")
        case "missing":
            return Fault(key_at, f"{last!r} is missing.")
        case "union_tag_not_found":
            known = {*(STEP_KINDS if "steps" in place else TARGET_KINDS)}
            return Fault(key_at, f"'type' is missing{suggest('', known)}")
        case "union_tag_invalid":
            at = find_node(root, (*place, "type")).at
            known = _read_words(context["expected_tags"])
            return Fault(at, f"there is no type {context['tag']!r}{suggest(str(context['tag']), known)}")
        case "literal_error":
            known = _read_words(context["expected"].replace(" or ", ","))
            return Fault(
                value_at, f"{last!r} cannot be {detail['input']!r}{suggest(str(detail['input']), known)}"
            )
        case "string_type":
            hint = ": put it in quotes" if isinstance(detail["input"], int | float) else ""
            return Fault(value_at, f"{last!r} must be a text{hint}.")
        case "string_pattern_mismatch" if context["pattern"] == NAME_PATTERN:
            return Fault(key_at, f"{last!r} is no name: use letters, digits, '-' and '_', a letter first.")
        case "value_error":
            return Fault(value_at, f"{last!r}: {context['error']}")
        case _:
            words = _WORDS.get(kind) or f"is wrong: {detail['msg'][:1].lower()}{detail['msg'][1:]}"
            return Fault(value_at, f"{last!r} {words}.")


def _read_words(told: str) -> set[str]:
    """The words that pydantic quotes, separated by commas."""
    return {word.strip("' ") for word in told.split(",")}


def list_keys(schema: Mapping[str, Any], root: Node, place: Place) -> set[str]:
    """The keys that the schema knows at a place of a manifest."""
    parts, node = [schema], root
    for part in place:
        node = find_node(node, (part,))
        parts = [inner for outer in parts for inner in _descend(outer, part, schema, node)]
    return {
        key for part in parts for whole in _expand(part, schema, node) for key in whole.get("properties", ())
    }


def _descend(part: Mapping[str, Any], key: str | int, schema: Mapping[str, Any], node: Node) -> Iterator[Any]:
    for whole in _expand(part, schema, node):
        if key in whole.get("properties", ()):
            yield whole["properties"][key]
        elif isinstance(key, int) and "items" in whole:
            yield whole["items"]
        elif isinstance(whole.get("additionalProperties"), Mapping):
            yield whole["additionalProperties"]
        yield from whole.get("patternProperties", {}).values()


def _expand(part: Mapping[str, Any], schema: Mapping[str, Any], node: Node) -> Iterator[Mapping[str, Any]]:
    """What a part of a schema may stand for, as far as the node's `type` does not tell which."""
    if "$ref" in part:
        part = schema["$defs"][part["$ref"].rpartition("/")[2]]
    choices = [inner for key in ("anyOf", "oneOf") for inner in part.get(key, ())]
    whole = [one for inner in choices for one in _expand(inner, schema, node)]
    kind = node.children.get("type")
    told = [one for one in whole if kind is not None and _find_type(one) == kind.content]
    yield from told or whole
    yield part


def _find_type(part: Mapping[str, Any]) -> Any:
    return part.get("properties", {}).get("type", {}).get("const")


def _clean(place: tuple[int | str, ...], root: Node) -> Place:
    """The place without what pydantic puts there and no manifest has: tags of unions, `[key]`."""
    cleaned: list[int | str] = []
    for number, part in enumerate(place):
        node = find_node(root, cleaned)
        is_last = number == len(place) - 1
        kind = node.children.get("type")
        is_tag = kind is not None and (kind.content == part or part == "plugin")
        if part == "[key]" or (is_tag and not (is_last and part in node.children)):
            continue
        cleaned.append(part)
    return tuple(cleaned)

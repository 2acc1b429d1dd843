"""Tags of a card, put in or taken out: the rest of its text stays as it is."""

from collections.abc import Sequence

from hfdeploy_core.errors import CardInvalid
from hfdeploy_core.source.card import find_front_matter

_CARD = "README.md"


def add_tags(text: str, tags: Sequence[str]) -> str:
    """A README's text with more tags in its front matter. Raises CardInvalid."""
    begin, end, held = _find_tags(text)
    return _write_tags(text, begin, end, [*held, *(tag for tag in tags if tag not in held)])


def drop_tags(text: str, beginning: str) -> str:
    """A README's text without the tags that begin so. Raises CardInvalid."""
    begin, end, held = _find_tags(text)
    kept = [tag for tag in held if not str(tag).startswith(beginning)]
    return text if len(kept) == len(held) else _write_tags(text, begin, end, kept)


def _find_tags(text: str) -> tuple[int, int, list[object]]:
    """Where the tags stand in a README's text, or would, and what they are."""
    # Imported here: most of what uses this library never reads a card.
    import yaml

    found = find_front_matter(text)
    if found is None:
        raise CardInvalid(f"{_CARD} has no front matter to put tags into.")
    begin, end = found
    try:
        node = yaml.compose(text[begin:end], Loader=yaml.SafeLoader)
        fields = yaml.safe_load(text[begin:end]) or {}
    except (yaml.YAMLError, ValueError, RecursionError):  # a date that is none is a ValueError
        raise CardInvalid(f"The front matter of {_CARD} is not valid YAML.") from None
    held = fields.get("tags") or [] if isinstance(fields, dict) else None
    if not isinstance(held, list):
        raise CardInvalid(f"The tags in the front matter of {_CARD} are not a list.")
    for key, value in node.value if node is not None else ():
        if key.value == "tags":
            return begin + key.start_mark.index, begin + value.end_mark.index, held
    return end, end, held


def _write_tags(text: str, begin: int, end: int, tags: Sequence[object]) -> str:
    lines = "".join(f"- {_quote(tag)}\n" for tag in tags)
    written = f"tags:\n{lines}" if lines else ""
    rest = text[end:] if begin == end else text[end:].removeprefix("\n")
    return f"{text[:begin]}{written}{rest}"


def _quote(tag: object) -> str:
    import json

    return json.dumps(tag) if isinstance(tag, str) else str(tag)

"""Tags that a card gets on its way to the Hub, and that the source's own README.md does not have."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from hfdeploy_core.errors import CardInvalid
from hfdeploy_core.model import Snapshot
from hfdeploy_core.source.card import find_front_matter
from hfdeploy_core.source.digest import FoundFile, hash_file
from hfdeploy_core.source.given import lay_out

_CARD = "README.md"


@contextmanager
def tag_card(snapshot: Snapshot, tags: Sequence[str]) -> Iterator[Snapshot]:
    """The snapshot with these tags in its card. Raises CardInvalid where there is none to tag."""
    if not tags:
        yield snapshot
        return
    card = next((entry for entry in snapshot.entries if entry.path == _CARD), None)
    if card is None:
        raise CardInvalid(
            f"The source has no {_CARD} that could be tagged {tags[0]}.",
            f"Add a {_CARD} whose front matter says at least `sdk:`.",
        )
    text = card.locate(snapshot.root).read_text(encoding="utf-8-sig")
    with lay_out({_CARD: add_tags(text, tags).encode()}) as folder:
        place = str(folder / _CARD)
        tagged = replace(hash_file(FoundFile(_CARD, place)), location=place)
        yield replace(
            snapshot, entries=tuple(tagged if entry is card else entry for entry in snapshot.entries)
        )


def add_tags(text: str, tags: Sequence[str]) -> str:
    """A README's text with more tags in its front matter, the rest of it untouched. Raises CardInvalid."""
    # Imported here: most of what uses this library never reads a card.
    import yaml

    found = find_front_matter(text)
    if found is None:
        raise CardInvalid(f"{_CARD} has no front matter to put tags into.")
    begin, end = found
    matter = text[begin:end]
    try:
        node = yaml.compose(matter, Loader=yaml.SafeLoader)
        fields = yaml.safe_load(matter) or {}
    except yaml.YAMLError:
        raise CardInvalid(f"The front matter of {_CARD} is not valid YAML.") from None
    held = fields.get("tags") or [] if isinstance(fields, dict) else None
    if not isinstance(held, list):
        raise CardInvalid(f"The tags in the front matter of {_CARD} are not a list.")
    lines = "".join(f"- {_quote(tag)}\n" for tag in [*held, *(tag for tag in tags if tag not in held)])
    for key, value in node.value if node is not None else ():
        if key.value == "tags":
            begin, end = begin + key.start_mark.index, begin + value.end_mark.index
            rest = text[end:]
            return f"{text[:begin]}tags:\n{lines}{rest.removeprefix(chr(10))}"
    return f"{text[:end]}tags:\n{lines}{text[end:]}"


def _quote(tag: object) -> str:
    import json

    return json.dumps(tag) if isinstance(tag, str) else str(tag)

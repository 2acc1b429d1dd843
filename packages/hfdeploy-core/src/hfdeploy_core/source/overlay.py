"""What README.md says on the Hub and not in the source: a card that is kept apart, and tags."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hfdeploy_core.errors import CardInvalid
from hfdeploy_core.model import Snapshot, Source
from hfdeploy_core.source.card import find_front_matter
from hfdeploy_core.source.digest import FoundFile, hash_file
from hfdeploy_core.source.given import lay_out
from hfdeploy_core.source.tagging import add_tags

if TYPE_CHECKING:
    import yaml

CARD = "README.md"
_ANY_WIDTH = 10**6


@contextmanager
def lay_over(snapshot: Snapshot, source: Source) -> Iterator[Snapshot]:
    """The snapshot with the source's card and tags in its README.md, which is made if there is none.

    Raises CardInvalid, also where the card cannot be read.
    """
    has_card = source.card_file is not None or source.front_matter is not None
    if not has_card and not source.tags:
        yield snapshot
        return
    held = next((entry for entry in snapshot.entries if entry.path == CARD), None)
    readme = None if held is None else _read(held.locate(snapshot.root), CARD)
    if has_card:
        file = source.card_file or "the card"
        matter = _read(Path(source.card_file), file) if source.card_file is not None else source.front_matter
        readme = merge_card(readme or "", matter or "", file)
    if source.tags:
        readme = add_tags(_begin_card(source) if readme is None else readme, source.tags)
    with lay_out({CARD: (readme or "").encode()}) as folder:
        place = str(folder / CARD)
        laid = replace(hash_file(FoundFile(CARD, place)), location=place)
        others = (entry for entry in snapshot.entries if entry is not held)
        entries = sorted((laid, *others), key=lambda entry: entry.path)
        yield replace(snapshot, entries=tuple(entries))


def merge_card(readme: str, matter: str, file: str = "the card") -> str:
    """The text of a README with this front matter: what it says wins over what the README says itself.

    `matter` is YAML, between '---' lines or not; `file` is what it is called. Raises CardInvalid.
    """
    span = find_front_matter(matter)
    asked = matter if span is None else matter[slice(*span)]
    # A README may come with any line ends, and keeps them.
    held = find_front_matter(readme.replace("\r\n", "\n"))
    upper = _compose(asked, file)
    if held is None:
        return f"---\n{asked.strip(chr(10))}\n---\n{readme}"
    text = readme.replace("\r\n", "\n")
    lower = _compose(text[slice(*held)], CARD)
    if lower is not None and upper is not None:
        fields = {name.value: (name, value) for name, value in lower.value}
        fields |= {name.value: (name, value) for name, value in upper.value}
        lower.value = list(fields.values())
    merged = _serialize(lower or upper)
    begin, end = held
    return f"{text[:begin]}{merged}{text[end:]}"


def _begin_card(source: Source) -> str:
    """A card for tags, where the source has none: the Hub's own is not known here."""
    if source.sdk is None:
        raise CardInvalid(
            f"The source has no {CARD} that could be tagged {source.tags[0]}.",
            f"Pass --sdk, or add a {CARD} whose front matter says at least `sdk:`.",
        )
    return f"---\nsdk: {source.sdk}\n---\n"


def _compose(text: str, file: str) -> "yaml.MappingNode | None":
    # Imported here: most of what uses this library never reads a card.
    import yaml

    try:
        node = yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f" (line {mark.line + 1})"
        raise CardInvalid(f"{file} is not valid YAML{where}.", "Correct it.", file=file) from None
    if node is not None and not isinstance(node, yaml.MappingNode):
        raise CardInvalid(f"{file} is not a YAML mapping.", "Write lines such as `sdk: gradio`.", file=file)
    return node


def _serialize(node: "yaml.MappingNode | None") -> str:
    """The node as text: every value in it as it was written."""
    import yaml

    if node is None:
        return ""
    node.flow_style = False
    return str(yaml.serialize(node, Dumper=yaml.SafeDumper, allow_unicode=True, width=_ANY_WIDTH))


def _read(place: Path, file: str) -> str:
    try:
        return place.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise CardInvalid(
            f"The card {file} cannot be read: {error.strerror or error}.", "Check its path.", file=file
        ) from None
    except UnicodeDecodeError:
        raise CardInvalid(f"{file} is not valid UTF-8.", f"Save {file} as UTF-8.", file=file) from None

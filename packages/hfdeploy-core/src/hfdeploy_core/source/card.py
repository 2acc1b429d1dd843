"""Reads the card: the YAML front matter of a README.md."""

import re
from collections.abc import Container
from dataclasses import replace
from pathlib import Path

from hfdeploy_core.errors import CardInvalid
from hfdeploy_core.model import Card, CardField, Snapshot

# As the Hub reads it: the first '---' line, blank lines before it allowed, up to the next one.
_FRONT_MATTER = re.compile(r"\A\s*---[ \t]*\n(?P<yaml>.*?)^---[ \t]*$", re.DOTALL | re.MULTILINE)


def read_card(path: Path) -> Card:
    """Read a README.md. Raises CardInvalid where it is not UTF-8 or its front matter no YAML mapping."""
    try:
        return parse_card(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise CardInvalid("README.md is not valid UTF-8.", "Save README.md as UTF-8.") from None


def read_texts(snapshot: Snapshot, changed: Container[str]) -> Snapshot:
    """The snapshot with its card, and its .gitignore checked, where these are among the files that changed.

    What the remote has already was judged when it came there. Raises CardInvalid.
    """
    entries = {entry.path: entry for entry in snapshot.entries}
    if ".gitignore" in entries and ".gitignore" in changed:
        _check_text(entries[".gitignore"].locate(snapshot.root))
    if "README.md" in entries and "README.md" in changed:
        return replace(snapshot, card=read_card(entries["README.md"].locate(snapshot.root)))
    return snapshot


def _check_text(gitignore: Path) -> None:
    try:
        gitignore.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise CardInvalid(
            ".gitignore is not valid UTF-8.", "Save .gitignore as UTF-8.", file=".gitignore"
        ) from None


def find_front_matter(text: str) -> tuple[int, int] | None:
    """Where the YAML of a README's front matter begins and ends."""
    found = _FRONT_MATTER.match(text)
    return None if found is None else found.span("yaml")


def parse_card(text: str) -> Card:
    """The card in a README's text; see `read_card`."""
    found = _FRONT_MATTER.match(text)
    if found is None:
        return Card(text=text, has_front_matter=False, sdk=None)
    # Imported here: most of what uses this library never reads a card.
    import yaml

    begin = text.count("\n", 0, found.start("yaml")) + 1
    try:
        root = yaml.compose(found["yaml"], yaml.SafeLoader)
        value = yaml.safe_load(found["yaml"])
    except (ValueError, RecursionError) as error:  # such as a date that is none
        raise CardInvalid(f"The front matter of README.md cannot be read: {error}.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = None if mark is None else begin + mark.line
        where = "" if line is None else f" (line {line})"
        raise CardInvalid(f"The front matter of README.md is not valid YAML{where}.", line=line) from None
    if root is None:
        return Card(text=text, has_front_matter=True, sdk=None)
    if not isinstance(root, yaml.MappingNode):
        raise CardInvalid("The front matter of README.md is not a YAML mapping.")
    fields = tuple(
        CardField(
            str(name.value),
            value.get(name.value),
            held.value if name.id == held.id else "",
            begin + name.start_mark.line,
        )
        for name, held in root.value
    )
    sdk = value.get("sdk")
    return Card(text=text, has_front_matter=True, sdk=None if sdk is None else str(sdk), fields=fields)

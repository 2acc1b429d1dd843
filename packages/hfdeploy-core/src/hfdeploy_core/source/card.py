"""Reads the card: the YAML front matter of a README.md."""

import re
from pathlib import Path

from hfdeploy_core.errors import CardInvalid
from hfdeploy_core.model import Card

# As the Hub reads it: the first '---' line, blank lines before it allowed, up to the next one.
_FRONT_MATTER = re.compile(r"\A\s*---[ \t]*\n(?P<yaml>.*?)^---[ \t]*$", re.DOTALL | re.MULTILINE)


def read_card(path: Path) -> Card:
    """Read a README.md. Raises CardInvalid where it is not UTF-8 or its front matter no YAML mapping."""
    try:
        return parse_card(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise CardInvalid("README.md is not valid UTF-8.", "Save README.md as UTF-8.") from None


def parse_card(text: str) -> Card:
    """The card in a README's text; see `read_card`."""
    found = _FRONT_MATTER.match(text)
    if found is None:
        return Card(text=text, has_front_matter=False, sdk=None)
    # Imported here: most of what uses this library never reads a card.
    import yaml

    try:
        fields = yaml.safe_load(found["yaml"])
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 2})" if mark is not None else ""
        raise CardInvalid(f"The front matter of README.md is not valid YAML{where}.") from None
    if fields is None:
        fields = {}
    if not isinstance(fields, dict):
        raise CardInvalid("The front matter of README.md is not a YAML mapping.")
    sdk = fields.get("sdk")
    return Card(text=text, has_front_matter=True, sdk=None if sdk is None else str(sdk))

"""What is wrong with a card, beside its sdk: every fault with its line."""

from collections.abc import Collection, Iterator

from hfdeploy_core.errors import CardInvalid
from hfdeploy_core.model import Card, CardField, RepoType

COLORS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
_TEXTS = ("title", "emoji", "license", "sdk_version", "python_version", "app_file", "short_description")
_FLAGS = ("pinned", "fullWidth", "hf_oauth", "disable_embedding")
_LARGEST_PORT = 65_535


def find_card_faults(card: Card, repo_type: RepoType, paths: Collection[str]) -> Iterator[CardInvalid]:
    """What the Hub, or the Space, would stumble over; `paths` are the files of the source."""
    names: set[str] = set()
    for field in card.fields:
        if field.name in names:
            yield _fault(field, f"has `{field.name}` a second time", "Keep one of the lines.")
        names.add(field.name)
        if repo_type is RepoType.SPACE:
            yield from _check_field(field, paths)


def _check_field(field: CardField, paths: Collection[str]) -> Iterator[CardInvalid]:
    name, value = field.name, field.value
    if name in ("colorFrom", "colorTo") and value not in COLORS:
        yield _fault(field, f"has no color for `{name}`: {_quote(field)}", f"Use one of {', '.join(COLORS)}.")
    elif name in _TEXTS and not isinstance(value, str):
        remedy = f'Write it in quotes: `{name}: "{field.written or "..."}"`.'
        yield _fault(field, f"says `{name}` by what YAML reads as {value!r}, which is no text", remedy)
    elif name in _FLAGS and not isinstance(value, bool):
        yield _fault(field, f"has {_quote(field)} for `{name}`", "Write true or false, without quotes.")
    elif name == "app_port" and (type(value) is not int or not 1 <= value <= _LARGEST_PORT):
        yield _fault(
            field,
            f"has no port for `app_port`: {_quote(field)}",
            f"Write a number from 1 to {_LARGEST_PORT}.",
        )
    elif name == "app_file" and value not in paths:
        yield _fault(
            field,
            f"names {_quote(field)} as `app_file`, which is not deployed",
            "Name a file of the source, as seen from its root.",
        )


def _quote(field: CardField) -> str:
    return repr(field.written or field.value)


def _fault(field: CardField, what: str, remedy: str) -> CardInvalid:
    return CardInvalid(f"README.md {what} (line {field.line}).", remedy, line=field.line)

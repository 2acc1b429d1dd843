"""The YAML between the two ``---`` lines at the top of a README.md (pure)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from math import isfinite
from typing import Any

_FRONT_MATTER = re.compile(r"\A\ufeff?\s*---[ \t]*\r?\n(.*?)^---[ \t]*\r?$", re.DOTALL | re.MULTILINE)
_MAX_CARD_CHARACTERS = 200_000
_MAX_CARD_VALUES = 200_000


@dataclass(frozen=True, slots=True)
class Card:
    """What a README says about its repo. ``error`` is a sentence where it cannot be read."""

    data: dict[str, Any]
    present: bool = True
    error: str | None = None


def find_front_matter(readme: str) -> str | None:
    """The YAML at the top of a README, unread, or None if there is none."""
    match = _FRONT_MATTER.match(readme[:_MAX_CARD_CHARACTERS])
    return match[1] if match else None


def read_card(readme: str) -> Card:
    """The card at the top of a README; an absent one is empty."""
    text = find_front_matter(readme)
    if text is None:
        return Card({}, present=False)
    import yaml  # with the first card: a hub that has none starts without it

    try:
        # Dates that are none are a ValueError, and what is too deep a RecursionError.
        data = _plain(yaml.safe_load(text), iter(range(_MAX_CARD_VALUES)))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return Card({}, error=f"The metadata is not valid YAML: {str(error).splitlines()[0]}")
    if data is None:
        return Card({})
    if not isinstance(data, dict):
        return Card({}, error="The metadata is not a mapping of keys to values")
    return Card(data)


def check_card(card: Card, repo_type: str) -> tuple[list[str], list[str]]:
    """Errors and warnings as ``validate-yaml`` tells them."""
    errors = [card.error] if card.error else []
    warnings = [] if card.present else ["empty or missing yaml metadata in repo card"]
    if repo_type == "model" and "model-index" in card.data and not isinstance(card.data["model-index"], list):
        errors.append('"model-index" must be an array')
    for key in ("license_name", "license_link", "title", "sdk"):
        if key in card.data and not isinstance(card.data[key], str):
            errors.append(f'"{key}" must be a string')
    if "tags" in card.data and not isinstance(card.data["tags"], list | str | None):
        errors.append('"tags" must be an array')
    if repo_type == "space" and card.present and card.error is None:
        if card.data.get("sdk") not in ("gradio", "streamlit", "docker", "static"):
            errors.append('"sdk" must be one of [gradio, streamlit, docker, static]')
        for key in ("colorFrom", "colorTo"):
            if key in card.data and card.data[key] not in _COLOURS:
                errors.append(f'"{key}" must be one of [{", ".join(_COLOURS)}]')
    return errors, warnings


def list_tags(card: Card) -> list[str]:
    """The tags a repo is found by: its own, then what the card's keys imply."""
    tags = [str(tag) for tag in _listed(card.data.get("tags"))]
    if isinstance(library := card.data.get("library_name"), str):
        tags.append(library)
    for key, prefix in (("license", "license:"), ("language", ""), ("datasets", "dataset:")):
        tags += [f"{prefix}{value}" for value in _listed(card.data.get(key))]
    return list(dict.fromkeys(tags))


_COLOURS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def _plain(value: Any, budget: Iterator[int]) -> Any:
    """As JSON can hold it: dates as text, and null for a number that is none.

    Raises ValueError when the budget is used up: a few aliases can stand for any number of values.
    """
    if next(budget, None) is None:
        raise ValueError(f"it has more than {_MAX_CARD_VALUES} values")
    match value:
        case datetime() | date():
            return value.isoformat()
        case dict():
            return {str(key): _plain(item, budget) for key, item in value.items()}
        case list():
            return [_plain(item, budget) for item in value]
        case float():
            return value if isfinite(value) else None
        case None | bool() | int() | str():
            return value
        case _:
            return str(value)

"""Words of a Dockerfile line: quotes, backslashes and `$VAR`, as Docker's builder reads them. Pure."""

import re
from collections.abc import Mapping

_VARIABLE = re.compile(
    r"\$(?:(?P<plain>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?::?(?P<how>[-+])(?P<other>[^}]*))?\})"
)


def expand(text: str, variables: Mapping[str, str]) -> str:
    """`text` with `$VAR`, `${VAR}`, `${VAR:-other}` and `${VAR:+other}` replaced; unknown variables are
    empty.
    """
    return _VARIABLE.sub(lambda found: _value(found, variables), text)


def _value(found: re.Match[str], variables: Mapping[str, str]) -> str:
    value = variables.get(found["plain"] or found["name"], "")
    if found["how"] == "-":
        return value or expand(found["other"], variables)
    if found["how"] == "+":
        return expand(found["other"], variables) if value else ""
    return value


def split_words(text: str, variables: Mapping[str, str]) -> list[str]:
    """Split at blanks outside quotes, take the quotes away and put the variables in.

    Nothing is expanded in single quotes or after a backslash. A quote that is never closed raises ValueError.
    """
    words: list[str] = []
    word: str | None = None
    position = 0
    while position < len(text):
        piece, position, is_blank = _next_piece(text, position, variables)
        if not is_blank:
            word = (word or "") + piece
        elif word is not None:
            words.append(word)
            word = None
    return words if word is None else [*words, word]


def _next_piece(text: str, start: int, variables: Mapping[str, str]) -> tuple[str, int, bool]:
    """The piece of a word at `start`, where the next begins, and whether it was a blank between words."""
    character = text[start]
    if character.isspace():
        return "", start + 1, True
    if character == "\\":
        return text[start + 1 : start + 2], start + 2, False
    if character == "'":
        end = _closing(text, start, "'")
        return text[start + 1 : end], end + 1, False
    if character == '"':
        return _double_quoted(text, start, variables)
    if found := _VARIABLE.match(text, start):
        return _value(found, variables), found.end(), False
    return character, start + 1, False


def _double_quoted(text: str, start: int, variables: Mapping[str, str]) -> tuple[str, int, bool]:
    piece, position = "", start + 1
    end = _closing(text, start, '"')
    while position < end:
        if text[position] == "\\" and text[position + 1] in '"\\$':
            piece, position = piece + text[position + 1], position + 2
        elif found := _VARIABLE.match(text, position, end):
            piece, position = piece + _value(found, variables), found.end()
        else:
            piece, position = piece + text[position], position + 1
    return piece, end + 1, False


def _closing(text: str, start: int, quote: str) -> int:
    position = start + 1
    while position < len(text) and text[position] != quote:
        position += 2 if quote == '"' and text[position] == "\\" else 1
    if position >= len(text):
        raise ValueError(f"a {quote} is never closed")
    return position

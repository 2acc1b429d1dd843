"""Files of NAME=VALUE lines."""

import re

from hfdeploy_core.errors import SettingInvalid

_LINE = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_]\w*)\s*=\s*(?P<value>.*)", re.ASCII)
_QUOTES = ("'", '"')


def parse_env(text: str, file: str) -> dict[str, str]:
    """The values by name; what is wrong is told by the line's number, never by its text."""
    values: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not (line := line.strip()) or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise SettingInvalid(f"Line {number} of {file} is not NAME=VALUE.", "Correct that line.")
        values[found["name"]] = _unquote(found["value"])
    return values


def _unquote(value: str) -> str:
    is_quoted = len(value) > 1 and value[0] in _QUOTES and value[-1] == value[0]
    return value[1:-1] if is_quoted else value

"""The front matter of a Space's README.md: which SDK, which file, which port. Pure."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from hfdeploy_localhub.cards import find_front_matter
from hfdeploy_localhub.spaces.stages import ConfigError

DEFAULT_PORT = 7860
_DEFAULT_FILES = {"docker": "Dockerfile", "gradio": "app.py", "streamlit": "app.py", "static": "index.html"}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Card:
    """What the front matter says, checked, with the Hub's defaults filled in."""

    sdk: str
    app_file: str
    app_port: int = DEFAULT_PORT
    title: str = ""
    sdk_version: str | None = None
    python_version: str | None = None
    startup_timeout_seconds: float | None = None
    build_command: str | None = None


def read_card(readme: str | None) -> Card:
    """Read README.md (None: there is none). Raises ConfigError with what to change."""
    fields = _front_matter(readme)
    sdk = _text(fields, "sdk")
    if sdk is None:
        raise ConfigError(
            "README.md: the front matter has no `sdk` (one of docker, gradio, static, streamlit)."
        )
    if sdk not in _DEFAULT_FILES:
        raise ConfigError(f"README.md: unknown sdk {sdk!r} (one of docker, gradio, static, streamlit).")
    return Card(
        sdk=sdk,
        app_file=_DEFAULT_FILES[sdk] if sdk == "docker" else _app_file(fields, _DEFAULT_FILES[sdk]),
        app_port=_port(fields),
        title=_text(fields, "title") or "",
        sdk_version=_version(fields, "sdk_version"),
        python_version=_version(fields, "python_version"),
        startup_timeout_seconds=_duration_seconds(fields),
        build_command=_text(fields, "app_build_command"),
    )


def _front_matter(readme: str | None) -> dict[str, Any]:
    if readme is None:
        raise ConfigError("README.md is missing: its front matter must name the Space's `sdk`.")
    text = find_front_matter(readme)
    if text is None:
        raise ConfigError("README.md has no front matter: begin it with `---`, `sdk: ...`, `---`.")
    import yaml  # with the first Space: a hub that has none starts without it

    try:
        # BaseLoader leaves every scalar a string: `sdk_version: 5.10` must not become 5.1.
        fields = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506  (BaseLoader builds plain data only)
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"README.md: the front matter is not valid YAML: {_first_line(error)}") from None
    if not isinstance(fields, dict):
        raise ConfigError("README.md: the front matter is not a list of `key: value` lines.")
    return fields


def _first_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f" (line {mark.line + 2})" if mark else ""
    return f"{getattr(error, 'problem', None) or str(error).splitlines()[0]}{where}"


def _text(fields: dict[str, Any], key: str) -> str | None:
    value = fields.get(key)
    if value is not None and not isinstance(value, str):
        raise ConfigError(f"README.md: `{key}` must be a plain value.")
    return value or None


def _port(fields: dict[str, Any]) -> int:
    value = _text(fields, "app_port")
    if value is None:
        return DEFAULT_PORT
    if not re.fullmatch(r"[0-9]{1,5}", value) or not 1 <= int(value) <= 65535:
        raise ConfigError(f"README.md: `app_port` must be a number from 1 to 65535, not {value!r}.")
    return int(value)


def _app_file(fields: dict[str, Any], default: str) -> str:
    value = _text(fields, "app_file") or default
    path = PurePosixPath(value)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise ConfigError(f"README.md: `app_file` must be a path inside the repository, not {value!r}.")
    return str(path)


def _version(fields: dict[str, Any], key: str) -> str | None:
    value = _text(fields, key)
    if value is not None and not re.fullmatch(r"[0-9][0-9A-Za-z.!+-]*", value):
        raise ConfigError(f"README.md: `{key}` must be a version such as 5.49.1, not {value!r}.")
    return value


def _duration_seconds(fields: dict[str, Any]) -> float | None:
    value = _text(fields, "startup_duration_timeout")
    if value is None:
        return None
    found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([smhd])\s*", value)
    if found is None or float(found[1]) == 0:
        raise ConfigError(f"README.md: `startup_duration_timeout` must look like 30m or 1h, not {value!r}.")
    return float(found[1]) * _SECONDS[found[2]]

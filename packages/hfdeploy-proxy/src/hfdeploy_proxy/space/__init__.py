"""The relay as a Space: its files and variables, as plain values for whoever deploys them.

The files hold the package itself as it is installed here, so that what runs there is what was tested, and
the packages it needs, each with the hashes it may have. The token is not among all this: the Space gets it as
a secret named HF_TOKEN.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from hfdeploy_proxy.settings import SettingsInvalid, check_settings

# Together they show that a Space is a relay of ours, and whose.
MARKER_FILE = "hfdeploy-relay.json"
MARKER_VARIABLE = "HFDEPLOY_RELAY_OF"

_PACKAGE = "hfdeploy_proxy"
_SECRETS = ("hf_token", "hf_token_file", "rate_limit_storage")


@dataclass(frozen=True, slots=True)
class RelaySpace:
    """A Space to deploy: content by path, and variables by name."""

    files: Mapping[str, bytes]
    variables: Mapping[str, str]


def plan_space(target: str, **given: Any) -> RelaySpace:
    """The relay in front of the Space ``target``; ``given`` are settings by the names of `Settings`' fields.

    The same arguments give the same bytes. Raises SettingsInvalid with every fault.
    """
    if misplaced := [name for name in _SECRETS if name in given]:
        raise SettingsInvalid(tuple(f"{name.upper()}: is a secret of the Space" for name in misplaced))
    settings = check_settings(target_space=target, **given)
    if settings.tracing:
        raise SettingsInvalid(("TRACING: its packages are not in a Space",))
    said = settings.model_dump(mode="json", include={"target_space", *given}, exclude_none=True)
    variables = {name.upper(): _variable(value) for name, value in said.items()}
    variables[MARKER_VARIABLE] = target
    return RelaySpace(dict(sorted(_files(target))), dict(sorted(variables.items())))


def find_target(marker: bytes | None, variables: Mapping[str, str]) -> str | None:
    """Whose relay a Space is, by its MARKER_FILE and its variables; None if it is no relay of ours."""
    try:
        target = json.loads(marker or b"null")["relay_of"]
    except (ValueError, TypeError, KeyError):
        return None
    return target if isinstance(target, str) and variables.get(MARKER_VARIABLE) == target else None


def _variable(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(value)
    return value if isinstance(value, str) else json.dumps(value)


def _files(target: str) -> Iterator[tuple[str, bytes]]:
    package = files(_PACKAGE)
    for path, content in _package_files(package):
        yield f"{_PACKAGE}/{path}", content
    templates = package / "space"
    for name in ("Dockerfile", "requirements.txt"):
        yield name, (templates / name).read_bytes()
    yield "README.md", (templates / "README.md").read_bytes().replace(b"TARGET_SPACE", target.encode())
    marker = {"relay_of": target, "version": version("hfdeploy-proxy")}
    yield MARKER_FILE, json.dumps(marker, indent=2).encode() + b"\n"


def _package_files(folder: Traversable) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_file():
            yield entry.name, entry.read_bytes()
        elif entry.name != "__pycache__":
            for path, content in _package_files(entry):
                yield f"{entry.name}/{path}", content

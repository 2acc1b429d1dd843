"""Finds what references name: in the environment, in files, in git, and what commands print."""

import shlex
import subprocess
from collections.abc import Container, Iterable, Mapping
from pathlib import Path

from hfdeploy_core.env_file import parse_env
from hfdeploy_core.errors import ValueMissing
from hfdeploy_core.manifest.node import Position
from hfdeploy_core.manifest.references import Kind, Reference
from hfdeploy_core.redact import redact, remember_secret
from hfdeploy_core.running.registry import find_connector
from hfdeploy_core.running.steps.context import ConnectorContext
from hfdeploy_core.source.git import find_branch, find_head

_COMMAND_SECONDS = 60
_SHORTEST_MASKED = 8
# A child that fetches a value may need whatever there is, but not what opens the Hub.
HUB_TOKENS = frozenset({"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_OIDC_ID_TOKEN"})


def read_environment(
    files: Iterable[str], folder: Path, environment: Mapping[str, str], shown: Container[str] = ()
) -> dict[str, str]:
    """The environment, and what the files add to it: the last one wins. Raises ValueMissing.

    What files add is masked from now on, but for what the manifest itself shows.
    """
    added: dict[str, str] = {}
    for file in files:
        try:
            text = (folder / file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise ValueMissing(f"The file {file} of env_files cannot be read: {reason}.") from None
        added |= parse_env(text, file)
    for name, value in added.items():
        # Shorter ones are no secrets, but words that stand everywhere.
        if name not in shown and len(value) >= _SHORTEST_MASKED:
            remember_secret(value)
    return {**added, **environment}


def find_values(
    references: Iterable[Reference],
    places: Mapping[Reference, Position],
    folder: Path,
    environment: Mapping[str, str],
) -> dict[Reference, str]:
    """The values of all references but those to targets. Raises ValueMissing, with all that have none."""
    values: dict[Reference, str] = {}
    faults: list[str] = []
    for reference in sorted(set(references), key=str):
        if reference.kind is Kind.TARGETS:
            continue
        try:
            values[reference] = _find_value(reference, folder, environment)
        except ValueError as error:
            at = places.get(reference)
            faults.append(f"{at}: {error}." if at else f"{error}.")
    if faults:
        raise ValueMissing("\n".join(faults))
    return values


def _find_value(reference: Reference, folder: Path, environment: Mapping[str, str]) -> str:
    match reference.kind:
        case Kind.ENV:
            if not environment.get(reference.name):
                raise ValueError(f"the environment variable {reference.name} is not set")
            return environment[reference.name]
        case Kind.FILE:
            try:
                return (folder / reference.name).read_text(encoding="utf-8").rstrip("\n")
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
                raise ValueError(f"the file {reference.name} cannot be read: {reason}") from None
        case Kind.GIT:
            found = (find_head if reference.name == "sha" else find_branch)(folder)
            if found is None:
                raise ValueError(f"git knows no {reference.name} here")
            return found
        case Kind.PLUGIN:
            return _ask_connector(reference, ConnectorContext(folder, environment))
        case _:
            return _ask_command(reference.name, folder, environment)


def _ask_connector(reference: Reference, context: ConnectorContext) -> str:
    """What a plugin's connector finds, from now on masked."""
    connector = find_connector(reference.fact)
    try:
        value = connector.find(reference.name, context)
    except Exception as error:  # what strangers write may fail in any way
        raise ValueError(f"{reference}: {redact(str(error)).rstrip('.') or type(error).__name__}") from None
    if not isinstance(value, str) or not value:
        raise ValueError(f"{reference}: nothing was found")
    remember_secret(value)
    return value


def _ask_command(words: str, folder: Path, environment: Mapping[str, str]) -> str:
    """What a command prints, from now on masked: it is run as it stands, by no shell."""
    name = words.partition(" ")[0]
    try:
        done = subprocess.run(  # noqa: S603  the manifest allows it
            shlex.split(words),
            cwd=folder,
            env={key: value for key, value in environment.items() if key not in HUB_TOKENS},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_COMMAND_SECONDS,
            check=True,
        )
        value = done.stdout.decode().rstrip("\r\n")
    except subprocess.CalledProcessError as error:
        # What it printed may be half a secret.
        raise ValueError(f"the command {name!r} ended with {error.returncode}") from None
    except subprocess.TimeoutExpired:
        raise ValueError(f"the command {name!r} took more than {_COMMAND_SECONDS} seconds") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ValueError(f"the command {name!r} cannot be run: {reason}") from None
    if not value:
        raise ValueError(f"the command {name!r} printed nothing")
    remember_secret(value)
    return value

"""Where the values of secrets come from: the environment or a file, never the command line."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from hfdeploy_core import Plan
from hfdeploy_core.env_file import parse_env
from hfdeploy_core.errors import SettingInvalid
from hfdeploy_core.model import SetSecret
from hfdeploy_core.source.ignore import is_deployed


def read_secrets(names: Iterable[str], file: str | None, environment: Mapping[str, str]) -> dict[str, str]:
    """The values of `names` from the environment, and all that the file holds. Raises SettingInvalid."""
    values = {}
    for name in names:
        if not environment.get(name):
            raise SettingInvalid(
                f"The secret {name} is not set in the environment.", f"Set the environment variable {name}."
            )
        values[name] = environment[name]
    return {**(_read_file(file) if file is not None else {}), **values}


def find_secrets(plan: Plan, file: str | None, environment: Mapping[str, str]) -> dict[str, str]:
    """The values of the secrets that a plan sets: from the file where it has them, else the environment."""
    held = _read_file(file) if file is not None else {}
    names = [change.name for change in plan.settings if isinstance(change, SetSecret)]
    missing = [name for name in names if name not in held]
    values = {**held, **read_secrets(missing, None, environment)}
    return {name: values[name] for name in names}


def check_outside(file: str, source: str) -> None:
    """Raise SettingInvalid where the file of secrets would be deployed with the source."""
    place, root = Path(file).resolve(), Path(source).expanduser().resolve()
    if place.is_relative_to(root) and is_deployed(place.relative_to(root).as_posix()):
        raise SettingInvalid(
            f"The secrets in {file} would be deployed: it lies in the source.",
            "Move it out of the source, or call it .env, which is never deployed.",
        )


def _read_file(file: str) -> dict[str, str]:
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingInvalid(
            f"The secrets in {file} cannot be read: {reason}.", "Name a file of NAME=VALUE lines."
        ) from None
    return parse_env(text, file)

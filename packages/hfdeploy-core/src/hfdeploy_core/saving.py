"""Saved plans: files for their owner alone."""

import json
import os
import tempfile
from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from hfdeploy_core.errors import PlanInvalid, SettingInvalid
from hfdeploy_core.globs import Globs
from hfdeploy_core.model import Plan
from hfdeploy_core.planning.document import read_plan, write_plan
from hfdeploy_core.source.cache import STATE_FOLDER, make_state_folder
from hfdeploy_core.source.ignore import is_deployed

# What tells the plan of a manifest from that of one repo.
TARGETS = "targets"


def save_plan(plan: Plan, file: str | PathLike[str]) -> None:
    """Write the plan to a file, whole or not at all. Raises SettingInvalid where that cannot be."""
    place = find_in_source(file, plan.source.path)
    is_left_out = place is not None and Globs(plan.source.exclude).match(place)
    save_text(write_plan(plan), file, [] if is_left_out else [plan.source.path])


def find_in_source(file: str | PathLike[str], source: str) -> str | None:
    """The path in the source that a file there would be deployed as."""
    target, root = Path(file).absolute(), Path(source).expanduser().resolve()
    place = target.parent.resolve() / target.name
    if not place.is_relative_to(root):
        return None
    path = place.relative_to(root).as_posix()
    return path if is_deployed(path) else None


def save_text(text: str, file: str | PathLike[str], sources: Iterable[str]) -> None:
    """Write a plan over these sources to a file. Raises SettingInvalid where it would be a part of one."""
    target = Path(file).absolute()
    if any(find_in_source(file, source) is not None for source in sources):
        raise SettingInvalid(
            f"The plan cannot be saved as {file}: it would become a part of the source.",
            f"Save it outside of the source, or in its folder {STATE_FOLDER}, which is never deployed.",
        )
    try:
        if target.parent.name == STATE_FOLDER:
            make_state_folder(target.parent)
        # mkstemp's files are for their owner alone.
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
            Path(name).replace(target)
        except OSError:
            Path(name).unlink()
            raise
    except OSError as error:
        raise SettingInvalid(
            f"The plan cannot be saved as {file}: {error.strerror or error}.",
            "Name a file in a folder of yours.",
        ) from error


def load_plan(file: str | PathLike[str]) -> Plan:
    """The plan that was saved to a file. Raises PlanInvalid."""
    return read_plan(load_text(file))


def is_of_targets(file: str | PathLike[str]) -> bool:
    """Whether a file holds the plan of a manifest. Raises PlanInvalid where it cannot be read."""
    try:
        document = json.loads(load_text(file))
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and TARGETS in document


def load_text(file: str | PathLike[str]) -> str:
    """What a file holds. Raises PlanInvalid where it cannot be read."""
    try:
        return Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise PlanInvalid(f"The plan {file} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError:
        raise PlanInvalid(f"{file} is no saved plan.") from None

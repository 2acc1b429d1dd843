"""Previews: what they are called, and how many there may be."""

import re
from collections.abc import Collection
from dataclasses import replace

from hfdeploy_core.errors import RepoNameInvalid, SettingInvalid, TooManyPreviews
from hfdeploy_core.model import Marker, RepoInfo, RepoRef, RepoType
from hfdeploy_core.planning.names import parse_repo_id
from hfdeploy_core.planning.settings import BASIC_HARDWARE

MARKER = "HFDEPLOY_PREVIEW_OF"
MOST_PREVIEWS = 10

_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_ADVICE = "Use a short id of letters, digits, '-', '_' and '.', for example pr-123."


def name_preview(repo: RepoRef, id: str) -> RepoRef:
    """The Space of a preview: `app-pr-123` for `app`. Raises SettingInvalid or RepoNameInvalid."""
    if repo.type is not RepoType.SPACE:
        raise SettingInvalid(f"A {repo.type} has no previews.", "Name a Space.")
    check_id(id)
    preview = replace(repo, name=f"{repo.name}-{id}")
    try:
        parse_repo_id(preview.id)
    except RepoNameInvalid as error:
        reason = f"The preview cannot be called {preview.id}: {error.message}"
        raise RepoNameInvalid(reason, _ADVICE) from None
    return preview


def check_id(id: str) -> None:
    """Raise SettingInvalid where no preview can be called so."""
    if not _ID.fullmatch(id):
        raise SettingInvalid(f"{id!r} cannot be the id of a preview.", _ADVICE)


def mark_preview(repo: RepoRef) -> Marker:
    """What shows that a Space is a preview of `repo`."""
    return Marker(MARKER, repo.id)


def check_room(previews: Collection[str], most: int, repo: RepoRef) -> None:
    """Raise TooManyPreviews where one more would be too many."""
    if len(previews) >= most:
        raise TooManyPreviews(
            f"{repo.id} has as many previews as are allowed ({most}): {', '.join(sorted(previews))}."
        )


def decide_hardware(asked: str | None, info: RepoInfo | None) -> str | None:
    """What a preview runs on: what costs nothing, unless it is told. None leaves it as it is."""
    if asked is None and info is not None and info.hardware not in (None, BASIC_HARDWARE):
        return BASIC_HARDWARE
    return asked

"""Patterns that choose paths, the same everywhere: those of a .gitignore."""

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from hfdeploy_core.errors import SettingInvalid

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


class Globs:
    """Some patterns: `*.log` matches at any depth, `data/` all below a folder, `/a` only at the top."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = tuple(patterns)

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def match(self, path: str) -> bool:
        """Whether a pattern matches a file's path, or a folder that it lies in."""
        return bool(self._patterns) and self._spec.match_file(path)

    @cached_property
    def _spec(self) -> "GitIgnoreSpec":
        # Imported here: most deploys have no pattern.
        from pathspec import GitIgnoreSpec

        return GitIgnoreSpec.from_lines(self._patterns)


def check_globs(option: str, patterns: Iterable[str]) -> tuple[str, ...]:
    """The patterns of an option. Raises SettingInvalid for one that matches nothing or takes away."""
    held = tuple(patterns)
    for pattern in held:
        if pattern.startswith("!"):
            raise SettingInvalid(
                f"{option} {pattern!r} begins with '!', which takes away from other patterns.",
                f"Give {option} only what it shall match.",
            )
        if not pattern.strip() or pattern.startswith("#") or not _is_pattern(pattern):
            raise SettingInvalid(
                f"{option} {pattern!r} is no pattern.",
                "Write it as in a .gitignore, for example 'logs/*.txt'.",
            )
    return held


def _is_pattern(pattern: str) -> bool:
    from pathspec import GitIgnoreSpec

    try:
        return any(held.include for held in GitIgnoreSpec.from_lines([pattern]).patterns)
    except ValueError:
        return False

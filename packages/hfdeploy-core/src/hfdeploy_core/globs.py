"""Patterns that choose paths, the same everywhere: those of a .gitignore."""

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, cast

from hfdeploy_core.errors import SettingInvalid

if TYPE_CHECKING:
    import re

    from pathspec import GitIgnoreSpec, RegexPattern


class Globs:
    """Some patterns: `*.log` matches at any depth, `data/` all below a folder, `/a` only at the top.

    A line that is no pattern is passed over, as git does.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = tuple(patterns)

    def __bool__(self) -> bool:
        return bool(self._patterns)

    @property
    def is_effective(self) -> bool:
        """Whether there is a pattern that can match something: comments and empty lines are none."""
        return any(pattern.include is not None for pattern in self._spec.patterns)

    def match(self, path: str) -> bool:
        """Whether a pattern matches a file's path, or a folder that it lies in."""
        return bool(self._patterns) and self._spec.match_file(path)

    def check(self, path: str) -> bool | None:
        """What the last pattern says that matches the path itself: False for one with '!', None for none.

        A folder's path ends in '/'. As git does it, who asks has asked about the folders on the way before.
        """
        for include, regex in self._patterns_backwards:
            if (found := regex.search(path)) and _ends_there(found, path):
                return include
        return None

    @cached_property
    def _patterns_backwards(self) -> "list[tuple[bool, re.Pattern[str]]]":
        patterns = cast("list[RegexPattern]", list(self._spec.patterns))
        return [
            (held.include, held.regex)
            for held in reversed(patterns)
            if held.include is not None and held.regex
        ]

    @cached_property
    def _spec(self) -> "GitIgnoreSpec":
        # Imported here: many deploys have no pattern.
        from pathspec import GitIgnoreSpec

        try:
            return GitIgnoreSpec.from_lines(self._patterns)
        except ValueError:
            return GitIgnoreSpec.from_lines(pattern for pattern in self._patterns if _is_valid(pattern))


def escape(path: str) -> str:
    """A pattern that matches nothing but this path, and what lies below it."""
    return "".join(f"\\{character}" if character in "\\*?[ " else character for character in path)


def check_globs(option: str, patterns: Iterable[str]) -> tuple[str, ...]:
    """The patterns of an option. Raises SettingInvalid for one that matches nothing or takes away."""
    held = tuple(patterns)
    for pattern in held:
        if pattern.startswith("!"):
            raise SettingInvalid(
                f"{option} {pattern!r} begins with '!', which takes away from other patterns.",
                f"Give {option} only what it shall match.",
            )
        if not Globs([pattern]).is_effective:
            raise SettingInvalid(
                f"{option} {pattern!r} is no pattern.",
                "Write it as in a .gitignore, for example 'logs/*.txt'.",
            )
    return held


def _ends_there(found: "re.Match[str]", path: str) -> bool:
    """Whether a pattern matches the path itself, and not a folder on the way to it."""
    if "ps_d" not in found.re.groupindex:
        # `*`, or `folder/**`, which is all below the folder.
        return found.end() <= len(path.rstrip("/"))
    return any(again.end() == len(path) for again in found.re.finditer(path))


def _is_valid(pattern: str) -> bool:
    from pathspec import GitIgnoreSpec

    try:
        GitIgnoreSpec.from_lines([pattern])
    except ValueError:
        return False
    return True

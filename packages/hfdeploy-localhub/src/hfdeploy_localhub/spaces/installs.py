"""What a Dockerfile's RUN lines install with pip, and what they do besides. Pure but for reading requirement
files.
"""

import hashlib
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hfdeploy_localhub.spaces.words import expand

_TAKEN_WITH_VALUE = re.compile(
    "-[cif]|--(constraint|index-url|extra-index-url|find-links|no-binary|only-binary)"
)
_TAKEN = re.compile("-U|--(upgrade|pre|no-deps|no-build-isolation|require-hashes|no-index)")
# These say how pip works, not what it installs; the venv and uv's cache are ours.
_DROPPED_WITH_VALUE = re.compile(
    "-p|--(timeout|default-timeout|retries|progress-bar|root-user-action|cache-dir|trusted-host|upgrade-strategy"
    "|python)"
)
_DROPPED = re.compile(
    "-[nIqv]+|--(no-cache|no-cache-dir|user|quiet|verbose|disable-pip-version-check|system|break-system-packages"
    "|prefer-binary|no-warn-script-location|no-input|force-reinstall|ignore-installed|compile|no-compile"
    "|compile-bytecode|use-pep517)"
)


@dataclass(frozen=True, slots=True)
class Install:
    """One `pip install`: uv's arguments, the requirement files it names, and where in the image it runs.

    `mounts` maps paths of `RUN --mount=type=bind` to paths of the repository.
    """

    arguments: tuple[str, ...]
    files: tuple[str, ...] = ()
    folder: str = "/"
    mounts: tuple[tuple[str, str], ...] = ()

    @property
    def is_local(self) -> bool:
        """Whether something of the repository itself is installed."""
        return any(_is_local(argument) for argument in self.arguments)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A command that is not carried out, for the build log."""

    text: str


def split_commands(text: str) -> list[str]:
    """The commands of a shell line that are joined by `&&`, `;` or line ends, each as it was written."""
    commands, current, quote = [], "", ""
    position = 0
    while position < len(text):
        character = text[position]
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif text.startswith("&&", position) or character in ";\n":
            commands.append(current)
            current, position = "", position + (2 if character == "&" else 1)
            continue
        elif character == "\\":
            current, position = current + text[position : position + 2], position + 2
            continue
        current, position = current + character, position + 1
    return [command.strip() for command in (*commands, current) if command.strip()]


def read_command(
    command: str, folder: str, variables: Mapping[str, str], mounts: tuple[tuple[str, str], ...] = ()
) -> Install | Skipped:
    """Understand one command of a RUN line: an Install when it is a plain `pip install`."""
    try:
        words = shlex.split(command, comments=True)
    except ValueError:
        return Skipped(command)
    shell = re.search(r"[|<`]|\$\(|(?<![=~><!])>(?![=])", re.sub(r"'[^']*'|\"[^\"]*\"", "", command))
    arguments = None if shell else _pip_arguments([expand(word, variables) for word in words])
    understood = None if arguments is None else _understand(arguments)
    if understood is None:
        return Skipped(command)
    return Install(understood[0], understood[1], folder, mounts)


def _pip_arguments(words: list[str]) -> list[str] | None:
    """What follows `pip install`, in any of its spellings; None for every other command."""
    while words and re.fullmatch(r"[A-Za-z_]\w*=.*", words[0]):
        words = words[1:]
    if words and re.fullmatch(r"(.*/)?python[0-9.]*", words[0]) and words[1:2] == ["-m"]:
        words = words[2:]
    if words and re.fullmatch(r"(.*/)?uv", words[0]):
        words = words[1:]
    if len(words) > 2 and re.fullmatch(r"(.*/)?pip[0-9.]*", words[0]) and words[1] == "install":
        return words[2:]
    return None


def _understand(arguments: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """uv's arguments and the requirement files, or None when an option means something we cannot do."""
    taken: list[str] = []
    files: list[str] = []
    rest = iter(_separated(arguments))
    for word in rest:
        if word in ("-r", "--requirement", "--requirements"):
            files.append(next(rest, ""))
        elif word in (
            "-e",
            "--editable",
        ):  # the venv is shared and must not look back into one Space's folder
            taken.append(next(rest, ""))
        elif _TAKEN_WITH_VALUE.fullmatch(word):
            taken += [word, next(rest, "")]
        elif _DROPPED_WITH_VALUE.fullmatch(word):
            next(rest, "")
        elif _TAKEN.fullmatch(word) or not word.startswith("-"):
            taken.append("--prerelease=allow" if word == "--pre" else word)
        elif not _DROPPED.fullmatch(word):
            return None
    return tuple(taken), tuple(files)


def _separated(arguments: list[str]) -> Iterator[str]:
    """`--option=value` and `-rFILE` as two words each."""
    for argument in arguments:
        if argument.startswith("--") and "=" in argument:
            yield from argument.split("=", 1)
        elif re.match(r"-[rceif][^-]", argument):
            yield from (argument[:2], argument[2:])
        else:
            yield argument


def _is_local(requirement: str) -> bool:
    """Whether a requirement is a path of the repository (`.`, `./pkg`, `dist/x.whl`, `file:...`)."""
    word = requirement.strip()
    is_path = re.match(r"\.|/|file:|[^\s@:]+(/|\.whl$|\.tar\.gz$|\.zip$)", word.split("[")[0])
    return bool(is_path) and not word.startswith("-")


def read_requirements(
    path: Path, find: Callable[[Path, str], Path], seen: frozenset[Path] = frozenset()
) -> str:
    """The text of a requirement file with the files it names by `-r` and `-c` behind it.

    `find(folder, name)` tells where a named file is. Raises OSError when one is missing.
    """
    text = path.read_text(encoding="utf-8-sig")
    if path in seen:
        return text
    nested = re.findall(r"^\s*(?:-r|--requirement|-c|--constraint)[\s=]*(\S+)", text, re.MULTILINE)
    parts = [read_requirements(find(path.parent, name), find, seen | {path}) for name in nested]
    return "\n".join([text, *parts])


def is_local_text(requirements: str) -> bool:
    """Whether a requirement file names something of the repository itself."""
    lines = (line.split(" #")[0].strip() for line in requirements.splitlines())
    return any(
        _is_local(line) or re.match(r"(-e|--editable)[\s=]", line)
        for line in lines
        if line and not line.startswith("#")
    )


def digest(parts: Iterable[str]) -> str:
    """A hash of texts in order, 32 hex digits; no two different lists of texts are joined to the same one."""
    joined = b"".join(f"{len(part.encode())}:".encode() + part.encode() for part in parts)
    return hashlib.sha256(joined).hexdigest()[:32]

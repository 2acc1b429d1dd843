"""The folder that stands for a Space's `/`: where its paths are, and copying the repository into it."""

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hfdeploy_localhub.spaces.image import Copy
from hfdeploy_localhub.spaces.stages import BuildError

# Folders of a Space that no Dockerfile line has to name.
_ALWAYS = frozenset({"/home/user", "/data", "/root"})


@dataclass(frozen=True, slots=True)
class Root:
    """A folder that stands for `/`. `owned` are the absolute paths that are in it; all others stay the
    machine's.
    """

    folder: Path
    owned: frozenset[str] = frozenset()

    def path(self, inside: str) -> Path:
        """Where an absolute path of the image is on this machine."""
        return self.folder / inside.strip("/")

    def place(self, text: str) -> str:
        """`text` with an absolute path of the image in it (alone, or behind `=`) put into this folder.

        Of the image is what is owned, and what the copies have put there; `/bin/sh` stays the machine's.
        """
        head, separator, tail = text.partition("=")
        if separator and head.startswith("-") and tail.startswith("/"):
            return head + separator + self.place(tail)
        if not text.startswith("/") or not text.strip("/"):
            return text
        owners = (path.rstrip("/") for path in self.owned | _ALWAYS)
        is_owned = any(text == path or text.startswith(path + "/") for path in owners)
        is_owned = is_owned or os.path.lexists(self.path(text))
        return str(self.path(text)) if is_owned else text

    def place_all(self, arguments: Iterable[str]) -> tuple[str, ...]:
        """The arguments of a command, see `place`."""
        return tuple(self.place(argument) for argument in arguments)

    def place_environment(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Values that are owned paths, or lists of them joined by colons as in PATH."""
        return {
            name: ":".join(self.place(part) for part in value.split(":")) if "/" in value else value
            for name, value in environment.items()
        }


def apply_copy(copy: Copy, context: Path, root: Root) -> list[str]:
    """Carry out one COPY. Returns what was left out (only of another stage); raises BuildError as Docker
    would.
    """
    base = root.folder if copy.from_image else context
    destination = root.path(copy.destination)
    sources = [found for pattern in copy.sources for found in _sources(base, pattern, copy)]
    is_folder = copy.destination.endswith("/") or len(sources) > 1 or destination.is_dir()
    _check_inside(destination, root.folder)
    for source in sources:
        target = destination / source.name if is_folder and not source.is_dir() else destination
        _copy_tree(source, target, root.folder, copy.mode)
    for name, text in copy.documents:
        target = destination / name if is_folder else destination
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text + "\n")
    return [] if sources or copy.documents else list(copy.sources)


def _sources(base: Path, pattern: str, copy: Copy) -> list[Path]:
    relative = os.path.normpath("/" + pattern).strip("/")  # `..` ends at the top, as in Docker
    found = sorted(base.glob(relative)) if any(c in relative for c in "*?[") else [base / relative]
    found = [path for path in found if path.exists() and path.resolve().is_relative_to(base.resolve())]
    if not found and not copy.from_image:
        raise BuildError(f"Dockerfile: COPY {pattern}: there is no such file in the repository.")
    return found


def _check_inside(path: Path, folder: Path) -> None:
    """A symbolic link of the repository must not lead a copy out of the Space's folder."""
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BuildError(f"Dockerfile: COPY would write outside the Space's own folder ({path.name}).")


def _copy_tree(source: Path, target: Path, folder: Path, mode: int | None) -> None:
    if source == target:
        return
    if source.is_dir() and not source.is_symlink():
        target.mkdir(parents=True, exist_ok=True)
        for entry in sorted(source.iterdir()):
            _copy_tree(entry, target / entry.name, folder, mode)
        return
    _check_inside(target.parent, folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir() and not target.is_symlink():
        raise BuildError(f"Dockerfile: COPY: {target.name} is a folder already.")
    target.unlink(missing_ok=True)
    _link(source, target)
    if mode is not None and not source.is_symlink():
        target.chmod(mode)


def _link(source: Path, target: Path) -> None:
    """A hard link costs nothing, and the repository's copy has no other use."""
    if source.is_symlink():
        target.symlink_to(source.readlink())
        return
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)

"""Walks a folder into a Snapshot."""

import os
from collections.abc import Iterator
from pathlib import Path

from hfdeploy_core.errors import (
    CardInvalid,
    LinkRefused,
    SourceEmpty,
    SourceMissing,
    SourceNotAFolder,
    SourceUnreadable,
)
from hfdeploy_core.model import Skipped, Snapshot
from hfdeploy_core.source.card import read_card
from hfdeploy_core.source.digest import FoundFile, hash_files
from hfdeploy_core.source.ignore import check_path, decide_skip


def scan(source: Path) -> Snapshot:
    """Read a folder: every file that will be deployed, with its hashes, and what was left out and why.

    Symlinks that stay within the folder are followed; those that leave it are refused. Raises a SourceError
    that names the first path that cannot be deployed, or CardInvalid for the README.md.
    """
    root = _check_root(source)
    skipped: list[Skipped] = []
    found = sorted(_walk(root, "", (root,), skipped), key=lambda file: file.path)
    if not found:
        raise SourceEmpty(f"There is no file to deploy in {source}.")
    by_path = {file.path: file.location for file in found}
    readme = by_path.get("README.md")
    card = None if readme is None else read_card(readme)
    if (gitignore := by_path.get(".gitignore")) is not None:
        _check_text(gitignore)
    return Snapshot(root=root, entries=hash_files(found), skipped=tuple(skipped), card=card)


def _check_root(source: Path) -> Path:
    try:
        root = source.expanduser().resolve(strict=True)
    except (FileNotFoundError, NotADirectoryError):
        raise SourceMissing(f"The source {source} does not exist.") from None
    except (OSError, RuntimeError, ValueError) as error:
        raise SourceUnreadable(f"The source {source} cannot be read: {error}.") from error
    if not root.is_dir():
        raise SourceNotAFolder(f"The source {source} is not a folder.")
    return root


def _walk(folder: Path, prefix: str, trail: tuple[Path, ...], skipped: list[Skipped]) -> Iterator[FoundFile]:
    """Every file below `folder`. `trail` holds the real folders on the way here, the source's root first."""
    try:
        children = sorted(os.scandir(folder), key=lambda child: child.name)
    except OSError as error:
        name = prefix.rstrip("/") or str(folder)
        raise SourceUnreadable(f"The folder {name} cannot be read: {error.strerror or error}.") from error
    for child in children:
        path = prefix + child.name
        if (reason := decide_skip(path)) is not None:
            if reason:
                skipped.append(Skipped(path, reason))
            continue
        check_path(path)
        location = _follow(child, path, trail) if child.is_symlink() else Path(child)
        if location.is_dir():
            yield from _walk(location, f"{path}/", (*trail, location), skipped)
        elif location.is_file():
            yield FoundFile(path, location)
        else:
            raise SourceUnreadable(f"{path} is neither a file nor a folder.")


def _follow(link: os.DirEntry[str], path: str, trail: tuple[Path, ...]) -> Path:
    try:
        location = Path(link).resolve(strict=True)
    except (OSError, RuntimeError):
        raise LinkRefused(f"The link {path} is broken.") from None
    if not location.is_relative_to(trail[0]):
        raise LinkRefused(f"The link {path} leaves the source.")
    inner = location.relative_to(trail[0])
    if any(decide_skip(part) is not None for part in inner.parts):
        raise LinkRefused(f"The link {path} points to {inner}, which is never deployed.")
    if location in trail:
        raise LinkRefused(f"The link {path} points back to a folder that it lies in.")
    return location


def _check_text(gitignore: Path) -> None:
    try:
        gitignore.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise CardInvalid(".gitignore is not valid UTF-8.", "Save .gitignore as UTF-8.") from None

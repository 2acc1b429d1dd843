"""Walks a folder into a Snapshot."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hfdeploy_core.errors import (
    LinkRefused,
    SourceEmpty,
    SourceMissing,
    SourceNotAFolder,
    SourceUnreadable,
)
from hfdeploy_core.model import Skipped, Snapshot
from hfdeploy_core.source.cache import STATE_FOLDER, HashCache
from hfdeploy_core.source.digest import FoundFile, name_files
from hfdeploy_core.source.git import read_blobs
from hfdeploy_core.source.ignore import check_path, decide_skip


def scan(source: Path, state: Path | None = None) -> Snapshot:
    """Look at a folder: every file that will be deployed, with its names, and what was left out and why.

    Only files are read whose content neither git nor the cache in the folder `state` (by default
    `.hfdeploy` in the source) knows.
    Symlinks that stay within the folder are followed; those that leave it are refused. Raises a SourceError
    that names the first path that cannot be deployed.
    """
    root = _check_root(source)
    skipped: list[Skipped] = []
    # git works while the folder is walked.
    with ThreadPoolExecutor(1) as pool:
        blobs = pool.submit(read_blobs, root)
        found = sorted(_walk(str(root), "", (root,), skipped), key=lambda file: file.path)
    if not found:
        raise SourceEmpty(f"There is no file to deploy in {source}.")
    cache = HashCache(state or root / STATE_FOLDER)
    entries = name_files(_add_blobs(found, blobs.result()), cache)
    cache.save()
    return Snapshot(root=root, entries=entries, skipped=tuple(skipped))


def _add_blobs(found: list[FoundFile], blobs: dict[str, str]) -> list[FoundFile]:
    """The files with git's blob ids. Not for links: what git keeps of one is where it points to."""
    return [
        FoundFile(file.path, file.location, blob_id=blobs[file.path])
        if not file.is_linked and file.path in blobs
        else file
        for file in found
    ]


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


def _walk(
    folder: str, prefix: str, trail: tuple[Path, ...], skipped: list[Skipped], is_linked: bool = False
) -> Iterator[FoundFile]:
    """Every file below `folder`. `trail` holds the real folders on the way here, the source's root first.

    Text, not paths: 10,000 Path objects take longer than a whole deploy that changes nothing.
    """
    try:
        with os.scandir(folder) as listing:
            children = list(listing)
    except OSError as error:
        name = prefix.rstrip("/") or folder
        raise SourceUnreadable(f"The folder {name} cannot be read: {error.strerror or error}.") from error
    for child in sorted(children, key=lambda child: child.name):
        path = prefix + child.name
        if (reason := decide_skip(path)) is not None:
            if reason:
                skipped.append(Skipped(path, reason))
            continue
        check_path(path)
        through_link = is_linked or child.is_symlink()
        location = str(_follow(child, path, trail)) if child.is_symlink() else child.path
        if child.is_dir():
            inner = Path(location)
            yield from _walk(location, f"{path}/", (*trail, inner), skipped, through_link)
        elif child.is_file():
            yield FoundFile(path, location, is_linked=through_link)
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

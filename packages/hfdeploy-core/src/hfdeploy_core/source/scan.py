"""Walks a folder into a Snapshot."""

import os
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hfdeploy_core.errors import (
    DeployError,
    LinkRefused,
    PathInvalid,
    SourceEmpty,
    SourceMissing,
    SourceNotAFolder,
    SourceUnreadable,
)
from hfdeploy_core.model import Skipped, Snapshot, Source
from hfdeploy_core.source.cache import STATE_FOLDER, HashCache
from hfdeploy_core.source.digest import FoundFile, name_files
from hfdeploy_core.source.git import read_blobs
from hfdeploy_core.source.ignore import Rules, check_path, decide_skip

OnFault = Callable[[DeployError], None]


def _raise(fault: DeployError) -> None:
    raise fault


def scan(
    source: Path, state: Path | None = None, *, rules: Rules | None = None, on_fault: OnFault = _raise
) -> Snapshot:
    """Look at a folder: every file that will be deployed, with its names, and what was left out and why.

    Only files are read whose content neither git nor the cache in the folder `state` (by default
    `.hfdeploy` in the source) knows. Symlinks that stay within the folder are followed.

    `rules` are by default those of `make_rules` for the folder. What cannot be deployed goes to `on_fault` as
    a SourceError, by default to be raised. Raises one where there is nothing to deploy at all.
    """
    root = find_root(source)
    walk = _Walk(root, rules or make_rules(root, Source(str(source))), on_fault)
    # git works while the folder is walked.
    with ThreadPoolExecutor(1) as pool:
        blobs = pool.submit(read_blobs, root)
        found = sorted(walk.list_files(str(root), "", (root,)), key=lambda file: file.path)
    if not found and not walk.has_faults:
        raise describe_empty(source, walk.ignored)
    cache = HashCache(state or root / STATE_FOLDER)
    entries = name_files(_add_blobs(found, blobs.result()), cache)
    cache.save()
    return Snapshot(
        root=root, entries=entries, skipped=tuple(walk.skipped), ignored=tuple(sorted(walk.ignored))
    )


def find_root(source: Path) -> Path:
    """The folder itself, whatever links lead to it. Raises a SourceError where there is none."""
    try:
        root = source.expanduser().resolve(strict=True)
    except (FileNotFoundError, NotADirectoryError):
        raise SourceMissing(f"The source {source} does not exist.") from None
    except (OSError, RuntimeError, ValueError) as error:
        raise SourceUnreadable(f"The source {source} cannot be read: {error}.") from error
    if not root.is_dir():
        raise SourceNotAFolder(f"The source {source} is not a folder.")
    return root


def make_rules(root: Path, source: Source) -> Rules:
    """What is asked of a source, and what the ignore files say in its folder and in those of its checkout."""
    return Rules(source, lambda path: _read_text(root / path), _read_above(root))


def _read_above(root: Path) -> list[tuple[str, str]]:
    """The .gitignore of each folder from a checkout's top to the source: the way from there, and its text."""
    top = next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)
    folders = [folder for folder in root.parents if folder.is_relative_to(top)]
    texts = [
        (root.relative_to(folder).as_posix(), _read_text(folder / ".gitignore"))
        for folder in reversed(folders)
    ]
    return [(way, text) for way, text in texts if text]


def _read_text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else None
    except OSError:
        return None


def _add_blobs(found: list[FoundFile], blobs: dict[str, str]) -> list[FoundFile]:
    """The files with git's blob ids. Not for links: what git keeps of one is where it points to."""
    return [
        FoundFile(file.path, file.location, blob_id=blobs[file.path])
        if not file.is_linked and file.path in blobs
        else file
        for file in found
    ]


def describe_empty(source: Path, ignored: Collection[str]) -> SourceEmpty:
    """The error for a source in which nothing is left to deploy."""
    if not ignored:
        return SourceEmpty(f"There is no file to deploy in {source}.")
    return SourceEmpty(
        f"There is no file to deploy in {source}: everything in it is ignored.",
        "Look at .gitignore, .hfignore and --exclude, or name with --include what shall be deployed.",
    )


def _is_folder(child: os.DirEntry[str]) -> bool:
    try:
        return child.is_dir()
    except OSError:
        # A link in a circle: what is wrong with it is told where it is followed.
        return False


class _Walk:
    """One walk through a folder: what it leaves out is there afterwards."""

    def __init__(self, root: Path, rules: Rules, on_fault: OnFault) -> None:
        self.has_faults = False
        self.skipped: list[Skipped] = []
        self.ignored: list[str] = []
        self._root = root
        self._rules = rules
        self._on_fault = on_fault

    def list_files(
        self, folder: str, prefix: str, trail: tuple[Path, ...], is_linked: bool = False
    ) -> Iterator[FoundFile]:
        """Every file below `folder` that is deployed. `trail` holds the real folders on the way here.

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
            is_folder = _is_folder(child)
            if is_folder and child.is_symlink() and self._rules.has_only_included(prefix[:-1]):
                # Followed only if it is included itself: ignored folders are full of links to anywhere.
                is_folder = False
            if self._leaves_out(path, is_folder=is_folder):
                continue
            try:
                check_path(path)
                location = str(self._follow(child, path, trail)) if child.is_symlink() else child.path
            except (PathInvalid, LinkRefused) as fault:
                self._tell(fault)
                continue
            through_link = is_linked or child.is_symlink()
            if _is_folder(child):
                yield from self.list_files(location, f"{path}/", (*trail, Path(location)), through_link)
            elif child.is_file():
                yield FoundFile(path, location, is_linked=through_link)
            else:
                self._tell(SourceUnreadable(f"{path} is neither a file nor a folder."))

    def _tell(self, fault: DeployError) -> None:
        self.has_faults = True
        self._on_fault(fault)

    def _leaves_out(self, path: str, *, is_folder: bool) -> bool:
        left_out = self._rules.decide(path, is_folder=is_folder)
        if left_out is None:
            return False
        if left_out.is_ignored:
            self.ignored.append(f"{path}/" if is_folder else path)
        elif left_out.reason:
            self.skipped.append(Skipped(path, left_out.reason))
        return True

    def _follow(self, link: os.DirEntry[str], path: str, trail: tuple[Path, ...]) -> Path:
        try:
            location = Path(link).resolve(strict=True)
        except (OSError, RuntimeError):
            raise LinkRefused(f"The link {path} is broken.") from None
        if not location.is_relative_to(self._root):
            raise LinkRefused(f"The link {path} leaves the source.")
        inner = location.relative_to(self._root)
        if any(decide_skip(part) is not None for part in inner.parts):
            raise LinkRefused(f"The link {path} points to {inner}, which is never deployed.")
        if location in trail:
            raise LinkRefused(f"The link {path} points back to a folder that it lies in.")
        return location

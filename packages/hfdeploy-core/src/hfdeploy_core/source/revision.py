"""A git revision as a source: read from git's objects, the work tree untouched."""

import posixpath
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from hfdeploy_core.errors import (
    DeployError,
    LinkRefused,
    PathInvalid,
    SourceEmpty,
    SourceMissing,
    SourceUnreadable,
)
from hfdeploy_core.model import FileEntry, Skipped, Snapshot, Source
from hfdeploy_core.source.git import ask, read_objects
from hfdeploy_core.source.ignore import IGNORE_FILES, Rules, check_path, decide_skip

OnFault = Callable[[DeployError], None]

_LINK, _MODULE = "120000", "160000"
_MOST_LINKS = 40
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class _Blob:
    """What a tree says of a path."""

    mode: str
    id: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit of the repository that `root` lies in, as far as it is below that folder."""

    root: Path
    commit: str
    blobs: Mapping[str, _Blob]

    def list_snapshot(self, rules: Rules, on_fault: OnFault) -> Snapshot:
        """What is deployed of it: nothing has to be read for that but links."""
        links = {path: blob.id for path, blob in self.blobs.items() if blob.mode == _LINK}
        texts = read_blobs(self.root, links.values())
        targets = {path: texts[blob].decode("utf-8", "surrogateescape") for path, blob in links.items()}
        entries: dict[str, FileEntry] = {}
        skipped: dict[str, Skipped] = {}
        ignored: set[str] = set()
        for path, blob in self.blobs.items():
            left_out = rules.decide(path)
            if left_out is not None:
                if left_out.is_ignored:
                    ignored.add(path)
                elif left_out.reason:
                    skipped[path] = Skipped(path, left_out.reason)
                continue
            if blob.mode == _MODULE:
                skipped[path] = Skipped(path, "git keeps no more of a submodule than its commit")
                continue
            try:
                check_path(path)
                for place, found in self._follow(path, blob, targets):
                    entries[place] = FileEntry(place, found.size_bytes, found.id, None)
            except (PathInvalid, LinkRefused) as fault:
                on_fault(fault)
        ordered = tuple(entries[path] for path in sorted(entries))
        return Snapshot(self.root, ordered, tuple(skipped.values()), ignored=tuple(sorted(ignored)))

    def _follow(self, path: str, blob: _Blob, targets: Mapping[str, str]) -> Iterator[tuple[str, _Blob]]:
        """The file, or all that a link leads to, by the paths that they get."""
        target = path
        for _ in range(_MOST_LINKS):
            if blob.mode != _LINK:
                yield path, blob
                return
            target = posixpath.normpath(posixpath.join(posixpath.dirname(target), targets[target]))
            if target.startswith(("/", "..")):
                raise LinkRefused(f"The link {path} leaves the source.")
            if any(decide_skip(part) is not None for part in target.split("/")):
                raise LinkRefused(f"The link {path} points to {target}, which is never deployed.")
            if target not in self.blobs:
                yield from self._list_folder(path, target)
                return
            blob = self.blobs[target]
        raise LinkRefused(f"The link {path} is broken.")

    def _list_folder(self, path: str, folder: str) -> Iterator[tuple[str, _Blob]]:
        below = [(place, blob) for place, blob in self.blobs.items() if place.startswith(f"{folder}/")]
        if not below or path.startswith(f"{folder}/"):
            raise LinkRefused(f"The link {path} is broken, or points back to a folder that it lies in.")
        for place, blob in below:
            if blob.mode == _LINK:
                raise LinkRefused(f"The link {path} points to a folder with links in it.")
            yield path + place.removeprefix(folder), blob

    def bring(self, snapshot: Snapshot, paths: Collection[str], folder: Path) -> Snapshot:
        """The snapshot, the contents of these paths in the folder, by their blob ids."""
        wanted = {
            entry.path: entry for entry in snapshot.entries if entry.path in paths and not entry.location
        }
        blobs = {entry.blob_id for entry in wanted.values()}
        write_blobs(self.root, {blob for blob in blobs if not (folder / blob).exists()}, folder)
        entries = (
            _place(entry, folder / entry.blob_id) if entry.path in wanted else entry
            for entry in snapshot.entries
        )
        return replace(snapshot, entries=tuple(entries))


def _place(entry: FileEntry, place: Path) -> FileEntry:
    return replace(entry, location=str(place), modified_ns=place.stat().st_mtime_ns)


def find_revision(root: Path, rev: str) -> Revision:
    """What git holds of a revision below the folder. Raises SourceMissing."""
    commit = ask(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{rev}^{{commit}}")
    if commit is None and ask(root, "rev-parse", "--git-dir") is None:
        # There is none, its owner is somebody else, or there is no git.
        raise SourceMissing(f"git finds no repository in {root}.", "Run `git status` there: it says why.")
    if commit is None:
        raise SourceMissing(
            f"There is no git revision {rev!r} in {root}.",
            "Name a branch, tag or commit of the repository that the folder lies in; fetch it first.",
        )
    commit = commit.strip()
    listing = ask(root, "ls-tree", "-r", "-l", "-z", commit)
    blobs = {}
    for line in (listing or "").split("\0")[:-1]:
        facts, _, path = line.partition("\t")
        mode, _, blob_id, size = facts.split()
        blobs[path] = _Blob(mode, blob_id, 0 if size == "-" else int(size))
    if not blobs:
        raise SourceEmpty(f"There is no file to deploy in {root} at {rev}.")
    return Revision(root, commit, blobs)


def make_rules(revision: Revision, source: Source) -> Rules:
    """What is asked of the source, and what the ignore files of the revision say."""
    held = {
        path: blob.id
        for path, blob in revision.blobs.items()
        if path.rpartition("/")[2] in IGNORE_FILES and blob.mode.startswith("100")
    }
    found = read_blobs(revision.root, held.values())
    texts = {path: found[blob].decode("utf-8", "replace") for path, blob in held.items() if blob in found}
    return Rules(source, texts.get, _read_above(revision))


def _read_above(revision: Revision) -> list[tuple[str, str]]:
    """The .gitignore of each folder from the repository's top to the source, as `Rules` wants them."""
    way = (ask(revision.root, "rev-parse", "--show-prefix") or "").strip("\n/")
    parts = way.split("/") if way else []
    names = {"/".join(parts[count:]): "/".join([*parts[:count], ".gitignore"]) for count in range(len(parts))}
    texts = read_blobs(revision.root, [f"{revision.commit}:{name}" for name in names.values()])
    found = [(rest, texts.get(f"{revision.commit}:{name}")) for rest, name in names.items()]
    return [(rest, text.decode("utf-8", "replace")) for rest, text in found if text]


def read_blobs(root: Path, names: Collection[str]) -> dict[str, bytes]:
    """The contents of small objects, by the names that they were asked for; those that are there."""
    contents: dict[str, bytes] = {}
    wanted = list(dict.fromkeys(names))
    with _open_objects(root, wanted) as objects:
        for name, blocks in objects:
            contents[name] = b"".join(blocks)
    return contents


def write_blobs(root: Path, ids: Collection[str], folder: Path) -> None:
    """The contents of objects as files of a folder, streamed. Raises SourceUnreadable."""
    missing = set(ids)
    with _open_objects(root, sorted(ids)) as objects:
        for name, blocks in objects:
            with (folder / name).open("wb") as file:
                file.writelines(blocks)
            missing.discard(name)
    if missing:
        raise SourceUnreadable(
            f"git lacks {len(missing):,} objects of this revision.", "Fetch them with `git fetch --refetch`."
        )


@contextmanager
def _open_objects(root: Path, names: list[str]) -> Iterator[Iterator[tuple[str, Iterator[bytes]]]]:
    if not names:
        yield iter(())
        return
    with read_objects(root, names) as output:
        yield _read_objects(output, names)


def _read_objects(output: IO[bytes], names: list[str]) -> Iterator[tuple[str, Iterator[bytes]]]:
    for name in names:
        head = output.readline().split()
        if not head or head[-1] == b"missing":
            continue
        size_bytes = int(head[2])
        yield name, _read_blocks(output, size_bytes)
        output.read(1)


def _read_blocks(output: IO[bytes], size_bytes: int) -> Iterator[bytes]:
    while size_bytes:
        block = output.read(min(size_bytes, _BLOCK_BYTES))
        if not block:
            raise SourceUnreadable("git stopped while it told a file's content.")
        size_bytes -= len(block)
        yield block

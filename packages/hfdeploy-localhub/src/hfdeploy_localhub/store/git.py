"""One repo's content as a bare git repository: oids, trees and commits are git's own."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pygit2
from pygit2.enums import AttrCheck, ObjectType, SortMode

from hfdeploy_localhub.errors import BadRequest, Conflict, EntryNotFound, HeadMoved, RevisionNotFound
from hfdeploy_localhub.model import LargeFile
from hfdeploy_localhub.store.pointers import MAX_POINTER_BYTES, parse_pointer
from hfdeploy_localhub.store.trees import change_tree

MAIN = "refs/heads/main"
_COMMITTED = AttrCheck.INDEX_ONLY | AttrCheck.NO_SYSTEM | AttrCheck.INCLUDE_COMMIT


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder in a commit. ``oid`` is git's; ``size`` is the real size, also of a large file."""

    path: str
    kind: Literal["file", "directory"]
    oid: str
    size: int
    large: LargeFile | None = None
    pointer_size: int = 0

    @property
    def etag(self) -> str:
        """What names the content: the sha256 of a large file, else the blob's id."""
        return self.large.sha256 if self.large else self.oid


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit as the Hub shows it: ``title`` is the message's first line."""

    id: str
    title: str
    message: str
    author: str
    date: datetime
    parents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ref:
    """A branch, tag, ... : ``name`` is short, ``ref`` is git's full name."""

    name: str
    ref: str
    commit: str


@dataclass(frozen=True, slots=True)
class Author:
    name: str
    email: str


class GitRepository:
    """A bare repository on disk. Cheap to open; not to be shared between threads.

    ``holds`` tells of a sha256 whether that large file belongs to this repo. A pointer to any other is a
    text like every other: writing one down must not open somebody else's file.
    """

    def __init__(self, folder: Path, holds: Callable[[str], bool] = lambda sha256: True) -> None:
        self._git = pygit2.Repository(str(folder))
        self._holds = holds

    @classmethod
    def create(cls, folder: Path) -> "GitRepository":
        pygit2.init_repository(str(folder), bare=True, initial_head="main")
        return cls(folder)

    def copy_to(self, folder: Path) -> None:
        """A repository in ``folder`` with this one's main branch and its history."""
        other = pygit2.init_repository(str(folder), bare=True, initial_head="main")
        other.remotes.create_anonymous(self._git.path).fetch([f"+{MAIN}:{MAIN}"])

    # -- revisions ---------------------------------------------------------------------------------

    def head(self, ref: str = MAIN) -> str:
        """The commit that ``ref`` (a full name) points at. Raises RevisionNotFound."""
        return str(self._ref_target(ref))

    def resolve(self, revision: str) -> str:
        """The commit a branch, tag, ``refs/...`` name, ``HEAD`` or (short) commit id stands for.

        Raises RevisionNotFound.
        """
        candidates = [revision] if revision.startswith("refs/") or revision == "HEAD" else []
        for ref in [*candidates, f"refs/heads/{revision}", f"refs/tags/{revision}"]:
            try:
                return str(self._ref_target(ref))
            except RevisionNotFound:
                continue
        if 5 <= len(revision) <= 40 and set(revision) <= set("0123456789abcdef"):
            found = self._git.get(revision)
            if isinstance(found, pygit2.Commit):
                return str(found.id)
        raise RevisionNotFound(revision)

    def is_at(self, revision: str, commit: str) -> bool:
        """Whether a revision, which may not be there at all, stands for this commit."""
        try:
            return self.resolve(revision) == commit
        except RevisionNotFound:
            return False

    def branch(self, revision: str) -> str:
        """The full ref a commit can be added to: a branch or ``refs/pr/N``. Raises RevisionNotFound."""
        ref = revision if revision.startswith("refs/") else f"refs/heads/{revision}"
        if not ref.startswith(("refs/heads/", "refs/pr/")):
            raise RevisionNotFound(revision)
        try:
            self._ref_target(ref)
        except RevisionNotFound:
            raise RevisionNotFound(revision) from None
        return ref

    def has_ref(self, ref: str) -> bool:
        try:
            return ref in self._git.references
        except ValueError:  # git allows no such name
            return False

    def set_ref(self, ref: str, commit: str) -> None:
        """Makes ``ref`` (a full name) or moves it. Raises BadRequest if git does not allow the name."""
        try:
            self._git.references.create(ref, pygit2.Oid(hex=commit), force=True)
        except (ValueError, OSError, pygit2.GitError):
            raise BadRequest(f"Invalid reference name: {ref}") from None

    def add_tag(self, name: str, commit: str, message: str, author: Author, now: datetime) -> None:
        """An annotated tag, or a light one without a message. Raises BadRequest for a name git refuses."""
        if not message:
            self.set_ref(f"refs/tags/{name}", commit)
            return
        signature = pygit2.Signature(author.name, author.email, int(now.timestamp()), 0)
        try:
            self._git.create_tag(name, pygit2.Oid(hex=commit), ObjectType.COMMIT, signature, message)
        except (ValueError, OSError, pygit2.GitError):
            raise BadRequest(f"Invalid reference name: refs/tags/{name}") from None

    def drop_ref(self, ref: str) -> None:
        """Raises RevisionNotFound."""
        if ref not in self._git.references:
            raise RevisionNotFound(ref)
        self._git.references.delete(ref)

    def refs(self, prefix: str) -> list[Ref]:
        """All refs below ``prefix`` (such as ``refs/heads/``), by name."""
        found = [name for name in self._git.references if name.startswith(prefix)]
        return [Ref(name.removeprefix(prefix), name, self.head(name)) for name in sorted(found)]

    def _ref_target(self, ref: str) -> pygit2.Oid:
        try:
            commit = self._git.references[ref].peel(pygit2.Commit)
        except (KeyError, ValueError, pygit2.InvalidSpecError):
            raise RevisionNotFound(ref) from None
        return commit.id

    # -- reading -----------------------------------------------------------------------------------

    def entry(self, commit: str, path: str) -> Entry:
        """The file or folder at ``path``. Raises EntryNotFound."""
        return self._describe(path, self._find(commit, path))

    def find(self, commit: str, path: str) -> Entry | None:
        try:
            return self.entry(commit, path)
        except EntryNotFound:
            return None

    def walk(
        self, commit: str, folder: str = "", *, recursive: bool = False, after: str | None = None
    ) -> Iterator[Entry]:
        """What a folder holds, in git's order, each folder before its content.

        ``after`` goes on behind that path without reading what lies before it; it may be gone meanwhile.
        Raises EntryNotFound if ``folder`` is missing or a file.
        """
        tree = self._find(commit, folder) if folder else self._commit(commit).tree
        if not isinstance(tree, pygit2.Tree):
            raise EntryNotFound(f"{folder} is not a folder at {commit}")
        prefix = f"{folder}/" if folder else ""
        skip = after.removeprefix(prefix).split("/") if after else []
        return self._walk(tree, prefix, recursive, skip)

    def read(self, entry: Entry) -> bytes:
        """The blob of an entry: a file's bytes, or a large file's pointer."""
        return self._git[entry.oid].read_raw()

    def read_all(self) -> dict[str, bytes]:
        """Path -> blob of every file on the main branch."""
        entries = self.walk(self.head(), recursive=True)
        return {entry.path: self.read(entry) for entry in entries if entry.kind == "file"}

    def text(self, commit: str, path: str) -> str | None:
        """A small file as text, or None if there is none at that path."""
        entry = self.find(commit, path)
        if entry is None or entry.kind != "file":
            return None
        return self.read(entry).decode(errors="replace")

    def large_file_rules(self, commit: str, attributes: str | None = None) -> Callable[[str], bool]:
        """Tells of a path whether the commit's .gitattributes keep it outside git.

        ``attributes`` stands in for the root's file, for one that is about to be committed.
        """
        if attributes is not None:
            blob = self._git.create_blob(attributes.encode())
            tree = change_tree(self._git, self._commit(commit).tree, {".gitattributes": blob})
            author = Author("hub", "hub@localhost")
            commit = str(self._write_commit(tree, "attributes", author, datetime.fromtimestamp(0, UTC), []))
        return lambda path: self._git.get_attr(path, "filter", _COMMITTED, pygit2.Oid(hex=commit)) == "lfs"

    def log(self, commit: str) -> Iterator[Commit]:
        """The commit and its ancestors, newest first."""
        for found in self._git.walk(pygit2.Oid(hex=commit), SortMode.TOPOLOGICAL):
            yield _describe_commit(found)

    def count(self, commit: str) -> int:
        """How many commits there are: the one and its ancestors."""
        return sum(1 for _ in self._git.walk(pygit2.Oid(hex=commit)))

    def show(self, commit: str) -> Commit:
        return _describe_commit(self._commit(commit))

    def last_change(self, commit: str, paths: Sequence[str]) -> dict[str, Commit]:
        """The newest commit that changed each path, looking back from ``commit``."""
        missing, found = set(paths), dict[str, Commit]()
        for candidate in self._git.walk(pygit2.Oid(hex=commit), SortMode.TOPOLOGICAL):
            parents = candidate.parents
            for path in list(missing):
                if all(_oid_at(candidate, path) != _oid_at(parent, path) for parent in parents):
                    found[path] = _describe_commit(candidate)
                    missing.discard(path)
            if not missing:
                break
        return found

    def _commit(self, commit: str) -> pygit2.Commit:
        found = self._git.get(commit)
        if not isinstance(found, pygit2.Commit):
            raise RevisionNotFound(commit)
        return found

    def _find(self, commit: str, path: str) -> pygit2.Object:
        try:
            return self._commit(commit).tree[path]
        except (KeyError, TypeError, ValueError, pygit2.GitError):  # or no path at all
            raise EntryNotFound(f"{path} does not exist at {commit}") from None

    def _walk(self, tree: pygit2.Tree, prefix: str, recursive: bool, skip: list[str]) -> Iterator[Entry]:
        first = 0
        if skip:
            name, below = skip[0], skip[1:]
            first, present = _find_position(tree, name, folder=bool(below))
            if recursive and isinstance(present, pygit2.Tree):
                yield from self._walk(present, f"{prefix}{name}/", recursive, below)
        for number in range(first, len(tree)):
            child = tree[number]
            path = f"{prefix}{child.name}"
            if child.type in (ObjectType.TREE, ObjectType.BLOB):
                yield self._describe(path, child)
            if recursive and isinstance(child, pygit2.Tree):
                yield from self._walk(child, f"{path}/", recursive, [])

    def _describe(self, path: str, found: pygit2.Object) -> Entry:
        oid = str(found.id)
        if isinstance(found, pygit2.Tree):
            return Entry(path, "directory", oid, 0)
        size, large = self._blob_facts(oid)
        if large is None or not self._holds(large.sha256):
            return Entry(path, "file", oid, size)
        return Entry(path, "file", oid, large.size, large, size)

    def _blob_facts(self, oid: str) -> tuple[int, LargeFile | None]:
        known = _BLOB_FACTS.get(oid)
        if known is None:
            size = self._git.odb.read_header(oid)[1]
            large = parse_pointer(self._git[oid].read_raw()) if size <= MAX_POINTER_BYTES else None
            known = _remember_blob(oid, size, large)
        return known

    # -- writing -----------------------------------------------------------------------------------

    def add_blob(self, content: bytes) -> str:
        """Stores content that no tree names yet; returns the blob's id."""
        return str(self._git.create_blob(content))

    def write(
        self,
        changes: Mapping[str, str | None],
        *,
        parent: str | None,
        message: str,
        author: Author,
        now: datetime,
    ) -> str:
        """A commit on top of ``parent`` that no ref holds yet: see ``commit``."""
        base = self._commit(parent).tree if parent else None
        for path, blob in changes.items():
            if blob is None and (base is None or path not in base):
                raise EntryNotFound(f"A file with this name doesn't exist: {path}")
        blobs = {path: pygit2.Oid(hex=blob) if blob else None for path, blob in changes.items()}
        tree = change_tree(self._git, base, blobs)
        return str(self._write_commit(tree, message, author, now, [parent] if parent else []))

    def commit(
        self,
        ref: str,
        changes: Mapping[str, str | None],
        *,
        parent: str | None,
        message: str,
        author: Author,
        now: datetime,
    ) -> str:
        """One commit on ``ref``: each path gets its blob, or goes away where that is None.

        ``parent`` is the commit that ``ref`` is known to hold (None for the first one). The caller
        holds the repo's lock. Raises HeadMoved if ``ref`` is elsewhere, EntryNotFound if a path to delete
        is missing.
        """
        current = self._git.references.get(ref)
        if (str(current.target) if current else None) != parent:
            raise HeadMoved
        oid = self.write(changes, parent=parent, message=message, author=author, now=now)
        self.set_ref(ref, oid)
        return oid

    def add_root(self, *, message: str, author: Author, now: datetime) -> str:
        """A commit without files or ancestors that no ref holds yet."""
        return str(self._write_commit(self._git.TreeBuilder().write(), message, author, now, []))

    def squash(self, ref: str, *, message: str, author: Author, now: datetime) -> str:
        """Replaces the history of ``ref`` by one commit with the same tree; the caller holds the lock."""
        tree = self._commit(self.head(ref)).tree.id
        oid = str(self._write_commit(tree, message, author, now, []))
        self.set_ref(ref, oid)
        return oid

    def merge(self, into: str, other: str, *, message: str, author: Author, now: datetime) -> str:
        """Merges the commit ``other`` into the ref ``into``; the caller holds the lock.

        Raises Conflict if both changed the same lines.
        """
        base = self.head(into)
        index = self._git.merge_commits(pygit2.Oid(hex=base), pygit2.Oid(hex=other))
        if index.conflicts:
            raise Conflict("This pull request conflicts with its base and cannot be merged.")
        tree = index.write_tree(self._git)
        oid = str(self._write_commit(tree, message, author, now, [base, other]))
        self.set_ref(into, oid)
        return oid

    def conflicts(self, base: str, other: str) -> list[str]:
        """The paths that two commits changed in ways that do not go together."""
        index = self._git.merge_commits(pygit2.Oid(hex=base), pygit2.Oid(hex=other))
        sides = [side for conflict in index.conflicts or () for side in conflict if side is not None]
        return sorted({str(side.path) for side in sides})

    def diff(self, base: str, other: str) -> str:
        """What ``other`` changed since it left ``base``, as a unified diff."""
        fork = self._git.merge_base(pygit2.Oid(hex=base), pygit2.Oid(hex=other))
        before = self._commit(str(fork) if fork else base).tree
        return before.diff_to_tree(self._commit(other).tree).patch or ""

    def changes(self, commit: str) -> tuple[list[tuple[str, str]], str]:
        """What a commit changed in its first parent: git's letter and path of each file, and the patch."""
        found = self._commit(commit)
        if found.parents:
            diff = found.parents[0].tree.diff_to_tree(found.tree)
        else:
            diff = found.tree.diff_to_tree(swap=True)
        files = [(delta.status_char(), str(delta.new_file.path)) for delta in diff.deltas]
        return files, diff.patch or ""

    def commits_between(self, base: str, other: str) -> list[Commit]:
        """The commits of ``other`` that ``base`` does not have, oldest first."""
        walker = self._git.walk(pygit2.Oid(hex=other), SortMode.TOPOLOGICAL | SortMode.REVERSE)
        walker.hide(pygit2.Oid(hex=base))
        return [_describe_commit(found) for found in walker]

    def _write_commit(
        self, tree: pygit2.Oid, message: str, author: Author, now: datetime, parents: Sequence[str]
    ) -> pygit2.Oid:
        signature = pygit2.Signature(author.name, author.email, int(now.timestamp()), 0)
        return self._git.create_commit(None, signature, signature, message, tree, list(parents))


_BLOB_FACTS: dict[str, tuple[int, LargeFile | None]] = {}
"""Blob id -> size and pointer. An id stands for its content everywhere, so one table serves all repos."""
_MAX_BLOB_FACTS = 500_000


def _remember_blob(oid: str, size: int, large: LargeFile | None) -> tuple[int, LargeFile | None]:
    if len(_BLOB_FACTS) >= _MAX_BLOB_FACTS:
        _BLOB_FACTS.clear()
    facts = _BLOB_FACTS[oid] = (size, large)
    return facts


def _describe_commit(commit: pygit2.Commit) -> Commit:
    title, _, rest = commit.message.partition("\n")
    return Commit(
        id=str(commit.id),
        title=title,
        message=rest.strip("\n"),
        author=commit.author.name,
        date=datetime.fromtimestamp(commit.commit_time, UTC),
        parents=tuple(str(parent) for parent in commit.parent_ids),
    )


def _find_position(tree: pygit2.Tree, name: str, *, folder: bool) -> tuple[int, pygit2.Object | None]:
    """Which of the entries is the first behind ``name``, and the one of that name.

    If it is gone, that is where it would have been: ``folder`` says what it was.
    """
    present = tree[name] if name in tree else None  # noqa: SIM401 - a tree has no get
    key = _sort_key(present) if present is not None else name.encode() + b"/" * folder
    first = bisect_left(range(len(tree)), key, key=lambda number: _sort_key(tree[number]))
    return first + (present is not None), present


def _sort_key(entry: pygit2.Object) -> bytes:
    """Git puts a folder where its name would be with a slash behind it."""
    return (entry.raw_name or b"") + b"/" * isinstance(entry, pygit2.Tree)


def _oid_at(commit: pygit2.Commit, path: str) -> pygit2.Oid | None:
    try:
        return commit.tree[path].id
    except KeyError:
        return None

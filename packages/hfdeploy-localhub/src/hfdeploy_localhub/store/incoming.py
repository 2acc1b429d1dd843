"""What a push brings before git makes it part of the repo: objects in quarantine, refs about to move."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pygit2
from pygit2.enums import ObjectType, SortMode

from hfdeploy_localhub.errors import BadRequest, InvalidPath
from hfdeploy_localhub.model import LargeFile
from hfdeploy_localhub.store.pointers import MAX_POINTER_BYTES, parse_pointer

_NOTHING = "0" * 40


@dataclass(frozen=True, slots=True)
class RefChange:
    """A ref that is to move. ``old`` is None for a new one, ``new`` for one that is to go."""

    ref: str
    old: str | None
    new: str | None

    @classmethod
    def parse(cls, line: str) -> "RefChange":
        """``OLD NEW REF``, as git tells it."""
        old, new, ref = line.split(" ", 2)
        return cls(ref, None if old == _NOTHING else old, None if new == _NOTHING else new)


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that the repo did not have at that path. ``large`` if it is a pointer."""

    path: str
    size: int
    large: LargeFile | None


class Incoming:
    """The objects of a push, read together with those the repo has. Used by one thread."""

    def __init__(self, folder: Path, quarantine: Path | None) -> None:
        self._git = pygit2.Repository(str(folder))
        if quarantine is not None:
            self._git.odb.add_disk_alternate(str(quarantine))
        self._seen: set[tuple[str, pygit2.Oid]] = set()

    def target(self, ref: str) -> str | None:
        """What the repo's ref holds now: a commit, or a tag of one; None if it is not there."""
        found = self._git.references.get(ref)
        return str(found.target) if found else None

    def commit_of(self, oid: str) -> str:
        """The commit that ``oid``, a commit or a tag of one, stands for. Raises BadRequest."""
        try:
            return str(self._git[oid].peel(pygit2.Commit).id)
        except (KeyError, ValueError, pygit2.GitError):
            raise BadRequest(f"{oid} is not a commit: branches and tags must lead to commits.") from None

    def new_files(self, oid: str) -> Iterator[NewFile]:
        """The files that commits below ``oid`` add or change, for all commits that no ref leads to yet.

        Raises InvalidPath for a name that is not UTF-8, KeyError if objects are missing.
        """
        for commit in self._new_commits(oid):
            parents = [parent.tree for parent in commit.parents]
            yield from self._changed(commit.tree, parents)

    def new_titles(self, old: str, new: str) -> list[tuple[str, str]]:
        """Id and first line of each commit from ``old`` to ``new``, oldest first."""
        walker = self._git.walk(pygit2.Oid(hex=new), SortMode.TOPOLOGICAL | SortMode.REVERSE)
        walker.hide(pygit2.Oid(hex=old))
        return [(str(commit.id), commit.message.partition("\n")[0]) for commit in walker]

    def _new_commits(self, oid: str) -> Iterator[pygit2.Commit]:
        walker = self._git.walk(pygit2.Oid(hex=oid), SortMode.TOPOLOGICAL)
        for name in self._git.references:
            walker.hide(self._git.references[name].peel(pygit2.Commit).id)
        return iter(walker)

    def _changed(self, root: pygit2.Tree, parents: list[pygit2.Tree]) -> Iterator[NewFile]:
        pending = [("", root, parents)]
        while pending:  # not by recursion: how deep folders go is up to the client
            prefix, tree, before = pending.pop()
            if (prefix, tree.id) in self._seen:
                continue
            self._seen.add((prefix, tree.id))
            for entry in tree:
                path = prefix + _name(entry, prefix)
                known = [found for parent in before if (found := _child(parent, entry)) is not None]
                if any(found.id == entry.id for found in known):
                    continue
                if isinstance(entry, pygit2.Tree):
                    folders = [found for found in known if isinstance(found, pygit2.Tree)]
                    pending.append((path + "/", entry, folders))
                else:
                    yield self._describe(path, entry)

    def _describe(self, path: str, entry: pygit2.Object) -> NewFile:
        if entry.type != ObjectType.BLOB:  # another repo's commit, as a submodule has it: nothing to read
            return NewFile(path, 0, None)
        size = self._git.odb.read_header(entry.id)[1]
        large = parse_pointer(self._git[entry.id].read_raw()) if size <= MAX_POINTER_BYTES else None
        return NewFile(path, size, large)


def _name(entry: pygit2.Object, prefix: str) -> str:
    raw = entry.raw_name or b""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise InvalidPath(prefix + raw.decode(errors="replace")) from None


def _child(tree: pygit2.Tree, entry: pygit2.Object) -> pygit2.Object | None:
    try:
        return tree[str(entry.name)]
    except KeyError:
        return None

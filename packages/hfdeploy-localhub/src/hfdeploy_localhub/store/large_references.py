"""Where a repo's commits name large files, and how to make them name some no more."""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pygit2
from pygit2.enums import ObjectType, SortMode

from hfdeploy_localhub.model import LargeFile
from hfdeploy_localhub.store.pointers import MAX_POINTER_BYTES, parse_pointer

_MAIN = "refs/heads/main"
_HISTORIES = ("refs/heads/", "refs/pr/", "refs/tags/", "refs/convert/")


@dataclass(frozen=True, slots=True)
class Reference:
    """The first commit that brought a large file, seen from one ref that leads to it."""

    path: str
    ref: str
    pushed_at: datetime
    file: LargeFile


class LargeReferences:
    """The pointers in all commits of one repo. Not to be shared between threads."""

    def __init__(self, folder: Path) -> None:
        self._git = pygit2.Repository(str(folder))
        self._pointers = dict[pygit2.Oid, LargeFile | None]()

    def find(self) -> dict[str, Reference]:
        """sha256 -> its reference: main's before those of other refs, old commits before new ones."""
        found = dict[str, Reference]()
        seen = set[pygit2.Oid]()
        for ref in self._refs():
            for commit in self._commits([ref]):
                date = datetime.fromtimestamp(commit.commit_time, UTC)
                for path, file in self._walk(commit.tree, "", seen):
                    found.setdefault(file.sha256, Reference(path, ref, date, file))
        return found

    def drop(self, sha256s: Set[str]) -> dict[str, str]:
        """Writes the history of all refs anew without pointers to these files; the caller holds the lock.

        Commits without any keep their id. Returns the refs that moved: name -> new commit.
        """
        trees = dict[pygit2.Oid, pygit2.Oid | None]()
        commits = dict[pygit2.Oid, pygit2.Oid]()
        for commit in self._commits(self._refs()):
            commits[commit.id] = self._rewrite(commit, commits, trees, sha256s)
        moved = dict[str, str]()
        for ref in self._refs():
            old = self._git.references[ref].peel(pygit2.Commit).id
            if commits[old] != old:
                self._move(ref, commits[old])
                moved[ref] = str(commits[old])
        return moved

    def _refs(self) -> list[str]:
        """main first."""
        names = [name for name in self._git.references if name.startswith(_HISTORIES)]
        return sorted(names, key=lambda name: (name != _MAIN, name))

    def _commits(self, refs: list[str]) -> Iterator[pygit2.Commit]:
        """All commits that the refs lead to, parents before their children."""
        walker = self._git.walk(None, SortMode.TOPOLOGICAL | SortMode.REVERSE)
        for ref in refs:
            walker.push(self._git.references[ref].peel(pygit2.Commit).id)
        return iter(walker)

    def _walk(self, tree: pygit2.Tree, prefix: str, seen: set[pygit2.Oid]) -> Iterator[tuple[str, LargeFile]]:
        """The pointers below a folder that were not met before: equal folders are read once."""
        if tree.id in seen:
            return
        seen.add(tree.id)
        for child in tree:
            path = f"{prefix}{child.name}"
            if isinstance(child, pygit2.Tree):
                yield from self._walk(child, f"{path}/", seen)
            elif file := self._pointer(child):
                yield path, file

    def _pointer(self, entry: pygit2.Object) -> LargeFile | None:
        if entry.type != ObjectType.BLOB:
            return None
        if entry.id not in self._pointers:
            small = self._git.odb.read_header(entry.id)[1] <= MAX_POINTER_BYTES
            self._pointers[entry.id] = parse_pointer(self._git[entry.id].read_raw()) if small else None
        return self._pointers[entry.id]

    def _rewrite(
        self,
        commit: pygit2.Commit,
        commits: dict[pygit2.Oid, pygit2.Oid],
        trees: dict[pygit2.Oid, pygit2.Oid | None],
        sha256s: Set[str],
    ) -> pygit2.Oid:
        parents = [commits[parent] for parent in commit.parent_ids]
        tree = self._filter(commit.tree, trees, sha256s) or self._git.TreeBuilder().write()
        if tree == commit.tree_id and parents == list(commit.parent_ids):
            return commit.id
        return self._git.create_commit(None, commit.author, commit.committer, commit.message, tree, parents)

    def _filter(
        self, tree: pygit2.Tree, trees: dict[pygit2.Oid, pygit2.Oid | None], sha256s: Set[str]
    ) -> pygit2.Oid | None:
        """The tree without these files, or None if nothing is left in it."""
        if tree.id not in trees:
            builder = self._git.TreeBuilder(tree)
            for child in tree:
                name = str(child.name)
                if isinstance(child, pygit2.Tree):
                    below = self._filter(child, trees, sha256s)
                    if below is None:
                        builder.remove(name)
                    elif below != child.id:
                        builder.insert(name, below, child.filemode)
                elif (file := self._pointer(child)) and file.sha256 in sha256s:
                    builder.remove(name)
            trees[tree.id] = builder.write() if len(builder) else None
        return trees[tree.id]

    def _move(self, ref: str, commit: pygit2.Oid) -> None:
        """An annotated tag is made anew: it names its commit within."""
        target = self._git[self._git.references[ref].target]
        new = commit
        if isinstance(target, pygit2.Tag) and target.name and target.tagger:
            text = f"object {commit}\ntype commit\ntag {target.name}\ntagger {_sign(target.tagger)}\n\n"
            new = self._git.write(ObjectType.TAG, text.encode() + (target.message or "").encode())
        self._git.references.create(ref, new, force=True)


def _sign(tagger: pygit2.Signature) -> str:
    sign, minutes = "-" if tagger.offset < 0 else "+", abs(tagger.offset)
    zone = f"{sign}{minutes // 60:02}{minutes % 60:02}"
    return f"{tagger.name} <{tagger.email}> {tagger.time} {zone}"

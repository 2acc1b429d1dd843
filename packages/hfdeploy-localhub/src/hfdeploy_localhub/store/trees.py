"""Changing a git tree by paths: the one place that knows how nested trees are rebuilt."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pygit2
from pygit2.enums import FileMode

_EXECUTABLE = FileMode.BLOB_EXECUTABLE


@dataclass(slots=True)
class _Folder:
    """Changes below one folder: direct children to set or drop, and folders with changes of their own."""

    files: dict[str, pygit2.Oid | None] = field(default_factory=dict)
    folders: dict[str, "_Folder"] = field(default_factory=dict)


def change_tree(
    repository: pygit2.Repository, base: pygit2.Tree | None, changes: Mapping[str, pygit2.Oid | None]
) -> pygit2.Oid:
    """The tree that ``base`` becomes when each path gets its blob, or goes away where that is None.

    A path that is a folder goes away with all it holds. Folders left empty vanish, as git has none.
    Executable files stay executable.
    """
    root = _group(changes.items())
    changed = _rebuild(repository, base, root)
    return changed if changed is not None else repository.TreeBuilder().write()


def _group(changes: Iterable[tuple[str, pygit2.Oid | None]]) -> _Folder:
    root = _Folder()
    for path, blob in changes:
        *parents, name = path.split("/")
        folder = root
        for parent in parents:
            folder = folder.folders.setdefault(parent, _Folder())
        folder.files[name] = blob
    return root


def _rebuild(repository: pygit2.Repository, base: pygit2.Tree | None, folder: _Folder) -> pygit2.Oid | None:
    """The folder's new tree, or None if nothing is left in it."""
    builder = repository.TreeBuilder(base) if base is not None else repository.TreeBuilder()
    for name, blob in folder.files.items():
        present = builder.get(name)
        if blob is not None:
            executable = present is not None and present.filemode == _EXECUTABLE
            builder.insert(name, blob, _EXECUTABLE if executable else FileMode.BLOB)
        elif present is not None:
            builder.remove(name)
    for name, below in folder.folders.items():
        present = builder.get(name)
        changed = _rebuild(repository, present if isinstance(present, pygit2.Tree) else None, below)
        if changed is not None:
            builder.insert(name, changed, FileMode.TREE)
        elif isinstance(present, pygit2.Tree):  # a file that took the emptied folder's name stays
            builder.remove(name)
    return builder.write() if len(builder) else None

"""What a hub is, said with dictionaries. It knows no git: commit ids are taken over from the hub."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MAIN = "refs/heads/main"
Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Commit:
    files: Files
    title: str
    parents: tuple[str, ...] = ()


@dataclass
class PullRequest:
    title: str
    status: str
    author: str


@dataclass
class Repo:
    type: str
    id: str
    private: bool = False
    gated: str | bool = False
    commits: dict[str, Commit] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    pulls: list[PullRequest] = field(default_factory=list)
    old_ids: list[str] = field(default_factory=list)

    def resolve(self, revision: str) -> str | None:
        """The commit that a name or an id stands for: branches go before tags."""
        for ref in (revision, f"refs/heads/{revision}", f"refs/tags/{revision}"):
            if ref in self.refs:
                return self.refs[ref]
        return revision if revision in self.commits else None

    def files(self, revision: str) -> Files:
        commit = self.resolve(revision)
        assert commit is not None
        return self.commits[commit].files

    def history(self, ref: str) -> set[str]:
        """The commit that a ref names, and all before it."""
        found, left = set[str](), [self.refs[ref]]
        while left:
            commit = left.pop()
            if commit not in found:
                found.add(commit)
                left += self.commits[commit].parents
        return found

    def add(self, ref: str, oid: str, commit: Commit) -> None:
        self.commits[oid] = commit
        self.refs[ref] = oid


def change(files: Files, changes: Mapping[str, bytes | None]) -> dict[str, bytes]:
    """The files after a commit: a path gets its content, or goes away with all below it."""
    after = dict(files)
    for path, content in changes.items():
        for other in list(after):
            if other == path or other.startswith(f"{path}/") or path.startswith(f"{other}/"):
                del after[other]
        if content is not None:
            after[path] = content
    return after


def holds(files: Files, path: str) -> bool:
    """Whether there is a file or a folder at that path."""
    return any(other == path or other.startswith(f"{path}/") for other in files)


def folders(files: Files) -> set[str]:
    return {path[:at] for path in files for at in range(len(path)) if path[at] == "/"}


def merge(base: Files, ours: Files, theirs: Files) -> dict[str, bytes] | None:
    """Three trees become one, or None where both sides changed a path in ways of their own.

    Only for paths of which none is a folder of another, and contents that git cannot merge by lines.
    """
    merged = {}
    for path in {*base, *ours, *theirs}:
        was, mine, other = base.get(path), ours.get(path), theirs.get(path)
        if mine != other and was not in (mine, other):
            return None
        content = other if mine == was else mine
        if content is not None:
            merged[path] = content
    return merged

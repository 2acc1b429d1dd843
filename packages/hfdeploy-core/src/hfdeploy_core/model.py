"""The values everything else speaks in: frozen, comparable, without behaviour that touches the world."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class RepoType(StrEnum):
    """What kind of repo: each kind has its own namespace of names on the Hub."""

    MODEL = "model"
    DATASET = "dataset"
    SPACE = "space"


class Visibility(StrEnum):
    """Who sees a repo; `protected` (private source, public app) exists for Spaces only."""

    PUBLIC = "public"
    PRIVATE = "private"
    PROTECTED = "protected"


class Sdk(StrEnum):
    """What runs a Space."""

    GRADIO = "gradio"
    STREAMLIT = "streamlit"
    DOCKER = "docker"
    STATIC = "static"


@dataclass(frozen=True, slots=True)
class RepoRef:
    """One repo on the Hub."""

    type: RepoType
    namespace: str
    name: str

    @property
    def id(self) -> str:
        """`namespace/name`, as the Hub writes it."""
        return f"{self.namespace}/{self.name}"

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


@dataclass(frozen=True, slots=True)
class Source:
    """What to deploy, as it was named: a relative `path` is read from the working directory."""

    path: str


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a source.

    `path` is relative to the root, with `/`; `blob_id` is git's own object id of the content (SHA-1 over
    git's blob header and the bytes) and `sha256` that of the bare bytes: the Hub names regular files by the
    first and large ones by the second. `sha256` is None where git knew the blob and nobody read the file.
    """

    path: str
    size_bytes: int
    blob_id: str
    sha256: str | None
    modified_ns: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A path that was found and left out, and the reason in a few words."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Card:
    """The README.md of a source: its text, and what its YAML front matter says that matters here."""

    text: str
    has_front_matter: bool
    sdk: str | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was found in a source, in order of path."""

    root: Path
    entries: tuple[FileEntry, ...]
    skipped: tuple[Skipped, ...] = ()
    card: Card | None = None

    @property
    def size_bytes(self) -> int:
        """Bytes of all files together."""
        return sum(entry.size_bytes for entry in self.entries)


@dataclass(frozen=True, slots=True)
class Target:
    """A repo with the settings it should have; `None` leaves a setting of an existing repo as it is.

    `mirror` asks that files which the source lacks be deleted.
    """

    repo: RepoRef
    title: str
    description: str = ""
    sdk: Sdk | None = None
    visibility: Visibility | None = None
    mirror: bool = False


@dataclass(frozen=True, slots=True)
class Membership:
    """An organization that an account belongs to; `role` is the Hub's word (`admin`, `write`, `read`...)."""

    namespace: str
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """Who a token speaks for. `role` is the Hub's word for the token: `write`, `read` or `fineGrained`."""

    name: str
    role: str | None = None
    memberships: tuple[Membership, ...] = ()


@dataclass(frozen=True, slots=True)
class RepoInfo:
    """What the Hub says of an existing repo. `repo` is its name as the Hub spells it now (repos move)."""

    repo: RepoRef
    url: str
    head: str
    visibility: Visibility
    sdk: str | None = None
    app_url: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file of a repo; `sha256` is there for large (LFS, xet) files, whose `blob_id` is a pointer's."""

    path: str
    size_bytes: int
    blob_id: str
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Remote:
    """What the Hub holds now, at `info.head`.

    `is_exact` says that `files` are all that it holds beside what the Hub put there itself.
    """

    info: RepoInfo
    files: tuple[RemoteFile, ...]
    is_exact: bool = True


@dataclass(frozen=True, slots=True)
class CommitInfo:
    """One commit in a repo's history; `message` is what follows the title."""

    id: str
    title: str
    message: str


@dataclass(frozen=True, slots=True)
class Head:
    """A repo and its latest commit; None where that moved while both were read."""

    info: RepoInfo
    commit: CommitInfo | None


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a source comes from, as far as it is known: its repository, its commit, the CI run's URL."""

    source: str | None = None
    commit: str | None = None
    run: str | None = None


@dataclass(frozen=True, slots=True)
class CreateRepo:
    """Make the repo; `None` takes the namespace's default visibility."""

    visibility: Visibility | None
    sdk: Sdk | None


@dataclass(frozen=True, slots=True)
class SetVisibility:
    """Change who sees the repo."""

    visibility: Visibility


@dataclass(frozen=True, slots=True)
class PutFile:
    """Add a file, or replace the one that is there."""

    entry: FileEntry
    replaces: bool


@dataclass(frozen=True, slots=True)
class CommitFiles:
    """Change files, all in one commit: deletions first, then additions and replacements."""

    puts: tuple[PutFile, ...]
    deletions: tuple[str, ...]
    title: str
    description: str = ""


Change = CreateRepo | SetVisibility | CommitFiles


@dataclass(frozen=True, slots=True)
class Plan:
    """The ordered changes that lead from remote to target.

    `base` is the commit that the plan was made against, `None` where the plan creates the repo. `content` is
    the digest of all that the source holds; `is_exact` says that the repo will hold nothing else, beside what
    the Hub puts there itself. `source` is where the contents are read once more when the plan is applied.
    """

    repo: RepoRef
    base: str | None
    changes: tuple[Change, ...]
    unchanged_files: int = 0
    content: str = ""
    is_exact: bool = False
    source: Source = Source("")

    @property
    def creates(self) -> bool:
        """Whether the repo has to be made."""
        return any(isinstance(change, CreateRepo) for change in self.changes)

    @property
    def puts(self) -> tuple[PutFile, ...]:
        """Every file that is added or replaced."""
        return tuple(put for change in self.changes if isinstance(change, CommitFiles) for put in change.puts)

    @property
    def bytes_to_send(self) -> int:
        """Bytes of all files that are added or replaced: an upper bound, the Hub may have some of them."""
        return sum(put.entry.size_bytes for put in self.puts)

    @property
    def deletions(self) -> tuple[str, ...]:
        """Every path that is deleted."""
        commits = (change for change in self.changes if isinstance(change, CommitFiles))
        return tuple(path for commit in commits for path in commit.deletions)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a deploy led to: names as the GitHub Action's outputs have them.

    `commit` is the repo's head that holds the source: the new commit, or the current head where nothing had
    to change. `space_url` is where the app answers, for Spaces only.
    """

    repo_id: str
    repo_type: RepoType
    repo_url: str
    commit: str
    space_url: str | None = None
    proxy_enabled: bool = False
    proxy_repo_id: str | None = None
    proxy_url: str | None = None
    changed: bool = False
    created: bool = False
    files_added: int = 0
    files_updated: int = 0
    files_deleted: int = 0
    files_unchanged: int = 0
    elapsed_seconds: float = 0.0

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


class Gated(StrEnum):
    """Whether readers must ask for access, and who grants it: nobody has to, the Hub does, the owner does."""

    NONE = "none"
    AUTO = "auto"
    MANUAL = "manual"


class VolumeType(StrEnum):
    """What can be asked to be mounted into a Space."""

    BUCKET = "bucket"
    MODEL = "model"
    DATASET = "dataset"
    SPACE = "space"


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
    """What to deploy, as it was named: a relative `path` is read from the working directory.

    With `rev` it is not the folder's files that are deployed, but what git holds of it at that revision. The
    next are patterns as in a .gitignore: `include` adds what ignore files leave out, `exclude` leaves
    out more, and `allow_secrets` consents to files that look as if they held secrets. What `card_file` or
    `front_matter` says, in YAML, is laid over its README.md, and its card gets the `tags`, too; without a
    README.md it is made for them, of the `sdk`.
    """

    path: str
    rev: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    allow_secrets: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    card_file: str | None = None
    front_matter: str | None = None
    sdk: Sdk | None = None


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a source.

    `path` is relative to the root, with `/`; `blob_id` is git's own object id of the content (SHA-1 over
    git's blob header and the bytes) and `sha256` that of the bare bytes: the Hub names regular files by the
    first and large ones by the second. `sha256` is None where git knew the blob and nobody read the file.
    `location` is where the bytes are, if not below the source's root.
    """

    path: str
    size_bytes: int
    blob_id: str
    sha256: str | None
    modified_ns: int = field(default=0, compare=False)
    location: str = field(default="", compare=False)

    def locate(self, root: Path) -> Path:
        """Where the content lies: in the source's root, but for what has a `location` of its own."""
        return Path(self.location) if self.location else root / self.path


@dataclass(frozen=True, slots=True)
class Skipped:
    """A path that was left out for what it is called, and the reason in a few words."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class CardField:
    """One line of a front matter: `value` as YAML reads it, `written` as it stands there, "" for a list."""

    name: str
    value: object
    written: str
    line: int


@dataclass(frozen=True, slots=True)
class Card:
    """The README.md of a source: its text, and what its YAML front matter says."""

    text: str
    has_front_matter: bool
    sdk: str | None
    fields: tuple[CardField, ...] = ()

    def find(self, name: str) -> CardField | None:
        """The field of that name."""
        return next((field for field in self.fields if field.name == name), None)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was found in a source, in order of path. `ignored` is what was left out by patterns."""

    root: Path
    entries: tuple[FileEntry, ...]
    skipped: tuple[Skipped, ...] = ()
    card: Card | None = None
    ignored: tuple[str, ...] = ()

    @property
    def size_bytes(self) -> int:
        """Bytes of all files together."""
        return sum(entry.size_bytes for entry in self.entries)


@dataclass(frozen=True, slots=True)
class Volume:
    """A repo or bucket that a Space finds below `mount_path`; `path` is the folder of it that is mounted.

    `type` is the Hub's word, one that this version does not know too.
    """

    type: str
    source: str
    mount_path: str
    revision: str | None = None
    read_only: bool = True
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a Space's environment, for everybody to see."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Marker:
    """What shows that a Space is ours to change, and of which repo `value` tells: a variable that it has from
    its making on, and a file (empty: none) once it holds anything.
    """

    name: str
    value: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class HeldSecret:
    """A secret of a Space as the Hub tells it: never the value. `updated_at` is the Hub's word."""

    name: str
    updated_at: str | None = None


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a Space can run on, and what an hour of it costs in millionths of a dollar, if that is known."""

    name: str
    hourly_micro_usd: int | None = None


@dataclass(frozen=True, slots=True)
class MaxDelete:
    """How many remote files may be deleted: so many, or such a part of all, whichever is more."""

    files: int = 100
    percent: int = 50


@dataclass(frozen=True, slots=True)
class Target:
    """A repo with the settings it should have; `None` leaves a setting of an existing repo as it is.

    `mirror` asks that files which the source lacks be deleted, but for those that a pattern of `keep`
    matches, and no more than `max_delete`; `allow_partial` allows more than one commit
    where the Hub does not take all in one. `variables` and `secrets` (names: the values are nobody's to
    keep) are those that should be there, `removed_variables` and `removed_secrets` names that should not;
    others stay. A Space with a `marker` is only changed where it is
    there; `upstream` is the Space whose address it gets once that is there.
    """

    repo: RepoRef
    title: str
    description: str = ""
    sdk: Sdk | None = None
    visibility: Visibility | None = None
    mirror: bool = False
    allow_partial: bool = False
    gated: Gated | None = None
    hardware: str | None = None
    sleep_seconds: int | None = None
    volumes: tuple[Volume, ...] | None = None
    variables: tuple[Variable, ...] = ()
    secrets: tuple[str, ...] = ()
    max_delete: MaxDelete = MaxDelete()
    keep: tuple[str, ...] = ()
    marker: Marker | None = None
    upstream: RepoRef | None = None
    removed_variables: tuple[str, ...] = ()
    removed_secrets: tuple[str, ...] = ()

    @property
    def names_environment(self) -> bool:
        """Whether variables or secrets are asked for, to be there or not."""
        return bool(self.variables or self.secrets or self.removed_variables or self.removed_secrets)


@dataclass(frozen=True, slots=True)
class Membership:
    """An organization that an account belongs to; `role` is the Hub's word (`admin`, `write`, `read`...)."""

    namespace: str
    role: str | None = None
    is_enterprise: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """Who a token speaks for. `role` is the Hub's word for the token: `write`, `read` or `fineGrained`; of
    the last, `permissions` are the Hub's words for what it may do.
    """

    name: str
    role: str | None = None
    memberships: tuple[Membership, ...] = ()
    permissions: tuple[str, ...] = ()
    is_pro: bool = False


@dataclass(frozen=True, slots=True)
class RepoInfo:
    """What the Hub says of an existing repo. `repo` is its name as the Hub spells it now (repos move).

    `hardware` is what was asked for last, None where nothing is rented; so is `sleep_seconds`, after which
    an idle Space sleeps. `hub_id` is the Hub's own: a repo of the same name that is made again has another.
    """

    repo: RepoRef
    url: str
    head: str
    visibility: Visibility
    sdk: str | None = None
    app_url: str | None = None
    gated: Gated = Gated.NONE
    hardware: str | None = None
    sleep_seconds: int | None = None
    volumes: tuple[Volume, ...] = ()
    hub_id: str = ""


@dataclass(frozen=True, slots=True)
class ListedSpace:
    """A Space as the Hub lists it, with the tags of its card."""

    repo: RepoRef
    tags: tuple[str, ...] = ()


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

    `is_exact` says that `files` are all that it holds beside what the Hub put there itself. `variables` and
    `secrets` are there if they were asked about.
    """

    info: RepoInfo
    files: tuple[RemoteFile, ...]
    is_exact: bool = True
    variables: tuple[Variable, ...] = ()
    secrets: tuple[HeldSecret, ...] = ()


@dataclass(frozen=True, slots=True)
class HeldSettings:
    """The settings of a repo when a plan was made, whether it changes them or not.

    Of the variables, those that were asked for.
    """

    visibility: Visibility
    gated: Gated
    hardware: str | None = None
    sleep_seconds: int | None = None
    volumes: tuple[Volume, ...] = ()
    variables: tuple[Variable, ...] = ()


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
    """Make the repo; `None` takes the namespace's default visibility. It has the `marker` from the start."""

    visibility: Visibility | None
    sdk: Sdk | None
    marker: Marker | None = None


@dataclass(frozen=True, slots=True)
class SetVisibility:
    """Change who sees the repo. `before` is, here and below, what the plan was made against."""

    visibility: Visibility
    before: Visibility


@dataclass(frozen=True, slots=True)
class SetGated:
    """Change whether readers must ask."""

    gated: Gated
    before: Gated


@dataclass(frozen=True, slots=True)
class SetHardware:
    """Change what a Space runs on; `hourly_micro_usd` is how much more an hour costs, if that is known."""

    hardware: str
    before: str | None
    hourly_micro_usd: int | None = None


@dataclass(frozen=True, slots=True)
class SetSleep:
    """Change after how many seconds an idle Space sleeps; -1 is never."""

    sleep_seconds: int
    before: int | None


@dataclass(frozen=True, slots=True)
class SetVolumes:
    """Change what is mounted into a Space, as a whole."""

    volumes: tuple[Volume, ...]
    before: tuple[Volume, ...]


@dataclass(frozen=True, slots=True)
class SetVariable:
    """Add or change one variable of a Space."""

    name: str
    value: str
    before: str | None


@dataclass(frozen=True, slots=True)
class SetUpstream:
    """Point a relay at a Space, at the address that the Hub gives it: known once it is there."""

    upstream: RepoRef
    before: str | None


@dataclass(frozen=True, slots=True)
class SetSecret:
    """Send one secret to a Space. `updated_at` is what the Hub tells of the one that it `replaces`."""

    name: str
    replaces: bool
    updated_at: str | None = None


@dataclass(frozen=True, slots=True)
class RemoveVariable:
    """Take one variable from a Space."""

    name: str
    before: str


@dataclass(frozen=True, slots=True)
class RemoveSecret:
    """Take one secret from a Space: nobody can tell its value again. `updated_at` as for SetSecret."""

    name: str
    updated_at: str | None = None


@dataclass(frozen=True, slots=True)
class PutFile:
    """Add a file, or replace the one that is there."""

    entry: FileEntry
    replaces: bool


@dataclass(frozen=True, slots=True)
class CommitFiles:
    """Change files, all in one commit: deletions first, then additions and replacements.

    `sdk` is what README.md among them makes the Space run with, where that is another than `sdk_before`.
    """

    puts: tuple[PutFile, ...]
    deletions: tuple[str, ...]
    title: str
    description: str = ""
    sdk: Sdk | None = None
    sdk_before: str | None = None


Setting = (
    SetVisibility
    | SetGated
    | SetHardware
    | SetSleep
    | SetVolumes
    | SetVariable
    | SetUpstream
    | SetSecret
    | RemoveVariable
    | RemoveSecret
)
Change = CreateRepo | Setting | CommitFiles


@dataclass(frozen=True, slots=True)
class Plan:
    """The ordered changes that lead from remote to target.

    `base` is the commit that the plan was made against, `None` where the plan creates the repo. `content` is
    the digest of all that the source holds; `is_exact` says that the repo will hold nothing else, beside what
    the Hub puts there itself. `source` is where the contents are read once more when the plan is applied, and
    `held` what an existing repo was set to. `most_deletions` is how many files it may delete, None for any.
    `restores` is the earlier commit whose files these are, where they come from the Hub itself and from no
    source; it is one of `origin`, where that is another repo, and `card` is what README.md says instead of
    what it says there. `relay` is what is made of the Space in front of it.
    """

    repo: RepoRef
    base: str | None
    changes: tuple[Change, ...]
    unchanged_files: int = 0
    content: str = ""
    is_exact: bool = False
    source: Source = Source("")
    allows_partial: bool = False
    held: HeldSettings | None = None
    most_deletions: int | None = None
    restores: str | None = None
    origin: RepoRef | None = None
    card: str | None = None
    relay: "RelayPlan | None" = None

    @property
    def creates(self) -> bool:
        """Whether the repo has to be made."""
        return any(isinstance(change, CreateRepo) for change in self.changes)

    @property
    def settings(self) -> tuple[Setting, ...]:
        """Every setting that is changed."""
        return tuple(change for change in self.changes if isinstance(change, Setting))

    @property
    def puts(self) -> tuple[PutFile, ...]:
        """Every file that is added or replaced."""
        return tuple(put for change in self.changes if isinstance(change, CommitFiles) for put in change.puts)

    @property
    def bytes_to_send(self) -> int:
        """Bytes of all files that are added or replaced: an upper bound, the Hub may have some of them.

        Large files that are restored it has.
        """
        is_held = self.restores is not None
        return sum(put.entry.size_bytes for put in self.puts if not (is_held and put.entry.sha256))

    @property
    def deletions(self) -> tuple[str, ...]:
        """Every path that is deleted."""
        commits = (change for change in self.changes if isinstance(change, CommitFiles))
        return tuple(path for commit in commits for path in commit.deletions)


@dataclass(frozen=True, slots=True)
class RelayPlan:
    """The plan of the relay in front of a Space. `token_name` says where its token is found; empty: it gets
    the one that deploys. `is_strict` refuses a token that may write.
    """

    plan: Plan
    token_name: str = ""
    is_strict: bool = False


@dataclass(frozen=True, slots=True)
class Doomed:
    """A repo that is to be deleted, as it was when it was listed."""

    repo: RepoRef
    hub_id: str
    url: str


@dataclass(frozen=True, slots=True)
class Destruction:
    """All that is to be deleted, in this order."""

    repos: tuple[Doomed, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a deploy led to: names as the GitHub Action's outputs have them.

    `commit` is the repo's head that holds the source: the new commit, or the current head where nothing had
    to change. `plan_digest` names the plan that was carried out. `space_url` is where the app answers, for
    Spaces only; what begins with `proxy_` is empty where there is no relay.
    """

    repo_id: str
    repo_type: RepoType
    repo_url: str
    commit: str
    space_url: str | None = None
    plan_digest: str = ""
    proxy_enabled: bool = False
    proxy_repo_id: str = ""
    proxy_url: str = ""
    changed: bool = False
    created: bool = False
    files_added: int = 0
    files_updated: int = 0
    files_deleted: int = 0
    files_unchanged: int = 0
    elapsed_seconds: float = 0.0

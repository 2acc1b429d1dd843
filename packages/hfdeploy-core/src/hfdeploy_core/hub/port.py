"""What the rest of this package asks of the Hub; `hub.client` and `testing.FakeHub` answer it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from hfdeploy_core.model import (
    Account,
    CommitInfo,
    FileEntry,
    Gated,
    Hardware,
    Head,
    HeldSecret,
    ListedSpace,
    RemoteFile,
    RepoInfo,
    RepoRef,
    RepoType,
    Sdk,
    Variable,
    Visibility,
    Volume,
)
from hfdeploy_core.space import AppReply, LogKind, LogLine, Runtime


@dataclass(frozen=True, slots=True)
class Staged:
    """Files whose contents the Hub has, or will be sent in the commit.

    `uploads` belongs to the adapter that made it. `ignored` are paths that the Hub leaves out because of the
    repo's .gitignore.
    """

    uploads: tuple[object, ...]
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Connection:
    """How the Hub answers. `ahead_seconds` is how much later it is here than there, where that is told; of
    `requests_most` requests `requests_left` may still be made.
    """

    endpoint: str
    latency_seconds: float
    ahead_seconds: float | None = None
    requests_left: int | None = None
    requests_most: int | None = None


class Hub(Protocol):
    """The Hub, as one account sees it.

    Every method may raise an AccessError or a HubError. All can be repeated safely but `commit`, which
    raises AnswerLost where it cannot tell whether the commit was made.
    """

    def whoami(self) -> Account:
        """Who the token speaks for. Raises TokenMissing or TokenRejected."""
        ...

    def lend_token(self) -> str:
        """The token itself, for a Space to keep. Raises SettingInvalid for one that lasts an hour only."""
        ...

    def speak_as(self, token: str) -> AbstractContextManager["Hub"]:
        """The same Hub, as the account of another token sees it."""
        ...

    def check_connection(self) -> Connection:
        """Ask for an answer, whatever it is, without a token."""
        ...

    def find_repo(self, repo: RepoRef) -> RepoInfo | None:
        """The repo as it is now, or None where there is none that this account can see."""
        ...

    def list_spaces(self, namespace: str) -> tuple[ListedSpace, ...]:
        """Every Space of a namespace that this account can see."""
        ...

    def find_head(self, repo: RepoRef) -> Head | None:
        """`find_repo` together with its latest commit."""
        ...

    def list_files(self, repo: RepoRef, revision: str) -> tuple[RemoteFile, ...]:
        """Every file at that commit, folders not among them."""
        ...

    def read_file(self, repo: RepoRef, revision: str, path: str) -> bytes:
        """What a file holds at that commit, all of it."""
        ...

    def check_write(self, repo: RepoRef) -> None:
        """Raise PermissionRefused where this account may not write to an existing repo."""
        ...

    def check_card(self, repo_type: RepoType, text: str) -> tuple[str, ...]:
        """Have a README.md judged: the Hub's warnings. Raises CardInvalid where it would refuse a commit."""
        ...

    def create_repo(
        self,
        repo: RepoRef,
        visibility: Visibility | None,
        sdk: Sdk | None,
        variables: Sequence[Variable] = (),
    ) -> None:
        """Make the repo, a Space with these variables; one that exists is left as it is."""
        ...

    def delete_repo(self, repo: RepoRef) -> None:
        """Delete the repo for good, whichever has this name; one that is gone is left at that."""
        ...

    def set_visibility(self, repo: RepoRef, visibility: Visibility) -> None:
        """Change who sees an existing repo."""
        ...

    def set_gated(self, repo: RepoRef, gated: Gated) -> None:
        """Change whether readers must ask."""
        ...

    def set_hardware(self, repo: RepoRef, hardware: str) -> None:
        """Change what a Space runs on. Raises PaymentRequired."""
        ...

    def set_sleep(self, repo: RepoRef, sleep_seconds: int) -> None:
        """Change after how many seconds an idle Space sleeps; -1 is never."""
        ...

    def set_volumes(self, repo: RepoRef, volumes: Sequence[Volume]) -> None:
        """Change all that is mounted into a Space."""
        ...

    def set_variable(self, repo: RepoRef, name: str, value: str) -> None:
        """Add or change one variable of a Space."""
        ...

    def set_secret(self, repo: RepoRef, name: str, value: str) -> None:
        """Add or change one secret of a Space."""
        ...

    def remove_variable(self, repo: RepoRef, name: str) -> None:
        """Take one variable from a Space, if it is there."""
        ...

    def remove_secret(self, repo: RepoRef, name: str) -> None:
        """Take one secret from a Space, if it is there."""
        ...

    def list_variables(self, repo: RepoRef) -> tuple[Variable, ...]:
        """The variables of a Space."""
        ...

    def list_secrets(self, repo: RepoRef) -> tuple[HeldSecret, ...]:
        """The secrets of a Space, without their values."""
        ...

    def list_hardware(self) -> tuple[Hardware, ...]:
        """What Spaces can run on, and what it costs."""
        ...

    def stage(
        self, repo: RepoRef, root: Path, entries: Sequence[FileEntry], on_bytes: Callable[[int], None]
    ) -> Staged:
        """Store the contents of large files, invisibly; `on_bytes` hears how many bytes are done so far."""
        ...

    def recall(
        self,
        repo: RepoRef,
        revision: str,
        entries: Sequence[FileEntry],
        on_bytes: Callable[[int], None],
        *,
        origin: RepoRef | None = None,
        given: Mapping[str, bytes] = MappingProxyType({}),
    ) -> Staged:
        """Files as they were at an earlier commit, for another one: large ones stay where they are.

        With an `origin` it is a commit of that repo, which shares its large files with this one. What is
        `given`, by path, is taken as it is.
        """
        ...

    def commit(
        self,
        repo: RepoRef,
        staged: Staged,
        deletions: Sequence[str],
        *,
        parent: str,
        title: str,
        description: str,
    ) -> str:
        """Make one commit on top of `parent` and return its id. Raises Conflict where the head is another."""
        ...

    def recent_commits(self, repo: RepoRef, revision: str = "main") -> tuple[CommitInfo, ...]:
        """The latest commits, newest first: one page of them. Raises RevisionMissing."""
        ...

    def find_runtime(self, repo: RepoRef) -> Runtime:
        """What a Space is doing. Raises RepoNotFound."""
        ...

    def open_log(
        self, repo: RepoRef, kind: LogKind, *, tail: int | None = None, quiet_seconds: float
    ) -> AbstractContextManager[Iterator[LogLine]]:
        """A Space's log, or its last `tail` lines, and then what is added to it.

        It ends with the log, after `quiet_seconds` without a line, or when it is left, by whichever thread.
        """
        ...

    def restart_space(self, repo: RepoRef) -> Runtime:
        """Start a Space anew, whatever it was doing."""
        ...

    def pause_space(self, repo: RepoRef) -> Runtime:
        """Stop a Space until its owner starts it."""
        ...

    def visit_app(
        self, url: str, path: str, *, quiet_seconds: float, is_websocket: bool = False, is_open: bool = False
    ) -> AppReply | None:
        """What the app of a Space answers; None if nothing comes. The token is shown unless it `is_open`."""
        ...

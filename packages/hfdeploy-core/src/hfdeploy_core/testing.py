"""For tests of code that deploys: a Hub in memory and a clock that does not wait. Public, and kept stable."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import cast

from hfdeploy_core.errors import (
    Conflict,
    DeployError,
    PermissionRefused,
    RepoNotFound,
    RevisionMissing,
    TokenRejected,
)
from hfdeploy_core.hub.port import Connection, Staged
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

_ids = count(1)


@dataclass
class FakeClock:
    """Moves only when somebody sleeps; `naps` lists every sleep in seconds."""

    start: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    naps: list[float] = field(default_factory=list)

    def seconds(self) -> float:
        return sum(self.naps)

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.seconds())

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)


@dataclass
class FakeCommit:
    """One commit of a FakeRepo, with the whole tree after it."""

    id: str
    title: str
    message: str
    files: dict[str, bytes]


@dataclass
class FakeRepo:
    """A repo in memory: its commits oldest first, and its settings. A secret's second half is its version. A
    Space is in one of `runtimes` after the other, then stays in the last; without any it runs its head.
    """

    ref: RepoRef
    visibility: Visibility
    sdk: str | None
    commits: list[FakeCommit]
    gated: Gated = Gated.NONE
    hardware: str | None = None
    sleep_seconds: int | None = None
    volumes: tuple[Volume, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, tuple[str, int]] = field(default_factory=dict)
    runtimes: list[Runtime] = field(default_factory=list)
    hub_id: str = field(default_factory=lambda: f"{next(_ids):024x}")
    logs: dict[LogKind, list[LogLine]] = field(default_factory=dict)

    @property
    def files(self) -> dict[str, bytes]:
        """The tree at the head."""
        return self.commits[-1].files


@dataclass
class _Fault:
    error: DeployError
    times: int
    after_effect: bool


class FakeHub:
    """The Hub port in memory, owned by `account`. `calls` records every method called, in order.

    Files of `large_bytes` or more are named by sha256, as large files are on the Hub; paths in `ignored` are
    left out of commits, as a .gitignore makes the Hub do. `replies` are what apps answer, in this order.
    `tokens` has the accounts of other tokens than its own, `visits` which apps were asked and whether openly.
    """

    token = "hf_the_token_of_the_fake"

    def __init__(
        self,
        account: Account | None = None,
        *,
        large_bytes: int = 10_000_000,
        ignored: frozenset[str] = frozenset(),
    ) -> None:
        self.account = account or Account("alice", "write")
        self.calls: list[str] = []
        self.repos: dict[RepoRef, FakeRepo] = {}
        self.replies: list[AppReply | None] = []
        self.tokens: dict[str, Account] = {}
        self.visits: list[tuple[str, bool]] = []
        self.connection = Connection("https://hub.test", 0.05)
        self._large_bytes = large_bytes
        self._ignored = ignored
        self._faults: dict[str, _Fault] = {}

    @property
    def writes(self) -> list[str]:
        """The calls that change something."""
        changing = {"create_repo", "delete_repo", "stage", "commit", "restart_space", "pause_space"}
        return [call for call in self.calls if call in changing or call.startswith(("set_", "remove_"))]

    def fail(self, method: str, error: DeployError, *, times: int = 1, after_effect: bool = False) -> None:
        """Make the next `times` calls of a method raise: before they do anything, or after it is done."""
        self._faults[method] = _Fault(error, times, after_effect)

    def whoami(self) -> Account:
        self._call("whoami")
        return self.account

    def lend_token(self) -> str:
        self._call("lend_token")
        return self.token

    @contextmanager
    def speak_as(self, token: str) -> Iterator["FakeHub"]:
        if token not in self.tokens:
            raise TokenRejected("There is no such token.")
        other = copy(self)
        other.account = self.tokens[token]
        yield other

    def check_connection(self) -> Connection:
        self._call("check_connection")
        return self.connection

    def find_repo(self, repo: RepoRef) -> RepoInfo | None:
        self._call("find_repo")
        return self._inform(repo)

    def list_spaces(self, namespace: str) -> tuple[ListedSpace, ...]:
        self._call("list_spaces")
        spaces = [repo for repo in self.repos if (repo.type, repo.namespace) == (RepoType.SPACE, namespace)]
        return tuple(ListedSpace(repo, self._read_tags(repo)) for repo in spaces)

    def find_head(self, repo: RepoRef) -> Head | None:
        self._call("find_head")
        if (info := self._inform(repo)) is None:
            return None
        latest = self.repos[repo].commits[-1]
        return Head(info, CommitInfo(latest.id, latest.title, latest.message))

    def list_files(self, repo: RepoRef, revision: str) -> tuple[RemoteFile, ...]:
        self._call("list_files")
        commit = next(commit for commit in self._repo(repo).commits if commit.id == revision)
        return tuple(self._describe(path, content) for path, content in commit.files.items())

    def read_file(self, repo: RepoRef, revision: str, path: str) -> bytes:
        self._call("read_file")
        return self._find_commit(repo, revision).files[path]

    def check_write(self, repo: RepoRef) -> None:
        self._call("check_write")
        self._repo(repo)
        if self.account.role == "read":
            raise PermissionRefused(f"The token of {self.account.name} may only read.")

    def check_card(self, repo_type: RepoType, text: str) -> tuple[str, ...]:
        self._call("check_card")
        return ()

    def create_repo(
        self,
        repo: RepoRef,
        visibility: Visibility | None,
        sdk: Sdk | None,
        variables: Sequence[Variable] = (),
    ) -> None:
        self._call("create_repo")
        if repo not in self.repos:
            hardware = None if sdk in (None, Sdk.STATIC) else "cpu-basic"
            held = {variable.name: variable.value for variable in variables}
            seen = visibility or Visibility.PUBLIC
            self.repos[repo] = FakeRepo(repo, seen, sdk, [], hardware=hardware, variables=held)
            files = {".gitattributes": b"*.bin filter=lfs\n"}
            if sdk is not None:
                files["README.md"] = f"---\nsdk: {sdk}\n---\n".encode()
            self.push(repo, files, title="initial commit")
        self._call_after("create_repo")

    def delete_repo(self, repo: RepoRef) -> None:
        self._call("delete_repo")
        self.repos.pop(repo, None)
        self._call_after("delete_repo")

    def set_visibility(self, repo: RepoRef, visibility: Visibility) -> None:
        self._call("set_visibility")
        self._repo(repo).visibility = visibility
        self._call_after("set_visibility")

    def set_gated(self, repo: RepoRef, gated: Gated) -> None:
        self._call("set_gated")
        self._repo(repo).gated = gated
        self._call_after("set_gated")

    def set_hardware(self, repo: RepoRef, hardware: str) -> None:
        self._call("set_hardware")
        self._repo(repo).hardware = hardware
        self._call_after("set_hardware")

    def set_sleep(self, repo: RepoRef, sleep_seconds: int) -> None:
        self._call("set_sleep")
        self._repo(repo).sleep_seconds = sleep_seconds
        self._call_after("set_sleep")

    def set_volumes(self, repo: RepoRef, volumes: Sequence[Volume]) -> None:
        self._call("set_volumes")
        self._repo(repo).volumes = tuple(volumes)
        self._call_after("set_volumes")

    def set_variable(self, repo: RepoRef, name: str, value: str) -> None:
        self._call("set_variable")
        self._repo(repo).variables[name] = value
        self._call_after("set_variable")

    def set_secret(self, repo: RepoRef, name: str, value: str) -> None:
        self._call("set_secret")
        _, version = self._repo(repo).secrets.get(name, ("", 0))
        self._repo(repo).secrets[name] = (value, version + 1)
        self._call_after("set_secret")

    def remove_variable(self, repo: RepoRef, name: str) -> None:
        self._call("remove_variable")
        self._repo(repo).variables.pop(name, None)
        self._call_after("remove_variable")

    def remove_secret(self, repo: RepoRef, name: str) -> None:
        self._call("remove_secret")
        self._repo(repo).secrets.pop(name, None)
        self._call_after("remove_secret")

    def list_variables(self, repo: RepoRef) -> tuple[Variable, ...]:
        self._call("list_variables")
        return tuple(Variable(name, value) for name, value in self._repo(repo).variables.items())

    def list_secrets(self, repo: RepoRef) -> tuple[HeldSecret, ...]:
        self._call("list_secrets")
        return tuple(HeldSecret(name, str(held[1])) for name, held in self._repo(repo).secrets.items())

    def list_hardware(self) -> tuple[Hardware, ...]:
        self._call("list_hardware")
        return (Hardware("cpu-basic", 0), Hardware("cpu-upgrade", 30_000), Hardware("t4-small", 400_000))

    def stage(
        self, repo: RepoRef, root: Path, entries: Sequence[FileEntry], on_bytes: Callable[[int], None]
    ) -> Staged:
        self._call("stage")
        kept = tuple((entry.path, entry.locate(root)) for entry in entries if entry.path not in self._ignored)
        on_bytes(sum(entry.size_bytes for entry in entries))
        self._call_after("stage")
        return Staged(kept, tuple(entry.path for entry in entries if entry.path in self._ignored))

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
        self._call("recall")
        files = {**self._find_commit(origin or repo, revision).files, **given}
        on_bytes(sum(entry.size_bytes for entry in entries))
        return Staged(tuple((entry.path, files[entry.path]) for entry in entries))

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
        self._call("commit")
        held = self._repo(repo)
        if held.commits[-1].id != parent:
            raise Conflict(f"{repo} was changed by somebody else meanwhile.")
        files = {path: content for path, content in held.files.items() if path not in deletions}
        for path, content in cast("tuple[tuple[str, Path | bytes], ...]", staged.uploads):
            files[path] = content if isinstance(content, bytes) else content.read_bytes()
        made = self.push(repo, files, title=title, message=description)
        self._call_after("commit")
        return made

    def recent_commits(self, repo: RepoRef, revision: str = "main") -> tuple[CommitInfo, ...]:
        self._call("recent_commits")
        commits = self._repo(repo).commits
        last = len(commits) if revision == "main" else commits.index(self._find_commit(repo, revision)) + 1
        return tuple(CommitInfo(commit.id, commit.title, commit.message) for commit in commits[:last][::-1])

    def find_runtime(self, repo: RepoRef) -> Runtime:
        self._call("find_runtime")
        held = self._repo(repo)
        if len(held.runtimes) > 1:
            return held.runtimes.pop(0)
        return held.runtimes[0] if held.runtimes else Runtime("RUNNING", held.commits[-1].id)

    @contextmanager
    def open_log(
        self, repo: RepoRef, kind: LogKind, *, tail: int | None = None, quiet_seconds: float
    ) -> Iterator[Iterator[LogLine]]:
        self._call("open_log")
        lines = self._repo(repo).logs.get(kind, [])
        yield iter(lines if tail is None else lines[-tail:])

    def restart_space(self, repo: RepoRef) -> Runtime:
        self._call("restart_space")
        held = self._repo(repo)
        held.runtimes = [Runtime("RUNNING", held.commits[-1].id)]
        return Runtime("BUILDING")

    def pause_space(self, repo: RepoRef) -> Runtime:
        self._call("pause_space")
        held = self._repo(repo)
        held.runtimes = [Runtime("PAUSED", held.commits[-1].id)]
        return held.runtimes[0]

    def visit_app(
        self, url: str, path: str, *, quiet_seconds: float, is_websocket: bool = False, is_open: bool = False
    ) -> AppReply | None:
        self._call("visit_app")
        self.visits.append((f"{url}{path}", is_open))
        return self.replies.pop(0) if self.replies else None

    def push(
        self, repo: RepoRef, files: dict[str, bytes], *, title: str = "pushed", message: str = ""
    ) -> str:
        """Put a commit with exactly these files on a repo, as somebody else would; its id."""
        commits = self._repo(repo).commits
        commit_id = hashlib.sha1(f"{repo}{len(commits)}{title}{message}".encode()).hexdigest()  # noqa: S324
        commits.append(FakeCommit(commit_id, title, message, dict(files)))
        return commit_id

    def _inform(self, repo: RepoRef) -> RepoInfo | None:
        if (held := self.repos.get(repo)) is None:
            return None
        is_space = repo.type is RepoType.SPACE
        return RepoInfo(
            repo=held.ref,
            url=f"https://hub.test/{repo.type}s/{repo.id}",
            head=held.commits[-1].id,
            visibility=held.visibility,
            sdk=held.sdk,
            app_url=f"https://{repo.namespace}-{repo.name}.space.test" if is_space else None,
            gated=held.gated,
            hardware=held.hardware,
            sleep_seconds=held.sleep_seconds,
            volumes=held.volumes,
            hub_id=held.hub_id,
        )

    def _read_tags(self, repo: RepoRef) -> tuple[str, ...]:
        readme = self.repos[repo].files.get("README.md", b"").decode()
        return tuple(re.findall(r'^- "(.*)"$', readme, re.MULTILINE))

    def _repo(self, repo: RepoRef) -> FakeRepo:
        if (held := self.repos.get(repo)) is None:
            raise RepoNotFound(f"There is no {repo}.")
        return held

    def _find_commit(self, repo: RepoRef, revision: str) -> FakeCommit:
        for commit in self._repo(repo).commits:
            if commit.id == revision:
                return commit
        raise RevisionMissing(f"{repo} has no commit {revision}.")

    def _describe(self, path: str, content: bytes) -> RemoteFile:
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False)
        is_large = len(content) >= self._large_bytes
        sha256 = hashlib.sha256(content).hexdigest() if is_large else None
        return RemoteFile(path, len(content), "0" * 40 if is_large else blob.hexdigest(), sha256)

    def _call(self, method: str) -> None:
        self.calls.append(method)
        self._raise(method, after_effect=False)

    def _call_after(self, method: str) -> None:
        self._raise(method, after_effect=True)

    def _raise(self, method: str, *, after_effect: bool) -> None:
        fault = self._faults.get(method)
        if fault and fault.times and fault.after_effect is after_effect:
            fault.times -= 1
            raise fault.error

"""The store: rows, git repositories and large files, kept in step."""

import errno
import fcntl
import shutil
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from hfdeploy_localhub.errors import NotFound, RepoNotFound
from hfdeploy_localhub.model import Caller, GitType, Repo, Sdk, Visibility
from hfdeploy_localhub.store.access_requests import AccessRequests
from hfdeploy_localhub.store.accounts import Accounts
from hfdeploy_localhub.store.buckets import Buckets
from hfdeploy_localhub.store.collections import Collections
from hfdeploy_localhub.store.content import Content
from hfdeploy_localhub.store.database import Database
from hfdeploy_localhub.store.discussions import Discussions
from hfdeploy_localhub.store.git import MAIN, Author, GitRepository
from hfdeploy_localhub.store.initial import plan_initial_files
from hfdeploy_localhub.store.large_files import LargeFiles
from hfdeploy_localhub.store.likes import Likes
from hfdeploy_localhub.store.publishers import Publishers
from hfdeploy_localhub.store.repos import Repos
from hfdeploy_localhub.store.space_settings import SpaceRows
from hfdeploy_localhub.store.webhooks import Webhooks
from hfdeploy_localhub.store.xet import XetStore

_CREATORS_EMAIL = "hub@localhost"
_DATABASE = "hub.sqlite"
_PARTS = ("git", "large", "spaces", "xet")


def utc_now() -> datetime:
    return datetime.now(UTC)


class Store:
    """All that a data folder holds. Git is the truth about content, the database about everything else.

    A repo's folder is named by its row, so a rename touches the row only; content is on disk before a row or
    a ref names it, so a kill at any moment leaves nothing half-made that anyone can see. ``durable`` says
    whether that holds for the machine's crash too; without it a new store costs a few milliseconds less.
    """

    def __init__(
        self, folder: Path, *, clock: Callable[[], datetime] = utc_now, durable: bool = True
    ) -> None:
        _refuse_others(folder)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for part in _PARTS:  # closed also where the folder was there, and is open
            (folder / part).mkdir(mode=0o700, exist_ok=True)
        self._claim = _claim(folder / "lock")
        self.now = clock
        self.database = Database(folder / _DATABASE, durable=durable)
        self.accounts = Accounts(self.database)
        self.repos = Repos(self.database)
        self.buckets = Buckets(self.database)
        self.likes = Likes(self.database)
        self.access_requests = AccessRequests(self.database)
        self.collections = Collections(self.database)
        self.webhooks = Webhooks(self.database)
        self.publishers = Publishers(self.database)
        self.discussions = Discussions(self.database)
        self.space_rows = SpaceRows(self.database)
        self.large_files = LargeFiles(folder / "large")
        self.xet = XetStore(folder / "xet", self.database, self.large_files.path)
        self._git_folder = folder / "git"
        self.hooks_folder = folder / "hooks"
        self._locks: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)
        self._sweep_unfinished()

    def create_repo(
        self,
        caller: Caller,
        type: GitType,
        namespace: str,
        name: str,
        *,
        visibility: Visibility,
        sdk: Sdk | None = None,
        files: Mapping[str, bytes] | None = None,
        template: Repo | None = None,
    ) -> Repo:
        """A repo with its first commit. What a new repo holds is added to or replaced by the files of
        ``template``, and then by ``files``.

        Raises Conflict if the name is taken.
        """
        copied = self.git(template).read_all() if template else {}
        content = {**plan_initial_files(type, name, sdk), **copied, **(files or {})}
        with self.database.transaction():
            repo = self.repos.add(
                type, namespace, name, visibility=visibility, creator=caller.user, now=self.now()
            )
            git = GitRepository.create(self.git_folder(repo))
            blobs = {path: git.add_blob(data) for path, data in content.items()}
            if template:
                self.repos.share_large_files(template, repo)
            git.commit(
                MAIN, blobs, parent=None, message="initial commit", author=author_of(caller), now=self.now()
            )
        return repo

    def duplicate_repo(
        self, caller: Caller, repo: Repo, namespace: str, name: str, *, visibility: Visibility
    ) -> Repo:
        """A copy of the repo's main branch, history included, that shares the large files' content."""
        account = self.accounts.find(namespace)
        owner = account.name if account else namespace
        with self.lock(repo), self.database.transaction():
            made = self.repos.add(
                repo.type, owner, name, visibility=visibility, creator=caller.user, now=self.now()
            )
            self.git(repo).copy_to(self.git_folder(made))
            self.repos.share_large_files(repo, made)
        return made

    def remove_repo(self, repo: Repo) -> None:
        with self.lock(repo):
            self.repos.remove(repo)
            shutil.rmtree(self.git_folder(repo), ignore_errors=True)

    def git(self, repo: Repo) -> GitRepository:
        """The repo's content, for the calling thread. Raises RepoNotFound if it was deleted meanwhile."""
        folder = self.git_folder(repo)
        if not folder.exists():
            raise RepoNotFound(anonymous=False)
        return GitRepository(folder, lambda sha256: self.repos.owns_large_file(repo, sha256) is not None)

    def large_content(self, sha256: str) -> Content:
        """A large file's bytes, whichever way it came. Raises NotFound."""
        content = self.large_files.content(sha256) or self.xet.content(sha256)
        if content is None:
            raise NotFound(f"The content of {sha256} is gone")
        return content

    def lock(self, repo: Repo) -> threading.Lock:
        """Held by whoever moves a ref of the repo."""
        return self._locks[repo.id]

    def close(self) -> None:
        self.database.close()
        self._claim.close()

    def git_folder(self, repo: Repo) -> Path:
        """The bare git repository on disk."""
        return self._git_folder / f"{repo.id}.git"

    def _sweep_unfinished(self) -> None:
        """Repos that no row names: a creation or removal that a crash cut off."""
        known = {f"{repo_id}.git" for repo_id in self.repos.ids()}
        for folder in self._git_folder.glob("*.git"):
            if folder.stem.isdecimal() and folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)


def _refuse_others(folder: Path) -> None:
    """Raises FileExistsError where folders of a hub's names hold what no database knows.

    That is somebody else's, or all that is left of a hub's: a hub would sweep it away.
    """
    if (folder / _DATABASE).exists():
        return
    for part in _PARTS:
        if (folder / part).is_dir() and any((folder / part).iterdir()):
            raise FileExistsError(
                errno.EEXIST, f"its folder {part} is not empty, though there is no {_DATABASE}"
            )


def _claim(path: Path) -> IO[bytes]:
    """Two hubs over one folder would undo each other's work. Raises BlockingIOError if another holds it."""
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise BlockingIOError(errno.EWOULDBLOCK, "another hub uses it") from None
    return file


def author_of(caller: Caller) -> Author:
    """The name that a caller's commits carry."""
    name = caller.user.name if caller.user else "hub"
    return Author(name, _CREATORS_EMAIL)

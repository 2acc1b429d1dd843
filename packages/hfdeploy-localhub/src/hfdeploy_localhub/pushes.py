"""A push by git: what it may do, and the moment in which it does it.

git receives the objects into quarantine, then its hook (``store/pre_receive.py``) asks here. From the verdict
until git has moved the refs and ended, the repo's lock is held, as for every commit of the API: nobody
can slip in between, and nothing is visible of a push that is refused.
"""

import re
import socket
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hfdeploy_localhub.errors import BadRequest, Forbidden, HubError
from hfdeploy_localhub.model import Caller, Repo, Right, check_file_path, decide_right
from hfdeploy_localhub.pull_requests import Talk
from hfdeploy_localhub.store.git import MAIN
from hfdeploy_localhub.store.incoming import Incoming, NewFile, RefChange
from hfdeploy_localhub.store.store import Store

_PULL_REQUEST = re.compile(r"refs/pr/([1-9]\d{0,8})", re.ASCII)
_SHOWN_FILES = 10


@dataclass(frozen=True, slots=True)
class Pusher:
    """What one caller may do in one repo by git."""

    may_write: bool
    pull_requests: frozenset[int]
    """Numbers of the pull requests that he may extend."""

    @property
    def may_push(self) -> bool:
        """Whether there is any ref that he may move."""
        return self.may_write or bool(self.pull_requests)


def find_pusher(store: Store, repo: Repo, caller: Caller) -> Pusher:
    """Writers extend every pull request, authors their own."""
    writes = decide_right(caller, repo) >= Right.WRITE
    if caller.user is None or caller.token is None or caller.token.role == "read":
        return Pusher(writes, frozenset())
    author = None if writes else caller.user.name
    return Pusher(writes, frozenset(store.discussions.pull_requests(repo, author)))


def check_ref(change: RefChange, pusher: Pusher) -> None:
    """Raises Forbidden or BadRequest if ``pusher`` may not move this ref so."""
    if match := _PULL_REQUEST.fullmatch(change.ref):
        _check_pull_request(change, int(match[1]), pusher)
    elif not change.ref.startswith(("refs/heads/", "refs/tags/")):
        raise BadRequest(
            f"Only branches and tags can be pushed, and pull requests extended: not {change.ref}"
        )
    elif not pusher.may_write:
        raise Forbidden(f"You don't have the rights to push {change.ref}: open a pull request instead.")
    elif change.ref == MAIN and change.new is None:
        raise BadRequest("The branch main cannot be deleted.")


def _check_pull_request(change: RefChange, num: int, pusher: Pusher) -> None:
    if num not in pusher.pull_requests:
        raise Forbidden(f"{change.ref} is no pull request of yours: open one first.")
    if change.new is None or change.old is None:
        raise BadRequest(f"{change.ref} can be extended only: close the pull request to be rid of it.")


def check_files(files: Iterable[NewFile], owned: Callable[[str], int | None], max_bytes: int) -> None:
    """Raises InvalidPath for a path no client can hold; BadRequest, with the files' names, for files of
    ``max_bytes`` or more in git itself and for pointers to content that ``owned`` does not know.
    """
    too_large, missing = list[str](), list[str]()
    for file in files:
        check_file_path(file.path)
        if file.size >= max_bytes:
            too_large.append(file.path)
        elif file.large is not None and owned(file.large.sha256) != file.large.size:
            missing.append(file.path)
    if too_large:
        raise BadRequest(
            f"Your push was rejected because it contains files of {max_bytes // 1024**2} MiB or more. Use"
            f" git-lfs to store them: `git lfs migrate import` rewrites your commits.\n{_list(too_large)}"
        )
    if missing:
        raise BadRequest(
            "Your push was rejected because an LFS pointer points to a file that was not uploaded to this"
            f" repo. Upload it with `git lfs push --all`, and push again.\n{_list(missing)}"
        )


def _list(paths: Sequence[str]) -> str:
    more = len(paths) - _SHOWN_FILES
    lines = [f"  - {path}" for path in paths[:_SHOWN_FILES]] + ([f"  and {more} more"] if more > 0 else [])
    return "\n".join(["Offending files:", *lines])


@dataclass(frozen=True, slots=True)
class Gate:
    """Where one push of ``talk.caller`` passes, or does not."""

    talk: Talk
    max_bytes: int

    def pass_through(self, question: bytes, hook: socket.socket) -> list[RefChange]:
        """Answers the hook's question, waits for git's end, and returns the refs that have moved.

        Blocks: for the repo's lock, and until every process that holds the other end of ``hook`` is gone.
        """
        store, repo = self.talk.store, self.talk.repo
        quarantine, *lines = question.decode("utf-8", "surrogateescape").splitlines()
        changes = [RefChange.parse(line) for line in lines]
        with store.lock(repo):
            try:
                self._check(changes, Path(quarantine) if quarantine else None)
                _answer(hook, "accept\n")
            except HubError as refusal:
                _answer(hook, f"refuse\n{refusal.message}\n")
            finally:
                hook.shutdown(socket.SHUT_WR)  # without an answer the hook refuses
            while hook.recv(4096):
                pass
            landed = Incoming(store.git_folder(repo), None)
            # git itself may still have refused a ref, such as one that would lie inside another
            moved = [change for change in changes if landed.target(change.ref) == change.new]
            self._record(moved, landed)
        return moved

    def _check(self, changes: Sequence[RefChange], quarantine: Path | None) -> None:
        store, repo = self.talk.store, self.talk.repo
        pusher = find_pusher(store, repo, self.talk.caller)
        for change in changes:
            check_ref(change, pusher)
        incoming = Incoming(store.git_folder(repo), quarantine)
        for change in changes:
            if change.new is not None:
                files = incoming.new_files(incoming.commit_of(change.new))
                check_files(files, lambda sha256: store.repos.owns_large_file(repo, sha256), self.max_bytes)

    def _record(self, moved: Sequence[RefChange], landed: Incoming) -> None:
        """Pull requests tell their commits."""
        store, repo = self.talk.store, self.talk.repo
        for change in moved:
            match = _PULL_REQUEST.fullmatch(change.ref)
            discussion = store.discussions.find(repo, int(match[1])) if match else None
            if discussion is None or change.old is None or change.new is None:
                continue
            for oid, title in landed.new_titles(change.old, change.new):
                self.talk.record_commit(discussion, oid, title)


def _answer(hook: socket.socket, text: str) -> None:
    with suppress(ConnectionError):  # the client has gone, and git with it
        hook.sendall(text.encode(errors="replace"))

"""Where the state lies: beside the manifest, or in a private dataset on the Hub that a team shares."""

import os
import socket
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from hfdeploy_core.clock import Clock
from hfdeploy_core.errors import AnswerLost, Conflict, SettingInvalid, StateLocked, StateUnwritable
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.manifest.state import Held, Lock, State, is_locked, make_lock, read_state, write_state
from hfdeploy_core.model import RepoRef, Visibility
from hfdeploy_core.planning.history import KnownSecret
from hfdeploy_core.source.cache import make_state_folder
from hfdeploy_core.source.git import find_run
from hfdeploy_core.source.given import lay_out
from hfdeploy_core.source.scan import scan

_TRIES = 5


class Book:
    """The state while a run holds it: what is noted is kept, by one target at a time."""

    def __init__(self, state: State, save: Callable[[State], None]) -> None:
        self.state = state
        self._save = save
        self._lock = threading.Lock()

    def note(self, held: Held) -> None:
        """Keep what is held of a repo now."""
        self._change(lambda state: state.hold(held))

    def forget(self, repo: RepoRef) -> None:
        """Keep nothing of a repo."""
        self._change(lambda state: state.forget(repo))

    def know(self, repo: RepoRef, secrets: Iterable[KnownSecret]) -> None:
        """Keep what is known of a repo's secrets now."""
        self._change(lambda state: state.know(repo, secrets))

    def conclude(self, result: str) -> None:
        """Keep what became of the run."""
        self._change(lambda state: replace(state, result=result))

    def _change(self, change: Callable[[State], State]) -> None:
        with self._lock:
            self.state = change(self.state)
            self._save(self.state)


class Store(Protocol):
    """Where a state lies."""

    def read(self) -> State:
        """The state as it is; an empty one where there is none. Raises StateInvalid."""
        ...

    def hold(self, begin: Callable[[State], State]) -> AbstractContextManager[Book]:
        """Keep others away, and write down what `begin` makes of the state before anything else is done.

        Raises StateLocked where somebody else is at work.
        """
        ...

    def unlock(self, lock: Lock) -> None:
        """Take away this lock, of a run that was killed. Raises StateLocked where it is another by now."""
        ...


class LocalStore:
    """A state in a file. Its lock ends with the process that holds it."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._file = folder / name

    def read(self) -> State:
        try:
            text = self._file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return State()
        except (OSError, UnicodeDecodeError) as error:
            raise StateUnwritable(f"The state in {self._file} cannot be read: {error}.") from error
        return read_state(text, str(self._file))

    @contextmanager
    def hold(self, begin: Callable[[State], State]) -> Iterator[Book]:
        try:
            make_state_folder(self._folder)
            lock = FileLock(self._file.with_suffix(".lock"), timeout=0)
            lock.acquire()
        except Timeout:
            raise StateLocked(f"Another run is at work on the targets of {self._folder.parent}.") from None
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            book = Book(begin(self.read()), self._write)
            self._write(book.state)
            yield book
        finally:
            lock.release()

    def unlock(self, lock: Lock) -> None:
        """There is none to take away: it went with its process."""

    def _write(self, state: State) -> None:
        try:
            handle, name = tempfile.mkstemp(dir=self._folder, prefix=f".{self._file.name}-")
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(write_state(state))
                stream.flush()
                os.fsync(stream.fileno())
            Path(name).replace(self._file)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> StateUnwritable:
        return StateUnwritable(f"The state in {self._file} cannot be written: {error.strerror or error}.")


class HubStore:
    """A state in a private dataset. Each change of it is a commit on top of the one that was read.

    Who finds another commit there has to read again, so that of two only one becomes the holder of the lock.
    """

    def __init__(self, repo: RepoRef, name: str, hub: Hub, clock: Clock) -> None:
        self._repo = repo
        self._path = name
        self._hub = hub
        self._clock = clock

    def read(self) -> State:
        return self._read()[0]

    @contextmanager
    def hold(self, begin: Callable[[State], State]) -> Iterator[Book]:
        book, head = self._begin(begin)
        try:
            yield book
        finally:
            self._end(book.state, head)

    def unlock(self, lock: Lock) -> None:
        state, head = self._read()
        if state.lock == lock:
            try:
                self._commit(replace(state, lock=None), head, "Unlocked")
                return
            except Conflict:
                pass
        raise StateLocked(f"The lock in {self._repo} was changed meanwhile.", "Look who is at work now.")

    def _begin(self, begin: Callable[[State], State]) -> tuple[Book, str]:
        lock = make_lock(*_describe_holder(), self._clock.now())
        for _ in range(_TRIES):
            state, head = self._read()
            if state.lock is not None and is_locked(
                state.lock, self._clock.now(), is_gone=_is_gone(state.lock)
            ):
                raise StateLocked(
                    f"{state.lock.holder} is at work on these targets; its state is in {self._repo}.",
                    "Wait until it is done; if it was killed, run `hfdeploy unlock`, "
                    f"or wait until {state.lock.until:%H:%M:%S %Z}.",
                )
            if not head:
                self._hub.create_repo(self._repo, Visibility.PRIVATE, None)
                continue
            try:
                # What is noted is sent when the run is over: what it began with says enough until then.
                book = Book(replace(begin(state), lock=lock), lambda state: None)
                return book, self._commit(book.state, head, "Began")
            except Conflict:
                continue
        raise StateLocked(f"Others keep changing the state in {self._repo}.", "Run it again.")

    def _end(self, state: State, head: str) -> None:
        """Write down what was noted, and give the lock back."""
        for _ in range(_TRIES):
            try:
                self._commit(replace(state, lock=None), head, "Ended")
                return
            except Conflict:
                # Another file may be there now; the state is ours while the lock is.
                found, head = self._read()
                if found.lock != state.lock:
                    raise StateLocked(f"Somebody else took the lock in {self._repo} meanwhile.") from None
        raise StateLocked(f"Others keep changing the repo of the state, {self._repo}.", "Run it again.")

    def _read(self) -> tuple[State, str]:
        """The state and the commit that it was read at, which is empty where there is no repo."""
        info = self._hub.find_repo(self._repo)
        if info is None:
            return State(), ""
        if info.visibility is not Visibility.PRIVATE:
            raise SettingInvalid(
                f"The state lies in {self._repo}, which is {info.visibility}.",
                "Make it private, or use another.",
            )
        if all(file.path != self._path for file in self._hub.list_files(self._repo, info.head)):
            return State(), info.head
        text = self._hub.read_file(self._repo, info.head, self._path).decode(errors="replace")
        return read_state(text, f"{self._path} of {self._repo}"), info.head

    def _commit(self, state: State, parent: str, title: str) -> str:
        content = write_state(state).encode()
        with lay_out({self._path: content}) as root:
            staged = self._hub.stage(self._repo, root, scan(root).entries, lambda done: None)
            try:
                return self._hub.commit(
                    self._repo, staged, (), parent=parent, title=title, description=_describe_holder()[0]
                )
            except AnswerLost:
                info = self._hub.find_repo(self._repo)
                if info and info.head != parent:
                    landed = self._hub.read_file(self._repo, info.head, self._path)
                    if landed == content:
                        return info.head
                raise


def _describe_holder() -> tuple[str, str, int]:
    host, process = socket.gethostname(), os.getpid()
    return find_run(os.environ) or f"Process {process} on {host}", host, process


def _is_gone(lock: Lock) -> bool:
    """Whether the process that holds a lock ran on this machine and does not any more."""
    if lock.host != socket.gethostname() or os.name != "posix":
        return False
    try:
        os.kill(lock.process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False

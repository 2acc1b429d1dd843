"""A small parent for one child command: run as `python -I -S guard.py GRACE_SECONDS PROGRAM [ARGUMENT...]`.

The hub holds the other end of this process's standard input. When that closes, because the hub asks for it or
because the hub was killed, however hard, the command and everything it has started are ended: SIGTERM, then
SIGKILL after the grace. The same happens to what is left when the command ends by itself, as in a container.
Exits with the command's exit code (128 + number for a signal). Imports nothing of ours: it must start quickly
and depend on nothing.
"""

import contextlib
import ctypes
import os
import select
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path
from types import FrameType

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_POLL_SECONDS = 0.02
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main(arguments: list[str]) -> int:
    """Run the command to its end, or to the end of standard input."""
    grace_seconds, command = float(arguments[0]), arguments[1:]
    _prctl(_PR_SET_CHILD_SUBREAPER)  # what the command leaves behind becomes ours, and can be found
    woken, wake = os.pipe()
    for descriptor in (woken, wake):
        os.set_blocking(descriptor, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    stopping: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            stopping.append(number)

    for number in (signal.SIGCHLD, *_ENDING):
        signal.signal(number, note)
    child = _start(command)
    status = _wait(child, woken, stopping)
    if status is None:
        status = _end(child, grace_seconds)
    _kill_all(child)
    return 128 - status if status < 0 else status


def _start(command: list[str]) -> int:
    begun, begin = os.pipe()
    child = os.fork()
    if child:
        os.close(begin)
        os.read(begun, 1)  # until it has become the command, or failed to: before, signals are lost on it
        os.close(begun)
        return child
    try:
        os.setsid()
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # should this process be the one that is killed
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGPIPE, *_ENDING):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.execvp(command[0], command)  # noqa: S606  (no shell is the point)
    except OSError as error:
        os.write(2, f"cannot start {command[0]}: {error.strerror}\n".encode())
    os._exit(127)


def _wait(child: int, woken: int, stopping: list[int]) -> int | None:
    """The command's status, or None when it is to be ended."""
    poll = select.poll()
    poll.register(0, select.POLLIN | select.POLLHUP)
    poll.register(woken, select.POLLIN)
    while True:
        if (status := _reap(child)) is not None:
            return status
        ready = {descriptor for descriptor, _ in poll.poll()}
        if woken in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(woken, 512)
        if stopping or (0 in ready and not os.read(0, 512)):
            return None


def _reap(child: int) -> int | None:
    """Collect whoever has ended; the command's status if it is among them."""
    found = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if not pid:
            return found
        if pid == child:
            found = os.waitstatus_to_exitcode(status)


def _end(child: int, grace_seconds: float) -> int:
    """SIGTERM to all, and time to obey it. The status counts as SIGTERM's when the command never ended in
    time.
    """
    status: int | None = None
    _signal_all(child, signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    while time.monotonic() < deadline:
        found = _reap(child)  # also when its status is known: who has ended is there until he is collected
        status = found if status is None else status
        if status is not None and not _descendants():
            break
        time.sleep(_POLL_SECONDS)
    return -signal.SIGTERM if status is None else status


def _kill_all(child: int) -> None:
    for _ in range(500):  # a fork bomb may outrun one pass, not many
        _signal_all(child, signal.SIGKILL)
        _reap(child)
        if not _descendants():
            return
        time.sleep(_POLL_SECONDS)


def _signal_all(child: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, number)
    for pid in _descendants():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getpgid(pid) != child:
                os.kill(pid, number)


def _descendants() -> set[int]:
    """Every process below this one; empty where there is no /proc."""
    children = defaultdict(list)
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            children[int(entry.read_text().rpartition(")")[2].split()[1])].append(int(entry.parent.name))
    found: set[int] = set()
    todo = [os.getpid()]
    while todo:
        new = [pid for pid in children[todo.pop()] if pid not in found]
        found.update(new)
        todo += new
    return found


def _prctl(option: int, argument: int = 1) -> None:
    """Linux only; elsewhere the command's process group is all that is looked after."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, argument, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Several processes that accept on one socket. The parent serves nothing: it starts them, starts another when
one dies, and hands on the signal to stop.
"""

import contextlib
import logging
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from types import FrameType

logger = logging.getLogger("hfdeploy_proxy")

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_PAUSE_SECONDS = 1.0


def run_workers(count: int, listener: socket.socket, work: Callable[[int], None]) -> None:
    """Run ``work`` in so many processes, until a signal comes and all of them have ended.

    Each gets a file descriptor that ends when the parent does, however that happens. ``listener`` is what
    they accept on: with the signal the parent closes its own end, or clients would wait there for nobody.
    """
    parent = os.getpid()
    lifeline, held = os.pipe()
    workers: set[int] = set()
    stopping = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        if os.getpid() == parent:
            listener.close()
            for worker in workers:
                _end(worker)

    for number in _SIGNALS:
        signal.signal(number, stop)

    def start() -> None:
        worker = os.fork()
        if worker == 0:
            os.close(held)
            _work(work, lifeline)
        workers.add(worker)
        if stopping:  # the signal came before this one was known
            _end(worker)

    for _ in range(count):
        if not stopping:
            start()
    while workers:
        worker, status = os.waitpid(-1, 0)
        workers.discard(worker)
        if not stopping:
            logger.error(
                "worker %d has ended (%d): another is started", worker, os.waitstatus_to_exitcode(status)
            )
            time.sleep(_PAUSE_SECONDS)
            if not stopping:
                start()


def _end(worker: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(worker, signal.SIGTERM)


def _work(work: Callable[[int], None], lifeline: int) -> None:
    code = 1
    try:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        work(lifeline)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

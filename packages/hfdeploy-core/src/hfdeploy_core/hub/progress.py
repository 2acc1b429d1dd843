"""Byte progress of huggingface_hub's uploads, and silence instead of its own bars.

huggingface_hub 2.4 has no hook for this: while it uploads through xet it feeds a reporter class of its own,
which is replaced here for that time; its LFS path draws bars that can only be switched off. Where a later
version has no such class, uploads go on without byte progress.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from huggingface_hub.utils import _xet_progress_reporting as reporting
from huggingface_hub.utils import (  # type: ignore[attr-defined]
    are_progress_bars_disabled,
    disable_progress_bars,
)
from huggingface_hub.utils._runtime import is_xet_available


@contextmanager
def report_bytes(on_bytes: Callable[[int], None]) -> Iterator[None]:
    """While it lasts, xet uploads tell `on_bytes` how many bytes of the files are processed so far."""

    class Reporter:
        def update_progress(self, group: Any, items: Any) -> None:
            on_bytes(group.total_bytes_completed)

        def close(self) -> None:
            pass

    original = getattr(reporting, "XetUploadProgressReporter", None)
    if original is None or not is_xet_available() or are_progress_bars_disabled():
        with disable_progress_bars():
            yield
        return
    reporting.XetUploadProgressReporter = Reporter  # type: ignore[assignment,misc]
    try:
        yield
    finally:
        reporting.XetUploadProgressReporter = original  # type: ignore[misc]

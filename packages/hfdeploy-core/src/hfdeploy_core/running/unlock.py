"""Takes away the lock of a run that was killed on another machine."""

from hfdeploy_core.clock import SystemClock
from hfdeploy_core.events import OnEvent, Unlocked
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.manifest.state import Lock
from hfdeploy_core.running.project import Project
from hfdeploy_core.running.run import Run


def find_lock(
    project: Project, *, on_event: OnEvent = lambda event: None, hub: Hub | None = None
) -> Lock | None:
    """Who is at work on the targets of a manifest, as far as its state tells."""
    run = Run(project, on_event, SystemClock())
    with run.enter(hub) as connected:
        return run.find_store(connected).read().lock


def unlock_project(
    project: Project, lock: Lock, *, on_event: OnEvent = lambda event: None, hub: Hub | None = None
) -> None:
    """Take this lock away. Its holder, should it be at work all the same, cannot write down what it did.

    Raises StateLocked where it is another one by now.
    """
    run = Run(project, on_event, SystemClock())
    with run.enter(hub) as connected:
        run.find_store(connected).unlock(lock)
    on_event(Unlocked(lock.holder))

"""What a deploy tells while it runs: one stream of frozen values, the same for every face that shows it.

Each event's `name` is its stable name in JSON; its fields are JSON's own types once enums are read as text.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from hfdeploy_core.model import Outcome


@dataclass(frozen=True, slots=True)
class Scanned:
    """The source was read and hashed; `ignored` counts what patterns leave out, of which a few are named."""

    name: ClassVar[str] = "scanned"
    source: str
    files: int
    size_bytes: int
    ignored: int = 0
    ignored_paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Warned:
    """Something the user should know; the deploy goes on."""

    name: ClassVar[str] = "warning"
    message: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """The Hub was busy or away; the request is repeated after `seconds`."""

    name: ClassVar[str] = "waiting"
    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Planned:
    """Everything is validated and decided; nothing is changed yet. `bytes_to_send` is an upper bound.

    `settings_changed` counts those besides `visibility`.
    """

    name: ClassVar[str] = "planned"
    repo_id: str
    repo_type: str
    creates: bool
    visibility: str | None
    files_added: int
    files_updated: int
    files_deleted: int
    files_unchanged: int
    bytes_to_send: int
    digest: str
    settings_changed: int = 0


@dataclass(frozen=True, slots=True)
class RepoCreated:
    """The repo is there now."""

    name: ClassVar[str] = "repo_created"
    repo_id: str
    repo_url: str


@dataclass(frozen=True, slots=True)
class VisibilityChanged:
    """An existing repo is seen by others than before."""

    name: ClassVar[str] = "visibility_changed"
    repo_id: str
    visibility: str


@dataclass(frozen=True, slots=True)
class SettingChanged:
    """Another setting is what was asked for now; `value` is None where it is nobody's to see."""

    name: ClassVar[str] = "setting_changed"
    repo_id: str
    setting: str
    value: str | None


@dataclass(frozen=True, slots=True)
class SettingRemoved:
    """A variable or secret is not there any more."""

    name: ClassVar[str] = "setting_removed"
    repo_id: str
    setting: str


@dataclass(frozen=True, slots=True)
class Uploading:
    """Contents are being sent: how far, in files and bytes. Invisible to readers until the commit."""

    name: ClassVar[str] = "uploading"
    files: int
    bytes_done: int
    bytes_total: int


@dataclass(frozen=True, slots=True)
class Committed:
    """The one commit is made: readers see all of it."""

    name: ClassVar[str] = "committed"
    repo_id: str
    commit: str


@dataclass(frozen=True, slots=True)
class StageChanged:
    """The Space that is waited for is at another stage, or another commit answers."""

    name: ClassVar[str] = "stage"
    repo_id: str
    stage: str
    commit: str | None


@dataclass(frozen=True, slots=True)
class Logged:
    """A line of the Space's build log or run log."""

    name: ClassVar[str] = "log"
    log: str
    text: str


@dataclass(frozen=True, slots=True)
class Probed:
    """The app answered a probe as it should."""

    name: ClassVar[str] = "probed"
    repo_id: str
    path: str
    status: int


@dataclass(frozen=True, slots=True)
class WentLive:
    """The very commit answers requests."""

    name: ClassVar[str] = "live"
    repo_id: str
    commit: str
    elapsed_seconds: float


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What did not get live was undone: the files of the commit `restores` are live again."""

    name: ClassVar[str] = "rolled_back"
    repo_id: str
    commit: str
    restores: str


@dataclass(frozen=True, slots=True)
class DeletionPlanned:
    """A repo would be deleted."""

    name: ClassVar[str] = "deletion_planned"
    repo_id: str
    repo_type: str
    repo_url: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """A repo is gone, for good."""

    name: ClassVar[str] = "deleted"
    repo_id: str
    repo_type: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of a deploy that went well."""

    name: ClassVar[str] = "outcome"
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Validated:
    """A manifest makes sense, as it is and with each of its profiles."""

    name: ClassVar[str] = "valid"
    file: str
    targets: tuple[str, ...]
    profiles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TargetTold:
    """What one target of a manifest tells."""

    name: ClassVar[str] = "target"
    target: str
    event: "Event"


@dataclass(frozen=True, slots=True)
class TargetFailed:
    """One target of a manifest failed; those that do not need it go on."""

    name: ClassVar[str] = "target_failed"
    target: str
    error: str
    message: str
    remedy: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class TargetLeft:
    """One target of a manifest was left alone, because those that it needs failed."""

    name: ClassVar[str] = "target_left"
    target: str
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TargetLeftOut:
    """One target of a manifest is planned, but not changed, for this reason."""

    name: ClassVar[str] = "target_left_out"
    target: str
    reason: str


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step before or after targets began."""

    name: ClassVar[str] = "step_started"
    step: str
    kind: str


@dataclass(frozen=True, slots=True)
class StepTold:
    """A line that a step printed."""

    name: ClassVar[str] = "step_told"
    step: str
    text: str


@dataclass(frozen=True, slots=True)
class StepFinished:
    """A step did what it should."""

    name: ClassVar[str] = "step_finished"
    step: str
    elapsed_seconds: float


@dataclass(frozen=True, slots=True)
class StepLeftOut:
    """A step was not taken, for this reason."""

    name: ClassVar[str] = "step_left_out"
    step: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unlocked:
    """A lock was taken away; `holder` is who had it."""

    name: ClassVar[str] = "unlocked"
    holder: str


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The last event of a run over a manifest: what became of each target, by name."""

    name: ClassVar[str] = "run"
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    failed: tuple[str, ...]
    left: tuple[str, ...]
    elapsed_seconds: float


Event = (
    Scanned
    | Warned
    | Waiting
    | Planned
    | RepoCreated
    | VisibilityChanged
    | SettingChanged
    | SettingRemoved
    | Uploading
    | Committed
    | StageChanged
    | Logged
    | Probed
    | WentLive
    | RolledBack
    | DeletionPlanned
    | Deleted
    | Finished
    | Validated
    | TargetTold
    | TargetFailed
    | TargetLeft
    | TargetLeftOut
    | StepStarted
    | StepTold
    | StepFinished
    | StepLeftOut
    | Unlocked
    | RunFinished
)
OnEvent = Callable[[Event], None]


def take_turns(on_event: OnEvent) -> OnEvent:
    """The same for several threads: what they tell comes one at a time."""
    lock = threading.Lock()

    def tell(event: Event) -> None:
        with lock:
            on_event(event)

    return tell

"""For people at a terminal: a progress bar with files, bytes and rate while contents are sent."""

from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from hfdeploy.render.words import count, say, say_error, say_plan
from hfdeploy_core import DeployError, Plan
from hfdeploy_core.events import (
    Event,
    Logged,
    Planned,
    RunFinished,
    TargetFailed,
    TargetLeft,
    TargetTold,
    Uploading,
    Waiting,
    Warned,
    WentLive,
)

_STYLES = {"+": "green", "~": "yellow", "-": "red"}


class Terminal:
    """Lines, and below them the bar of the upload that runs."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._bars: dict[str | None, TaskID] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def show(self, event: Event) -> None:
        told, target = (event.event, event.target) if isinstance(event, TargetTold) else (event, None)
        match told:
            case Uploading():
                self._advance(told, target)
            case Warned() | Waiting() | TargetLeft():
                self._print(say(event), "yellow")
            case TargetFailed():
                self._print(say(event), "red")
            case Planned() | WentLive() | RunFinished():
                self._print(say(event), "bold")
            case Logged():
                self._print(say(event), "dim")
            case _:
                self._print(say(event))

    def show_plan(self, plan: Plan, target: str | None = None) -> None:
        for line in say_plan(plan, target).splitlines():
            self._print(line, _STYLES.get(line[2:3], ""))

    def show_answer(self, name: str, facts: Any, text: str) -> None:
        self._print(text)

    def fail(self, error: DeployError, name: str, exit_code: int) -> None:
        self._progress.stop()
        Console(stderr=True, highlight=False, soft_wrap=True).print(Text(say_error(error), "red"))

    def _advance(self, event: Uploading, target: str | None) -> None:
        if target not in self._bars:
            self._progress.start()
            named = f"[{target}] " if target is not None else ""
            # As Text would be: a bracket is not markup.
            told = escape(f"{named}Uploading {count(event.files, 'file')}")
            self._bars[target] = self._progress.add_task(told, total=event.bytes_total)
        self._progress.update(self._bars[target], completed=event.bytes_done)
        if event.bytes_done >= event.bytes_total and self._progress.finished:
            self._progress.stop()

    def _print(self, line: str, style: str = "") -> None:
        # As Text: brackets in a file's name are not markup.
        self._console.print(Text(line, style))

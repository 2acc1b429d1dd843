"""For people at a terminal: a progress bar with files, bytes and rate while contents are sent."""

from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from hfdeploy.render.words import count, say, say_error, say_plan
from hfdeploy_core import DeployError, Plan
from hfdeploy_core.events import Event, Logged, Planned, Uploading, Waiting, Warned, WentLive

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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def show(self, event: Event) -> None:
        match event:
            case Uploading():
                self._advance(event)
            case Warned() | Waiting():
                self._print(say(event), "yellow")
            case Planned() | WentLive():
                self._print(say(event), "bold")
            case Logged():
                self._print(say(event), "dim")
            case _:
                self._print(say(event))

    def show_plan(self, plan: Plan) -> None:
        for line in say_plan(plan).splitlines():
            self._print(line, _STYLES.get(line[2:3], ""))

    def show_answer(self, name: str, facts: Any, text: str) -> None:
        self._print(text)

    def fail(self, error: DeployError, name: str, exit_code: int) -> None:
        self._progress.stop()
        Console(stderr=True, highlight=False, soft_wrap=True).print(Text(say_error(error), "red"))

    def _advance(self, event: Uploading) -> None:
        if not self._progress.task_ids:
            self._progress.start()
            self._progress.add_task(f"Uploading {count(event.files, 'file')}", total=event.bytes_total)
        self._progress.update(self._progress.task_ids[0], completed=event.bytes_done)
        if event.bytes_done >= event.bytes_total:
            self._progress.stop()

    def _print(self, line: str, style: str = "") -> None:
        # As Text: brackets in a file's name are not markup.
        self._console.print(Text(line, style))

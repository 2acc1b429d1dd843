"""Plain lines, for logs and pipes."""

from typing import Any, Self, TextIO

from hfdeploy.render.words import say, say_error, say_plan
from hfdeploy_core import DeployError, Plan
from hfdeploy_core.events import Event, TargetFailed, TargetLeft, TargetTold, Uploading, Waiting, Warned

_PROGRESS_STEPS = 10


class PlainLines:
    """A line an event: warnings and errors to `err`, progress in tenths."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out = out
        self._err = err
        # The tenth and the line of the upload that was shown last, by target.
        self._shown: dict[str, tuple[int, str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def show(self, event: Event) -> None:
        target, told = (event.target, event.event) if isinstance(event, TargetTold) else ("", event)
        if isinstance(told, Uploading):
            step = told.bytes_done * _PROGRESS_STEPS // max(told.bytes_total, 1)
            before, line = self._shown.get(target, (-1, ""))
            if step <= before or say(told) == line:
                return
            self._shown[target] = (step, say(told))
        stream = self._err if isinstance(told, Warned | Waiting | TargetFailed | TargetLeft) else self._out
        print(say(event), file=stream, flush=True)

    def show_plan(self, plan: Plan, target: str | None = None) -> None:
        print(say_plan(plan, target), file=self._out, flush=True)

    def show_answer(self, name: str, facts: Any, text: str) -> None:
        print(text, file=self._out, flush=True)

    def fail(self, error: DeployError, name: str, exit_code: int) -> None:
        print(say_error(error), file=self._err, flush=True)

"""Plain lines, for logs and pipes."""

from typing import Any, Self, TextIO

from hfdeploy.render.words import say, say_error, say_plan
from hfdeploy_core import DeployError, Plan
from hfdeploy_core.events import Event, Uploading, Waiting, Warned

_PROGRESS_STEPS = 10


class PlainLines:
    """A line an event: warnings and errors to `err`, progress in tenths."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out = out
        self._err = err
        self._step = -1
        self._told = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def show(self, event: Event) -> None:
        if isinstance(event, Uploading):
            step = event.bytes_done * _PROGRESS_STEPS // max(event.bytes_total, 1)
            if step <= self._step or say(event) == self._told:
                return
            self._step, self._told = step, say(event)
        stream = self._err if isinstance(event, Warned | Waiting) else self._out
        print(say(event), file=stream, flush=True)

    def show_plan(self, plan: Plan) -> None:
        print(say_plan(plan), file=self._out, flush=True)

    def show_answer(self, name: str, facts: Any, text: str) -> None:
        print(text, file=self._out, flush=True)

    def fail(self, error: DeployError, name: str, exit_code: int) -> None:
        print(say_error(error), file=self._err, flush=True)

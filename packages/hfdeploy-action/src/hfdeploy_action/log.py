"""The face in a workflow's log: lines, groups, annotations; what others wrote is never obeyed."""

import os
import re
from io import StringIO
from pathlib import PurePosixPath
from typing import Self, TextIO

from hfdeploy.render.plain import PlainLines
from hfdeploy.render.words import say_plan
from hfdeploy_action.commands import tame, write_command
from hfdeploy_action.errors import name_inputs, reword
from hfdeploy_core import DeployError, Plan, redact
from hfdeploy_core.errors import (
    CardInvalid,
    GateError,
    ManifestInvalid,
    PluginInvalid,
    RunFailed,
    SeveralFaults,
    ValueMissing,
)
from hfdeploy_core.events import Event, Logged, Scanned, TargetFailed, TargetTold, Warned

# Where errors about a manifest say that each fault is.
_FAULT = re.compile(r"(?P<file>[^\n]+?):(?P<line>\d+):(?P<col>\d+): (?P<message>[^\n]+)")

_PLACED = (ManifestInvalid, PluginInvalid, ValueMissing)
_SHORTEST_MASKED = 4

Place = dict[str, str | int | None]


class WorkflowLog:
    """Writes to `out`, which the runner reads. `source` is the folder as the repository names it."""

    def __init__(self, out: TextIO, source: str) -> None:
        self._out = out
        self._source = source
        self._lines = StringIO()
        self._plain = PlainLines(self._lines, self._lines)
        self._open_log = ""
        self._sources: dict[str, str] = {}
        self._failed: list[TargetFailed] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._close_group()

    def show(self, event: Event) -> None:
        target, told = (event.target, event.event) if isinstance(event, TargetTold) else ("", event)
        if isinstance(told, Logged):
            self._open_group(f"The {told.log} log{target and f' of {target}'}")
            self._say(told.text)
            return
        self._close_group()
        if isinstance(told, Warned):
            self.command("warning", name_inputs(told.message), title=_name_title(target))
        else:
            if isinstance(told, TargetFailed):
                self._failed.append(told)
            elif isinstance(told, Scanned) and target:
                self._sources[target] = os.path.relpath(told.source)
            self._plain.show(event)
            self._say(self._lines.getvalue())
            self._lines.seek(0)
            self._lines.truncate()

    def show_plan(self, plan: Plan, target: str | None = None) -> None:
        self._close_group()
        self.command("group", f"Plan for {plan.repo}")
        self._say(say_plan(plan, target))
        self.command("endgroup")

    def fail(self, error: DeployError, name: str, exit_code: int) -> None:
        self._close_group()
        if isinstance(error, GateError) and error.log:
            self.command("group", "The last lines of the log")
            self._say("\n".join(error.log))
            self.command("endgroup")
        if isinstance(error, RunFailed):
            for failed in self._failed:
                told = f"{failed.message}\n{failed.remedy}"
                self.command("error", told, title=_name_title(failed.target))
        elif self._failed:
            self._source = self._sources.get(self._failed[-1].target, self._source)
        message, remedy = reword(error)
        for words, place in find_places(error, message, self._source):
            self.command("error", f"{words}\n{remedy}", title=f"hfdeploy: {name}", **place)

    def mask(self, secret: str) -> None:
        """Have the runner mask it in all that this job prints from now on; not "1", which is everywhere."""
        for line in filter(lambda line: len(line) >= _SHORTEST_MASKED, secret.splitlines()):
            print(write_command("add-mask", line), file=self._out, flush=True)

    def command(self, name: str, message: str = "", **properties: str | int | None) -> None:
        """Have the runner do something."""
        print(write_command(name, redact(message), **properties), file=self._out, flush=True)

    def _say(self, text: str) -> None:
        """Text for people: masked, and no command whatever it says."""
        if text:
            print(tame(redact(text)), file=self._out, flush=True)

    def _open_group(self, title: str) -> None:
        if self._open_log != title:
            self._close_group()
            self._open_log = title
            self.command("group", title)

    def _close_group(self) -> None:
        if self._open_log:
            self._open_log = ""
            self.command("endgroup")


def find_places(error: DeployError, message: str, source: str) -> list[tuple[str, Place]]:
    """What to annotate, and at which file and line where the error is about one of the repository's."""
    if isinstance(error, SeveralFaults):
        told = [(fault, " ".join(reword(fault))) for fault in error.faults]
        return [place for fault, words in told for place in find_places(fault, words, source)]
    if isinstance(error, CardInvalid):
        file = PurePosixPath(source.replace("\\", "/"), error.file).as_posix()
        return [(message, {"file": file, "line": error.line})]
    if isinstance(error, _PLACED) and (faults := list(_FAULT.finditer(message))):
        return [
            (fault["message"], {name: fault[name] for name in ("file", "line", "col")}) for fault in faults
        ]
    return [(message, {})]


def _name_title(target: str) -> str:
    return f"hfdeploy: {target}" if target else "hfdeploy"

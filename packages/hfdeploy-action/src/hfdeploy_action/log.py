"""The face in a workflow's log: lines, groups, annotations; what others wrote is never obeyed."""

from io import StringIO
from pathlib import PurePosixPath
from typing import Self, TextIO

from hfdeploy.render.plain import PlainLines
from hfdeploy.render.words import say_plan
from hfdeploy_action.commands import tame, write_command
from hfdeploy_action.errors import reword
from hfdeploy_core import DeployError, Plan, redact
from hfdeploy_core.errors import CardInvalid, GateError
from hfdeploy_core.events import Event, Logged, Warned


class WorkflowLog:
    """Writes to `out`, which the runner reads. `source` is the folder as the repository names it."""

    def __init__(self, out: TextIO, source: str) -> None:
        self._out = out
        self._source = source
        self._lines = StringIO()
        self._plain = PlainLines(self._lines, self._lines)
        self._open_log = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._close_group()

    def show(self, event: Event) -> None:
        if isinstance(event, Logged):
            self._open_group(event.log)
            self._say(event.text)
            return
        self._close_group()
        if isinstance(event, Warned):
            self.command("warning", event.message, title="hfdeploy")
        else:
            self._plain.show(event)
            self._say(self._lines.getvalue())
            self._lines.seek(0)
            self._lines.truncate()

    def show_plan(self, plan: Plan) -> None:
        self._close_group()
        self.command("group", f"Plan for {plan.repo}")
        self._say(say_plan(plan))
        self.command("endgroup")

    def fail(self, error: DeployError, name: str, exit_code: int) -> None:
        self._close_group()
        if isinstance(error, GateError) and error.log:
            self.command("group", "The last lines of the log")
            self._say("\n".join(error.log))
            self.command("endgroup")
        place = find_place(error, self._source)
        self.command("error", "\n".join(reword(error)), title=f"hfdeploy: {name}", **place)

    def mask(self, secret: str) -> None:
        """Have the runner mask it in all that this job prints from now on."""
        for line in secret.splitlines():
            print(write_command("add-mask", line), file=self._out, flush=True)

    def command(self, name: str, message: str = "", **properties: str | int | None) -> None:
        """Have the runner do something."""
        print(write_command(name, redact(message), **properties), file=self._out, flush=True)

    def _say(self, text: str) -> None:
        """Text for people: masked, and no command whatever it says."""
        if text:
            print(tame(redact(text)), file=self._out, flush=True)

    def _open_group(self, log: str) -> None:
        if self._open_log != log:
            self._close_group()
            self._open_log = log
            self.command("group", f"The {log} log")

    def _close_group(self) -> None:
        if self._open_log:
            self._open_log = ""
            self.command("endgroup")


def find_place(error: DeployError, source: str) -> dict[str, str | int | None]:
    """File and line of what an error is about, where it is about a file of the source."""
    if isinstance(error, CardInvalid):
        return {"file": PurePosixPath(source.replace("\\", "/"), error.file).as_posix(), "line": error.line}
    return {}

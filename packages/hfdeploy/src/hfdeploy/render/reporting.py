"""Keeps what a run told, and writes a report of it when it is over, however it ended."""

import json
import time
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from hfdeploy.render.facts import describe_error, describe_event
from hfdeploy.render.port import Renderer
from hfdeploy.render.report import render_report
from hfdeploy_core import DeployError, Plan
from hfdeploy_core.events import Event, Warned
from hfdeploy_core.planning.document import describe_plan


class Reporting:
    """Passes everything on to another face, and writes `file` at the end: a page, or JSON."""

    def __init__(self, inner: AbstractContextManager[Renderer], file: str) -> None:
        self._inner = inner
        self._file = Path(file)
        self._stack = ExitStack()
        self._started = time.monotonic()
        self._report: dict[str, Any] = {
            "version": 1,
            "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "records": [],
        }

    def __enter__(self) -> Self:
        self._face = self._stack.enter_context(self._inner)
        return self

    def __exit__(self, *exception: Any) -> None:
        is_page = self._file.suffix == ".html"
        text = render_report(self._report) if is_page else json.dumps(self._report, indent=1)
        try:
            self._file.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            reason = error.strerror or error
            self._face.show(Warned(f"The report {self._file} cannot be written: {reason}."))
        self._stack.__exit__(*exception)

    def show(self, event: Event) -> None:
        self._keep(describe_event(event))
        self._face.show(event)

    def show_plan(self, plan: Plan, target: str | None = None) -> None:
        self._keep({"event": "plan", "target": target or "", **describe_plan(plan)})
        self._face.show_plan(plan, target)

    def show_answer(self, name: str, facts: Any, text: str) -> None:
        self._face.show_answer(name, facts, text)

    def fail(self, error: DeployError, name: str, exit_code: int) -> None:
        self._keep(describe_error(error, name, exit_code))
        self._face.fail(error, name, exit_code)

    def _keep(self, facts: dict[str, Any]) -> None:
        at_seconds = round(time.monotonic() - self._started, 3)
        self._report["records"].append({"at_seconds": at_seconds, **facts})

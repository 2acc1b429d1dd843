"""What became of a deploy, and how the step's summary tells it."""

import re
from dataclasses import dataclass

from hfdeploy.render.words import count, format_bytes, say_plan
from hfdeploy_action.errors import name_inputs, reword
from hfdeploy_core import DeployError, Outcome, Plan
from hfdeploy_core.clock import Clock
from hfdeploy_core.errors import GateError
from hfdeploy_core.events import (
    Committed,
    Deleted,
    Event,
    Finished,
    Planned,
    RepoCreated,
    RunFinished,
    SettingChanged,
    SettingRemoved,
    TargetFailed,
    TargetLeft,
    TargetTold,
    VisibilityChanged,
    Warned,
    WentLive,
)

_CHANGES = (RepoCreated, VisibilityChanged, SettingChanged, SettingRemoved, Committed, Deleted)
_MOST_LINES = 500


@dataclass(frozen=True, slots=True)
class Report:
    """All that the summary is made from.

    `ending` is None where a manifest was carried out, or where there are only `plans`, by the name of the
    target in the manifest, if there is one. `targets` are these names and what became of them, and `phases`
    names and seconds, in order.
    """

    repo: str
    ending: Outcome | DeployError | None
    plans: tuple[tuple[str | None, Plan], ...] | None = None
    targets: tuple[tuple[str, str], ...] = ()
    planned: tuple[Planned, ...] = ()
    phases: tuple[tuple[str, float], ...] = ()
    warnings: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()


class Recorder:
    """Hears the events, and knows at the end what happened and how long it took."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since = clock.seconds()
        self._planned: dict[str, Planned] = {}
        self._phases: dict[str, float] = {}
        self._targets: dict[str, str] = {}
        self._warnings: list[str] = []
        self._deleted: list[str] = []
        # What became of the targets of a manifest that were deployed, also if others failed.
        self.outcomes: dict[str, Outcome] = {}
        # Whether anything was changed, also if it ended in a failure.
        self.has_changed = False

    def show(self, event: Event) -> None:
        told = event.event if isinstance(event, TargetTold) else event
        self.has_changed = self.has_changed or isinstance(told, _CHANGES)
        match event:
            case Warned():
                self._warnings.append(name_inputs(event.message))
            case Planned():
                self._planned[event.repo_id] = event
                self._end_phase("read and plan")
            case Committed():
                self._end_phase("upload and commit")
            case WentLive():
                self._end_phase("until it was live")
            case Deleted():
                self._deleted.append(event.repo_id)
            case RunFinished():
                self._phases["carry it out"] = event.elapsed_seconds
            case TargetFailed():
                self._targets[event.target] = f"❌ {_escape(event.message)} {_escape(event.remedy)}"
            case TargetLeft():
                self._targets[event.target] = f"left alone: it needs {_escape(', '.join(event.because))}"
            case TargetTold(event=Finished(outcome)):
                self._targets[event.target] = f"✅ {_link(outcome)}"
                self.outcomes[event.target] = outcome
            case TargetTold(event=Planned() as planned):
                self._planned[planned.repo_id] = planned
            case TargetTold(event=Warned(message)):
                self._warnings.append(f"{event.target}: {message}")

    def conclude(
        self,
        repo: str,
        ending: Outcome | DeployError | None,
        plans: tuple[tuple[str | None, Plan], ...] | None = None,
    ) -> Report:
        return Report(
            repo,
            ending,
            plans,
            tuple(self._targets.items()),
            tuple(self._planned.values()),
            tuple(self._phases.items()),
            tuple(self._warnings),
            tuple(self._deleted),
        )

    def _end_phase(self, name: str) -> None:
        now = self._clock.seconds()
        self._phases[name] = self._phases.get(name, 0) + now - self._since
        self._since = now


def write_report(report: Report) -> str:
    """The summary of a step, as Markdown. Pure; names and logs stay what they are, whatever they hold."""
    parts = [_write_ending(report)]
    if report.planned:
        parts.append(_write_table(("repo", "files", "to send at most"), *map(_count_files, report.planned)))
    if report.targets:
        parts.append(_write_table(("target", "what became of it"), *report.targets))
    if changed := [say_plan(plan, name) for name, plan in report.plans or () if plan.changes]:
        parts.append(_write_details("The plan", "\n\n".join(changed)))
    if isinstance(report.ending, GateError) and report.ending.log:
        parts.append(_write_details("The last lines of the log", "\n".join(report.ending.log)))
    if report.phases:
        rows = [(name, f"{seconds:.1f} s") for name, seconds in report.phases]
        parts.append(_write_table(("what took how long", ""), *rows))
    if report.warnings:
        parts.append("\n".join(f"- ⚠️ {_escape(warning)}" for warning in report.warnings[:_MOST_LINES]))
    return "\n\n".join(parts) + "\n"


def write_skipped(reason: str) -> str:
    """The summary where nothing was done."""
    return f"### Not deployed\n\n{_escape(reason)}\n"


def _write_ending(report: Report) -> str:
    ending = report.ending
    if isinstance(ending, DeployError):
        told = "\n\n".join("\n".join(map(_escape, text.splitlines())) for text in reword(ending))
        return f"### ❌ {_escape(report.repo)} was not deployed\n\n{told}"
    if report.plans is not None:
        verb = "would change" if any(plan.changes for _, plan in report.plans) else "would stay as it is"
        return f"### {_escape(report.repo)} {verb}"
    if report.deleted:
        return f"### {_escape(', '.join(report.deleted))} deleted"
    if ending is None:
        done = f"✅ {_escape(report.repo)} was carried out"
        return f"### {done if report.planned else 'Nothing to delete'}"
    rows = [("repo", _link(ending))]
    if ending.space_url:
        rows.append(("app", ending.space_url))
    if ending.proxy_enabled:
        rows += [("relay", _escape(ending.proxy_repo_id)), ("relay's app", ending.proxy_url)]
    rows += [("commit", f"`{ending.commit}`"), ("plan", f"`{ending.plan_digest}`")]
    verb = "was deployed" if ending.changed else "has it all already"
    return f"### ✅ {_escape(ending.repo_id)} {verb}\n\n{_write_table(('', ''), *rows)}"


def _link(outcome: Outcome) -> str:
    return f"[{_escape(outcome.repo_id)}]({outcome.repo_url})"


def _count_files(planned: Planned) -> tuple[str, str, str]:
    counted = {
        "added": planned.files_added,
        "updated": planned.files_updated,
        "deleted": planned.files_deleted,
        "unchanged": planned.files_unchanged,
    }
    told = [f"{number:,} {what}" for what, number in counted.items() if number]
    if planned.settings_changed:
        told.append(f"{count(planned.settings_changed, 'setting')} changed")
    return _escape(planned.repo_id), ", ".join(told) or "none", format_bytes(planned.bytes_to_send)


def _write_table(*rows: tuple[str, ...]) -> str:
    """Rows of cells, the first of them the head."""
    head, *body = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([head, f"|{' --- |' * len(rows[0])}", *body])


def _write_details(title: str, text: str) -> str:
    lines = text.splitlines()
    if len(lines) > _MOST_LINES:
        lines = [*lines[:_MOST_LINES], f"... and {len(lines) - _MOST_LINES:,} more lines"]
    # Indented, so that no backtick in a line can end the block.
    block = "\n".join(f"    {line}" for line in lines)
    return f"<details><summary>{title}</summary>\n\n{block}\n\n</details>"


def _escape(text: str) -> str:
    """One line of plain text: no Markdown, no HTML, no cell's end."""
    return re.sub(r"([\\`*_{}\[\]<>#|~!@&])", r"\\\1", " ".join(text.split()))

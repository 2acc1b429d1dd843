"""Carries steps out, one after the other, and remembers which were done if the run is cut short."""

import hashlib
import json
import threading
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from pydantic import BaseModel, ValidationError

from hfdeploy_core.clock import Clock
from hfdeploy_core.errors import DeployError, PluginInvalid, StateUnwritable, StepFailed, ValueMissing
from hfdeploy_core.events import OnEvent, StepFinished, StepLeftOut, StepStarted, StepTold
from hfdeploy_core.manifest.conditions import Circumstances, asks_for_result, decide
from hfdeploy_core.manifest.model import Step
from hfdeploy_core.manifest.references import Kind, Reference, fill_all
from hfdeploy_core.redact import redact
from hfdeploy_core.running.flow import Over
from hfdeploy_core.running.registry import find_step
from hfdeploy_core.running.steps.context import StepContext, StepKind
from hfdeploy_core.source.cache import make_state_folder

_LOGS = "logs"


class Progress:
    """Which steps a run has done, on the disk before the next begins: where a run was cut short it goes on.

    `digest` names what the run is about; another run begins anew. A step that was rewritten is another.
    """

    def __init__(self, file: Path, digest: str) -> None:
        self._file = file
        self._digest = digest
        self._lock = threading.Lock()
        self._done = self._read()

    def has_done(self, step: Step) -> bool:
        """Whether an earlier try of this run has done that step."""
        return _sign(step) in self._done

    def note(self, step: Step) -> None:
        """Write down that a step is done."""
        with self._lock:
            self._done.add(_sign(step))
            fresh = self._file.with_suffix(".new")
            with _writing(self._file):
                make_state_folder(self._file.parent)
                fresh.write_text(json.dumps({"digest": self._digest, "done": sorted(self._done)}))
                fresh.replace(self._file)

    def end(self) -> None:
        """The run is over and all went well."""
        self._file.unlink(missing_ok=True)

    def _read(self) -> set[str]:
        try:
            told = json.loads(self._file.read_text(encoding="utf-8"))
            return set(told["done"]) if told["digest"] == self._digest else set()
        except (OSError, ValueError, KeyError, TypeError):
            return set()


def digest_run(facts: Iterable[str]) -> str:
    """A name for what a run is about."""
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Stepper:
    """What steps of a run share. `state` is the folder for logs, `targets` are those of the run."""

    folder: Path
    state: Path
    environment: Mapping[str, str]
    progress: Progress
    clock: Clock
    targets: Container[str]
    over: Over

    def take(
        self,
        steps: Iterable[Step],
        circumstances: Circumstances,
        values: Mapping[Reference, str],
        on_event: OnEvent,
    ) -> None:
        """Do these steps, as far as they are meant; after one that fails only those that ask for that.

        Raises its failure then.
        """
        failure: DeployError | None = None
        for step in steps:
            reason = self._find_reason(step, circumstances)
            if reason is not None:
                on_event(StepLeftOut(_name(step), reason))
                continue
            try:
                self._do(step, circumstances, values, on_event)
            except DeployError as error:
                failure = failure or error
                circumstances = replace(circumstances, result="failed")
                continue
            # What is done about a failure is done about the next one, too.
            if circumstances.result == "done":
                self.progress.note(step)
        if failure is not None:
            raise failure

    def _find_reason(self, step: Step, circumstances: Circumstances) -> str | None:
        """Why a step is left out, if it is."""
        if step.skip:
            return "the manifest skips it"
        named = {reference.name for reference in step.references if reference.kind is Kind.TARGETS}
        if absent := sorted(name for name in named if name not in self.targets):
            return f"this run is not about {', '.join(absent)}"
        if self.progress.has_done(step):
            return "it was done before the run was cut short"
        if circumstances.result != "done" and not (step.when and asks_for_result(step.when)):
            return "something before it failed"
        if step.when is not None and not decide(step.when, circumstances):
            return f"{step.when} does not hold"
        return None

    def _do(
        self, step: Step, circumstances: Circumstances, values: Mapping[Reference, str], on_event: OnEvent
    ) -> None:
        name, started_seconds = _name(step), self.clock.seconds()
        if missing := step.references - values.keys():
            raise ValueMissing(
                f"{step.at}: {', '.join(sorted(map(str, missing)))} is not known here.", "Drop it."
            )
        kind = find_step(step.kind)
        model = read_asked(kind, step, fill_all(step.fields, values))
        on_event(StepStarted(name, step.kind))
        with self._open_log(step) as kept:

            def tell(line: str) -> None:
                told = redact(line)
                print(told, file=kept, flush=True)
                on_event(StepTold(name, told))

            context = StepContext(
                self.folder,
                circumstances.target,
                circumstances.profile,
                self.environment,
                tell,
                self.clock,
                self.over,
            )
            try:
                kind.run(model, context)
            except StepFailed as error:
                raise StepFailed(f"{name}: {error.message}", error.remedy) from error
        on_event(StepFinished(name, self.clock.seconds() - started_seconds))

    def _open_log(self, step: Step) -> TextIO:
        log = self.state / _LOGS / f"{step.key}.log"
        with _writing(log):
            make_state_folder(self.state)
            log.parent.mkdir(exist_ok=True)
            return log.open("w", encoding="utf-8")


def read_asked(kind: StepKind, step: Step, fields: Mapping[str, Any]) -> BaseModel:
    """What a step is asked for, as its kind has it. Raises PluginInvalid where that is something else."""
    asked = fields["arguments"] if "." in step.kind else {**fields, "type": step.kind}
    try:
        return kind.model.model_validate(asked)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        what = ".".join(map(str, first["loc"])) or "arguments"
        raise PluginInvalid(
            f"{step.kind}: {what}: {first['msg']}.", "Correct the step's arguments."
        ) from None


@contextmanager
def _writing(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StateUnwritable(f"{file} cannot be written: {error.strerror or error}.") from error


def _sign(step: Step) -> str:
    return f"{step.key} {digest_run([step.kind, repr(step.fields)])}"


def _name(step: Step) -> str:
    return step.name or f"{step.kind} ({step.key})"

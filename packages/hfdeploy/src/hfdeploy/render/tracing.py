"""Spans of OpenTelemetry for a run, its targets and its steps. An extra: `pip install 'hfdeploy[otel]'`."""

from contextlib import AbstractContextManager, ExitStack
from typing import Any, Self

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from hfdeploy.render.port import Renderer
from hfdeploy_core import DeployError, Plan, redact
from hfdeploy_core.events import (
    Event,
    Finished,
    StepFinished,
    StepStarted,
    TargetFailed,
    TargetTold,
)

_FLUSH_MILLISECONDS = 3000


class Tracing:
    """Passes everything on to another face, and tells `provider` of what takes time."""

    def __init__(self, inner: AbstractContextManager[Renderer], provider: TracerProvider) -> None:
        self._inner = inner
        self._provider = provider
        self._tracer = provider.get_tracer("hfdeploy")
        self._stack = ExitStack()
        self._spans: dict[str, trace.Span] = {}

    def __enter__(self) -> Self:
        self._face = self._stack.enter_context(self._inner)
        self._root = self._tracer.start_span("hfdeploy")
        return self

    def __exit__(self, *exception: Any) -> None:
        for span in (*self._spans.values(), self._root):
            span.end()
        self._provider.force_flush(_FLUSH_MILLISECONDS)
        self._stack.__exit__(*exception)

    def show(self, event: Event) -> None:
        told, target = (event.event, event.target) if isinstance(event, TargetTold) else (event, "")
        if target:
            self._begin(f"target {target}", self._root)
        match told:
            case StepStarted():
                above = self._spans.get(f"target {target}", self._root)
                self._begin(f"step {told.step}", above).set_attribute("hfdeploy.kind", told.kind)
            case StepFinished():
                self._end(f"step {told.step}")
            case Finished(outcome=outcome):
                span = self._spans.get(f"target {target}", self._root)
                span.set_attribute("hfdeploy.repo", outcome.repo_id)
                span.set_attribute("hfdeploy.commit", outcome.commit)
            case TargetFailed():
                self._fail(self._begin(f"target {told.target}", self._root), told.error, told.message)
        self._face.show(event)

    def show_plan(self, plan: Plan, target: str | None = None) -> None:
        self._face.show_plan(plan, target)

    def show_answer(self, name: str, facts: Any, text: str) -> None:
        self._face.show_answer(name, facts, text)

    def fail(self, error: DeployError, name: str, exit_code: int) -> None:
        self._fail(self._root, name, error.message)
        self._face.fail(error, name, exit_code)

    def _begin(self, name: str, above: trace.Span) -> trace.Span:
        if name not in self._spans:
            context = trace.set_span_in_context(above)
            self._spans[name] = self._tracer.start_span(redact(name), context)
        return self._spans[name]

    def _end(self, name: str) -> None:
        if (span := self._spans.pop(name, None)) is not None:
            span.end()

    def _fail(self, span: trace.Span, error: str, message: str) -> None:
        span.set_attribute("error.type", error)
        span.set_status(trace.StatusCode.ERROR, message)


def make_provider() -> TracerProvider:
    """One that exports by OTLP, as `OTEL_*` variables say."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    # What cannot be sent in time is lost: nobody waits at the end for a collector that is away.
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=_FLUSH_MILLISECONDS // 1000)))
    return provider

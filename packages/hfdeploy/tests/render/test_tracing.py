import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from hfdeploy.render import json_lines, open_renderer
from hfdeploy.render.tracing import Tracing
from hfdeploy_core.errors import AppFailed
from hfdeploy_core.events import Finished, StepFinished, StepStarted, TargetFailed, TargetTold, Warned
from hfdeploy_core.model import Outcome, RepoType


def test_a_run_is_a_span_and_so_are_its_targets_and_steps(capsys: pytest.CaptureFixture[str]) -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    outcome = Outcome("a/app", RepoType.SPACE, "url", "c0ffee")
    with Tracing(open_renderer(as_json=True), provider) as renderer:
        renderer.show(StepStarted("first", "run"))
        renderer.show(StepFinished("first", 0.1))
        renderer.show(TargetTold("app", Warned("Careful.")))
        renderer.show(TargetTold("app", StepStarted("own", "http")))
        renderer.show(TargetTold("app", Finished(outcome)))
        renderer.show(TargetFailed("m", "AppFailed", "It crashed.", "Mend it.", 51))
        renderer.fail(AppFailed("It crashed."), "AppFailed", 51)
    spans = {span.name: span for span in kept.get_finished_spans()}
    assert set(spans) == {"hfdeploy", "step first", "target app", "step own", "target m"}
    root = spans["hfdeploy"].context.span_id
    assert spans["target app"].parent.span_id == spans["step first"].parent.span_id == root
    assert spans["step own"].parent.span_id == spans["target app"].context.span_id
    assert spans["target app"].attributes["hfdeploy.commit"] == "c0ffee"
    assert spans["target m"].attributes["error.type"] == "AppFailed"
    assert {name for name, span in spans.items() if span.status.status_code is StatusCode.ERROR} == {
        "hfdeploy",
        "target m",
    }
    assert capsys.readouterr().out.count("\n") == 7


def test_spans_are_sent_only_where_somebody_asked_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    assert isinstance(open_renderer(as_json=True), json_lines.JsonLines)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    assert isinstance(open_renderer(as_json=True), Tracing)

from collections.abc import Callable, Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from hfdeploy_proxy.operations import tracing

from ..conftest import Relay, Upstream

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    found = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(found))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    assert tracing.find_provider() is provider
    yield found
    provider.shutdown()


def test_a_span_stands_between_the_clients_and_the_upstreams(
    start_relay: Callable[..., Relay], upstream: Upstream, exporter: InMemorySpanExporter, canary: str
) -> None:
    relay = start_relay(tracing=True)
    relay.ask("GET", f"/a/{canary}", f"traceparent: {PARENT}", "tracestate: a=b")
    upstream.answers(b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n")
    relay.ask("GET", "/")
    first, second = exporter.get_finished_spans()
    (passed,) = upstream.seen[0].values("traceparent")
    assert first.context is not None
    assert first.parent is not None
    assert first.attributes is not None
    assert passed == f"00-0af7651916cd43dd8448eb211c80319c-{first.context.span_id:016x}-01"
    assert upstream.seen[0].values("tracestate") == ["a=b"]
    assert first.parent.span_id == 0xB7AD6B7169203331
    assert first.attributes["http.response.status_code"] == 200
    assert first.attributes["url.path"] == "/a/hf_***"
    assert second.parent is None
    assert second.status.status_code is trace.StatusCode.ERROR


def test_without_it_a_trace_passes_as_it_is(relay: Relay, upstream: Upstream) -> None:
    relay.ask("GET", "/", f"traceparent: {PARENT}")
    assert upstream.seen[0].values("traceparent") == [PARENT]

import asyncio
from collections.abc import Callable, Iterator

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from hfdeploy_proxy import create_app
from hfdeploy_proxy.operations import tracing
from hfdeploy_proxy.settings import load_settings

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


def test_no_span_is_lost_when_it_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=60_000))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)

    async def visit() -> None:
        app = create_app(load_settings(target_url="http://127.0.0.1:9", tracing=True))
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://relay.test") as client:
            assert (await client.get("/")).status_code == 502
        assert not exporter.get_finished_spans()
        await app.close()

    asyncio.run(visit())
    assert len(exporter.get_finished_spans()) == 1
    provider.shutdown()


def test_without_it_a_trace_passes_as_it_is(relay: Relay, upstream: Upstream) -> None:
    relay.ask("GET", "/", f"traceparent: {PARENT}")
    assert upstream.seen[0].values("traceparent") == [PARENT]

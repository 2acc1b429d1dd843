"""A span of OpenTelemetry for each request, between the client's and the upstream's. An extra: `otel`."""

from opentelemetry import propagate, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from hfdeploy_proxy.relay.client import App, Message, Receive, Scope, Send
from hfdeploy_proxy.rules.redact import redact


class Tracing:
    """An application around another."""

    def __init__(self, app: App, provider: TracerProvider) -> None:
        self._app = app
        self._tracer = provider.get_tracer("hfdeploy_proxy")
        self._fields = frozenset(name.encode() for name in propagate.get_global_textmap().fields)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        told = {
            name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in self._fields
        }
        method = scope.get("method", "WEBSOCKET")
        attributes = {"http.request.method": method, "url.path": redact(scope["path"])}
        with self._tracer.start_as_current_span(
            method, propagate.extract(told), trace.SpanKind.SERVER, attributes
        ) as span:
            passed: dict[str, str] = {}
            propagate.inject(passed)
            headers = [pair for pair in scope["headers"] if pair[0] not in self._fields]
            headers += [(name.encode(), value.encode("latin-1")) for name, value in passed.items()]

            async def note(message: Message) -> None:
                if message["type"].endswith((".start", ".accept")):
                    status = message.get("status", 101)
                    span.set_attribute("http.response.status_code", status)
                    if status >= 500:
                        span.set_status(trace.StatusCode.ERROR)
                await send(message)

            await self._app({**scope, "headers": headers}, receive, note)


def find_provider() -> TracerProvider:
    """The one of the process where it has one; else one that exports by OTLP, as `OTEL_*` variables say."""
    known = trace.get_tracer_provider()
    if isinstance(known, TracerProvider):
        return known
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider

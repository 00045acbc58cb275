"""Export traces by OTLP over HTTP, with OpenTelemetry's SDK. Only ``open_tracing`` imports it.

Where they go, and which are kept, say OpenTelemetry's own variables: ``OTEL_EXPORTER_OTLP_ENDPOINT``,
``OTEL_EXPORTER_OTLP_HEADERS``, ``OTEL_SERVICE_NAME``, ``OTEL_RESOURCE_ATTRIBUTES``, ``OTEL_TRACES_SAMPLER`` and
``OTEL_TRACES_SAMPLER_ARG`` (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Link, SpanKind, StatusCode, get_current_span
from opentelemetry.trace import Span as OtelSpan
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from cx_runtime.release import release
from cx_runtime.tracing import Kind, Span, Tracing

CLOSE_SECONDS = 3.0
MOST_LINKS = 128
"""OpenTelemetry's own bound on the links of a span."""

_KINDS = {
    "internal": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
}
_READER = TraceContextTextMapPropagator()


class _Span(Span):
    def __init__(self, span: OtelSpan) -> None:
        self._span = span

    def describe(self, name: str = "", failed: str = "", **attributes: str | int) -> None:
        if name:
            self._span.update_name(name)
        if failed:
            self._span.set_status(StatusCode.ERROR, failed)
        self._span.set_attributes(_dotted(attributes))

    def end(self) -> None:
        self._span.end()


class OtlpTracing(Tracing):
    """The traces of a process that exports them. ``exporter``: where to, OTLP by default."""

    on = True

    def __init__(self, service: str, exporter: SpanExporter | None = None) -> None:
        resource = Resource.create({SERVICE_VERSION: release()})
        if str(resource.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
            resource = resource.merge(Resource({SERVICE_NAME: service}))
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("throughline")

    @contextmanager
    def span(
        self,
        name: str,
        kind: Kind = "internal",
        *,
        parent: str | None = None,
        links: Iterable[str] = (),
        **attributes: str | int,
    ) -> Iterator[Span]:
        context = None if parent is None else _remote(parent)
        linked = [Link(get_current_span(_remote(each)).get_span_context()) for each in list(links)[:MOST_LINKS]]
        with self._tracer.start_as_current_span(
            name,
            context,
            _KINDS[kind],
            _dotted(attributes),
            links=[each for each in linked if each.context.is_valid],
            record_exception=False,
            set_status_on_exception=False,
            end_on_exit=False,
        ) as span:
            try:
                yield _Span(span)
            except BaseException as error:
                span.set_status(StatusCode.ERROR, type(error).__name__)
                raise
            finally:
                if span.is_recording():
                    span.end()

    def traceparent(self) -> str:
        found = get_current_span().get_span_context()
        if not found.is_valid:
            return ""
        return f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags:02x}"

    def ids(self) -> Mapping[str, str]:
        found = get_current_span().get_span_context()
        return {"trace_id": f"{found.trace_id:032x}", "span_id": f"{found.span_id:016x}"} if found.is_valid else {}

    def close(self) -> None:
        # A collector that is away must not hold up the end: the exporter tries again for longer than that.
        closing = threading.Thread(target=self._provider.shutdown, name="cx-traces", daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)


def _remote(traceparent: str) -> Context:
    """Return a context whose span is another process's; one without a span for "" and for what is no traceparent."""
    return _READER.extract({"traceparent": traceparent}, Context())


def _dotted(attributes: Mapping[str, str | int]) -> dict[str, str | int]:
    return {name.replace("__", "."): value for name, value in attributes.items()}

"""OpenTelemetry switched on for a test, and what it made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from dynamodb_py.contrib.opentelemetry import DynamoDBInstrumentor


class Traced:
    """The spans and records so far."""

    def __init__(self, **options: Any) -> None:
        self._spans, self.provider = InMemorySpanExporter(), TracerProvider(**options)
        self.provider.add_span_processor(SimpleSpanProcessor(self._spans))
        self._reader = InMemoryMetricReader()
        self.meters = MeterProvider([self._reader])
        self.tracer = self.provider.get_tracer("test")

    @property
    def spans(self) -> list[ReadableSpan]:
        """The spans that ended, in the order of their ends."""
        return list(self._spans.get_finished_spans())

    def take(self) -> list[ReadableSpan]:
        """Return the spans that ended, and forget them."""
        taken = self.spans
        self._spans.clear()
        return taken

    @property
    def requests(self) -> list[ReadableSpan]:
        return [each for each in self.spans if each.kind is SpanKind.CLIENT]

    @property
    def verbs(self) -> list[ReadableSpan]:
        return [each for each in self.spans if each.kind is SpanKind.INTERNAL]

    @property
    def names(self) -> list[str]:
        return [each.name for each in self.spans]

    @property
    def points(self) -> list[Any]:
        """The points of the histogram of durations."""
        data = self._reader.get_metrics_data()
        if data is None:
            return []
        [metric] = data.resource_metrics[0].scope_metrics[0].metrics
        assert (metric.name, metric.unit) == ("db.client.operation.duration", "s")
        return list(metric.data.data_points)


@contextmanager
def instrumented(**options: Any) -> Iterator[Traced]:
    """Trace what the package does in a block."""
    traced = Traced()
    instrumentor = DynamoDBInstrumentor()
    instrumentor.instrument(
        tracer_provider=traced.provider, meter_provider=traced.meters, **options
    )
    try:
        yield traced
    finally:
        instrumentor.uninstrument()


@contextmanager
def instrumented_botocore() -> Iterator[Traced]:
    """Trace what botocore does in a block."""
    traced = Traced()
    instrumentor = BotocoreInstrumentor()
    instrumentor.instrument(tracer_provider=traced.provider, meter_provider=traced.meters)
    try:
        yield traced
    finally:
        instrumentor.uninstrument()

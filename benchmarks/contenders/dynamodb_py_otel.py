"""dynamodb_py under OpenTelemetry: its own spans and records, over its own wire."""

from __future__ import annotations

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider

from contenders import dynamodb_py
from dynamodb_py.contrib.opentelemetry import DynamoDBInstrumentor


class Contestant(dynamodb_py.Contestant):
    """dynamodb_py's models, each verb and each request a span."""

    title = "dynamodb_py, OpenTelemetry"
    imports = cold = ""

    def __init__(self, endpoint: str) -> None:
        DynamoDBInstrumentor().instrument(
            tracer_provider=TracerProvider(), meter_provider=MeterProvider([InMemoryMetricReader()])
        )
        super().__init__(endpoint)

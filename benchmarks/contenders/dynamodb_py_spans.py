"""dynamodb_py without instrumentation, and the same spans and record made by hand around each get.

What OpenTelemetry's SDK itself costs: two spans with the attributes of a get, and one record.
"""

from __future__ import annotations

import time
from typing import Any

import shapes
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind

from contenders import REGION, dynamodb_py

_RECORD = {
    "db.system.name": "aws.dynamodb",
    "db.operation.name": "GetItem",
    "db.collection.name": shapes.TABLE,
    "server.address": "127.0.0.1",
    "server.port": 8000,
}
_REQUEST = {
    **_RECORD,
    "rpc.system": "aws-api",
    "rpc.service": "DynamoDB",
    "rpc.method": "GetItem",
    "cloud.region": REGION,
    "aws.dynamodb.table_names": (shapes.TABLE,),
}
_VERB = {
    "db.system.name": "aws.dynamodb",
    "db.operation.name": "get",
    "db.collection.name": shapes.TABLE,
    "aws.dynamodb.scanned_count": 1,
    "aws.dynamodb.count": 1,
    "dynamodb_py.attempts": 1,
}


class Contestant(dynamodb_py.Contestant):
    """dynamodb_py's models, spans around them."""

    title = "dynamodb_py, spans by hand"
    imports = cold = ""

    def __init__(self, endpoint: str) -> None:
        self._tracer = TracerProvider().get_tracer("benchmarks")
        meter = MeterProvider([InMemoryMetricReader()]).get_meter("benchmarks")
        self._duration = meter.create_histogram("db.client.operation.duration", unit="s")
        super().__init__(endpoint)

    def get(self) -> Any:
        started = time.perf_counter()
        start = self._tracer.start_as_current_span
        with start(f"get {shapes.TABLE}", attributes=_VERB):
            with start(f"GetItem {shapes.TABLE}", kind=SpanKind.CLIENT, attributes=_REQUEST):
                item = super().get()
            self._duration.record(time.perf_counter() - started, _RECORD)
        return item

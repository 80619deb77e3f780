"""OpenTelemetry: spans of verbs and requests, and a metric of requests.

Names and attributes follow the semantic conventions for databases and for DynamoDB; some attributes are for X-Ray,
which recognizes calls of AWS by them. No span has keys or values of items.
https://opentelemetry.io/docs/specs/semconv/database/dynamodb/
"""

from __future__ import annotations

import time
from collections.abc import Collection, Generator, Sequence
from contextvars import ContextVar
from threading import Lock
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.instrumentation import instrumentor
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.metrics import Histogram, get_meter
from opentelemetry.trace import (
    Span,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    get_tracer,
    set_span_in_context,
)

from ..exceptions import RequestError
from ..metering import is_read
from ..observing import TRACERS, Observer, Trace
from ..observing.log import describe_error
from ..observing.requests import SentRequest
from ..operations.base import Operation, Step
from ..operations.items import GetItem
from ..operations.queries import Query, Scan

T = TypeVar("T")

_encode = msgspec.json.encode

_SYSTEM = "aws.dynamodb"

_BOUNDARIES = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]
"""The buckets of the histogram that the conventions recommend, in seconds."""

_MOST_KINDS = 1000
"""The most kinds of requests whose attributes are cached."""

# Members of the requests Query and Scan, and the attributes for them; none has a key or a value of an item.
_MEMBERS = {
    "ConsistentRead": "aws.dynamodb.consistent_read",
    "IndexName": "aws.dynamodb.index_name",
    "Limit": "aws.dynamodb.limit",
    "ProjectionExpression": "aws.dynamodb.projection",
    "ScanIndexForward": "aws.dynamodb.scan_forward",
    "Segment": "aws.dynamodb.segment",
    "Select": "aws.dynamodb.select",
    "TotalSegments": "aws.dynamodb.total_segments",
}
_BATCHES = {
    "BatchGetItem": "keys",
    "BatchWriteItem": "writes",
    "TransactGetItems": "gets",
    "TransactWriteItems": "writes",
    "BatchExecuteStatement": "statements",
    "ExecuteTransaction": "statements",
}
"""The operations that have several parts, and the attribute of the operation that holds the parts."""


class DynamoDBInstrumentor(instrumentor.BaseInstrumentor):  # type: ignore[misc, name-defined] # its module has no types
    """Spans and metrics for all connections of the process: ``instrument()`` starts them, ``uninstrument()`` ends them.

    ``opentelemetry-instrument python app.py`` finds this class by itself, under the name ``dynamodb_py``.

    Keyword arguments of ``instrument()``: ``tracer_provider`` and ``meter_provider``, by default the global ones,
    and ``record_exceptions``, by default False. True adds messages and tracebacks of errors to spans; these may
    have keys and values of items.

    >>> DynamoDBInstrumentor().instrument()
    >>> score = Score.get(player="ann", game=1)
    >>> DynamoDBInstrumentor().uninstrument()
    """

    _tracing: _Tracing | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return no packages: this class is part of the package that it instruments."""
        return ()

    def _instrument(self, **kwargs: Any) -> None:
        tracer = get_tracer("dynamodb_py", tracer_provider=kwargs.get("tracer_provider"))
        duration = get_meter(
            "dynamodb_py", meter_provider=kwargs.get("meter_provider")
        ).create_histogram(
            "db.client.operation.duration",
            unit="s",
            description="Duration of database client operations.",
            explicit_bucket_boundaries_advisory=_BOUNDARIES,
        )
        records = bool(kwargs.get("record_exceptions", False))
        self._tracing = _Tracing(tracer, duration, record_exceptions=records)
        self._tracing.begin()

    def _uninstrument(self, **kwargs: Any) -> None:
        if self._tracing is not None:
            self._tracing.end()
            self._tracing = None


class _Kind(Struct, frozen=True):
    """The attributes that all requests of one kind have: of the span, and of the metric."""

    name: str
    span: dict[str, Any]
    metric: dict[str, Any]


class _Tracing:
    """A creator of spans and records of the metric, for one call of ``instrument()``."""

    def __init__(self, tracer: Tracer, duration: Histogram, *, record_exceptions: bool) -> None:
        self.tracer = tracer
        self._duration, self._records = duration, record_exceptions
        self._observer = Observer(self._report, asks_units=True)
        self._kinds: dict[tuple[object, ...], _Kind] = {}

    def begin(self) -> None:
        TRACERS.append(self._trace)
        self._observer.begin()

    def end(self) -> None:
        TRACERS.remove(self._trace)
        self._observer.end()

    def _trace(self, name: str) -> Trace:
        return _VerbTrace(self, name)

    def set_error(self, span: Span, error: BaseException) -> None:
        """Set the status of *span* to the code or class of *error*; a message may have values of items."""
        closed = isinstance(error, GeneratorExit)  # a cancelled task closes its flow
        name = "cancelled" if closed else _name_error(error)
        span.set_attribute("error.type", name)
        span.set_status(Status(StatusCode.ERROR, name))
        if self._records:
            span.record_exception(error)

    def _report(self, request: SentRequest) -> None:
        """Create the span and the record of *request*, which has ended."""
        verb, context = _VERB.get(), get_current()
        if verb is None and context and not is_instrumentation_enabled():
            return
        kind = self._find_kind(request)
        records = verb is None or verb.is_recording
        found = _describe_answer(request) if records else None
        span = self.tracer.start_span(
            kind.name,
            context,
            SpanKind.CLIENT,
            kind.span | found if found else kind.span,
            start_time=request.started,
        )
        for moment, failure in request.details.failures[: request.attempts - 1]:
            span.add_event("retry", {"error.type": _name_error(failure)}, moment)
        metric = kind.metric
        if request.error is not None:
            self.set_error(span, request.error)
            metric = {**metric, "error.type": _name_error(request.error)}
        span.end(request.started + int(request.seconds * 1e9))
        self._duration.record(request.seconds, metric, context)
        if records and verb is not None:
            verb.count(request)

    def _find_kind(self, request: SentRequest) -> _Kind:
        """Return the kind of *request* from the cache, or create it."""
        call = request.call
        key = (request.endpoint, call.api, *call.tables)
        kind = self._kinds.get(key)
        if kind is None:
            if len(self._kinds) == _MOST_KINDS:
                self._kinds.clear()
            tables = tuple(filter(None, call.tables))
            kind = self._kinds[key] = _make_kind(request.endpoint, call.api, tables)
        return kind


def _name_error(error: BaseException) -> str:
    return describe_error(error) or ""


def _make_kind(endpoint: Any, api: str, tables: Sequence[str]) -> _Kind:
    metric: dict[str, Any] = {"db.system.name": _SYSTEM, "db.operation.name": api}
    if len(tables) == 1:
        metric["db.collection.name"] = tables[0]
    if endpoint is not None:
        metric |= {"server.address": endpoint.host, "server.port": endpoint.port}
    span = {**metric, "rpc.system": "aws-api", "rpc.service": "DynamoDB", "rpc.method": api}
    if tables:
        span["aws.dynamodb.table_names"] = tables
    if endpoint is not None:
        span["cloud.region"] = endpoint.region
    return _Kind(" ".join([api, *tables]) if len(tables) == 1 else api, span, metric)


def _describe_answer(request: SentRequest) -> dict[str, Any]:
    """Return the attributes that *request* has beyond those of its kind."""
    call, found = request.call, dict[str, Any]()
    if isinstance(call, GetItem):
        if call.consistent:
            found["aws.dynamodb.consistent_read"] = True
        if call.expressions is not None:
            found["aws.dynamodb.projection"] = call.expressions.projection
    elif isinstance(call, (Query, Scan)):
        payload = call.payload()
        found = {_MEMBERS[name]: payload[name] for name in payload.keys() & _MEMBERS.keys()}
        if request.error is None:
            found["aws.dynamodb.scanned_count"] = request.used.items_read
            found["aws.dynamodb.count"] = request.used.items_returned
    elif (size := _count_batch(call)) > 1:
        found["db.operation.batch.size"] = size
    if request.attempts > 1:
        found["dynamodb_py.attempts"] = request.attempts
    if isinstance(request.error, RequestError) and request.error.request_id:
        found["aws.request_id"] = request.error.request_id
    if consumed := request.details.consumed:
        found["aws.dynamodb.consumed_capacity"] = [_encode(each).decode() for each in consumed]
    return found


def _count_batch(call: Operation[Any]) -> int:
    """Return the number of items or statements of a batch or a transaction, or 0 for another operation."""
    if call.api not in _BATCHES:
        return 0
    parts: Any = getattr(call, _BATCHES[call.api])
    return sum(map(len, parts.values())) if call.api == "BatchGetItem" else len(parts)


class _VerbTrace:
    """The span of a verb, from the first step of its first flow to the end of its last one."""

    # Defaults on the class: most verbs send one request, and set few of these.
    _span: Span | None = None
    is_recording = _reads = False
    _ended = _attempts = _read = _returned = _batch = 0
    _read_units = _write_units = 0.0

    def __init__(self, tracing: _Tracing, name: str) -> None:
        self._tracing, self._name = tracing, name
        self._lock = Lock()
        self._tables: dict[str, None] = {}
        self._indexes: dict[str | None, None] = {}

    def end(self, error: BaseException | None = None) -> None:
        """End the span at the end of the latest flow, and set *error* if there is one."""
        span = self._span
        if span is None:
            return
        if self.is_recording:
            self._describe(span)
            if error is not None:
                self._tracing.set_error(span, error)
        span.end(self._ended)

    def follow(
        self, flow: Generator[Step, Any, T], *, ends: bool = False
    ) -> Generator[Step, Any, T]:
        """Execute *flow* with the span as the current one; between two flows it is not the current one."""
        around, verb, failure = get_current(), None, None
        if not around or is_instrumentation_enabled():
            verb, around = self, self._begin(around)
        token, mark = attach(around), _VERB.set(verb)
        try:
            return (yield from flow)
        except BaseException as error:
            failure = error
            raise
        finally:
            self._ended = time.time_ns()
            try:
                _VERB.reset(mark)
            except ValueError:
                pass  # the flow was closed in another context, in which the span was never current
            else:
                detach(token)
            if ends:
                self.end(failure)

    def _begin(self, around: Context) -> Context:
        """Start the span if this flow is the first; return the context with the span as the current one."""
        if self._span is None:
            self._span = self._tracing.tracer.start_span(self._name, around)
            self.is_recording = self._span.is_recording()
        return set_span_in_context(self._span, around)

    def count(self, request: SentRequest) -> None:
        """Add *request* to the totals of the verb."""
        used, call = request.used, request.call
        with self._lock:  # threads of one verb report at the same time
            self._attempts += request.attempts
            if is_read(call):
                self._reads = True
                self._read += used.items_read
                self._returned += used.items_returned
            self._read_units += used.read_units
            self._write_units += used.write_units
            self._batch += _count_batch(call)
            for table in call.tables:
                self._tables[table] = None
            self._indexes[request.index] = None

    def _describe(self, span: Span) -> None:
        found: dict[str, Any] = {
            "db.system.name": _SYSTEM,
            "db.operation.name": self._name,
            "dynamodb_py.attempts": self._attempts,
        }
        if self._reads:
            found["aws.dynamodb.scanned_count"] = self._read
            found["aws.dynamodb.count"] = self._returned
        if self._read_units:
            found["dynamodb_py.read_units"] = self._read_units
        if self._write_units:
            found["dynamodb_py.write_units"] = self._write_units
        if self._batch > 1:
            found["db.operation.batch.size"] = self._batch
        tables, indexes = list(filter(None, self._tables)), list(self._indexes)
        if len(tables) == 1:
            found["db.collection.name"] = tables[0]
            span.update_name(f"{self._name} {tables[0]}")
        elif tables:
            found["aws.dynamodb.table_names"] = tables
        if len(indexes) == 1 and indexes[0] is not None:
            found["aws.dynamodb.index_name"] = indexes[0]
        span.set_attributes(found)


_VERB: ContextVar[_VerbTrace | None] = ContextVar("dynamodb_py.verb", default=None)
"""The verb that runs in the present context."""

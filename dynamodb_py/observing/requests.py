"""Finished requests, and how they are reported to observers."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextvars import ContextVar, copy_context
from typing import Any

import msgspec
from msgspec import Struct

from ..metering import Details, Meter, UsedCapacity, asks_for_cost
from ..operations.base import Operation, Payload, Step
from . import OBSERVERS, Observer
from .callers import WORKERS, CallSite, find_call_site
from .log import make_fields, warn

_encode = msgspec.json.Encoder(order="sorted").encode

Explain = Callable[[Operation[Any]], str]


class SentRequest(Struct, frozen=True, eq=False):
    """A finished request with all its attempts, and its result or error."""

    call: Operation[Any]
    """The operation as a value."""
    started: int
    """The beginning of the first attempt, in nanoseconds since 1970."""
    seconds: float
    """The time from the first attempt to the end, with the pauses in between."""
    attempts: int
    """The number of attempts: 1 without retries."""
    used: UsedCapacity
    """Its cost; without units unless it asked for them."""
    bytes_received: int
    """The size of the response's body; 0 after an error."""
    error: Exception | None = None
    """The error that it ended with; None if it succeeded."""
    metered: bool = False
    """Whether it asked for the capacity units that it consumed."""
    call_site: CallSite = CallSite()
    """The lines of user code that it comes from; empty unless an observer wants them."""
    endpoint: Any = None
    """The endpoint, with ``host``, ``port`` and ``region``; None for an embedded database."""
    details: Details = msgspec.field(default_factory=Details)
    """The failed attempts, and the cost of each table."""
    explain: Explain | None = None
    """Returns the plan of the query set that the request may come from; "" if it comes from none."""

    @property
    def operation(self) -> str:
        """DynamoDB's name of the operation, such as ``"Query"``."""
        return self.call.api

    @property
    def table(self) -> str:
        """The table's name in DynamoDB; several names are separated by ", "."""
        return ", ".join(self.call.tables)

    @property
    def index(self) -> str | None:
        """The index that is read; None for the table."""
        return getattr(self.call, "index", None)

    @property
    def title(self) -> str:
        """The operation, the table and the index, as one text to read."""
        index = "" if self.index is None else f", index {self.index}"
        return f"{self.operation} {self.table}{index}"

    @property
    def units(self) -> float | None:
        """The capacity units, read and write units together; None if the response does not have them."""
        return self.used.units if self.metered and self.error is None else None

    @property
    def payload(self) -> Payload:
        """The body of the request, as a dict of JSON's types: values of ``B`` are base64."""
        payload = self.call.payload()
        if self.metered:
            payload["ReturnConsumedCapacity"] = "INDEXES"
        # An item may be encoded already.
        plain: Payload = msgspec.json.decode(msgspec.json.encode(payload))
        return plain

    @property
    def bytes_sent(self) -> int:
        """The size of the request's body, of one attempt."""
        return len(_encode(self.payload))

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of signals and log lines about it, by name."""
        return make_fields(
            self.call,
            seconds=self.seconds,
            attempts=self.attempts,
            units=self.units,
            size=self.bytes_sent + self.bytes_received,
            error=self.error,
        )

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={each!r}" for name, each in self.fields.items())
        return f"<SentRequest {fields}>"  # without keys and values: receivers may log it


_VALUES = ("Key", "ExpressionAttributeValues")
_OF_PAGES = ("ExclusiveStartKey", "Limit", "Segment", "TotalSegments", "ReturnConsumedCapacity")


def split_payload(payload: Payload) -> tuple[bytes, bytes]:
    """Return the part of *payload* that is equal for similar reads, and its keys and values.

    Both are equal for the pages and segments of one read.
    """
    values: dict[str, Any] = {name: payload[name] for name in _VALUES if name in payload}
    left_out = {*_VALUES, *_OF_PAGES}
    shape = {name: each for name, each in payload.items() if name not in left_out}
    if "RequestItems" in payload:
        tables: dict[str, dict[str, Any]] = payload["RequestItems"]
        values = {name: table.get("Keys") for name, table in tables.items()}
        shape["RequestItems"] = {
            name: {member: each for member, each in table.items() if member != "Keys"}
            for name, table in tables.items()
        }
    return _encode(shape), _encode(values)


QUESTION: ContextVar[Explain | None] = ContextVar("dynamodb_py.question", default=None)
"""A function that explains the latest query set that was turned into requests; set while anybody observes."""


def note_question(explain: Explain) -> None:
    """Let *explain*, with the current ``options()``, explain the next requests of this thread or task."""
    QUESTION.set(None)  # else each copy would keep the copy before it
    context = copy_context()
    QUESTION.set(lambda call: context.copy().run(explain, call))


_IS_REPORTING: ContextVar[bool] = ContextVar("dynamodb_py.is_reporting", default=False)
"""Whether an observer runs: its own requests are not observed, which would never end."""


def find_observers(link: object) -> list[Observer]:
    """Return the observers of a request over *link* from here."""
    if _IS_REPORTING.get():
        return []
    return [each for each in tuple(OBSERVERS) if each.observes(link)]


_NOWHERE = CallSite()


class Observation:
    """A request that is not finished yet, and its observers."""

    def __init__(self, call: Operation[Any], transport: object, observers: list[Observer]) -> None:
        self._call, self._transport, self._observers = call, transport, observers
        self._details, self._is_closed = Details(), False
        wants_caller = True in [each.finds_caller for each in observers]
        self._site = find_call_site() if wants_caller else _NOWHERE
        self._explain = QUESTION.get() if wants_caller else None
        asks = True in [each.asks_units for each in observers]
        self._meter = Meter(asks=asks, details=self._details)
        self._meter.open()
        self._asked = asks_for_cost(call)
        self._started, self._at = time.time_ns(), time.perf_counter()

    def close(self) -> None:
        """End the measuring: the response has arrived, or the flow was closed."""
        if not self._is_closed:
            self._is_closed = True
            self._meter.close()

    def report(
        self, body: bytes = b"", error: Exception | None = None
    ) -> Generator[Step, Any, None]:
        """Report the request to its observers; yield the steps that they return."""
        seconds = time.perf_counter() - self._at
        self.close()
        used = self._meter.used
        request = SentRequest(
            self._call,
            self._started,
            seconds,
            max(used.attempts, 1),
            used,
            len(body),
            error,
            self._asked,
            self._site,
            getattr(self._transport, "endpoint", None),
            self._details,
            self._explain,
        )
        token = _IS_REPORTING.set(True)
        try:
            for each in self._observers:
                yield from each.report(request) or ()
        finally:
            _IS_REPORTING.reset(token)


def observe_slow(link: object, limit: float) -> Observer:
    """Log a line at level WARNING for each request over *link* that takes *limit* seconds or more."""

    def report(request: SentRequest) -> None:
        if request.seconds >= limit:
            _warn_of_slow(request, limit)

    return Observer(report, link=link).begin()


def _warn_of_slow(request: SentRequest, limit: float) -> None:
    fields = request.fields
    warn(
        "%s: took %.3g s, and %.3g s is slow (attempts: %d, bytes: %d, error: %s)",
        request.title,
        request.seconds,
        limit,
        request.attempts,
        fields["bytes"],
        fields["error"],
        fields=fields,
    )


class mark_workers:  # noqa: N801 - it reads as a statement
    """Give this call site to the requests of all threads and tasks that are started in this block."""

    def __enter__(self) -> None:
        self._token = WORKERS.set(find_call_site())

    def __exit__(self, *_: object) -> None:
        WORKERS.reset(self._token)

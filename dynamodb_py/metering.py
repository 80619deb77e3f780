"""The cost of requests: ``with capacity() as used:`` collects the capacity that DynamoDB reports.

While a meter is active, operations request their consumed capacity, and the drivers
(:mod:`dynamodb_py.flows`) record it. Without a meter, nothing is requested or parsed.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ConsumedCapacity.html
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from decimal import Decimal
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from .codec import EXACT
from .exceptions import QueryError, RequestError
from .operations.base import Operation, Payload
from .operations.queries import Query, Scan

if TYPE_CHECKING:
    from .operations import transactions
else:
    from .lazy import transactions

_READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"})
_WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"})
_STATEMENTS = frozenset({"ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"})
METERED = _READS | _WRITES | _STATEMENTS
"""The calls that take ``ReturnConsumedCapacity``."""


Price: TypeAlias = "Decimal | int | float | str"


class Cost(Struct):
    """The cost of some requests in capacity units, and their number of items.

    A read unit is 4 KB read consistently, or 8 KB read otherwise; a write unit is 1 KB.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
    """

    units: float = 0.0
    """The capacity units consumed, read and write units together."""
    read_units: float = 0.0
    """The read units consumed."""
    write_units: float = 0.0
    """The write units consumed."""
    requests: int = 0
    """The number of successful requests."""
    items_read: int = 0
    """The number of items that were read, and paid for, before any filter."""
    items_returned: int = 0
    """The number of items that were found by key, or passed the filter."""

    def cost(self, *, read: Price, write: Price) -> Decimal:
        """Return the price of the units, exactly, in the currency of *read* and *write*.

        :param read: the price of a million read units, from 0; a float means the decimal number that
            Python prints for it.
        :param write: the price of a million write units.
        :raises QueryError: one of them is negative or not a number.

        https://aws.amazon.com/dynamodb/pricing/on-demand/

        >>> UsedCapacity(read_units=2_000_000, write_units=1).cost(read="0.125", write=0.625)
        Decimal('0.250000625')
        """
        reads = EXACT.multiply(Decimal(str(self.read_units)), _as_price("read", read))
        writes = EXACT.multiply(Decimal(str(self.write_units)), _as_price("write", write))
        return EXACT.scaleb(EXACT.add(reads, writes), -6)

    def __str__(self) -> str:
        return f"{self._units()} in {format_count(self.requests, 'request')}{self._items()}"

    def _units(self) -> str:
        if self.read_units and self.write_units:
            kinds = f" ({_format(self.read_units)} read, {_format(self.write_units)} write)"
            return f"{format_count(self.units, 'capacity unit')}{kinds}"
        kind = "read" if self.read_units else "write" if self.write_units else "capacity"
        return format_count(self.units, f"{kind} unit")

    def _items(self) -> str:
        read, returned = format_count(self.items_read, "item"), _format(self.items_returned)
        return f", {read} read, {returned} returned" if self.items_read else ""

    def _pay(self, units: float, read: float, write: float) -> None:
        self.units += units
        self.read_units += read
        self.write_units += write

    def _count(self, read: int, returned: int) -> None:
        self.requests += 1
        self.items_read += read
        self.items_returned += returned


class TableCost(Cost):
    """The cost of the requests to one table, with its indexes."""

    own_units: float = 0.0
    """The part of ``units`` for the table itself."""
    indexes: dict[str, Cost] = {}
    """The cost of each index, by its name; part of the whole cost."""

    def __str__(self) -> str:
        lines = [f"  {name}: {cost._units()}" for name, cost in sorted(self.indexes.items())]
        return "\n".join([super().__str__(), *lines])


class UsedCapacity(Cost):
    """The result of ``with capacity() as used:``; ``str()`` of it is a report to read."""

    attempts: int = 0
    """The number of all requests that were sent, with failed ones and retries."""
    by_table: dict[str, TableCost] = {}
    """The cost of each table, by its name in DynamoDB."""

    def __str__(self) -> str:
        lines = [super().__str__()]
        failed = self.attempts - self.requests
        if failed:
            lines[0] += f", {format_count(failed, 'attempt')} failed"
        for name, cost in sorted(self.by_table.items()):
            lines += [f"  {line}" for line in f"{name}: {cost}".splitlines()]
        return "\n".join(lines)


def _as_price(name: str, price: Price) -> Decimal:
    try:
        found = Decimal("NaN" if isinstance(price, bool) else str(price))
    except ArithmeticError:
        found = Decimal("NaN")
    if not found.is_finite() or found < 0:
        raise QueryError(f"{name}={price!r}: pass the price of a million units, a number from 0")
    return found


def _format(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:,.10g}"


def format_count(number: float, thing: str) -> str:
    """Return *number* with the word *thing*, in the plural if need be.

    >>> format_count(1, "item"), format_count(1200, "item"), format_count(0.5, "read unit")
    ('1 item', '1,200 items', '0.5 read units')
    """
    return f"{_format(number)} {thing}{'' if number == 1 else 's'}"


class Details(Struct):
    """The costs by table and the failed attempts of one request."""

    consumed: list[_Consumed] = []
    """The capacity that it consumed of each table, as DynamoDB reports it."""
    failures: list[tuple[int, RequestError]] = []
    """The failed attempts: the time in nanoseconds since 1970, and the error."""


class Meter:
    """The collected cost of one block or one request, and its lock.

    :param asks: whether requests ask for their cost; otherwise only requests and attempts are counted.
    :param details: receives the costs by table and the failed attempts, for a meter of one request.
    """

    def __init__(self, *, asks: bool = True, details: Details | None = None) -> None:
        self.used = UsedCapacity()
        self.asks, self.details = asks, details
        self.lock = Lock()

    def open(self) -> None:
        """Count the requests that this thread or task sends from now on."""
        METERS.set((*METERS.get(), self))

    def close(self) -> None:
        """Stop counting."""
        METERS.set(tuple([each for each in METERS.get() if each is not self]))


METERS: ContextVar[tuple[Meter, ...]] = ContextVar("dynamodb_py.meters", default=())
"""The active meters; flows copy them into the threads and tasks that they start."""


class capacity:  # noqa: N801 - it reads as a statement
    """Collect the cost of the requests in a block: capacity units, requests, items.

    It counts requests of this thread or task, and of the threads and tasks that this package starts
    for them; each of your own threads needs its own block. Nested blocks both count. DynamoDB does not
    report every cost, such as that of a write whose condition failed; such costs are not counted.

    >>> with capacity() as used:
    ...     ann = Score.objects.get(player="ann", game=1)
    >>> print(used)
    0.5 read units in 1 request, 1 item read, 1 returned
      scores: 0.5 read units in 1 request, 1 item read, 1 returned
    """

    def __init__(self) -> None:
        self._open: list[Meter] = []

    def __enter__(self) -> UsedCapacity:
        meter = Meter()
        self._open.append(meter)
        meter.open()
        return meter.used

    def __exit__(self, *_: object) -> None:
        self._open.pop().close()


def payload_of(operation: Operation[Any]) -> Payload:
    """Return the body of the request for *operation*, which asks for its cost if a meter is active."""
    payload = operation.payload()
    if METERS.get() and asks_for_cost(operation):
        payload["ReturnConsumedCapacity"] = "INDEXES"
    return payload


def asks_for_cost(operation: Operation[Any]) -> bool:
    """Tell whether *operation*, if it is sent now, asks for its cost."""
    if operation.api in METERED:
        for meter in METERS.get():  # a generator for any() would take three times as long
            if meter.asks:
                return True
    return False


class _Units(Struct, omit_defaults=True):
    CapacityUnits: float = 0.0
    # Only transactions have both: one that is repeated with a known token reads and does not write.
    ReadCapacityUnits: float | None = None
    WriteCapacityUnits: float | None = None

    def parts(self, *, reads: bool) -> tuple[float, float, float]:
        """Return all units, the read units and the write units.

        *reads* is their kind if the response does not have it.
        """
        total, read, write = self.CapacityUnits, self.ReadCapacityUnits, self.WriteCapacityUnits
        if read is None and write is None:
            return (total, total, 0.0) if reads else (total, 0.0, total)
        return total, read or 0.0, write or 0.0


class _Consumed(_Units, omit_defaults=True):
    TableName: str = ""
    Table: _Units | None = None
    LocalSecondaryIndexes: dict[str, _Units] = {}
    GlobalSecondaryIndexes: dict[str, _Units] = {}


class _Got(Struct):
    Item: Raw | UnsetType = UNSET


class _Response(Struct):
    """The cost and the items in any response."""

    ConsumedCapacity: _Consumed | list[_Consumed] | None = None
    Item: Raw | UnsetType = UNSET
    Items: list[Raw] = []
    Count: int | None = None
    ScannedCount: int | None = None
    Responses: dict[str, list[Raw]] | list[_Got] = []


_read = msgspec.json.Decoder(_Response).decode


def note(operation: Operation[Any], body: bytes) -> None:
    """Add the cost in *body*, the response to *operation*, to the active meters."""
    try:
        response = _read(body) if asks_for_cost(operation) else _Response()
    except msgspec.DecodeError:  # the operation's parser will raise
        response = _Response()
    paid = _list_consumed(response)
    items = _count_items(operation, response)
    for meter in METERS.get():
        with meter.lock:
            _add(meter.used, operation, paid, items)
            if meter.details is not None:
                meter.details.consumed += paid


def _list_consumed(response: _Response) -> list[_Consumed]:
    consumed = response.ConsumedCapacity or []
    return consumed if isinstance(consumed, list) else [consumed]


def is_read(operation: Operation[Any]) -> bool:
    """Tell whether *operation* consumes read units, if its response does not have the kind."""
    return operation.api in _READS or getattr(operation, "reads", False)


def find_units(operation: Operation[Any], body: bytes) -> tuple[float, float] | None:
    """Return the read and the write units in the response to *operation*; None if it has none."""
    try:
        paid = _list_consumed(_read(body))
    except msgspec.DecodeError:  # the operation's parser will raise
        return None
    reads = is_read(operation)
    parts = [each.parts(reads=reads) for each in paid]
    units = sum(read for _, read, _ in parts), sum(written for _, _, written in parts)
    return units if any(units) else None


def note_failure(error: RequestError) -> None:
    """Count a request that failed with *error* in the active meters."""
    for meter in METERS.get():
        with meter.lock:
            meter.used.attempts += 1
            if meter.details is not None:
                meter.details.failures.append((time.time_ns(), error))


_Items = Mapping[str, "tuple[int, int]"]
"""The numbers of items read and returned, by table; "" for an unknown table."""


def _count_items(operation: Operation[Any], response: _Response) -> _Items:
    found = response.Responses
    if isinstance(found, dict):
        return {table: (len(items), len(items)) for table, items in found.items()}
    tables = operation.tables
    table = tables[0] if len(tables) == 1 else ""
    if found:
        # In the order of the request.
        gets = operation.gets if isinstance(operation, transactions.TransactGetItems) else ()
        names = [name for name, _ in gets] if len(gets) == len(found) else [table] * len(found)
        counts = Counter(n for n, got in zip(names, found, strict=True) if got.Item is not UNSET)
        return {name: (count, count) for name, count in counts.items()}
    if response.Item is not UNSET:
        return {table: (1, 1)}
    count = len(response.Items) if response.Count is None else response.Count
    scanned = count if response.ScannedCount is None else response.ScannedCount
    return {table: (scanned, count)}


def _add(
    used: UsedCapacity, operation: Operation[Any], paid: Sequence[_Consumed], items: _Items
) -> None:
    used.attempts += 1
    counts = items.values()
    used._count(sum([read for read, _ in counts]), sum([returned for _, returned in counts]))
    index = operation.index if isinstance(operation, (Query, Scan)) else None
    for name in {*operation.tables, *[each.TableName for each in paid]} - {""}:
        table = used.by_table.setdefault(name, TableCost())
        count = items.get(name, (0, 0))
        table._count(*count)
        if index is not None:
            table.indexes.setdefault(index, Cost())._count(*count)
    reads = is_read(operation)
    for each in paid:
        _pay(used, each, reads=reads)


def _pay(used: UsedCapacity, consumed: _Consumed, *, reads: bool) -> None:
    """Add the units of one table."""
    units = consumed.parts(reads=reads)
    used._pay(*units)
    table = used.by_table.setdefault(consumed.TableName, TableCost())
    table._pay(*units)
    rest = consumed.CapacityUnits
    for indexes in (consumed.LocalSecondaryIndexes, consumed.GlobalSecondaryIndexes):
        for name, index in indexes.items():
            rest -= index.CapacityUnits
            table.indexes.setdefault(name, Cost())._pay(*index.parts(reads=reads))
    table.own_units += rest if consumed.Table is None else consumed.Table.CapacityUnits

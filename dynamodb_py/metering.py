"""What requests cost: ``with capacity() as used:`` collects what DynamoDB says of them.

While a meter is active, each operation that can asks for its consumed capacity, and the drivers
(:mod:`dynamodb_py.flows`) note what is answered. Nothing is asked, nor read, while there is none.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ConsumedCapacity.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from threading import Lock
from types import TracebackType
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from .operations.base import Operation, Payload
from .operations.queries import Query, Scan
from .operations.transactions import TransactGetItems

_READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"})
_WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"})
_EITHER = frozenset({"ExecuteStatement"})
_METERED = _READS | _WRITES | _EITHER
"""The calls that take ``ReturnConsumedCapacity``."""


class Cost(Struct):
    """What some requests cost, in capacity units, and how many items they were about.

    A read unit is 4 KB read consistently, or 8 KB read otherwise; a write unit is 1 KB.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
    """

    units: float = 0.0
    """The capacity units consumed, of both kinds."""
    read_units: float = 0.0
    write_units: float = 0.0
    requests: int = 0
    """The requests that DynamoDB carried out."""
    items_read: int = 0
    """The items that were read, and are paid for, before any filter."""
    items_returned: int = 0
    """The items that were found by their key, or matched."""

    def __str__(self) -> str:
        return f"{self._units()} in {_many(self.requests, 'request')}{self._items()}"

    def _units(self) -> str:
        if self.read_units and self.write_units:
            kinds = f" ({_plain(self.read_units)} read, {_plain(self.write_units)} write)"
            return f"{_many(self.units, 'capacity unit')}{kinds}"
        kind = "read" if self.read_units else "write" if self.write_units else "capacity"
        return _many(self.units, f"{kind} unit")

    def _items(self) -> str:
        if not self.items_read:
            return ""
        return f", {_many(self.items_read, 'item')} read, {_plain(self.items_returned)} returned"

    def _pay(self, units: float, read: float, write: float) -> None:
        self.units += units
        self.read_units += read
        self.write_units += write

    def _met(self, read: int, returned: int) -> None:
        self.requests += 1
        self.items_read += read
        self.items_returned += returned


class TableCost(Cost):
    """What the requests to one table cost, its indexes included."""

    own_units: float = 0.0
    """The part of ``units`` that the table itself took."""
    indexes: dict[str, Cost] = {}
    """The part that each index took, by its name."""

    def __str__(self) -> str:
        lines = [super().__str__()]
        lines += [f"  {name}: {cost._units()}" for name, cost in sorted(self.indexes.items())]
        return "\n".join(lines)


class UsedCapacity(Cost):
    """What ``with capacity() as used:`` collected; ``str()`` of it is for people."""

    attempts: int = 0
    """The requests that were sent: those that failed, or were tried again, count too."""
    by_table: dict[str, TableCost] = {}
    """The cost of each table, by the name that it really has."""

    def __str__(self) -> str:
        lines = [super().__str__()]
        failed = self.attempts - self.requests
        if failed:
            lines[0] += f", {_many(failed, 'attempt')} failed"
        for name, cost in sorted(self.by_table.items()):
            lines += [f"  {line}" for line in f"{name}: {cost}".splitlines()]
        return "\n".join(lines)


def _plain(number: float) -> str:
    return f"{number:,.10g}"


def _many(number: float, thing: str) -> str:
    return f"{_plain(number)} {thing}{'' if number == 1 else 's'}"


class _Meter:
    """One block's collection, and the lock that threads take turns with."""

    def __init__(self) -> None:
        self.used = UsedCapacity()
        self.lock = Lock()


METERS: ContextVar[tuple[_Meter, ...]] = ContextVar("dynamodb_py.meters", default=())
"""The meters that are active here; flows carry them into the threads and tasks that they start."""


class capacity:  # noqa: N801 - it reads as a statement
    """Collect what the requests of a block cost: capacity units, requests, items.

    It counts what is sent in this thread or task, and in the threads and tasks that it starts
    through this library; of threads of your own, each has a block of its own. Blocks may be nested:
    then both count. What an answer does not tell, such as the price of a write whose condition
    failed, is not counted.

    >>> with capacity() as used:
    ...     pass
    >>> print(used)
    0 capacity units in 0 requests
    """

    def __init__(self) -> None:
        self._open: list[_Meter] = []

    def __enter__(self) -> UsedCapacity:
        meter = _Meter()
        self._open.append(meter)
        METERS.set((*METERS.get(), meter))
        return meter.used

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        meter = self._open.pop()
        METERS.set(tuple(each for each in METERS.get() if each is not meter))


def payload_of(operation: Operation[Any]) -> Payload:
    """Return the body of the request, which asks for its price where a meter is active."""
    payload = operation.payload()
    if METERS.get() and operation.api in _METERED:
        payload["ReturnConsumedCapacity"] = "INDEXES"
    return payload


# -- what the answers say --------------------------------------------------------------------------


class _Units(Struct):
    CapacityUnits: float = 0.0
    # Transactions tell these too: one that is sent again, with a token that is known, only reads.
    ReadCapacityUnits: float | None = None
    WriteCapacityUnits: float | None = None

    def parts(self, *, reads: bool) -> tuple[float, float, float]:
        """Return all units, those read and those written; *reads* says which where that is not told."""
        total, read, write = self.CapacityUnits, self.ReadCapacityUnits, self.WriteCapacityUnits
        if read is None and write is None:
            return (total, total, 0.0) if reads else (total, 0.0, total)
        return total, read or 0.0, write or 0.0


class _Consumed(_Units):
    TableName: str = ""
    Table: _Units | None = None
    LocalSecondaryIndexes: dict[str, _Units] = {}
    GlobalSecondaryIndexes: dict[str, _Units] = {}


class _Got(Struct):
    Item: Raw | UnsetType = UNSET


class _Answer(Struct):
    """What any answer may tell of its price, and of items."""

    ConsumedCapacity: _Consumed | list[_Consumed] | None = None
    Item: Raw | UnsetType = UNSET
    Items: list[Raw] = []
    Count: int | None = None
    ScannedCount: int | None = None
    Responses: dict[str, list[Raw]] | list[_Got] = []


_read = msgspec.json.Decoder(_Answer).decode


def note(operation: Operation[Any], body: bytes) -> None:
    """Add what the answer to *operation* says to the meters that are active."""
    answer = _Answer()
    if operation.api in _METERED:
        try:
            answer = _read(body)
        except msgspec.DecodeError:  # whoever parses it will tell
            answer = _Answer()
    consumed = answer.ConsumedCapacity or []
    paid = consumed if isinstance(consumed, list) else [consumed]
    items = _items(operation, answer)
    for meter in METERS.get():
        with meter.lock:
            _add(meter.used, operation, paid, items)


def note_failure() -> None:
    """Tell the meters that are active of a request without an answer to count."""
    for meter in METERS.get():
        with meter.lock:
            meter.used.attempts += 1


_Items = Mapping[str, "tuple[int, int]"]
"""How many items were read and returned, by table; "" stands for one that the answer does not tell."""


def _items(operation: Operation[Any], answer: _Answer) -> _Items:
    found = answer.Responses
    if isinstance(found, dict):
        return {table: (len(items), len(items)) for table, items in found.items()}
    tables = operation.tables
    table = tables[0] if len(tables) == 1 else ""
    if found:
        # In the order of what was asked, whatever the tables.
        gets = operation.gets if isinstance(operation, TransactGetItems) else ()
        names = [name for name, _ in gets] if len(gets) == len(found) else [table] * len(found)
        counts = Counter(n for n, got in zip(names, found, strict=True) if got.Item is not UNSET)
        return {name: (count, count) for name, count in counts.items()}
    if answer.Item is not UNSET:
        return {table: (1, 1)}
    count = len(answer.Items) if answer.Count is None else answer.Count
    scanned = count if answer.ScannedCount is None else answer.ScannedCount
    return {table: (scanned, count)}


def _add(
    used: UsedCapacity, operation: Operation[Any], paid: Sequence[_Consumed], items: _Items
) -> None:
    used.attempts += 1
    counts = list(items.values())
    used._met(sum(read for read, _ in counts), sum(returned for _, returned in counts))
    named = {each.TableName for each in paid}
    index = operation.index if isinstance(operation, (Query, Scan)) else None
    for name in filter(None, {*operation.tables, *named}):
        table = used.by_table.setdefault(name, TableCost())
        count = items.get(name, (0, 0))
        table._met(*count)
        if index is not None:
            table.indexes.setdefault(index, Cost())._met(*count)
    reads = _is_read(operation)
    for each in paid:
        _pay(used, each, reads=reads)


def _is_read(operation: Operation[Any]) -> bool:
    return operation.api in _READS or (operation.api in _EITHER and operation.repeatable)


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

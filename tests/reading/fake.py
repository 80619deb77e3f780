"""A table that answers the requests of reads, with pages, keys to go on after, and empty pages.

It stands where the network is: it takes what an operation would send, and returns bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import settings

from dynamodb_py.expressions import And, Between, Compare, Condition, Path, Value
from dynamodb_py.flows import Flow
from dynamodb_py.operations.base import Operation, Pause, Together
from dynamodb_py.operations.items import GetItem
from dynamodb_py.operations.queries import Expressions, Query, Scan
from dynamodb_py.planning.plan import Lane, Plan, Trim
from dynamodb_py.reading import Position, Reader
from dynamodb_py.retries import Retries
from dynamodb_py.schema import KeyAttribute

UNHURRIED = settings(deadline=None)
"""For properties that read a table many times."""

TABLE = "scores"
H, R = KeyAttribute("h", "S"), KeyAttribute("r", "N")
G, S = KeyAttribute("g", "S"), KeyAttribute("s", "N")
INDEX = "by_s"

Item = dict[str, Any]


def item(h: str, r: int, s: int | None = None, f: int = 0, g: str = "g") -> Item:
    """An item of the table, which is in the index if it has an *s*."""
    made = {"f": {"N": str(int(f))}, "h": {"S": h}, "more": {"L": [{"S": "x"}]}, "r": {"N": str(r)}}
    if s is not None:
        # DynamoDB spells numbers in one way, and other engines in theirs.
        made |= {"g": {"S": g}, "s": {"N": str(s) if r % 2 else f"{s}.0"}}
    return made


def key_of(item: Item) -> tuple[str, Decimal]:
    return item["h"]["S"], Decimal(item["r"]["N"])


def scattered(key: Any) -> bytes:
    """An order that has nothing to do with that of keys."""
    return hashlib.blake2b(repr(key).encode(), digest_size=8).digest()


def _value(wire: dict[str, Any]) -> Any:
    ((kind, value),) = wire.items()
    return Decimal(value) if kind == "N" else value


_TERM = re.compile(r"(#\d+) (=|BETWEEN) (:\d+)(?: AND (:\d+))?")


def _asks(text: str, payload: dict[str, Any]) -> Callable[[Item], bool]:
    """What an expression of =, BETWEEN and AND asks."""
    names, values = payload["ExpressionAttributeNames"], payload["ExpressionAttributeValues"]
    terms = [
        (names[name], _value(values[low]), _value(values[high or low]))
        for name, _, low, high in _TERM.findall(text)
    ]
    assert terms, text
    return lambda item: all(
        name in item and low <= _value(item[name]) <= high for name, low, high in terms
    )


class Table:
    """The items, and what was sent for them."""

    def __init__(
        self,
        items: Iterable[Item],
        page_size: int = 1000,
        units: bool = True,
        described: dict[str, Any] | Exception | None = None,
    ) -> None:
        self.items = {key_of(each): each for each in items}
        self.described = described
        self.page_size, self.units = page_size, units
        self.sent: list[Operation[Any]] = []
        self.pauses: list[float] = []
        self.fails: Callable[[Operation[Any]], Exception | None] = lambda operation: None
        self.unprocessed: Callable[[int], int] = lambda asked: 0

    @property
    def payloads(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(msgspec.json.encode(each.payload())) for each in self.sent]

    def answer(self, operation: Operation[Any]) -> bytes:
        self.sent.append(operation)
        if (error := self.fails(operation)) is not None:
            raise error
        payload = msgspec.json.decode(msgspec.json.encode(operation.payload()))
        answer: dict[str, Any] = getattr(self, f"_{operation.api}")(payload)
        return msgspec.json.encode(answer)

    def _DescribeTable(self, payload: dict[str, Any]) -> dict[str, Any]:
        if isinstance(self.described, Exception):
            raise self.described
        assert self.described is not None, "nobody expected DescribeTable"
        return {"Table": {"TableName": payload["TableName"], **self.described}}

    def _GetItem(self, payload: dict[str, Any]) -> dict[str, Any]:
        found = self.items.get(key_of(payload["Key"]))
        return {} if found is None else {"Item": found}

    def _BatchGetItem(self, payload: dict[str, Any]) -> dict[str, Any]:
        asked = payload["RequestItems"][TABLE]["Keys"]
        assert 0 < len(asked) <= 100
        left = self.unprocessed(len(asked))
        done = asked[: len(asked) - left]
        found = [self.items[key_of(key)] for key in done if key_of(key) in self.items]
        unread = {TABLE: {"Keys": asked[len(done) :]}} if left else {}
        return {"Responses": {TABLE: found[::-1]}, "UnprocessedKeys": unread}

    def _Query(self, payload: dict[str, Any]) -> dict[str, Any]:
        key = _asks(payload["KeyConditionExpression"], payload)
        held = [each for each in self.items.values() if key(each)]
        backward = not payload.get("ScanIndexForward", True)
        return self._page(payload, held, self._place(payload.get("IndexName")), backward)

    def _Scan(self, payload: dict[str, Any]) -> dict[str, Any]:
        segments = payload.get("TotalSegments", 1)
        held = [
            each
            for each in self.items.values()
            if scattered(key_of(each))[0] % segments == payload.get("Segment", 0)
        ]
        return self._page(payload, held, lambda each: scattered(key_of(each)), backward=False)

    @staticmethod
    def _place(index: str | None) -> Callable[[Item], Any]:
        if index is None:
            return lambda each: _value(each["r"])
        # Items of one order value have an order of their own, always the same.
        return lambda each: (_value(each["s"]), scattered(key_of(each)))

    def _page(
        self,
        payload: dict[str, Any],
        held: list[Item],
        place: Callable[[Item], Any],
        backward: bool,
    ) -> dict[str, Any]:
        held.sort(key=place, reverse=backward)
        start = payload.get("ExclusiveStartKey")
        if start is not None:
            names = {"h", "r", "g", "s"} if payload.get("IndexName") else {"h", "r"}
            assert set(start) == names
            at = place(start)
            held = [each for each in held if (place(each) < at if backward else place(each) > at)]
        size = min(payload.get("Limit", self.page_size), self.page_size)
        read = held[:size]
        text = payload.get("FilterExpression")
        found = read if text is None else list(filter(_asks(text, payload), read))
        answer: dict[str, Any] = {"Count": len(found), "ScannedCount": len(read)}
        if payload.get("Select") != "COUNT":
            answer["Items"] = found
        if len(read) == size:  # as DynamoDB: even where nothing follows
            names = ("h", "r", "g", "s") if payload.get("IndexName") else ("h", "r")
            answer["LastEvaluatedKey"] = {name: read[-1][name] for name in names}
        if payload.get("ReturnConsumedCapacity") and self.units:
            answer["ConsumedCapacity"] = {"TableName": TABLE, "CapacityUnits": 0.5 * len(read)}
        return answer


def drive(flow: Flow[Any], table: Table) -> Any:
    """Drive a flow over *table*, without threads, and without waiting."""
    outcome: Any = None
    error: Exception | None = None
    while True:
        try:
            step = flow.send(outcome) if error is None else flow.throw(error)
        except StopIteration as stop:
            return stop.value
        error = outcome = None
        if isinstance(step, Pause):
            table.pauses.append(step.seconds)
        elif isinstance(step, Together):
            outcome = [_settled(each, table) for each in step.operations]
        else:
            try:
                outcome = table.answer(step)
            except Exception as raised:
                error = raised


def _settled(operation: Operation[Any], table: Table) -> Any:
    try:
        return table.answer(operation)
    except Exception as error:
        return error


class Link:
    """What flows are driven over: a table, waiting or awaited, and no second attempts."""

    def __init__(self, table: Table) -> None:
        self.transport, self.async_transport = _Transport(table), _AsyncTransport(table)
        self.retries = Retries(attempts=1)
        self.deadline = None
        self.sync_in_loop = "allow"


class _Transport:
    def __init__(self, table: Table) -> None:
        self.table = table

    def send(self, operation: Operation[Any], /) -> bytes:
        return self.table.answer(operation)

    def close(self) -> None: ...


class _AsyncTransport:
    def __init__(self, table: Table) -> None:
        self.table = table

    async def send(self, operation: Operation[Any], /) -> bytes:
        import asyncio

        await asyncio.sleep(0)
        return self.table.answer(operation)

    async def close(self) -> None: ...


# -- plans -----------------------------------------------------------------------------------------


def _equals(name: str, wire: dict[str, Any]) -> Condition:
    return Compare(Path((name,)), "=", Value(wire))


def query(
    value: str,
    low: int | None = None,
    high: int | None = None,
    *,
    f: int | None = None,
    forward: bool = True,
    limit: int | None = None,
    index: str | None = None,
    select: str | None = None,
) -> Query:
    """A query of one hash key, of an interval of the range key, with a filter on ``f``."""
    hash_, range_ = ("h", "r") if index is None else ("g", "s")
    keys = _equals(hash_, {"S": value})
    if low is not None and high is not None:
        bounds = Value({"N": str(low)}), Value({"N": str(high)})
        keys = And((keys, Between(Path((range_,)), *bounds)))
    filter_ = None if f is None else _equals("f", {"N": str(f)})
    said = Expressions.of(keys=keys, filter=filter_)
    return Query(TABLE, said, index, forward=forward, limit=limit, select=select)


def scan(segment: int, of: int, *, f: int | None = None, **options: Any) -> Scan:
    said = Expressions.of(filter=None if f is None else _equals("f", {"N": str(f)}))
    return Scan(TABLE, said, segment=(segment, of) if of > 1 else None, **options)


def plan(*lanes: Lane | Query | Scan, **options: Any) -> Plan:
    """A plan of lanes; on the index if the first request is."""
    made = tuple(each if isinstance(each, Lane) else Lane((each,)) for each in lanes)
    index = made[0].requests[0].index if made else None
    kind = "nothing"
    if made:
        kind = "query" if isinstance(made[0].requests[0], Query) else "scan"
    order = S if index else R
    defaults: dict[str, Any] = {
        "kind": kind,
        "model": "Score",
        "table": TABLE,
        "index": index,
        "lanes": made,
        "order": (order,) if kind == "query" else (),
        "key": (H, R),
        "position": (H, R, G, S) if index else (H, R),
    }
    return Plan(**(defaults | options))


def keyed(keys: Iterable[tuple[str, int]], **options: Any) -> Plan:
    wires = tuple({"h": {"S": h}, "r": {"N": str(r)}} for h, r in keys)
    return plan(kind="batch_get", keys=wires, **options)


def got(h: str, r: int, **options: Any) -> Plan:
    return plan(kind="get", get=GetItem(TABLE, {"h": {"S": h}, "r": {"N": str(r)}}), **options)


def trimmed(request: Query, *values: int) -> Lane:
    name = "s" if request.index else "r"
    return Lane((request,), (Trim(name, tuple({"N": f"{value}.00"} for value in values)),))


# -- what to expect --------------------------------------------------------------------------------


def expected(table: Table, plan: Plan) -> list[tuple[str, Decimal]]:
    """The keys of what *plan* gives, found by plain Python: all items of each lane, sorted."""
    everything = Table(table.items.values())
    found: list[tuple[Any, int, tuple[str, Decimal]]] = []
    for at, lane in enumerate(plan.lanes):
        for request, trim in zip(lane.requests, lane.trims or [None] * 99, strict=False):
            whole = msgspec.structs.replace(request, limit=None, select=None)
            for each in msgspec.json.decode(everything.answer(whole))["Items"]:
                wires = () if trim is None else trim.wires
                if any(_value(each[trim.attribute]) == _value(wire) for wire in wires):
                    continue
                order = [_value(each[attribute.name]) for attribute in plan.order]
                found.append((order, at, key_of(each)))
    if len(plan.lanes) > 1:
        found.sort(key=lambda each: each[0], reverse=not plan.forward)
    keys = [key for _, _, key in found]
    return list(dict.fromkeys(keys)) if plan.distinct else keys


def keys_in(items: Iterable[bytes]) -> list[tuple[str, Decimal]]:
    return [key_of(msgspec.json.decode(each)) for each in items]


def read_all(reader: Reader, table: Table, most: int = 10_000) -> list[tuple[str, Decimal]]:
    """The keys of all that *reader* gives."""
    keys: list[tuple[str, Decimal]] = []
    for _ in range(most):
        items = drive(reader.more(), table)
        if items is None:
            assert drive(reader.more(), table) is None
            return keys
        keys += keys_in(items)
    raise AssertionError("it does not end")


def take(
    reader: Reader, table: Table, count: int
) -> tuple[list[tuple[str, Decimal]], Position | None]:
    """The first *count* that *reader* gives, and the position after them, as a page takes them."""
    keys: list[tuple[str, Decimal]] = []
    while len(keys) < count:
        items = drive(reader.more(), table)
        if items is None:
            return keys, reader.position()
        if len(keys) + len(items) >= count:
            taken = count - len(keys)
            return keys + keys_in(items[:taken]), reader.position(taken)
        keys += keys_in(items)
    return keys, reader.position(0)

"""Batches, whose items are read or written independently: BatchGetItem, BatchWriteItem."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from ...limits import MAX_BATCH_GET, MAX_BATCH_WRITE
from ..database.engine import Answer, Engine, Request
from ..database.errors import make_invalid
from ..database.snapshots import Snapshot
from ..database.tables import Key, Table
from ..database.values import Item, as_list, as_map, check_item
from ..expressions.projections import Projection
from .capacity import Consumed, count_read_units, describe_collections, read_detail, read_metrics
from .items import read_projection
from .pages import show_row
from .requests import Members, parse_table_name, read, read_flag, require, require_lengths
from .writes import Write, find_table, find_target, make_put, write_item

_MOST_BYTES = 16 * 1024 * 1024


class _Gets(NamedTuple):
    """The reads of one table."""

    given: str
    """The table as the request has it, by name or ARN."""
    members: Members
    keys: list[Item]
    consistent: bool
    projection: Projection | None


class _Page:
    """The items of an answer; at most 16 MB."""

    def __init__(self, consumed: Consumed) -> None:
        self.consumed, self._room = consumed, _MOST_BYTES
        self.responses: dict[str, list[Any]] = {}
        self.unprocessed: dict[str, Any] = {}

    def add(self, snapshot: Snapshot, table: Table, gets: _Gets, key: Key) -> bool:
        """Read and add an item; return False if the page has no room for it."""
        row = snapshot.find(table, key)
        size = 0 if row is None else row.size
        if size > self._room or not self._room:
            self._room = 0
            return False
        self._room -= size
        if self.consumed.is_wanted:
            self.consumed.add_read(table, count_read_units(size, consistent=gets.consistent))
        if row is not None:
            self.responses[gets.given].append(show_row(row, gets.projection))
        return True

    def leave_out(self, gets: _Gets, key: Item) -> None:
        """Add a key to the unprocessed keys, in the form of the request."""
        rest = self.unprocessed.setdefault(gets.given, {**gets.members, "Keys": []})
        rest["Keys"].append(key)


def batch_get_item(engine: Engine, request: Request) -> Answer:
    """Return items by their keys; at most 16 MB."""
    page = _Page(Consumed(read_detail(request)))
    batch = [_read_gets(*each) for each in _list_tables(request, MAX_BATCH_GET)]
    if sum(len(gets.keys) for gets in batch) > MAX_BATCH_GET:
        raise make_invalid("Too many items requested for the BatchGetItem call")
    seen = _Seen()
    with engine.store.read() as snapshot:
        checked: list[tuple[Table, _Gets, Key, Item]] = []
        for gets in batch:
            table = find_table(snapshot, parse_table_name(gets.given))
            keys = [table.check_key(key) for key in gets.keys]
            for key, given in zip(keys, gets.members["Keys"], strict=True):
                seen.add(table, key)
                checked.append((table, gets, key, given))
            if gets.projection is not None:
                table.check_scalars(gets.projection.nested)
            page.responses[gets.given] = []
        left_out = engine.faults.leave_out("BatchGetItem", [table.name for table, *_ in checked])
        for number, (table, gets, key, given) in enumerate(checked):
            if number in left_out or not page.add(snapshot, table, gets, key):
                page.leave_out(gets, given)
    answer = {"Responses": page.responses, "UnprocessedKeys": page.unprocessed}
    return page.consumed.into(answer, several=True)


def _read_gets(given: str, members: Any, path: str) -> _Gets:
    members = as_map(members)
    keys: list[Any] = require(members, "Keys", list, path)
    require_lengths(keys, 1, MAX_BATCH_GET, f"{path}keys")
    projection = read_projection(members)
    consistent = read_flag(members, "ConsistentRead")
    return _Gets(given, members, [check_item(key) for key in keys], consistent, projection)


def batch_write_item(engine: Engine, request: Request) -> Answer:
    """Put and delete items; write nothing unless all requests are valid."""
    consumed = Consumed(read_detail(request))
    wants_metrics = read_metrics(request)
    batch = [
        write for each in _list_tables(request, MAX_BATCH_WRITE) for write in _read_writes(*each)
    ]
    if len(batch) > MAX_BATCH_WRITE:
        raise make_invalid("Too many items requested for the BatchWriteItem call")
    seen, now = _Seen(), engine.clock()
    answer: dict[str, Any] = {"UnprocessedItems": {}}
    with engine.store.write() as transaction:
        checked: list[tuple[Table, Write, Key]] = []
        for write in batch:
            table = find_table(transaction, write.table)
            key = find_target(table, write)
            seen.add(table, key)
            checked.append((table, write, key))
        left_out = engine.faults.leave_out("BatchWriteItem", [table.name for table, *_ in checked])
        if left_out:
            answer["UnprocessedItems"] = _pick_requests(request["RequestItems"], left_out)
            checked = [each for number, each in enumerate(checked) if number not in left_out]
        for table, write, key in checked:
            outcome = write_item(
                transaction, table, write, now, key=key, needs_old=consumed.is_wanted
            )
            consumed.add_write(table, outcome)
        if wants_metrics:
            written = [(table, write.item) for table, write, _ in checked]
            answer["ItemCollectionMetrics"] = describe_collections(transaction, written)
    return consumed.into(answer, several=True)


def _read_writes(given: str, requests: Any, path: str) -> Iterator[Write]:
    """Yield the writes to one table."""
    name = parse_table_name(given, "requestItems")
    requests = as_list(requests)
    require_lengths(requests, 1, MAX_BATCH_WRITE, path[:-1])
    for number, each in enumerate(requests, 1):
        members = as_map(each)
        put, delete = read(members, "PutRequest", dict), read(members, "DeleteRequest", dict)
        if (put is None) is (delete is None):
            raise make_invalid(
                "Supplied WriteRequest must contain exactly one of PutRequest and DeleteRequest"
            )
        place = f"{path[:-1]}.{number}.member."
        if put is not None:
            item = require(put, "Item", dict, f"{place}putRequest.")
            yield make_put(name, check_item(item))
        else:
            key = require(delete, "Key", dict, f"{place}deleteRequest.")
            yield Write(name, "Delete", check_item(key))


def _pick_requests(
    items: Mapping[str, list[Any]], numbers: Collection[int]
) -> dict[str, list[Any]]:
    """Return the requests at these positions of a batch, by table."""
    picked: dict[str, list[Any]] = {}
    requests = [(given, each) for given, several in items.items() for each in several]
    for number in sorted(numbers):
        given, each = requests[number]
        picked.setdefault(given, []).append(each)
    return picked


def _list_tables(request: Request, most: int) -> Iterator[tuple[str, Any, str]]:
    """Yield each table by its name or ARN, its requests, and their path for errors."""
    tables: dict[str, Any] = require(request, "RequestItems", dict)
    require_lengths(tables, 1, most, "requestItems")
    for given, requested in tables.items():
        yield given, requested, f"requestItems.{given}.member."


class _Seen:
    """The keys of a batch, which must all differ."""

    def __init__(self) -> None:
        self._keys: set[tuple[int, Key]] = set()

    def add(self, table: Table, key: Key) -> None:
        """Add a key; raise a ValidationException if it was added before."""
        place = (table.number, key)
        if place in self._keys:
            raise make_invalid("Provided list of item keys contains duplicates")
        self._keys.add(place)

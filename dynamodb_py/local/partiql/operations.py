"""ExecuteStatement, BatchExecuteStatement and ExecuteTransaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar

from ...limits import MAX_BATCH_STATEMENTS, MAX_TRANSACTION
from ..database.engine import Answer, Engine, Request
from ..database.errors import ServiceError, make_invalid
from ..database.snapshots import Snapshot, Transaction
from ..database.tables import Key, Table
from ..database.values import Item
from ..operations.capacity import Consumed, count_read_units, read_detail
from ..operations.items import choose_attributes
from ..operations.pages import show_row
from ..operations.requests import Members, read, read_count, read_parts, require_lengths
from ..operations.transactions import Get, run_reads, run_writes
from ..operations.writes import Write, find_table, find_target, write_item
from .bindings import Bound, Columns, bind_statement, read_parsed
from .reads import find_key, read_rows
from .statements import Delete, Exists, Parsed, Select, Statement, Update
from .writes import make_write

_MAX_NEXT_TOKEN = 32768
_BATCH, _TRANSACTION = "BatchExecuteStatement", "ExecuteTransaction"
_CODES = {
    "ValidationException": "ValidationError",
    "ResourceNotFoundException": "ResourceNotFound",
    "ConditionalCheckFailedException": "ConditionalCheckFailed",
    "DuplicateItemException": "DuplicateItem",
}
"""The codes of the errors that a member of a batch may have.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchStatementError.html
"""
_RAN = frozenset({"ConditionalCheckFailedException", "DuplicateItemException"})
"""The errors of statements that reached their item."""


class _Target(NamedTuple):
    """A statement on one item, and the key of the item."""

    bound: Bound
    table: Table
    key: Key
    write: Write | None
    """None for a SELECT."""


Found = TypeVar("Found")
_Part: TypeAlias = "_Target | ServiceError"


def execute_statement(engine: Engine, request: Request) -> Answer:
    """Carry out one statement."""
    limit = read_count(request, "Limit")
    token: str | None = read(request, "NextToken", str)
    if token is not None:
        require_lengths(token, 1, _MAX_NEXT_TOKEN, "nextToken")
    consumed = Consumed(read_detail(request))
    bound = _read_alone(request)
    if isinstance(bound.statement, Select):
        with engine.store.read() as snapshot:
            rows = read_rows(snapshot, bound.statement, bound, limit, token, consumed)
        answer: dict[str, Any] = {"Items": rows.page.items}
        if rows.token is not None:
            answer["NextToken"], answer["LastEvaluatedKey"] = rows.token, rows.page.last
        return consumed.into(answer)
    with engine.store.write() as transaction:
        item = _run_one(transaction, _resolve(transaction, bound), engine.clock(), consumed)
    return consumed.into({"Items": [item] if item else []})


def batch_execute_statement(engine: Engine, request: Request) -> Answer:
    """Carry out up to 25 statements, independently."""
    consumed = Consumed(read_detail(request))
    batch = [
        _try(_read_alone, each) for each in read_parts(request, "Statements", MAX_BATCH_STATEMENTS)
    ]
    reads = {isinstance(part.statement, Select) for part in batch if isinstance(part, Bound)}
    if len(reads) > 1:
        raise make_invalid("Read and write requests together in the same batch is not supported.")
    now = engine.clock()
    with engine.store.read() if True in reads else engine.store.write() as snapshot:
        parts = _resolve_all(snapshot, batch)
        answers = [_answer_member(snapshot, part, now, consumed) for part in parts]
    return consumed.into({"Responses": answers}, several=True)


def execute_transaction(engine: Engine, request: Request) -> Answer:
    """Carry out up to 100 statements, all or nothing."""
    parts = read_parts(request, "TransactStatements", MAX_TRANSACTION)
    parsed = [_in_part(number, _read_part, part) for number, part in enumerate(parts)]
    reads = {isinstance(each.statement, Select) for each in parsed}
    if len(reads) > 1:
        raise make_invalid(
            "ExecuteTransaction API does not support both read and write operations in the same "
            "request."
        )
    batch = [bind_statement(each, part) for each, part in zip(parsed, parts, strict=True)]

    def resolve(make: Callable[[Any, Bound], Found]) -> Callable[[Snapshot], list[Found]]:
        return lambda snapshot: [
            _in_part(number, make, snapshot, bound) for number, bound in enumerate(batch)
        ]

    if True in reads:
        return run_reads(engine, request, resolve(_make_get))
    return {"Responses": [], **run_writes(engine, request, parts, resolve(_make_write))}


def _read_alone(members: Members) -> Bound:
    """Return a statement outside of a transaction; raise a ValidationException for EXISTS."""
    bound = bind_statement(read_parsed(members), members)
    if isinstance(bound.statement, Exists):
        raise make_invalid("EXISTS can only be used in ExecuteTransaction write requests.")
    return bound


def _try(work: Callable[..., Found], *arguments: object) -> Found | ServiceError:
    """Return the result of *work* for a member of a batch, or its error if a member may have that error."""
    try:
        return work(*arguments)
    except ServiceError as error:
        if error.code not in _CODES:
            raise
        return error


def _read_part(members: Members) -> Parsed:
    """Return a statement of a transaction; raise a ValidationException for RETURNING."""
    parsed = read_parsed(members)
    statement = parsed.statement
    if isinstance(statement, (Update, Delete)) and statement.returning != "NONE":
        raise make_invalid("RETURNING clause is not supported in ExecuteTransaction")
    return parsed


def _in_part(number: int, work: Callable[..., Found], *arguments: object) -> Found:
    """Return the result of *work* for a part of a transaction; its ValidationException names the part."""
    try:
        return work(*arguments)
    except ServiceError as error:
        if error.code != "ValidationException":
            raise
        raise make_invalid(
            f"Validation failed in TransactStatements[{number}]: {error.message}"
        ) from None


def _resolve(snapshot: Snapshot, bound: Bound) -> _Target:
    """Return the table and the key of a statement on one item."""
    table = find_table(snapshot, bound.statement.source.table)
    if isinstance(bound.statement, Select):
        key = table.check_key(find_key(table, bound.statement, bound, _BATCH))
        return _Target(bound, table, key, None)
    write = make_write(table, bound)
    return _Target(bound, table, find_target(table, write), write)


def _resolve_all(snapshot: Snapshot, batch: Sequence[Bound | ServiceError]) -> list[_Part]:
    """Return the tables and keys of a batch; raise a ValidationException if two have the same item."""
    parts = [
        part if isinstance(part, ServiceError) else _try(_resolve, snapshot, part) for part in batch
    ]
    places = [(part.table.name, part.key) for part in parts if isinstance(part, _Target)]
    if len(set(places)) < len(places):
        raise make_invalid("Provided list of item keys contains duplicates")
    return parts


def _answer_member(
    snapshot: Snapshot, part: _Part, at: float, consumed: Consumed
) -> dict[str, Any]:
    """Carry out a statement of a batch; return its answer, which may be an error."""
    if isinstance(part, ServiceError):
        return {"Error": _describe(part)}
    name = part.table.name
    item = _try(_run_one, snapshot, part, at, consumed)
    if isinstance(item, ServiceError):
        answer = {"Error": _describe(item)}
        return {**answer, "TableName": name} if item.code in _RAN else answer
    return {"TableName": name, "Item": item} if item else {"TableName": name}


def _describe(error: ServiceError) -> dict[str, Any]:
    return {"Code": _CODES[error.code], "Message": error.message, **error.fields}


def _run_one(snapshot: Snapshot, target: _Target, at: float, consumed: Consumed) -> Item | None:
    """Carry out a statement on one item; return the item of a SELECT, or the attributes of RETURNING."""
    bound, table, key, write = target
    if write is None:
        row = snapshot.find(table, key)
        size = 0 if row is None else row.size
        consumed.add_read(table, count_read_units(size, consistent=bound.consistent))
        return None if row is None else show_row(row, _make_columns(bound.statement))
    assert isinstance(snapshot, Transaction)
    outcome = write_item(snapshot, table, write, at, key=key)
    consumed.add_write(table, outcome)
    statement = bound.statement
    returning = statement.returning if isinstance(statement, (Update, Delete)) else "NONE"
    return choose_attributes(outcome, returning, write.changes)


def _make_columns(statement: Statement) -> Columns | None:
    """Return the columns of a SELECT, or None for whole items."""
    if not isinstance(statement, Select) or statement.paths is None:
        return None
    return Columns(statement.paths)


def _make_get(snapshot: Snapshot, bound: Bound) -> Get:
    """Return the read of a SELECT in a transaction."""
    select = bound.statement
    assert isinstance(select, Select)
    if select.source.index_name is not None:
        raise make_invalid("Reads on indices are not supported within transactions")
    table = find_table(snapshot, select.source.table)
    key = find_key(table, select, bound, _TRANSACTION)
    return Get(table.name, key, _make_columns(select))


def _make_write(transaction: Transaction, bound: Bound) -> Write:
    """Return the write of a statement in a transaction."""
    return make_write(find_table(transaction, bound.statement.source.table), bound)

"""PartiQL: ``Model.objects.execute('SELECT * FROM {table} WHERE ...', ...)``."""

from __future__ import annotations

import re
from typing import Any

from msgspec.structs import replace

from ...codec import decode_item, encode
from ...connections import current_options
from ...exceptions import QueryError, ServiceError, narrow_error
from ...flows import Flow
from ...operations.items import StoredItem
from ...operations.statements import ExecuteStatement
from ..bulk.bound_model import BoundModel, load_item, table_name

FEWEST = 100
"""The least number of items that a request reads if only ``limit`` is given.

A WHERE without a key would otherwise turn ``limit=1`` into a request for each item that it drops.
"""


def execute_statement(
    bound: BoundModel[Any],
    statement: str,
    /,
    *parameters: Any,
    consistent: bool | None = None,
    limit: int | None = None,
    page_size: int | None = None,
) -> Flow[list[Any]]:
    """Carry out a PartiQL statement, and return all of its items.

    ``SELECT * FROM {table}`` gives instances; a SELECT of some attributes, or of an index
    (``{table}."by_wins"``), and ``RETURNING`` give plain dicts of the stored values, by attribute
    name. A statement that returns nothing gives []. A statement that writes calls no hooks, and no
    validation, and leaves version fields. A SELECT whose WHERE has no key reads, and pays for, the
    whole table.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html

    :param statement: one statement; ``{table}`` stands for the quoted name of the table.
    :param parameters: a value for each question mark, as in a free-form document.
    :param consistent: of a SELECT: True sees every write before it, for twice the price; by
        default as ``options()`` says, not as the connection does: an index may not allow it.
    :param limit: how many rows to return at most.
    :param page_size: how many items each request reads; by default as many as *limit*, but at
        least 100, else what DynamoDB puts in 1 MB.
    :raises ValidationError: a parameter cannot be stored; nothing was sent.
    :raises AlreadyExists: an INSERT met an item with its key.
    :raises ConditionFailed: the WHERE of an UPDATE or a DELETE does not hold.
    """
    wires = [encode(value, f"parameter {at}") for at, value in enumerate(parameters, start=1)]
    table = table_name(bound)
    operation = ExecuteStatement(statement.replace("{table}", _quote(table)), wires, table=table)
    if operation.reads:
        size = None if limit is None else max(limit, FEWEST)
        operation = replace(
            operation,
            consistent=bool(current_options().consistent) if consistent is None else consistent,
            limit=size if page_size is None else page_size,
        )
    _check_sizes(operation, limit, page_size)
    return _read_rows(bound, operation, limit)


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _check_sizes(operation: ExecuteStatement, limit: int | None, page_size: int | None) -> None:
    for name, value, least in (("limit", limit, 0), ("page_size", page_size, 1)):
        if value is None:
            continue
        if not operation.reads:
            raise QueryError(f"{name}={value} is for a SELECT: other statements are about one item")
        if value < least:
            raise QueryError(f"{name}={value}: it is {least} or more")


def _read_rows(
    bound: BoundModel[Any], operation: ExecuteStatement, limit: int | None
) -> Flow[list[Any]]:
    items: list[StoredItem] = []
    rest: ExecuteStatement | None = None if limit == 0 else operation
    while rest is not None:
        try:
            page = yield from rest
        except ServiceError as error:
            raise _narrow(error, bound.model.AlreadyExists) from error.__cause__
        items += page.items
        rest = page.rest if limit is None or len(items) < limit else None
    if not _reads_whole_items(operation):
        return [decode_item(item) for item in items[:limit]]
    return [load_item(bound, item) for item in items[:limit]]


def _reads_whole_items(operation: ExecuteStatement) -> bool:
    """Tell whether the statement reads whole items of the table, not of an index."""
    table = operation.table
    names = f"{re.escape(_quote(table))}|{re.escape(table)}"
    pattern = rf"\s*(?i:SELECT\s*\*\s*FROM\s*)(?:{names})(?![\w.-]|\s*\.)"
    return re.match(pattern, operation.statement) is not None


def _narrow(error: ServiceError, exists: type[ServiceError]) -> ServiceError:
    if error.code == "DuplicateItemException":
        return narrow_error(error, exists)
    if error.code == "UnknownOperationException":
        error.args = (
            f"{error.args[0]}: this server has no PartiQL: say it with filter(), get(), create(), "
            "update() or delete()",
        )
    return error

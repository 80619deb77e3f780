"""Creating and deleting one table, in any state of the table."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ..exceptions import (
    RequestError,
    TableAlreadyExists,
    TableInUse,
    TableMismatch,
    TableNotFound,
)
from ..flows import Flow
from ..operations.tables import CreateTable, DeleteTable, TableDescription
from ..schema import TableSchema
from ..waiting import find_table, wait_or_raise

# The most seconds between the local clock and DynamoDB's, for comparing a table's age.
_CLOCK_SKEW = 5.0


def create_table(
    name: str, schema: TableSchema, waits: Iterator[float], *, accept: bool
) -> Flow[TableDescription]:
    """Create the table; if one of the same name is being deleted, wait for the end of that first.

    :param accept: whether a table that another program created meanwhile is not an error.
    """
    started = time.time()
    while True:
        try:
            return (yield from CreateTable(name, schema))
        except (TableInUse, TableAlreadyExists) as error:
            refusal = error
        found = yield from find_table(name)
        if found is not None and not is_deleting(found):
            if accept:
                check_keys(schema, found)
            elif not refusal.in_doubt or not _was_created_here(schema, found, started):
                raise _make_exists_error(refusal) from refusal
            return found
        yield from wait_or_raise(waits, refusal)


def delete_table(
    name: str, waits: Iterator[float], *, missing_ok: bool
) -> Flow[TableDescription | None]:
    """Delete the table as soon as DynamoDB allows it; return None if it does not exist."""
    while True:
        try:
            return (yield from DeleteTable(name))
        except TableNotFound as error:
            # If a response was lost, the earlier attempt deleted the table.
            if missing_ok or error.in_doubt:
                return None
            raise
        except TableInUse as error:
            yield from wait_or_raise(waits, error)


def is_deleting(description: TableDescription) -> bool:
    """Tell whether a table is being deleted."""
    return bool(description.get("TableStatus") == "DELETING")


def _was_created_here(schema: TableSchema, found: TableDescription, started: float) -> bool:
    """Tell whether an earlier attempt of this call, whose response was lost, created the table *found*."""
    if schema.differences(TableSchema.parse(found)):
        return False
    if found["TableStatus"] == "CREATING":
        return True
    created = found.get("CreationDateTime")
    return created is not None and created.timestamp() >= started - _CLOCK_SKEW


def _make_exists_error(refusal: RequestError) -> TableAlreadyExists:
    error = TableAlreadyExists(
        "there is a table of this name already; update() makes it what the model declares"
    )
    vars(error).update(vars(refusal))
    return error


def check_keys(
    schema: TableSchema, found: TableDescription, named: str = "Meta.table_name"
) -> None:
    """Raise TableMismatch for a table with other keys; *named* is the option that names the table."""
    if differences := schema.key_differences(TableSchema.parse(found)):
        raise TableMismatch(
            f"the table {found['TableName']} exists with other keys than the model's, and keys "
            f"cannot be changed: choose another {named}, or delete the table first. "
            + "; ".join(differences),
            differences,
        )

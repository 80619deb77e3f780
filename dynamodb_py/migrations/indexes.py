"""Adding one index to a live table, or dropping one, without any other change of the table."""

from __future__ import annotations

from msgspec.structs import replace

from ..connections import Connection
from ..exceptions import MigrationError
from ..flows import Flow
from ..models.instance import options_of
from ..operations.tables import DescribeTable
from ..schema import TableSchema
from ..tables.update import update_table
from ..waiting import pauses
from .operations import AddIndex, DropIndex

_TIMEOUT = 86_400.0
"""The most seconds to wait until an index is filled, or gone."""


def add_index(operation: AddIndex, link: Connection) -> Flow[None]:
    """Add the index to the live table, unless it exists, and wait until it is filled."""
    declared = operation.find_declared()
    if declared is None:
        return  # a later migration drops it
    table, live = yield from _read_schema(operation, link)
    others = [index for index in live.indexes if index.name != operation.index]
    wanted = replace(live, indexes=(*others, declared))
    yield from update_table(table, wanted, pauses(_TIMEOUT))


def drop_index(operation: DropIndex, link: Connection) -> Flow[None]:
    """Remove the index from the live table, if it exists, and wait until it is gone."""
    table, live = yield from _read_schema(operation, link)
    found = [index for index in live.indexes if index.name == operation.index]
    if found and found[0].scope == "local":
        raise MigrationError(
            f"{operation.describe()}: it is a local index, so only deleting the table removes it"
        )
    wanted = replace(live, indexes=tuple(each for each in live.indexes if each not in found))
    yield from update_table(table, wanted, pauses(_TIMEOUT), drop_indexes=True)


def _read_schema(
    operation: AddIndex | DropIndex, link: Connection
) -> Flow[tuple[str, TableSchema]]:
    table = link.table_name(options_of(operation.model).table_name)
    return table, TableSchema.parse((yield from DescribeTable(table)))

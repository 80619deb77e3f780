"""The operations on whole tables: CreateTable, DescribeTable, DeleteTable, ListTables."""

from __future__ import annotations

import uuid
from typing import Any

from ..database.engine import Answer, Engine, Request
from ..database.errors import ServiceError, make_invalid
from ..database.snapshots import Transaction
from ..database.stream_records import follow_table
from ..database.tables import Table
from .descriptions import (
    BILLING_MODES,
    Description,
    check_throughput,
    describe_billing,
    describe_index,
    describe_stream,
    read_capacity_limits,
    read_options,
    read_stream,
    read_throughput,
    refuse_members,
    show,
)
from .requests import (
    ARN,
    Members,
    parse_table_name,
    read,
    read_choice,
    read_count,
    read_table_name,
    require_lengths,
)
from .schemas import (
    check_name,
    check_schema,
    make_definitions,
    read_definitions,
    read_global_indexes,
    read_key_schema,
    read_local_indexes,
)
from .table_settings import find_named, read_tags

_PAGE = 100
_CLOUD = (
    "ResourcePolicy",
    "GlobalTableSourceArn",
    "GlobalTableSettingsReplicationMode",
    "VectorIndexes",
)


def create_table(engine: Engine, request: Request) -> Answer:
    """Create a table. It can be used at once, although the answer shows the status CREATING."""
    name = check_name(read_table_name(request))
    refuse_members(request, *_CLOUD)
    description = _read_description(name, request, engine.clock())
    with engine.store.write() as transaction:
        if transaction.find_table(name) is not None:
            raise ServiceError("ResourceInUseException", f"Table already exists: {name}")
        number = transaction.take_number("places")
        _number_indexes(transaction, description)
        table = transaction.put_table(name, number, description)
        transaction.make_items(table)
        for index in table.indexes.values():
            transaction.make_entries(index)
        follow_table(transaction, None, table, engine.clock())
    return {"TableDescription": _show_as(table, "CREATING")}


def _read_description(name: str, request: Request, at: float) -> Description:
    """Return the description of a new table; its indexes have no Number yet."""
    types = read_definitions(request)
    schema = read_key_schema(request)
    mode = read_choice(request, "BillingMode", BILLING_MODES, "PROVISIONED")
    throughput = read_throughput(request)
    check_throughput(mode, throughput)
    local = read_local_indexes(request, schema)
    globals_ = [describe_global_index(name, mode, *each) for each in read_global_indexes(request)]
    check_schema(types, schema, [*local, *globals_])
    description: Description = {
        "AttributeDefinitions": make_definitions(types),
        "TableName": name,
        "KeySchema": schema,
        "TableStatus": "ACTIVE",
        "CreationDateTime": at,
        "TableArn": ARN + name,
        "TableId": str(uuid.uuid4()),
        **describe_billing(mode, throughput, at),
        "DeletionProtectionEnabled": False,
        **read_options(request, at),
        **read_capacity_limits(request, mode),
    }
    if local:
        description["LocalSecondaryIndexes"] = [describe_index(name, each) for each in local]
    if globals_:
        description["GlobalSecondaryIndexes"] = globals_
    stream = read_stream(request)
    if stream is not None and stream["StreamEnabled"]:
        description.update(describe_stream(name, stream, at))
    if tags := read_tags(request):
        description["Tags"] = tags
    return description


def describe_global_index(
    table: str, mode: str, definition: Description, options: Members, path: str
) -> Description:
    """Return the description of a global index of *table*, with its options.

    :param mode: the billing mode of the table.
    """
    throughput = read_throughput(options, path)
    check_throughput(mode, throughput, definition["IndexName"])
    billing = describe_billing(mode, throughput, 0.0)
    return {
        **describe_index(table, definition),
        "IndexStatus": "ACTIVE",
        "ProvisionedThroughput": billing["ProvisionedThroughput"],
        **read_capacity_limits(options, mode, path),
    }


def _number_indexes(transaction: Transaction, description: Description) -> None:
    for kind in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        for index in description.get(kind, ()):
            index["Number"] = transaction.take_number("places")


def _show_as(table: Table, status: str) -> Description:
    """Return the description of a table for an answer, with *status* in place of its status."""
    found = show(table)
    found["TableStatus"] = status
    for index in found.get("GlobalSecondaryIndexes", ()):
        index["IndexStatus"] = status
    return found


def describe_table(engine: Engine, request: Request) -> Answer:
    """Return the description of a table."""
    name = read_table_name(request)
    with engine.store.read() as snapshot:
        return {"Table": show(find_named(snapshot, name), snapshot)}


def delete_table(engine: Engine, request: Request) -> Answer:
    """Delete a table with everything in it."""
    name = read_table_name(request)
    with engine.store.write() as transaction:
        table = find_named(transaction, name)
        if table.description.get("DeletionProtectionEnabled"):
            raise make_invalid(
                f"Resource cannot be deleted as it is currently protected against deletion. "
                f"Disable deletion protection first. Table: {name}"
            )
        found = show(table, transaction)
        transaction.delete_table(table)
        follow_table(transaction, table, None, engine.clock())
    # DynamoDB's answer leaves out these members.
    for member in ("AttributeDefinitions", "KeySchema", "CreationDateTime"):
        del found[member]
    for kind in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        found.pop(kind, None)
    return {"TableDescription": {**found, "TableStatus": "DELETING"}}


def list_tables(engine: Engine, request: Request) -> Answer:
    """Return a page of the names of tables."""
    start: str | None = read(request, "ExclusiveStartTableName", str)
    if start is not None:
        require_lengths(start, 3, 255, "exclusiveStartTableName")
        parse_table_name(start, "exclusiveStartTableName")
    limit = read_count(request, "Limit", 1, _PAGE) or _PAGE
    with engine.store.read() as snapshot:
        names = [name for name in snapshot.list_tables() if start is None or name > start]
    answer: dict[str, Any] = {"TableNames": names[:limit]}
    if len(names) > limit:
        answer["LastEvaluatedTableName"] = names[limit - 1]
    return answer

"""UpdateTable: throughput, billing, indexes, streams, deletion protection and table class."""

from __future__ import annotations

from typing import Any

from ...limits import MAX_GLOBAL_INDEXES
from ..database.engine import Answer, Engine, Request
from ..database.errors import INVALID, ServiceError, make_invalid, make_not_found
from ..database.snapshots import Transaction
from ..database.stream_records import follow_table
from ..database.tables import Table
from ..database.values import as_map
from .descriptions import (
    BILLING_MODES,
    Description,
    check_throughput,
    describe_billing,
    describe_stream,
    find_mode,
    read_capacity_limits,
    read_options,
    read_stream,
    read_throughput,
    refuse_members,
    show,
)
from .requests import Members, read, read_choice, read_table_name, require
from .schemas import check_schema, find_used, make_definitions, read_definitions, read_global_index
from .table_settings import find_named
from .tables import describe_global_index

_CHANGES = (
    "ProvisionedThroughput",
    "BillingMode",
    "StreamSpecification",
    "GlobalSecondaryIndexUpdates",
    "SSESpecification",
    "TableClass",
    "DeletionProtectionEnabled",
    "OnDemandThroughput",
    "WarmThroughput",
)
_CLOUD = (
    "ReplicaUpdates",
    "MultiRegionConsistency",
    "GlobalTableWitnessUpdates",
    "GlobalTableSettingsReplicationMode",
    "DisassociationProtectionEnabled",
    "VectorIndexUpdates",
)
_UPDATES = ("Create", "Update", "Delete")


def update_table(engine: Engine, request: Request) -> Answer:
    """Change the options of a table, or add or remove an index. The change is complete at the end of the call."""
    name = read_table_name(request)
    refuse_members(request, *_CLOUD)
    if all(request.get(each) is None for each in _CHANGES):
        raise make_invalid(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
            "GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required"
        )
    updates = _read_updates(request)
    now = engine.clock()
    with engine.store.write() as transaction:
        table = find_named(transaction, name)
        description = dict(table.description)
        _change_billing(description, request, updates, now)
        description.update(read_options(request, now))
        _change_stream(description, request, now)
        _change_indexes(transaction, table, description, request, updates)
        changed = transaction.put_table(name, table.number, description)
        _build(transaction, table, changed)
        follow_table(transaction, table, changed, now)
        found = show(changed, transaction)
    found["TableStatus"] = "UPDATING"
    return {"TableDescription": _show_changes(found, updates)}


def _read_updates(request: Request) -> list[tuple[str, Members, str]]:
    """Return the kind, members and path of each of the GlobalSecondaryIndexUpdates."""
    given: list[Any] = read(request, "GlobalSecondaryIndexUpdates", list) or []
    found: list[tuple[str, Members, str]] = []
    for number, each in enumerate(given, 1):
        members = as_map(each)
        kinds = [kind for kind in _UPDATES if members.get(kind) is not None]
        if len(kinds) != 1:
            raise make_invalid(
                f"{INVALID}One of GlobalSecondaryIndexUpdate.Update, "
                "GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null"
            )
        path = f"globalSecondaryIndexUpdates.{number}.member.{kinds[0].lower()}."
        update: Members = read(members, kinds[0], dict)
        require(update, "IndexName", str, path)
        found.append((kinds[0], update, path))
    names = [update["IndexName"] for _, update, _ in found]
    for name in names:
        if names.count(name) > 1:
            raise make_invalid(
                f"{INVALID}Only one global secondary index update per index is allowed "
                f"simultaneously. Index: {name}"
            )
    if sum(kind != "Update" for kind, _, _ in found) > 1:
        raise ServiceError(
            "LimitExceededException",
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously "
            "per table",
        )
    return found


def _change_billing(
    description: Description, request: Request, updates: list[tuple[str, Members, str]], now: float
) -> None:
    before = find_mode(description)
    mode = read_choice(request, "BillingMode", BILLING_MODES, before)
    throughput = read_throughput(request)
    if mode != before or throughput is not None:
        check_throughput(mode, throughput)
    if mode != before:
        _switch_billing(description, mode, updates, now)
    if throughput is not None:
        if mode == before:
            _check_change(description["ProvisionedThroughput"], throughput, "the table", "")
        description["ProvisionedThroughput"] = {**throughput, "LastIncreaseDateTime": now}
    description.update(read_capacity_limits(request, mode))


def _switch_billing(
    description: Description, mode: str, updates: list[tuple[str, Members, str]], now: float
) -> None:
    description.update(describe_billing(mode, None, now))
    if mode == "PROVISIONED":
        description["BillingModeSummary"] = {"BillingMode": mode}
        description.pop("OnDemandThroughput", None)
    indexes: list[Description] = []
    changed = {update["IndexName"] for kind, update, _ in updates if kind == "Update"}
    for index in description.get("GlobalSecondaryIndexes", ()):
        if mode == "PROVISIONED" and index["IndexName"] not in changed:
            check_throughput(mode, None, index["IndexName"])
        throughput = describe_billing(mode, None, now)["ProvisionedThroughput"]
        indexes.append({**index, "ProvisionedThroughput": throughput})
    if indexes:
        description["GlobalSecondaryIndexes"] = indexes


def _check_change(old: Description, new: Description, what: str, suffix: str) -> None:
    """Raise a ValidationException if the new throughput is equal to the old one."""
    names = ("ReadCapacityUnits", "WriteCapacityUnits")
    if any(old[name] != new[name] for name in names):
        return
    units = " ".join(
        f"Current {name} provisioned for {what}: {old[name]}. Requested {name}: {new[name]}."
        for name in names
    )
    raise make_invalid(
        f"The provisioned throughput for {what} will not change. The requested value equals the "
        f"current value. {units} Refer to the Amazon DynamoDB Developer Guide for current limits and "
        f"how to request higher limits.{suffix}"
    )


def _change_stream(description: Description, request: Request, now: float) -> None:
    stream = read_stream(request)
    if stream is None:
        return
    name = description["TableName"]
    is_enabled = "StreamSpecification" in description
    if stream["StreamEnabled"]:
        if is_enabled:
            raise make_invalid(f"Table already has an enabled stream: TableName: {name}")
        description.update(describe_stream(name, stream, now))
        return
    if not is_enabled:
        raise make_invalid(f"Table has no stream to disable: TableName: {name}")
    del description["StreamSpecification"]


def _change_indexes(
    transaction: Transaction,
    table: Table,
    description: Description,
    request: Request,
    updates: list[tuple[str, Members, str]],
) -> None:
    """Change the descriptions of indexes, and the definitions of their key attributes."""
    if not updates:
        return
    indexes = {each["IndexName"]: each for each in description.get("GlobalSecondaryIndexes", ())}
    types = {
        part["AttributeName"]: part["AttributeType"] for part in description["AttributeDefinitions"]
    }
    mode = find_mode(description)
    for kind, update, path in updates:
        name = update["IndexName"]
        if kind == "Create":
            if name in table.indexes:
                raise make_invalid("Attempting to create an index which already exists")
            _add_types(types, read_definitions(request))
            definition = read_global_index(update, path)
            index = describe_global_index(table.name, mode, definition, update, path)
            index["Number"] = transaction.take_number("places")
            indexes[name] = index
        elif name not in indexes:
            raise make_not_found(f"Requested resource not found: Index: {name} not found")
        elif kind == "Delete":
            del indexes[name]
        else:
            indexes[name] = _update_index(indexes[name], update, mode, path)
    _set_indexes(description, types, list(indexes.values()))


def _add_types(types: dict[str, str], given: dict[str, str]) -> None:
    for name, kind in given.items():
        if types.setdefault(name, kind) != kind:
            raise make_invalid(
                f"{INVALID}Attributes cannot be redefined. Please check that your attribute has the "
                f"same type as previously defined. Existing schema: {name} is {types[name]}"
            )


def _update_index(index: Description, update: Members, mode: str, path: str) -> Description:
    throughput = read_throughput(update, path)
    limits = read_capacity_limits(update, mode, path)
    if throughput is None and not limits:
        raise make_invalid(f"{INVALID}ProvisionedThroughput is required for {index['IndexName']}")
    if throughput is not None:
        name = index["IndexName"]
        check_throughput(mode, throughput, name)
        _check_change(index["ProvisionedThroughput"], throughput, f"the index {name}", "")
        index = {**index, "ProvisionedThroughput": throughput}
    return {**index, **limits}


def _set_indexes(
    description: Description, types: dict[str, str], indexes: list[Description]
) -> None:
    schema = description["KeySchema"]
    every = [*description.get("LocalSecondaryIndexes", ()), *indexes]
    used = find_used(schema, every)
    # The definitions that only a deleted index needed are deleted too.
    types = {name: kind for name, kind in types.items() if name in used}
    if len(indexes) > MAX_GLOBAL_INDEXES:
        raise make_invalid(
            f"{INVALID}GlobalSecondaryIndex count exceeds the per-table limit of {MAX_GLOBAL_INDEXES}"
        )
    check_schema(types, schema, every)
    description["AttributeDefinitions"] = make_definitions(types)
    description.pop("GlobalSecondaryIndexes", None)
    if indexes:
        description["GlobalSecondaryIndexes"] = indexes


def _build(transaction: Transaction, before: Table, after: Table) -> None:
    """Drop the entries of deleted indexes, and write those of new indexes."""
    for name, index in before.indexes.items():
        if name not in after.indexes:
            transaction.drop_entries(index)
    for name, index in after.indexes.items():
        if name not in before.indexes:
            transaction.make_entries(index)
            for row in transaction.find_range(after):
                transaction.put_entry(index, row.key, row.item)


def _show_changes(found: Description, updates: list[tuple[str, Members, str]]) -> Description:
    """Return the description for the answer, in which new and changed indexes are not ACTIVE yet."""
    kinds = {update["IndexName"]: kind for kind, update, _ in updates}
    for index in found.get("GlobalSecondaryIndexes", ()):
        kind = kinds.get(index["IndexName"])
        if kind is not None:
            index["IndexStatus"] = "CREATING" if kind == "Create" else "UPDATING"
            if kind == "Create":
                index["Backfilling"] = False
    return found

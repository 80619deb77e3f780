"""Plans of the steps that change a live table to a model's declaration: pure functions."""

from __future__ import annotations

from collections.abc import Iterator

from .. import limits
from ..operations.tables import (
    AddIndex,
    CreateTable,
    DropIndex,
    TableDescription,
    UpdateTable,
)
from ..schema import (
    PROVISIONED,
    IndexSchema,
    KeyAttribute,
    TableSchema,
    Throughput,
)
from .options import Change, LiveTable, describe_change, find_changes, find_differences
from .steps import TablePlan, TableStep
from .ttl import describe_difference, describe_remedy, make_change


def make_plan(
    table: str, wanted: TableSchema, live: LiveTable, *, drop_indexes: bool = False
) -> TablePlan:
    """Return the steps from *live* to *wanted*, in an order that DynamoDB accepts.

    Protection of data comes first, then quick changes, then the indexes, one at a time. A difference that DynamoDB
    cannot change is a step without an operation.

    :param drop_indexes: whether to remove the global indexes that *wanted* does not have.
    """
    current = TableSchema.parse(live.description)
    steps = [
        *_find_impossible(table, wanted, current),
        *_find_ttl(table, wanted, live),
    ]
    quick = list(find_changes(table, wanted, live))
    steps += _make_option_steps(table, [each for each in quick if not _is_of_units(each)])
    steps += _find_billing(table, wanted, current)
    steps += _make_option_steps(table, [each for each in quick if _is_of_units(each)])
    steps += _find_index_steps(table, wanted, current, drop_indexes=drop_indexes)
    return TablePlan(steps, _find_notes(table, wanted, current, drop_indexes=drop_indexes))


def plan_companion(
    table: str, wanted: TableSchema, description: TableDescription | None
) -> TablePlan:
    """Return the step that creates the table of the sentinels of unique values, if it is missing."""
    if description is None:
        step = TableStep(
            table,
            "uniqueness",
            f"create the table {table} for the sentinels",
            "the model has unique values, and the table is missing; afterwards, dynamodb-py unique repair "
            "fills it",
            CreateTable(table, wanted),
            undo="delete the table",
        )
        return TablePlan([step])
    return TablePlan(_find_impossible(table, wanted, TableSchema.parse(description)))


def find_all_differences(table: str, wanted: TableSchema, live: LiveTable) -> list[str]:
    """Return a sentence for each difference of *live* from *wanted*."""
    current = TableSchema.parse(live.description)
    differences = wanted.differences(current)
    if find_billing_change(table, wanted, current) is not None:
        differences.append(describe_billing(wanted, current))
    if wanted.ttl is not None and live.ttl is not None:
        ttl = describe_difference(wanted.ttl, live.ttl)
        differences += [] if ttl is None else [ttl]
    return differences + find_differences(table, wanted, live)


# -- impossible changes ----------------------------------------------------------------------------


def _find_impossible(table: str, wanted: TableSchema, current: TableSchema) -> Iterator[TableStep]:
    for difference in wanted.key_differences(current):
        yield TableStep(
            table,
            "keys",
            "DynamoDB cannot change the keys of a table: choose another Meta.table_name, copy the items "
            "there, and delete this table",
            difference,
        )
    found = {index.name: index for index in current.indexes}
    for index in wanted.indexes:
        other = found.get(index.name)
        if index.scope == "local" and (other is None or str(other) != str(index)):
            yield TableStep(
                table,
                f"index {index.name}",
                f"DynamoDB creates a local index with its table and never changes it: declare {index.name} as the "
                "table has it, or as a GlobalIndex under a new name, or choose another Meta.table_name",
                _describe_index(index, other),
            )
        elif index.scope == "global" and other is not None and str(other) != str(index):
            yield TableStep(
                table, f"index {index.name}", _advise(index, current), _describe_index(index, other)
            )


def _advise(index: IndexSchema, current: TableSchema) -> str:
    """Return the advice on changing the keys or the projection of an index in two runs."""
    new = find_new_name(index.name, {each.name for each in current.indexes})
    return (
        f"index {index.name} takes two runs, because DynamoDB cannot change an index: declare it as "
        f'GlobalIndex("{new}", ...); its name in the class may stay; 1. update() creates and fills {new}; '
        f"then deploy the programs that read {new}; 2. update(drop_indexes=True) removes {index.name}"
    )


def find_new_name(name: str, taken: set[str]) -> str:
    """Return *name* with the next number that is not *taken*: ``by_title_2``, ``by_title_3``.

    >>> find_new_name("by_title_2", {"by_title", "by_title_2"})
    'by_title_3'
    """
    stem, _, digits = name.rpartition("_")
    number = int(digits) + 1 if stem and digits.isdecimal() else 2
    stem = stem if stem and digits.isdecimal() else name
    while f"{stem}_{number}" in taken:
        number += 1
    return f"{stem}_{number}"


def _describe_index(wanted: IndexSchema, found: IndexSchema | None) -> str:
    if found is None:
        return "the table does not have it"
    return f"the model has {wanted}; the table has {found}"


# -- options ---------------------------------------------------------------------------------------


def _is_of_units(change: Change) -> bool:
    return change.option.endswith(("warm_throughput", "on_demand_maximum"))


def _make_option_steps(table: str, changes: list[Change]) -> Iterator[TableStep]:
    for change in changes:
        for operation in change.operations:
            is_first_of_two = operation is not change.operations[-1]
            what = f"set {change.option} to {change.wanted}"
            if is_first_of_two:
                what = f"switch {change.option} off, to set it to {change.wanted} afterwards"
            yield TableStep(
                table, change.option, what, describe_change(change), operation, undo=change.undo
            )


def _find_ttl(table: str, wanted: TableSchema, live: LiveTable) -> Iterator[TableStep]:
    if wanted.ttl is None or live.ttl is None:
        return
    difference = describe_difference(wanted.ttl, live.ttl)
    if difference is None:
        return
    operation = make_change(table, wanted.ttl, live.ttl)
    what = describe_remedy(table, live.ttl)
    if operation is not None:
        what = f"switch TTL on, by the attribute {wanted.ttl!r}"
    undo = "UpdateTimeToLive; items that DynamoDB deleted meanwhile are gone"
    yield TableStep(table, "ttl", what, difference, operation, undo=undo)


def _find_billing(table: str, wanted: TableSchema, current: TableSchema) -> Iterator[TableStep]:
    change = find_billing_change(table, wanted, current)
    if change is not None:
        yield TableStep(
            table,
            "billing",
            f"set billing to {spell_billing(wanted)}",
            describe_billing(wanted, current),
            change,
            undo="the earlier values, a few times a day at most",
        )


def find_billing_change(
    table: str, wanted: TableSchema, current: TableSchema
) -> UpdateTable | None:
    """Return the request that changes billing and throughput of the table and its live indexes, or None."""
    mode = wanted.billing_mode if wanted.billing_mode != current.billing_mode else None
    throughput = wanted.throughput if wanted.throughput != current.throughput else None
    declared = {index.name: wanted.index_throughput(index) for index in wanted.global_indexes}
    indexes: dict[str, Throughput] = {}
    for index in current.global_indexes:
        units = declared.get(index.name)
        if units is None and mode == PROVISIONED:  # in this mode every index needs units
            units = wanted.throughput
        if units is not None and units != current.index_throughput(index):
            indexes[index.name] = units
    if mode is None and throughput is None and not indexes:
        return None  # DynamoDB rejects a request that changes nothing
    return UpdateTable(table, mode, throughput, indexes)


def describe_billing(wanted: TableSchema, current: TableSchema) -> str:
    """Return the sentence for a difference in billing or throughput."""
    return f"billing: the model has {spell_billing(wanted)}; the table has {spell_billing(current)}"


def spell_billing(schema: TableSchema) -> str:
    """Return billing mode and throughput of a table and its indexes, in words."""
    units = {f"index {each.name} ": schema.index_throughput(each) for each in schema.indexes}
    known = sorted({"": schema.throughput, **units}.items())
    parts = [f"{of}{one.read} read and {one.write} write units" for of, one in known if one]
    return ", ".join([schema.billing_mode, *parts])


# -- indexes ---------------------------------------------------------------------------------------


def _find_index_steps(
    table: str, wanted: TableSchema, current: TableSchema, *, drop_indexes: bool
) -> Iterator[TableStep]:
    """Yield steps that add indexes, and steps that drop indexes: last, or earlier to make room."""
    there = list(current.indexes)
    known = {index.name for index in there}
    undeclared = find_undeclared(wanted, current)
    for index in wanted.global_indexes:
        if index.name in known:
            continue
        for old in list(undeclared):
            if drop_indexes and not _has_room(there, index):
                undeclared.remove(old)
                there.remove(old)
                yield _drop_index(table, old)
        if not _has_room(there, index):
            yield _refuse_index(table, there, index)
            continue
        there.append(index)
        yield _add_index(table, wanted, there, index)
    if drop_indexes:
        for old in undeclared:
            yield _drop_index(table, old)


def find_undeclared(wanted: TableSchema, current: TableSchema) -> list[IndexSchema]:
    """Return the global indexes of a live table that the model does not declare."""
    names = {index.name for index in wanted.indexes}
    return [index for index in current.global_indexes if index.name not in names]


def _has_room(there: list[IndexSchema], index: IndexSchema) -> bool:
    return next(_find_obstacles(there, index), None) is None


def _find_obstacles(there: list[IndexSchema], index: IndexSchema) -> Iterator[str]:
    """Yield the reasons for which DynamoDB would reject *index* beside the present indexes."""
    if sum(each.scope == "global" for each in there) >= limits.MAX_GLOBAL_INDEXES:
        yield f"a table has at most {limits.MAX_GLOBAL_INDEXES} global indexes"
    projected = sum(len(each.projection.names) for each in (*there, index))
    if projected > limits.MAX_PROJECTED_ATTRIBUTES:
        yield f"the indexes of a table project at most {limits.MAX_PROJECTED_ATTRIBUTES} attributes"
    types = {key.name: key.type for key in index.keys}
    for each in there:
        for key in each.keys:
            if types.get(key.name, key.type) != key.type:
                yield f"{key.name!r} is of type {key.type} in index {each.name}"


def _add_index(
    table: str, wanted: TableSchema, there: list[IndexSchema], index: IndexSchema
) -> TableStep:
    keys: dict[str, KeyAttribute] = {key.name: key for key in wanted.key}
    for each in there:
        keys.update({key.name: key for key in each.keys})
    return TableStep(
        table,
        f"index {index.name}",
        f"add index {index.name} ({index})",
        "the model declares it, and the table does not have it",
        AddIndex(table, wanted, index.name, tuple(keys.values())),
        needs_backfill=True,
        undo="update(drop_indexes=True) of a model without it",
    )


def _refuse_index(table: str, there: list[IndexSchema], index: IndexSchema) -> TableStep:
    reason = next(_find_obstacles(there, index))
    return TableStep(
        table,
        f"index {index.name}",
        f"index {index.name} cannot be added, because {reason}: update(drop_indexes=True) first removes the "
        "indexes that the model does not declare, if any",
        "the model declares it, and the table does not have it",
    )


def _drop_index(table: str, index: IndexSchema) -> TableStep:
    return TableStep(
        table,
        f"index {index.name}",
        f"drop index {index.name} ({index})",
        "the model does not declare it, and drop_indexes=True was given",
        DropIndex(table, index.name),
        undo="declare it again, and call update(), which fills it again",
    )


def _find_notes(
    table: str, wanted: TableSchema, current: TableSchema, *, drop_indexes: bool
) -> Iterator[str]:
    declared = {index.name for index in wanted.indexes}
    for index in current.indexes:
        if index.name in declared or (drop_indexes and index.scope == "global"):
            continue
        remedy = (
            "drop_indexes=True removes it"
            if index.scope == "global"
            else "it is local, so only deleting the table removes it"
        )
        yield (
            f"{table}: index {index.name} ({index}) stays, although the model does not declare it; {remedy}"
        )

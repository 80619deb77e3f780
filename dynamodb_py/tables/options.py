"""The options of a live table that a model declares too, and their differences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from msgspec import Struct

from ..flows import Flow
from ..operations.base import Operation
from ..operations.table_settings import (
    Backups,
    DescribeContinuousBackups,
    ListTagsOfResource,
    TagResource,
    UpdateContinuousBackups,
)
from ..operations.tables import (
    ChangeOptions,
    DescribeTimeToLive,
    TableDescription,
    TimeToLive,
)
from ..schema import ON_DEMAND, TableSchema
from ..schema.options import (
    AWS_MANAGED,
    AWS_OWNED,
    OFF,
    TableOptions,
    Units,
    encode_encryption,
    encode_stream,
    encode_units,
)


class LiveTable(Struct, frozen=True):
    """DynamoDB's descriptions of a table; those for options that the model does not declare are None."""

    description: TableDescription
    ttl: TimeToLive | None = None
    backups: Backups | None = None
    tags: Mapping[str, str] | None = None


class Change(NamedTuple):
    """One option that differs."""

    option: str
    wanted: str
    found: str
    operations: tuple[Operation[Any], ...]
    undo: str


def read_live(table: str, schema: TableSchema, description: TableDescription) -> Flow[LiveTable]:
    """Request the descriptions of a table for the options that *schema* declares."""
    options = schema.options or TableOptions()
    ttl = backups = tags = None
    if schema.ttl is not None:
        ttl = yield from DescribeTimeToLive(table)
    if options.point_in_time_recovery is not None:
        backups = yield from DescribeContinuousBackups(table)
    if options.tags is not None:
        tags = yield from _read_tags(table, description)
    return LiveTable(description, ttl, backups, tags)


def _read_tags(table: str, description: TableDescription) -> Flow[dict[str, str]]:
    page = yield from ListTagsOfResource(table, description["TableArn"])
    tags = page.tags
    while page.rest is not None:
        page = yield from page.rest
        tags = {**tags, **page.tags}
    return tags


def describe_settings(live: LiveTable) -> dict[str, Any]:
    """Return the settings that have requests of their own, with the names of the responses to these requests."""
    found: dict[str, Any] = {}
    if live.ttl is not None:
        ttl = {"TimeToLiveStatus": live.ttl.status, "AttributeName": live.ttl.attribute}
        found["TimeToLiveDescription"] = {k: v for k, v in ttl.items() if v is not None}
    if live.backups is not None:
        recovery: dict[str, Any] = {
            "PointInTimeRecoveryStatus": live.backups.PointInTimeRecoveryStatus
        }
        if live.backups.RecoveryPeriodInDays is not None:
            recovery["RecoveryPeriodInDays"] = live.backups.RecoveryPeriodInDays
        found["PointInTimeRecoveryDescription"] = recovery
    if live.tags is not None:
        found["Tags"] = [{"Key": key, "Value": value} for key, value in live.tags.items()]
    return found


def find_changes(table: str, schema: TableSchema, live: LiveTable) -> Iterator[Change]:
    """Yield the options of the table and its indexes that differ, in the order to change them."""
    if schema.options is not None:
        for find in _FINDERS:
            change = find(table, schema.options, live)
            if change is not None:
                yield change
    yield from _find_unit_changes(table, schema, live.description)


def find_differences(table: str, schema: TableSchema, live: LiveTable) -> list[str]:
    """Return a sentence for each option that differs."""
    return [describe_change(change) for change in find_changes(table, schema, live)]


def describe_change(change: Change) -> str:
    """Return the sentence for an option that differs."""
    return f"{change.option}: the model has {change.wanted}; the table has {change.found}"


def _find_protection(table: str, options: TableOptions, live: LiveTable) -> Change | None:
    wanted = options.deletion_protection
    found = bool(live.description.get("DeletionProtectionEnabled"))
    if wanted is None or wanted == found:
        return None
    operation = ChangeOptions(table, {"DeletionProtectionEnabled": wanted})
    undo = f"deletion_protection = {found}"
    return Change("deletion_protection", str(wanted), str(found), (operation,), undo)


def _find_backups(table: str, options: TableOptions, live: LiveTable) -> Change | None:
    wanted = options.point_in_time_recovery
    found = None if live.backups is None else live.backups.days
    if wanted is None or wanted == (found or False) or (wanted is True and found):
        return None
    operation = UpdateContinuousBackups(table, wanted)
    undo = "" if wanted is False else f"point_in_time_recovery = {found or False}"
    given = "none" if wanted is False else "it" if wanted is True else f"{wanted} days"
    current = f"{found} days" if found else "none"
    return Change("point_in_time_recovery", given, current, (operation,), undo)


def _find_tags(table: str, options: TableOptions, live: LiveTable) -> Change | None:
    found = live.tags or {}
    wanted = {key: value for key, value in options.tags or () if found.get(key) != value}
    if not wanted:
        return None
    operation = TagResource(table, live.description["TableArn"], wanted)
    others = {key: found[key] for key in wanted if key in found}
    undo = "tags are removed by UntagResource, and changed back by tags ="
    return Change("tags", _spell_tags(wanted), _spell_tags(others), (operation,), undo)


def _spell_tags(tags: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in tags.items()) or "none of these"


def _find_class(table: str, options: TableOptions, live: LiveTable) -> Change | None:
    wanted = options.table_class
    summary: Mapping[str, str] = live.description.get("TableClassSummary") or {}
    found = summary.get("TableClass", "STANDARD").lower()
    if wanted is None or wanted == found:
        return None
    operation = ChangeOptions(table, {"TableClass": wanted.upper()})
    undo = f'table_class = "{found}", twice in 30 days at most'
    return Change("table_class", wanted, found, (operation,), undo)


def _find_encryption(table: str, options: TableOptions, live: LiveTable) -> Change | None:
    wanted = options.encryption
    described: Mapping[str, str] = live.description.get("SSEDescription") or {}
    is_on = described.get("Status") in ("ENABLING", "ENABLED", "UPDATING")
    found = described.get("KMSMasterKeyArn") or AWS_MANAGED if is_on else AWS_OWNED
    if wanted is None or _is_key(wanted, found):
        return None
    operation = ChangeOptions(table, encode_encryption(wanted))
    undo = f'encryption = "{found}", four times in 24 hours at most'
    return Change("encryption", wanted, found, (operation,), undo)


def _is_key(wanted: str, found: str) -> bool:
    if wanted == AWS_MANAGED:  # DynamoDB returns an ARN, and only KMS knows whose key it is
        return found != AWS_OWNED
    return wanted == found or found.endswith(f":key/{wanted}")


def _find_stream(table: str, options: TableOptions, live: LiveTable) -> Change | None:
    wanted = options.stream
    described: Mapping[str, Any] = live.description.get("StreamSpecification") or {}
    is_on = bool(described.get("StreamEnabled"))
    found = str(described.get("StreamViewType")).lower() if is_on else OFF
    if wanted is None or wanted == found:
        return None
    views = [OFF, wanted] if OFF not in (wanted, found) else [wanted]
    operations = tuple(ChangeOptions(table, encode_stream(view)) for view in views)
    # A stream that is switched on again is a new one.
    undo = "stream = False" if found == OFF else ""
    return Change("stream", wanted, found, operations, undo)


_FINDERS: tuple[Callable[[str, TableOptions, LiveTable], Change | None], ...] = (
    _find_protection,
    _find_backups,
    _find_tags,
    _find_class,
    _find_encryption,
    _find_stream,
)


def _find_unit_changes(
    table: str, schema: TableSchema, description: TableDescription
) -> Iterator[Change]:
    """Yield the changes of warm throughput and on-demand maximum, for the table and its indexes."""
    options = schema.options or TableOptions()
    places: list[tuple[str | None, Units | None, Units | None, Mapping[str, Any]]] = [
        (None, options.warm_throughput, options.on_demand_maximum, description)
    ]
    live = {each["IndexName"]: each for each in description.get("GlobalSecondaryIndexes") or ()}
    places += [
        (each.name, each.warm_throughput, each.on_demand_maximum, live[each.name])
        for each in schema.global_indexes
        if each.name in live
    ]
    for index, warm, most, found in places:
        yield from _find_units_of(table, schema.billing_mode, index, warm, most, found)


def _find_units_of(
    table: str,
    billing_mode: str,
    index: str | None,
    warm: Units | None,
    most: Units | None,
    described: Mapping[str, Any],
) -> Iterator[Change]:
    label = "" if index is None else f"index {index}: "
    maximum: Mapping[str, int] = described.get("OnDemandThroughput") or {}
    found = Units(maximum.get("MaxReadRequestUnits", -1), maximum.get("MaxWriteRequestUnits", -1))
    if most is not None and billing_mode == ON_DEMAND and not _is_set(most, found):
        operation = ChangeOptions(table, encode_units(None, most, is_on_demand=True), index)
        undo = "on_demand_maximum with the earlier values"
        yield Change(f"{label}on_demand_maximum", str(most), str(found), (operation,), undo)
    current: Mapping[str, int] = described.get("WarmThroughput") or {}
    found = Units(current.get("ReadUnitsPerSecond", 0), current.get("WriteUnitsPerSecond", 0))
    if warm is not None and not _is_reached(warm, found):
        # DynamoDB raises warm throughput with the traffic, and rejects a request that lowers it.
        raised = Units(*map(_find_larger, (warm.read, warm.write), (found.read, found.write)))
        operation = ChangeOptions(table, encode_units(raised, None, is_on_demand=False), index)
        yield Change(f"{label}warm_throughput", str(warm), str(found), (operation,), "")


def _is_set(wanted: Units, found: Units) -> bool:
    return wanted.read in (None, found.read) and wanted.write in (None, found.write)


def _is_reached(wanted: Units, found: Units) -> bool:
    return (wanted.read or 0) <= (found.read or 0) and (wanted.write or 0) <= (found.write or 0)


def _find_larger(wanted: int | None, found: int | None) -> int | None:
    return None if wanted is None else max(wanted, found or 0)

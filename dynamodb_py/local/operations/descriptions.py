"""Descriptions of tables: reading them from requests, and showing them in answers.

The store has the API's TableDescription, with a few more members: each index has a Number, which names its
SQLite table, and the table has TimeToLive, Tags and Backups.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

from ...codec import measure_item
from ..database.errors import INVALID, make_invalid
from ..database.snapshots import Snapshot
from ..database.tables import Index, Table
from .requests import ARN, Members, read, read_choice, read_count, read_flag, require, to_member

Description: TypeAlias = "dict[str, Any]"

BILLING_MODES = ("PROVISIONED", "PAY_PER_REQUEST")
_TABLE_CLASSES = ("STANDARD", "STANDARD_INFREQUENT_ACCESS")
_VIEWS = ("NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY")
_PRIVATE = frozenset({"TimeToLive", "Tags", "Backups"})
_KINDS = ("LocalSecondaryIndexes", "GlobalSecondaryIndexes")
_STALE_AFTER = 6 * 3600.0
"""The seconds after which DynamoDB counts the items of a table again."""
_QUICK = 0.02
"""If counting takes at most this number of seconds, each description counts again."""
_SAMPLE = 1000
"""The maximum number of index entries whose sizes are measured."""
_WARM = ("ReadUnitsPerSecond", "WriteUnitsPerSecond")


def read_throughput(members: Members, path: str = "") -> Description | None:
    """Return the ProvisionedThroughput, or None if it is missing."""
    given: Members | None = read(members, "ProvisionedThroughput", dict)
    if given is None:
        return None
    path += "provisionedThroughput."
    found: Description = {"NumberOfDecreasesToday": 0}
    for name in ("ReadCapacityUnits", "WriteCapacityUnits"):
        require(given, name, int, path)
        found[name] = read_count(given, name, 1, None, path)
    return found


def check_throughput(mode: str, throughput: Description | None, index: str | None = None) -> None:
    """Raise a ValidationException if the throughput of a table or index does not fit the billing *mode*."""
    where = "" if index is None else f" for index: {index}"
    if mode == "PROVISIONED" and throughput is None:
        if index is None:
            where = " when BillingMode is PROVISIONED"
        raise make_invalid(
            f"{INVALID}ReadCapacityUnits and WriteCapacityUnits must both be specified{where}"
        )
    if mode != "PROVISIONED" and throughput is not None:
        raise make_invalid(
            f"{INVALID}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when "
            f"BillingMode is PAY_PER_REQUEST{where}"
        )


def read_capacity_limits(members: Members, mode: str, path: str = "") -> Description:
    """Return the members OnDemandThroughput and WarmThroughput of a description, if the request has them."""
    found: Description = {}
    limits: Members | None = read(members, "OnDemandThroughput", dict)
    if limits is not None:
        if mode == "PROVISIONED":
            raise make_invalid(
                f"{INVALID}OnDemandThroughput can only be specified when BillingMode is "
                "PAY_PER_REQUEST"
            )
        names = ("MaxReadRequestUnits", "MaxWriteRequestUnits")
        found["OnDemandThroughput"] = _read_counts(
            limits, names, f"{path}onDemandThroughput.", low=-1
        )
    warm: Members | None = read(members, "WarmThroughput", dict)
    if warm is not None:
        units = _read_counts(warm, _WARM, f"{path}warmThroughput.", low=1)
        found["WarmThroughput"] = {**units, "Status": "ACTIVE"}
    return found


def _read_counts(
    members: Members, names: tuple[str, ...], path: str, *, low: int
) -> dict[str, int]:
    found = {name: read_count(members, name, low, None, path) for name in names}
    given = {name: count for name, count in found.items() if count is not None}
    if not given:
        raise make_invalid(f"{INVALID}{path[:-1]} needs one of {', '.join(names)}")
    return given


def describe_index(name: str, definition: Description) -> Description:
    """Return the description of an index of the table called *name*."""
    return {**definition, "IndexArn": f"{ARN}{name}/index/{definition['IndexName']}"}


def describe_billing(mode: str, throughput: Description | None, at: float) -> Description:
    """Return the members of a description for the billing of a table or index."""
    units = throughput or {
        "NumberOfDecreasesToday": 0,
        "ReadCapacityUnits": 0,
        "WriteCapacityUnits": 0,
    }
    found: Description = {"ProvisionedThroughput": units}
    if mode != "PROVISIONED":
        found["BillingModeSummary"] = {"BillingMode": mode, "LastUpdateToPayPerRequestDateTime": at}
    return found


def find_mode(description: Description) -> str:
    """Return the billing mode of a table."""
    mode: str = description.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
    return mode


def read_stream(members: Members) -> Description | None:
    """Return the StreamSpecification, or None if it is missing."""
    given: Members | None = read(members, "StreamSpecification", dict)
    if given is None:
        return None
    require(given, "StreamEnabled", bool, "streamSpecification.")
    view = read_choice(given, "StreamViewType", _VIEWS, "", "streamSpecification.")
    if given["StreamEnabled"] and not view:
        raise make_invalid(f"{INVALID}StreamViewType is required when StreamEnabled is true")
    if not given["StreamEnabled"]:
        if view:
            raise make_invalid(
                f"{INVALID}StreamViewType cannot be specified when StreamEnabled is false"
            )
        return {"StreamEnabled": False}
    return {"StreamEnabled": True, "StreamViewType": view}


def describe_stream(name: str, stream: Description, at: float) -> Description:
    """Return the members of a description for a stream that opens at the time *at*."""
    label = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at * 1000) % 1000:03d}"
    return {
        "StreamSpecification": stream,
        "LatestStreamLabel": label,
        "LatestStreamArn": f"{ARN}{name}/stream/{label}",
    }


def read_options(members: Members, at: float) -> Description:
    """Return the members of a description for encryption, table class and deletion protection."""
    found: Description = {}
    sse: Members | None = read(members, "SSESpecification", dict)
    if sse is not None:
        found.update(_describe_encryption(sse))
    kind = read_choice(members, "TableClass", _TABLE_CLASSES, "")
    if kind:
        found["TableClassSummary"] = {"TableClass": kind, "LastUpdateDateTime": at}
    if members.get("DeletionProtectionEnabled") is not None:
        found["DeletionProtectionEnabled"] = read_flag(members, "DeletionProtectionEnabled")
    return found


def _describe_encryption(sse: Members) -> Description:
    kind = read_choice(sse, "SSEType", ("AES256", "KMS"), "KMS", "sSESpecification.")
    key: str | None = read(sse, "KMSMasterKeyId", str)
    if kind == "AES256":
        raise make_invalid(f"{INVALID}SSEType AES256 is not supported")
    if not read_flag(sse, "Enabled"):
        if key is not None:
            raise make_invalid(f"{INVALID}KMSMasterKeyId needs Enabled to be true")
        return {"SSEDescription": None}  # show() leaves it out
    key = key or "alias/aws/dynamodb"
    if not key.startswith("arn:"):
        key = f"arn:aws:kms:local:000000000000:{key if '/' in key else f'key/{key}'}"
    return {"SSEDescription": {"Status": "ENABLED", "SSEType": kind, "KMSMasterKeyArn": key}}


def refuse_members(members: Members, *names: str) -> None:
    """Raise a ValidationException if a request has options that only AWS supports."""
    for name in names:
        if members.get(name) is not None:
            raise make_invalid(f"{to_member(name)} is not supported by the embedded database")


class Measures(NamedTuple):
    """The numbers of items in a table and its indexes, and their sizes in bytes."""

    at: float
    """When they were counted, by the monotonic clock."""
    took: float
    """The seconds that counting took."""
    own: tuple[int, int]
    """The number and the size of the table's items."""
    indexes: Mapping[str, tuple[int, int]]
    """The number and the size of the entries of each index, by its name."""


_NOTHING = Measures(0.0, 0.0, (0, 0), {})


def measure(snapshot: Snapshot, table: Table) -> Measures:
    """Return the measures of a table. If counting takes long, they may be some hours old, as in DynamoDB."""
    known: Measures | None = table.measures
    now = time.monotonic()
    if known is not None and known.took > _QUICK and now - known.at < _STALE_AFTER:
        return known
    indexes = {
        index.name: _measure_index(snapshot, table, index) for index in table.indexes.values()
    }
    found = Measures(now, 0.0, snapshot.count(table), indexes)
    table.measures = found = found._replace(took=time.monotonic() - now)
    return found


def _measure_index(snapshot: Snapshot, table: Table, index: Index) -> tuple[int, int]:
    """Return the number of entries in an index and their size, which is an estimate if there are many."""
    count = snapshot.count_entries(index)
    rows = islice(snapshot.find_range(table, index), _SAMPLE)
    sizes = [measure_item(index.project(row.item)) for row in rows]
    size = sum(sizes)
    return count, size if count <= len(sizes) else size * count // len(sizes)


def show(table: Table, snapshot: Snapshot | None = None) -> Description:
    """Return the description of a table for an answer. Without *snapshot*, it shows an empty table."""
    measures = _NOTHING if snapshot is None else measure(snapshot, table)
    found = {
        name: value
        for name, value in table.description.items()
        if name not in _PRIVATE and value is not None
    }
    found["ItemCount"], found["TableSizeBytes"] = measures.own
    for kind in _KINDS:
        if kind in found:
            found[kind] = [_show_index(index, measures) for index in found[kind]]
    return found


def _show_index(index: Description, measures: Measures) -> Description:
    count, size = measures.indexes.get(index["IndexName"], (0, 0))
    found = {**index, "ItemCount": count, "IndexSizeBytes": size}
    del found["Number"]
    return found

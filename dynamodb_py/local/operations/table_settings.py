"""The settings of a table that have operations of their own, tags, TTL and backups; and the account's limits."""

from __future__ import annotations

from typing import Any

from ..database.engine import Answer, Engine, Request
from ..database.errors import ServiceError, make_invalid, make_not_found
from ..database.snapshots import Snapshot, Transaction
from ..database.tables import Table
from ..database.values import as_map
from .requests import (
    ARN,
    Members,
    read,
    read_count,
    read_flag,
    read_table_name,
    require,
    require_lengths,
)
from .writes import find_table

_MAX_TAGS = 50
_MOST_DAYS = 35
_DAY = 86400


def read_tags(members: Members) -> dict[str, str]:
    """Return the Tags as a dict."""
    found: dict[str, str] = {}
    for number, each in enumerate(read(members, "Tags", list) or (), 1):
        each = as_map(each)
        path = f"tags.{number}.member."
        key: str = require(each, "Key", str, path)
        value: str = require(each, "Value", str, path)
        require_lengths(key, 1, 128, f"{path}key")
        require_lengths(value, 0, 256, f"{path}value")
        if key.lower().startswith("aws:"):
            raise make_invalid(f"Tag keys must not begin with aws: ({key})")
        if key in found:
            raise make_invalid(f"Duplicate tag keys are not allowed: {key}")
        found[key] = value
    _check_tag_count(found)
    return found


def _check_tag_count(tags: dict[str, str]) -> None:
    if len(tags) > _MAX_TAGS:
        raise make_invalid(f"Too many tags: the limit is {_MAX_TAGS} for a table")


def tag_resource(engine: Engine, request: Request) -> Answer:
    """Add tags to a table, or change their values."""
    name = _read_resource(request)
    require(request, "Tags", list)
    tags = read_tags(request)
    with engine.store.write() as transaction:
        table = _find_resource(transaction, name)
        tags = {**table.description.get("Tags", {}), **tags}
        _check_tag_count(tags)
        _store(transaction, table, Tags=tags)
    return {}


def untag_resource(engine: Engine, request: Request) -> Answer:
    """Remove tags from a table."""
    name = _read_resource(request)
    keys: list[Any] = require(request, "TagKeys", list)
    with engine.store.write() as transaction:
        table = _find_resource(transaction, name)
        tags = table.description.get("Tags", {})
        _store(transaction, table, Tags={key: tags[key] for key in tags if key not in keys})
    return {}


def list_tags_of_resource(engine: Engine, request: Request) -> Answer:
    """Return the tags of a table, in one page."""
    name = _read_resource(request)
    if request.get("NextToken") is not None:
        raise make_invalid("The provided NextToken is not valid")
    with engine.store.read() as snapshot:
        tags = _find_resource(snapshot, name).description.get("Tags", {})
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def _read_resource(request: Request) -> str:
    """Return the name of the table in the member ResourceArn."""
    arn: str = require(request, "ResourceArn", str)
    require_lengths(arn, 1, 1283, "resourceArn")
    if not arn.startswith("arn:"):
        raise make_invalid(f"Invalid TableArn: Invalid ResourceArn provided as input {arn}")
    if not arn.startswith(ARN):
        raise _make_missing_resource(arn)
    return arn[len(ARN) :]


def _find_resource(snapshot: Snapshot, name: str) -> Table:
    return find_table(snapshot, name, _make_missing_resource(ARN + name))


def _make_missing_resource(arn: str) -> ServiceError:
    return make_not_found(f"Requested resource not found: ResourcArn: {arn} not found")


def update_time_to_live(engine: Engine, request: Request) -> Answer:
    """Enable TTL with the attribute that has the time when an item expires, or disable TTL."""
    name = read_table_name(request)
    given: Members = require(request, "TimeToLiveSpecification", dict)
    path = "timeToLiveSpecification."
    attribute: str = require(given, "AttributeName", str, path)
    require_lengths(attribute, 1, 255, f"{path}attributeName")
    enabled: bool = require(given, "Enabled", bool, path)
    with engine.store.write() as transaction:
        table = find_named(transaction, name)
        current = table.description.get("TimeToLive")
        _check_ttl_change(current, attribute, enabled=enabled)
        spec = {"AttributeName": attribute, "Enabled": enabled}
        _store(transaction, table, TimeToLive=spec if enabled else None)
        transaction.fill_expiries(find_named(transaction, name))
    return {"TimeToLiveSpecification": spec}


def _check_ttl_change(current: Members | None, attribute: str, *, enabled: bool) -> None:
    """Raise a ValidationException if TTL is as requested already, or enabled with another attribute."""
    if current is None:
        if not enabled:
            raise make_invalid("TimeToLive is already disabled")
        return
    if current["AttributeName"] != attribute:
        raise make_invalid(
            "TimeToLive is active on a different AttributeName: current AttributeName is "
            f"{current['AttributeName']}"
        )
    if enabled:
        raise make_invalid("TimeToLive is already enabled")


def describe_time_to_live(engine: Engine, request: Request) -> Answer:
    """Return whether TTL is enabled, and its attribute."""
    name = read_table_name(request)
    with engine.store.read() as snapshot:
        current = find_named(snapshot, name).description.get("TimeToLive")
    found = {"TimeToLiveStatus": "DISABLED" if current is None else "ENABLED"}
    if current is not None:
        found["AttributeName"] = current["AttributeName"]
    return {"TimeToLiveDescription": found}


def find_named(snapshot: Snapshot, name: str) -> Table:
    """Return the table called *name*; if it is missing, raise a ResourceNotFoundException with the name."""
    error = make_not_found(f"Requested resource not found: Table: {name} not found")
    return find_table(snapshot, name, error)


def update_continuous_backups(engine: Engine, request: Request) -> Answer:
    """Store whether point-in-time recovery of a table is on. The setting has no effect."""
    name = read_table_name(request)
    given: Members = require(request, "PointInTimeRecoverySpecification", dict)
    path = "pointInTimeRecoverySpecification."
    require(given, "PointInTimeRecoveryEnabled", bool, path)
    days = read_count(given, "RecoveryPeriodInDays", 1, _MOST_DAYS, path)
    enabled = read_flag(given, "PointInTimeRecoveryEnabled")
    if days is not None and not enabled:
        raise make_invalid(
            "RecoveryPeriodInDays can only be specified when PointInTimeRecoveryEnabled is true"
        )
    now = engine.clock()
    with engine.store.write() as transaction:
        table = _find_backed_up(transaction, name)
        known: Members = table.description.get("Backups") or {"Since": now, "Days": _MOST_DAYS}
        backups = {"Since": known["Since"], "Days": days or known["Days"]} if enabled else None
        _store(transaction, table, Backups=backups)
    return _describe_backups(backups, now)


def describe_continuous_backups(engine: Engine, request: Request) -> Answer:
    """Return the setting of point-in-time recovery of a table."""
    name = read_table_name(request)
    with engine.store.read() as snapshot:
        backups = _find_backed_up(snapshot, name).description.get("Backups")
    return _describe_backups(backups, engine.clock())


def _find_backed_up(snapshot: Snapshot, name: str) -> Table:
    error = ServiceError("TableNotFoundException", f"Table not found: {name}")
    return find_table(snapshot, name, error)


def _describe_backups(backups: dict[str, Any] | None, now: float) -> Answer:
    recovery: dict[str, Any] = {"PointInTimeRecoveryStatus": "DISABLED"}
    if backups is not None:
        since = backups["Since"]
        recovery = {
            "PointInTimeRecoveryStatus": "ENABLED",
            "RecoveryPeriodInDays": backups["Days"],
            "EarliestRestorableDateTime": max(since, now - backups["Days"] * _DAY),
            "LatestRestorableDateTime": max(since, now),
        }
    return {
        "ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED",
            "PointInTimeRecoveryDescription": recovery,
        }
    }


def describe_limits(engine: Engine, request: Request) -> Answer:
    """Return the limits of throughput that DynamoDB has for a new account."""
    return {
        "AccountMaxReadCapacityUnits": 80_000,
        "AccountMaxWriteCapacityUnits": 80_000,
        "TableMaxReadCapacityUnits": 40_000,
        "TableMaxWriteCapacityUnits": 40_000,
    }


def describe_endpoints(engine: Engine, request: Request) -> Answer:
    """Return the endpoint of the service."""
    return {
        "Endpoints": [{"Address": "dynamodb.local.amazonaws.com", "CachePeriodInMinutes": 1440}]
    }


def _store(transaction: Transaction, table: Table, **members: Any) -> None:
    """Store the description of a table with changed *members*; None removes a member."""
    changed = {**table.description, **members}
    description = {name: value for name, value in changed.items() if value is not None}
    transaction.put_table(table.name, table.number, description)

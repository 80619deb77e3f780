"""Whole tables: CreateTable, DescribeTable, UpdateTable, DeleteTable, ListTables, and their TTL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar, Generic, TypeAlias, cast

import msgspec
from msgspec import Struct

from ..schema import KeyAttribute, TableSchema, Throughput
from .base import Operation, Payload, T

TableDescription: TypeAlias = "dict[str, Any]"
"""DynamoDB's description of a table, with times as aware datetimes in UTC.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html
"""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class _DescribeOutput(Struct):
    Table: dict[str, Any]


class _ChangeOutput(Struct):
    TableDescription: dict[str, Any]


class _ListOutput(Struct):
    TableNames: list[str] = []
    LastEvaluatedTableName: str | None = None


_read_describe = msgspec.json.Decoder(_DescribeOutput).decode
_read_change = msgspec.json.Decoder(_ChangeOutput).decode
_read_list = msgspec.json.Decoder(_ListOutput).decode


class TableCall(Operation[T], Generic[T], frozen=True):
    """The base of calls that name one table; many of them have no other parameter."""

    table: str

    def payload(self) -> Payload:
        return {"TableName": self.table}


class _Change(TableCall[TableDescription], frozen=True):
    """The base of calls that change a table: the result is its description."""

    def parse(self, outcome: bytes, /) -> TableDescription:
        return _parse_times(_read_change(outcome).TableDescription)


class CreateTable(_Change, frozen=True):
    """Create a table with the keys, indexes and options of *schema*, under the name *table*.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
    """

    api: ClassVar[str] = "CreateTable"

    schema: TableSchema

    def payload(self) -> Payload:
        return {**self.schema.encode(), "TableName": self.table}


class UpdateTable(_Change, frozen=True):
    """Change billing and throughput of a table, and of its global indexes by name.

    None leaves a setting as it is. DynamoDB rejects a setting that is equal to the current one.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
    """

    api: ClassVar[str] = "UpdateTable"

    billing_mode: str | None = None
    throughput: Throughput | None = None
    index_throughputs: Mapping[str, Throughput] = {}

    def payload(self) -> Payload:
        payload = super().payload()
        if self.billing_mode is not None:
            payload["BillingMode"] = self.billing_mode
        if self.throughput is not None:
            payload["ProvisionedThroughput"] = self.throughput.encode()
        if self.index_throughputs:
            payload["GlobalSecondaryIndexUpdates"] = [
                {"Update": {"IndexName": name, "ProvisionedThroughput": throughput.encode()}}
                for name, throughput in self.index_throughputs.items()
            ]
        return payload


class AddIndex(_Change, frozen=True):
    """Add the global index called *index* of *schema* to a table; one at a time.

    :param attributes: the attributes, with types, of all keys that the table will then have.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.OnlineOps.html
    """

    api: ClassVar[str] = "UpdateTable"

    schema: TableSchema
    index: str
    attributes: tuple[KeyAttribute, ...]

    def payload(self) -> Payload:
        [index] = (each for each in self.schema.global_indexes if each.name == self.index)
        return {
            **super().payload(),
            "AttributeDefinitions": [key.encode() for key in self.attributes],
            "GlobalSecondaryIndexUpdates": [{"Create": self.schema.encode_global(index)}],
        }


class DropIndex(_Change, frozen=True):
    """Remove a global index from a table.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.OnlineOps.html
    """

    api: ClassVar[str] = "UpdateTable"

    index: str

    def payload(self) -> Payload:
        update = {"Delete": {"IndexName": self.index}}
        return {**super().payload(), "GlobalSecondaryIndexUpdates": [update]}


class ChangeOptions(_Change, frozen=True):
    """Change other options of a table, or of its global index *index*: the *members* of the request."""

    api: ClassVar[str] = "UpdateTable"

    members: Mapping[str, Any]
    index: str | None = None

    def payload(self) -> Payload:
        if self.index is None:
            return {**super().payload(), **self.members}
        update = {"Update": {"IndexName": self.index, **self.members}}
        return {**super().payload(), "GlobalSecondaryIndexUpdates": [update]}


class DeleteTable(_Change, frozen=True):
    """Delete a table with everything in it.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteTable.html
    """

    api: ClassVar[str] = "DeleteTable"


class DescribeTable(TableCall[TableDescription], frozen=True):
    """Read the state of a table; the response may be a few moments old.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeTable.html
    """

    api: ClassVar[str] = "DescribeTable"

    def parse(self, outcome: bytes, /) -> TableDescription:
        return _parse_times(_read_describe(outcome).Table)


class TableNames(Struct, frozen=True):
    """Some names of tables, and the request for the rest, if there is more."""

    names: list[str]
    rest: ListTables | None


class ListTables(Operation[TableNames], frozen=True):
    """List the account's tables in the region, at most 100 at a time, after the name *start*.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListTables.html
    """

    api: ClassVar[str] = "ListTables"

    start: str | None = None
    limit: int | None = None

    def payload(self) -> Payload:
        members = {"ExclusiveStartTableName": self.start, "Limit": self.limit}
        return {name: value for name, value in members.items() if value is not None}

    def parse(self, outcome: bytes, /) -> TableNames:
        page = _read_list(outcome)
        last = page.LastEvaluatedTableName
        return TableNames(page.TableNames, ListTables(last, self.limit) if last else None)


_TTL_MEMBERS = {"status": "TimeToLiveStatus", "attribute": "AttributeName"}


class TimeToLive(Struct, frozen=True, rename=_TTL_MEMBERS):
    """The TTL of a table: its status, and its attribute, if any."""

    status: str = "DISABLED"
    """ENABLING, ENABLED, DISABLING or DISABLED."""
    attribute: str | None = None

    @property
    def is_on(self) -> bool:
        """Whether TTL is on, or being switched on."""
        return self.status in ("ENABLING", "ENABLED")


class _TimeToLiveOutput(Struct):
    TimeToLiveDescription: TimeToLive


_read_ttl = msgspec.json.Decoder(_TimeToLiveOutput).decode


class DescribeTimeToLive(TableCall[TimeToLive], frozen=True):
    """Read the TTL of a table.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeTimeToLive.html
    """

    api: ClassVar[str] = "DescribeTimeToLive"

    def parse(self, outcome: bytes, /) -> TimeToLive:
        return _read_ttl(outcome).TimeToLiveDescription


class UpdateTimeToLive(TableCall[None], frozen=True):
    """Switch the TTL of a table on or off, at most once an hour; DynamoDB rejects the current setting.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html
    """

    api: ClassVar[str] = "UpdateTimeToLive"

    attribute: str
    enabled: bool = True

    def payload(self) -> Payload:
        specification = {"AttributeName": self.attribute, "Enabled": self.enabled}
        return {"TableName": self.table, "TimeToLiveSpecification": specification}

    def parse(self, outcome: bytes, /) -> None:
        del outcome  # it repeats the request


def _parse_times(described: TableDescription) -> TableDescription:
    """Convert each ``...DateTime`` of a description, in seconds since 1970, to an aware datetime."""
    return {name: _parse_time(name, value) for name, value in described.items()}


def _parse_time(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return _parse_times(cast("TableDescription", value))
    if isinstance(value, list):
        return [_parse_time(name, each) for each in cast("Sequence[Any]", value)]
    if name.endswith("DateTime") and isinstance(value, (int, float)):
        try:
            return _EPOCH + timedelta(seconds=value)
        except OverflowError:
            return value  # out of the range of datetime
    return value

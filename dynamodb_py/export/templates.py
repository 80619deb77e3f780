"""Tables as resources of CloudFormation, converted from the requests that ``Table.create()`` sends."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from ..connections import get_connection
from ..exceptions import ConfigurationError
from ..operations.table_settings import UpdateContinuousBackups
from ..operations.tables import CreateTable, UpdateTimeToLive
from ..schema import HasOptions, TableSchema
from ..tables.many import Tables

FORMAT = "2010-09-09"
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/format-version-structure.html"""


def make_template(
    models: Iterable[type[HasOptions]], *, using: str | None = None, retain: bool = True
) -> dict[str, Any]:
    """Return a template of CloudFormation with all tables of *models*.

    The tables are those that ``Tables(models).create()`` would create: with keys, indexes, billing, TTL, the options of
    ``Meta``, and the tables of the sentinels of unique values; the names have the connection's prefix
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html).

    :param models: the models.
    :param using: the alias of a connection; by default, the models' ``Meta.using``.
    :param retain: keep the tables when their resources or the stack are deleted or replaced.
    :return: the template, a dict.
    :raises ConfigurationError: there are no models, or they are on several connections.

    >>> table = make_template([Score])["Resources"]["Scores"]
    >>> table["Type"], table["DeletionPolicy"]
    ('AWS::DynamoDB::Table', 'Retain')
    >>> table["Properties"]["KeySchema"][0]
    {'AttributeName': 'player', 'KeyType': 'HASH'}
    """
    policies = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"} if retain else {}
    resources: dict[str, Any] = {}
    for name, schema, _ in list_tables(Tables(models, using)):
        resources[_name_resource(name, resources)] = {
            "Type": "AWS::DynamoDB::Table",
            **policies,
            "Properties": _make_properties(name, schema),
        }
    return {"AWSTemplateFormatVersion": FORMAT, "Resources": resources}


def list_tables(tables: Tables) -> Iterator[tuple[str, TableSchema, bool]]:
    """Yield the name and schema of each of *tables* and their companions, and whether it holds sentinels.

    :raises ConfigurationError: there are no tables.
    """
    seen = set[str]()
    if not len(tables):
        raise ConfigurationError("there are no models: give at least one")
    link = get_connection(tables.using)
    for table in tables:
        for schema in (table.schema, *table.companions):
            name = link.table_name(schema.name)
            if name not in seen:
                seen.add(name)
                yield name, schema, schema is not table.schema


def _make_properties(name: str, schema: TableSchema) -> dict[str, Any]:
    """Return the properties of a table: the parameters of CreateTable, some with other names."""
    properties = CreateTable(name, schema).payload()
    for part in (properties, *properties.get("GlobalSecondaryIndexes", ())):
        if (most := part.pop("OnDemandThroughput", None)) is not None:
            limits = {
                member: units for member, units in most.items() if units != -1
            }  # -1: no limit
            part.update({"OnDemandThroughput": limits} if limits else {})
    if "StreamSpecification" in properties:
        del properties["StreamSpecification"]["StreamEnabled"]
    if (encryption := properties.get("SSESpecification")) is not None:
        encryption["SSEEnabled"] = encryption.pop("Enabled")
    if schema.ttl is not None:
        payload = UpdateTimeToLive(name, schema.ttl).payload()
        properties["TimeToLiveSpecification"] = payload["TimeToLiveSpecification"]
    recovery = None if schema.options is None else schema.options.point_in_time_recovery
    if recovery is not None:
        member = "PointInTimeRecoverySpecification"
        properties[member] = UpdateContinuousBackups(name, recovery).payload()[member]
    return properties


def _name_resource(name: str, taken: Iterable[str]) -> str:
    """Return a logical ID for a table, of letters and digits, that is not *taken*."""
    words = re.findall("[A-Za-z0-9]+", name)
    label = "".join(word[:1].upper() + word[1:] for word in words)
    label = f"Table{label}" if not label[:1].isalpha() else label
    number, found = 1, label
    while found in taken:
        number += 1
        found = f"{label}{number}"
    return found

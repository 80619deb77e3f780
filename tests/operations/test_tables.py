from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import botocore.session
import botocore.validate
import msgspec
import pytest

from dynamodb_py.operations.tables import (
    CreateTable,
    DeleteTable,
    DescribeTable,
    DescribeTimeToLive,
    ListTables,
    TableNames,
    TimeToLive,
    UpdateTable,
    UpdateTimeToLive,
)
from dynamodb_py.schema import GlobalIndex, LocalIndex, Throughput, declare_table

MODEL = botocore.session.get_session().get_service_model("dynamodb")

SCHEMA = declare_table(
    "Plain",
    "user",
    "title",
    lookup=lambda field: (field, "S"),
    indexes=[
        GlobalIndex("by_title", hash_key="title", projection=["wins"]),
        LocalIndex("by_wins", range_key="wins"),
    ],
    read_capacity=5,
    write_capacity=6,
)

OPERATIONS: list[tuple[Any, dict[str, Any]]] = [
    (CreateTable("dev-Plain", SCHEMA), {**SCHEMA.encode(), "TableName": "dev-Plain"}),
    (DescribeTable("tab"), {"TableName": "tab"}),
    (DeleteTable("tab"), {"TableName": "tab"}),
    (
        UpdateTable("tab", billing_mode="PAY_PER_REQUEST"),
        {"TableName": "tab", "BillingMode": "PAY_PER_REQUEST"},
    ),
    (
        UpdateTable(
            "tab",
            billing_mode="PROVISIONED",
            throughput=Throughput(5, 6),
            index_throughputs={"one": Throughput(1, 2), "two": Throughput(3, 4)},
        ),
        {
            "TableName": "tab",
            "BillingMode": "PROVISIONED",
            "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6},
            "GlobalSecondaryIndexUpdates": [
                {
                    "Update": {
                        "IndexName": "one",
                        "ProvisionedThroughput": {
                            "ReadCapacityUnits": 1,
                            "WriteCapacityUnits": 2,
                        },
                    }
                },
                {
                    "Update": {
                        "IndexName": "two",
                        "ProvisionedThroughput": {
                            "ReadCapacityUnits": 3,
                            "WriteCapacityUnits": 4,
                        },
                    }
                },
            ],
        },
    ),
    (DescribeTimeToLive("tab"), {"TableName": "tab"}),
    (
        UpdateTimeToLive("tab", "expires"),
        {
            "TableName": "tab",
            "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True},
        },
    ),
    (
        UpdateTimeToLive("tab", "expires", enabled=False),
        {
            "TableName": "tab",
            "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": False},
        },
    ),
    (ListTables(), {}),
    (ListTables("tab", 10), {"ExclusiveStartTableName": "tab", "Limit": 10}),
]


@pytest.mark.parametrize(("operation", "payload"), OPERATIONS)
def test_the_payload_is_what_the_service_model_says(operation, payload):
    shape = MODEL.operation_model(operation.api).input_shape
    report = botocore.validate.ParamValidator().validate(operation.payload(), shape)
    assert not report.has_errors(), report.generate_report()
    assert operation.payload() == payload
    assert msgspec.json.decode(msgspec.json.encode(operation.payload())) == payload


@pytest.mark.parametrize(
    ("operation", "member"),
    [
        (CreateTable("tab", SCHEMA), "TableDescription"),
        (UpdateTable("tab"), "TableDescription"),
        (DeleteTable("tab"), "TableDescription"),
        (DescribeTable("tab"), "Table"),
    ],
)
def test_times_are_read_as_aware_datetimes_wherever_they_stand(operation, member):
    body = (
        b'{"%b": {"TableName": "tab", "CreationDateTime": 1795257045.123,'
        b' "ProvisionedThroughput": {"LastIncreaseDateTime": 1795257045, "ReadCapacityUnits": 5},'
        b' "GlobalSecondaryIndexes": [{"IndexName": "one", "ProvisionedThroughput":'
        b' {"LastDecreaseDateTime": 0.0}}], "ItemCount": 3, "Nothing": null}, "More": 1}'
    ) % member.encode()
    assert operation.parse(body) == {
        "TableName": "tab",
        "CreationDateTime": datetime(2026, 11, 21, 10, 30, 45, 123000, timezone.utc),
        "ProvisionedThroughput": {
            "LastIncreaseDateTime": datetime(2026, 11, 21, 10, 30, 45, tzinfo=timezone.utc),
            "ReadCapacityUnits": 5,
        },
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "one",
                "ProvisionedThroughput": {
                    "LastDecreaseDateTime": datetime(1970, 1, 1, tzinfo=timezone.utc)
                },
            }
        ],
        "ItemCount": 3,
        "Nothing": None,
    }


@pytest.mark.parametrize("time", [1e30, "2026-11-21T10:30:45Z", None])
def test_a_time_that_is_none_stays_as_it_came(time):
    body = msgspec.json.encode({"Table": {"CreationDateTime": time}})
    assert DescribeTable("tab").parse(body) == {"CreationDateTime": time}


def test_a_page_of_names_knows_the_request_for_the_rest():
    operation = ListTables(limit=2)
    page = operation.parse(b'{"TableNames": ["a", "b"], "LastEvaluatedTableName": "b"}')
    assert page == TableNames(["a", "b"], ListTables("b", 2))
    assert page.rest is not None
    assert page.rest.parse(b'{"TableNames": []}') == TableNames([], None)


@pytest.mark.parametrize(
    ("operation", "tables"),
    [
        (CreateTable("dev-Plain", SCHEMA), ["dev-Plain"]),
        (UpdateTable("tab"), ["tab"]),
        (DescribeTable("tab"), ["tab"]),
        (DeleteTable("tab"), ["tab"]),
        (DescribeTimeToLive("tab"), ["tab"]),
        (UpdateTimeToLive("tab", "expires"), ["tab"]),
        (ListTables("tab"), [""]),
    ],
)
def test_an_operation_says_of_which_table_it_speaks(operation, tables):
    assert list(operation.tables) == tables


@pytest.mark.parametrize(
    ("described", "ttl", "is_on"),
    [
        ({"TimeToLiveStatus": "DISABLED"}, TimeToLive("DISABLED"), False),
        ({}, TimeToLive("DISABLED"), False),
        (
            {"TimeToLiveStatus": "ENABLING", "AttributeName": "e"},
            TimeToLive("ENABLING", "e"),
            True,
        ),
        ({"TimeToLiveStatus": "ENABLED", "AttributeName": "e"}, TimeToLive("ENABLED", "e"), True),
        (
            {"TimeToLiveStatus": "DISABLING", "AttributeName": "e"},
            TimeToLive("DISABLING", "e"),
            False,
        ),
    ],
)
def test_the_ttl_of_a_table_is_its_status_and_its_attribute(described, ttl, is_on):
    found = DescribeTimeToLive("tab").parse(
        msgspec.json.encode({"TimeToLiveDescription": described})
    )
    assert found == ttl
    assert found.is_on is is_on


def test_a_change_of_the_ttl_says_nothing_new():
    body = b'{"TimeToLiveSpecification": {"AttributeName": "e", "Enabled": true}}'
    assert UpdateTimeToLive("tab", "e").parse(body) is None

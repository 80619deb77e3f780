"""Tables: what can be created, changed, described and deleted, and what the answers say."""

from __future__ import annotations

from typing import Any

import pytest

from dynamodb_py.local.operations.requests import ARN

from .calls import Calls, define, index, schema, table, wire

UNITS = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
WITH_G = define("id:S", "n:N", "g:S")


def with_index(**changes: Any) -> dict[str, Any]:
    request = {"AttributeDefinitions": WITH_G, "GlobalSecondaryIndexes": [index("by-g", "g")]}
    return table(**{**request, **changes})


def describe(calls: Calls, name: str = "scores") -> dict[str, Any]:
    found: dict[str, Any] = calls("DescribeTable", TableName=name)["Table"]
    return found


# -- creating ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"TableName": "ab"}, "between 3 and 255"),
        ({"TableName": "a b"}, "regular expression"),
        ({"TableName": None}, "Value null at 'tableName'"),
        ({"KeySchema": None}, "Value null at 'keySchema'"),
        ({"KeySchema": []}, "length greater than or equal to 1"),
        ({"KeySchema": schema([], "id")}, "first KeySchemaElement is not a HASH"),
        ({"KeySchema": schema(["id", "n"])}, "second KeySchemaElement is not a RANGE"),
        ({"KeySchema": schema("id", ["n", "m"])}, "length less than or equal to 2"),
        ({"KeySchema": schema("id", "id")}, "have the same name"),
        ({"KeySchema": schema("id")}, "does not exactly match number of attributes"),
        ({"AttributeDefinitions": define("id:S")}, "Keys: [n], AttributeDefinitions: [id]"),
        ({"AttributeDefinitions": define("id:S", "n:X")}, "enum value set: [B, N, S]"),
        ({"AttributeDefinitions": define("id:S", "n:N", "n:S")}, "Duplicate AttributeName"),
        ({"BillingMode": "FREE"}, "enum value set: [PROVISIONED, PAY_PER_REQUEST]"),
        ({"BillingMode": None}, "must both be specified when BillingMode is PROVISIONED"),
        ({"ProvisionedThroughput": UNITS}, "when BillingMode is PAY_PER_REQUEST"),
        (
            {"BillingMode": None, "ProvisionedThroughput": {**UNITS, "ReadCapacityUnits": 0}},
            "'provisionedThroughput.readCapacityUnits' failed to satisfy constraint: "
            "Member must have value greater than or equal to 1",
        ),
        ({"StreamSpecification": {"StreamEnabled": True}}, "StreamViewType"),
        ({"StreamSpecification": {"StreamViewType": "KEYS_ONLY"}}, "streamEnabled"),
        ({"TableClass": "GLACIER"}, "enum value set"),
        ({"Tags": [{"Key": "", "Value": "x"}]}, "greater than or equal to 1"),
        ({"Tags": [{"Key": "aws:x", "Value": "x"}]}, "aws:"),
        ({"Tags": [{"Key": "a", "Value": ""}] * 2}, "Duplicate tag"),
        ({"Tags": [{"Key": f"k{n}", "Value": ""} for n in range(51)]}, "Too many tags"),
        ({"OnDemandThroughput": {}}, "needs one of"),
        ({"SSESpecification": {"Enabled": True, "SSEType": "AES256"}}, "AES256"),
        ({"ResourcePolicy": "{}"}, "resourcePolicy is not supported"),
        ({"GlobalSecondaryIndexes": []}, "List of GlobalSecondaryIndexes is empty"),
        ({"GlobalSecondaryIndexes": [index("by-g", "g")]}, "Keys: [g]"),
        ({"AttributeDefinitions": WITH_G}, "does not exactly match number"),
    ],
)
def test_a_table_that_dynamodb_would_not_make_is_refused(calls, changes, message):
    calls.refuse(message, "CreateTable", **table(**changes))
    assert calls("ListTables") == {"TableNames": []}


@pytest.mark.parametrize(
    ("indexes", "message"),
    [
        ([index("x", "g")], "between 3 and 255"),
        ([index("by-g", "g"), index("by-g", "g")], "Duplicate index name: by-g"),
        ([index("by-g", "g", kind="SOME")], "enum value set: [ALL, INCLUDE, KEYS_ONLY]"),
        ([index("by-g", "g", kind="INCLUDE")], "NonKeyAttributes is not specified"),
        ([{**index("by-g", "g"), "Projection": {}}], "Unknown ProjectionType: null"),
        ([{**index("by-g", "g"), "Projection": None}], "Value null at 'globalSecondaryIndexes.1"),
        (
            [
                {
                    **index("by-g", "g"),
                    "Projection": {"ProjectionType": "ALL", "NonKeyAttributes": ["x"]},
                }
            ],
            "ProjectionType is ALL, but NonKeyAttributes is specified",
        ),
        ([index(f"by-{n}", "g") for n in range(21)], "limit of 20"),
        ([index("by-g", "g", ProvisionedThroughput=UNITS)], "for index: by-g"),
        ([index("by-g", ["g", "id", "n", "a", "b"])], "at most 4 HASH"),
        ([{**index("by-g", "g"), "KeySchema": schema("g")[::-1] * 2}], "same name"),
        (
            [
                {
                    **index(f"by-{n}", "g"),
                    "Projection": {
                        "ProjectionType": "INCLUDE",
                        "NonKeyAttributes": [f"a{i}" for i in range(20)],
                    },
                }
                for n in range(6)
            ],
            "limit of 100",
        ),
    ],
)
def test_an_index_that_dynamodb_would_not_make_is_refused(calls, indexes, message):
    calls.refuse(message, "CreateTable", **with_index(GlobalSecondaryIndexes=indexes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"LocalSecondaryIndexes": [index("loc", "id")]},
            "does not have a range key for index: loc",
        ),
        ({"LocalSecondaryIndexes": [index("loc", "g", "n")]}, "same leading hash key"),
        ({"LocalSecondaryIndexes": [index(f"l-{n}", "id", "g") for n in range(6)]}, "limit of 5"),
        (
            {
                "KeySchema": schema("id"),
                "AttributeDefinitions": define("id:S", "g:S"),
                "LocalSecondaryIndexes": [index("loc", "id", "g")],
            },
            "Table KeySchema does not have a range key",
        ),
    ],
)
def test_a_local_index_needs_the_keys_of_its_table(calls, changes, message):
    calls.refuse(message, "CreateTable", **table(**{"AttributeDefinitions": WITH_G, **changes}))


def test_every_option_of_a_table_is_kept_and_described(calls):
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    include = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a", "b"]}
    request = with_index(
        GlobalSecondaryIndexes=[
            {
                **index("by-g", ["g", "n"], "id"),
                "Projection": include,
                "OnDemandThroughput": {"MaxReadRequestUnits": 5},
            }
        ],
        LocalSecondaryIndexes=[index("loc", "id", "g", kind="KEYS_ONLY")],
        StreamSpecification=stream,
        DeletionProtectionEnabled=True,
        TableClass="STANDARD_INFREQUENT_ACCESS",
        OnDemandThroughput={"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": -1},
        WarmThroughput={"ReadUnitsPerSecond": 12_000},
        SSESpecification={"Enabled": True, "KMSMasterKeyId": "abc"},
        Tags=[{"Key": "team", "Value": "games"}],
    )
    created = calls("CreateTable", **request)["TableDescription"]
    assert created["TableStatus"] == "CREATING"
    found = describe(calls)
    assert found["TableStatus"] == "ACTIVE"
    assert {**found, "TableStatus": "CREATING", "GlobalSecondaryIndexes": None} == {
        **created,
        "GlobalSecondaryIndexes": None,
    }
    assert found["TableArn"] == f"{ARN}scores"
    assert found["KeySchema"] == schema("id", "n")
    assert found["AttributeDefinitions"] == WITH_G
    assert found["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert found["StreamSpecification"] == stream
    assert found["LatestStreamArn"] == f"{ARN}scores/stream/{found['LatestStreamLabel']}"
    assert found["DeletionProtectionEnabled"] is True
    assert found["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    assert found["OnDemandThroughput"] == {"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": -1}
    assert found["WarmThroughput"] == {"ReadUnitsPerSecond": 12_000, "Status": "ACTIVE"}
    assert found["SSEDescription"]["KMSMasterKeyArn"].endswith(":key/abc")
    [by_g] = found["GlobalSecondaryIndexes"]
    assert by_g["KeySchema"] == schema(["g", "n"], "id")
    assert by_g["Projection"] == include
    assert by_g["IndexStatus"] == "ACTIVE"
    assert by_g["OnDemandThroughput"] == {"MaxReadRequestUnits": 5}
    [loc] = found["LocalSecondaryIndexes"]
    assert loc["IndexArn"] == f"{ARN}scores/index/loc"
    assert "IndexStatus" not in loc
    assert "Tags" not in found
    assert "Number" not in {*by_g, *loc}
    tags = calls("ListTagsOfResource", ResourceArn=f"{ARN}scores")
    assert tags == {"Tags": [{"Key": "team", "Value": "games"}]}


def test_a_table_is_made_once_and_can_be_made_again_after_it_was_deleted(calls):
    first = calls("CreateTable", **table())["TableDescription"]
    calls.fill("scores", wire(id="a", n=1))
    failure = calls.fail("CreateTable", **table())
    assert (failure["code"], failure["message"]) == (
        "ResourceInUseException",
        "Table already exists: scores",
    )
    gone = calls("DeleteTable", TableName="scores")["TableDescription"]
    assert (gone["TableStatus"], gone["TableId"]) == ("DELETING", first["TableId"])
    assert calls.fail("DescribeTable", TableName="scores")["code"] == "ResourceNotFoundException"
    again = calls("CreateTable", **table())["TableDescription"]
    assert again["TableId"] != first["TableId"]
    assert calls.read("scores", id="a", n=1) is None


@pytest.mark.parametrize(
    "api",
    ["DescribeTable", "DeleteTable", "DescribeTimeToLive", "GetItem", "PutItem", "DeleteItem"],
)
def test_a_table_that_is_not_there_is_not_found(calls, api):
    request = {"GetItem": {"Key": wire(id="a")}, "DeleteItem": {"Key": wire(id="a")}}
    more = request.get(api, {"Item": wire(id="a")} if api == "PutItem" else {})
    assert calls.fail(api, TableName="nope", **more)["code"] == "ResourceNotFoundException"


def test_an_arn_names_a_table_too(calls):
    calls("CreateTable", **table())
    arn = f"{ARN}scores"
    calls("PutItem", TableName=arn, Item=wire(id="a", n=1))
    assert calls("DescribeTable", TableName=arn)["Table"]["TableName"] == "scores"
    assert calls.read(arn, id="a", n=1) == wire(id="a", n=1)
    elsewhere = arn.replace("local", "eu-west-1")
    assert calls.fail("DescribeTable", TableName=elsewhere)["code"] == "ResourceNotFoundException"


def test_the_items_and_bytes_of_tables_and_indexes_are_counted(calls):
    request = with_index(GlobalSecondaryIndexes=[index("by-g", "g", kind="KEYS_ONLY")])
    calls("CreateTable", **request)
    calls.fill("scores", wire(id="a", n=1, g="x", more="12345"), wire(id="b", n=1))
    found = describe(calls)
    assert (found["ItemCount"], found["TableSizeBytes"]) == (2, 6 + 2 + 9 + 6)
    [by_g] = found["GlobalSecondaryIndexes"]
    assert (by_g["ItemCount"], by_g["IndexSizeBytes"]) == (1, 8)
    calls("DeleteItem", TableName="scores", Key=wire(id="a", n=1))
    assert describe(calls)["ItemCount"] == 1


def test_tables_are_listed_in_order_a_page_at_a_time(calls):
    names = ["aaa", "bbb", "ccc", "ddd"]
    for name in reversed(names):
        calls("CreateTable", **table(name))
    assert calls("ListTables") == {"TableNames": names}
    found, start = [], {}
    while True:
        page = calls("ListTables", Limit=3, **start)
        found += page["TableNames"]
        if "LastEvaluatedTableName" not in page:
            break
        start = {"ExclusiveStartTableName": page["LastEvaluatedTableName"]}
    assert found == names
    assert "LastEvaluatedTableName" not in calls("ListTables", Limit=4)
    for limit in (0, 101):
        calls.refuse("'limit'", "ListTables", Limit=limit)


# -- changing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "At least one of ProvisionedThroughput, BillingMode"),
        ({"ProvisionedThroughput": UNITS}, "when BillingMode is PAY_PER_REQUEST"),
        ({"BillingMode": "PROVISIONED"}, "must both be specified"),
        ({"BillingMode": "PROVISIONED", "ProvisionedThroughput": UNITS}, "for index: by-g"),
        ({"StreamSpecification": {"StreamEnabled": False}}, "no stream to disable"),
        ({"ReplicaUpdates": []}, "replicaUpdates is not supported"),
        ({"GlobalSecondaryIndexUpdates": [{}]}, "must not be null"),
        (
            {"GlobalSecondaryIndexUpdates": [{"Create": index("by-g", "g")}]},
            "an index which already exists",
        ),
        ({"GlobalSecondaryIndexUpdates": [{"Create": index("by-h", "h")}]}, "Keys: [h]"),
        (
            {
                "GlobalSecondaryIndexUpdates": [{"Create": index("by-g2", "g")}],
                "AttributeDefinitions": define("g:N"),
            },
            "cannot be redefined",
        ),
        (
            {
                "GlobalSecondaryIndexUpdates": [
                    {"Update": {"IndexName": "by-g", "ProvisionedThroughput": UNITS}},
                    {"Delete": {"IndexName": "by-g"}},
                ]
            },
            "Only one global secondary index update per index",
        ),
    ],
)
def test_a_change_that_dynamodb_would_refuse_changes_nothing(calls, changes, message):
    calls("CreateTable", **with_index())
    before = describe(calls)
    calls.refuse(message, "UpdateTable", TableName="scores", **changes)
    assert describe(calls) == before


def test_one_index_is_made_or_removed_at_a_time(calls):
    calls("CreateTable", **with_index())
    updates = [{"Delete": {"IndexName": "by-g"}}, {"Create": index("by-n", "n")}]
    failure = calls.fail("UpdateTable", TableName="scores", GlobalSecondaryIndexUpdates=updates)
    assert failure["code"] == "LimitExceededException"
    updates = [{"Delete": {"IndexName": "nope"}}]
    failure = calls.fail("UpdateTable", TableName="scores", GlobalSecondaryIndexUpdates=updates)
    assert failure["code"] == "ResourceNotFoundException"


def test_a_new_index_has_the_items_that_fit_it(calls):
    calls("CreateTable", **table())
    items = [
        wire(id="a", n=1, g="x"),
        wire(id="b", n=1),
        wire(id="c", n=1, g=7),
        wire(id="d", n=1, g=""),
        wire(id="e", n=1, g={"M": {}}),
    ]
    calls.fill("scores", *items)
    found = calls(
        "UpdateTable",
        TableName="scores",
        AttributeDefinitions=define("g:S"),
        GlobalSecondaryIndexUpdates=[{"Create": index("by-g", "g")}],
    )["TableDescription"]
    assert found["TableStatus"] == "UPDATING"
    assert found["GlobalSecondaryIndexes"][0]["IndexStatus"] == "CREATING"
    [by_g] = describe(calls)["GlobalSecondaryIndexes"]
    assert (by_g["IndexStatus"], by_g["ItemCount"]) == ("ACTIVE", 1)
    # What did not fit can still be changed and deleted.
    calls("PutItem", TableName="scores", Item=wire(id="c", n=1, g="y"))
    for name in "abcde":
        calls("DeleteItem", TableName="scores", Key=wire(id=name, n=1))
    found = describe(calls)
    assert (found["ItemCount"], found["GlobalSecondaryIndexes"][0]["ItemCount"]) == (0, 0)


def test_a_removed_index_takes_its_definitions_along(calls):
    calls("CreateTable", **with_index())
    calls.fill("scores", wire(id="a", n=1, g="x"))
    calls(
        "UpdateTable",
        TableName="scores",
        GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-g"}}],
    )
    found = describe(calls)
    assert found["AttributeDefinitions"] == define("id:S", "n:N")
    assert "GlobalSecondaryIndexes" not in found
    calls("PutItem", TableName="scores", Item=wire(id="a", n=1, g=5))  # g is no key any more


def test_throughput_and_billing_change(calls):
    provisioned = index("by-g", "g", ProvisionedThroughput=UNITS)
    calls(
        "CreateTable",
        **with_index(
            BillingMode=None,
            ProvisionedThroughput=UNITS,
            GlobalSecondaryIndexes=[provisioned],
        ),
    )
    same = {"ProvisionedThroughput": UNITS}
    calls.refuse("will not change", "UpdateTable", TableName="scores", **same)
    more = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 1}
    update = {"Update": {"IndexName": "by-g", "ProvisionedThroughput": more}}
    calls(
        "UpdateTable",
        TableName="scores",
        ProvisionedThroughput=more,
        GlobalSecondaryIndexUpdates=[update],
    )
    found = describe(calls)
    for each in (found, found["GlobalSecondaryIndexes"][0]):
        assert each["ProvisionedThroughput"]["ReadCapacityUnits"] == 5
    calls("UpdateTable", TableName="scores", BillingMode="PAY_PER_REQUEST")
    found = describe(calls)
    assert found["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    for each in (found, found["GlobalSecondaryIndexes"][0]):
        assert each["ProvisionedThroughput"]["ReadCapacityUnits"] == 0
    update = {"Update": {"IndexName": "by-g", "ProvisionedThroughput": UNITS}}
    calls(
        "UpdateTable",
        TableName="scores",
        BillingMode="PROVISIONED",
        ProvisionedThroughput=UNITS,
        GlobalSecondaryIndexUpdates=[update],
    )
    found = describe(calls)
    assert found["BillingModeSummary"]["BillingMode"] == "PROVISIONED"
    assert found["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["ReadCapacityUnits"] == 1


def test_streams_are_switched_on_and_off(calls):
    calls("CreateTable", **table())
    on = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    calls("UpdateTable", TableName="scores", StreamSpecification=on)
    calls.refuse("already has", "UpdateTable", TableName="scores", StreamSpecification=on)
    first = describe(calls)
    assert first["StreamSpecification"] == on
    calls("UpdateTable", TableName="scores", StreamSpecification={"StreamEnabled": False})
    off = describe(calls)
    assert "StreamSpecification" not in off
    assert off["LatestStreamArn"] == first["LatestStreamArn"]
    calls.now += 1
    calls("UpdateTable", TableName="scores", StreamSpecification=on)
    assert describe(calls)["LatestStreamArn"] != first["LatestStreamArn"]


def test_a_protected_table_is_not_deleted(calls):
    calls("CreateTable", **table(DeletionProtectionEnabled=True))
    calls.refuse("protected against deletion", "DeleteTable", TableName="scores")
    calls("UpdateTable", TableName="scores", DeletionProtectionEnabled=False)
    calls("DeleteTable", TableName="scores")


# -- settings ------------------------------------------------------------------------------------


def test_tags_are_added_changed_and_removed(calls):
    calls("CreateTable", **table())
    arn = f"{ARN}scores"
    calls("TagResource", ResourceArn=arn, Tags=[{"Key": k, "Value": "1"} for k in "ab"])
    calls("TagResource", ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}])
    calls("UntagResource", ResourceArn=arn, TagKeys=["a", "zzz"])
    assert calls("ListTagsOfResource", ResourceArn=arn) == {"Tags": [{"Key": "b", "Value": "2"}]}
    many = [{"Key": f"k{n}", "Value": ""} for n in range(50)]
    calls.refuse("Too many tags", "TagResource", ResourceArn=arn, Tags=many)
    calls.refuse("Invalid TableArn", "ListTagsOfResource", ResourceArn="scores")
    missing = calls.fail("ListTagsOfResource", ResourceArn=f"{ARN}nope")
    assert missing["code"] == "ResourceNotFoundException"


def test_the_ttl_is_set_once_and_removed_by_its_name(calls):
    calls("CreateTable", **table())

    def ttl(name: str, enabled: bool = True) -> dict[str, Any]:
        specification = {"AttributeName": name, "Enabled": enabled}
        return {"TableName": "scores", "TimeToLiveSpecification": specification}

    def status() -> dict[str, str]:
        found: dict[str, str] = calls("DescribeTimeToLive", TableName="scores")[
            "TimeToLiveDescription"
        ]
        return found

    assert status() == {"TimeToLiveStatus": "DISABLED"}
    calls.refuse("already disabled", "UpdateTimeToLive", **ttl("at", enabled=False))
    answer = calls("UpdateTimeToLive", **ttl("at"))
    assert answer == {"TimeToLiveSpecification": {"AttributeName": "at", "Enabled": True}}
    assert status() == {"TimeToLiveStatus": "ENABLED", "AttributeName": "at"}
    calls.refuse("already enabled", "UpdateTimeToLive", **ttl("at"))
    for enabled in (True, False):
        calls.refuse("different AttributeName", "UpdateTimeToLive", **ttl("other", enabled))
    calls("UpdateTimeToLive", **ttl("at", enabled=False))
    assert status() == {"TimeToLiveStatus": "DISABLED"}


def test_point_in_time_recovery_is_a_setting(calls):
    calls("CreateTable", **table())

    def recovery(**specification: Any) -> dict[str, Any]:
        answer = calls(
            "UpdateContinuousBackups",
            TableName="scores",
            PointInTimeRecoverySpecification=specification,
        )
        assert answer == calls("DescribeContinuousBackups", TableName="scores")
        found: dict[str, Any] = answer["ContinuousBackupsDescription"]
        return dict(found["PointInTimeRecoveryDescription"])

    found = recovery(PointInTimeRecoveryEnabled=True, RecoveryPeriodInDays=2)
    assert (found["PointInTimeRecoveryStatus"], found["RecoveryPeriodInDays"]) == ("ENABLED", 2)
    calls.now += 3 * 86400
    found = calls("DescribeContinuousBackups", TableName="scores")["ContinuousBackupsDescription"]
    assert (
        found["PointInTimeRecoveryDescription"]["EarliestRestorableDateTime"] == calls.now - 172800
    )
    assert recovery(PointInTimeRecoveryEnabled=False) == {"PointInTimeRecoveryStatus": "DISABLED"}
    missing = calls.fail("DescribeContinuousBackups", TableName="nope")
    assert missing["code"] == "TableNotFoundException"


def test_limits_and_endpoints_are_told(calls):
    limits = calls("DescribeLimits")
    for kind in ("Read", "Write"):
        most = limits[f"AccountMax{kind}CapacityUnits"]
        assert 0 < limits[f"TableMax{kind}CapacityUnits"] <= most
    [endpoint] = calls("DescribeEndpoints")["Endpoints"]
    assert endpoint["CachePeriodInMinutes"] > 0


@pytest.mark.parametrize("api", ["CreateBackup", "DescribeGlobalTable", "ImportTable", "nothing"])
def test_an_operation_that_is_not_there_is_unknown(calls, api):
    assert calls.fail(api)["code"] == "UnknownOperationException"


@pytest.mark.parametrize("payload", [b"", b"[]", b"{", b'{"TableName": 7}', b"\xff"])
def test_a_payload_of_another_form_is_refused(calls, payload):
    status, body = calls.engine.call("DescribeTable", payload)
    assert status == 400
    assert b"#SerializationException" in body

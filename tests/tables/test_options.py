"""The options of tables in ``Meta``: checked when the class is made, sent, read back, compared."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from botocore.exceptions import ParamValidationError
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from dynamodb_py import (
    CharField,
    GlobalIndex,
    IntegerField,
    Model,
    SharedTable,
    Table,
    TableMismatch,
    TimestampField,
)
from dynamodb_py.exceptions import ConfigurationError, InvalidRequest, ModelDefinitionError
from dynamodb_py.operations.base import Pause
from dynamodb_py.operations.table_settings import (
    Backups,
    DescribeContinuousBackups,
    ListTagsOfResource,
    TagPage,
    TagResource,
    UpdateContinuousBackups,
)
from dynamodb_py.operations.tables import (
    AddIndex,
    ChangeOptions,
    CreateTable,
    DropIndex,
)
from dynamodb_py.schema.options import declare_options
from dynamodb_py.tables.options import LiveTable, find_changes, find_differences
from dynamodb_py.transports.boto import translate

from ..engines import known_fault
from ..scripted import checked

KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
ARN = f"arn:aws:kms:eu-west-1:111122223333:key/{KEY}"
TABLE_ARN = "arn:aws:dynamodb:eu-west-1:111122223333:table/games"


def model(indexes: Any = (), **meta: Any) -> type[Model]:
    class Game(Model):
        Meta = type("Meta", (), {"table_name": "games", "indexes": list(indexes), **meta})

        name = CharField(hash_key=True)
        title = CharField()
        score = IntegerField()
        expires = TimestampField(name="e")

    return Game


def by_title(**options: Any) -> GlobalIndex[Any] | Any:
    return GlobalIndex("by_title", hash_key="title", **options)


# --- what a class may declare ---


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("stream", "images", "Meta.stream is 'images': it takes \"new_image\" or"),
        ("stream", True, "or False for none"),
        ("encryption", "alias/mine", "not its alias, as DynamoDB reports the ARN"),
        ("encryption", True, 'it takes "aws_owned", "aws_managed"'),
        ("table_class", "cold", 'it takes "standard" or "standard_infrequent_access"'),
        ("deletion_protection", "yes", "Meta.deletion_protection is 'yes': it takes True or False"),
        ("point_in_time_recovery", 0, "the number of days to keep, 1 to 35"),
        ("point_in_time_recovery", 36, "the number of days to keep, 1 to 35"),
        ("point_in_time_recovery", "always", "it takes True, False"),
        ("tags", ["team"], "it takes a dict of texts"),
        ("tags", {"": "x"}, "keys of 1 to 128 characters"),
        ("tags", {1: "x"}, "keys of 1 to 128 characters"),
        ("tags", {"k" * 129: "x"}, "keys of 1 to 128 characters"),
        ("tags", {"AWS:mine": "x"}, 'do not begin with "aws:"'),
        ("tags", {"team": None}, "values of up to 256 characters"),
        ("tags", {"team": "x" * 257}, "values of up to 256 characters"),
        ("tags", {str(n): "" for n in range(51)}, "51 tags, and a table has at most 50"),
        ("warm_throughput", 12000, 'it takes a dict of "read", "write" or both'),
        ("warm_throughput", {}, 'a dict of "read", "write" or both'),
        ("warm_throughput", {"reads": 1}, 'a dict of "read", "write" or both'),
        ("warm_throughput", {"read": 0}, "units per second, 1 and more"),
        ("warm_throughput", {"read": True}, "units per second, 1 and more"),
        ("warm_throughput", {"read": None}, "units per second, 1 and more"),
        ("warm_throughput", {"read": -1}, "whole numbers of 1 and more"),
        ("on_demand_maximum", {"read": 1.5}, "or None for no maximum"),
    ],
)
def test_an_option_that_cannot_be_is_refused_when_the_class_is_made(option, value, message):
    with pytest.raises(ModelDefinitionError) as raised:
        model(**{option: value})
    assert str(raised.value).startswith("Game: Meta.")
    assert message in str(raised.value)


@pytest.mark.parametrize("option", ["warm_throughput", "on_demand_maximum"])
def test_units_of_an_index_are_checked_too(option):
    with pytest.raises(ModelDefinitionError, match=f"index 'by_title': {option} is 7: it takes"):
        by_title(**{option: 7})


def test_a_maximum_is_for_tables_that_are_billed_on_demand():
    capacities = {"read_capacity": 1, "write_capacity": 1}
    with pytest.raises(
        ModelDefinitionError, match=r"Meta.on_demand_maximum is for tables that are"
    ):
        model(on_demand_maximum={"read": 5}, **capacities)
    with pytest.raises(ModelDefinitionError, match="index 'by_title': it has an on_demand_maximum"):
        model([by_title(on_demand_maximum={"read": 5})], **capacities)


def test_a_model_without_options_has_none():
    assert model()._meta.schema.options is None


def test_options_are_inherited_and_kinds_of_one_table_have_the_same():
    class Base(Model):
        class Meta:
            discriminator = "kind_of"
            stream = "keys_only"

        name = CharField(hash_key=True)

    class Derived(Base):
        pass

    assert Derived._meta.schema.options == Base._meta.schema.options
    with pytest.raises(ModelDefinitionError, match="its options of the table differ"):

        class Other(Base):
            class Meta:
                stream = "new_image"


def test_options_of_a_shared_table_are_declared_there():
    class App(SharedTable):
        class Meta:
            deletion_protection = True

        pk = CharField(hash_key=True)

    meta = type("Meta", (), {"table": App, "keys": {"pk": "USER#{name}"}})
    user = type("User", (Model,), {"Meta": meta, "name": CharField(), "__module__": __name__})
    assert Table(user).schema.options == declare_options({"deletion_protection": True})
    with pytest.raises(ModelDefinitionError, match=r"Meta.tags: .* declare it in App.Meta"):
        type("Team", (Model,), {"Meta": type("Meta", (meta,), {"tags": {}}), "name": CharField()})


# --- what is sent: requests that botocore's model accepts ---

EVERYTHING: dict[str, Any] = {
    "stream": "NEW_AND_OLD_IMAGES",
    "encryption": KEY,
    "table_class": "standard_infrequent_access",
    "deletion_protection": True,
    "point_in_time_recovery": 7,
    "tags": {"team": "games", "cost": ""},
    "warm_throughput": {"read": 13000, "write": 5000},
    "on_demand_maximum": {"read": 20000, "write": None},
}


def test_create_sends_all_options_that_it_can_take():
    game = model(
        [by_title(warm_throughput={"write": 4000}, on_demand_maximum={"read": 9})], **EVERYTHING
    )
    payload = checked(CreateTable("games", game._meta.schema))
    assert {
        name: payload[name] for name in payload if name not in {"KeySchema", "BillingMode"}
    } == {
        "TableName": "games",
        "AttributeDefinitions": [
            {"AttributeName": "name", "AttributeType": "S"},
            {"AttributeName": "title", "AttributeType": "S"},
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "by_title",
                "KeySchema": [{"AttributeName": "title", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
                "WarmThroughput": {"WriteUnitsPerSecond": 4000},
                "OnDemandThroughput": {"MaxReadRequestUnits": 9},
            }
        ],
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        "SSESpecification": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY},
        "TableClass": "STANDARD_INFREQUENT_ACCESS",
        "DeletionProtectionEnabled": True,
        "Tags": [{"Key": "cost", "Value": ""}, {"Key": "team", "Value": "games"}],
        "WarmThroughput": {"ReadUnitsPerSecond": 13000, "WriteUnitsPerSecond": 5000},
        "OnDemandThroughput": {"MaxReadRequestUnits": 20000, "MaxWriteRequestUnits": -1},
    }


def test_a_maximum_is_left_out_where_the_table_is_made_provisioned_for_once():
    schema = model([by_title(on_demand_maximum={"read": 9})], on_demand_maximum={"read": 9})
    provisioned = schema._meta.schema.with_throughput("PROVISIONED", 1, 2)
    payload = checked(CreateTable("games", provisioned))
    assert "OnDemandThroughput" not in str(payload)
    live = LiveTable({"GlobalSecondaryIndexes": [{"IndexName": "by_title"}]})
    assert not list(find_changes("games", provisioned, live))


def test_options_that_are_off_are_not_sent_to_a_new_table():
    game = model(stream=False, tags={}, point_in_time_recovery=False, encryption="aws_owned")
    payload = checked(CreateTable("games", game._meta.schema))
    assert payload["SSESpecification"] == {"Enabled": False}
    assert not {"StreamSpecification", "Tags"} & payload.keys()


SCHEMA = model([by_title()], read_capacity=5, write_capacity=6)._meta.schema


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (
            AddIndex("games", SCHEMA, "by_title", (*SCHEMA.key, *SCHEMA.indexes[0].keys)),
            {
                "TableName": "games",
                "AttributeDefinitions": [
                    {"AttributeName": "name", "AttributeType": "S"},
                    {"AttributeName": "title", "AttributeType": "S"},
                ],
                "GlobalSecondaryIndexUpdates": [
                    {
                        "Create": {
                            "IndexName": "by_title",
                            "KeySchema": [{"AttributeName": "title", "KeyType": "HASH"}],
                            "Projection": {"ProjectionType": "ALL"},
                            "ProvisionedThroughput": {
                                "ReadCapacityUnits": 5,
                                "WriteCapacityUnits": 6,
                            },
                        }
                    }
                ],
            },
        ),
        (
            DropIndex("games", "by_title"),
            {
                "TableName": "games",
                "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "by_title"}}],
            },
        ),
        (
            ChangeOptions("games", {"WarmThroughput": {"ReadUnitsPerSecond": 9}}, "by_title"),
            {
                "TableName": "games",
                "GlobalSecondaryIndexUpdates": [
                    {
                        "Update": {
                            "IndexName": "by_title",
                            "WarmThroughput": {"ReadUnitsPerSecond": 9},
                        }
                    }
                ],
            },
        ),
        (
            UpdateContinuousBackups("games", True),
            {
                "TableName": "games",
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            },
        ),
        (
            UpdateContinuousBackups("games", 1),
            {
                "TableName": "games",
                "PointInTimeRecoverySpecification": {
                    "PointInTimeRecoveryEnabled": True,
                    "RecoveryPeriodInDays": 1,
                },
            },
        ),
        (
            UpdateContinuousBackups("games", False),
            {
                "TableName": "games",
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": False},
            },
        ),
        (DescribeContinuousBackups("games"), {"TableName": "games"}),
        (
            ListTagsOfResource("games", TABLE_ARN, "more"),
            {"ResourceArn": TABLE_ARN, "NextToken": "more"},
        ),
        (
            TagResource("games", TABLE_ARN, {"team": "games"}),
            {"ResourceArn": TABLE_ARN, "Tags": [{"Key": "team", "Value": "games"}]},
        ),
    ],
)
def test_requests_are_what_botocore_knows(operation, expected):
    assert checked(operation) == expected


@pytest.mark.parametrize(
    ("answer", "days"),
    [
        ({"ContinuousBackupsDescription": {"ContinuousBackupsStatus": "ENABLED"}}, None),
        (
            {
                "ContinuousBackupsDescription": {
                    "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "ENABLED"}
                }
            },
            35,
        ),
        (
            {
                "ContinuousBackupsDescription": {
                    "PointInTimeRecoveryDescription": {
                        "PointInTimeRecoveryStatus": "ENABLED",
                        "RecoveryPeriodInDays": 3,
                    }
                }
            },
            3,
        ),
    ],
)
def test_point_in_time_recovery_is_read(answer, days):
    assert DescribeContinuousBackups("t").parse(msgspec.json.encode(answer)).days == days


def test_tags_come_in_pages():
    answer = {"Tags": [{"Key": "a", "Value": "1"}], "NextToken": "x"}
    found = ListTagsOfResource("t", TABLE_ARN).parse(msgspec.json.encode(answer))
    assert found == TagPage({"a": "1"}, ListTagsOfResource("t", TABLE_ARN, "x"))


# --- what differs ---


def changes(declared: dict[str, Any], description: Any = None, **live: Any) -> list[Any]:
    indexes = declared.pop("indexes", ())
    schema = model(indexes, **declared)._meta.schema
    table = LiveTable({"TableArn": TABLE_ARN, **(description or {})}, **live)
    return [
        operation for each in find_changes("games", schema, table) for operation in each.operations
    ]


def change(**members: Any) -> ChangeOptions:
    return ChangeOptions("games", members)


STREAM = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}}
OFF = {"StreamSpecification": {"StreamEnabled": False}}
KMS = {"SSEDescription": {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": ARN}}
COLD = {"TableClassSummary": {"TableClass": "STANDARD_INFREQUENT_ACCESS"}}
WARM = {"WarmThroughput": {"ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 4000}}
MOST = {"OnDemandThroughput": {"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": -1}}


@pytest.mark.parametrize(
    ("declared", "description", "live", "expected"),
    [
        ({}, {**STREAM, **KMS, **COLD, **MOST}, {}, []),
        ({"stream": "keys_only"}, STREAM, {}, []),
        ({"stream": False}, {}, {}, []),
        ({"stream": False}, STREAM, {}, [change(**OFF)]),
        ({"stream": "keys_only"}, {}, {}, [change(**STREAM)]),
        # DynamoDB refuses another view for a stream that is on.
        (
            {"stream": "new_image"},
            STREAM,
            {},
            [
                change(**OFF),
                change(StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}),
            ],
        ),
        ({"encryption": "aws_owned"}, {}, {}, []),
        ({"encryption": "aws_owned"}, {"SSEDescription": {"Status": "DISABLED"}}, {}, []),
        ({"encryption": "aws_owned"}, KMS, {}, [change(SSESpecification={"Enabled": False})]),
        ({"encryption": "aws_managed"}, KMS, {}, []),
        (
            {"encryption": "aws_managed"},
            {},
            {},
            [change(SSESpecification={"Enabled": True, "SSEType": "KMS"})],
        ),
        ({"encryption": KEY}, KMS, {}, []),
        ({"encryption": ARN}, KMS, {}, []),
        (
            {"encryption": KEY[::-1].replace("-", "0")[:8] + KEY[8:]},
            KMS,
            {},
            [
                change(
                    SSESpecification={
                        "Enabled": True,
                        "SSEType": "KMS",
                        "KMSMasterKeyId": KEY[::-1].replace("-", "0")[:8] + KEY[8:],
                    }
                )
            ],
        ),
        ({"table_class": "standard"}, {}, {}, []),
        ({"table_class": "standard"}, COLD, {}, [change(TableClass="STANDARD")]),
        ({"deletion_protection": False}, {}, {}, []),
        ({"deletion_protection": True}, {}, {}, [change(DeletionProtectionEnabled=True)]),
        (
            {"deletion_protection": False},
            {"DeletionProtectionEnabled": True},
            {},
            [change(DeletionProtectionEnabled=False)],
        ),
        ({"point_in_time_recovery": True}, {}, {"backups": Backups("ENABLED", 3)}, []),
        ({"point_in_time_recovery": 35}, {}, {"backups": Backups("ENABLED")}, []),
        ({"point_in_time_recovery": False}, {}, {"backups": Backups()}, []),
        (
            {"point_in_time_recovery": 1},
            {},
            {"backups": Backups()},
            [UpdateContinuousBackups("games", 1)],
        ),
        (
            {"point_in_time_recovery": False},
            {},
            {"backups": Backups("ENABLED", 1)},
            [UpdateContinuousBackups("games", False)],
        ),
        ({"tags": {"a": "1"}}, {}, {"tags": {"a": "1", "theirs": "2"}}, []),
        ({"tags": {}}, {}, {"tags": {"theirs": "2"}}, []),
        (
            {"tags": {"a": "1", "b": "2"}},
            {},
            {"tags": {"a": "1", "b": "0"}},
            [TagResource("games", TABLE_ARN, {"b": "2"})],
        ),
        ({"warm_throughput": {"read": 12000}}, WARM, {}, []),
        ({"warm_throughput": {"read": 1000, "write": 1}}, WARM, {}, []),
        # What has grown with the traffic is never lowered: DynamoDB would refuse all of it.
        (
            {"warm_throughput": {"read": 11000, "write": 5000}},
            WARM,
            {},
            [change(WarmThroughput={"ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 5000})],
        ),
        ({"on_demand_maximum": {"read": 10}}, MOST, {}, []),
        ({"on_demand_maximum": {"read": 10, "write": None}}, MOST, {}, []),
        ({"on_demand_maximum": {"read": None}}, {}, {}, []),
        (
            {"on_demand_maximum": {"read": None}},
            MOST,
            {},
            [change(OnDemandThroughput={"MaxReadRequestUnits": -1})],
        ),
        (
            {"indexes": [by_title(on_demand_maximum={"write": 4})]},
            {"GlobalSecondaryIndexes": [{"IndexName": "by_title"}]},
            {},
            [
                ChangeOptions(
                    "games", {"OnDemandThroughput": {"MaxWriteRequestUnits": 4}}, "by_title"
                )
            ],
        ),
        # A new index is made with it.
        ({"indexes": [by_title(on_demand_maximum={"write": 4})]}, {}, {}, []),
    ],
)
def test_what_differs_is_changed_and_nothing_else(declared, description, live, expected):
    assert changes(dict(declared), description, **live) == expected


def test_differences_name_both_sides():
    schema = model(**EVERYTHING)._meta.schema
    table = LiveTable({"TableArn": TABLE_ARN, **STREAM}, tags={}, backups=Backups())
    assert find_differences("games", schema, table) == [
        "deletion_protection: the model has True; the table has False",
        "point_in_time_recovery: the model has 7 days; the table has none",
        "tags: the model has cost=, team=games; the table has none of these",
        "table_class: the model has standard_infrequent_access; the table has standard",
        f"encryption: the model has {KEY}; the table has aws_owned",
        "stream: the model has new_and_old_images; the table has keys_only",
        "on_demand_maximum: the model has 20000 read units and unlimited write units; the table has "
        "unlimited read units and unlimited write units",
        "warm_throughput: the model has 13000 read units and 5000 write units; the table has none",
    ]


# --- options that no engine keeps, by a script; and an engine that accepts and drops ---


def described(**members: Any) -> dict[str, Any]:
    schema = model()._meta.schema.encode()
    mode = {"BillingModeSummary": {"BillingMode": schema.pop("BillingMode")}}
    return {**schema, **mode, "TableStatus": "ACTIVE", "TableArn": TABLE_ARN, **members}


class Account:
    """The tables of an account that keeps every option, but those to *forget*."""

    def __init__(self, *forget: str) -> None:
        self.forget = forget
        self.description = described()
        self.tags: list[dict[str, str]] = []
        self.backups: dict[str, Any] = {"PointInTimeRecoveryStatus": "DISABLED"}
        self.sent: list[dict[str, Any]] = []

    def drive(self, flow: Any) -> Any:
        """Drive *flow* to its value, without its pauses."""
        step = next(flow)
        try:
            while True:
                answer = None if isinstance(step, Pause) else self.answer(step)
                step = flow.send(None if answer is None else msgspec.json.encode(answer))
        except StopIteration as stop:
            return stop.value

    def answer(self, operation: Any) -> dict[str, Any]:
        payload = checked(operation)
        if operation.api == "DescribeTable":
            return {"Table": self.description}
        if operation.api == "ListTagsOfResource":  # a page each
            at = int(payload.get("NextToken", 0))
            more = {"NextToken": str(at + 1)} if at + 1 < len(self.tags) else {}
            return {"Tags": self.tags[at : at + 1], **more}
        if operation.api == "DescribeContinuousBackups":
            return {
                "ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": self.backups}
            }
        self.sent.append({"api": operation.api, **payload})
        if not set(self.forget) & {operation.api, *payload}:
            getattr(self, operation.api)(payload)
        return {"TableDescription": self.description}

    def UpdateContinuousBackups(self, payload: dict[str, Any]) -> None:
        given = payload["PointInTimeRecoverySpecification"]
        self.backups = {
            "PointInTimeRecoveryStatus": "ENABLED",
            "RecoveryPeriodInDays": given["RecoveryPeriodInDays"],
        }

    def TagResource(self, payload: dict[str, Any]) -> None:
        self.tags += payload["Tags"]

    def UpdateTable(self, payload: dict[str, Any]) -> None:
        [(name, value)] = (each for each in payload.items() if each[0] != "TableName")
        if name == "TableClass":
            self.description["TableClassSummary"] = {name: value}
        elif name == "SSESpecification":
            self.description["SSEDescription"] = {"Status": "ENABLED", "KMSMasterKeyArn": ARN}
        else:
            self.description[name] = value


class Offline(Table):
    """A table whose flows are driven by the test itself."""

    name = "games"


def test_each_option_is_set_by_a_call_of_its_own_and_read_back():
    account, table = Account(), Offline(model(**EVERYTHING))
    assert len(account.drive(table._plan())) == 8
    account.drive(table._update())
    assert sorted(each["api"] for each in account.sent) == [
        "TagResource",
        "UpdateContinuousBackups",
        *["UpdateTable"] * 6,
    ]
    assert not account.drive(table._plan())
    assert account.drive(table._diff()) == []
    sent = len(account.sent)
    account.drive(table._update())
    assert len(account.sent) == sent


@pytest.mark.parametrize(
    ("forgotten", "option"),
    [
        ("DeletionProtectionEnabled", "deletion_protection"),
        ("UpdateContinuousBackups", "point_in_time_recovery"),
        ("TagResource", "tags"),
        ("TableClass", "table_class"),
        ("SSESpecification", "encryption"),
        ("StreamSpecification", "stream"),
        ("WarmThroughput", "warm_throughput"),
        ("OnDemandThroughput", "on_demand_maximum"),
    ],
)
def test_an_option_that_is_accepted_and_dropped_is_reported_after_the_others(forgotten, option):
    account, table = Account(forgotten), Offline(model(**EVERYTHING))
    with pytest.raises(TableMismatch, match=f"did not keep them: set {option} to") as raised:
        account.drive(table._update())
    [difference] = raised.value.differences
    assert difference.startswith(f"{option}: the model has")
    assert len(account.sent) == 8
    assert [step.part for step in account.drive(table._plan())] == [option]


def test_info_has_the_settings_that_the_model_declares():
    account = Account()
    account.tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    declared = Offline(model(tags={"a": "1"}, point_in_time_recovery=True))
    info = account.drive(declared._info())
    assert info["Tags"] == account.tags
    assert info["PointInTimeRecoveryDescription"] == {"PointInTimeRecoveryStatus": "DISABLED"}
    assert (
        not {"Tags", "PointInTimeRecoveryDescription"}
        & account.drive(Offline(model())._info()).keys()
    )


# --- on engines ---


@known_fault("dynoxide", "has no point-in-time recovery")
@known_fault("extenddb", "has no point-in-time recovery")
@pytest.mark.engines("dynoxide", "extenddb")
def test_recovery_is_switched_on_for_a_new_table(engine, do):
    table = Table(model(point_in_time_recovery=7))
    do(table.create)
    assert not do(table.plan)
    assert do(table.info)["PointInTimeRecoveryDescription"]["RecoveryPeriodInDays"] == 7


KEPT = {
    "stream": "new_and_old_images",
    "deletion_protection": True,
    "tags": {"team": "games"},
}
OTHERS = {"stream": "keys_only", "deletion_protection": False, "tags": {"team": "core"}}


@pytest.mark.engines("dynoxide", "extenddb")
def test_options_are_created_read_back_and_changed(engine, do):
    table = Table(model(**KEPT))
    try:
        do(table.create)
        assert do(table.diff) == []
        found = engine.boto3().describe_table(TableName=table.name)["Table"]
        assert found["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
        assert found["DeletionProtectionEnabled"] is True
        assert do(table.info)["Tags"] == [{"Key": "team", "Value": "games"}]
        with pytest.raises(InvalidRequest):
            do(table.delete)
    finally:
        do(Table(model(**OTHERS)).update)
    assert do(Table(model(**OTHERS)).diff) == []
    assert [step.part for step in do(table.plan)] == [
        "deletion_protection",
        "tags",
        "stream",
        "stream",
    ]


@pytest.mark.engines
def test_the_embedded_database_keeps_every_option(engine, do):
    indexes = [by_title(warm_throughput={"read": 13000}, on_demand_maximum={"read": 9})]
    everything = {**EVERYTHING, "deletion_protection": False}
    do(Table(model()).create)
    table = Table(model(indexes, **everything))
    do(table.update)
    assert do(table.diff) == []
    do(table.delete)
    do(table.create)
    assert not do(table.plan)


@pytest.mark.engines
def test_a_model_that_declares_nothing_asks_for_nothing(engine, do, monkeypatch):
    sent: list[str] = []
    table = Table(model())
    do(table.create)
    for transport in (engine.connection.transport, engine.connection.async_transport):
        send = transport.send
        monkeypatch.setattr(
            transport, "send", lambda o, send=send: (sent.append(o.api), send(o))[1]
        )
    for verb in (table.info, table.diff, table.plan, table.update):
        do(verb)
    assert {*sent} == {"DescribeTable"}


# --- a botocore that is older than an option ---


def older_botocore(*members: str) -> Any:
    """Return botocore's description of the service, without *members*."""
    description = Loader().load_service_model("dynamodb", "service-2")
    for shape in description["shapes"].values():
        for member in members:
            shape.get("members", {}).pop(member, None)
    return ServiceModel(description)


@pytest.mark.parametrize(
    ("member", "option", "version"),
    [
        ("OnDemandThroughput", "on_demand_maximum", "1.34.97"),
        ("WarmThroughput", "warm_throughput", "1.35.60"),
        ("RecoveryPeriodInDays", "point_in_time_recovery", "1.35.94"),
    ],
)
def test_an_option_that_botocore_does_not_know_is_named_with_the_version_that_does(
    member, option, version
):
    operation: Any = CreateTable("games", model(**EVERYTHING)._meta.schema)
    if member == "RecoveryPeriodInDays":
        operation = UpdateContinuousBackups("games", 7)
    shape = older_botocore(member).operation_model(operation.api).input_shape
    report = ParamValidator().validate(operation.payload(), shape).generate_report()
    error = translate(ParamValidationError(report=report), operation.api)
    assert isinstance(error, ConfigurationError)
    assert str(error).startswith(f"the installed botocore does not know {member}")
    assert f"Meta.{option}" in str(error)
    assert f"botocore {version}" in str(error)

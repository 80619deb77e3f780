"""Templates of CloudFormation: those of the tables that ``create()`` makes, and right for cfn-lint."""

from __future__ import annotations

import json

import pytest
from cfnlint.api import lint_all

from dynamodb_py import CharField, ConfigurationError, Model, Table, connect
from dynamodb_py.export import make_policy_template, make_template
from dynamodb_py.migrations.ledger import TABLE, make_model

from .models import ALL, Full, Off, Plain, Provisioned, User

PROPERTIES = {
    "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
    "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS"},
    "TableClass": "STANDARD_INFREQUENT_ACCESS",
    "DeletionProtectionEnabled": True,
    "PointInTimeRecoverySpecification": {
        "PointInTimeRecoveryEnabled": True,
        "RecoveryPeriodInDays": 7,
    },
    "Tags": [{"Key": "team", "Value": "blue"}],
    "WarmThroughput": {"ReadUnitsPerSecond": 13_000, "WriteUnitsPerSecond": 5_000},
    "OnDemandThroughput": {"MaxReadRequestUnits": 100},
    "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True},
    "BillingMode": "PAY_PER_REQUEST",
}

TEMPLATES = {
    "tables": make_template([*ALL, make_model(TABLE)]),
    "tables that go with the stack": make_template(ALL, retain=False),
    "read": make_policy_template(ALL, "read"),
    "write": make_policy_template(ALL, "write", partiql=True),
    "admin": make_policy_template(ALL, "admin", partiql=True, streams=True),
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_cfn_lint_finds_nothing(name):
    found = lint_all(json.dumps(TEMPLATES[name]))
    assert [str(each) for each in found if each.rule.id[0] in "EW"] == []  # I is information


def test_cfn_lint_would_find_what_is_wrong():
    wrong = make_template([Plain])
    wrong["Resources"]["Plain"]["Properties"]["BillingMode"] = "FREE"
    assert "E" in {each.rule.id[0] for each in lint_all(json.dumps(wrong))}


def test_every_option_of_meta_is_a_property():
    resource = make_template([Full])["Resources"]["FullOfOptions"]
    properties = resource["Properties"]
    assert {name: properties[name] for name in PROPERTIES} == PROPERTIES
    [index] = properties["GlobalSecondaryIndexes"]
    assert index["OnDemandThroughput"] == {"MaxWriteRequestUnits": 9}
    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"
    assert "DeletionPolicy" not in make_template([Full], retain=False)["Resources"]["FullOfOptions"]


def test_what_is_switched_off_is_a_property_too():
    properties = make_template([Off])["Resources"]["Off"]["Properties"]
    assert properties["SSESpecification"] == {"SSEEnabled": False}
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": False}
    assert "StreamSpecification" not in properties


def test_a_table_of_several_models_and_that_of_unique_values_are_there_once():
    names = [each["Properties"]["TableName"] for each in make_template(ALL)["Resources"].values()]
    assert names == [
        "Plain",
        "full.of-options",
        "full.of-options-unique",
        "Provisioned",
        "Off",
        "app",
        "app-unique",
    ]


def test_names_are_those_on_the_connection_and_resources_have_different_names():
    connect("memory://", alias="prefixed", table_prefix="1-dev_")

    class Dashed(Model):
        class Meta:
            table_name = "a-b"

        id = CharField(hash_key=True)

    class Dotted(Model):
        class Meta:
            table_name = "a.b"

        id = CharField(hash_key=True)

    resources = make_template([Dashed, Dotted], using="prefixed")["Resources"]
    assert {name: each["Properties"]["TableName"] for name, each in resources.items()} == {
        "Table1DevAB": "1-dev_a-b",
        "Table1DevAB2": "1-dev_a.b",
    }


def test_no_models_are_refused():
    with pytest.raises(ConfigurationError, match="give at least one"):
        make_template([])


@pytest.mark.parametrize("model", [Plain, Provisioned, User, make_model(TABLE)])
def test_a_table_made_of_the_template_is_what_the_model_declares(engine, model):
    """Without options that are spelled otherwise, its properties are the members of CreateTable."""
    for resource in make_template([model])["Resources"].values():
        properties = resource["Properties"]
        engine.boto3().create_table(**properties)
        engine.boto3().get_waiter("table_exists").wait(
            TableName=properties["TableName"], WaiterConfig={"Delay": 1}
        )
    assert Table(model).diff() == []

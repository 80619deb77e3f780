"""``export``: templates and policies of the models that are named; nothing is sent."""

from __future__ import annotations

import json

import pytest

from dynamodb_py import connect


@pytest.fixture(autouse=True)
def connection():
    """A default connection that names no region."""
    connection = connect("memory://")
    yield connection
    connection.close()


def names(template):
    return [each["Properties"]["TableName"] for each in template["Resources"].values()]


def test_a_template_has_the_tables_of_the_models(run):
    done = run("export cloudformation {shop}")
    assert (done.status, done.err) == (0, "")
    template = json.loads(done.out)
    assert names(template) == ["users", "users-unique", "plain", "Book"]
    assert done.out == json.dumps(template, indent=2) + "\n"


def test_the_options_of_a_template(run):
    template = json.loads(
        run(
            "export cloudformation {shop}:Plain --no-retain --ledger dynamodb_py_migrations "
            "--table-prefix dev- --region eu-west-1"
        ).out
    )
    assert names(template) == ["dev-plain", "dev-dynamodb_py_migrations"]
    assert not any("DeletionPolicy" in each for each in template["Resources"].values())


@pytest.mark.parametrize(
    ("options", "actions", "arn"),
    [
        ("", "GetItem", "arn:aws:dynamodb:*:*:table/plain"),
        ("--access write --account 1", "PutItem", "arn:aws:dynamodb:*:1:table/plain"),
        (
            "--access admin --region cn-north-1 --partition aws-cn",
            "CreateTable",
            "arn:aws-cn:dynamodb:cn-north-1:*:table/plain",
        ),
        ("--partiql", "PartiQLSelect", "arn:aws:dynamodb:*:*:table/plain"),
    ],
)
def test_a_policy_names_actions_and_tables(run, options, actions, arn):
    done = run(f"export iam {{shop}}:Plain {options}")
    statement = json.loads(done.out)["Statement"][0]
    assert f"dynamodb:{actions}" in statement["Action"]
    assert statement["Resource"] == [arn]


def test_a_policy_as_a_template_and_with_streams(run):
    template = json.loads(run("export iam {shop}:Plain --streams --cloudformation").out)
    policy = template["Resources"]["ReadPolicy"]["Properties"]["PolicyDocument"]
    assert [each["Sid"] for each in policy["Statement"]] == ["Tables", "Streams"]
    root = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/"
    assert policy["Statement"][0]["Resource"] == [{"Fn::Sub": f"{root}plain"}]


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("export iam {shop}:Plain --access all", "'all' is not one of"),
        ("export cloudformation {shop}:Nobody", "has no Nobody"),
        ("export cloudformation {shop}:Base", "is abstract"),
        ("export cloudformation", "Missing argument"),
        ("export iam nothing_of_this_name", "there is no module"),
    ],
)
def test_what_is_wrong_is_refused(run, command, problem):
    done = run(command)
    assert (done.status, done.out) == (2, "")
    assert problem in done.err

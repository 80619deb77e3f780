"""Policies of IAM that allow exactly the requests that this package sends for some models."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeAlias, get_args

from ..connections import get_connection
from ..exceptions import ConfigurationError
from ..schema import HasOptions
from ..tables.many import Tables
from .templates import FORMAT, list_tables

Access: TypeAlias = Literal["read", "write", "admin"]
ACCESSES: tuple[Access, ...] = get_args(Access)

# The actions that each access has beyond the one before it. The actions for the parts of transactions allow
# TransactGetItems and TransactWriteItems:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
_ITEMS = {
    "read": ["BatchGetItem", "DescribeTable", "GetItem", "Query", "Scan"],
    "write": ["BatchWriteItem", "ConditionCheckItem", "DeleteItem", "PutItem", "UpdateItem"],
    "admin": [
        "CreateTable",
        "DeleteTable",
        "DescribeContinuousBackups",
        "DescribeTimeToLive",
        "ListTagsOfResource",
        "TagResource",
        "UpdateContinuousBackups",
        "UpdateTable",
        "UpdateTimeToLive",
    ],
}
_SENTINELS = {
    "read": ["GetItem"],
    "write": ["DeleteItem", "PutItem"],
    "admin": ["CreateTable", "DeleteTable", "DescribeTable", "Scan"],
}
_PARTIQL = {
    "read": ["PartiQLSelect"],
    "write": ["PartiQLDelete", "PartiQLInsert", "PartiQLUpdate"],
}
_INDEXES = ["Query", "Scan"]
_STREAMS = ["DescribeStream", "GetRecords", "GetShardIterator"]


def make_policy(
    models: Iterable[type[HasOptions]],
    access: Access = "read",
    *,
    using: str | None = None,
    region: str | None = None,
    account: str = "*",
    partition: str = "aws",
    partiql: bool = False,
    streams: bool = False,
) -> dict[str, Any]:
    """Return the policy document of IAM for a program that uses *models*.

    The resources of the policy are the tables, their indexes, and the tables of the sentinels of unique values.
    References with ``on_delete`` lead to tables of other models: pass these models too.

    :param models: the models.
    :param access: ``"read"`` allows reads; ``"write"`` also allows writes and transactions; ``"admin"`` also allows
        the requests of ``Table()``, of migrations and of ``unique repair``.
    :param using: the alias of a connection; by default, the models' ``Meta.using``.
    :param region: the region of the tables, or ``*`` for any; by default the connection's region, or else ``*``.
    :param account: the number of their account; ``*`` for the account of the caller.
    :param partition: the partition of AWS, ``"aws"``, ``"aws-cn"`` or ``"aws-us-gov"``.
    :param partiql: also allow statements in PartiQL.
    :param streams: also allow reading the streams of the tables.
    :return: the document, a dict.
    :raises ConfigurationError: *access* is none of the three, or the models are on several connections.

    >>> policy = make_policy([Score], "read", region="eu-west-1", account="123456789012")
    >>> policy["Statement"][0]["Action"]
    ['dynamodb:BatchGetItem', 'dynamodb:DescribeTable', 'dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:Scan']
    >>> policy["Statement"][1]["Resource"]
    ['arn:aws:dynamodb:eu-west-1:123456789012:table/scores/index/by_game']
    """
    tables = Tables(models, using)
    named = region or get_connection(tables.using).settings.region_name or "*"
    root = f"arn:{partition}:dynamodb:{named}:{account}:table/"
    return _make_document(
        tables, access, lambda path: root + path, partiql=partiql, streams=streams
    )


def make_policy_template(
    models: Iterable[type[HasOptions]],
    access: Access = "read",
    *,
    using: str | None = None,
    partiql: bool = False,
    streams: bool = False,
) -> dict[str, Any]:
    """Return a template of CloudFormation with the policy of :func:`make_policy` as a managed policy.

    Region and account are those of the stack.

    :param models: the models.
    :param access: ``"read"``, ``"write"`` or ``"admin"``, as for :func:`make_policy`.
    :param using: the alias of a connection; by default, the models' ``Meta.using``.
    :param partiql: also allow statements in PartiQL.
    :param streams: also allow reading the streams of the tables.
    :return: the template, a dict; its output ``PolicyArn`` is the ARN of the policy.
    :raises ConfigurationError: *access* is none of the three, or the models are on several connections.

    >>> template = make_policy_template([Score], "write")
    >>> list(template["Resources"]), list(template["Outputs"])
    (['WritePolicy'], ['PolicyArn'])
    """
    root = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/"
    document = _make_document(
        Tables(models, using),
        access,
        lambda path: {"Fn::Sub": root + path},
        partiql=partiql,
        streams=streams,
    )
    policy = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document}}
    return {
        "AWSTemplateFormatVersion": FORMAT,
        "Resources": {f"{access.capitalize()}Policy": policy},
        "Outputs": {"PolicyArn": {"Value": {"Ref": f"{access.capitalize()}Policy"}}},
    }


def _make_document(
    given: Tables,
    access: Access,
    make_arn: Callable[[str], Any],
    *,
    partiql: bool,
    streams: bool,
) -> dict[str, Any]:
    """Return the document; *make_arn* converts a path below ``table/`` to an ARN."""
    if access not in ACCESSES:
        raise ConfigurationError(f"access={access!r}: give one of {', '.join(ACCESSES)}")
    accesses = ACCESSES[: ACCESSES.index(access) + 1]
    tables = list(list_tables(given))
    own = [name for name, _, holds_sentinels in tables if not holds_sentinels]
    sentinels = [name for name, _, holds_sentinels in tables if holds_sentinels]
    indexes = [
        f"{name}/index/{index.name}" for name, schema, _ in tables for index in schema.indexes
    ]
    statements = _PARTIQL if partiql else {}
    rules = [
        ("Tables", [*_collect(_ITEMS, accesses), *_collect(statements, accesses)], own),
        ("Indexes", [*_INDEXES, *statements.get("read", ())], indexes),
        ("Sentinels", _collect(_SENTINELS, accesses), sentinels),
        ("Streams", _STREAMS, [f"{name}/stream/*" for name in own] if streams else []),
    ]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": sid,
                "Effect": "Allow",
                "Action": [f"dynamodb:{action}" for action in sorted(actions)],
                "Resource": [make_arn(path) for path in paths],
            }
            for sid, actions, paths in rules
            if paths
        ],
    }


def _collect(actions: dict[str, list[str]], accesses: Iterable[str]) -> list[str]:
    return [action for each in accesses for action in actions.get(each, ())]

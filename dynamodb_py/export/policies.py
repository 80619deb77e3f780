"""Policies of IAM that allow what this package sends for some models, and no more."""

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

# Of each access, what the one before does not have. TransactGetItems and TransactWriteItems are allowed by the
# actions for their parts:
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

    ``"read"`` allows their reads, ``"write"`` their writes too, transactions included, ``"admin"`` also what
    ``Table()``, migrations and ``unique repair`` do. Named are the tables, their indexes, and the tables of the
    sentinels of unique values. References with ``on_delete`` lead to the tables of other models: name these models too.

    :param region: of the tables, ``*`` for any; by default what the connection names, else ``*``.
    :param account: the number of their account; ``*`` for that of the caller.
    :param partiql: allow statements in PartiQL too.
    :param streams: allow to read the streams of the tables too.
    :raises ConfigurationError: *access* is none of the three, or the models are on several connections.
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
    """Return a template of CloudFormation whose one resource is the managed policy of :func:`make_policy`.

    Its region and account are those of the stack.
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
    """Return the document; *make_arn* makes the ARN of what is at a path below ``table/``."""
    if access not in ACCESSES:
        raise ConfigurationError(f"access={access!r}: it is one of {', '.join(ACCESSES)}")
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

"""Policies of IAM: what each verb sends is allowed by the access that it needs, and no more is."""

from __future__ import annotations

import pytest

from dynamodb_py import (
    CharField,
    ConfigurationError,
    GlobalIndex,
    IntegerField,
    Model,
    Table,
    Tables,
    TimestampField,
    check_unique,
    connect,
    repair_unique,
    transaction,
)
from dynamodb_py.export import ACCESSES, make_policy

from . import models
from .models import ALL


class Account(Model):
    class Meta:
        table_name = "accounts"
        stream = "keys_only"
        tags = {"a": "b"}
        point_in_time_recovery = True
        using = "policies"

    id = CharField(hash_key=True)
    email = CharField(unique=True)
    n = IntegerField()
    by_n = GlobalIndex(hash_key="n")


class Tagged(Model):
    """The same table with other options."""

    class Meta:
        table_name = "accounts"
        stream = False
        tags = {"a": "c"}
        point_in_time_recovery = 3
        using = "policies"

    id = CharField(hash_key=True)
    email = CharField(unique=True)
    n = IntegerField()
    expires = TimestampField(ttl=True)
    by_n = GlobalIndex(hash_key="n")


class Plain(Model):
    class Meta:
        table_name = "plain"
        using = "policies"

    id = CharField(hash_key=True)


class Visit(Model):
    class Meta:
        table_name = "visits"
        using = "policies"

    id = CharField(hash_key=True)
    at = IntegerField(range_key=True)


MODELS = [Account, Plain, Visit]


class Recorder:
    """A transport that notes which action each request needs, and on what."""

    def __init__(self, connection):
        self.inner, self.needs = connection.transport, set()
        connection.transport = self

    def send(self, operation, /):
        self.needs |= set(find_needs(operation.api, operation.payload()))
        return self.inner.send(operation)

    def close(self):
        self.inner.close()


def find_needs(api, payload):
    """Yield the actions that IAM asks for, with the paths of the resources below ``table/``."""
    if api in ("BatchGetItem", "BatchWriteItem"):
        yield from ((api, table) for table in payload["RequestItems"])
    elif api in ("TransactGetItems", "TransactWriteItems"):
        for each in payload["TransactItems"]:
            [(kind, part)] = each.items()
            name = {"ConditionCheck": "ConditionCheckItem"}.get(kind, f"{kind}Item")
            yield name, part["TableName"]
    elif "ResourceArn" in payload:
        yield api, payload["ResourceArn"].partition("table/")[2]
    else:
        index = payload.get("IndexName")
        yield api, payload["TableName"] + (f"/index/{index}" if index else "")


def allows(policy, action, path):
    """Tell whether a policy allows an action on a resource."""
    return any(
        f"dynamodb:{action}" in statement["Action"]
        and any(arn.endswith(f":table/{path}") for arn in statement["Resource"])
        for statement in policy["Statement"]
    )


def read():
    ann = Account.objects.get(id="ann")
    assert Account.objects.get(email="a@x") == ann
    assert list(Account.objects.scan())
    assert not list(Visit.objects.filter(id="ann"))
    assert list(Account.by_n.filter(n=1))
    assert list(Account.by_n.all().scan())
    Account.objects.in_bulk(["ann", "bob"])
    Account.objects.all().scan().estimate()
    ann.refresh_from_db()
    transaction.get([ann])


def write():
    bob = Account.create(id="bob", email="b@x", n=2)
    bob.email = "bob@x"
    bob.save()
    bob.update(n=3)
    Account.objects.filter(id="bob").update(n=4)
    with transaction.atomic():
        Account(id="eve", n=1).save()
        transaction.check(bob, Account.n == 4)
    bob.delete()
    Account(id="eve").delete()
    with Account.batch_write() as batch:
        batch.save(Account(id="cat", n=1))
    Account.objects.bulk_create([Account(id=f"c{n}") for n in range(3)])
    Plain.objects.bulk_create([Plain(id=f"c{n}") for n in range(30)], overwrite=True)
    Plain(id="c1").save()
    Plain(id="c2").delete()


def administer():
    table = Table(Account)
    table.update(read_capacity=5, write_capacity=5)
    table.info()
    table.diff()
    check_unique(Account)
    repair_unique(Account)
    Table(Tagged).update()
    table.delete()


@pytest.fixture(scope="module")
def needs():
    """What the verbs of each access need."""
    connection = connect("memory://", alias="policies")
    Tables([Plain, Visit]).create()
    found = {}
    recorder = Recorder(connection)
    Table(Account).create()
    found["admin"] = recorder.needs
    Account.create(id="ann", email="a@x", n=1)
    for access, call in (("read", read), ("write", write), ("admin", administer)):
        recorder.needs = set()
        call()
        found[access] = found.get(access, set()) | recorder.needs
    connection.close()
    return found


@pytest.mark.parametrize("access", ACCESSES)
def test_what_the_verbs_of_an_access_send_is_allowed(needs, access):
    policy = make_policy(MODELS, access)
    for each in ACCESSES[: ACCESSES.index(access) + 1]:
        assert [need for need in sorted(needs[each]) if not allows(policy, *need)] == []


@pytest.mark.parametrize(("access", "lower"), [("write", "read"), ("admin", "write")])
def test_the_access_below_does_not_allow_it(needs, access, lower):
    policy = make_policy(MODELS, lower)
    assert [need for need in sorted(needs[access]) if not allows(policy, *need)]


def test_no_action_is_allowed_that_no_verb_needs(needs):
    for statement in make_policy(MODELS, "admin")["Statement"]:
        paths = {arn.partition(":table/")[2] for arn in statement["Resource"]}
        used = {
            f"dynamodb:{action}"
            for each in needs.values()
            for action, path in each
            if path in paths
        }
        assert {*statement["Action"]} == used


def test_partiql_and_streams_are_allowed_on_demand_alone():
    plain, full = (make_policy(ALL, "write", partiql=on, streams=on) for on in (False, True))
    for action in ("Select", "Insert", "Update", "Delete"):
        assert not allows(plain, f"PartiQL{action}", "Plain")
        assert allows(full, f"PartiQL{action}", "Plain")
    assert allows(full, "PartiQLSelect", "full.of-options/index/by-n")
    assert not allows(full, "PartiQLInsert", "full.of-options/index/by-n")
    assert not allows(make_policy(ALL, "read", partiql=True), "PartiQLInsert", "Plain")
    assert not allows(plain, "GetRecords", "full.of-options/stream/*")
    assert allows(full, "GetRecords", "full.of-options/stream/*")


def test_region_and_account_are_those_that_are_given_or_of_the_connection_or_any():
    connect("memory://", alias="policies any")
    connect("policies elsewhere", region_name="eu-west-1", table_prefix="x-")
    for options, arn in (
        ({}, "arn:aws:dynamodb:*:*:table/Plain"),
        ({"using": "policies elsewhere"}, "arn:aws:dynamodb:eu-west-1:*:table/x-Plain"),
        (
            {"region": "cn-north-1", "account": "123456789012", "partition": "aws-cn"},
            "arn:aws-cn:dynamodb:cn-north-1:123456789012:table/Plain",
        ),
    ):
        [statement] = make_policy([models.Plain], **{"using": "policies any", **options})[
            "Statement"
        ]
        assert statement["Resource"] == [arn]


def test_another_access_is_refused():
    with pytest.raises(ConfigurationError, match="access='all': give one of read, write, admin"):
        make_policy(ALL, "all")

"""Sentinels that others forgot, left behind or doubled are found, and mended while others write."""

from __future__ import annotations

import threading
import uuid

import pytest

from dynamodb_py import (
    BinaryField,
    CharField,
    IntegerField,
    Model,
    QueryError,
    SharedTable,
    Table,
    TableNotFound,
)
from dynamodb_py.models.constraints import UniqueConstraint
from dynamodb_py.models.instance import options_of
from dynamodb_py.models.maintenance.unique import check_unique, repair_unique
from dynamodb_py.models.maintenance.unique_report import Finding


class User(Model):
    class Meta:
        table_name = "users"
        constraints = [UniqueConstraint("tenant", "number")]

    id = CharField(hash_key=True)
    part = IntegerField(range_key=True)
    email = CharField(name="mail", unique=True)
    tenant = CharField()
    number = IntegerField()
    badge = BinaryField(unique=True)
    photo = CharField()


class Newer(User):
    """The same table, with a constraint more."""

    class Meta:
        table_name = "users"
        constraints = [UniqueConstraint("tenant", "number"), UniqueConstraint("photo")]


class Plain(Model):
    name = CharField(hash_key=True)


class Member(Model):
    class Meta:
        table_name = "members"

    id = CharField(hash_key=True)
    email = CharField(unique=True)


TABLES = [User]


@pytest.fixture
def users(engine, client):
    """The two tables, empty, and what reads and writes them as somebody else would."""
    tables = Tables(engine, client)
    tables.empty()
    return tables


class Tables:
    def __init__(self, engine, client) -> None:
        self.client = client
        self.items, self.unique = engine.table_name("users"), engine.table_name("users-unique")

    def empty(self):
        for table, names in ((self.items, ("id", "part")), (self.unique, ("value",))):
            for each in self.client.scan(TableName=table, ConsistentRead=True)["Items"]:
                key = {name: each[name] for name in names}
                self.client.delete_item(TableName=table, Key=key)

    def item(self, id, part="1", **attributes):
        key = {"id": {"S": id}, "part": {"N": part}}
        self.client.put_item(TableName=self.items, Item={**key, **attributes})

    def sentinel(self, value, owner=None, part="1"):
        item = {"value": {"S": value}}
        if owner is not None:
            item["owner"] = {"M": {"id": {"S": owner}, "part": {"N": part}}}
        self.client.put_item(TableName=self.unique, Item=item)

    def owners(self):
        """Return the owner of each sentinel, by its value."""
        found = self.client.scan(TableName=self.unique, ConsistentRead=True)["Items"]
        return {
            each["value"]["S"]: each["owner"]["M"]["id"]["S"] if "owner" in each else None
            for each in found
        }

    def count(self):
        return self.client.scan(TableName=self.items, Select="COUNT")["Count"]


def mail(text):
    return {"mail": {"S": text}}


def work(do, function, **options):
    """Return what is reported, and what was told."""
    told: list[Finding] = []
    report = do(function, options.pop("model", User), on_finding=told.append, **options)
    return report, sorted(((each.kind, each.constraint, *each.keys) for each in told), key=str)


def test_where_all_is_right_nothing_is_done(engine, do, users, sent):
    users.item("a", **mail("a@x"), tenant={"S": "t"}, number={"N": "1"})
    users.sentinel('["mail","a@x"]', "a")
    users.sentinel('["tenant+number","t",1]', "a")
    users.item("b")

    report, told = work(do, repair_unique)

    assert report.is_right
    assert (report.items, report.sentinels, told) == (2, 2, [])
    assert set(sent.calls) == {"Scan"}


def test_sentinels_are_built_for_a_table_that_has_none(engine, do, users):
    for at in range(60):
        users.item(
            f"u{at}", **mail(f"{at}@x"), tenant={"S": "t"}, number={"N": str(at)}, photo={"S": "p"}
        )
    users.item("bytes", badge={"B": b"\x01\xff"})

    workers = 1 if engine.name == "moto" else 3  # moto is for one thread
    checked, told = work(do, check_unique, workers=workers)
    assert (checked.missing, checked.made, checked.is_right) == (121, 0, False)
    assert len(told) == 121
    assert users.owners() == {}

    report, _ = work(do, repair_unique, workers=workers)

    assert report.is_right
    assert (report.items, report.missing, report.made) == (61, 121, 121)
    owners = users.owners()
    assert len(owners) == 121
    assert owners['["mail","7@x"]'] == owners['["tenant+number","t",7]'] == "u7"
    assert owners['["badge",{"B":"Af8="}]'] == "bytes"
    again, told = work(do, repair_unique)
    assert (again.is_right, told) == (True, [])


def test_a_sentinel_whose_item_is_gone_or_changed_is_deleted(engine, do, users):
    users.item("a", **mail("new@x"))
    users.sentinel('["mail","new@x"]', "a")
    users.sentinel('["mail","old@x"]', "a")
    users.sentinel('["mail","gone@x"]', "nobody")
    users.sentinel('["mail","broken@x"]')
    odd = {"value": {"S": '["mail","odd@x"]'}, "owner": {"S": "a"}}
    users.client.put_item(TableName=users.unique, Item=odd)

    report, told = work(do, check_unique)
    assert (report.stale, report.deleted, report.is_right) == (4, 0, False)
    assert len(users.client.scan(TableName=users.unique)["Items"]) == 5

    report, told = work(do, repair_unique)

    assert report.is_right
    assert (report.stale, report.deleted) == (4, 4)
    assert {kind for kind, *_ in told} == {"stale"}
    assert sorted(str(key) for _, _, key in told) == ["('a', 1)", "('nobody', 1)", "None", "None"]
    assert users.owners() == {'["mail","new@x"]': "a"}


def test_a_sentinel_of_another_item_goes_to_the_one_that_has_the_value(engine, do, users):
    users.item("a", **mail("other@x"))
    users.item("b", **mail("b@x"))
    users.sentinel('["mail","other@x"]', "a")
    users.sentinel('["mail","b@x"]', "a")

    report, told = work(do, repair_unique)

    assert report.is_right
    assert (report.missing, report.made, report.stale, report.deleted) == (1, 1, 1, 1)
    assert told == [("missing", "mail", ("b", 1)), ("stale", "mail", ("a", 1))]
    assert users.owners() == {'["mail","other@x"]': "a", '["mail","b@x"]': "b"}


@pytest.mark.parametrize("owner", ["a", "b", "gone", None])
def test_duplicates_are_told_and_no_item_is_touched(engine, do, users, owner):
    users.item("a", **mail("same@x"))
    users.item("b", **mail("same@x"))
    users.item("b", "2", **mail("other@x"))
    users.sentinel('["mail","other@x"]', "b", "2")
    if owner is not None:
        users.sentinel('["mail","same@x"]', owner)

    for function in (check_unique, repair_unique):
        report, told = work(do, function)
        assert not report.is_right
        [duplicate] = report.duplicates
        assert sorted(duplicate.keys) == [("a", 1), ("b", 1)]
        assert duplicate.values == {"email": "same@x"}
        assert "duplicate: User email='same@x': the items (" in str(duplicate)
        assert "duplicate" in {kind for kind, *_ in told}

    assert users.count() == 3
    # One of them has the sentinel, so that there comes no third one.
    assert users.owners()['["mail","same@x"]'] in ({"a", "b"} if owner in ("gone", None) else owner)
    users.client.delete_item(TableName=users.items, Key={"id": {"S": "a"}, "part": {"N": "1"}})
    report, _ = work(do, repair_unique)
    assert report.is_right
    assert users.owners()['["mail","same@x"]'] == "b"


def test_what_does_not_count_needs_no_sentinel(engine, do, users):
    users.item("a", mail={"NULL": True}, tenant={"S": "t"})
    users.item("b", mail={"L": []}, number={"N": "1"})
    report, told = work(do, repair_unique)
    assert (report.is_right, told, users.owners()) == (True, [], {})


def test_sentinels_of_other_constraints_are_left_alone(engine, do, users):
    users.item("a", photo={"S": "p"})
    users.sentinel('["photo","p"]', "a")
    users.sentinel('["photo","gone"]', "gone")
    users.sentinel("no json", "a")
    users.sentinel("7", "a")

    report, told = work(do, repair_unique)
    assert (report.is_right, report.others, told) == (True, 4, [])
    assert len(users.owners()) == 4

    report, _ = work(do, repair_unique, model=Newer)
    assert (report.deleted, report.others) == (1, 2)
    assert len(users.owners()) == 3


def test_values_that_others_spelled_otherwise_are_the_same(engine, do, users):
    users.item("a", tenant={"S": "t"}, number={"N": "1.50E1"})
    users.sentinel('["tenant+number","t",15]', "a", "1.0")
    report, told = work(do, repair_unique)
    assert (report.is_right, told) == (True, [])


@pytest.mark.engines("dynoxide", "extenddb")
def test_repairing_undoes_nothing_of_what_others_write_meanwhile(engine, users):
    """Others hand values around in transactions, as saving does, while the sentinels are repaired."""
    for at in range(6):
        users.item(f"u{at}", **mail(f"{at}@x"))
        users.sentinel(f'["mail","{at}@x"]', f"u{at}")
    users.item("late", **mail("late@x"))
    users.sentinel('["mail","orphan@x"]', "orphan")
    stop, done = threading.Event(), []

    def swap(at: int) -> None:
        turn = 0
        while not stop.is_set():
            old, new = f"{at}@x" + "!" * (turn % 2), f"{at}@x" + "!" * ((turn + 1) % 2)
            key = {"id": {"S": f"u{at}"}, "part": {"N": "1"}}
            owner = {":o": {"M": key}}
            items = [
                {"Put": {"TableName": users.items, "Item": {**key, **mail(new)}}},
                {
                    "Put": {
                        "TableName": users.unique,
                        "Item": {"value": {"S": f'["mail","{new}"]'}, "owner": {"M": key}},
                        "ConditionExpression": "attribute_not_exists(#v) OR #o = :o",
                        "ExpressionAttributeNames": {"#v": "value", "#o": "owner"},
                        "ExpressionAttributeValues": owner,
                    }
                },
                {
                    "Delete": {
                        "TableName": users.unique,
                        "Key": {"value": {"S": f'["mail","{old}"]'}},
                        "ConditionExpression": "#o = :o",
                        "ExpressionAttributeNames": {"#o": "owner"},
                        "ExpressionAttributeValues": owner,
                    }
                },
            ]
            try:
                users.client.transact_write_items(
                    TransactItems=items, ClientRequestToken=uuid.uuid4().hex
                )
            except users.client.exceptions.TransactionCanceledException as error:
                reasons = {each["Code"] for each in error.response["CancellationReasons"]}
                # Nothing of a writer's own is ever taken from under it.
                assert "ConditionalCheckFailed" not in reasons, reasons
                continue
            turn += 1
            done.append(at)

    failures: list[BaseException] = []

    def safely(at: int) -> None:
        try:
            swap(at)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=safely, args=(at,)) for at in range(6)]
    for thread in threads:
        thread.start()
    reports = [repair_unique(User, workers=2) for _ in range(8)]
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(done) > 20
    assert not [each for report in reports for each in report.duplicates]
    last = check_unique(User)
    assert last.is_right, last
    assert users.owners()['["mail","late@x"]'] == "late"
    assert '["mail","orphan@x"]' not in users.owners()


# -- the table of the sentinels ----------------------------------------------------------------------


def test_the_table_of_the_sentinels_comes_and_goes_with_the_models(engine, do):
    table = Table(Member)
    assert do(table.create)["TableName"] == engine.table_name("members")
    client, name = engine.boto3(), engine.table_name("members-unique")
    made = client.describe_table(TableName=name)["Table"]
    assert made["TableStatus"] == "ACTIVE"
    assert made["KeySchema"] == [{"AttributeName": "value", "KeyType": "HASH"}]
    assert made["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    do(table.create, if_not_exists=True)
    assert do(table.diff) == []

    do(table.delete)

    assert name not in client.list_tables()["TableNames"]
    do(table.delete, missing_ok=True)


def test_update_makes_the_table_of_a_constraint_that_came_later(engine, do):
    class Before(Model):
        class Meta:
            table_name = "members"

        id = CharField(hash_key=True)

    do(Table(Before).create)
    table, name = Table(Member), engine.table_name("members-unique")
    [said] = do(table.diff)
    assert said.startswith(
        f"uniqueness: there is no table {name} for the sentinels; update() creates"
    )

    do(table.update)

    assert do(table.diff) == []
    assert engine.boto3().describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE"
    if do.mode == "sync":
        table.wait()
    else:
        do.run(table.await_())
    do(Table(Before).delete)
    do(table.delete, missing_ok=True)
    assert name not in engine.boto3().list_tables()["TableNames"]


def test_a_difference_of_billing_is_told(engine, do):
    do(Table(Plain).create)

    class Provisioned(Plain):
        class Meta:
            table_name = "Plain"
            read_capacity, write_capacity = 5, 2

    assert do(Table(Provisioned).diff) == [
        "billing: the model has PROVISIONED, 5 read and 2 write units; "
        "the table has PAY_PER_REQUEST"
    ]
    do(Table(Plain).delete)


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.engines("dynoxide")
def test_where_nothing_is_unique_there_is_nothing_to_check(engine, do, sent):
    with pytest.raises(QueryError, match="Plain has no unique values: declare unique=True"):
        do(check_unique, Plain)
    with pytest.raises(QueryError, match="workers=0: give a number from 1"):
        do(repair_unique, User, workers=0)
    assert not sent


def test_a_missing_table_of_sentinels_is_told_with_what_makes_it(engine, do):
    with pytest.raises(TableNotFound, match=r"no table for the sentinels.*update\(\) creates it"):
        do(repair_unique, Member)


# -- several models in one table -------------------------------------------------------------------


class Zoo(SharedTable):
    pk = CharField(hash_key=True)


class Keeper(Model):
    class Meta:
        table = Zoo
        keys = {"pk": "KEEPER#{name}"}

    name = CharField()
    badge = CharField(unique=True)


class Visitor(Model):
    class Meta:
        table = Zoo
        keys = {"pk": "VISITOR#{name}"}

    name = CharField()
    badge = CharField()


TABLES.append(Zoo)


def test_items_of_other_models_of_a_shared_table_need_no_sentinel(engine, do):
    for model in (Keeper, Visitor):
        for each in do.list(model.objects.all()):
            do(each.delete)
    do(Keeper.create, name="ann", badge="1")
    do(Visitor.create, name="ann", badge="1")
    for name in ("bob", "cid"):
        do(Visitor.create, name=name, badge="2")
    report = do(repair_unique, Keeper)
    assert (report.missing, report.stale, report.is_right) == (0, 0, True), report
    do(Keeper.create, name="bob", badge="2")


def test_a_sentinel_of_an_item_of_another_model_is_deleted(engine, do, client, key):
    visitor = do(Visitor.create, name=key, badge=key)
    sentinels = engine.table_name(options_of(Keeper).unique_table)
    owner = {"M": {"pk": {"S": visitor.pk}}}
    sentinel = {"value": {"S": f'["Keeper/badge","{key}"]'}, "owner": owner}
    client.put_item(TableName=sentinels, Item=sentinel)
    assert do(repair_unique, Keeper).deleted == 1
    assert do(Keeper.create, name=key, badge=key).persisted

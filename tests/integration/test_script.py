"""The script of the older mapper, as its users have it, on every engine."""

from datetime import datetime, timezone

import pytest

from dynamodb_py import (
    CharField,
    DateTimeField,
    DictField,
    FloatField,
    IntegerField,
    ListField,
    Model,
    Table,
)


class Test(Model):
    __table_name__ = "test"
    ReadCapacityUnits = 100
    WriteCapacityUnits = 120

    name = CharField(name="name", hash_key=True)
    score = IntegerField(name="score", range_key=True)
    order_score = FloatField(default=0.0)
    date = DateTimeField()
    ids = ListField(default=[])
    doc = DictField(default=dict)


Test.__test__ = False  # it is no class of tests

NOW = datetime(2026, 11, 1, 12, 30, 15, 250)
NOW_UTC = NOW.replace(tzinfo=timezone.utc)


TABLES = [Test]


class Own(Test):
    """The same again, with a table that is made and deleted by its test."""

    __table_name__ = "own"


def test_the_script_runs_as_written(engine, do, stored):
    Test = Own
    table = Table(Test)
    assert do(table.exists) is False
    assert do(Table(Test()).create)["TableStatus"] == "ACTIVE"
    assert do(table.info)["TableStatus"] == "ACTIVE"
    throughput = do(table.info)["ProvisionedThroughput"]
    assert (throughput["ReadCapacityUnits"], throughput["WriteCapacityUnits"]) == (100, 120)
    assert do(table.update)["TableStatus"] == "ACTIVE"

    made = do(Test.create, name="gs1", score=100, order_score=99.99, date=NOW)
    assert stored(made) == {
        "name": {"S": "gs1"},
        "score": {"N": "100"},
        "order_score": {"N": "99.99"},
        "date": {"S": "2026-11-01T12:30:15.000250+00:00"},
        "ids": {"L": []},
        "doc": {"M": {}},
    }

    item = do(Test.get, name="gs1", score=100)
    assert (item.name, item.score, item.order_score, item.date) == ("gs1", 100, 99.99, NOW_UTC)
    assert (item.ids, item.doc) == ([], {})
    assert item == do(Test.objects.get, name="gs1", score=100) == do(Test.get, "gs1", 100)

    item.ids.append(7)
    item.doc["a"] = {"b": 1.1}
    assert do(item.save) is item
    wire = stored(item)
    assert wire["ids"] == {"L": [{"N": "7"}]}
    assert wire["doc"] == {"M": {"a": {"M": {"b": {"N": "1.1"}}}}}
    assert do(Test.get, name="gs1", score=100).doc == {"a": {"b": 1.1}}

    do(item.delete)
    assert stored(item) is None
    assert do(Test.get, name="gs1", score=100) is None
    with pytest.raises(Test.DoesNotExist, match=r"Own has no item with the key name='gs1'"):
        do(Test.objects.get, name="gs1", score=100)

    do(table.delete)
    assert do(table.exists) is False


def test_create_does_not_replace_unless_it_is_told_to(engine, do, stored, key):
    do(Test.create, name=key, score=1, order_score=1.5)
    with pytest.raises(Test.AlreadyExists) as raised:
        do(Test.create, name=key, score=1, order_score=2.5)
    assert raised.value.current.order_score == 1.5
    replaced = do(Test.create, name=key, score=1, order_score=3.5, overwrite=True)
    assert stored(replaced)["order_score"] == {"N": "3.5"}


def test_zero_is_a_range_key(engine, do, stored, key):
    item = do(Test.create, name=key, score=0)
    assert stored(item)["score"] == {"N": "0"}
    assert do(Test.get, name=key, score=0) == item
    assert do(Test.get, key, 0).score == 0
    item.order_score = 0.1
    do(item.save)
    assert stored(item)["order_score"] == {"N": "0.1"}
    assert do(Test.batch_get, (key, 0)) == [item]
    do(item.delete)
    assert do(Test.get, name=key, score=0) is None


def test_save_of_a_new_instance_puts_it(engine, do, stored, key):
    item = Test(name=key, score=5, date=NOW)
    do(item.save)
    assert stored(item)["date"] == {"S": "2026-11-01T12:30:15.000250+00:00"}
    item.order_score = 99.99
    do(item.save)
    assert stored(item)["order_score"] == {"N": "99.99"}


def test_a_naive_now_is_accepted(engine, do, key):
    now = datetime.now()
    do(Test.create, name=key, score=1, date=now)
    read = do(Test.get, name=key, score=1)
    assert read.date == now.replace(tzinfo=timezone.utc)


def test_batches_take_duplicates_and_missing_keys(engine, do, stored):
    written = do(
        Test.batch_write,
        [
            {"name": "a", "score": 1, "order_score": 1.0},
            Test(name="b", score=2),
            {"name": "a", "score": 1, "order_score": 99.99},
            Test(name="c", score=0),
        ],
        overwrite=True,
    )
    assert [item.name for item in written] == ["b", "a", "c"], "the first a gave way to the last"
    assert stored(written[1])["order_score"] == {"N": "99.99"}, "the last one counts"

    found = do(
        Test.batch_get,
        {"name": "c", "score": 0},
        ("nobody", 3),
        ("b", 2),
        {"name": "a", "score": 1},
    )
    assert [(item.name, item.score) for item in found] == [("c", 0), ("b", 2), ("a", 1)]
    assert found[2].order_score == 99.99
    assert do(Test.batch_get, ("nobody", 1)) == []
    assert do(Test.batch_get) == []

"""Streams on the engines: what is read of them, in which order, and from where."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from dynamodb_py import (
    CharField,
    IntegerField,
    InvalidPosition,
    Model,
    QueryError,
    SetField,
    SharedTable,
    StreamNotFound,
    StreamTrimmed,
    Table,
    TimestampField,
    UnreadableValue,
    options,
)
from dynamodb_py.testing import EmbeddedEngine

from ..conftest import Do
from ..engines import boto3_client
from .mappers import import_bloop

BOTH = "new_and_old_images"


class Order(Model):
    class Meta:
        table_name = "orders"
        stream = BOTH

    name = CharField(hash_key=True)
    total = IntegerField(name="t", default=0)
    tags = SetField(CharField())


class Animal(Model):
    class Meta:
        table_name = "animals"
        stream = BOTH
        discriminator = "kind"
        unknown_kind = "raise"

    name = CharField(hash_key=True)


class Cat(Animal):
    lives = IntegerField(default=9)


class App(SharedTable):
    class Meta:
        table_name = "app"
        stream = BOTH

    pk = CharField(hash_key=True)
    sk = CharField(range_key=True)


class User(Model):
    class Meta:
        table = App
        keys = {"pk": "USER#{user}", "sk": "USER"}

    user = IntegerField()
    email = CharField(default="")


class Invoice(Model):
    class Meta:
        table = App
        keys = {"pk": "USER#{user}", "sk": "INVOICE#{number}"}

    user = IntegerField()
    number = IntegerField()


class Keyed(Model):
    class Meta:
        table_name = "keyed"
        stream = "keys_only"

    name = CharField(hash_key=True)
    total = IntegerField(default=0)


class Silent(Model):
    class Meta:
        table_name = "silent"

    name = CharField(hash_key=True)


def read(do: Do, model: Any, position: Any = "trim_horizon", **options_: Any) -> list[Any]:
    table: Any = Table(model)
    return do.list(table.stream(position, follow=False, **options_))


def test_each_change_has_the_item_before_and_after(engine, do):
    Table(Order).create()
    order = Order.objects.create(name="a", total=1, tags={"x", "y"})
    order.update(total=2)
    order.delete()
    insert, modify, remove = read(do, Order)
    assert [each.kind for each in (insert, modify, remove)] == ["insert", "modify", "remove"]
    assert (insert.old, insert.new.total, insert.new.tags) == (None, 1, {"x", "y"})
    assert (modify.old.total, modify.new.total) == (1, 2)
    assert (remove.old.total, remove.new) == (2, None)
    assert {type(each) for each in (insert.new, modify.old, remove.old)} == {Order}
    assert [each.key for each in (insert, modify, remove)] == [{"name": "a"}] * 3
    assert insert.changes() == {"name": (None, "a"), "total": (None, 1), "tags": (None, {"x", "y"})}
    assert modify.changes() == {"total": (1, 2)}
    assert remove.changes()["total"] == (2, None)
    assert abs(insert.at - datetime.now(timezone.utc)) < timedelta(minutes=5)
    assert not any(each.by_ttl for each in (insert, modify, remove))
    numbers = [int(each.sequence_number) for each in (insert, modify, remove)]
    assert numbers == sorted(numbers)
    assert insert.shard
    assert engine.table_name("orders") in insert.stream


def test_an_instance_of_a_record_can_be_saved(engine, do):
    Table(Order).create()
    Order.objects.create(name="a", total=1)
    (record,) = read(do, Order)
    record.new.total = 5
    do(record.new.save)
    assert Order.objects.get(name="a").total == 5


def test_instances_keep_the_connection_of_the_stream(engine, do):
    with options(using="default"):
        Table(Order).create()
        Order.objects.create(name="a")
        (record,) = read(do, Order)
    assert record.new._using == "default"


def test_items_of_subclasses_are_read_as_their_classes(engine, do):
    Table(Animal).create()
    Animal.objects.create(name="a")
    Cat.objects.create(name="b")
    assert sorted(type(each.new).__name__ for each in read(do, Animal)) == ["Animal", "Cat"]
    (record,) = read(do, Cat)
    assert (record.model, record.new.lives) == (Cat, 9)


def test_an_item_that_cannot_be_loaded_is_named_and_passed(engine, do):
    Table(Animal).create()
    Cat.objects.create(name="a")
    item = {"name": {"S": "b"}, "kind": {"S": "Unicorn"}}
    engine.boto3().put_item(TableName=engine.table_name("animals"), Item=item)
    Cat.objects.create(name="c")
    stream = Table(Animal).stream("trim_horizon", follow=False)
    found, errors = [], []
    while (record := do_next(do, stream, errors)) is not None:
        found.append(record.key["name"])
    assert sorted(found) == ["a", "c"]
    (error,) = errors
    assert "{'name': 'b'}" in str(error)
    assert "Unicorn" in str(error)


def do_next(do: Do, stream: Any, errors: list[UnreadableValue]) -> Any:
    """Return the next record, None at the end; add errors to *errors*."""
    while True:
        try:
            return next(stream, None) if do.mode == "sync" else do.run(anext(stream, None))
        except UnreadableValue as error:
            errors.append(error)


def test_a_shared_table_has_the_changes_of_all_its_models(engine, do):
    Table(App).create()
    User.objects.create(user=1, email="x@y")
    Invoice.objects.create(user=1, number=2)
    item = {"pk": {"S": "OTHER"}, "sk": {"S": "1"}, "n": {"N": "7"}}
    engine.boto3().put_item(TableName=engine.table_name("app"), Item=item)
    found = {type(each.new): each for each in read(do, App)}
    assert found.keys() == {User, Invoice, App}
    assert found[App].new.extra == {"n": 7}
    assert found[User].new.email == "x@y"
    assert Invoice.objects.get(**found[Invoice].key).number == 2
    for model in (User, Invoice):
        (record,) = read(do, model)
        assert record.model is model


def test_without_images_there_are_keys(engine, do):
    Table(Keyed).create()
    Keyed.objects.create(name="a").update(total=3)
    insert, modify = read(do, Keyed)
    assert (insert.old, insert.new, modify.old, modify.new) == (None,) * 4
    assert [insert.key, modify.key] == [{"name": "a"}] * 2
    with pytest.raises(QueryError, match="new_and_old_images"):
        modify.changes()


def test_a_position_goes_on_where_it_was_taken(engine, do):
    Table(Order).create()
    for n in range(10):
        Order.objects.create(name=f"{n:02}")
    seen: list[str] = []
    position: Any = "trim_horizon"
    while True:
        stream: Any = Table(Order).stream(position, follow=False)
        some = do.list(take(stream, 3)) if do.mode == "sync" else do.run(atake(stream, 3))
        seen += [each.new.name for each in some]
        position = json.loads(json.dumps(stream.position))
        if not some:
            break
    assert sorted(seen) == [f"{n:02}" for n in range(10)]
    Order.objects.create(name="later")
    assert [each.new.name for each in read(do, Order, position)] == ["later"]


def take(rows: Iterator[Any], count: int) -> list[Any]:
    return [row for _, row in zip(range(count), rows, strict=False)]


async def atake(rows: Any, count: int) -> list[Any]:
    found: list[Any] = []
    while len(found) < count and (row := await anext(rows, None)) is not None:
        found.append(row)
    return found


def test_the_latest_position_has_what_comes_from_then_on(engine, do):
    Table(Order).create()
    Order.objects.create(name="before")
    stream = Table(Order).stream("latest", follow=False)
    assert do.list(stream) == []
    Order.objects.create(name="after")
    assert [each.new.name for each in read(do, Order, stream.position)] == ["after"]


def test_a_stream_waits_for_changes(engine, do):
    Table(Order).create()
    Order.objects.create(name="first")
    stream = Table(Order).stream("trim_horizon", poll=0.01)
    first = next(stream) if do.mode == "sync" else do.run(anext(stream))
    Order.objects.create(name="a")
    second = next(stream) if do.mode == "sync" else do.run(anext(stream))
    assert [first.new.name, second.new.name] == ["first", "a"]
    stream.close()
    assert do.list(stream) == []


def test_a_time_leaves_out_what_was_before(engine, do):
    Table(Order).create()
    Order.objects.create(name="a")
    now = datetime.now(timezone.utc)
    assert len(read(do, Order, now - timedelta(hours=1))) == 1
    assert read(do, Order, now + timedelta(hours=1)) == []


def test_what_has_no_stream_says_what_to_do(engine, do):
    Table(Silent).create()
    with pytest.raises(StreamNotFound, match=r"Meta\.stream"):
        read(do, Silent)


def test_the_position_of_another_stream_is_refused(engine, do):
    Table(Order).create()
    stream = Table(Order).stream(follow=False)
    do.list(stream)
    while Table(Order).info()["LatestStreamArn"] == stream.position["stream"]:
        Table(Order).delete()
        time.sleep(0.1)  # the name of a stream is a time, which in ExtendDB has whole seconds
        Table(Order).create()
    with pytest.raises(InvalidPosition, match="trim_horizon"):
        read(do, Order, stream.position)


def test_the_changes_of_an_item_are_in_order(engine, do):
    Table(Order).create()
    names = [f"{n}" for n in range(5)]
    for name in names:
        Order.objects.create(name=name)
    for total in range(1, 10):
        for name in names:
            Order.objects.filter(name=name).update(total=total)
    found: dict[str, list[int]] = {}
    for record in read(do, Order, page_size=7):
        found.setdefault(record.key["name"], []).append(record.new.total)
    assert found == {name: [*range(10)] for name in names}


@pytest.mark.engines("extenddb", embedded=False)
def test_bloop_reads_the_same(engine):
    bloop = import_bloop()
    Table(Order).create()
    for n in range(30):
        order = Order.objects.create(name=f"{n % 7}-{n}", total=n)
        if n % 2:
            order.update(total=n + 1)
        if n % 3 == 0:
            order.delete()
    table = engine.table_name("orders")

    class Theirs(bloop.BaseModel):  # type: ignore[misc]
        class Meta:
            table_name = table
            stream = {"include": {"new", "old"}}

        name = bloop.Column(bloop.String, hash_key=True)
        total = bloop.Column(bloop.Integer, dynamo_name="t")

    streams = boto3_client(engine.endpoint_url, "dynamodbstreams")
    mapper = bloop.Engine(dynamodb=engine.boto3(), dynamodbstreams=streams)
    mapper.bind(Theirs, skip_table_setup=True)
    Theirs.Meta.stream["arn"] = Table(Order).info()["LatestStreamArn"]
    stream, theirs, misses = mapper.stream(Theirs, "trim_horizon"), [], 0
    while misses < 10:
        record = next(stream)
        misses = 0 if record else misses + 1
        theirs += [record] if record else []
    ours = list(Table(Order).stream("trim_horizon", follow=False))
    streams.close()

    def total(image: Any) -> Any:
        return None if image is None else image.total

    assert len(ours) == 55
    assert sorted(
        (
            each["meta"]["sequence_number"],
            each["meta"]["event"]["type"],
            total(each["old"]),
            total(each["new"]),
        )
        for each in theirs
    ) == sorted(
        (each.sequence_number, each.kind, total(each.old), total(each.new)) for each in ours
    )


@pytest.mark.parametrize("hide", [False, True])
def test_what_ttl_removes_says_so(hide):
    with EmbeddedEngine() as engine:

        class Session(Model):
            class Meta:
                stream = BOTH
                hide_expired = hide

            name = CharField(hash_key=True)
            expires = TimestampField(ttl=True, null=True)

        engine.create_tables(Session)
        Session.objects.create(name="a", expires=datetime.now(timezone.utc))
        Session.objects.create(name="b")
        engine.clock.tick(timedelta(days=3) - timedelta(hours=1))
        Session.objects.get(name="b").delete()
        found = list(Table(Session).stream("trim_horizon", follow=False))
    removed = {each.key["name"]: each for each in found if each.kind == "remove"}
    assert {name: each.by_ttl for name, each in removed.items()} == {"a": True, "b": False}
    assert removed["a"].old.name == "a"


def test_what_the_embedded_database_trimmed_raises():
    with EmbeddedEngine() as engine:
        engine.create_tables(Order)
        Order.objects.create(name="a")
        stream = Table(Order).stream("trim_horizon", follow=False)
        assert len(list(stream)) == 1
        engine.clock.tick(timedelta(days=2))
        assert list(Table(Order).stream(stream.position, follow=False)) == []
        Order.objects.create(name="b")
        engine.clock.tick(timedelta(days=2))
        Order.objects.create(name="c")
        late = Table(Order).stream(stream.position, follow=False)
        with pytest.raises(StreamTrimmed, match="orders"):
            next(late)
        assert [each.new.name for each in late] == ["c"]

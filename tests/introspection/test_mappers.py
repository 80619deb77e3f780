"""Tables of PynamoDB and of bloop: the models of ``inspect`` read every item, with the values that were written."""

from __future__ import annotations

import uuid
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from dynamodb_py import Document, connect
from dynamodb_py.introspection import check_table, inspect_table

from ..engines import ACCESS_KEY, REGION, SECRET_KEY
from ..integration.mappers import import_bloop

pytestmark = pytest.mark.engines("dynoxide", "extenddb")

NOON = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)
LATER = datetime(2026, 11, 1, 12, 0, 1, 5, tzinfo=timezone.utc)


@pytest.fixture
def inspect(engine):
    """Write models of a table, and read it with them: the code, and the items by key."""
    connection = connect(engine.address, alias="inspected", **engine.access)

    def inspect(name: str, key: str) -> tuple[str, dict[Any, Any]]:
        table = engine.table_name(name)
        found = inspect_table(table, using="inspected")
        report = check_table(found.root, table, using="inspected")
        assert (report.misfits, report.items) == ({}, len(found.sample.items))
        rows = found.root.objects.using("inspected").scan()
        return found.source, {getattr(row, key): row for row in rows}

    yield inspect
    connection.close()


def plain(value: Any) -> Any:
    """Return documents as dicts."""
    if isinstance(value, Document):
        return {name: plain(each) for name, each in value.to_dict().items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


def make_event(engine) -> Any:
    from pynamodb import attributes as a
    from pynamodb.indexes import (
        AllProjection,
        GlobalSecondaryIndex,
        IncludeProjection,
        LocalSecondaryIndex,
    )
    from pynamodb.models import Model

    class Place(a.MapAttribute):
        city = a.UnicodeAttribute()
        at = a.UTCDateTimeAttribute()

    class ByCount(GlobalSecondaryIndex):
        class Meta:
            index_name = "by-count"
            read_capacity_units = write_capacity_units = 1
            projection = AllProjection()

        count = a.NumberAttribute(hash_key=True)

    class ByPrice(LocalSecondaryIndex):
        class Meta:
            index_name = "by_price"
            projection = IncludeProjection(["flag"])

        stream = a.UnicodeAttribute(hash_key=True)
        price = a.NumberAttribute(range_key=True)

    class Event(Model):
        class Meta:
            table_name = engine.table_name("events")
            host = engine.endpoint_url
            region = REGION
            aws_access_key_id = ACCESS_KEY
            aws_secret_access_key = SECRET_KEY
            read_capacity_units = write_capacity_units = 1

        stream = a.UnicodeAttribute(hash_key=True)
        at = a.UTCDateTimeAttribute(range_key=True)
        count = a.NumberAttribute()
        price = a.NumberAttribute()
        flag = a.BooleanAttribute()
        data = a.JSONAttribute()
        blob = a.BinaryAttribute(legacy_encoding=False)
        old_blob = a.BinaryAttribute(legacy_encoding=True)
        tags = a.UnicodeSetAttribute()
        numbers = a.NumberSetAttribute()
        place = Place()
        places = a.ListAttribute(of=Place)
        anything = a.ListAttribute()
        expires = a.TTLAttribute()
        version = a.VersionAttribute()
        by_count = ByCount()
        by_price = ByPrice()

    Event.create_table(wait=True)
    return Event, Place


def test_a_table_of_pynamodb(engine, inspect):
    event, place = make_event(engine)
    values = {
        f"s{n}": {
            "at": LATER,
            "count": n,
            "price": n + 0.5,
            "flag": n % 2 == 0,
            "data": {"a": [n, None]},
            "blob": bytes([0, n]),
            "old_blob": b"some bytes",
            "tags": {"a", "b"},
            "numbers": {1, 2},
            "place": {"city": "Lyon", "at": NOON},
            "places": [{"city": "Bonn", "at": LATER}],
            "anything": [1, "a"],
            "expires": NOON,
        }
        for n in range(20)
    }
    for stream, each in values.items():
        maps = {"place": place(**each["place"]), "places": [place(**p) for p in each["places"]]}
        event(stream, **{**each, **maps}).save()
    source, rows = inspect("events", "stream")
    found = {
        stream: {name: plain(getattr(row, name)) for name in values[stream]}
        for stream, row in rows.items()
    }
    assert found == values
    for line in (
        "at = compat.pynamodb.UTCDateTimeField(range_key=True)",
        "data = compat.pynamodb.JSONField()",
        "old_blob = compat.pynamodb.LegacyBinaryField()",
        "place = EmbeddedField(Place)",
        "places = ListField(Place)",
        "expires = TimestampField(",
        'by_count = GlobalIndex("by-count", hash_key="count")',
        'by_price = LocalIndex(range_key="price", projection=["flag"])',
        "read_capacity = 1",
    ):
        assert line in source


def test_the_classes_of_a_discriminator_of_pynamodb(engine, inspect):
    from pynamodb import attributes as a
    from pynamodb.models import Model

    class Animal(Model):
        class Meta:
            table_name = engine.table_name("animals")
            host = engine.endpoint_url
            region = REGION
            aws_access_key_id = ACCESS_KEY
            aws_secret_access_key = SECRET_KEY
            billing_mode = "PAY_PER_REQUEST"

        id = a.UnicodeAttribute(hash_key=True)
        cls = a.DiscriminatorAttribute()
        name = a.UnicodeAttribute()

    class Dog(Animal, discriminator="Dog"):
        bark = a.NumberAttribute()

    class Cat(Animal, discriminator="a cat"):
        lives = a.NumberAttribute()

    Animal.create_table(wait=True)
    for n in range(6):
        Dog(f"dog {n}", name="Rex", bark=n).save()
        Cat(f"cat {n}", name="Tom", lives=9).save()
    source, rows = inspect("animals", "id")
    assert {(type(row).__name__, row.name) for row in rows.values()} == {
        ("Dog", "Rex"),
        ("ACat", "Tom"),
    }
    assert [rows[f"dog {n}"].bark for n in range(6)] == list(range(6))
    assert rows["cat 1"].lives == 9
    assert 'discriminator = "cls"' in source


def test_a_table_of_bloop(engine, inspect):
    bloop = import_bloop()

    class Tweet(bloop.BaseModel):
        class Meta:
            table_name = engine.table_name("tweets")

        id = bloop.Column(bloop.UUID, hash_key=True)
        at = bloop.Column(bloop.DateTime, range_key=True)
        text = bloop.Column(bloop.String)
        views = bloop.Column(bloop.Integer)
        score = bloop.Column(bloop.Number)
        hidden = bloop.Column(bloop.Boolean)
        blob = bloop.Column(bloop.Binary)
        seen_at = bloop.Column(bloop.Timestamp)
        tags = bloop.Column(bloop.Set(bloop.String))
        days = bloop.Column(bloop.List(bloop.DateTime))
        place = bloop.Column(bloop.Map(city=bloop.String, at=bloop.DateTime))
        free = bloop.Column(bloop.DynamicMap)
        by_views = bloop.GlobalSecondaryIndex(projection="keys", hash_key="views")

    engine.boto3().create_table(
        TableName=engine.table_name("tweets"),
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "id", "KeyType": "HASH"},
            {"AttributeName": "at", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "at", "AttributeType": "S"},
            {"AttributeName": "views", "AttributeType": "N"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_views",
                "KeySchema": [{"AttributeName": "views", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    theirs = bloop.Engine(dynamodb=engine.boto3(), dynamodbstreams=object())
    theirs.bind(Tweet, skip_table_setup=True)
    values = {
        uuid.uuid4(): {
            "at": LATER,
            "text": "hello",
            "views": n,
            "score": Decimal(n) / 4,
            "hidden": True,
            "blob": b"some bytes",
            "seen_at": NOON,
            "tags": {"a", "b"},
            "days": [NOON, LATER],
            "place": {"city": "Lyon", "at": NOON},
            "free": {f"k{n}": 1},
        }
        for n in range(20)
    }
    for id, each in values.items():
        theirs.save(Tweet(id=id, **each))
    source, rows = inspect("tweets", "id")
    found = {
        id: {name: plain(getattr(row, name)) for name in values[id]} for id, row in rows.items()
    }
    assert found == values
    assert 'by_views = GlobalIndex(hash_key="views", projection="keys")' in source

"""What the type checkers know of fields that are made of others."""

import datetime as dt

from typing_extensions import assert_type

from dynamodb_py import CharField, CompositeField, DateTimeField, GlobalIndex, IntegerField, Model


class Order(Model):
    pk = CharField(hash_key=True, template="USER#{user_id}", store_parts=True)
    sk = CharField(range_key=True, template="ORDER#{created:%Y-%m-%d}#{number:08d}")
    user_id = IntegerField(required=True)
    created = DateTimeField(required=True)
    number = IntegerField(required=True)
    status = CharField()
    queue = CharField(template="STATUS#{status}")
    place = CompositeField("status", "number", separator="-", width={"number": 8})
    by_status = GlobalIndex(hash_key="queue", range_key="place")


class Step(Model):
    key = CompositeField("owner", "kind", hash_key=True)
    at = CompositeField("kind", range_key=True, prefix="AT#")
    owner = CharField(required=True)
    kind = CharField(required=True)


def reading(order: Order, step: Step) -> None:
    assert_type(order.pk, str)
    assert_type(order.sk, str)
    assert_type(order.queue, "str | None")
    assert_type(order.place, "str | None")
    assert_type(order.user_id, int)
    assert_type(order.created, dt.datetime)
    assert_type(step.key, str)
    assert_type(step.at, str)


def declaring() -> None:
    CharField(template=1)  # type: ignore[call-overload] # pyright: ignore
    IntegerField(template="{a}")  # type: ignore[call-overload] # pyright: ignore
    CompositeField(1)  # type: ignore[call-overload] # pyright: ignore
    CompositeField("a", width=8)  # type: ignore[call-overload] # pyright: ignore

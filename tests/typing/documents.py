"""What the type checkers know of documents, and of the fields and mixins beside them."""

import datetime as dt
import uuid
from typing import Any

from typing_extensions import assert_type

from dynamodb_py import (
    CharField,
    CompressedField,
    Condition,
    DictField,
    Document,
    EmbeddedField,
    F,
    IntegerField,
    ListField,
    MapField,
    SetField,
    ULIDField,
    UUIDField,
)
from dynamodb_py.expressions import Action, Attr
from dynamodb_py.models.managers.manager import Manager
from dynamodb_py.models.soft_delete import SoftDelete, SoftDeleteQuerySet, Timestamped


class Address(Document):
    city = CharField(required=True)
    zip = CharField()


class Line(Document):
    qty = IntegerField(default=1)
    to = EmbeddedField(Address)


class Payment(Document):
    class Meta:
        discriminator = "kind"

    amount = IntegerField(default=0)


class Card(Payment):
    number = CharField()


class Order(Timestamped, SoftDelete):
    key = ULIDField(hash_key=True)
    made = ULIDField()
    later = ULIDField(null=True)
    trace = UUIDField(version=7)
    maybe = UUIDField()
    of = ULIDField(default=None)
    address = EmbeddedField(Address)
    home = EmbeddedField(Address, required=True)
    lines = ListField(EmbeddedField(Line), default=list[Line])
    short = ListField(Line)
    homes = DictField(of=Address)
    tags = SetField(str)
    shape = MapField({"a": IntegerField()})
    payment = EmbeddedField(Payment)
    text = CompressedField(str)
    sure = CompressedField(str, required=True)
    doc = CompressedField()
    packed = CompressedField(ListField(Line), codec="zstd", level=9, default=list[Line])


def reading(order: Order) -> None:
    assert_type(order.key, str)
    assert_type(order.of, str | None)
    assert_type(order.made, str)
    assert_type(order.later, str | None)
    assert_type(order.trace, uuid.UUID)
    assert_type(order.maybe, uuid.UUID | None)
    assert_type(order.address, Address | None)
    assert_type(order.home.city, str)
    assert_type(order.home.zip, str | None)
    assert_type(order.lines, list[Line])
    assert_type(order.lines[0].qty, int)
    assert_type(order.lines[0].to, Address | None)
    assert_type(order.short, list[Line] | None)
    assert_type(order.homes, dict[str, Address] | None)
    assert_type(order.tags, set[str])
    assert_type(order.text, str | None)
    assert_type(order.sure, str)
    assert_type(order.packed, list[Line])
    assert_type(order.created_at, dt.datetime)
    assert_type(order.deleted_at, dt.datetime | None)
    assert_type(order.is_deleted, bool)
    if isinstance(order.payment, Card):
        assert_type(order.payment.number, str | None)
        assert_type(order.payment.amount, int)


def writing(order: Order) -> None:
    order.address = Address(city="Lyon")
    order.lines.append(Line(qty=2))
    order.payment = Card(number="1")
    order.text = "x"
    order.address = "Lyon"  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    order.lines = [1]  # type: ignore[list-item]  # pyright: ignore[reportAttributeAccessIssue]
    order.sure = None  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]


def asking() -> None:
    assert_type(Order.address.city, Attr)
    assert_type(Order.address.city == "Lyon", Condition)
    assert_type(Order.lines[0].qty, Attr)
    assert_type(Order.lines[0].to.city.begins_with("x"), Condition)
    assert_type(Order.homes["work"].zip.exists(), Condition)
    assert_type(Order.address["city"] == "Lyon", Condition)
    assert_type(Order.address == Address(city="x"), Condition)
    assert_type(Order.payment.number.is_in("1", "2"), Condition)
    assert_type(Order.lines[0].qty.add(1), Action)
    assert_type(Order.lines[0].qty.set(F("lines__0__qty") + 1), Action)
    Order.objects.filter(Order.address.city == "Lyon", address__city__startswith="L")
    assert_type(ULIDField.at(dt.datetime(2026, 11, 1)), str)


class Orders(SoftDeleteQuerySet["Mine"]):
    def late(self) -> "Orders":
        return self.filter(key__lt="x")


class Mine(SoftDelete):
    key = CharField(hash_key=True)
    objects = Orders.as_manager()


def deleting(order: Order) -> None:
    assert_type(Order.objects, Manager[Order])
    assert_type(Order.all_objects, Manager[Order])
    assert_type(Mine.objects.late(), Orders)
    order.delete(condition=Order.address.city == "x", hard=True)
    order.hard_delete()
    order.restore(atomic=True)
    order.delete(soft=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def awaiting(order: Order) -> None:
    await order.adelete(hard=True)
    await order.ahard_delete()
    await order.arestore()


unused: Any = (reading, writing, asking, deleting, awaiting)

"""Options of fields, on engines: texts of one form, fixed decimal places, values that make themselves, JSON."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from dynamodb_py import (
    AlreadyExists,
    CharField,
    ConditionFailed,
    DateTimeField,
    DecimalField,
    Document,
    EmbeddedField,
    F,
    Field,
    IntegerField,
    ListField,
    Model,
    SetField,
    ULIDField,
    ValidationError,
    register_field,
    transaction,
)


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __eq__(self, other):
        return isinstance(other, Point) and (self.x, self.y) == (other.x, other.y)

    def __hash__(self):
        return hash((self.x, self.y))


class PointField(Field[Point]):
    kind = "S"

    def to_db(self, value):
        return f"{value.x},{value.y}"

    def to_python(self, stored):
        return Point(*map(int, stored.split(",")))


register_field(Point, PointField)


class Contact(Document):
    mail = CharField(lower=True)


class User(Model):
    class Meta:
        table_name = "fields-users"

    login = CharField(strip=True, lower=True, hash_key=True)
    email = CharField(strip=True, lower=True, unique=True)
    nick = CharField(lower=True)
    names = SetField(CharField(strip=True))
    contact = EmbeddedField(Contact)
    visits = IntegerField(default=0)


class Order(Model):
    class Meta:
        table_name = "fields-orders"

    id = ULIDField(hash_key=True)
    total = DecimalField(places=2)
    state = CharField(choices=[("o", "Open"), ("p", "Paid")], default="o")
    corners = ListField(Point)
    seen = SetField(Point)
    made = DateTimeField(auto_now_add=True)


TABLES = [User, Order]
pytestmark = pytest.mark.usefixtures("engine")


def spelled(text):
    """Return *text* in another spelling."""
    return f" {text.upper()}\t"


def test_a_new_item_has_the_form_and_so_has_the_instance(do, key, stored):
    user = do(User.objects.create, login=spelled(key), nick="Ann", names={" a ", "b"}, contact=Contact(mail="A@X"))  # fmt: skip
    assert (user.login, user.nick, user.names, user.contact.mail) == (key, "ann", {"a", "b"}, "a@x")
    item = stored(user)
    assert (item["login"], item["nick"]) == ({"S": key}, {"S": "ann"})
    assert sorted(item["names"]["SS"]) == ["a", "b"]
    assert item["contact"] == {"M": {"mail": {"S": "a@x"}}}
    assert not user.is_changed


def test_an_item_is_found_by_any_spelling(do, key):
    do(User(login=key, nick="ann").save)
    for found in (
        do(User.objects.get, login=spelled(key)),
        do(User.objects.get_or_none, spelled(key)),
        do(User.objects.batch_get, spelled(key))[0],
        do.list(User.objects.filter(login=spelled(key), nick="ANN"))[0],
        do(User.objects.get_or_create, login=spelled(key))[0],
    ):
        assert found.nick == "ann"
    assert do(User.objects.filter(login=key, nick="Bob").count) == 0


def test_a_unique_value_is_one_in_any_spelling(do, key):
    do(User.objects.create, login=f"{key}1", email=key)
    with pytest.raises(AlreadyExists):
        do(User.objects.create, login=f"{key}2", email=spelled(key))
    other = do(User.objects.create, login=f"{key}2", email=f"{key}x")
    other.email = spelled(key)
    with pytest.raises(AlreadyExists):
        do(other.save)
    do(do(User.objects.get, login=f"{key}1").delete)
    do(other.save)
    assert other.email == key


def test_updates_and_conditions_have_the_form(do, key, stored):
    user = do(User.objects.create, login=key, nick="a")
    do(user.update, nick="B")
    assert (user.nick, stored(user)["nick"]) == ("b", {"S": "b"})
    do(User.objects.filter(login=spelled(key)).update, nick="C")
    assert stored(user)["nick"] == {"S": "c"}
    do(user.refresh_from_db)
    user.visits = 1
    do(user.save, condition=User.nick == "C")
    user.visits = 2
    with pytest.raises(ConditionFailed):
        do(user.save, condition=User.nick == "D")
    user.nick = "E"
    if do.mode == "sync":
        with transaction.atomic():
            user.save()
    else:
        do.run(save_in_transaction(user))
    assert (user.nick, stored(user)["nick"]) == ("e", {"S": "e"})
    do(User.objects.bulk_update, [user], ["nick"])
    user.nick = "F"
    do(User.objects.bulk_update, [user], ["nick"])
    assert (user.nick, stored(user)["nick"]) == ("f", {"S": "f"})


async def save_in_transaction(instance):
    async with transaction.atomic():
        await instance.asave()


def test_what_another_program_stored_stays_until_it_is_set(do, key, put, stored):
    put(User, {"login": {"S": key}, "nick": {"S": "Ann"}, "contact": {"M": {"mail": {"S": "A@X"}}}})
    user = do(User.objects.get, login=key)
    assert (user.nick, user.contact.mail, user.is_changed) == ("Ann", "A@X", False)
    user.visits = 1
    do(user.save)
    assert stored(user)["nick"] == {"S": "Ann"}
    user.nick = "ann"
    do(user.save)
    assert (stored(user)["nick"], user.nick) == ({"S": "ann"}, "ann")
    assert stored(user)["contact"] == {"M": {"mail": {"S": "A@X"}}}


def test_a_decimal_has_its_places_whatever_the_table_has(do, put, stored):
    order = do(Order.objects.create, total=Decimal("12.50"))
    assert stored(order)["total"] == {"N": "12.5"}
    found = do(Order.objects.get, id=order.id)
    assert (str(found.total), found.is_changed) == ("12.50", False)
    do(found.update, total=F("total") + Decimal("0.5"))
    assert str(found.total) == "13.00"
    assert do(Order.objects.filter(id=order.id, total=Decimal("13.00")).count) == 1
    found.total = Decimal("1.005")
    with pytest.raises(ValidationError, match="more than 2 decimal places"):
        do(found.save)
    put(Order, {"id": {"S": order.id}, "total": {"N": "1.005"}})
    found = do(Order.objects.get, id=order.id)
    found.state = "p"
    do(found.save)
    assert stored(found)["total"] == {"N": "1.005"}


def test_a_key_that_makes_itself_and_a_label(do):
    one, other = do(Order.objects.create), do(Order.objects.create)
    assert one.id < other.id
    found = do(Order.objects.get, id=one.id)
    assert (found.id, found.get_state_display()) == (one.id, "Open")


def test_a_registered_class_is_stored_and_asked_for(do):
    order = do(Order.objects.create, corners=[Point(1, 2)], seen={Point(3, 4)})
    found = do(Order.objects.get, id=order.id)
    assert (found.corners, found.seen) == ([Point(1, 2)], {Point(3, 4)})
    mine = Order.objects.filter(id=order.id)
    assert do(mine.filter(corners__contains=Point(1, 2)).count) == 1
    assert do(mine.filter(seen__contains=Point(1, 2)).count) == 0


def test_json_goes_to_the_table_and_comes_back(do):
    order = do(Order.objects.create, total=Decimal("12.5"), corners=[Point(1, 2)])
    text = do(Order.objects.get, id=order.id).to_json()
    copy = Order.from_json(text, strict=True)
    assert copy.to_json() == text
    assert isinstance(copy.made, dt.datetime)
    do(copy.save)
    assert do(Order.objects.get, id=order.id).to_dict() == copy.to_dict()

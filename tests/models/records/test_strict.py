"""from_dict(strict=True): all that is wrong at once, unknown names among it."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from dynamodb_py import (
    CharField,
    DateField,
    DateTimeField,
    DecimalField,
    DictField,
    Document,
    EmbeddedField,
    ForeignKey,
    IntegerField,
    ListField,
    Model,
    ValidationError,
    VersionField,
)


class Address(Document):
    city = CharField(required=True)
    zip = CharField(max_length=5)


class Place(Model):
    id = CharField(hash_key=True)


class Order(Model):
    id = CharField(hash_key=True)
    total = DecimalField(required=True, min_value=Decimal(0))
    state = CharField(choices=["open", "paid"])
    day = DateField()
    home = EmbeddedField(Address)
    lines = ListField(Address)
    more = DictField(IntegerField())
    place = ForeignKey(Place)
    made = DateTimeField(auto_now_add=True)
    version = VersionField()

    def clean(self):
        if self.state == "paid" and not self.total:
            raise ValueError("paid, and nothing to pay")


GOOD = {"id": "a", "total": Decimal(1)}
UNKNOWN = "Order has no field nme: its fields are"

FAULTS = [
    ({}, []),
    ({"nme": 1}, ["nme"]),
    ({"nme": 1, "nnme": 2, "total": 0.5}, ["nme", "nnme", "total"]),
    ({"nme": 1, "id": None}, ["nme", "id"]),
    ({"total": Decimal(-1), "state": "lost"}, ["total", "state"]),
    ({"nme": 1, "total": None}, ["nme", "total"]),
    ({"home": {"city": "x", "town": "y"}}, ["home.town"]),
    ({"home": {"zip": "123456", "town": "y"}, "nme": 1}, ["home.city", "home.town", "home.zip", "nme"]),
    ({"lines": [{"city": "x"}, {"city": "x", "town": 1}]}, ["lines[1].town"]),
    ({"lines": [{"city": 7}], "state": 7}, ["lines[0].city", "state"]),
    ({"more": {"a": "x"}, "nme": 1}, ["more.a", "nme"]),
    ({"state": "paid", "total": Decimal(0)}, [""]),
    ({"state": "paid", "total": Decimal(0), "nme": 1}, ["", "nme"]),
    ({"place": Place("x")}, []),
    ({"place_id": "x"}, []),
    ({7: 1}, ["7"]),
]  # fmt: skip


def faults(values, **how):
    try:
        Order.from_dict(values, strict=True, **how)
    except ValidationError as error:
        return error
    return None


@pytest.mark.parametrize(("given", "paths"), FAULTS, ids=range(len(FAULTS)))
def test_all_that_is_wrong_is_in_one_error(given, paths):
    error = faults({**GOOD, **given})
    assert sorted(error.errors if error else []) == sorted(paths)
    if "nme" in given:
        assert error.errors["nme"][0].startswith(UNKNOWN)


def as_json(value):
    return str(value) if isinstance(value, Decimal) else value


@pytest.mark.parametrize(("given", "paths"), [row for row in FAULTS if "place" not in row[0]],
                         ids=range(len(FAULTS) - 1))  # fmt: skip
def test_json_is_checked_as_a_dict_is(given, paths):
    text = json.dumps({**GOOD, **given}, default=as_json)
    text = text.replace("0.5", '"x"')  # a float is a Decimal in JSON
    error = faults(json.loads(text), mode="json")
    assert sorted(error.errors if error else []) == sorted(paths)


def test_what_cannot_be_read_is_told_beside_what_is_refused():
    error = faults({"id": "a", "day": "soon", "nme": 1, "home": {"town": 1, "zip": 7}}, mode="json")
    assert sorted(error.errors) == ["day", "home.city", "home.town", "home.zip", "nme", "total"]
    assert error.errors["day"][0].startswith("'soon' is not the JSON form of a DateField: ")


def test_what_is_right_is_a_new_instance():
    order = Order.from_dict({**GOOD, "home": {"city": "x"}}, strict=True)
    assert (order.home, order.persisted) == (Address(city="x"), False)


def test_the_hooks_of_the_class_change_the_values_as_saving_would():
    class Guest(Model):
        id = CharField(hash_key=True)

        def clean_id(self, value):
            return value.upper()

    assert Guest.from_dict({"id": "a"}, strict=True).id == "A"
    assert Guest.from_dict({"id": "a"}).id == "a"


def test_without_strict_an_unknown_name_is_a_type_error_and_values_are_not_checked():
    with pytest.raises(TypeError, match=UNKNOWN):
        Order.from_dict({"nme": 1, "total": 0.5})
    assert Order.from_dict({"total": 0.5}).total == 0.5


def test_a_document_is_checked_as_a_model_is():
    with pytest.raises(ValidationError) as caught:
        Address.from_dict({"town": 1, "zip": "123456"}, strict=True)
    assert sorted(caught.value.errors) == ["city", "town", "zip"]

"""register_field: a class of the user has a field, as str does."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from dynamodb_py import (
    CharField,
    CompressedField,
    DictField,
    Document,
    Field,
    ListField,
    MapField,
    Model,
    ModelDefinitionError,
    SetField,
    ValidationError,
    register_field,
)
from dynamodb_py.models.fields.containers import elements

from ..wire import ids, read_by, stored_by


@dataclass(frozen=True)
class Point:
    x: int
    y: int


class PointField(Field[Point]):
    kind = "S"

    def to_db(self, value):
        return f"{value.x},{value.y}"

    def to_python(self, stored):
        return Point(*map(int, stored.split(",")))


class Plate(str):
    __slots__ = ()


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setattr(elements, "_FIELD_OF", dict(elements._FIELD_OF))
    register_field(Point, PointField)


ONE, WIRE = Point(1, 2), {"S": "1,2"}
HOLDERS = [
    ("list", lambda: ListField(Point), [ONE], {"L": [WIRE]}),
    ("set", lambda: SetField(Point), {ONE}, {"SS": ["1,2"]}),
    ("dict", lambda: DictField(Point), {"a": ONE}, {"M": {"a": WIRE}}),
    ("map", lambda: MapField({"a": Point, "b": int}), {"a": ONE, "b": 1}, {"M": {"a": WIRE, "b": {"N": "1"}}}),
    ("lists", lambda: ListField(ListField(Point)), [[ONE]], {"L": [{"L": [WIRE]}]}),
]  # fmt: skip


@pytest.mark.parametrize(("holder", "value", "wire"), [row[1:] for row in HOLDERS], ids=[row[0] for row in HOLDERS])  # fmt: skip
def test_it_is_the_type_of_elements(holder, value, wire):
    assert stored_by(holder(), value) == wire
    assert read_by(holder(), wire) == value


def test_it_is_the_type_of_a_compressed_value():
    assert read_by(CompressedField(Point), stored_by(CompressedField(Point), ONE)) == ONE


def test_what_is_wrong_is_told_by_its_field():
    with pytest.raises(ValidationError, match=r"x\[0\]: 'int' object has no attribute 'x'"):
        stored_by(ListField(Point), [7])


def test_a_function_makes_the_field():
    register_field(Plate, lambda: CharField(max_length=3))
    with pytest.raises(ValidationError, match="greater than max_length 3"):
        stored_by(ListField(Plate), ["abcd"])


class Page(Document):
    pass


class Book(Model):
    pass


WRONG = [
    (Point, PointField, "Point has the field PointField already"),
    (str, PointField, "str has the field CharField already"),
    (Page, PointField, "Page has the field EmbeddedField already"),
    (Book, PointField, "Book has the field KeyOf already"),
    (Point(1, 2), PointField, "the first argument is a class of yours"),
    ("Point", PointField, "the first argument is a class of yours"),
    (Plate, PointField(), "give the class of a field, or a function without arguments"),
    (Plate, "PointField", "give the class of a field, or a function without arguments"),
    (Plate, ListField(str), "give the class of a field, or a function without arguments"),
    (Plate, MapField, "cannot be made without arguments"),
    (Plate, str, "'' is not a field"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "field", "message"), WRONG, ids=ids(WRONG))
def test_what_cannot_be_is_told(kind, field, message):
    with pytest.raises(ModelDefinitionError, match=r"register_field\(") as caught:
        register_field(kind, field)
    assert message in str(caught.value)


def test_a_subclass_and_a_class_that_nobody_registered_stand_for_nothing():
    class Pixel(Point):
        pass

    with pytest.raises(ModelDefinitionError, match="it takes a field, one of str"):
        stored_by(ListField(Pixel), [])

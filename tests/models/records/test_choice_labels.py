"""get_FOO_display(): the label of a value among the choices."""

from __future__ import annotations

import enum
from collections.abc import Callable

import pytest

from dynamodb_py import CharField, Document, EnumField, IntegerField, ListField, Model


class Size(enum.Enum):
    SMALL = "s"
    LARGE = "l"


class Item(Model):
    id = CharField(hash_key=True)
    state = CharField(choices=[("o", "Open"), ("p", "Paid"), "x"], default="o")
    size = EnumField(Size, choices=[(Size.SMALL, "Small"), (Size.LARGE, "Large")])
    level = IntegerField(choices=[1, 2])
    tags = ListField(str, choices=[(["a"], "Only a")])
    mail = CharField(lower=True, choices=[("A", "First")])
    plain = CharField()


LABELS = [
    ("state", "o", "Open"),
    ("state", "x", "x"),
    ("state", "unknown", "unknown"),
    ("state", None, None),
    ("size", Size.SMALL, "Small"),
    ("level", 2, "2"),
    ("tags", ["a"], "Only a"),
    ("tags", ["b"], "['b']"),
    ("mail", "a", "First"),
    ("mail", "A", "First"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "label"), LABELS, ids=map(repr, LABELS))
def test_the_label_of_a_value_else_its_text(name, value, label):
    assert getattr(Item(id="a", **{name: value}), f"get_{name}_display")() == label


def test_a_loaded_item_has_labels_and_reading_one_changes_nothing():
    item = Item.from_db({"id": {"S": "a"}, "state": {"S": "p"}})
    assert (item.get_state_display(), item.get_size_display()) == ("Paid", None)
    assert not item.is_changed


def test_a_field_without_choices_has_no_such_method():
    assert not hasattr(Item(id="a"), "get_plain_display")


def test_a_document_has_them_too():
    class Line(Document):
        kind = CharField(choices=[("a", "First")])

    assert Line(kind="a").get_kind_display() == "First"


class Named(Model):
    class Meta:
        abstract = True

    state = CharField(choices=[("o", "Open")])


class Own(Named):
    id = CharField(hash_key=True)

    def get_state_display(self):
        return "mine"


class Mixin:
    def get_state_display(self):
        return "of the mixin"


class Mixed(Mixin, Model):
    id = CharField(hash_key=True)
    state = CharField(choices=[("o", "Open")])


class Other(Named):
    id = CharField(hash_key=True)
    state = CharField(choices=[("o", "Offen")])


class Annotated(Model):
    id = CharField(hash_key=True)
    state = CharField(choices=[("o", "Open")])
    get_state_display: Callable[[], str | None]


class AsField(Model):
    id = CharField(hash_key=True)
    state = CharField(choices=[("o", "Open")])
    get_state_display = CharField()


@pytest.mark.parametrize(
    ("model", "label"),
    [(Own, "mine"), (Mixed, "of the mixin"), (Other, "Offen"), (Annotated, "Open")],
)
def test_a_method_of_the_user_wins_and_a_field_that_is_declared_anew_has_its_own(model, label):
    assert model(id="a", state="o").get_state_display() == label


def test_a_field_of_the_name_wins():
    assert AsField(id="a", get_state_display="x").get_state_display == "x"


def test_a_field_that_is_added_later_gets_one():
    class Late(Model):
        id = CharField(hash_key=True)

    Late.add_field("state", CharField(choices=[("o", "Open")]))
    assert Late(id="a", state="o").get_state_display() == "Open"
    assert Late.get_state_display.__name__ == "get_state_display"

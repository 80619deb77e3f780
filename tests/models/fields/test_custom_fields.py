"""The protocol of custom fields, where it goes beyond what a value is stored as."""

from __future__ import annotations

import itertools

import pytest

from dynamodb_py import CharField, Field, Model, QueryError

_nonces = itertools.count()


class Sealed(Field[str]):
    """Text that is stored with another number each time."""

    kind = "S"
    leaf = str
    varies = True

    def to_db(self, value):
        return f"{next(_nonces)}:{value}"

    def to_python(self, stored):
        number, _, text = stored.partition(":")
        if not number.isdigit():
            raise ValueError(f"{stored!r} is not sealed")
        return text


class Note(Model):
    k = CharField(hash_key=True)
    text = Sealed()
    mark = Sealed(default="none")


def note(**wires):
    return Note.from_db({"k": {"S": "a"}, **{name: {"S": text} for name, text in wires.items()}})


def test_what_was_read_alone_is_no_change():
    found = note(text="1:x")
    assert (found.text, found.mark) == ("x", "none")
    assert not found.is_changed
    found.text = "x"
    assert found.changes() == {}


@pytest.mark.parametrize(
    ("change", "changes"),
    [
        ({"text": "y"}, {"text": ("x", "y")}),
        ({"text": None}, {"text": ("x", None)}),
        ({"mark": "some"}, {"mark": (None, "some")}),
    ],
    ids=range(3),
)
def test_another_value_is_a_change(change, changes):
    found = note(text="1:x")
    assert found.mark == "none"
    vars(found).update(change)
    assert found.changes() == changes


def test_a_value_in_place_of_one_that_cannot_be_read_is_a_change():
    found = note(text="plain")
    assert not found.is_changed
    found.text = "x"
    assert found.is_changed


def test_nothing_is_compared_with_it():
    with pytest.raises(QueryError, match="cannot be compared with a value"):
        _ = Note.text == "x"
    with pytest.raises(QueryError, match="cannot be compared with a value"):
        Note.objects.filter(k="a", text="x")
    assert Note.objects.filter(k="a", text__exists=True).operation().expressions.filter

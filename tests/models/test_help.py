"""What help(), inspect and editors show of models and their verbs."""

from __future__ import annotations

import inspect
import pydoc
import uuid
from typing import Any

import pytest

from dynamodb_py import (
    CharField,
    Document,
    ForeignKey,
    IntegerField,
    ListField,
    Manager,
    Model,
    QuerySet,
    Table,
    UUIDField,
)


class Score(Model):
    points = IntegerField(default=0)
    tags = ListField(default=list)
    game = IntegerField(range_key=True)
    player = CharField(hash_key=True)


class Badge(Model):
    id = UUIDField(hash_key=True, default=uuid.uuid4)
    score = ForeignKey(Score)


class Ticket(Model):
    key = CharField(hash_key=True, template="USER#{user}")
    user = CharField()


class Own(Model):
    name = CharField(hash_key=True)

    def __init__(self, name: str, bonus: int = 3) -> None:
        super().__init__(name=name)


class Narrower(Own):
    more = CharField()


class Address(Document):
    city = CharField(default="Lyon")


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (Score, "(player=None, game=None, *, points=0, tags=<factory>)"),
        (Badge, "(id=<factory>, *, score_player=None, score_game=None, score=None)"),
        (Ticket, "(*, user=None)"),
        (Address, "(*, city='Lyon')"),
        (Own, "(name: 'str', bonus: 'int' = 3) -> 'None'"),
        (Narrower, "(name: 'str', bonus: 'int' = 3) -> 'None'"),
        (Model, "(*key: 'Any', **values: 'Any')"),
    ],
    ids=lambda each: each.__name__ if isinstance(each, type) else "",
)
def test_the_signature_of_a_model_is_that_of_its_fields(model, expected):
    assert str(inspect.signature(model)).removesuffix(" -> 'None'") == expected.removesuffix(
        " -> 'None'"
    )


def test_a_field_that_is_added_is_in_the_signature():
    class Later(Model):
        name = CharField(hash_key=True)

    assert list(inspect.signature(Later).parameters) == ["name"]
    Later.add_field("more", IntegerField())
    assert list(inspect.signature(Later).parameters) == ["name", "more"]


def test_an_instance_has_no_signature_of_its_class():
    with pytest.raises(AttributeError):
        _ = Score("a", 1).__signature__


VERBS = [
    (Model.save, "Self"),
    (Model.asave, "Self"),
    (Model.delete, "None"),
    (Model.incr, "Self"),
    (Model.fetch, "Self"),
    (Model.refresh_from_db, "None"),
    (QuerySet.get, "R"),
    (QuerySet.first, "R | None"),
    (QuerySet.count, "int"),
    (Manager.create, "M"),
    (Table.create, "TableDescription"),
]


@pytest.mark.parametrize(("verb", "returns"), VERBS, ids=[v.__qualname__ for v, _ in VERBS])
def test_a_verb_shows_what_it_returns(verb: Any, returns: str):
    signature = inspect.signature(verb)
    assert signature.return_annotation == returns
    assert next(iter(signature.parameters)) == "self"


@pytest.mark.parametrize("kind", [Model, Document, QuerySet, Manager, Score])
def test_help_lists_what_a_user_calls(kind):
    text = pydoc.render_doc(kind, renderer=pydoc.plaintext)
    entries = [line.strip(" |").removeprefix("async ") for line in text.splitlines()]
    own = [each for each in entries if each.startswith("_") and each[1] != "_"]
    assert not own
    assert "Flow[" not in text


def test_every_verb_has_a_name_and_a_docstring():
    for kind in (Model, QuerySet, Manager):
        for name, method in inspect.getmembers(kind, callable):
            if name[0] != "_" and hasattr(method, "flow"):
                assert method.__name__ == name
                assert method.__doc__, name

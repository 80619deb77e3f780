"""Typed models at run time: which values their constructors need, and which they refuse.

What type checkers know of them is in ``tests/typing/typed_models.py``.
"""

from __future__ import annotations

import ast
import copy
import enum
import inspect
import pickle
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dynamodb_py
from dynamodb_py import (
    CharField,
    CompositeField,
    CounterField,
    DateTimeField,
    Field,
    FieldNotLoaded,
    ForeignKey,
    IntegerField,
    ListField,
    Model,
    SetField,
    SharedTable,
    Timestamped,
    TimestampField,
    TypedDocument,
    TypedModel,
    ULIDField,
    UUIDField,
    ValidationError,
    VersionField,
    signals,
)
from dynamodb_py.models.keys.declared import is_computed

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


class Own(Field[str]):
    kind = "S"


class Filled(Field[str]):
    kind = "S"

    def make_default(self):
        return "filled"


class Address(TypedDocument):
    city: CharField[str] = CharField(required=True)
    zip: CharField[str | None] = CharField(default=None)


class Person(TypedDocument):
    name: CharField[str] = CharField(required=True)
    homes: ListField[Address, list[Address]] = ListField(Address, required=True)


class Author(TypedModel):
    name: CharField[str] = CharField(hash_key=True)


class Pair(TypedModel):
    left: CharField[str] = CharField(hash_key=True)
    right: IntegerField[int] = IntegerField(range_key=True)


class Score(TypedModel):
    player: CharField[str] = CharField(hash_key=True)
    game: IntegerField[int] = IntegerField(range_key=True)
    nick: CharField[str | None] = CharField()
    points: IntegerField[int] = IntegerField(default=0)
    note: CharField[str | None] = CharField(default=None)
    ids: ListField[int, list[int]] = ListField(int, default=list)


class Automatic(TypedModel):
    made: DateTimeField[datetime] = DateTimeField(auto_now_add=True)
    changed: DateTimeField[datetime] = DateTimeField(auto_now=True, default=None)
    seen: DateTimeField[datetime] = DateTimeField(auto_now=True, init=False)
    ends: TimestampField[datetime | None] = TimestampField(after=timedelta(1))
    code: UUIDField[uuid.UUID] = UUIDField(version=7)
    ref: ULIDField[str] = ULIDField()
    hits: CounterField[int] = CounterField()
    tags: SetField[str, set[str]] = SetField(str)
    filled: Filled = Filled()
    version = VersionField()


class Empty(TypedModel):
    nothing: CharField[str | None] = CharField(null=True)
    own: Own = Own()


class Book(TypedModel):
    isbn: CharField[str] = CharField(hash_key=True)
    author: ForeignKey[Author, Author] = ForeignKey(Author, required=True, denormalize=())
    pair: ForeignKey[Pair, Pair | None] = ForeignKey(Pair)
    later: ForeignKey[Author, Author | None] = ForeignKey("Author", default=None)


class Order(TypedModel):
    customer: CharField[str] = CharField(required=True)
    number: IntegerField[int] = IntegerField(required=True)
    pk: CharField[str] = CharField(template="C#{customer}", hash_key=True, init=False)
    sk: CharField[str] = CharField(template="O#{number}", range_key=True)
    label = CompositeField("customer", "number")


class Mixin:
    mixed = CharField()


class Plain(Model):
    tenant = CharField(hash_key=True)

    class Meta:
        abstract = True


class Base(TypedModel):
    name: CharField[str] = CharField(required=True)

    class Meta:
        abstract = True


class Mixed(Mixin, Timestamped, Base, Plain):
    number: IntegerField[int] = IntegerField(range_key=True)


class Event(TypedModel):
    id: CharField[str] = CharField(hash_key=True)

    class Meta:
        discriminator = "kind"


class Login(Event):
    address: CharField[str] = CharField(required=True)


class App(SharedTable):
    pk = CharField(hash_key=True)
    sk = CharField(range_key=True)

    class Meta:
        table_name = "typed_app"


class User(TypedModel):
    user: CharField[str] = CharField(required=True)

    class Meta:
        table = App
        keys = {"pk": "USER#{user}", "sk": "USER"}


class Redefined(Score):
    nick = CharField(default="nobody")


class Positional(TypedModel):
    name: CharField[str] = CharField(hash_key=True)
    size: IntegerField[int] = IntegerField(required=True)

    def __init__(self, name):
        super().__init__(name=name, size=len(name))


HOME = Address(city="Lyon")


@pytest.mark.parametrize(
    ("model", "values", "missing"),
    [
        (Address, {}, "city"),
        (Address, {"zip": "1"}, "city"),
        (Person, {"name": "ann"}, "homes"),
        (Author, {}, "name"),
        (Score, {}, "player and of game and of nick"),
        (Score, {"player": "ann", "game": 1}, "nick"),
        (Score, {"game": 1, "nick": None, "points": 3}, "player"),
        (Empty, {}, "nothing and of own"),
        (Book, {"isbn": "b", "pair": None}, "author"),
        (Book, {"isbn": "b", "author": "ann"}, "pair"),
        (Book, {"isbn": "b", "author": "ann", "pair_left": "a"}, "pair"),
        (Order, {"number": 1}, "customer"),
        (Mixed, {"tenant": "t", "name": "a"}, "number"),
        (Event, {}, "id"),
        (Login, {"id": "e"}, "address"),
        (User, {}, "user"),
        (Redefined, {"player": "ann"}, "game"),
    ],
)
def test_what_has_no_default_must_be_given(model, values, missing):
    with pytest.raises(
        TypeError, match=rf"^{model.__name__}\(\) needs a value of {missing}: give "
    ):
        model(**values)


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (Address, {"city": "Lyon"}),
        (
            Address,
            {"city": None},
        ),  # as type checkers say, and full_clean(): the constructor validates nothing
        (Person, {"name": "ann", "homes": [HOME]}),
        (Score, {"player": "ann", "game": 1, "nick": None}),
        (Automatic, {}),
        (Automatic, {"made": NOON, "changed": NOON, "ends": NOON, "code": uuid.uuid4()}),
        (Empty, {"nothing": None, "own": "a"}),
        (Book, {"isbn": "b", "author": Author(name="ann"), "pair": Pair(left="a", right=1)}),
        (Book, {"isbn": "b", "author": "ann", "pair": ("a", 1)}),
        (Book, {"isbn": "b", "author_id": "ann", "pair_left": "a", "pair_right": 1}),
        (Order, {"customer": "ann", "number": 1}),
        (Order, {"customer": "ann", "sk": "O#1"}),
        (Mixed, {"name": "a", "number": 1}),
        (Mixed, {"name": "a", "number": 1, "tenant": "t", "mixed": "m", "created_at": NOON}),
        (Event, {"id": "e"}),
        (Login, {"id": "e", "address": "::1"}),
        (User, {"user": "ann"}),
        (Redefined, {"player": "ann", "game": 1}),
    ],
)
def test_nothing_else_must_be_given(model, values):
    made = model(**values)
    for name, value in values.items():
        if model is not Book:
            assert getattr(made, name) == value


@pytest.mark.parametrize(
    ("model", "values", "names"),
    [
        (Automatic, {"seen": NOON}, "seen"),
        (Order, {"customer": "ann", "number": 1, "pk": "C#ann"}, "pk"),
    ],
)
def test_what_is_kept_out_is_refused(model, values, names):
    with pytest.raises(TypeError, match=rf"^{model.__name__}\(\) takes no {names}: .* init=False"):
        model(**values)


def test_unknown_names_are_refused_as_of_every_model():
    with pytest.raises(TypeError, match="Score has no field plyer: its fields are player, game"):
        Score(plyer="ann", game=1, nick=None)


@given(st.sets(st.sampled_from(["player", "game", "nick", "points", "note", "ids"])))
def test_any_part_of_the_values_is_taken_or_all_that_lack_are_named(names):
    values = {"player": "a", "game": 1, "nick": None, "points": 1, "note": "n", "ids": [1]}
    chosen = {name: values[name] for name in names}
    lacking = [name for name in ("player", "game", "nick") if name not in names]
    if not lacking:
        assert {name: getattr(Score(**chosen), name) for name in names} == chosen
    else:
        with pytest.raises(TypeError, match=f"needs a value of {' and of '.join(lacking)}:"):
            Score(**chosen)


def test_the_key_may_be_given_in_order_and_defaults_are_made_for_each_instance():
    one, two = Score("ann", 1, nick=None), Score("ann", 2, nick=None)
    assert (one.player, one.game, one.points, one.note) == ("ann", 1, 0, None)
    assert one.ids == []
    assert one.ids is not two.ids


def test_a_constructor_of_users_hands_on_what_is_needed():
    assert Positional("ann").size == 3


def test_loading_needs_nothing():
    score = Score.from_db({"player": {"S": "ann"}, "game": {"N": "1"}})
    assert (score.nick, score.points) == (None, 0)
    assert Address.from_db({}).city is None
    assert pickle.loads(pickle.dumps(score)) == copy.deepcopy(score) == score


def test_a_dict_needs_what_the_constructor_needs_and_takes_back_what_to_dict_gave():
    with pytest.raises(TypeError, match="needs a value of game and of nick"):
        Score.from_dict({"player": "ann"})
    automatic = Automatic()
    automatic.seen = NOON
    assert Automatic.from_dict(automatic.to_dict()).seen == NOON
    assert Score.from_json(Score("ann", 1, nick=None).to_json()).nick is None


def test_a_strict_dict_says_all_that_is_wrong_at_once():
    values = {"isbn": 3, "pair_left": "a"}
    with pytest.raises(ValidationError) as caught:
        Book.from_dict(values, strict=True)
    required = ["it is required: give it a value"]
    assert caught.value.errors == {
        "author": required,
        "pair": required,
        "isbn": ["3 is an int, not text"],
    }
    with pytest.raises(ValidationError) as caught:
        Person.from_dict({"homes": [{"zip": "1"}, {"city": "Lyon"}]}, strict=True)
    assert caught.value.errors == {"name": required, "homes[0].city": required}


def test_a_receiver_may_give_what_is_missing():
    def give(sender, instance, **_):
        instance.nick = "given"

    signals.post_init.connect(give, sender=Score)
    try:
        assert Score(player="ann", game=1).nick == "given"
    finally:
        signals.post_init.disconnect(give, sender=Score)


def test_models_without_the_base_class_need_nothing():
    class Untyped(Model):
        name: CharField[str] = CharField(hash_key=True)
        made: DateTimeField[datetime] = DateTimeField(auto_now_add=True, init=False)

    assert Untyped(made=NOON).made == NOON


class Colour(enum.Enum):
    RED = "r"


ARGUMENTS = {
    "CompositeField": ["a"],
    "EmbeddedField": [Address],
    "EnumField": [Colour],
    "ForeignKey": [Author],
    "MapField": [{}],
    "OneToOneField": [Author],
}


def test_type_checkers_know_each_field_class_that_may_have_no_default():
    public = {name: each for name, each in vars(dynamodb_py).items() if name.endswith("Field")}
    fields = {"ForeignKey": ForeignKey, **public}
    made = {
        name: kind(*ARGUMENTS.get(name, []))
        for name, kind in fields.items()
        if issubclass(kind, Field)
    }
    known = {name for name, field in made.items() if field.needs_value and not is_computed(field)}
    tree = ast.parse((Path(dynamodb_py.__file__).parent / "models" / "typed.py").read_text())
    (listed,) = [
        each.value
        for each in ast.walk(tree)
        if isinstance(each, ast.keyword) and each.arg == "field_specifiers"
    ]
    assert {name.id for name in listed.elts} == known - {"Field"}


def test_the_signature_shows_what_is_needed():
    assert str(inspect.signature(Score)) == (
        "(*, player, game, nick, points=0, note=None, ids=<factory>)"
    )
    assert str(inspect.signature(Address)) == "(*, city, zip=None)"
    assert "seen" not in inspect.signature(Automatic).parameters


class ByTemplate(Model):
    customer = CharField()
    pk = CharField(template="C#{customer}", hash_key=True)
    note = CharField()


@pytest.mark.parametrize(
    ("model", "key", "named", "shown"),
    [
        (Author, ("ann",), {}, "Author(name='ann')"),
        (Author, (), {"name": "ann"}, "Author(name='ann')"),
        (Author, (), {"pk": "ann"}, "Author(name='ann')"),
        (Score, ("ann", 1), {}, "Score(player='ann', game=1)"),
        (Score, (), {"game": 1, "player": "ann"}, "Score(player='ann', game=1)"),
        (ByTemplate, (), {"customer": "ann"}, "ByTemplate(customer='ann')"),
        (User, (), {"user": "ann"}, "User(user='ann')"),
    ],
)
def test_by_key_knows_the_key_and_nothing_else(model, key, named, shown):
    known = model.by_key(*key, **named)
    assert (repr(known), known.persisted, known.is_changed) == (shown, True, False)
    others = [
        field.name
        for field in model._meta.fields
        if field.name not in {*model._meta.key_names, "customer", "user"}
    ]
    for name in others:
        with pytest.raises(FieldNotLoaded, match=rf"{name} was not fetched .* has only its key"):
            getattr(known, name)


@pytest.mark.parametrize(
    ("key", "named", "error", "text"),
    [
        ((), {}, TypeError, "the key of Score is player and game, not nothing"),
        (("ann",), {}, TypeError, "the key of Score is player and game"),
        (("ann", 1, 2), {}, TypeError, "the key of Score is player and game"),
        (("ann",), {"game": 1}, TypeError, "the key of Score is player and game"),
        ((), {"player": "ann", "nick": "a"}, TypeError, "the key of Score is player and game"),
        (("ann", "1"), {}, ValidationError, "game: '1' is a str, not an int"),
        (("", 1), {}, ValidationError, "player: it is empty"),
        ((None, 1), {}, ValidationError, "player: it is required"),
    ],
)
def test_by_key_takes_a_whole_key(key, named, error, text):
    with pytest.raises(error, match=text):
        Score.by_key(*key, **named)


def test_a_field_may_be_called_by_key():
    class Named(Model):
        by_key = CharField(hash_key=True)

    assert Named(by_key="a").by_key == "a"

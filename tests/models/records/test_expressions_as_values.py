"""An expression that is assigned is refused alike by each verb that stores values, wherever it is."""

from __future__ import annotations

import enum

import pytest

from dynamodb_py import (
    BinaryField,
    BooleanField,
    CharField,
    CompressedField,
    CounterField,
    DateField,
    DateTimeField,
    DecimalField,
    DictField,
    Document,
    EmbeddedField,
    EnumField,
    F,
    Field,
    FloatField,
    ForeignKey,
    IntegerField,
    ListField,
    MapField,
    Model,
    SetField,
    TextField,
    TimeDeltaField,
    TimeField,
    TimestampField,
    ULIDField,
    UUIDField,
    ValidationError,
    VersionField,
    save_all,
    transaction,
)


class Colour(enum.Enum):
    RED = "r"


class Part(Document):
    number = IntegerField()
    more = DictField()


class Team(Model):
    id = CharField(hash_key=True)


class Anything(Field):
    """A field of users that stores any value as text."""

    kind = "S"

    def to_db(self, value):
        return str(value)


KINDS = {
    "text": CharField(),
    "long_text": TextField(),
    "int": IntegerField(),
    "counter": CounterField(),
    "float": FloatField(),
    "decimal": DecimalField(),
    "truth": BooleanField(),
    "bytes": BinaryField(),
    "enum": EnumField(Colour),
    "uuid": UUIDField(),
    "ulid": ULIDField(),
    "date": DateField(),
    "moment": DateTimeField(),
    "time": TimeField(),
    "span": TimeDeltaField(),
    "stamp": TimestampField(),
    "free_dict": DictField(),
    "ints": DictField(IntegerField()),
    "map": MapField({"a": IntegerField()}),
    "free_list": ListField(),
    "int_list": ListField(IntegerField()),
    "texts": SetField(),
    "int_set": SetField(IntegerField()),
    "part": EmbeddedField(Part),
    "parts": ListField(EmbeddedField(Part)),
    "packed": CompressedField(),
    "packed_dict": CompressedField(DictField()),
    "team_ids": ListField(ForeignKey(Team)),
    "own": Anything(),
    "version": VersionField(),
}
Everything = type(Model)(
    "Everything",
    (Model,),
    {
        "__module__": __name__,
        "id": CharField(hash_key=True),
        "team": ForeignKey(Team),
        **KINDS,
    },
)

ONE = {"N": "1"}
STORED = {
    "id": {"S": "a"},
    "int": ONE,
    "counter": ONE,
    "text": {"S": "t"},
    "truth": {"BOOL": True},
    "date": {"S": "2026-01-01"},
    "enum": {"S": "RED"},
    "free_dict": {"M": {"a": ONE}},
    "ints": {"M": {"a": ONE}},
    "map": {"M": {"a": ONE}},
    "free_list": {"L": [ONE]},
    "int_list": {"L": [ONE]},
    "texts": {"SS": ["a"]},
    "int_set": {"NS": ["1"]},
    "part": {"M": {"number": ONE, "more": {"M": {"a": ONE}}}},
    "parts": {"L": [{"M": {"number": ONE}}]},
    "team_id": {"S": "x"},
    "version": ONE,
}

EXPRESSIONS = {
    "F": F("int"),
    "F + 1": F("int") + 1,
    "1 - field": 1 - Everything.int,
    "field": Everything.text,
    "member of a document": Everything.part.number,
    "if_not_exists": F("int").if_not_exists(0),
    "append": F("free_list").append([1]),
    "set": F("int").set(3),
    "add": Everything.int.add(3),
    "remove": F("int").remove(),
}
PLACES = {name: (name, lambda value: value) for name in KINDS}
PLACES |= {
    "team": ("team", lambda value: value),
    "team_id": ("team_id", lambda value: value),
    "in a free dict": ("free_dict", lambda value: {"a": value}),
    "deep in it": ("free_dict", lambda value: {"b": [{"c": value}]}),
    "in a dict": ("ints", lambda value: {"a": value}),
    "in a map": ("map", lambda value: {"a": value}),
    "in a free list": ("free_list", lambda value: [value]),
    "in a list": ("int_list", lambda value: [1, value]),
    "in a set": ("texts", lambda value: {value}),
    "in a set of ints": ("int_set", lambda value: {1, value}),
    "in a document": ("part", lambda value: Part(number=value)),
    "in its free dict": ("part", lambda value: Part(more={"a": value})),
    "in a list of documents": ("parts", lambda value: [Part(number=value)]),
    "packed": ("packed", lambda value: {"a": value}),
    "in a packed dict": ("packed_dict", lambda value: {"a": [value]}),
    "in a list of references": ("team_ids", lambda value: [value]),
}


def new(name, value):
    return Everything(id="a", **{name: value})


def loaded(name, value):
    instance = Everything.from_db(STORED)
    setattr(instance, name, value)
    return instance


def in_transaction(save):
    with transaction.atomic():
        save()


def in_a_batch(instance):
    with Everything.objects.batch_write(overwrite=True) as batch:
        batch.save(instance)


OBJECTS = Everything.objects
VERBS = {
    "save, new": lambda name, value: new(name, value).save(),
    "save, loaded": lambda name, value: loaded(name, value).save(),
    "save, update_fields": lambda name, value: loaded(name, value).save(update_fields=[name]),
    "save, unchecked": lambda name, value: new(name, value).save(validate=False),
    "save, loaded, unchecked": lambda name, value: loaded(name, value).save(validate=False),
    "save in a transaction": lambda name, value: in_transaction(new(name, value).save),
    "save, loaded, in one": lambda name, value: in_transaction(loaded(name, value).save),
    "create": lambda name, value: Everything.create(id="a", **{name: value}),
    "get_or_create": lambda name, value: Everything.objects.get_or_create(
        id="a", defaults={name: value}
    ),
    "bulk_create": lambda name, value: OBJECTS.bulk_create([new(name, value)]),
    "bulk_create, upsert": lambda name, value: OBJECTS.bulk_create(
        [new(name, value)], update_conflicts=True
    ),
    "bulk_update, new": lambda name, value: OBJECTS.bulk_update([new(name, value)], [name]),
    "bulk_update, loaded": lambda name, value: OBJECTS.bulk_update([loaded(name, value)], [name]),
    "bulk_update, unchecked": lambda name, value: OBJECTS.bulk_update(
        [new(name, value)], [name], validate=False
    ),
    "batch_write": lambda name, value: Everything.batch_write([new(name, value)], overwrite=True),
    "batch_write, dicts": lambda name, value: Everything.batch_write(
        [{"id": "a", name: value}], overwrite=True
    ),
    "batch_write, block": lambda name, value: in_a_batch(new(name, value)),
    "save_all": lambda name, value: save_all([new(name, value)]),
    "full_clean": lambda name, value: new(name, value).full_clean(),
    "full_clean, loaded": lambda name, value: loaded(name, value).full_clean(),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("verb", VERBS)
def test_an_expression_is_no_value(script, verb, place):
    """Nothing is sent: the script has no answers."""
    name, put = PLACES[place]
    for what, expression in EXPRESSIONS.items():
        if name == "version" and verb == "bulk_update, new":
            continue  # update() raises it itself
        if verb == "get_or_create":
            script.answers = [b"{}"]  # there is none
        try:
            with pytest.raises(ValidationError) as caught:
                VERBS[verb](name, put(expression))
            assert "an expression, not a value: pass it to update()" in str(caught.value), what
        finally:
            script.answers = []


@pytest.mark.parametrize("place", PLACES)
def test_looking_at_an_assigned_expression_raises_nothing(place):
    name, put = PLACES[place]
    for expression in EXPRESSIONS.values():
        instance = loaded(name, put(expression))
        assert instance.is_changed
        assert name in repr(instance)
        assert instance.changes()
        instance.revert()
        assert not instance.is_changed

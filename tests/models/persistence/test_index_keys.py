"""The keys of indexes are checked like those of the table, by every verb, before anything is sent."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

import pytest

from dynamodb_py import (
    BinaryField,
    CharField,
    DecimalField,
    EnumField,
    F,
    ForeignKey,
    GlobalIndex,
    IntegerField,
    LocalIndex,
    Model,
    SharedTable,
    TextField,
    UUIDField,
    ValidationError,
    transaction,
)
from dynamodb_py.exceptions import ModelDefinitionError
from dynamodb_py.expressions import IfNotExists, Path, Set, Value


class Grade(enum.Enum):
    NONE = ""
    GOOD = "good"


class Owner(Model):
    code = CharField(hash_key=True)


class Item(Model):
    class Meta:
        table_name = "items"

    a = CharField(hash_key=True)
    b = IntegerField(range_key=True)
    text = CharField()
    long = TextField()
    raw = BinaryField()
    grade = EnumField(Grade)
    owner = ForeignKey(Owner)
    near = CharField()
    both = CharField()
    free = CharField()

    by_text = GlobalIndex(hash_key="text", range_key="long")
    by_raw = GlobalIndex(hash_key=["raw", "grade"], range_key="both")
    by_owner = GlobalIndex(hash_key="owner")
    by_near = LocalIndex(range_key="near")
    by_both = GlobalIndex(hash_key="both")


WRONG: list[tuple[str, Any, str]] = [
    ("text", "", "empty"),
    ("text", "x" * 2049, "2048 bytes that a hash key"),
    ("text", "é" * 1025, "2048 bytes"),
    ("long", "", "empty"),
    ("long", "x" * 1025, "1024 bytes that a range key"),
    ("raw", b"", "empty"),
    ("raw", b"x" * 2049, "2048 bytes"),
    ("grade", Grade.NONE, "empty"),
    ("owner_id", "", "empty"),
    ("near", "", "empty"),
    ("near", "x" * 1025, "1024 bytes"),
    ("both", "x" * 1025, "1024 bytes"),
]
RIGHT: list[tuple[str, Any]] = [
    ("text", "x" * 2048),
    ("long", "x" * 1024),
    ("raw", b"x" * 2048),
    ("grade", Grade.GOOD),
    ("owner_id", "x" * 2048),
    ("near", "x" * 1024),
    ("both", None),
    ("text", None),
    ("free", ""),
]


def loaded() -> Item:
    return Item.from_db({"a": {"S": "a"}, "b": {"N": "1"}, "text": {"S": "old"}})


def changed(name: str, value: object) -> Item:
    item = loaded()
    setattr(item, name, value)
    return item


def in_transaction(write: Callable[[], object]) -> None:
    with transaction.atomic():
        write()


def new(name: str, value: Any) -> Item:
    return Item(a="a", b=1, **{name: value})


VERBS: dict[str, Callable[[str, Any], object]] = {
    "create": lambda n, v: Item.create(a="a", b=1, **{n: v}),
    "objects.create": lambda n, v: Item.objects.create(a="a", b=1, **{n: v}),
    "save of a new one": lambda n, v: new(n, v).save(),
    "save of a loaded one": lambda n, v: changed(n, v).save(),
    "save without validation": lambda n, v: new(n, v).save(validate=False),
    "save of changes without validation": lambda n, v: changed(n, v).save(validate=False),
    "save of a field": lambda n, v: changed(n, v).save(update_fields=[n]),
    "save of the whole": lambda n, v: changed(n, v).save(overwrite=True),
    "full_clean": lambda n, v: new(n, v).full_clean(),
    "update": lambda n, v: loaded().update(**{n: v}),
    "update by an action": lambda n, v: loaded().update(getattr(Item, n).set(v)),
    "update by F": lambda n, v: loaded().update(F(n).set(v)),
    "update if absent": lambda n, v: loaded().update(getattr(Item, n).if_not_exists(v)),
    "update by a keyword if absent": lambda n, v: loaded().update(
        **{n: getattr(Item, n).if_not_exists(v)}
    ),
    "update of a query": lambda n, v: Item.objects.filter(a="a").update(**{n: v}),
    "update of a key": lambda n, v: Item.objects.filter(a="a", b=1).update(**{n: v}),
    "update_or_create": lambda n, v: Item.objects.update_or_create(a="a", b=1, defaults={n: v}),
    "batch_write": lambda n, v: Item.batch_write(
        [*[{"a": f"{at}", "b": 1} for at in range(30)], {"a": "a", "b": 1, n: v}], overwrite=True
    ),
    "batch_write of instances": lambda n, v: Item.batch_write([new(n, v)], overwrite=True),
    "bulk_create": lambda n, v: Item.objects.bulk_create([new(n, v)]),
    "bulk_update": lambda n, v: Item.objects.bulk_update([changed(n, v)], [n]),
    "bulk_update without validation": lambda n, v: Item.objects.bulk_update(
        [new(n, v)], [n], validate=False
    ),
    "a transaction": lambda n, v: in_transaction(lambda: new(n, v).save()),
    "a transaction of an update": lambda n, v: in_transaction(lambda: loaded().update(**{n: v})),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("name", "value", "problem"),
    WRONG,
    ids=[f"{n}-{p[:4]}-{at}" for at, (n, _, p) in enumerate(WRONG)],
)
def test_what_no_key_holds_is_refused_by_field(script, verb, name, value, problem):
    with pytest.raises(ValidationError) as caught:
        VERBS[verb](name, value)
    assert problem in caught.value.errors[name][0]
    assert script.sent == []


@pytest.mark.parametrize(("name", "value"), RIGHT)
def test_what_a_key_holds_and_absence_are_written(script, name, value):
    script.answers = [{}, {}]
    new(name, value).save()
    loaded().update(**{name: value})


def test_all_wrong_fields_are_in_one_error(script):
    with pytest.raises(ValidationError) as caught:
        Item(a="", b=1, text="", raw=b"").save()
    assert caught.value.errors.keys() == {"a", "text", "raw"}


@pytest.mark.parametrize(
    "action",
    [
        Set(Path(("text",)), Value({"N": "5"})),
        Set(Path(("text",)), Value({"NULL": True})),
        Set(Path(("text",)), IfNotExists(Path(("text",)), Value({"BOOL": True}))),
    ],
    ids=["number", "NULL", "truth"],
)
def test_a_wrong_type_is_refused(script, action):
    with pytest.raises(ValidationError, match="this key is of type S"):
        loaded().update(action)


def test_the_text_of_a_template_is_checked_with_the_limit_of_its_key(script):
    class Made(Model):
        id = CharField(hash_key=True)
        word = CharField()
        made = CharField(template="{word}")
        by_made = GlobalIndex(hash_key="made")

    script.answers = [{}]
    Made.create(id="a", word="x" * 2048)
    with pytest.raises(ValidationError, match="2048 bytes"):
        Made.create(id="a", word="x" * 2049)


def test_a_model_in_a_shared_table_is_checked_by_the_indexes_of_the_table(script):
    class App(SharedTable):
        pk = CharField(hash_key=True)
        sk = CharField(range_key=True)
        gsi = CharField()
        by_gsi = GlobalIndex(hash_key="gsi")

    class Thing(Model):
        class Meta:
            table = App
            keys = {"pk": "THING#{id}", "sk": "THING"}

        id = CharField()
        word = CharField(name="gsi")

    with pytest.raises(ValidationError, match="empty"):
        Thing.create(id="a", word="")


def test_a_kind_of_item_is_checked_by_the_indexes_of_the_other_kinds(script):
    class Root(Model):
        class Meta:
            discriminator = "kind"

        id = CharField(hash_key=True)
        word = CharField()

    script.answers = [{}]
    Root.create(id="a", word="")

    class Branch(Root):
        by_word = GlobalIndex(hash_key="word")

    with pytest.raises(ValidationError, match="empty"):
        Root.create(id="a", word="")
    with pytest.raises(ValidationError, match="empty"):
        Branch.create(id="a", word="")


@pytest.mark.parametrize(
    "field", [CharField, IntegerField, BinaryField, DecimalField, UUIDField, TextField]
)
@pytest.mark.parametrize(
    "index",
    [
        lambda: GlobalIndex(hash_key="x"),
        lambda: GlobalIndex(hash_key="y", range_key="x"),
        lambda: GlobalIndex(hash_key=["y", "x"]),
        lambda: LocalIndex(range_key="x"),
    ],
    ids=["hash", "range", "several", "local"],
)
def test_null_in_the_key_of_an_index_is_refused_at_the_class(field, index):
    names = {
        "k": CharField(hash_key=True),
        "r": CharField(range_key=True),
        "x": field(null=True),
        "y": CharField(),
        "by_x": index(),
    }
    with pytest.raises(ModelDefinitionError, match=r"Test\.x: it is in the key of an index"):
        type("Test", (Model,), names)


def test_a_default_that_no_key_holds_is_refused_at_the_class():
    names = {
        "k": CharField(hash_key=True),
        "x": CharField(default=""),
        "by_x": GlobalIndex(hash_key="x"),
    }
    with pytest.raises(ModelDefinitionError, match=r"Test\.x: default='' cannot be stored"):
        type("Test", (Model,), names)


def test_a_subclass_without_the_index_is_free(script):
    class Base(Model):
        class Meta:
            abstract = True

        id = CharField(hash_key=True)
        word = CharField()

    class Indexed(Base):
        by_word = GlobalIndex(hash_key="word")

    class Free(Base):
        pass

    script.answers = [{}]
    Free.create(id="a", word="")
    with pytest.raises(ValidationError, match="empty"):
        Indexed.create(id="a", word="")

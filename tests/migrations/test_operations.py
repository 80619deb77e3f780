"""Operations: what is refused when they are made, and how they are described."""

from __future__ import annotations

import re

import pytest

from dynamodb_py import CharField, DateTimeField, F, Model
from dynamodb_py.exceptions import MigrationError, QueryError, ValidationError
from dynamodb_py.migrations import AddIndex, Backfill, DropIndex, RenameAttribute, RunPython

from .models import Order, PlainUser, User


class Base(Model):
    class Meta:
        abstract = True


def shout(user: User) -> None:
    user.name = user.name.upper()


class Functor:
    def __call__(self, user: User) -> None: ...


@pytest.mark.parametrize("model", [None, "User", User(name="a"), Base, Model, dict, int])
@pytest.mark.parametrize(
    "make",
    [
        lambda model: AddIndex(model, "by_city"),
        lambda model: DropIndex(model, "by_city"),
        lambda model: Backfill(model, shout),
        lambda model: RenameAttribute(model, "a", "b"),
    ],
    ids=["add", "drop", "backfill", "rename"],
)
def test_what_is_no_model_with_a_table_is_refused(make, model):
    with pytest.raises(MigrationError, match="is not a model with a table"):
        make(model)


REFUSED = [
    (lambda: AddIndex(User, ""), "is not the name of an index"),
    (lambda: AddIndex(User, None), "None is not the name of an index"),
    (lambda: Backfill(User, 7), "7 is not a change: give a function of an instance, an action"),
    (lambda: Backfill(User, None), "None is not a change"),
    (lambda: Backfill(User, shout, segments=0), r"segments=0\): give a number from 1 to 100"),
    (lambda: Backfill(User, shout, segments=101), "give a number from 1 to 100"),
    (lambda: Backfill(User, shout, segments=True), "give a number from 1 to 100"),
    (lambda: RenameAttribute(User, "a", "b", segments=1.5), "give a number from 1 to 100"),
    (lambda: RenameAttribute(User, "name", "b"), "'name' belongs to the table's key, which cannot"),
    (lambda: RenameAttribute(User, "b", "name"), "'name' belongs to the table's key"),
    (lambda: RenameAttribute(Order, "x", "number"), "'number' belongs to the table's key"),
    (
        lambda: RenameAttribute(User, "city", "town"),
        "'city' belongs to the key of index by_city, which",
    ),
    (lambda: RenameAttribute(Order, "total", "sum"), "'total' belongs to the key of index"),
    (lambda: RenameAttribute(Order, "email", "mail"), "'email' is unique, and its sentinels"),
    (lambda: RenameAttribute(Order, "mail", "email"), "'email' is unique"),
    (lambda: RenameAttribute(User, "a", "a"), "the two names are the same"),
    (lambda: RenameAttribute(User, "", "a"), "'' is not the name of an attribute"),
    (lambda: RenameAttribute(User, "a", 7), "7 is not the name of an attribute"),
    (lambda: RunPython(None), r"RunPython\(None\): give a function"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_run_is_refused_at_once(make, message):
    with pytest.raises(MigrationError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Backfill(User, {"name": "b"}), ValidationError, "name: it is part of the key"),
        (lambda: Backfill(User, {"count": "many"}), ValidationError, "count"),
        (lambda: Backfill(User, {"town": "b"}), TypeError, "town"),
        (lambda: Backfill(Order, {"email": "b"}), ValidationError, "email: it is unique"),
        (lambda: Backfill(User, {}), QueryError, "nothing to change"),
        (lambda: Backfill(User, []), QueryError, "nothing to change"),
        (lambda: Backfill(User, [7]), TypeError, "takes values by field, and actions"),
        (lambda: Backfill(User, shout, condition=True), TypeError, "condition= takes a condition"),
        (lambda: Backfill(User, shout, rate=0), QueryError, "rate=0: give a number"),
        (lambda: RenameAttribute(User, "a", "b", rate="5"), QueryError, "rate='5'"),
    ],
    ids=range(10),
)
def test_an_update_that_no_item_could_take_is_refused_at_once(make, error, message):
    with pytest.raises(error, match=message):
        make()


ABSENT = User.city.not_exists()


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        (AddIndex(User, "by_city"), "add index by_city of User"),
        (DropIndex(PlainUser, "by_city"), "drop index by_city of PlainUser"),
        (Backfill(User, shout), "backfill User by shout"),
        (Backfill(User, Functor()), "backfill User by Functor"),
        (Backfill(User, {"city": "b", "count": 1}), "backfill User by city, count"),
        (Backfill(User, F("count").add(1)), "backfill User by count"),
        (Backfill(User, {"count": F("count") + 1}), "backfill User by count"),
        (Backfill(Order, [Order.total.set(1)]), "backfill Order by total, version"),
        (RenameAttribute(User, "a", "b"), "rename attribute a of User to b"),
        (RunPython(shout), "run shout"),
    ],
)
def test_each_operation_is_described_in_words(operation, text):
    assert operation.describe() == text


@pytest.mark.parametrize(
    ("operation", "notes"),
    [
        (AddIndex(User, "by_city"), "DynamoDB reads the whole table"),
        (DropIndex(PlainUser, "by_city"), None),
        (Backfill(User, shout), "at least once: .* give a condition that the change makes false"),
        (Backfill(User, {"city": "b"}), "at least once"),
        (Backfill(User, shout, condition=ABSENT), "^once for each item, if the change makes the"),
        (RenameAttribute(User, "a", "b"), None),
        (RunPython(shout), "at least once"),
    ],
)
def test_what_is_repeated_after_an_interruption_is_noted(operation, notes):
    if notes is None:
        assert operation.notes == ()
    else:
        [note] = operation.notes
        assert re.search(notes, note)


def test_a_rename_takes_only_items_that_have_the_first_name_and_not_the_second():
    operation = RenameAttribute(User, "a", "b")
    assert "(attribute_exists(a) AND attribute_not_exists(b))" in str(operation.required)
    assert [str(each.path) for each in operation.make_actions()] == ["b", "a"]


def test_a_rename_raises_the_version():
    actions = RenameAttribute(Order, "a", "b").make_actions()
    assert [each.path.parts[0] for each in actions] == ["b", "a", "version"]


def test_fields_that_set_themselves_do_so_at_each_run():
    class Page(Model):
        name = CharField(hash_key=True)
        title = CharField()
        updated = DateTimeField(auto_now=True)

    operation = Backfill(Page, {"title": "t"})
    assert operation.describe() == "backfill Page by title, updated"

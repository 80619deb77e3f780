"""Tables: the tables of many models, or of a module."""

from __future__ import annotations

import types

import pytest

from dynamodb_py import (
    CharField,
    ConfigurationError,
    ForeignKey,
    GlobalIndex,
    Model,
    ModelDefinitionError,
    SharedTable,
    TableAlreadyExists,
    TableMismatch,
    Tables,
)


class Book(Model):
    isbn = CharField(hash_key=True)
    title = CharField()


class Author(Model):
    name = CharField(hash_key=True)


class Pet(Model):
    class Meta:
        discriminator = "kind"

    name = CharField(hash_key=True)


class Dog(Pet):
    breed = CharField()
    by_breed = GlobalIndex(hash_key="breed")


class App(SharedTable):
    pk = CharField(hash_key=True)


class User(Model):
    class Meta:
        table = App
        keys = {"pk": "USER#{name}"}

    name = CharField()


class Base(Model):
    class Meta:
        abstract = True


ALL = [Book, Author, Pet, Dog, App, User]


def titled(**meta):
    index = GlobalIndex("by_title", hash_key="title")
    options = type("Meta", (), {"table_name": "Book", "indexes": [index], **meta})
    fields = {"isbn": CharField(hash_key=True), "title": CharField()}
    return type("Book", (Model,), {"Meta": options, "__module__": __name__, **fields})


@pytest.mark.engines("dynoxide", "extenddb")
def test_many_tables_are_created_described_updated_and_deleted(engine, do):
    tables = Tables(ALL)
    names = {engine.table_name(name) for name in ("Book", "Author", "Pet", "App")}
    assert {table.name for table in tables} == names
    assert do(tables.create).keys() == names
    assert not do(tables.plan)
    found = do(tables.info)
    assert {each["TableStatus"] for each in found.values()} == {"ACTIVE"}
    pets = found[engine.table_name("Pet")]
    assert [each["IndexName"] for each in pets["GlobalSecondaryIndexes"]] == ["by_breed"]

    changed = Tables([titled(tags={"a": "1"}), Author])
    assert [step.part for step in do(changed.plan)] == ["tags", "index by_title"]
    assert str(do(changed.update, dry_run=True)) == str(do(changed.plan))
    seen: list[tuple[int, int]] = []
    do(changed.update, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (2, 2)
    assert not do(changed.plan)
    assert [step.part for step in do(tables.plan, drop_indexes=True)] == ["index by_title"]
    do(tables.update, drop_indexes=True)
    assert not do(tables.plan, drop_indexes=True)

    do(tables.delete)
    assert not names & {*engine.boto3().list_tables()["TableNames"]}
    assert do(tables.delete, missing_ok=True) is None


@pytest.mark.engines("dynoxide", "extenddb")
def test_the_others_are_done_before_an_error_is_raised(engine, do):
    do(Tables([Author]).create)
    tables = Tables([Book, Author, Pet])
    with pytest.raises(TableAlreadyExists):
        do(tables.create)
    do(tables.create, if_not_exists=True)
    assert len(do(tables.info)) == 3
    meta = type("Meta", (), {"table_name": "Author"})
    fields = {"name": CharField(hash_key=True), "born": CharField(range_key=True)}
    other = type("Author", (Model,), {"Meta": meta, "__module__": __name__, **fields})
    with pytest.raises(TableMismatch, match="Author"):
        do(Tables([other, titled()]).update)
    assert not do(Tables([titled()]).plan)


def test_a_module_gives_the_models_that_it_and_modules_below_define():
    package = types.ModuleType("shop")
    inside = type("Inside", (Model,), {"__module__": "shop.models"})
    outside = type("Outside", (Model,), {"__module__": "shopping"})
    abstract = type(
        "Abstract", (Model,), {"__module__": "shop", "Meta": type("Meta", (), {"abstract": True})}
    )
    vars(package).update(
        {"Inside": inside, "Outside": outside, "Abstract": abstract, "Model": Model, "n": 1}
    )
    assert [table.model for table in Tables(package)] == [inside]
    assert repr(Tables(package)) == "<Tables Inside>"


def test_classes_of_one_table_count_once():
    tables = Tables(ALL)
    assert len(tables) == 4
    assert [table.model for table in tables] == [Book, Author, Pet, App]


def test_references_between_the_models_do_not_matter():
    class Shelf(Model):
        label = CharField(hash_key=True)
        book = ForeignKey(Book)

    assert len(Tables([Shelf, Book])) == 2


def test_two_declarations_of_one_table_are_refused():
    with pytest.raises(ModelDefinitionError, match="Book and Book both have the table 'Book'"):
        Tables([Book, titled()])


def test_models_on_two_connections_are_refused():
    meta = type("Meta", (), {"using": "archive"})
    old = type("Old", (Model,), {"Meta": meta, "__module__": __name__})
    with pytest.raises(ConfigurationError, match="on the connections 'archive' and 'default'"):
        Tables([Book, old])
    assert Tables([Book, old], using="archive").using == "archive"
    assert Tables([old]).using == "archive"


@pytest.mark.parametrize("wrong", [Base, int, object()])
def test_what_has_no_table_is_refused(wrong):
    with pytest.raises(TypeError, match="has no table"):
        Tables([Book, wrong])


def test_no_models_are_no_tables():
    assert len(Tables([])) == 0

"""Fields may have any name, and slips in calls and declarations get a message of the package."""

from __future__ import annotations

import inspect

import pytest

from dynamodb_py import (
    CharField,
    DynamoDBError,
    IntegerField,
    Model,
    ModelDefinitionError,
    QueryError,
    ValidationError,
    connections,
    delete_all,
    load,
    save_all,
)  # fmt: skip

from ..scripted import Script, scripted_connection

NAMES = [
    "self",
    "cls",
    "key",
    "model",
    "bound",
    "instance",
    "record",
    "values",
    "item",
    "name",
    "fields",
]


@pytest.fixture
def script(monkeypatch):
    script = Script()
    monkeypatch.setitem(connections._connections, "default", scripted_connection(script))
    return script


@pytest.fixture(params=NAMES)
def named(request):
    """Return a model with a field of this name, and the name."""
    fields = {"id": CharField(hash_key=True), request.param: CharField()}
    return type(Model)("Form", (Model,), {"__module__": __name__, **fields}), request.param


def test_values_are_given_by_any_name(named, script):
    form, name = named
    given = {"id": "a", name: "x"}
    script.answers = [b"{}"] * 4
    assert form(**given).to_dict() == given
    assert form.from_dict(given).to_dict() == given
    assert form.create(**given).to_dict() == given
    assert form.objects.create(**given).to_dict() == given
    assert form.batch_write([given], overwrite=True)[0].to_dict() == given
    assert form(id="a").update(**{name: "x"}).to_dict() == given
    assert [payload.get("Item", {}).get(name) for payload in script.payloads[:2]] == [
        {"S": "x"}
    ] * 2


class Animal(Model):
    class Meta:
        discriminator = "cls"

    id = CharField(hash_key=True)


class Dog(Animal):
    bones = IntegerField()


def test_a_dict_that_names_a_class_is_written_as_that_class(script):
    script.answers = [b"{}", b"{}"]
    given = Dog(id="c", bones=1).to_dict()
    assert given["cls"] == "Dog"
    [dog] = Animal.batch_write([given], overwrite=True)
    assert (type(dog), dog.bones) == (Dog, 1)
    assert Dog.create(id="a", cls="Dog").cls == "Dog"


def test_an_undeclared_attribute_with_the_name_of_a_field_is_in_as_dicts(script):
    class Item(Model):
        id = CharField(hash_key=True)
        game = CharField(name="g")

    item = b'{"id":{"S":"a"},"g":{"S":"declared"},"game":{"S":"undeclared"},"game_":{"S":"third"}}'
    script.answers = [b'{"Item":%b}' % item]
    found = Item.objects.filter(id="a").as_dicts()[:1]
    [found] = list(found)
    assert sorted(found) == ["game", "game_", "game__", "id"]
    assert {"declared", "undeclared", "third"} <= set(found.values())


@pytest.mark.parametrize("given", [None, "", 5, b"t"], ids=repr)
@pytest.mark.parametrize("older", [False, True], ids=["Meta", "__table_name__"])
def test_a_table_name_that_is_given_but_no_text(given, older):
    options = (
        {"__table_name__": given} if older else {"Meta": type("Meta", (), {"table_name": given})}
    )
    with pytest.raises(ModelDefinitionError, match="table_name"):
        type(Model)("Order", (Model,), {"__module__": __name__, **options})


OBJECTS = Animal.objects
SLIPS = {
    "order_by(None)": (lambda: OBJECTS.order_by(None), "one by one"),
    "order_by([...])": (lambda: OBJECTS.order_by(["id"]), "one by one"),
    "values([...])": (lambda: OBJECTS.filter(id="a").values(["id"]), "one by one"),
    "values_list([...])": (lambda: OBJECTS.filter(id="a").values_list(["id"]), "one by one"),
    "[:'3']": (lambda: OBJECTS.filter(id="a")[:"3"], "are ints"),
    "['3':]": (lambda: OBJECTS.filter(id="a")["3":], "are ints"),
    "limit('3')": (lambda: OBJECTS.limit("3"), "an int"),
    "limit(True)": (lambda: OBJECTS.limit(True), "an int"),
    "page(size='3')": (lambda: OBJECTS.filter(id="a").page(size="3"), "an int"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_slips_in_queries(slip):
    call, text = SLIPS[slip]
    with pytest.raises(QueryError, match=text):
        call()


@pytest.mark.parametrize(
    "given", ["a", b"a", 5, None, {"id": "a"}, Dog(id="a"), ["a"], [None]], ids=repr
)
@pytest.mark.parametrize("verb", [load, save_all, delete_all, Animal.batch_write, OBJECTS.bulk_create],
                         ids=["load", "save_all", "delete_all", "batch_write", "bulk_create"])  # fmt: skip
def test_one_value_where_many_are_expected(verb, given):
    with pytest.raises(ValidationError if isinstance(given, list) else QueryError):
        verb(given)


def test_the_own_arguments_of_public_methods_are_positional():
    """Else a field of that name could not be given."""
    for name in ("__init__", "create", "get", "batch_get", "update", "save"):
        method = inspect.unwrap(getattr(Model, name))
        first = next(
            iter(inspect.signature(getattr(method, "__func__", method)).parameters.values())
        )
        takes_names = inspect.Parameter.VAR_KEYWORD in {
            each.kind
            for each in inspect.signature(getattr(method, "__func__", method)).parameters.values()
        }
        assert not takes_names or first.kind is inspect.Parameter.POSITIONAL_ONLY, name
    assert issubclass(QueryError, DynamoDBError)

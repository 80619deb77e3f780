"""Fields may have any name, and slips in calls and declarations get a message of the package."""

from __future__ import annotations

import enum
import inspect
import json
import re

import pytest

import dynamodb_py
from dynamodb_py import (
    BooleanField,
    CharField,
    Document,
    DynamoDBError,
    EmbeddedField,
    F,
    ForeignKey,
    GlobalIndex,
    IntegerField,
    MapField,
    Model,
    ModelDefinitionError,
    Q,
    QueryError,
    ValidationError,
    connections,
    delete_all,
    load,
    save_all,
)
from dynamodb_py.models.persistence.stored import encode_item

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


class Plain(Model):
    id = CharField(hash_key=True)
    n = 4
    items = ()

    def method(self): ...


NOT_DECLARED = {
    "Model(n=4)": lambda: Plain(id="a", n=4),
    "create": lambda: Plain.create(id="a", n=4),
    "objects.create": lambda: Plain.objects.create(id="a", n=4),
    "from_dict": lambda: Plain.from_dict({"id": "a", "n": 4}),
    "update": lambda: Plain(id="a").update(n=4),
    "filter": lambda: Plain.objects.filter(n=4),
    "exclude": lambda: Plain.objects.exclude(n=4),
    "order_by": lambda: Plain.objects.order_by("n"),
    "values": lambda: Plain.objects.values("n"),
    "only": lambda: Plain.objects.only("n"),
    "batch_write": lambda: Plain.batch_write([{"id": "a", "n": 4}], overwrite=True),
    "bulk_update": lambda: Plain.objects.bulk_update([Plain(id="a")], ["n"]),
    "update_or_create": lambda: Plain.objects.update_or_create(id="a", defaults={"n": 4}),
    "save(update_fields)": lambda: Plain(id="a").save(update_fields=["n"]),
}


@pytest.mark.parametrize("verb", NOT_DECLARED)
def test_a_plain_attribute_is_no_field(verb, script):
    with pytest.raises(
        TypeError, match=r"Plain\.n is a plain attribute of the class: declare a field, n ="
    ):
        NOT_DECLARED[verb]()
    assert not script.sent


@pytest.mark.parametrize("name", ["method", "save", "nothing", "objects", "DoesNotExist"])
def test_other_unknown_names_are_just_unknown(name):
    with pytest.raises(TypeError) as caught:
        Plain(id="a", **{name: 1})
    assert str(caught.value) == f"Plain has no field {name}: its fields are id"
    assert Plain(id="a").n == 4


OPTIONS_OF_OTHERS = {
    "primary_key": "hash_key=True",
    "blank": "required=True",
    "db_column": "name=",
    "attr_name": "name=",
    "db_index": "GlobalIndex",
    "max_digits": "38 digits",
    "default_for_new": "default=",
    "help_text": "leave it out",
    "wrong": "takes no wrong",
}
KINDS_OF_FIELDS = [
    each
    for each in vars(dynamodb_py).values()
    if isinstance(each, type) and each.__module__.startswith("dynamodb_py.models.fields.")
]


@pytest.mark.parametrize("option", OPTIONS_OF_OTHERS)
@pytest.mark.parametrize("kind", [*KINDS_OF_FIELDS, ForeignKey], ids=lambda kind: kind.__name__)
def test_options_of_other_mappers_are_refused_with_ours(kind, option):
    required = {"MapField": [{}], "EmbeddedField": [Document], "EnumField": [enum.Enum("E", "A")],
                "ForeignKey": [Plain], "CompositeField": ["a", "b"]}  # fmt: skip
    with pytest.raises(TypeError) as caught:
        kind(*required.get(kind.__name__, []), **{option: True})
    assert f"takes no {option}" in str(caught.value)
    assert OPTIONS_OF_OTHERS[option] in str(caught.value)


@pytest.mark.parametrize(
    ("option", "instead"),
    [
        ("region", "connect(region_name=...)"),
        ("host", "connect(endpoint_url=...)"),
        ("unique_together", "UniqueConstraint"),
        ("ordering", "order_by()"),
        ("db_table", "table_name="),
        ("read_capacity_units", "read_capacity="),
        ("wrong", "Meta takes table_name"),
    ],
)
def test_options_of_other_mappers_in_meta(option, instead):
    meta = type("Meta", (), {option: "us-east-1"})
    with pytest.raises(ModelDefinitionError) as caught:
        type(Model)("Order", (Model,), {"__module__": __name__, "Meta": meta})
    assert f"Order.Meta.{option} is unknown" in str(caught.value)
    assert instead in str(caught.value)


@pytest.mark.parametrize(
    "name", ["filter", "all", "exclude", "order_by", "first", "count", "query"]
)
def test_verbs_of_managers_are_on_the_manager(name):
    verb = "filter" if name == "query" else name
    for place in (Plain, Plain(id="a")):
        with pytest.raises(AttributeError, match=rf"but its manager has: Plain\.objects\.{verb}\("):
            getattr(place, name)
        assert not hasattr(place, name)


def test_fields_and_attributes_may_have_the_names_of_verbs_of_managers(script):
    class Counted(Model):
        id = CharField(hash_key=True)
        count = IntegerField()
        first = CharField()
        query = None

        def filter(self):
            return self.count

    script.answers = [b"{}"]
    made = Counted.create(id="a", count=3, first="x")
    assert (made.filter(), made.first, made.query) == (3, "x", None)
    assert "first" in script.payloads[0]["Item"]


class Choosy(Model):
    """Whose fields have the names of options."""

    id = CharField(hash_key=True)
    condition = CharField()
    overwrite = BooleanField()
    using = CharField()
    defaults = CharField()
    consistent = BooleanField()
    atomic = BooleanField()
    returning = CharField()
    validate = BooleanField()


BOTH = {
    "create(condition=)": lambda: Choosy.create(id="a", condition="x"),
    "create(overwrite=True)": lambda: Choosy.create(id="a", overwrite=True),
    "create(overwrite=False)": lambda: Choosy.objects.create(id="a", overwrite=False),
    "update(condition=)": lambda: Choosy(id="a").update(condition="x"),
    "update(atomic=False)": lambda: Choosy(id="a").update(atomic=False),
    "update(returning=)": lambda: Choosy(id="a").update(returning="x"),
    "of a query set": lambda: Choosy.objects.filter(id="a").update(condition="x"),
    "modify": lambda: Choosy.objects.filter(id="a").modify(condition="x"),
    "get(consistent=)": lambda: Choosy.objects.get(id="a", consistent=True),
}


@pytest.mark.parametrize("call", BOTH)
def test_a_keyword_that_is_an_option_and_a_field_is_refused(call, script):
    with pytest.raises(TypeError, match="field"):
        BOTH[call]()
    assert not script.sent


def test_fields_with_the_names_of_options_are_as_others_elsewhere(script):
    values = {
        "condition": "c",
        "overwrite": True,
        "using": "u",
        "defaults": "d",
        "consistent": False,
        "atomic": True,
        "returning": "new",
        "validate": False,
    }
    script.answers = [b"{}"] * 7
    assert Choosy(id="a", **values).to_dict() == {"id": "a", **values}
    Choosy(id="a", **values).save(overwrite=True)
    Choosy.create(id="a", using="u", defaults="d", validate=False)
    Choosy.batch_write([{"id": "a", **values}], overwrite=True)
    Choosy.objects.get_or_none("a", consistent=True)
    Choosy(id="a").update(*[getattr(Choosy, name).set(value) for name, value in values.items()])
    assert str(Choosy.objects.filter(**values)._question.condition).count("AND") == len(values) - 1
    assert Choosy.from_dict({"id": "a", **values}).to_dict() == {"id": "a", **values}


@pytest.mark.parametrize(
    ("call", "verb"),
    [
        (lambda: Plain(id="a").save(commit=False), "save"),
        (lambda: Plain(id="a").save("a", "b"), "save"),
        (lambda: Plain(id="a").delete(keep_parents=True), "delete"),
        (lambda: Plain.objects.bulk_create([], chunk=5), "bulk_create"),
        (lambda: Plain.objects.filter(id="a").count("a"), "count"),
        (lambda: Plain.objects.in_bulk(["a"], field_name="id"), "in_bulk"),
    ],
    ids=range(6),
)
def test_wrong_arguments_are_refused_by_the_name_of_the_verb(call, verb):
    with pytest.raises(TypeError, match=rf"[A-Z]\w+\.{verb}\(\) "):
        call()


NAMES_IN_DYNAMODB = [
    'a"b', "a'b", "a\\b", "a\nb", "\x00", "\u2028", "{x}", "a.b", "a[0]", "#a", ":a", " ", "self",
    "None", "import os", "\U0001f600", "%s", "a b", "size", "__class__",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES_IN_DYNAMODB, ids=repr)
def test_attributes_may_have_any_name(name, script):
    """In the table's key, in an index, in documents, maps and references."""

    class Inside(Document):
        text = CharField(name=name)
        other = CharField(name=name + "2")

    class Named(Model):
        id = CharField(hash_key=True, name=name)
        text = CharField(name=name + "1", range_key=True)
        inside = EmbeddedField(Inside, name=name + "2")
        keyed = MapField({name: IntegerField()})
        plain = CharField(name=name + "3")

        by_plain = GlobalIndex(hash_key="plain")

    given = Named(id="i", text="t", inside=Inside(text="x", other="y"), keyed={name: 4}, plain="p")
    item = json.loads(encode_item(given))
    assert item[name] == {"S": "i"}
    read = Named.from_db(json.loads(json.dumps(item)))
    assert read.to_dict() == given.to_dict()
    assert not read.is_changed
    read.inside.text, read.keyed[name] = "z", 5
    script.answers = [b"{}", b'{"Item":%s}' % json.dumps(item).encode()]
    read.save()
    update = script.payloads[0]
    assert sorted(update["ExpressionAttributeNames"].values()).count(name) >= 1
    assert {"S": "z"} in update["ExpressionAttributeValues"].values()
    assert Named.get("i", "t").to_dict() == given.to_dict()
    plan = Named.objects.filter(plain="p", inside__text="x").explain()
    assert plan.index == "by_plain"
    assert name in plan.lanes[0].requests[0].expressions.names.values()


@pytest.mark.parametrize("name", ["", "\ud800", "a\udfff", 5, b"a"], ids=repr)
def test_what_is_no_text_is_no_name(name):
    with pytest.raises(ModelDefinitionError, match="a text that is not empty"):
        type(Model)("Order", (Model,), {"__module__": __name__, "a": CharField(name=name)})


def test_crossed_names(script):
    """A field stored under the name of another one, and the other way round; in documents too."""

    class Inside(Document):
        a = CharField(name="b")
        b = CharField(name="a")

    class Crossed(Model):
        hash = CharField(hash_key=True, name="range")
        range = CharField(range_key=True, name="hash")
        a = IntegerField(name="b")
        b = IntegerField(name="a")
        inside = EmbeddedField(Inside)

        by_a = GlobalIndex(hash_key="a", range_key="b", projection=["inside"])

    given = Crossed(hash="h", range="r", a=1, b=2, inside=Inside(a="x", b="y"))
    item = json.loads(encode_item(given))
    assert (item["range"], item["hash"]) == ({"S": "h"}, {"S": "r"})
    assert (item["b"], item["a"]) == ({"N": "1"}, {"N": "2"})
    assert item["inside"] == {"M": {"b": {"S": "x"}, "a": {"S": "y"}}}
    read = Crossed.from_db(item)
    assert read.to_dict() == given.to_dict()
    assert Crossed.from_dict(given.to_dict()) == read
    script.answers = [b"{}", b'{"Item":%s}' % json.dumps(item).encode(), b"{}"]
    read.a, read.inside.b = 7, "new"
    read.save()
    names, values = (
        script.payloads[0][f"ExpressionAttribute{each}"] for each in ("Names", "Values")
    )
    changes = {
        ".".join(names.get(part, part) for part in place.split(".")): values[value]
        for place, value in re.findall(r"(\S+) = (:\d+)", script.payloads[0]["UpdateExpression"])
    }
    assert changes == {"b": {"N": "7"}, "inside.a": {"S": "new"}}
    assert Crossed.get(hash="h", range="r").to_dict() == given.to_dict()
    assert script.payloads[1]["Key"] == {"range": {"S": "h"}, "hash": {"S": "r"}}
    for condition in (Q(a=1), Crossed.a == 1, F("a") == 1):
        plan = Crossed.objects.filter(condition, hash="h").explain()
        assert plan.explanation.filter.describe() == "b = 1"
    inside = Crossed.objects.filter(hash="h", inside__a="x").explain().explanation.filter
    assert inside.describe() == "inside.b = 'x'"
    assert Crossed.objects.filter(a=1).order_by("b").only("a", "b").operation().index == "by_a"
    Crossed(hash="h", range="r").update(a=F("b") + 1)
    assert script.payloads[2]["ExpressionAttributeNames"]["#0"] in "ab"
    rows = Crossed.objects.filter(hash="h").values("a", "b", "inside__a")
    assert [each.parts for each in rows._question.wanted] == [("b",), ("a",), ("inside", "b")]

"""Places inside documents: by attribute, by lookups and by F, checked against what is declared."""

from __future__ import annotations

import copy

import pytest

from dynamodb_py import (
    CharField,
    DictField,
    Document,
    EmbeddedField,
    F,
    IntegerField,
    ListField,
    MapField,
    Model,
    QueryError,
    SetField,
    ValidationError,
)
from dynamodb_py.expressions import Names, render_update
from dynamodb_py.models.persistence.update_actions import build_update
from dynamodb_py.models.queryset.lookup_resolution import make_condition
from dynamodb_py.models.records.encoding import encode_fields

from ..expressions.spelling import spell


class Geo(Document):
    lat = IntegerField()


class Address(Document):
    city = CharField(required=True)
    zip = CharField(name="zip-code", max_length=5)
    name = CharField()
    geo = EmbeddedField(Geo)


class Line(Document):
    sku = CharField()
    qty = IntegerField(default=1, max_value=10)
    size = IntegerField()


class Order(Model):
    id = CharField(hash_key=True)
    address = EmbeddedField(Address, name="addr")
    lines = ListField(EmbeddedField(Line))
    short = ListField(Line)
    homes = DictField(of=Address)
    counts = DictField(int)
    tags = SetField(str)
    shape = MapField({"a": IntegerField(), "home": EmbeddedField(Address)})
    free = DictField()


def n(value):
    return {"N": str(value)}


SAME = {
    "a field": (
        Order.address.city == "Lyon",
        {"address__city": "Lyon"},
        F("address__city") == "Lyon",
        "#0.#1 = :0",
        ["addr", "city"],
    ),
    "its attribute's name": (
        Order.address.zip != "x",
        {"address__zip__ne": "x"},
        F("address")["zip"] != "x",
        "#0.#1 <> :0",
        ["addr", "zip-code"],
    ),
    "a document in a document": (
        Order.address.geo.lat > 3,
        {"address__geo__lat__gt": 3},
        F("address__geo__lat") > 3,
        "#0.#1.#2 > :0",
        ["addr", "geo", "lat"],
    ),
    "an element": (
        Order.lines[0].qty >= 2,
        {"lines__0__qty__gte": 2},
        F("lines")[0]["qty"] >= 2,
        "#0[0].#1 >= :0",
        ["lines", "qty"],
    ),
    "the short form": (
        Order.short[12].sku == "x",
        {"short__12__sku": "x"},
        F("short__12__sku") == "x",
        "#0[12].#1 = :0",
        ["short", "sku"],
    ),
    "a value of a dict": (
        Order.homes["work"].zip == "x",
        {"homes__work__zip": "x"},
        F("homes__work__zip") == "x",
        "#0.#1.#2 = :0",
        ["homes", "work", "zip-code"],
    ),
    "a member of a map": (
        Order.shape["home"].zip == "x",
        {"shape__home__zip": "x"},
        F("shape__home__zip") == "x",
        "#0.#1.#2 = :0",
        ["shape", "home", "zip-code"],
    ),
    "a beginning": (
        Order.address.city.begins_with("Ly"),
        {"address__city__startswith": "Ly"},
        F("address__city").begins_with("Ly"),
        "begins_with(#0.#1, :0)",
        ["addr", "city"],
    ),
    "a name that fields have": (
        Order.address["name"] == "x",
        {"address__name": "x"},
        F("address__name") == "x",
        "#0.#1 = :0",
        ["addr", "name"],
    ),
    "a free place": (
        Order.free["a"]["zip"] == "x",
        {"free__a__zip": "x"},
        F("free__a__zip") == "x",
        "#0.#1.#2 = :0",
        ["free", "a", "zip"],
    ),
}


@pytest.mark.parametrize("case", SAME)
def test_all_three_ways_to_say_a_place_say_the_same(case):
    asked, lookup, by_name, text, names = SAME[case]
    for condition in (
        asked,
        make_condition(Order._meta, lookup),
        Order._meta.condition(by_name),
    ):
        spelled, *_ = spell(condition)
        used = Names()
        condition.render(used)
        assert (spelled, list(used.names.values())) == (text, names)


UNKNOWN = {
    "attribute": lambda: Order.address.town,
    "attribute of an element": lambda: Order.lines[0].quantity,
    "key": lambda: Order.address["town"],
    "lookup": lambda: make_condition(Order._meta, {"address__town": "x"}),
    "lookup with a word": lambda: make_condition(Order._meta, {"address__town__startswith": "x"}),
    "lookup of an element": lambda: make_condition(Order._meta, {"lines__0__quantity__gt": 1}),
    "F": lambda: Order._meta.condition(F("address__town") == "x"),
    "F in an update": lambda: build_update(Order._meta, [F("lines__0__quantity").set(1)], {}),
    "a source": lambda: build_update(
        Order._meta, [Order.lines[0].qty.set(F("address__town") + 1)], {}
    ),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_a_document_does_not_declare_is_refused_with_what_it_does(case):
    with pytest.raises((QueryError, AttributeError), match=r"its fields are (city, zip|sku, qty)"):
        UNKNOWN[case]()


def test_dicts_and_maps_keep_keys_that_nobody_declared():
    assert spell(Order.counts["any"] == 1)[0] == "#0.#1 = :0"
    assert spell(Order.shape["other"] == b"x")[0] == "#0.#1 = :0"
    assert spell(make_condition(Order._meta, {"shape__other__a": 1}))[0] == "#0.#1.#2 = :0"


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: Order.tags.city, "'SetField' object has no attribute 'city'"),
        (lambda: Order.lines.qty, "'ListField' object has no attribute 'qty'"),
        (lambda: Order.free["a"].city, "'Attr' object has no attribute 'city'"),
        (lambda: F("address").city, "'F' object has no attribute 'city'"),
        (lambda: Order.address._city, "no attribute '_city'"),
    ],
)
def test_only_documents_have_fields_as_attributes(ask, message):
    with pytest.raises(AttributeError, match=message):
        ask()


def test_a_name_that_fields_have_themselves_is_never_taken_for_an_answer():
    with pytest.raises(TypeError, match="False is not a condition"):
        Order.objects.filter(Order.address.name == "x", id="a")


def test_a_field_of_a_document_is_no_option_of_the_field_that_holds_it():
    class Letter(Document):
        template = CharField()
        range_key_of = CharField()

    class Post(Model):
        k = CharField(hash_key=True)
        letter = EmbeddedField(Letter)

    assert getattr(Post._meta.get_field("letter"), "range_key_of", None) is None
    assert getattr(Post._meta.get_field("letter"), "template", None) is None
    assert spell(Post.letter["template"] == "x")[0] == "#0.#1 = :0"


def test_a_field_can_be_taken_over_into_another_model():
    class Other(Model):
        k = CharField(hash_key=True)
        home = Order.address

    assert (Other.home.zip == "x").paths
    assert [path.parts for path in (Other.home.zip == "x").paths()] == [("addr", "zip-code")]
    assert type(Other._meta.get_field("home")) is EmbeddedField


def test_a_subclass_of_the_field_answers_for_its_document_too():
    class Home(EmbeddedField):
        pass

    class Other(Model):
        k = CharField(hash_key=True)
        home = Home(Address)

    assert isinstance(Other.home, Home)
    assert spell(Other.home.city == "x")[0] == "#0.#1 = :0"


def test_a_field_can_be_copied_though_it_answers_for_its_document():
    field = copy.deepcopy(Order.address)
    assert field.city.exists() == Order.address.city.exists()


# -- changes -------------------------------------------------------------------------------------

CHANGES = {
    "a sum": (Order.lines[0].qty.add(1), "ADD #0[0].#1 :0", n(1)),
    "a sum by F": (
        Order.lines[0].qty.set(F("lines__0__qty") + 1),
        "SET #0[0].#1 = #0[0].#1 + :0",
        n(1),
    ),
    "a value": (Order.address.zip.set("69001"), "SET #0.#1 = :0", {"S": "69001"}),
    "a value by F": (F("address__zip").set("69001"), "SET #0.#1 = :0", {"S": "69001"}),
    "a document": (
        Order.short[1].set(Line(sku="x", qty=2)),
        "SET #0[1] = :0",
        {"M": {"sku": {"S": "x"}, "qty": n(2)}},
    ),
    "more elements": (
        F("lines").append([Line(sku="x")]),
        "SET #0 = list_append(#0, :0)",
        {"L": [{"M": {"sku": {"S": "x"}, "qty": n(1)}}]},
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_changes_inside_documents_are_spelled_by_their_fields(case):
    change, text, value = CHANGES[case]
    given = ([], {"lines": change}) if case == "more elements" else ([change], {})
    found = build_update(Order._meta, *given)
    names = Names()
    assert render_update(found, names) == text
    assert list(names.values.values()) == [value]


REFUSED = {
    "another type": (lambda: Order.lines[0].qty.set("two"), "'two' is a str, not an int"),
    "another type by F": (lambda: F("lines__0__qty").set("two"), r"lines\[0\].qty: 'two' is a str"),
    "out of bounds": (lambda: Order.lines[0].qty.set(11), "11 is greater than max_value 10"),
    "too long": (lambda: F("address__zip").set("123456"), "is greater than max_length 5"),
    "a sum of texts": (lambda: Order.address.city.add(1), "stored as S, not as a number"),
    "a required one removed": (lambda: Order.address.city.remove(), "it is required"),
    "a document with a fault": (
        lambda: Order.short[0].set(Line(qty="x")),
        r"\[0\]['.\w]*.qty: 'x' is a str",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_changes_that_the_fields_refuse_are_told_with_their_place(case):
    make, message = REFUSED[case]
    with pytest.raises(ValidationError, match=message):
        build_update(Order._meta, [make()], {})


# -- depth ---------------------------------------------------------------------------------------


def nest(depth):
    """Return the innermost class first: documents in documents, *depth* of them."""
    inner = type("Level0", (Document,), {"value": IntegerField()})
    value = inner(value=1)
    for at in range(1, depth):
        outer = type(f"Level{at}", (Document,), {"deep": EmbeddedField(inner)})
        value = outer(deep=value)
        inner = outer
    return inner, value


def test_documents_nest_to_dynamodbs_32_levels_and_no_deeper():
    kind, value = nest(31)  # the innermost number is a level, too
    model = type("Deep", (Model,), {"k": CharField(hash_key=True), "x": EmbeddedField(kind)})
    wires = encode_fields(model(k="a", x=value), adding=True)
    read = model.from_db(wires).x
    for _ in range(30):
        read = read.deep
    assert read.value == 1

    kind, value = nest(32)
    model = type("Deeper", (Model,), {"k": CharField(hash_key=True), "x": EmbeddedField(kind)})
    with pytest.raises(ValidationError, match="nested deeper than DynamoDB's 32 levels") as caught:
        encode_fields(model(k="a", x=value), adding=True)
    assert list(caught.value.errors) == [f"x{'.deep' * 31}"]


def test_a_mix_of_lists_maps_and_documents_counts_every_level():
    class Holder(Document):
        items = ListField(DictField(ListField()))

    class Thing(Model):
        k = CharField(hash_key=True)
        doc = EmbeddedField(Holder)

    def made(depth):
        value: object = "x"
        for _ in range(depth):
            value = [value]
        return Thing(k="a", doc=Holder(items=[{"m": value}]))

    encode_fields(made(28), adding=True)  # M, L, M, and 28 times L
    with pytest.raises(ValidationError) as caught:
        encode_fields(made(29), adding=True)
    [(path, [message])] = caught.value.errors.items()
    assert path == "doc.items[0].m" + "[0]" * 28
    assert "32 levels" in message

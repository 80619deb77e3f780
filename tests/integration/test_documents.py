"""Documents on real engines: stored, asked, changed, and of several kinds."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dynamodb_py import (
    CharField,
    CompressedField,
    ConditionFailed,
    DictField,
    Document,
    EmbeddedField,
    F,
    IntegerField,
    ListField,
    MapField,
    Model,
    SetField,
    ULIDField,
    UUIDField,
    ValidationError,
)


class Address(Document):
    city = CharField(required=True)
    zip = CharField(name="zip-code")
    tags = SetField(str)


class Line(Document):
    sku = CharField()
    qty = IntegerField(default=1, max_value=100)
    ships_to = EmbeddedField(Address)


class Payment(Document):
    class Meta:
        discriminator = "kind"

    amount = IntegerField(default=0)


class Card(Payment):
    class Meta:
        kind = "card"

    number = CharField()


class Transfer(Payment):
    iban = CharField()


class Order(Model):
    class Meta:
        table_name = "documents-of-orders"
        allow_scan = True

    key = CharField(hash_key=True)
    address = EmbeddedField(Address, name="addr")
    lines = ListField(EmbeddedField(Line), default=list)
    homes = DictField(of=Address)
    sizes = SetField(int)
    shape = MapField({"a": IntegerField(), "home": EmbeddedField(Address)})
    payments = ListField(Payment, default=list)
    text = CompressedField(str)
    doc = CompressedField()
    trace = UUIDField(version=7)


class Event(Model):
    class Meta:
        table_name = "documents-of-events"

    stream = CharField(hash_key=True)
    id = ULIDField(range_key=True, default=ULIDField.new)


TABLES = [Order, Event]


def full(key):
    return Order(
        key=key,
        address=Address(city="Lyon", zip="69001", tags={"a", "b"}),
        lines=[Line(sku="x", qty=2, ships_to=Address(city="Bonn")), Line(sku="y")],
        homes={"work": Address(city="Kyiv")},
        sizes={1, 20},
        shape={"a": 1, "home": Address(city="Oslo"), "more": [1, "two"]},
        payments=[Card(number="1", amount=5), Transfer(iban="z"), Payment()],
        text="so so " * 50,
        doc={"a": [1, {"b": None}]},
    )


@pytest.fixture
def order(do, key, sent):
    made = full(key)
    do(made.save)
    sent.clear()
    return made


def fetched(do, key):
    return do(Order.objects.get, key, consistent=True)


def test_all_of_it_comes_back_as_it_was(do, order, key):
    found = fetched(do, key)
    assert found.to_dict() == order.to_dict()
    assert [type(each) for each in found.payments] == [Card, Transfer, Payment]
    assert found.lines[0].ships_to == Address(city="Bonn")
    assert not found.is_changed


MATCHING = {
    "a field": lambda: Order.address.city == "Lyon",
    "by its attribute": lambda: Order.address.zip.begins_with("69"),
    "in an element": lambda: Order.lines[0].qty > 1,
    "in a document of an element": lambda: Order.lines[0].ships_to.city == "Bonn",
    "in a dict": lambda: Order.homes["work"].city.is_in("Kyiv", "Lviv"),
    "in a map": lambda: Order.shape["home"].city == "Oslo",
    "a free member": lambda: Order.shape["more"][1] == "two",
    "a set in a document": lambda: Order.address.tags.contains("a"),
    "a document": lambda: Order.lines[1] == Line(sku="y"),
    "an element of the list": lambda: Order.lines.contains(Line(sku="y")),
    "a kind": lambda: Order.payments[0]["kind"] == "card",
    "a field of a kind": lambda: Order.payments[1].iban == "z",
    "its size": lambda: Order.lines.size() == 2,
}


def test_conditions_find_it(do, order, key):
    mine = Order.objects.filter(key=key)
    assert [case for case, ask in MATCHING.items() if not do(mine.filter(ask()).exists)] == []
    assert [case for case, ask in MATCHING.items() if do(mine.exclude(ask()).exists)] == []


LOOKUPS = [
    {"address__city__startswith": "Ly"},
    {"address__zip": "69001"},
    {"lines__0__qty__gt": 1, "lines__1__sku": "y"},
    {"lines__0__ships_to__city__in": ["Bonn"]},
    {"homes__work__city": "Kyiv"},
    {"payments__0__number": "1", "payments__0__kind": "card"},
    {"shape__more__0": 1},
    {"text__size__lt": 300},
]


def test_lookups_find_it(do, order, key):
    missed = [each for each in LOOKUPS if not do(Order.objects.filter(key=key, **each).exists)]
    assert missed == []


def test_changes_inside_are_one_request_each(do, order, sent, key):
    do(order.update, Order.lines[0].qty.add(1))
    do(order.update, Order.lines[0].qty.set(F("lines__0__qty") + 1))
    do(order.update, Order.address.zip.set("69002"), condition=Order.address.city == "Lyon")
    do(Order.objects.filter(key=key).update, Order.lines[1].ships_to.set(Address(city="Rome")))
    assert sent.calls == ["UpdateItem"] * 4
    assert order.lines[0].qty == 4
    found = fetched(do, key)
    assert (found.lines[0].qty, found.address.zip) == (4, "69002")
    assert found.lines[1].ships_to.city == "Rome"
    with pytest.raises(ConditionFailed):
        do(order.update, Order.address.zip.set("x"), condition=Order.address.city == "Bonn")


def test_what_the_documents_refuse_is_never_sent(do, order, sent):
    for change in (
        lambda: Order.lines[0].qty.set(101),
        lambda: F("lines__0__qty").set("two"),
        lambda: Order.address.city.remove(),
    ):
        with pytest.raises(ValidationError):
            do(order.update, change())
    assert sent == []


def test_two_writers_of_one_document_both_survive(do, order, key):
    mine, yours = fetched(do, key), fetched(do, key)
    mine.address.zip, yours.address.tags = "1", {"c"}
    mine.homes["home"], yours.homes["club"] = Address(city="A"), Address(city="B")
    do(mine.save)
    do(yours.save)
    found = fetched(do, key)
    assert (found.address.zip, found.address.tags) == ("1", {"c"})
    assert set(found.homes) == {"work", "home", "club"}


def test_a_change_of_one_kind_sends_that_alone(do, order, sent, key):
    found = fetched(do, key)
    sent.clear()
    found.payments[0].amount = 6
    do(found.save)
    [update] = sent
    assert [action.path.parts for action in update.actions] == [("payments", 0, "amount")]
    assert fetched(do, key).payments[0] == Card(number="1", amount=6)


def test_a_compressed_value_is_written_when_it_changes(do, order, sent, key):
    found = fetched(do, key)
    sent.clear()
    assert found.text == order.text
    do(found.save)
    assert sent == []
    found.doc["a"].append("é")
    do(found.save)
    assert sent.calls == ["UpdateItem"]
    assert fetched(do, key).doc == {"a": [1, {"b": None}, "é"]}


def test_values_reach_into_documents(do, order, key):
    row = do(Order.objects.filter(key=key).values("address__zip", "lines__0__ships_to__city").first)
    assert list(row.values()) == ["69001", "Bonn"]


def nested(depth):
    inner = type("Level", (Document,), {"value": IntegerField()})
    value = inner(value=1)
    for _ in range(1, depth):
        outer = type("Level", (Document,), {"deep": EmbeddedField(inner)})
        value, inner = outer(deep=value), outer
    return inner, value


def test_the_engine_takes_what_is_nested_as_deep_as_we_let_it(do, engine, sent, key):
    kind, value = nested(31)  # and one level for the number
    model = type(
        "Deep",
        (Model,),
        {
            "Meta": type("Meta", (), {"table_name": "documents-of-orders"}),
            "key": CharField(hash_key=True),
            "deep": EmbeddedField(kind),
        },
    )
    do(model(key=key, deep=value).save)
    read = do(model.objects.get, key).deep
    for _ in range(30):
        read = read.deep
    assert read.value == 1
    do(Order.objects.delete, key)


@pytest.mark.engines("dynoxide", "extenddb")
def test_what_we_refuse_the_engine_would_refuse(engine, put, key):
    kind, value = nested(32)
    with pytest.raises(ValidationError, match="32 levels"):
        EmbeddedField(kind).encode(value)
    wire = {"N": "1"}
    for _ in range(32):
        wire = {"M": {"deep": wire}}
    with pytest.raises(Exception, match="Nesting Levels have exceeded supported limits"):
        put(Order, {"key": {"S": key}, "deep": wire})


def test_ids_in_the_order_of_time_are_read_in_it(do, engine, key):
    before = datetime.now(timezone.utc)
    made = [do(Event.objects.create, stream=key) for _ in range(5)]
    found = do.list(Event.objects.filter(stream=key, id__gte=ULIDField.at(before)))
    assert [each.id for each in found] == [each.id for each in made]
    assert do(Event.objects.filter(stream=key, id__lt=ULIDField.at(before)).count) == 0


texts = st.text(st.characters(codec="utf-8"), max_size=5)
addresses = st.builds(
    Address, city=texts, zip=st.none() | texts, tags=st.sets(texts.filter(bool), max_size=3)
)
lines = st.builds(
    Line, sku=st.none() | texts, qty=st.integers(-(10**6), 100), ships_to=st.none() | addresses
)
payments = st.builds(Card, number=texts) | st.builds(Transfer, iban=texts) | st.builds(Payment)


@pytest.mark.engines("dynoxide")
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.builds(
        dict,
        address=st.none() | addresses,
        lines=st.lists(lines, max_size=3),
        payments=st.lists(payments, max_size=3),
        homes=st.none() | st.dictionaries(texts.filter(bool), addresses, max_size=3),
        text=st.none() | texts,
    )
)
def test_whatever_is_put_in_comes_back(do, engine, values):
    made = Order(key="random", **values)
    do(made.save)
    found = fetched(do, "random")
    assert found.to_dict() == made.to_dict()
    assert not found.is_changed
    assert Order.from_dict(found.to_dict()).to_dict() == made.to_dict()

"""Documents of several kinds, told apart by a discriminator."""

from __future__ import annotations

import copy
import json
import pickle
import warnings

import pytest

from dynamodb_py import (
    CharField,
    DictField,
    Document,
    EmbeddedField,
    IntegerField,
    ListField,
    Model,
    ModelDefinitionError,
    QueryError,
    UnreadableValue,
    ValidationError,
    options,
)
from dynamodb_py.models.fields.model_key import alias_of
from dynamodb_py.models.queryset.lookup_resolution import make_condition
from dynamodb_py.models.records.encoding import encode_fields

from ...expressions.spelling import spell


class Payment(Document):
    class Meta:
        discriminator = "kind"

    amount = IntegerField(default=0)


class Card(Payment):
    class Meta:
        kind = "card"

    number = CharField(required=True, max_length=4)


class Gold(Card):
    limit = IntegerField()


class Transfer(Payment):
    class Meta:
        kind = "transfer"

    iban = CharField(name="account")


class Strict(Document):
    class Meta:
        discriminator = "type"
        unknown_kind = "raise"

    type = CharField()


class Loose(Strict):
    note = CharField()


class Order(Model):
    id = CharField(hash_key=True)
    payment = EmbeddedField(Payment)
    parts = ListField(Payment)
    named = DictField(Payment)
    card = EmbeddedField(Card)
    strict = EmbeddedField(Strict)
    nullable = EmbeddedField(Payment, null=True)


def s(text):
    return {"S": text}


def n(value):
    return {"N": str(value)}


def order(**wires):
    return Order.from_db({"id": s("a"), **wires})


VALUES = [
    (Payment(amount=1), {"amount": n(1), "kind": s("Payment")}),
    (Card(number="1"), {"amount": n(0), "number": s("1"), "kind": s("card")}),
    (
        Gold(number="1", limit=5),
        {"amount": n(0), "number": s("1"), "limit": n(5), "kind": s("Gold")},
    ),
    (Transfer(iban="x"), {"amount": n(0), "account": s("x"), "kind": s("transfer")}),
]


@pytest.mark.parametrize(("value", "wires"), VALUES, ids=lambda each: type(each).__name__)
def test_each_is_stored_with_its_kind_and_read_as_what_it_is(value, wires):
    here = Order(id="a", payment=value, parts=[value], named={"x": value}, nullable=value)
    item = encode_fields(here, adding=True)
    doc = {"M": wires}
    assert (item["payment"], item["parts"]) == (doc, {"L": [doc]})
    assert (item["named"], item["nullable"]) == ({"M": {"x": doc}}, doc)
    found = order(**item)
    for each in (found.payment, found.parts[0], found.named["x"], found.nullable):
        assert type(each) is type(value)
        assert each == value
        assert dict(each.extra) == {}
    assert not found.is_changed


@pytest.mark.parametrize(("value", "wires"), VALUES, ids=lambda each: type(each).__name__)
def test_a_kind_survives_dicts_copies_and_pickles(value, wires):
    del wires
    here = Order(id="a", payment=value, parts=[value])
    assert here.to_dict()["payment"]["kind"] == type(value)._kind
    again = Order.from_dict(here.to_dict())
    assert (again.payment, again.parts) == (value, [value])
    assert copy.deepcopy(here).payment == value
    assert pickle.loads(pickle.dumps(here)).payment == value


def test_a_changed_document_keeps_its_kind():
    found = order(payment={"M": {"kind": s("card"), "number": s("1"), "other": s("x")}})
    found.payment.number = "2"
    assert found.changes() == {"payment.number": ("1", "2")}
    assert encode_fields(found, adding=False)["payment"] == {
        "M": {"kind": s("card"), "number": s("2"), "other": s("x")}
    }
    assert dict(found.payment.extra) == {"other": "x"}


def test_another_kind_in_its_place_replaces_it():
    found = order(payment={"M": {"kind": s("card"), "number": s("1")}})
    found.payment = Transfer(iban="x")
    assert found.changes()["payment.kind"] == ("card", "transfer")


def test_an_unknown_kind_is_read_as_the_base_with_one_warning_and_is_kept():
    stored = {"M": {"kind": s("crypto-1"), "amount": n(1), "coin": s("b")}}
    with pytest.warns(
        UserWarning, match="'crypto-1' is not a kind of Payment: its kinds are .*; it is read"
    ):
        found = order(payment=stored, parts={"L": [stored]}).payment
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert type(order(parts={"L": [stored]}).parts[0]) is Payment
    assert type(found) is Payment
    holder = order(payment=stored)
    holder.payment.amount = 2
    assert encode_fields(holder, adding=False)["payment"] == {
        "M": {"kind": s("crypto-1"), "amount": n(2), "coin": s("b")}
    }
    assert holder.payment.to_dict() == {"kind": "crypto-1", "amount": 2}


def test_an_unknown_kind_that_is_to_raise_leaves_the_other_fields_readable():
    found = order(strict={"M": {"type": s("odd")}}, payment={"M": {"kind": s("card")}})
    assert type(found.payment) is Card
    with pytest.raises(
        UnreadableValue, match="'odd' is not a kind of Strict: its kinds are Strict, Loose"
    ):
        _ = found.strict


def test_a_kind_of_another_branch_is_unreadable_where_one_is_declared():
    found = order(card={"M": {"kind": s("transfer")}})
    with pytest.raises(UnreadableValue, match="of the kind 'transfer', a Transfer, not a Card"):
        _ = found.card
    assert type(order(card={"M": {"kind": s("Gold")}}).card) is Gold


@pytest.mark.parametrize("kind", [n(1), {"NULL": True}])
def test_a_kind_that_is_no_text_is_an_unknown_one(kind):
    with pytest.raises(UnreadableValue, match="is not a kind of Strict"):
        Strict.from_db({"type": kind})


def test_documents_from_before_there_were_kinds_stay_as_they_are():
    found = order(payment={"M": {"amount": n(1)}}, card={"M": {"number": s("1")}})
    assert type(found.payment) is Payment
    assert type(found.card) is Card
    assert not found.is_changed
    found.payment.amount = 2
    assert found.changes() == {"payment.amount": (1, 2)}


def test_from_db_gives_the_class_that_it_is():
    assert type(Payment.from_db('{"kind": {"S": "Gold"}}')) is Gold
    with pytest.raises(UnreadableValue, match="not a Card"):
        Card.from_db({"kind": s("transfer")})


def test_from_dict_refuses_a_kind_that_is_none():
    with pytest.raises(ValidationError, match="'x' is not a kind of Payment"):
        Payment.from_dict({"kind": "x"})


def test_a_declared_kind_reads_as_a_field_and_cannot_be_another():
    assert (Loose(note="x").type, Strict().type) == ("Loose", "Strict")
    assert encode_fields(Order(id="a", strict=Loose()), adding=True)["strict"] == {
        "M": {"type": s("Loose")}
    }
    with pytest.raises(ValidationError, match=r"strict\.type: it is 'Loose', and cannot change"):
        encode_fields(Order(id="a", strict=Loose(type="Strict")), adding=True)
    found = order(strict={"M": {"type": s("Loose")}})
    assert found.strict.type == "Loose"
    found.strict.type = "Strict"
    with pytest.raises(ValidationError, match="cannot change: make an instance of another class"):
        encode_fields(found, adding=False)


def test_an_abstract_kind_is_not_stored():
    class Shape(Document):
        class Meta:
            discriminator = "shape"
            abstract = True

    class Square(Shape):
        side = IntegerField()

    class Board(Model):
        k = CharField(hash_key=True)
        shapes = ListField(Shape)

    assert encode_fields(Board(k="a", shapes=[Square(side=1)]), adding=True)["shapes"] == {
        "L": [{"M": {"side": n(1), "shape": s("Square")}}]
    }
    with pytest.raises(
        ValidationError, match=r"shapes\[0\]: Shape is abstract: make one of its sub"
    ):
        encode_fields(Board(k="a", shapes=[Shape()]), adding=True)


def test_what_a_subclass_checks_is_checked_with_its_path():
    with pytest.raises(ValidationError) as caught:
        encode_fields(Order(id="a", parts=[Card(), Card(number="12345")]), adding=True)
    assert list(caught.value.errors) == ["parts[0].number", "parts[1].number"]


# -- conditions ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "lookup"),
    [
        (lambda: Order.payment.amount > 1, {"payment__amount__gt": 1}),
        (lambda: Order.payment.number == "1", {"payment__number": "1"}),
        (lambda: Order.parts[0].iban == "x", {"parts__0__iban": "x"}),
        (lambda: Order.payment["kind"] == "card", {"payment__kind": "card"}),
        (lambda: Order.card.limit < 3, {"card__limit__lt": 3}),
        (lambda: Order.strict.type == "Loose", {"strict__type": "Loose"}),
    ],
    ids=range(6),
)
def test_conditions_name_fields_of_any_kind(asked, lookup):
    assert spell(asked()) == spell(make_condition(Order._meta, lookup))


def test_the_attributes_name_of_a_subclass_is_used():
    assert [path.parts for path in (Order.payment.iban == "x").paths()] == [("payment", "account")]


def test_what_no_kind_has_is_refused():
    with pytest.raises(AttributeError, match="its fields are amount, number, limit, iban"):
        _ = Order.payment.coin
    with pytest.raises(AttributeError, match=r"its fields are amount, number, limit$"):
        _ = Order.card.iban


def test_a_value_is_spelled_by_the_field_of_its_kind():
    with pytest.raises(ValidationError, match="'x' is a str, not an int"):
        _ = Order.payment.limit == "x"


def test_a_name_that_two_kinds_store_in_two_ways_is_free_or_told():
    class Base(Document):
        class Meta:
            discriminator = "k"

    class One(Base):
        value = IntegerField()
        place = CharField(name="p")

    class Two(Base):
        value = CharField()
        place = CharField(name="q")

    class Holder(Model):
        id = CharField(hash_key=True)
        doc = EmbeddedField(Base)
        one = EmbeddedField(One)

    with pytest.raises(
        QueryError, match=r"One\.place as 'p' and Two\.place as 'q' are different attributes"
    ):
        _ = Holder.doc.place
    assert [path.parts for path in (Holder.doc["q"] == "x").paths()] == [("doc", "q")]
    assert spell(Holder.doc.value == 1.5)[0] == "#0.#1 = :0"
    assert (Holder.one.place == "x").paths
    assert One._coder_at("value") is One._fieldset.by_name["value"]


# -- declared wrongly ----------------------------------------------------------------------------


def make(name, base, /, meta, **fields):
    return type(name, (base,), {"Meta": type("Meta", (), meta), **fields})


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: make("A", Document, {"discriminator": ""}), "it takes the name of an attribute"),
        (lambda: make("A", Document, {"discriminator": 1}), "it takes the name of an attribute"),
        (lambda: make("A", Document, {"kind": "a"}), "needs Meta.discriminator"),
        (lambda: make("A", Document, {"unknown_kind": "warn"}), "needs Meta.discriminator"),
        (
            lambda: make("A", Document, {"discriminator": "k", "unknown_kind": "ignore"}),
            '"warn" or "raise"',
        ),
        (lambda: make("A", Document, {"table_name": "x"}), "A.Meta.table_name is unknown"),
        (lambda: make("A", Payment, {"discriminator": "k"}), "Payment, a base class, has one"),
        (
            lambda: make("A", Payment, {"unknown_kind": "raise"}),
            "in the class with the discriminator",
        ),
        (lambda: make("A", Payment, {"kind": "card"}), "A and Card both have the kind 'card'"),
        (lambda: make("A", Payment, {"kind": 7}), "it takes a text"),
        (lambda: type("A", (Document,), {"Meta": 5}), r"A\.Meta is 5"),
        (
            lambda: make("A", Document, {"discriminator": "k"}, k=IntegerField()),
            "it stores the kind, a text: declare a CharField",
        ),
        (
            lambda: make("A", Payment, {"kind": "a"}, other=CharField(name="kind")),
            "in which Payment stores the kind",
        ),
    ],
    ids=range(13),
)
def test_a_discriminator_that_cannot_be_is_told_when_the_class_is_made(declare, message):
    before = dict(Payment._kinds.classes)
    with pytest.raises(ModelDefinitionError, match=message):
        declare()
    assert Payment._kinds.classes == before


@pytest.mark.parametrize("kind", [Payment, Card, Gold])
@pytest.mark.parametrize(
    "item",
    [{"kind": "Gold"}, {"kind": {"S": "Gold"}, "n": 1}, {"kind": {}}, [1], 7, None],
    ids=range(6),
)
def test_from_db_refuses_the_items_of_boto3s_resource_as_other_records_do(kind, item):
    with pytest.raises(ValidationError, match="from_db"):
        kind.from_db(item)


@pytest.mark.parametrize("item", ["{", b"[]", b"\xff", '{"kind": 1}', '{"kind": {"S": 1}}'])
def test_from_db_of_text_that_is_no_item_is_an_error_of_ours(item):
    with pytest.raises(UnreadableValue):
        Payment.from_db(item).to_dict()


@pytest.mark.parametrize("form", [dict, str, bytes])
def test_from_db_in_a_block_gives_the_document_the_connection_of_the_block(form):
    item = {"kind": s("Gold")}
    text = json.dumps(item)
    given = {dict: item, str: text, bytes: text.encode()}[form]
    with options(using="eu"):
        gold = Payment.from_db(given)
    assert type(gold) is Gold
    assert alias_of(gold) == "eu"
    assert alias_of(Payment.from_db(given)) == "default"

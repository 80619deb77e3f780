"""DecimalField(places=2): a fixed number of decimal places, refused where there are more."""

from __future__ import annotations

import decimal
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import (
    DecimalField,
    F,
    ListField,
    Model,
    ModelDefinitionError,
    SetField,
    UUIDField,
    ValidationError,
)

from ..wire import ids, model_of, read_by, stored_by

MONEY = DecimalField(places=2)

WRITTEN = [
    (MONEY, Decimal("1.5"), "1.5"),
    (MONEY, Decimal("1.50"), "1.5"),
    (MONEY, Decimal("1.500"), "1.5"),
    (MONEY, Decimal("1E+3"), "1000"),
    (MONEY, Decimal(0), "0"),
    (MONEY, 7, "7"),
    (MONEY, Decimal("-0.01"), "-0.01"),
    (DecimalField(places=0), Decimal("7.0"), "7"),
]  # fmt: skip
READ = [
    (MONEY, "1.5", "1.50"),
    (MONEY, "7", "7.00"),
    (MONEY, "0", "0.00"),
    (MONEY, "-0.01", "-0.01"),
    (MONEY, "1E+3", "1000.00"),
    (MONEY, "1.005", "1.005"),
    (MONEY, "1.500", "1.50"),
    (DecimalField(places=0), "7", "7"),
    (DecimalField(places=0), "1E+2", "100"),
    (DecimalField(), "1.5", "1.5"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value", "text"), WRITTEN, ids=ids(WRITTEN))
def test_it_is_stored_as_any_number_is(field, value, text):
    assert stored_by(field, value) == {"N": text}


@pytest.mark.parametrize(("field", "stored", "text"), READ, ids=ids(READ))
def test_it_reads_with_exactly_as_many_places(field, stored, text):
    assert str(read_by(field, {"N": stored})) == text


@given(st.decimals(places=2, min_value=-(10**30), max_value=10**30))
def test_what_was_given_is_read_with_its_places(value):
    read = read_by(MONEY, stored_by(MONEY, value))
    assert (str(read), read) == (f"{value:f}", value) or not value


@pytest.mark.parametrize("value", ["1.005", "0.001", "1E-3", "-7.123"])
def test_more_places_are_refused_not_rounded(value):
    field = model_of(DecimalField(places=2))
    for act in (
        lambda: stored_by(MONEY, Decimal(value)),
        lambda: field.x == Decimal(value),
        lambda: field.x.set(Decimal(value)),
        lambda: stored_by(ListField(DecimalField(places=2)), [Decimal(value)]),
    ):
        with pytest.raises(ValidationError, match=r"2 decimal places: round it with quantize\(\)"):
            act()


def test_sets_and_lists_of_them_are_alike():
    for field, value in ((SetField(MONEY), {Decimal("1.5")}), (ListField(MONEY), [Decimal("1.5")])):
        [read] = read_by(field, stored_by(field, value))
        assert str(read) == "1.50"


class Order(Model):
    id = UUIDField(hash_key=True)
    total = DecimalField(places=2)


def test_what_another_program_stored_with_more_places_stays():
    order = Order.from_db({"id": {"S": "0" * 32}, "total": {"N": "1.005"}})
    assert (order.total, order.is_changed) == (Decimal("1.005"), False)


@pytest.mark.parametrize(
    "context",
    [
        decimal.Context(prec=1, rounding=decimal.ROUND_UP),
        decimal.Context(prec=3, traps=[decimal.Inexact, decimal.Rounded, decimal.InvalidOperation]),
        decimal.Context(prec=2, capitals=0, Emax=1, Emin=-1),
    ],
)
def test_the_decimal_context_of_the_program_does_not_matter(context):
    with decimal.localcontext(context):
        assert stored_by(MONEY, Decimal("12345.6")) == {"N": "12345.6"}
        assert read_by(MONEY, {"N": "12345.6"}).as_tuple().digits == (1, 2, 3, 4, 5, 6, 0)
        assert model_of(MONEY)(k="a", x=Decimal("12345.6")).to_dict(mode="json")["x"] == "12345.60"
        with pytest.raises(ValidationError):
            stored_by(MONEY, Decimal("12345.678"))


@pytest.mark.parametrize("places", [-1, 131, 1.0, True, "2"])
def test_places_is_a_number_of_places(places):
    with pytest.raises(
        ModelDefinitionError, match="it takes a number of decimal places, from 0 to 130"
    ):
        model_of(DecimalField(places=places))


@pytest.mark.parametrize("option", ["default", "min_value", "max_value"])
def test_an_option_with_more_places_is_a_mistake_of_the_declaration(option):
    with pytest.raises(ModelDefinitionError, match=f"{option}=.*more than 2 decimal places"):
        model_of(DecimalField(places=2, **{option: Decimal("0.001")}))


def test_arithmetic_with_more_places_is_refused_where_it_is_built():
    amount = Decimal("0.001")
    for change in (
        lambda: Order().update(total=F("total") + amount),
        lambda: Order().update(Order.total.add(amount)),
        lambda: Order().incr(total=amount),
    ):
        with pytest.raises(ValidationError, match="more than 2 decimal places"):
            change()

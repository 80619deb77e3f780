"""The decimal context of the caller changes no number, date or span, whatever the context is."""

from __future__ import annotations

import decimal
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from dynamodb_py import (
    CounterField,
    DecimalField,
    DictField,
    F,
    FloatField,
    IntegerField,
    ListField,
    Model,
    QueryError,
    SetField,
    TimeDeltaField,
    TimestampField,
    codec,
    connections,
    transaction,
)
from dynamodb_py.models.constraints import _normalize_number
from dynamodb_py.reading.keys import to_wires

from .scripted import Script, scripted_connection

ALL = [*decimal.Context().traps]
CONTEXTS: dict[str, decimal.Context] = {
    "precision 1": decimal.Context(prec=1),
    "precision 6, up": decimal.Context(prec=6, rounding=decimal.ROUND_UP),
    "small exponents": decimal.Context(prec=3, Emin=-2, Emax=2, traps=[]),
    "every trap": decimal.Context(prec=5, traps=ALL),
    "no trap": decimal.Context(prec=5, traps=[]),
    "small letters": decimal.Context(capitals=0),
    "clamped": decimal.Context(prec=4, Emin=-9, Emax=9, clamp=1, traps=[]),
}
LONG = Decimal(12345678901234567890123456789012345678)
SPAN = timedelta(days=999_999_999, seconds=86_399, microseconds=999_999)
MOMENT = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=timezone.utc)
NUMBERS = [
    LONG,
    -LONG,
    LONG.scaleb(-50, decimal.Context(prec=60)),
    Decimal("1.5E+30"),
    Decimal("1E-130"),
    Decimal("9.9999999999999999999999999999999999999E+125"),
    Decimal("0.10"),
    Decimal(0),
    Decimal("1234567.89"),
]


class Item(Model):
    class Meta:
        table_name = "items"

    id = IntegerField(hash_key=True)
    number = DecimalField()
    whole = IntegerField()
    count = CounterField()
    real = FloatField()
    numbers = SetField(Decimal)
    span = TimeDeltaField()
    seconds = TimeDeltaField(storage="seconds")
    moment = TimestampField()
    free = DictField()
    listed = ListField()


@pytest.fixture(autouse=True)
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    """What answers every request with an empty answer."""
    script = Script([{}] * 9)
    monkeypatch.setattr(connections, "_connections", {"default": scripted_connection(script)})
    return script


def make(number: Decimal) -> Item:
    whole = int(LONG)
    return Item(
        id=1,
        number=number,
        whole=whole,
        real=1e-7,
        numbers={number},
        span=SPAN,
        seconds=SPAN,
        moment=MOMENT,
        free={"a": [number, whole, 0.1]},
        listed=[number],
    )


def amounts(number: Any) -> dict[str, Any]:
    return {"number": number, "count": int(LONG)}


def in_one_transaction(number: Decimal) -> str:
    try:
        with transaction.atomic():
            Item(id=1).incr(**amounts(number))
            Item(id=1).incr(**amounts(Decimal("1.5")))
    except QueryError:
        return "their sum is no number of DynamoDB"
    return "sent"


ACTS: dict[str, Callable[[Decimal], Any]] = {
    "create": lambda n: make(n).save(),
    "update": lambda n: Item(id=1).update(number=n, seconds=SPAN, moment=MOMENT),
    "incr": lambda n: Item(id=1).incr(**amounts(n)),
    "decr": lambda n: Item(id=1).decr(**amounts(n)),
    "F() +": lambda n: Item(id=1).update(number=F("number") + n),
    "F() -": lambda n: Item(id=1).update(number=F("number") - n),
    "add": lambda n: Item(id=1).update(Item.number.add(n)),
    "a span added to a moment": lambda n: Item(id=1).update(
        moment=Item.moment + timedelta(days=12_345, microseconds=123_457)
    ),
    "a span added to a span": lambda n: Item(id=1).update(seconds=Item.seconds + SPAN),
    "a condition": lambda n: Item(id=1).update(whole=1, condition=Item.number.between(n, n)),
    "two additions in a transaction": in_one_transaction,
    "reading": lambda n: Item.from_db(codec.from_json(codec.to_json(_wires(n)))).to_dict(),
    "a sentinel": lambda n: _normalize_number(str(n)),
    "a cursor": lambda n: to_wires((n, "a")),
    "a sort key": lambda n: codec.to_sort_key({"N": codec.format_decimal(n)}),
    "plain encoding": lambda n: codec.encode({"a": [n, {n}], "b": n}),
}


def _wires(number: Decimal) -> dict[str, Any]:
    with decimal.localcontext(decimal.Context(prec=60)):
        text = codec.format_decimal(number)
    free = {"M": {"a": {"N": text}, "b": {"L": [{"N": text}]}}}
    return {
        "id": {"N": "1"},
        "number": {"N": text},
        "whole": {"N": "1.0"},
        "span": {"S": "P999999999DT23H59M59.999999S"},
        "seconds": {"N": "86399999999999.999999"},
        "moment": {"N": "253402300799.999999"},
        "numbers": {"NS": [text]},
        "free": free,
    }


def run(script: Script, act: Callable[[Decimal], Any], number: Decimal) -> Any:
    script.sent.clear()
    script.answers[:] = [{}] * 9
    result = act(number)
    sent = [
        {name: each for name, each in payload.items() if name != "ClientRequestToken"}
        for payload in script.payloads
    ]
    return sent or result


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS)
@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_the_context_of_the_caller_does_not_matter(script, act, context):
    usual = [run(script, act, number) for number in NUMBERS]
    with decimal.localcontext(context):
        found = [run(script, act, number) for number in NUMBERS]
    assert found == usual


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS)
def test_a_number_keeps_every_digit(context):
    texts = [codec.format_decimal(number) for number in NUMBERS]
    with decimal.localcontext(context):
        assert [codec.format_decimal(number) for number in NUMBERS] == texts
    for number, text in zip(NUMBERS, texts, strict=True):
        assert Decimal(text) == number


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS)
def test_what_is_no_number_is_refused_in_every_context(context):
    with decimal.localcontext(context), pytest.raises(ValueError, match="not a number"):
        codec.parse_number("abc")


def test_a_program_may_change_the_default_context():
    assert codec.EXACT.prec >= 256
    assert codec.EXACT.rounding == decimal.ROUND_HALF_EVEN

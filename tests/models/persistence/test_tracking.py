"""What changed since an instance was loaded: found without encoding what did not."""

from __future__ import annotations

import datetime as dt
import sys
from decimal import Decimal
from unittest import mock

from hypothesis import example, given
from hypothesis import strategies as st

from dynamodb_py import (
    BooleanField,
    CharField,
    DateTimeField,
    DecimalField,
    FloatField,
    IntegerField,
    Model,
)
from dynamodb_py.codec import to_json
from dynamodb_py.models.persistence.stored import stored_wires
from dynamodb_py.models.persistence.tracking import find_changed

UTC = dt.timezone.utc
CET = dt.timezone(dt.timedelta(hours=1))
MOMENT = dt.datetime(2026, 3, 1, 8, 30, 15, tzinfo=UTC)
ISO = "2026-03-01T08:30:15+00:00"


class DoublingField(DecimalField):
    def to_python(self, stored):
        return stored * 2


class Sample(Model):
    id = CharField(hash_key=True)
    text = CharField()
    trimmed = CharField(strip=True)
    number = IntegerField(null=True)
    ratio = FloatField()
    price = DecimalField()
    exact = DecimalField(places=2)
    double = DoublingField()
    open = BooleanField()
    at = DateTimeField()
    local = DateTimeField(tz="Europe/Berlin")
    day = DateTimeField(format="%Y-%m-%d %H:%M:%S")


NUMBERS = ["0", "1", "-1", "1.0", "1.50", "1.5", "01", "1E+2", "1e2", "-0", "-0.0", "7" * 38, "NaN"]
TEXTS = ["", "a", " a ", ISO]
MOMENTS = [
    ISO,
    "2026-03-01T08:30:15.000000+00:00",
    "2026-03-01T08:30:15.250000+00:00",
    "2026-03-01T08:30:15Z",
    "2026-03-01T09:30:15+01:00",
    "2026-03-01 08:30:15+00:00",
    "2026-03-01x08:30:15+00:00",
    "2026-03-01T08:30:1x+00:00",
    "2026-03-01T8 :30:15+00:00",
    "2026-03-01T08:30:15",
]
SPELLED = {
    "text": ("S", TEXTS),
    "trimmed": ("S", TEXTS),
    **dict.fromkeys(["number", "ratio", "price", "exact", "double"], ("N", NUMBERS)),
    "open": ("BOOL", [True, False]),
    **dict.fromkeys(["at", "local", "day"], ("S", MOMENTS)),
}
ASSIGNED = [
    *(None, "", "a", " a ", 0, 1, -1, 100, 10**40, 10**5000, True, False, 0.0, -0.0, 1.5, 100.0),
    *(float("nan"), Decimal(0), Decimal("-0"), Decimal(1), Decimal("1.5"), Decimal("1.50")),
    *(Decimal("1E+2"), Decimal("NaN"), Decimal("7" * 38), Decimal("7" * 40)),
    *(
        MOMENT,
        MOMENT.replace(tzinfo=None),
        MOMENT.astimezone(CET),
        MOMENT.replace(microsecond=250000),
    ),
    *(MOMENT.replace(fold=1), MOMENT.date(), b"a", [1]),
]


def wires(kind, contents):
    found = st.sampled_from(contents).map(lambda each: {kind: each})
    return st.none() | st.just({"NULL": True}) | st.just({"B": "YQ=="}) | found


ITEMS = st.fixed_dictionaries({name: wires(*each) for name, each in SPELLED.items()})
ASSIGNMENTS = st.dictionaries(st.sampled_from([*SPELLED]), st.sampled_from(ASSIGNED))


def changes_of(instance):
    return [
        (field.name, wire, wrong)
        for field, wire, wrong in find_changed(instance, stored_wires(instance))
    ]


@given(ITEMS, ASSIGNMENTS)
@example({"ratio": {"N": "-0.0"}, "number": {"N": "1.0"}}, {"number": 10**5000, "ratio": 0.0})
@example({"at": {"S": MOMENTS[7]}, "day": {"S": ISO}}, {"at": MOMENT, "day": MOMENT})
def test_it_finds_what_encoding_every_field_finds(item, assigned):
    stored = {name: wire for name, wire in item.items() if wire is not None}
    instance = Sample._load(to_json({"id": {"S": "a"}, **stored}))
    for name, value in assigned.items():
        setattr(instance, name, value)
    fields = Sample._fieldset
    everything = {}, [*range(len(fields.get_plan()))]
    with mock.patch.dict(fields.__dict__, comparers=everything):
        expected = changes_of(instance)
    assert changes_of(instance) == expected


def test_values_that_stay_are_not_encoded():
    item = {
        "text": {"S": "a"},
        "number": {"N": "12"},
        "ratio": {"N": "1.5"},
        "open": {"BOOL": True},
    }
    item |= {"price": {"N": "12.5"}, "at": {"S": ISO}}
    instance = Sample._load(to_json({"id": {"S": "a"}, **item}))
    assert (instance.at, instance.price) == (MOMENT, Decimal("12.5"))
    encoded = []

    def note(frame, event, _):
        if event == "call" and frame.f_code.co_name == "to_wire":
            encoded.append(frame.f_locals["self"].name)

    instance.text = "b"
    sys.setprofile(note)
    try:
        changes = changes_of(instance)
    finally:
        sys.setprofile(None)
    assert changes == [("text", {"S": "b"}, {})]
    assert encoded == ["text"]

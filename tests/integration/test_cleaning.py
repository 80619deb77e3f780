"""Cleaning on every way to write: what is wrong is told before anything is sent, and what is kept is stored."""

from __future__ import annotations

import pytest

from dynamodb_py import (
    CharField,
    Document,
    IntegerField,
    ListField,
    Model,
    ValidationError,
    asave_all,
    save_all,
)


class Line(Document):
    sku = CharField()
    qty = IntegerField(default=1)

    def clean_sku(self, value):
        return value and value.upper()

    def clean(self):
        if self.qty > 10 and self.sku == "RARE":
            raise ValidationError({"qty": ["there are ten at most"]})


class Booking(Model):
    class Meta:
        table_name = "bookings"

    key = CharField(hash_key=True)
    name = CharField()
    first = IntegerField(default=1)
    last = IntegerField(default=1)
    nights = IntegerField()
    lines = ListField(Line)

    def clean_name(self, value):
        if value == "nobody":
            raise ValueError("somebody must come")
        return value and value.strip()

    def clean(self):
        if self.last < self.first:
            raise ValidationError({"last": ["it is before the first"]})
        self.nights = self.last - self.first


TABLES = [Booking]


def wrong():
    """Return values, in documents of their own, which the methods refuse."""
    return {"name": "nobody", "first": 2, "last": 1, "lines": [Line(sku="rare", qty=11)]}


SAID = {
    "name": ["somebody must come"],
    "lines[0].qty": ["there are ten at most"],
    "last": ["it is before the first"],
}


def save_together(do, instances):
    if do.mode == "sync":
        save_all(instances)
    else:
        do.run(asave_all(instances))


# Each way to write a new item of these values.
WAYS = {
    "save": lambda do, key, values: do(Booking(key=key, **values).save),
    "create": lambda do, key, values: do(Booking.objects.create, key=key, **values),
    "overwrite": lambda do, key, values: do(
        Booking.objects.create, overwrite=True, key=key, **values
    ),
    "batch_write": lambda do, key, values: do(
        Booking.objects.batch_write,
        [Booking(key=f"{key} fine"), {"key": key, **values}],
        overwrite=True,
    ),
    "bulk_create": lambda do, key, values: do(
        Booking.objects.bulk_create, [{"key": key, **values}]
    ),
    "get_or_create": lambda do, key, values: do(
        Booking.objects.get_or_create, key=key, defaults=values
    ),
    "save_all": lambda do, key, values: save_together(
        do, [Booking(key=f"{key} fine"), Booking(key=key, **values)]
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_is_wrong_is_told_by_every_write_and_nothing_is_written(engine, do, sent, key, way):
    with pytest.raises(ValidationError) as caught:
        WAYS[way](do, key, wrong())
    assert caught.value.errors == SAID
    assert set(sent.calls) <= {"GetItem"}  # get_or_create looks first


@pytest.mark.parametrize("way", WAYS)
def test_what_the_methods_make_of_the_values_is_stored(engine, do, stored, key, way):
    values = {"name": " ann ", "first": 1, "last": 3, "lines": [Line(sku="rare")]}
    WAYS[way](do, key, values)
    assert stored(Booking(key=key)) == {
        "key": {"S": key},
        "name": {"S": "ann"},
        "first": {"N": "1"},
        "last": {"N": "3"},
        "nights": {"N": "2"},
        "lines": {"L": [{"M": {"sku": {"S": "RARE"}, "qty": {"N": "1"}}}]},
    }


def test_validate_false_writes_what_there_is(engine, do, stored, key):
    do(Booking(key=key, **wrong()).save, validate=False)
    assert stored(Booking(key=key))["name"] == {"S": "nobody"}
    do(Booking.objects.batch_write, [{"key": key, **wrong()}], overwrite=True, validate=False)
    booking = do(Booking.objects.get, key, consistent=True)
    assert (booking.last, booking.nights, booking.lines[0].sku) == (1, None, "rare")


def test_of_a_loaded_item_what_changed_is_cleaned_and_what_clean_adds_is_sent(
    engine, do, put, sent, stored, key
):
    put(Booking, {"key": {"S": key}, "name": {"S": "nobody"}, "first": {"N": "1"}})
    booking = do(Booking.objects.get, key, consistent=True)
    sent.clear()
    do(booking.save)
    assert sent.calls == []  # an old name is nobody's business

    booking.last = 4
    do(booking.save)
    assert sent.calls == ["UpdateItem"]
    assert stored(booking) == {
        "key": {"S": key},
        "name": {"S": "nobody"},
        "first": {"N": "1"},
        "last": {"N": "4"},
        "nights": {"N": "3"},
    }
    booking.last = 0
    with pytest.raises(ValidationError, match="last: it is before the first"):
        do(booking.save)
    assert sent.calls == ["UpdateItem"]
    do(booking.save, validate=False)
    assert stored(booking)["last"] == {"N": "0"}

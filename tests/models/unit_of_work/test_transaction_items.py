"""How large the items of a transaction are, and when they are measured."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import CharField, Model, QueryError, transaction
from dynamodb_py.codec import encode, to_json
from dynamodb_py.expressions import Path, Remove, Set, Value
from dynamodb_py.models.unit_of_work import transaction_items
from dynamodb_py.models.unit_of_work.pending import PendingWrite
from dynamodb_py.models.unit_of_work.transaction_items import bound_write, measure_write
from dynamodb_py.operations.transactions import Put, Update

from ...expressions.strategies import values

KEY = {"k": {"S": "é"}}


class Blob(Model):
    name = CharField(hash_key=True)
    text = CharField()


def pending(write: Any, after: bytes | None = None) -> PendingWrite:
    unused = cast("Any", None)
    return PendingWrite(
        verb="save", meta=unused, link=unused, write=write, key=KEY, explain=unused, after=after
    )


INTEGERS = st.integers(1 - 10**38, 10**38 - 1)  # no more digits than DynamoDB stores


@given(given=st.lists(values | st.text() | INTEGERS | st.binary(), max_size=12))
def test_the_fast_bound_is_never_below_the_size(given):
    wires = [encode(value) for value in given]
    item = to_json(dict(zip(map(str, range(len(wires))), wires, strict=True)))
    actions = [Set(Path((str(at),)), Value(wire)) for at, wire in enumerate(wires)]
    update = Update("t", KEY, [*actions, Remove(Path(("gone",)))])
    for write in (pending(Put("t", item)), pending(update), pending(update, after=item)):
        assert bound_write(write) >= measure_write(write)


@pytest.fixture
def measured(monkeypatch):
    found = []

    def measure(write):
        found.append(write)
        return measure_write(write)

    monkeypatch.setattr(transaction_items, "measure_write", measure)
    return found


def test_no_item_is_measured_while_their_json_fits(script, measured):
    script.answers.append({})
    with transaction.atomic():
        for name in "abc":
            Blob.create(name=name, text="x" * 300_000)
    assert measured == []


def test_each_item_is_measured_once_where_their_json_does_not_fit(script, measured):
    """Quotes are two bytes in JSON, and one in DynamoDB."""
    script.answers.append({})
    with transaction.atomic():
        for at in range(20):
            Blob.create(name=f"{at}", text='"' * 200_000)
        with pytest.raises(QueryError, match=r"4\d{6} bytes together"):
            Blob.create(name="too much", text="x" * 390_000)
    assert len(measured) == 21
    assert len(script.sent[0].writes) == 20

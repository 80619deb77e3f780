"""Keys and their identities, read out of stored items."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py.batching import identify_key
from dynamodb_py.codec import to_json
from dynamodb_py.reading.keys import make_identity_reader, make_key_reader
from dynamodb_py.schema import KeyAttribute

_NUMBERS = st.integers().map(str) | st.sampled_from(
    ["-0", "1.0", "1E+2", "100", "0.1", "0.10", "1e-130", "12345678901234567890.5", "3.14E+10"]
)
_VALUES: dict[str, Any] = {"S": st.text(), "N": _NUMBERS, "B": st.binary()}
_NAMES = st.sampled_from(["a", "b", "größe", 'say "x"', "N", "S"])


@st.composite
def keys(draw):
    """The attributes of a key, and the key of one item."""
    names = draw(st.lists(_NAMES, min_size=1, max_size=2, unique=True))
    attributes = tuple(KeyAttribute(name, draw(st.sampled_from("SNB"))) for name in names)
    return attributes, {each.name: {each.type: draw(_VALUES[each.type])} for each in attributes}


def as_stored(wire: dict[str, Any]) -> dict[str, Any]:
    return {"B": b64encode(wire["B"]).decode()} if "B" in wire else wire


@given(made=keys(), around=st.dictionaries(st.text(), st.just({"S": "more"})))
def test_the_identity_in_an_item_is_that_of_its_key(made, around):
    attributes, key = made
    item = to_json(around | {name: as_stored(wire) for name, wire in key.items()})
    identity = make_identity_reader(attributes)(item)
    assert identity == identify_key(key) == identify_key(make_key_reader(attributes)(item))
    assert identity == make_identity_reader(attributes[::-1])(item)
    assert hash(identity) == hash(identify_key(key))

"""The extremes of every type of field, on engines: written, found, read, changed and written again."""

from __future__ import annotations

from typing import Any

import pytest

from dynamodb_py import CharField, LocalIndex, Model, ValidationError, options

from ..models.fields.extremes import LAST, ROWS, Text

NAMES = list(ROWS)
FIELDS = {name: f"f{at}" for at, name in enumerate(NAMES)}


Every: Any = type(
    "Every",
    (Model,),
    {
        "__module__": __name__,
        "Meta": type("Meta", (), {"table_name": "extreme-every"}),
        "k": CharField(hash_key=True),
        "r": CharField(range_key=True),
        **{FIELDS[name]: row.make() for name, row in ROWS.items()},
    },
)
SORTED = ["text", "decimal", "datetime far west", "timestamp far east", "seconds"]
"""Those that a local index of their own sorts: a table has five."""
Sorted: Any = type(
    "Sorted",
    (Model,),
    {
        "__module__": __name__,
        "Meta": type("Meta", (), {"table_name": "extreme-sorted"}),
        "k": CharField(hash_key=True),
        "r": CharField(range_key=True),
        **{FIELDS[name]: ROWS[name].make() for name in SORTED},
        **{f"by_{FIELDS[name]}": LocalIndex(range_key=FIELDS[name]) for name in SORTED},
    },
)

TABLES = [Every, Sorted]
pytestmark = pytest.mark.usefixtures("engine")


@pytest.mark.engines("dynoxide", "extenddb")
@pytest.mark.parametrize("name", NAMES)
def test_an_extreme_is_stored_found_and_stored_again(do, key, sent, name):
    row, field = ROWS[name], FIELDS[name]
    if ROWS[name].make().stamps:
        return  # it would replace the values
    for at, value in enumerate(row.kept):
        item = Every(k=key, r=str(at), **{field: value})
        do(item.save)
        with options(consistent=True):
            read = do(Every.get, key, str(at))
        assert getattr(read, field) == value
        sent.clear()
        do(read.save)  # nothing has changed
        assert not sent
        if value is not None and value != set() and row.compares:
            mine = Every.objects.filter(k=key, r=str(at))
            assert do(mine.filter(**{field: value}).count) == 1
            assert do(mine.filter(**{field: getattr(read, field)}).count) == 1
        do(read.update, **{field: getattr(read, field)})
        assert getattr(do(Every.get, key, str(at)), field) == value


@pytest.mark.engines("dynoxide")
@pytest.mark.parametrize("name", NAMES)
def test_what_is_refused_is_refused_before_anything_is_sent(do, key, sent, name):
    sent.clear()
    field = FIELDS[name]
    if ROWS[name].make().stamps:
        return
    for value in ROWS[name].refused:
        for write in (
            lambda v=value: do(Every.create, k=key, r="a", **{field: v}),
            lambda v=value: do(Every(k=key, r="a").update, **{field: v}),
            lambda v=value: do(Every.objects.filter(k=key).update, **{field: v}),
            lambda v=value: do(
                Every.objects.batch_write, [Every(k=key, r="a", **{field: v})], overwrite=True
            ),
        ):
            with pytest.raises(ValidationError):
                write()
    assert not sent


@pytest.mark.engines("dynoxide", "extenddb")
@pytest.mark.parametrize("name", SORTED)
def test_extremes_are_in_the_order_of_their_values(do, key, name):
    field = FIELDS[name]
    values = sorted({each for each in ROWS[name].kept if each != "" and each is not Text.EMPTY})
    for at, value in enumerate(reversed(values)):
        do(Sorted.create, k=key, r=str(at), **{field: value})
    query = Sorted.objects.filter(k=key).order_by(field)
    assert [getattr(each, field) for each in do.list(query)] == values
    low, high = values[0], values[-1]
    assert do(query.filter(**{f"{field}__gte": low}).count) == len(values)
    assert do(query.filter(**{f"{field}__gt": low, f"{field}__lt": high}).count) == len(values) - 2
    assert do(query.filter(**{f"{field}__between": (low, high)}).count) == len(values)


def test_for_ever_is_a_moment_of_every_zone(do, key):
    for name in ("datetime in Berlin", "datetime far east", "datetime of zoneinfo", "ttl"):
        moment = LAST.replace(microsecond=0)
        read = do(Every.create, k=key, r="e", **{FIELDS[name]: moment})
        assert getattr(do(Every.get, key, "e"), FIELDS[name]) == moment
        do(read.delete)

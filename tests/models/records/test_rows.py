"""Rows that are no instances: dicts and tuples of values, as fields read them."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import (
    BooleanField,
    CharField,
    DateField,
    DecimalField,
    DictField,
    Document,
    EmbeddedField,
    F,
    Field,
    GlobalIndex,
    IntegerField,
    ListField,
    MapField,
    Model,
    QueryError,
    SetField,
    UnreadableValue,
)
from dynamodb_py.codec import to_json
from dynamodb_py.models.records.base import BaseRecord
from dynamodb_py.models.records.rows import Column, Shape, make_loader
from dynamodb_py.signals import post_init, receiver


class Address(Document):
    city = CharField(name="c")


class Test(Model):
    __test__ = False

    class Meta:
        table_name = "tests"
        indexes = [GlobalIndex("ByWins", hash_key="wins", projection="keys")]

    k = CharField(name="key", hash_key=True)
    wins = IntegerField(default=5)
    day = DateField()
    ids = ListField(int, default=[])
    doc = DictField(default=dict)
    box = MapField({"on": DateField(), "to": ListField(DateField())})
    home = EmbeddedField(Address)


ITEM = {
    "key": {"S": "a"},
    "day": {"S": "2026-01-02"},
    "ids": {"L": [{"N": "1"}, {"N": "2"}]},
    "doc": {"M": {"a": {"L": [{"M": {"b": {"N": "1.5"}}}]}, "n": {"NULL": True}, "7": {"S": "x"}}},
    "box": {"M": {"on": {"S": "2026-01-03"}, "to": {"L": [{"S": "2026-01-04"}]}}},
    "home": {"M": {"c": {"S": "Lyon"}}},
    "other": {"SS": ["x"]},
}
DAY = dt.date(2026, 1, 2)


def rows(script, do, make, item=ITEM, objects=None):
    script.answers = [{"Items": [item], "Count": 1, "ScannedCount": 1}]
    return do.list(make(Test.objects.scan() if objects is None else objects))


ROWS = [
    (lambda q: q.values("wins", "day"), {"wins": 5, "day": DAY}),
    (lambda q: q.values("day", "k"), {"day": DAY, "k": "a"}),
    (lambda q: q.values("day"), {"day": DAY}),
    (lambda q: q.values(Test.day), {"day": DAY}),
    (lambda q: q.values("doc__a__0__b", "k"), {"doc__a__0__b": 1.5, "k": "a"}),
    (lambda q: q.values("doc__a__7__b"), {"doc__a__7__b": None}),
    (lambda q: q.values("doc__a__b"), {"doc__a__b": None}),
    (lambda q: q.values("doc__n", "doc__x"), {"doc__n": None, "doc__x": None}),
    (lambda q: q.values("ids__1"), {"ids__1": 2}),
    (lambda q: q.values("box__on", "box__to__0"), {"box__on": dt.date(2026, 1, 3), "box__to__0": dt.date(2026, 1, 4)}),
    (lambda q: q.values(Test.box["on"]), {"box__on": dt.date(2026, 1, 3)}),
    (lambda q: q.values(Test.doc["a"][0]["b"]), {"doc__a__0__b": 1.5}),
    (lambda q: q.values("doc__7"), {"doc__7": "x"}),
    (lambda q: q.values("home__city"), {"home__city": "Lyon"}),
    (lambda q: q.values(F("other")), {"other": {"x"}}),
    (lambda q: q.values_list("wins", "day"), (5, DAY)),
    (lambda q: q.values_list("wins"), (5,)),
    (lambda q: q.values_list("wins", flat=True), 5),
    (lambda q: q.values_list("doc__a__0__b", flat=True), 1.5),
    (lambda q: q.values("wins").values_list("day", flat=True), DAY),
]  # fmt: skip


@pytest.mark.parametrize(("make", "row"), ROWS, ids=range(len(ROWS)))
def test_a_row_has_the_values_that_were_named(script, do, make, row):
    assert rows(script, do, make) == [row]
    assert "ProjectionExpression" in script.payloads[0]


def test_rows_of_all_fields(script, do):
    everything = {
        "k": "a",
        "wins": 5,
        "day": DAY,
        "ids": [1, 2],
        "doc": {"a": [{"b": 1.5}], "n": None, "7": "x"},
        "box": {"on": dt.date(2026, 1, 3), "to": [dt.date(2026, 1, 4)]},
        "home": Address(city="Lyon"),
    }
    assert rows(script, do, lambda q: q.values()) == [everything]
    assert rows(script, do, lambda q: q.values_list()) == [tuple(everything.values())]
    assert all("ProjectionExpression" not in payload for payload in script.payloads)


def test_dicts_are_plain_and_have_what_is_not_declared(script, do):
    [row] = rows(script, do, lambda q: q.as_dicts())
    assert row["home"] == {"city": "Lyon"}
    assert row["other"] == {"x"}
    assert list(row) == ["k", "wins", "day", "ids", "doc", "box", "home", "other"]
    [row] = rows(script, do, lambda q: q.only("wins").as_dicts(), {"key": {"S": "a"}})
    assert row == {"k": "a", "wins": 5}
    [row] = rows(
        script, do, lambda q: q.as_dicts().defer("home", "box", "doc", "ids"), {"key": {"S": "a"}}
    )
    assert row == {"k": "a", "wins": 5, "day": None}


def test_named_rows(script, do):
    [row] = rows(script, do, lambda q: q.values_list("wins", "doc__a", named=True))
    assert (row.wins, row.doc__a) == (5, [{"b": 1.5}])
    assert row._fields == ("wins", "doc__a")
    [row] = rows(script, do, lambda q: q.values_list(named=True))
    assert row.k == "a"
    with pytest.raises(QueryError, match=r"a named tuple cannot have these names.*values\(\)"):
        list(Test.objects.scan().values_list(Test.doc["a-b"], named=True))


def test_a_list_is_read_whole_since_dynamodb_closes_its_gaps(script, do):
    rows(script, do, lambda q: q.values("doc__a__3__b", "ids__1"))
    names = script.payloads[0]["ExpressionAttributeNames"]
    said = script.payloads[0]["ProjectionExpression"]
    spelled = ".".join(names[part] for part in said.split(", ")[0].split("."))
    assert spelled == "doc.a"
    assert "[" not in said


def test_values_of_an_index_that_holds_keys(script, do):
    index = Test.objects.index("ByWins").filter(wins=5)
    item = {"key": {"S": "a"}, "wins": {"N": "5"}}
    assert rows(script, do, lambda q: q.values(), item, index) == [{"k": "a", "wins": 5}]
    assert rows(script, do, lambda q: q.as_dicts(), item, index) == [{"k": "a", "wins": 5}]
    assert rows(script, do, lambda q: q.values("k"), item, index) == [{"k": "a"}]
    with pytest.raises(QueryError, match="ByWins"):
        list(index.values("day"))


def test_a_value_that_cannot_be_read_is_told_where_it_was_asked_for(script, do):
    bad = {**ITEM, "day": {"N": "5"}}
    assert rows(script, do, lambda q: q.values("wins"), bad) == [{"wins": 5}]
    with pytest.raises(UnreadableValue, match=r"Test\.day"):
        rows(script, do, lambda q: q.values("day"), bad)
    with pytest.raises(UnreadableValue, match=r"Test\.day"):
        rows(script, do, lambda q: q.values("day", "box__on"), bad)


def test_rows_of_first_get_pages_and_walks(script, do):
    answer = {"Items": [ITEM], "Count": 1, "ScannedCount": 1}
    query = Test.objects.scan().values_list("wins", flat=True)
    script.answers = [answer] * 5
    assert do(query.first) == 5
    assert do(query.get) == 5
    assert do(query.page).items == [5]
    assert [page.items for page in do.list(query.pages())] == [[5]]
    assert do.list(query.iterator()) == [5]


def test_instances_belong_to_the_connection_that_they_came_from(script, do):
    script.answers = [{"Items": [ITEM], "Count": 1, "ScannedCount": 1}]
    [one] = do.list(Test.objects.scan().using("default"))
    assert one._using == "default"


class Point(Field[tuple[int, int]]):
    kind = "S"

    def to_db(self, value):
        return f"{value[0]},{value[1]}"

    def to_python(self, stored):
        x, y = stored.split(",")
        return int(x), int(y)


class Wide(Model):
    k = CharField(name='say "k"', hash_key=True)
    wins = IntegerField(default=5)
    price = DecimalField(null=True)
    good = BooleanField()
    day = DateField()
    tags = SetField(str)
    ids = ListField(int, default=[])
    doc = DictField(default=dict)
    at = Point()
    home = EmbeddedField(Address)


WIRES = st.sampled_from([
    {"S": "a"}, {"S": ""}, {"N": "1"}, {"N": "1.5"}, {"N": "1e40"}, {"NULL": True}, {"L": [{"S": "x"}]}, {"M": {}}, {},
])  # fmt: skip
FITTING = {
    'say "k"': {"S": "a"}, "wins": {"N": "7"}, "price": {"N": "1.50"}, "good": {"BOOL": False}, "day": {"S": "2026-01-02"},
    "tags": {"SS": ["a", "b"]}, "ids": {"L": [{"N": "1"}, {"N": "2"}]}, "doc": {"M": {"n": {"N": "1"}}}, "at": {"S": "1,2"},
    "home": {"M": {"c": {"S": "x"}}}, "other": {"SS": ["x"]},
}  # fmt: skip
ITEMS = st.fixed_dictionaries(
    {},
    optional={
        name: st.one_of(st.just(wire), st.just(wire), WIRES) for name, wire in FITTING.items()
    },
)


@given(
    ITEMS,
    st.lists(st.sampled_from(list(Wide._fieldset.by_name)), min_size=1, unique=True),
)
def test_values_that_take_no_instance_are_those_of_one(wires, names):
    item = to_json(wires)
    columns = tuple(Column(name, (Wide._fieldset.by_name[name].attribute,)) for name in names)

    def outcome(read):
        try:
            return read(), None
        except UnreadableValue as error:
            return None, str(error)

    instance = Wide._load(item)
    wanted = outcome(lambda: tuple([getattr(instance, name) for name in names]))
    load = make_loader(Wide, Shape("tuple", columns), None, None)
    found = outcome(lambda: load(item))
    assert found == wanted
    assert [*map(type, found[0] or ())] == [*map(type, wanted[0] or ())]


@pytest.mark.parametrize(("names", "decoded"), [(("wins", "ids", "at"), 0), (("wins", "home"), 1)])
def test_rows_decode_no_more_than_their_values(script, do, monkeypatch, names, decoded):
    items = []
    decode = BaseRecord._decode
    monkeypatch.setattr(BaseRecord, "_decode", lambda self: items.append(self) or decode(self))
    item = {'say "k"': {"S": "a"}, "wins": {"N": "3"}, "at": {"S": "1,2"}}
    assert rows(script, do, lambda q: q.values_list(*names), item, Wide.objects.scan())[0][0] == 3
    assert len(items) == decoded


def test_post_init_is_sent_for_rows_too(script, do):
    seen = []

    @receiver(post_init, sender=Wide)
    def note(sender, instance, **_):
        seen.append(instance.k)

    item = {'say "k"': {"S": "a"}, "wins": {"N": "3"}}
    for _ in range(2):
        assert rows(script, do, lambda q: q.values_list("wins"), item, Wide.objects.scan()) == [
            (3,)
        ]
    post_init.disconnect(note)
    assert seen == ["a", "a"]
    assert rows(script, do, lambda q: q.values_list("wins"), item, Wide.objects.scan()) == [(3,)]
    assert len(seen) == 2

"""update() on every engine: computed values, sets, lists, documents, and races."""

from __future__ import annotations

import asyncio
import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from dynamodb_py import (
    CharField,
    ConditionFailed,
    ConnectionFailed,
    DateTimeField,
    DecimalField,
    DictField,
    F,
    FloatField,
    IntegerField,
    InvalidRequest,
    ListField,
    Model,
    Retries,
    SetField,
    TimestampField,
    connect,
    options,
)
from dynamodb_py.models.persistence.stored import stored_wires
from dynamodb_py.models.persistence.tracking import changes_to_write

from ..engines import ACCESS_KEY, REGION, SECRET_KEY
from .proxy import Proxy, close


class Score(Model):
    class Meta:
        table_name = "updated"

    key = CharField(name="k", hash_key=True)
    wins = IntegerField(name="w", default=0)
    losses = IntegerField()
    ratio = FloatField()
    price = DecimalField()
    note = CharField()
    ids = ListField(int)
    tags = SetField()
    doc = DictField()
    made = DateTimeField()
    until = TimestampField()


TABLES = [Score]
MOMENT = dt.datetime(2026, 11, 1, tzinfo=dt.timezone.utc)


@pytest.fixture
def item(engine, key):
    return Score.create(
        key=key,
        wins=3,
        losses=1,
        ratio=0.1,
        price=Decimal("1.10"),
        note="n",
        ids=[1, 2, 3],
        tags={"a", "b"},
        doc={"visits": 1, "deep": {"x": 1}},
        until=MOMENT,
    )


CHANGES = [
    ("a value", (), {"losses": 5}, {"losses": 5}),
    ("None", (), {"note": None}, {"note": None}),
    ("a sum", (), {"wins": F("wins") + 10}, {"wins": 13}),
    ("a difference of two", (), {"wins": F("wins") - F("losses")}, {"wins": 2}),
    ("the other way round", (), {"wins": 10 - F("wins")}, {"wins": 7}),
    ("a float", (), {"ratio": F("ratio") + 0.2}, {"ratio": 0.3}),
    ("a Decimal", (), {"price": F("price") + Decimal("0.01")}, {"price": Decimal("1.11")}),
    ("a moment", (Score.until.add(dt.timedelta(days=1)),), {}, {"until": MOMENT.replace(day=2)}),
    (
        "a moment for the first time",
        (),
        {"made": F("made").if_not_exists(MOMENT)},
        {"made": MOMENT},
    ),
    ("what is there", (), {"wins": F("wins").if_not_exists(0)}, {"wins": 3}),
    ("appended", (Score.ids.append([4]),), {}, {"ids": [1, 2, 3, 4]}),
    ("prepended", (), {"ids": F("ids").prepend([0])}, {"ids": [0, 1, 2, 3]}),
    ("an element", (Score.ids[1].set(20),), {}, {"ids": [1, 20, 3]}),
    ("an element removed", (F("ids__0").remove(),), {}, {"ids": [2, 3]}),
    ("added to a set", (F("tags").add({"c"}),), {}, {"tags": {"a", "b", "c"}}),
    ("taken from a set", (F("tags").discard({"a", "x"}),), {}, {"tags": {"b"}}),
    ("the last of a set", (F("tags").discard({"a", "b"}),), {}, {"tags": set()}),
    ("added inside", (Score.doc["visits"].add(2),), {}, {"doc": {"visits": 3, "deep": {"x": 1}}}),
    (
        "set inside",
        (F("doc__deep__y").set([1]),),
        {},
        {"doc": {"visits": 1, "deep": {"x": 1, "y": [1]}}},
    ),
    ("removed inside", (F("doc__deep").remove(),), {}, {"doc": {"visits": 1}}),
    (
        "all clauses",
        (F("wins").add(1), F("note").remove(), F("tags").discard({"a"})),
        {"losses": F("losses") + 1},
        {"wins": 4, "note": None, "tags": {"b"}, "losses": 2},
    ),
]


@pytest.mark.parametrize(
    ("actions", "values", "after"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES]
)
def test_a_change_is_carried_out_and_known(do, item, actions, values, after):
    expected = item.to_dict() | after
    assert do(item.update, *actions, **values) is item
    assert item.to_dict() == expected
    there = Score.objects.get(item.key, consistent=True)
    assert there.to_dict() == expected
    assert changes_to_write(item, stored_wires(item), validate=True) == {}


@pytest.mark.parametrize("by_query", [False, True])
def test_returning(do, item, by_query):
    rows = Score.objects.filter(key=item.key)
    update = rows.update if by_query else item.update
    got = do(update, returning="updated_new", wins=F("wins") + 1, losses=0)
    assert got == {"wins": 4, "losses": 0}
    assert do(update, returning="updated_old", wins=F("wins") + 1) == {"wins": 4}
    old = do(update, returning="old", wins=7)
    assert (old["wins"], old["tags"], old["price"]) == (5, {"a", "b"}, Decimal("1.1"))
    new = do(update, F("tags").add({"z"}), returning="new")
    assert (new["wins"], new["tags"]) == (7, {"a", "b", "z"})


def test_a_counter_counts_on_what_was_never_saved(do, engine, key):
    fresh = Score(key=key)
    do(fresh.update, F("wins").add(2), F("tags").add({"x"}))
    assert (fresh.wins, fresh.tags) == (2, {"x"})
    do(Score(key=key).update, wins=F("wins").if_not_exists(0) + 1)
    assert Score.objects.get(key, consistent=True).wins == 3


def test_nothing_is_made_where_the_item_must_exist(do, engine, key, stored):
    with pytest.raises(Score.DoesNotExist):
        do(Score(key=key).update, wins=1, must_exist=True)
    rows = Score.objects.filter(key=key)
    with pytest.raises(Score.DoesNotExist):
        do(rows.update, wins=1, must_exist=True)
    assert do(rows.update, wins=1).matched == 0
    assert stored(Score(key=key)) is None
    assert do(rows.update, must_exist=False, wins=1).changed == 1
    assert stored(Score(key=key)) == {"k": {"S": key}, "w": {"N": "1"}}


def test_a_loaded_item_that_was_deleted_is_not_made_anew(do, item, stored):
    Score.objects.delete(item.key)
    with pytest.raises(Score.DoesNotExist):
        do(item.update, wins=F("wins").if_not_exists(0) + 1)
    assert stored(item) is None


def test_a_condition_that_does_not_hold_has_the_item_as_it_stands(do, item):
    for update in (item.update, Score.objects.filter(key=item.key).update):
        with pytest.raises(ConditionFailed) as caught:
            do(update, wins=0, condition=F("wins") > 5)
        assert caught.value.current == item
        assert caught.value.current.wins == 3


def test_of_two_loaded_copies_both_updates_survive(do, item):
    one, other = Score.objects.get(item.key), Score.objects.get(item.key)
    one.note = "unsaved"
    do(one.update, Score.doc["visits"].add(1), wins=F("wins") + 1)
    do(other.update, Score.doc["deep"]["x"].add(1), wins=F("wins") + 1)
    there = Score.objects.get(item.key, consistent=True)
    assert (there.wins, there.doc, there.note) == (5, {"visits": 2, "deep": {"x": 2}}, "n")
    do(one.save)
    assert Score.objects.get(item.key, consistent=True).note == "unsaved"
    assert Score.objects.get(item.key, consistent=True).wins == 5


def test_missing_parents_are_made(do, engine, key, item, sent):
    with pytest.raises(InvalidRequest):
        do(item.update, F("doc__a__b__c").set(1))
    del sent[:]
    do(item.update, F("doc__a__b__c").set(1), F("doc__a__d").set(2), create_parents=True)
    expected = {"visits": 1, "deep": {"x": 1}, "a": {"b": {"c": 1}, "d": 2}}
    assert item.doc == expected
    assert len(sent) == 5
    fresh = Score(key=f"{key}-new")
    do(fresh.update, F("doc__a__n").add(1), create_parents=True)
    do(Score.objects.filter(key=fresh.key).update, F("doc__b__n").add(1), create_parents=True)
    there = Score.objects.get(fresh.key, consistent=True)
    assert there.doc == {"a": {"n": 1}, "b": {"n": 1}}


def test_a_sum_with_what_is_not_there_is_refused(do, item):
    with pytest.raises(InvalidRequest):
        do(item.update, wins=F("nothing") + 1)


def test_an_update_of_many_computes_for_each(do, engine, key):
    Score.batch_write([Score(key=f"{key}-{n}", wins=n, ids=[n]) for n in range(5)], overwrite=True)
    rows = Score.objects.filter(key__in=[f"{key}-{n}" for n in range(5)])
    done = do(rows.update, Score.ids.append([9]), wins=F("wins") + 10)
    assert done.changed == 5
    assert sorted(row.wins for row in rows.consistent()) == [10, 11, 12, 13, 14]
    assert sorted(row.ids for row in rows.consistent()) == [[n, 9] for n in range(5)]


@pytest.mark.engines("dynoxide", "extenddb")  # moto loses updates of threads
def test_side_by_side_nothing_is_lost(do, item):
    def changes():
        return Score.ids.append([9]), Score.wins.set(F("wins") + 1)

    if do.mode == "sync":
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: Score(key=item.key).update(*changes()), range(20)))
    else:

        async def together():
            await asyncio.gather(*[Score(key=item.key).aupdate(*changes()) for _ in range(20)])

        do.run(together())
    there = Score.objects.get(item.key, consistent=True)
    assert (there.wins, len(there.ids)) == (23, 23)


@pytest.mark.engines("dynoxide", "extenddb")  # moto is not reached over a network
@pytest.mark.parametrize(
    ("action", "raises", "wins"),
    [
        (F("wins").add(1), True, 4),
        (Score.wins.set(F("wins") + 1), True, 4),
        (Score.wins.set(9), False, 9),
    ],
)
def test_an_answer_that_was_lost_counts_once(engine, do, client, item, action, raises, wins):
    with Proxy(engine.endpoint_url, client) as proxy:
        connection = connect(
            "faulty",
            region_name=REGION,
            endpoint_url=proxy.url,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            table_prefix=engine.prefix,
            retries=Retries(attempts=3, base=0),
        )
        with options(using="faulty"):
            item = do(Score.objects.get, item.key, consistent=True)
            proxy.script(proxy.taken(close))
            if raises:
                with pytest.raises(ConnectionFailed):
                    do(item.update, action)
            else:
                do(item.update, action)
        if do.mode == "async":
            do.run(connection.aclose())
        connection.close()
    assert Score.objects.get(item.key, consistent=True).wins == wins

"""``rate=``: the same is read and written with it and without, at the same price, until the deadline comes."""

from __future__ import annotations

import pytest

from dynamodb_py import (
    CharField,
    DeadlineExceeded,
    GlobalIndex,
    IntegerField,
    Model,
    VersionField,
    adelete_all,
    aload,
    asave_all,
    delete_all,
    load,
    options,
    save_all,
)
from dynamodb_py.metering import capacity

FAST = {"rate": 10**7}
SLOW = {"rate": 0.001}


class Score(Model):
    class Meta:
        table_name = "scores"
        indexes = [GlobalIndex("by_team", hash_key="team", range_key="game")]

    player = CharField(hash_key=True)
    game = IntegerField(range_key=True)
    points = IntegerField(default=0)
    team = CharField(default="a")
    text = CharField()


class Account(Model):
    class Meta:
        table_name = "accounts"

    owner = CharField(hash_key=True)
    number = IntegerField(range_key=True)
    email = CharField(unique=True)
    version = VersionField()


TABLES = [Score, Account]


def together(do, function, *args, **kwargs):
    """Call ``load``, ``save_all`` or ``delete_all``, or its twin."""
    twins = {load: aload, save_all: asave_all, delete_all: adelete_all}
    if do.mode == "sync":
        return function(*args, **kwargs)
    return do.run(twins[function](*args, **kwargs))


def scores(key, count=60):
    """Return items of several sizes, the largest of three write units."""
    text = "x" * 500
    return [Score(player=key, game=n, points=n, text=text * (n % 6)) for n in range(count)]


def stored(do, key, model=Score):
    rows = model.objects.filter(**{model._meta.keys[0].name: key}).consistent()
    found = [row.to_dict() for row in do.list(rows)]
    for each in found:
        del each[model._meta.keys[0].name]
    return found


def block(do, model, items, **named):
    def write():
        with model.objects.batch_write(overwrite=True, **named) as batch:
            for each in items:
                batch.put(each)

    async def awrite():
        async with model.objects.abatch_write(overwrite=True, **named) as batch:
            for each in items:
                await batch.put(each)

    write() if do.mode == "sync" else do.run(awrite())


def change(rows):
    for row in rows:
        row.points += 1
    return rows


def accounts(key, count=10):
    return [Account(owner=key, number=n, email=f"{n}@{key}.com") for n in range(count)]


SCORE, ACCOUNT = Score.objects, Account.objects
WRITES = {
    "batch_write": lambda do, key, **rate: do(
        SCORE.batch_write, scores(key), overwrite=True, **rate
    ),
    "batch_write, each by itself": lambda do, key, **rate: do(
        SCORE.batch_write, scores(key), **rate
    ),
    "a block": lambda do, key, **rate: block(do, Score, scores(key), **rate),
    "bulk_create": lambda do, key, **rate: do(SCORE.bulk_create, scores(key), **rate),
    "save_all": lambda do, key, **rate: together(do, save_all, scores(key), **rate),
    "bulk_create of accounts": lambda do, key, **rate: do(
        ACCOUNT.bulk_create, accounts(key), **rate
    ),
}
CHANGES = {
    "bulk_create, update_conflicts": lambda do, key, **rate: do(
        SCORE.bulk_create, scores(key, 70), update_conflicts=True, **rate
    ),
    "bulk_update": lambda do, key, **rate: do(
        SCORE.bulk_update, change(do.list(SCORE.filter(player=key))), ["points"], **rate
    ),
    "bulk_delete": lambda do, key, **rate: do(
        SCORE.bulk_delete, [(key, n) for n in range(40)], **rate
    ),
    "save_all": lambda do, key, **rate: together(
        do, save_all, change(do.list(SCORE.filter(player=key))), **rate
    ),
    "delete_all": lambda do, key, **rate: together(do, delete_all, scores(key, 40), **rate),
    "update": lambda do, key, **rate: do(
        SCORE.filter(player=key, points__gt=20).update, points=0, **rate
    ),
    "delete": lambda do, key, **rate: do(SCORE.filter(player=key, points__gt=20).delete, **rate),
    "delete checked": lambda do, key, **rate: do(
        SCORE.filter(player=key, points__gt=20).delete, checked=True, **rate
    ),
}


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("verb", WRITES)
def test_the_same_is_written_at_the_same_price(engine, do, key, verb, workers):
    if engine.name == "moto" and "accounts" in verb:
        workers = 1  # its transactions do not stand others beside them
    found, paid = [], []
    for name, rate in ((key, {}), (f"{key}-paced", FAST)):
        with capacity() as used:
            WRITES[verb](do, name, workers=workers, **rate)
        found.append(stored(do, name) + stored(do, name, Account))
        paid.append((used.write_units, used.requests))
    assert found[0]
    if "accounts" in verb:
        found[1] = [{**each, "email": each["email"].replace("-paced", "")} for each in found[1]]
    assert found[0] == found[1]
    assert paid[0] == paid[1]


@pytest.mark.parametrize("verb", CHANGES)
def test_the_same_is_changed_at_the_same_price(engine, do, key, verb):
    found, paid = [], []
    for name, rate in ((key, {}), (f"{key}-paced", FAST)):
        do(SCORE.batch_write, scores(name), overwrite=True)
        before = stored(do, name)
        with capacity() as used:
            CHANGES[verb](do, name, **rate)
        found.append(stored(do, name))
        assert found[-1] != before
        paid.append((used.units, used.requests))
    assert found[0] == found[1]
    assert paid[0] == paid[1]


def test_the_same_is_read(engine, do, key):
    do(SCORE.batch_write, scores(key, 120), overwrite=True)
    keys = [(key, n) for n in range(120)]
    for rate in ({}, FAST):
        assert [row.game for row in do(SCORE.batch_get, *keys, **rate)] == list(range(120))
        assert len(do(SCORE.in_bulk, keys, **rate)) == 120
        bare = [Score(player=key, game=n) for n in range(120)]
        together(do, load, bare, **rate)
        assert [row.points for row in bare] == list(range(120))


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("verb", WRITES)
def test_what_was_written_before_the_deadline_is_in_the_table(engine, do, key, verb, workers):
    # The first request is sent at once, and the second would be in 1000 seconds or more.
    with options(deadline=60), pytest.raises(DeadlineExceeded, match="the next request") as raised:
        WRITES[verb](do, key, workers=workers, **SLOW)
    done = raised.value.done
    kind = Account if "accounts" in verb else Score
    found = [row["number" if kind is Account else "game"] for row in stored(do, key, kind)]
    assert found == [0]
    assert [each.is_done for each in done.outcomes] == [True] + [False] * (len(done.outcomes) - 1)
    assert not raised.value.in_doubt


@pytest.mark.parametrize("verb", ["update", "delete", "delete checked"])
def test_what_was_changed_before_the_deadline_is_told(engine, do, key, verb):
    do(SCORE.batch_write, scores(key), overwrite=True)
    with options(deadline=60), pytest.raises(DeadlineExceeded, match="the next request") as raised:
        CHANGES[verb](do, key, **SLOW)
    done = raised.value.done
    assert (done.matched, done.changed, done.failed) == (39, 1, [])
    row = do(SCORE.get_or_none, player=key, game=21)
    assert row is None if "delete" in verb else row.points == 0
    # Made again, it finds what is left.
    assert CHANGES[verb](do, key).changed == 38

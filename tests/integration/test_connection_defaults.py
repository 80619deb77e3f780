"""Defaults of a connection: what its reads and writes are where neither call, block nor model say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dynamodb_py import (
    CharField,
    ConfigurationError,
    ForeignKey,
    GlobalIndex,
    IntegerField,
    LocalIndex,
    Model,
    StaleItem,
    TransactionCanceled,
    connect,
    load,
    options,
    transaction,
)


class Team(Model):
    class Meta:
        table_name = "teams"

    name = CharField(hash_key=True)


class Score(Model):
    class Meta:
        table_name = "scores"

    player = CharField(hash_key=True)
    game = IntegerField(range_key=True)
    points = IntegerField(required=True)
    city = CharField(required=True)
    team = ForeignKey(Team, related_name=None)

    by_city = GlobalIndex(hash_key="city")
    by_points = LocalIndex(range_key="points")


class Free(Score):
    class Meta:
        table_name = "scores"
        atomic = False


TABLES = [Team, Score]


@pytest.fixture(autouse=True)
def strict(engine) -> Iterator[None]:
    """Let the connection of the engine have the defaults, as connect() would give them."""
    from dynamodb_py import connections

    engine.connection.consistent = engine.connection.atomic = True
    connections._atomic_aliases.add(engine.connection.alias)
    yield
    engine.connection.consistent = engine.connection.atomic = False
    connections._atomic_aliases.discard(engine.connection.alias)


READS = {
    "get": (lambda do, key: do(Score.objects.get, key, 1), True),
    "get_or_none": (lambda do, key: do(Score.objects.get_or_none, key, 1), True),
    "batch_get": (lambda do, key: do(Score.objects.batch_get, (key, 1)), True),
    "in_bulk": (lambda do, key: do(Score.objects.in_bulk, [(key, 1)]), True),
    "load": (lambda do, key: do(load, [Score(key, 1)]), True),
    "refresh": (lambda do, key: do(Score(key, 1).refresh_from_db), True),
    "a query": (lambda do, key: do.list(Score.objects.filter(player=key)), True),
    "first": (lambda do, key: do(Score.objects.filter(player=key).first), True),
    "count": (lambda do, key: do(Score.objects.filter(player=key).count), True),
    "exists": (lambda do, key: do(Score.objects.filter(player=key).exists), True),
    "a local index": (lambda do, key: do.list(Score.by_points.filter(player=key)), True),
    "a chosen query": (lambda do, key: do.list(Score.objects.filter(player=key, points=1)), True),
    "a global index": (lambda do, key: do.list(Score.by_city.filter(city=key)), None),
    "a chosen index": (lambda do, key: do.list(Score.objects.filter(city=key)), None),
    "the first of an index": (lambda do, key: do(Score.objects.filter(city=key).first), None),
    "not for this call": (lambda do, key: do(Score.objects.get, key, 1, consistent=False), None),
    "not for this query": (
        lambda do, key: do.list(Score.objects.filter(player=key).consistent(False)),
        None,
    ),
}


def is_consistent(sent) -> list[bool | None]:
    found = []
    for each in sent:
        payload = each.payload()
        for part in payload.get("RequestItems", {"": payload}).values():
            found.append(part.get("ConsistentRead") or None)
    return found


@pytest.mark.parametrize("read", READS)
def test_reads_are_consistent_where_dynamodb_can(do, key, sent, read):
    call, expected = READS[read]
    do(Score.create, player=key, game=1, points=1, city=key)
    sent.clear()
    for _ in range(2):  # the second time from what is compiled
        call(do, key)
    assert is_consistent(sent) == [expected] * 2


def test_a_block_goes_before_the_connection_and_a_call_before_both(do, key, sent):
    do(Score.create, player=key, game=1, points=1, city=key)
    sent.clear()
    rows = Score.objects.filter(player=key)
    with options(consistent=False):
        do(Score.objects.get, key, 1)
        do(rows.first)
        do(Score.objects.get, key, 1, consistent=True)
    do(rows.first)
    assert is_consistent(sent) == [None, None, True, True]


def test_the_plan_shows_what_is_read_consistently(do, key):
    assert Score.objects.filter(player=key).explain().consistent
    assert not Score.objects.filter(city=key).explain().consistent


def stale(do, key, model=Score):
    do(model.create, player=key, game=1, points=1, city="a")
    old = do(model.objects.get, key, 1)
    do(do(model.objects.get, key, 1).update, points=2)
    old.city = "b"
    return old


def test_writes_are_atomic_by_default(do, key):
    for call in ("save", "delete"):
        old = stale(do, f"{key}{call}")
        with pytest.raises(StaleItem):
            do(getattr(old, call))
    with pytest.raises(Score.AlreadyExists):
        do(Score(player=f"{key}save", game=1, points=3, city="c").save)


@pytest.mark.parametrize("level", ["call", "block", "model"])
def test_what_is_nearer_than_the_connection_decides(do, key, level):
    old = stale(do, key, Free if level == "model" else Score)
    if level == "block":
        with options(atomic=False):
            do(old.save)
    else:
        do(old.save, **({"atomic": False} if level == "call" else {}))
    if level == "model":
        with options(atomic=True), pytest.raises(StaleItem):
            do(stale(do, f"{key}2", Free).save)


def test_flags_that_are_none_are_refused():
    for flag in ("consistent", "atomic"):
        with pytest.raises(ConfigurationError, match=f"{flag}='yes': give True or False"):
            connect("x", **{flag: "yes"})


def test_connect_gives_the_defaults():
    from dynamodb_py import connections

    made = connect("strict", region_name="eu-west-1", consistent=True, atomic=True)
    assert (made.consistent, made.atomic) == (True, True)
    assert "strict" in connections._atomic_aliases
    made = connect("strict", region_name="eu-west-1")
    assert (made.consistent, made.atomic) == (False, False)
    assert "strict" not in connections._atomic_aliases


def test_a_transaction_checks_too(do, key):
    old = stale(do, key)

    async def block():
        async with transaction.atomic():
            await old.asave()

    def run():
        with transaction.atomic():
            old.save()

    with pytest.raises(TransactionCanceled) as raised:
        do.run(block()) if do.mode == "async" else run()
    assert isinstance(raised.value.reasons[0].error, StaleItem)

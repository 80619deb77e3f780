"""Managers: creating, fetching and deleting one item, and whose connection is used."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from dynamodb_py import (
    AlreadyExists,
    CharField,
    ConditionFailed,
    ConfigurationError,
    DoesNotExist,
    IntegerField,
    ListField,
    Model,
    Table,
    TableNotFound,
    ValidationError,
    connect,
    options,
)
from dynamodb_py.models.instance import table_of


class Score(Model):
    class Meta:
        table_name = "scores"

    player = CharField(name="p", hash_key=True)
    game = IntegerField(name="g", range_key=True)
    points = IntegerField(default=0)
    tags = ListField(default=[])


class Player(Model):
    """With a key that makes itself."""

    class Meta:
        table_name = "players"

    name = CharField(required=True)


class Choosy(Model):
    class Meta:
        table_name = "choosy"

    key = CharField(hash_key=True)
    condition = CharField()


class Nowhere(Model):
    key = CharField(hash_key=True)


TABLES = [Score, Player, Choosy]


def test_create_inserts(engine, do, sent, stored, key):
    score = do(Score.objects.create, player=key, game=0, points=5)
    assert isinstance(score, Score)
    assert score.persisted
    assert stored(score) == {
        "p": {"S": key},
        "g": {"N": "0"},
        "points": {"N": "5"},
        "tags": {"L": []},
    }
    assert sent.calls == ["PutItem"]
    with pytest.raises(Score.AlreadyExists) as raised:
        do(Score.objects.create, player=key, game=0, points=6)
    assert raised.value.current == score
    assert raised.value.current.points == 5
    assert isinstance(raised.value, (AlreadyExists, ConditionFailed))


def test_create_takes_defaults_of_its_own_each_time(engine, do, key):
    first = do(Score.create, player=key, game=0)
    second = do(Score.create, player=key, game=1)
    first.tags.append("a")
    assert second.tags == []


def test_create_with_overwrite_replaces(engine, do, sent, stored, key):
    do(Score.objects.create, player=key, game=0, points=5)
    score = do(Score.objects.create, player=key, game=0, overwrite=True)
    assert stored(score)["points"] == {"N": "0"}
    with pytest.raises(ConditionFailed):
        do(
            Score.objects.create,
            player=key,
            game=0,
            points=7,
            overwrite=True,
            condition=Score.points > 5,
        )
    assert stored(score)["points"] == {"N": "0"}


def test_a_key_of_its_own_is_made(engine, do, stored):
    one, other = do(Player.create, name="ann"), do(Player.create, name="ann")
    assert one.id != other.id
    assert stored(one) == {"id": {"S": str(one.id)}, "name": {"S": "ann"}}
    assert do(Player.get, one.id) == one
    assert do(Player.objects.get, id=other.id).id == other.id


def test_wrong_values_are_refused_before_anything_is_sent(engine, do, sent, key):
    with pytest.raises(ValidationError, match="Player: name: it is required"):
        do(Player.create)
    with pytest.raises(TypeError, match="Score has no field nothing"):
        do(Score.create, player=key, game=0, nothing=1)
    with pytest.raises(ValidationError, match="game: it is required"):
        do(Score.create, player=key)
    with pytest.raises(ValidationError, match="it is empty"):
        do(Score.create, player="", game=0)
    with pytest.raises(TypeError, match=r"create\(condition=...\) may mean"):
        do(Choosy.create, key=key, condition="a")
    assert sent == []


def test_get_takes_the_key_by_name_or_in_order(engine, do, sent, key):
    made = do(Score.create, player=key, game=0, points=5)
    for args, kwargs in [((key, 0), {}), ((), {"player": key, "game": 0})]:
        for get in (Score.get, Score.objects.get, Score.objects.get_or_none):
            found = do(get, *args, **kwargs)
            assert (found, found.points, found.persisted) == (made, 5, True)
    assert set(sent.calls) == {"PutItem", "GetItem"}
    assert "ConsistentRead" not in sent.payload()


def test_what_is_not_there_is_none_or_an_error(engine, do, key):
    assert do(Score.get, key, 0) is None
    assert do(Score.objects.get_or_none, player=key, game=0) is None
    with pytest.raises(Score.DoesNotExist) as raised:
        do(Score.objects.get, player=key, game=0)
    assert isinstance(raised.value, (DoesNotExist, LookupError))
    assert str(raised.value) == f"Score has no item with the key player={key!r}, game=0"
    assert raised.value.missing == [{"player": key, "game": 0}]
    with pytest.raises(Score.DoesNotExist):
        do(Score.objects.get, key, 0)


NO_KEYS = [
    (("a",), {}, TypeError, "the key of Score is player and game, not player"),
    (("a", 1, 2), {}, TypeError, "the key of Score is player and game, not"),
    ((), {"player": "a"}, TypeError, "not player"),
    ((), {}, TypeError, "not nothing"),
    ((), {"player": "a", "points": 1}, TypeError, "not player, points"),
    (("a",), {"game": 1}, TypeError, "the key of Score is player and game"),
    (("a", "1"), {}, ValidationError, "game: '1' is a str, not an int"),
    (("", 1), {}, ValidationError, "player: it is empty"),
    ((None, 1), {}, ValidationError, "player: it is required"),
    (("a" * 2049, 1), {}, ValidationError, "longer than the 2048 bytes"),
]


def test_what_is_no_key_is_refused(engine, do, sent, subtests):
    for args, kwargs, error, said in NO_KEYS:
        for get in (Score.objects.get_or_none, Score.get, Score.objects.delete):
            with subtests.test(f"{args} {kwargs}"[:80]), pytest.raises(error, match=said):
                do(get, *args, **kwargs)
    assert sent == []


def test_reading_is_consistent_where_that_is_asked(engine, do, sent, key):
    made = do(Score.create, player=key, game=0)

    def consistent(*args, **kwargs):
        do(*args, **kwargs)
        payload = sent.payload()
        inner = payload.get("RequestItems", {}).get(table_of(made), {})
        return payload.get("ConsistentRead", inner.get("ConsistentRead", False))

    assert consistent(Score.get, key, 0, consistent=True)
    assert consistent(Score.batch_get, (key, 0), consistent=True)
    assert not consistent(Score.batch_get, (key, 0))
    assert not consistent(made.refresh_from_db)
    with options(consistent=True):
        assert consistent(Score.get, key, 0)
        assert consistent(Score.batch_get, (key, 0))
        assert consistent(made.refresh_from_db)
        assert not consistent(Score.get, key, 0, consistent=False)
    assert not consistent(Score.get, key, 0)


def test_get_or_create_creates_once(engine, do, sent, stored, key):
    score, created = do(Score.objects.get_or_create, player=key, game=0, defaults={"points": 3})
    assert (created, score.points, score.persisted) == (True, 3, True)
    assert sent.calls == ["GetItem", "PutItem"]
    assert sent.payload(0)["ConsistentRead"] is True
    again, created = do(Score.objects.get_or_create, {"points": 9}, player=key, game=0)
    assert (created, again, again.points) == (False, score, 3)
    assert stored(score)["points"] == {"N": "3"}
    made, created = do(
        Score.objects.get_or_create, {"points": lambda: 4, "tags": list}, player=key, game=1
    )
    assert (created, made.points, made.tags) == (True, 4, [])
    with pytest.raises(TypeError, match="the key of Score is player and game"):
        do(Score.objects.get_or_create, player=key)


@pytest.mark.engines("dynoxide", "extenddb")
def test_of_sixteen_who_get_or_create_at_once_one_creates(engine, do, key):
    def ask(number):
        return Score.objects.get_or_create({"points": number}, player=key, game=0)

    async def ask_all():
        manager = Score.objects
        return await asyncio.gather(
            *(manager.aget_or_create({"points": n}, player=key, game=0) for n in range(16))
        )

    if do.mode == "sync":
        with ThreadPoolExecutor(16) as pool:
            found = list(pool.map(ask, range(16)))
    else:
        found = do.run(ask_all())
    [made] = [score for score, created in found if created]
    assert {score.points for score, _ in found} == {made.points}
    assert all(score.persisted for score, _ in found)


def test_delete_needs_no_reading(engine, do, sent, stored, key):
    score = do(Score.create, player=key, game=0, points=5)
    sent.clear()
    with pytest.raises(ConditionFailed) as raised:
        do(Score.objects.delete, key, 0, condition=Score.points > 5)
    assert isinstance(raised.value.current, Score)
    assert raised.value.current.points == 5
    do(Score.objects.delete, player=key, game=0, condition=Score.points == 5)
    do(Score.objects.delete, key, 0)
    assert sent.calls == ["DeleteItem"] * 3
    assert stored(score) is None


def test_a_manager_is_of_the_class(engine, key):
    with pytest.raises(AttributeError, match=r"of its instances: use Score\.objects"):
        _ = Score(player=key, game=0).objects


def test_a_table_that_is_not_there_is_told(engine, do, key):
    for call in (
        lambda: do(Nowhere.create, key=key),
        lambda: do(Nowhere.get, key),
        lambda: do(Nowhere(key=key).save),
        lambda: do(Nowhere.objects.delete, key),
        lambda: do(Nowhere.batch_get, key),
        lambda: do(Nowhere.batch_write, [Nowhere(key=key)], overwrite=True),
        lambda: do.list(Nowhere.objects.filter(key=key)),
        lambda: do.list(Nowhere.objects.all()),
    ):
        with pytest.raises(TableNotFound) as raised:
            call()
        assert raised.value.table == engine.table_name("Nowhere")
        assert raised.value.operation


@pytest.fixture
def replica(engine, do):
    """Another connection to the same engine, on which tables have another prefix."""
    connection = connect(
        engine.address,
        alias="replica",
        **engine.access,
        table_prefix=engine.prefix,
        table_name_format=lambda name: f"{name}.replica",
    )
    Table(Score, using="replica").create(if_not_exists=True)
    yield connection
    if do.mode == "async":
        do.run(connection.aclose())
    connection.close()


def test_using_goes_to_the_other_connection_and_so_do_its_instances(
    engine, do, replica, client, key
):
    there = Score.objects.using("replica")
    assert Table(Score, using="replica").name == engine.prefix + "scores.replica"

    def is_where():
        names = {"here": engine.table_name("scores"), "there": replica.table_name("scores")}
        wire = {"p": {"S": key}, "g": {"N": "0"}}
        found = {where: client.get_item(TableName=name, Key=wire) for where, name in names.items()}
        return {
            where: item["Item"]["points"]["N"] for where, item in found.items() if "Item" in item
        }

    score = do(there.create, player=key, game=0, points=1)
    assert is_where() == {"there": "1"}
    score.points = 2
    do(score.save)
    do(score.incr, points=1)
    assert is_where() == {"there": "3"}
    assert do(Score.get, key, 0) is None
    for find in (
        lambda: do(there.get, key, 0),
        lambda: do(there.get_or_none, key, 0),
        lambda: do(there.get_or_create, player=key, game=0)[0],
        lambda: do(there.batch_get, (key, 0))[0],
        lambda: do(there.in_bulk, [(key, 0)])[key, 0],
        lambda: do.list(there.filter(player=key))[0],
    ):
        found = find()
        found.points += 1
        do(found.save)
    assert is_where() == {"there": "9"}
    with pytest.raises(AlreadyExists) as raised:
        do(there.create, player=key, game=0)
    raised.value.current.points = 10
    do(raised.value.current.save)
    assert is_where() == {"there": "10"}
    score.points = -1
    with pytest.raises(ConditionFailed) as raised:
        do(score.save, condition=Score.points == 1)
    raised.value.current.points = 11
    do(raised.value.current.save)
    assert is_where() == {"there": "11"}
    do(there.delete, key, 0)
    assert is_where() == {}


def test_batches_of_another_connection_make_instances_of_it(engine, do, replica, key):
    there = Score.objects.using("replica")
    for overwrite in (True, False):
        given = Score(player=key, game=int(overwrite))
        [written] = do(there.batch_write, [given], overwrite=overwrite)
        assert written is given
        given.points = 5
        do(given.save)
        assert do(there.get, key, int(overwrite)).points == 5
        assert do(Score.get, key, int(overwrite)) is None
        do(given.delete)


def test_options_choose_the_connection_for_a_while(engine, do, replica, key):
    with options(using="replica"):
        score = do(Score.create, player=key, game=0)
        assert do(Score.get, key, 0) == score
        do(Score.objects.bulk_delete, [score])
        assert do(Score.get, key, 0) is None
    assert do(Score.get, key, 0) is None


def test_a_connection_that_was_never_made_is_told(engine, do, key):
    with pytest.raises(ConfigurationError, match="no connection is called 'nobody'"):
        do(Score.objects.using("nobody").get, key, 0)

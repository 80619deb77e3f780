"""Typed models, and the typed variants of verbs, on real engines: what is sent, and what comes of it."""

from __future__ import annotations

from datetime import datetime

import pytest

from dynamodb_py import (
    AlreadyExists,
    CharField,
    ConditionFailed,
    ConfigurationError,
    DateTimeField,
    DoesNotExist,
    EmbeddedField,
    FieldNotLoaded,
    ForeignKey,
    GlobalIndex,
    IntegerField,
    ListField,
    Model,
    SetField,
    StaleItem,
    TypedDocument,
    TypedModel,
    ValidationError,
    VersionField,
    connect,
    transaction,
)


class Address(TypedDocument):
    city: CharField[str] = CharField(required=True)


class Player(TypedModel):
    name: CharField[str] = CharField(hash_key=True)
    home: EmbeddedField[Address, Address] = EmbeddedField(Address, required=True)
    others: ListField[Address, list[Address]] = ListField(Address, default=list)

    class Meta:
        table_name = "players"


class Score(TypedModel):
    player: ForeignKey[Player, Player] = ForeignKey(Player, hash_key=True)
    game: IntegerField[int] = IntegerField(range_key=True)
    points: IntegerField[int] = IntegerField(required=True)
    nick: CharField[str | None] = CharField(default=None)
    tags: SetField[str, set[str]] = SetField(str)
    made: DateTimeField[datetime] = DateTimeField(auto_now_add=True, init=False)

    by_points = GlobalIndex(hash_key="player", range_key="points")

    class Meta:
        table_name = "scores"


class Account(TypedModel):
    name: CharField[str] = CharField(hash_key=True)
    balance: IntegerField[int] = IntegerField(default=0)
    email: CharField[str | None] = CharField(unique=True, default=None)
    version = VersionField()

    class Meta:
        table_name = "accounts"


class Event(TypedModel):
    id: CharField[str] = CharField(hash_key=True)

    class Meta:
        table_name = "events"
        discriminator = "kind"


class Login(Event):
    address: CharField[str] = CharField(required=True)


class Untyped(Model):
    name = CharField(hash_key=True)
    points = IntegerField(default=0)

    class Meta:
        table_name = "untyped"


TABLES = [Player, Score, Account, Event, Untyped]


@pytest.fixture(autouse=True)
def on_each_engine(engine):
    """All tests are of engines."""


# -- insert() --------------------------------------------------------------------------------------


def test_an_instance_is_inserted_and_read_as_it_was_made(do, key, sent, stored):
    player = Player(name=key, home=Address(city="Lyon"), others=[Address(city="Nice")])
    assert do(Player.objects.insert, player) is player
    score = do(Score.objects.insert, Score(player=player, game=1, points=3, tags={"a"}))
    assert sent.calls == ["PutItem", "PutItem"]
    assert isinstance(score.made, datetime)
    assert stored(score)["points"] == {"N": "3"}
    found = do(Score.by_key(player=player, game=1).fetch)
    assert (found.points, found.nick, found.tags, found.made) == (3, None, {"a"}, score.made)
    assert do(Player.objects.get, key).others[0].city == "Nice"


@pytest.mark.parametrize("model", [Untyped, Account])
def test_an_item_that_is_there_is_never_replaced(do, key, model, stored):
    first = do(model.objects.insert, model(name=key))
    before = stored(first)
    with pytest.raises(AlreadyExists) as caught:
        do(model.objects.insert, model(name=key))
    assert caught.value.current == first
    with pytest.raises(model.AlreadyExists):
        do(model.objects.all().insert, first)
    assert stored(first) == before


def test_an_insert_may_have_a_condition_and_is_collected_by_transactions(do, key):
    with pytest.raises(ConditionFailed):
        do(Untyped.objects.insert, Untyped(name=key), condition=Untyped.points.exists())

    async def in_transaction():
        async with transaction.aatomic():
            await Untyped.objects.ainsert(Untyped(name=key, points=3))

    do.run(in_transaction())
    assert do(Untyped.objects.get, key).points == 3


def test_a_subclass_is_inserted_as_what_it_is(do, key):
    do(Event.objects.insert, Login(id=key, address="::1"))
    found = do(Event.objects.get, key)
    assert type(found) is Login
    assert found.address == "::1"


@pytest.mark.parametrize("given", [Untyped(name="a"), {"name": "a"}, Player, None])
def test_other_things_are_refused_and_nothing_is_sent(do, sent, given):
    with pytest.raises(
        ValidationError, match=r" is not an Account: pass an instance to insert\(\)"
    ):
        do(Account.objects.insert, given)
    assert sent == []


def test_an_instance_of_another_connection_is_refused(do, key, engine):
    connect("memory://", alias="elsewhere").close()
    instance = do(Untyped.objects.insert, Untyped(name=key))
    with pytest.raises(AlreadyExists):
        do(Untyped.objects.insert, instance)
    instance.__dict__["_using"] = "elsewhere"
    with pytest.raises(ConfigurationError, match="is on the connection 'elsewhere'"):
        do(Untyped.objects.insert, instance)


# -- by_key() --------------------------------------------------------------------------------------


def test_an_update_by_key_reads_nothing_and_leaves_the_rest_alone(do, key, sent, stored):
    player = Player(name=key, home=Address(city="Lyon"))
    do(Player.objects.insert, player)
    score = do(Score.objects.insert, Score(player=key, game=1, points=3, tags={"a"}, nick="n"))
    before = stored(score)
    sent.clear()
    known = Score.by_key(key, 1)
    assert do(known.update, points=4) is known
    do(known.update, Score.tags.add({"b"}), nick=None)
    assert sent.calls == ["UpdateItem", "UpdateItem"]
    after = stored(score)
    assert set(after["tags"]["SS"]) == {"a", "b"}
    assert after == {
        **{name: wire for name, wire in before.items() if name != "nick"},
        "points": {"N": "4"},
        "tags": after["tags"],
    }
    assert (known.points, known.tags, known.nick) == (4, {"a", "b"}, None)
    with pytest.raises(FieldNotLoaded):
        _ = known.made


def test_what_was_assigned_is_saved_and_nothing_else(do, key, sent, stored):
    do(Untyped.objects.insert, Untyped(name=key, points=3))
    known = Untyped.by_key(name=key)
    do(known.save)
    assert sent.calls == ["PutItem"]
    known.points = 5
    do(known.save)
    assert sent.calls == ["PutItem", "UpdateItem"]
    assert stored(known) == {"name": {"S": key}, "points": {"N": "5"}}
    do(known.delete)
    assert stored(known) is None


@pytest.mark.parametrize(
    ("model", "name", "value"),
    [(Untyped, "points", 3), (Account, "balance", 3), (Player, "home", Address(city="Lyon"))],
)
def test_an_item_that_is_not_there_is_not_made(do, key, model, name, value, stored):
    known = model.by_key(key)
    with pytest.raises(model.DoesNotExist, match="there is no item of "):
        do(known.update, **{name: value})
    if model is not Account:
        setattr(known, name, value)
        with pytest.raises(DoesNotExist, match="there is no item of "):
            do(known.save)
    with pytest.raises(DoesNotExist):
        do(known.fetch)
    assert stored(model.by_key(key)) is None


def test_a_version_is_raised_by_an_update_and_needed_by_what_else_writes(do, key, stored):
    do(Account.objects.insert, Account(name=key, balance=1))
    known = Account.by_key(key)
    do(known.update, balance=2)
    assert (known.version, stored(known)["version"]) == (2, {"N": "2"})
    do(do(Account.objects.get, key).update, balance=3)
    with pytest.raises(StaleItem):  # its version is known by now
        do(known.update, balance=4)
    known = Account.by_key(key)
    known.balance = 5
    for write in (known.save, known.delete):
        with pytest.raises(FieldNotLoaded, match="version was not fetched"):
            do(write)
    with pytest.raises(FieldNotLoaded, match="version was not fetched"):
        do(known.update, balance=5, atomic=True)
    do(known.fetch)
    assert (known.balance, known.version) == (3, 3)


def test_unique_values_follow_an_update_by_key(do, key):
    do(Account.objects.insert, Account(name=key, email=f"{key}@a"))
    do(Account.by_key(key).update, email=f"{key}@b")
    other = do(Account.objects.insert, Account(name=f"{key}2", email=f"{key}@a"))
    with pytest.raises(AlreadyExists):
        do(Account.by_key(other.name).update, email=f"{key}@b")


def test_the_rest_is_fetched_as_the_class_that_it_is(do, key):
    do(Event.objects.insert, Login(id=key, address="::1"))
    known = do(Event.by_key(key).fetch)
    assert type(known) is Login
    assert known.address == "::1"


# -- rows, orders and conditions by fields -----------------------------------------------------------


def test_fields_say_what_names_say(do, key, sent):
    for game in (1, 2, 3):
        do(Score.objects.insert, Score(player=key, game=game, points=game * 10))
    rows = Score.objects.filter(Score.player == key).consistent()
    pairs = [
        (rows.values_list(Score.game, Score.points), rows.values_list("game", "points")),
        (rows.values_list(Score.nick, flat=True), rows.values_list("nick", flat=True)),
        (rows.values_list(Score.player, Score.tags), rows.values_list("player", "tags")),
        (rows.order_by(Score.game.desc()), rows.order_by("-game")),
        (rows.order_by(Score.game).reverse(), rows.order_by("game").reverse()),
        (rows.only(Score.points), rows.only("points")),
        (rows.defer(Score.points, Score.tags), rows.defer("points", "tags")),
    ]
    for typed, named in pairs:
        sent.clear()
        assert do.list(typed) == do.list(named)
        first, second = [each.payload() for each in sent]
        assert first == second
    assert do.list(rows.values_list(Score.game, Score.points)) == [(1, 10), (2, 20), (3, 30)]
    assert do.list(rows.order_by(Score.game.desc()).values_list(Score.game, flat=True)) == [3, 2, 1]
    with pytest.raises(FieldNotLoaded):
        _ = do.list(rows.only(Score.points))[0].nick


def test_conditions_on_the_key_get_one_item_by_a_get_item(do, key, sent):
    score = do(Score.objects.insert, Score(player=key, game=3, points=1))
    sent.clear()
    assert do(Score.objects.get, Score.player == key, Score.game == 3) == score
    assert sent.calls == ["GetItem"]
    with pytest.raises(Score.DoesNotExist):
        do(Score.objects.get, Score.player == key, Score.game == 4)
    done = do(
        Score.objects.filter(Score.player == key, Score.game == 3).update, Score.points.set(7)
    )
    assert done.changed == 1
    assert do(Score.objects.get, key, 3).points == 7

"""The queries of the introductions of flywheel and bloop, as they are written here."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from dynamodb_py import (
    CharField,
    ConditionFailed,
    DateTimeField,
    FieldNotLoaded,
    GlobalIndex,
    IntegerField,
    Model,
    StaleItem,
    UUIDField,
    options,
)

from ..eventually import eventually


class GameScore(Model):
    """Flywheel's: what one user reached in one game, and who is best at a game."""

    class Meta:
        table_name = "GameScore"
        indexes = [GlobalIndex("GameTitleIndex", hash_key="title", range_key="top_score")]

    userid = CharField(hash_key=True)
    title = CharField(range_key=True)
    top_score = IntegerField(required=True)
    top_score_time = DateTimeField()
    wins = IntegerField(default=0)
    losses = IntegerField(default=0)


class Account(Model):
    """Bloop's: found by the address too."""

    id = UUIDField(hash_key=True)
    name = CharField()
    email = CharField()

    by_email = GlobalIndex(hash_key="email", projection="keys")


class Tweet(Model):
    """Bloop's: of an account, in the order of time."""

    account = UUIDField(hash_key=True)
    id = CharField(range_key=True)
    content = CharField()
    created = DateTimeField()
    views = IntegerField(default=0)

    by_created = GlobalIndex(hash_key="account", range_key="created")


TABLES = [GameScore, Account, Tweet]


def title(game, key):
    return f"{game} {key}"  # an index is shared by all tests of this module


@pytest.fixture
def games(engine, do, key):
    rows = [
        ("101", "Galaxy Invaders", 5842, 21, 72),
        ("101", "Meteor Blasters", 1000, 12, 3),
        ("101", "Starship X", 24, 4, 9),
        ("102", "Alien Adventure", 192, 32, 192),
        ("102", "Galaxy Invaders", 0, 0, 5),
        ("103", "Attack Ships", 3, 1, 8),
        ("103", "Galaxy Invaders", 2317, 40, 3),
        ("103", "Comet Quest", 9723, 4, 2),
        ("104", "Comet Quest", 8000, 4, 2),
        ("105", "Comet Quest", 12000, 4, 2),
    ]
    made = [
        {
            "userid": f"{user}-{key}",
            "title": title(game, key),
            "top_score": top,
            "wins": wins,
            "losses": lost,
        }
        for user, game, top, wins, lost in rows
    ]
    do(GameScore.batch_write, made, overwrite=True)
    galaxy = GameScore.objects.index("GameTitleIndex").filter(title=title("Galaxy Invaders", key))
    eventually(lambda: do(galaxy.all().count), (3).__eq__)
    comet = GameScore.objects.index("GameTitleIndex").filter(title=title("Comet Quest", key))
    eventually(lambda: do(comet.all().count), (3).__eq__)
    return key


# -- flywheel -------------------------------------------------------------------------------------


def test_the_scores_of_a_user(engine, do, sent, games):
    sent.clear()
    found = do.list(GameScore.objects.filter(userid=f"101-{games}"))
    assert [each.title for each in found] == [
        title(game, games) for game in ("Galaxy Invaders", "Meteor Blasters", "Starship X")
    ]
    assert sent.calls == ["Query"]
    assert "IndexName" not in sent.payload()


def test_the_top_score_of_a_game(engine, do, sent, games):
    sent.clear()
    rows = GameScore.objects.filter(title=title("Galaxy Invaders", games)).order_by("-top_score")
    best = do(rows.first)
    assert (best.userid, best.top_score) == (f"101-{games}", 5842)
    assert sent.calls == ["Query"]
    assert sent.payload()["IndexName"] == "GameTitleIndex"
    assert sent.payload()["Limit"] == 1
    assert [each.top_score for each in do.list(rows)] == [5842, 2317, 0]


def test_all_scores_over_9000(engine, do, sent, games):
    sent.clear()
    rows = GameScore.objects.filter(GameScore.top_score > 9000, title=title("Comet Quest", games))
    assert [each.top_score for each in do.list(rows)] == [9723, 12000]
    assert "FilterExpression" not in sent.payload()
    assert " AND " in sent.payload()["KeyConditionExpression"]


def test_one_score_by_its_key(engine, do, sent, games):
    sent.clear()
    found = do(
        GameScore.objects.filter(userid=f"103-{games}", title=title("Attack Ships", games)).get
    )
    assert found.losses == 8
    assert sent.calls == ["GetItem"]


def test_filters_and_limits(engine, do, games):
    mine = GameScore.objects.filter(userid=f"101-{games}")
    assert [each.wins for each in do.list(mine.filter(wins__gt=10))] == [21, 12]
    assert [each.wins for each in do.list(mine.filter(GameScore.wins < GameScore.losses))] == [
        21,
        4,
    ]
    assert len(do.list(mine.limit(2))) == 2
    assert do(mine.filter(wins__in=[4, 12]).count) == 2


def test_a_counter_needs_no_item(engine, do, sent, key):
    score = GameScore(f"201-{key}", title("Meteor Blasters", key))
    do(score.incr, wins=1)
    do(score.incr, wins=2, losses=1)
    do(score.decr, losses=3)
    assert (score.wins, score.losses) == (3, -2)
    assert sent.calls == ["UpdateItem"] * 3
    [found] = do.list(GameScore.objects.filter(userid=score.userid).consistent())
    assert (found.wins, found.losses) == (3, -2)


CLIENTS, ROUNDS = 8, 10


@pytest.mark.engines("dynoxide", "extenddb")
def test_clients_who_count_at_once_lose_nothing(engine, do, key):
    where = f"202-{key}", title("Starship X", key)

    def count():
        for _ in range(ROUNDS):
            GameScore(*where).incr(wins=1, losses=2)

    async def acount():
        for _ in range(ROUNDS):
            await GameScore(*where).aincr(wins=1, losses=2)

    async def everyone():
        await asyncio.gather(*(acount() for _ in range(CLIENTS)))

    if do.mode == "sync":
        with ThreadPoolExecutor(CLIENTS) as pool:
            for end in [pool.submit(copy_context().run, count) for _ in range(CLIENTS)]:
                end.result()
    else:
        do.run(everyone())
    found = do(GameScore.objects.get, *where, consistent=True)
    assert (found.wins, found.losses) == (CLIENTS * ROUNDS, 2 * CLIENTS * ROUNDS)


# -- bloop ----------------------------------------------------------------------------------------


def test_an_account_by_its_address(engine, do, sent, key):
    address = f"{key}@example.org"
    account = do(Account.create, id=uuid.uuid4(), name="ann", email=address)
    query = Account.by_email.filter(email=address)
    eventually(lambda: do(query.all().count), (1).__eq__)
    found = do(query.get)
    assert found == account
    assert found.email == address
    with pytest.raises(FieldNotLoaded):
        _ = found.name
    do(found.refresh_from_db)
    assert found.name == "ann"
    assert sent.payload(-2)["IndexName"] == "by_email"


NOW = dt.datetime(2026, 1, 2, tzinfo=dt.timezone.utc)


@pytest.fixture
def account(engine, do):
    account = uuid.uuid4()
    tweets = [
        {
            "account": account,
            "id": f"t{n}",
            "content": f"hello {n}",
            "created": NOW + dt.timedelta(days=9 - n),
            "views": n * 10,
        }
        for n in range(10)
    ]
    do(Tweet.batch_write, tweets, overwrite=True)
    eventually(lambda: do(Tweet.by_created.filter(account=account).count), (10).__eq__)
    return account


def ids(do, rows):
    return [row.id for row in do.list(rows)]


def test_by_an_index_and_descending(engine, do, sent, account):
    by_time = Tweet.by_created.filter(account=account)
    assert ids(do, by_time) == [f"t{n}" for n in range(9, -1, -1)]
    assert ids(do, by_time.reverse()) == [f"t{n}" for n in range(10)]
    sent.clear()
    assert ids(do, Tweet.objects.filter(account=account).order_by("-created")[:2]) == ["t0", "t1"]
    assert sent.payload()["IndexName"] == "by_created"


def test_hash_and_range_conditions_together(engine, do, sent, account):
    since = NOW + dt.timedelta(days=7)
    rows = Tweet.by_created.filter((Tweet.account == account) & (Tweet.created >= since))
    assert ids(do, rows) == ["t2", "t1", "t0"]
    assert "FilterExpression" not in sent.payload()
    between = Tweet.by_created.filter(
        Tweet.created.between(NOW, NOW + dt.timedelta(days=1)), account=account
    )
    assert ids(do, between) == ["t9", "t8"]


def test_filters_on_other_fields(engine, do, sent, account):
    rows = Tweet.objects.filter(Tweet.account == account, Tweet.views > 70)
    assert ids(do, rows) == ["t8", "t9"]
    assert "FilterExpression" in sent.payload()
    either = Tweet.objects.filter(
        Tweet.content.contains("3") | ~(Tweet.views < 90), account=account
    )
    assert ids(do, either) == ["t3", "t9"]


def test_an_earlier_query_is_not_affected_by_later_calls(engine, do, account):
    base = Tweet.objects.filter(account=account)
    few = base.filter(views__lt=20)
    back = few.reverse()
    assert ids(do, back) == ["t1", "t0"]
    assert ids(do, few) == ["t0", "t1"]
    assert len(ids(do, base)) == 10


def test_nothing_is_sent_before_iterating(engine, do, sent, account):
    sent.clear()
    rows = Tweet.objects.filter(account=account).filter(views__gt=20).reverse().limit(2)
    rows.explain()
    assert sent == []
    assert ids(do, rows) == ["t9", "t8"]
    assert sent.calls[0] == "Query"


def both(do, model, *key):
    """Return an item as two clients loaded it."""
    return tuple(do(model.objects.get, *key, consistent=True) for _ in range(2))


def test_of_two_who_take_one_id_the_first_has_it(engine, do):
    own = uuid.uuid4()
    free = ~Account.id.exists()
    do(Account(own, name="ann").save, condition=free)
    with pytest.raises(ConditionFailed) as caught:
        do(Account(own, name="bob").save, condition=free)
    assert caught.value.current.name == "ann"
    assert do(Account.objects.get, own, consistent=True).name == "ann"


def test_of_two_who_change_what_they_read_the_second_is_told(engine, do, account):
    mine, yours = both(do, Tweet, account, "t3")
    unread = Tweet.views == mine.views
    yours.views += 1
    do(yours.save, condition=unread)
    mine.views += 1
    with pytest.raises(ConditionFailed) as caught:
        do(mine.save, condition=unread)
    assert caught.value.current.views == 31
    do(mine.refresh_from_db, consistent=True)
    mine.views += 1
    do(mine.save, condition=Tweet.views == 31)
    assert do(Tweet.objects.get, account, "t3", consistent=True).views == 32


def test_what_was_changed_meanwhile_is_not_deleted(engine, do, account):
    mine, yours = both(do, Tweet, account, "t4")
    yours.content = "edited"
    do(yours.save)
    with pytest.raises(ConditionFailed) as caught:
        do(mine.delete, condition=Tweet.content == mine.content)
    assert caught.value.current.content == "edited"
    do(mine.delete, condition=Tweet.content.begins_with("edit"))
    assert do(Tweet.objects.get_or_none, account, "t4", consistent=True) is None


def test_an_atomic_delete_fails_where_another_field_changed(engine, do, account):
    mine, yours = both(do, Tweet, account, "t5")
    do(yours.incr, views=1)
    with pytest.raises(StaleItem, match="another writer changed views"):
        do(mine.delete, atomic=True)
    assert do(Tweet.objects.get, account, "t5", consistent=True).views == 51
    do(yours.delete, atomic=True)
    assert do(Tweet.objects.get_or_none, account, "t5", consistent=True) is None


def test_everything_is_atomic_for_a_while(engine, do, account):
    mine, yours = both(do, Tweet, account, "t6")
    do(yours.incr, views=1)
    mine.content = "edited"
    with options(atomic=True):
        with pytest.raises(StaleItem):
            do(mine.save)
        with pytest.raises(StaleItem):
            do(mine.delete)
        do(Tweet(account, "new", content="x").save)
        with pytest.raises(Tweet.AlreadyExists):
            do(Tweet(account, "new", content="y").save)
    do(mine.save)
    found = do(Tweet.objects.get, account, "t6", consistent=True)
    assert (found.content, found.views) == ("edited", 61)

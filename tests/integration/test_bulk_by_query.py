"""Deleting and updating by query: every item that matches, no other, and nothing untold."""

from __future__ import annotations

import random

import pytest

from dynamodb_py import (
    AccessDenied,
    CharField,
    ConnectionFailed,
    DateTimeField,
    Done,
    F,
    GlobalIndex,
    IntegerField,
    LocalIndex,
    Model,
    Throttled,
)
from dynamodb_py.exceptions import MaxRequestsReached
from dynamodb_py.expressions import Add, Value

from ..eventually import eventually
from .proxy import ATTEMPTS, INTERNAL, THROTTLE, close, error


class Score(Model):
    class Meta:
        table_name = "scores"

    player = CharField(name="p", hash_key=True)
    game = IntegerField(name="g", range_key=True)
    points = IntegerField(default=0)
    state = CharField()
    team = CharField()
    changed = DateTimeField(auto_now=True)

    by_points = LocalIndex(range_key="points")
    teams = GlobalIndex(hash_key="team", range_key="points", projection="keys")


class Whole(Model):
    """Whose table is read as a whole."""

    class Meta:
        table_name = "wholes"

    key = CharField(hash_key=True)
    points = IntegerField()


TABLES = [Score, Whole]


@pytest.fixture
def put_scores(client, engine):
    """Write *count* items, by somebody else; every third is late, points are games."""

    def write(key, count):
        items = [
            {
                "p": {"S": key},
                "g": {"N": str(n)},
                "points": {"N": str(n)},
                "state": {"S": "early" if n % 3 else "late"},
                "team": {"S": key},
                "undeclared": {"S": "x"},
            }
            for n in range(count)
        ]
        put_all(client, engine.table_name("scores"), items)

    return write


def put_all(client, table, items):
    for at in range(0, len(items), 25):
        puts = [{"PutRequest": {"Item": item}} for item in items[at : at + 25]]
        client.batch_write_item(RequestItems={table: puts})


@pytest.fixture
def there(client, engine):
    """Return what is really there under a key, by game."""

    def look(key):
        found, start = {}, {}
        while True:
            page = client.query(
                TableName=engine.table_name("scores"),
                KeyConditionExpression="p = :p",
                ExpressionAttributeValues={":p": {"S": key}},
                ConsistentRead=True,
                **start,
            )
            found |= {int(item["g"]["N"]): item for item in page["Items"]}
            if "LastEvaluatedKey" not in page:
                return found
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    return look


def points(items):
    return {game: int(item["points"]["N"]) for game, item in items.items()}


def soon(ask):
    eventually(ask, bool)


COUNT = 130
LATE = [game for game in range(COUNT) if game % 3 == 0]
EARLY = [game for game in range(COUNT) if game % 3]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("checked", [False, True])
def test_what_matches_is_deleted_and_nothing_else(
    engine, do, put_scores, there, key, checked, workers
):
    put_scores(key, COUNT)
    put_scores(f"{key}-other", 3)
    rows = Score.objects.filter(player=key, state="late").page_size(10)
    done = do(rows.delete, checked=checked, workers=workers)
    assert (done.matched, done.changed, done.skipped, done.failed) == (len(LATE), len(LATE), 0, [])
    assert list(there(key)) == EARLY
    assert len(there(f"{key}-other")) == 3
    assert do(rows.delete, checked=checked, workers=workers).matched == 0


@pytest.mark.parametrize("workers", [1, 3])
def test_what_matches_is_changed_and_nothing_else(engine, do, put_scores, there, key, workers):
    put_scores(key, COUNT)
    rows = Score.objects.filter(player=key, state="late").page_size(10)
    add = Add(F("points")._path(), Value({"N": "1000"}))
    done = do(rows.update, add, workers=workers, state="over", team=None)
    assert (done.matched, done.changed, done.skipped, done.failed) == (len(LATE), len(LATE), 0, [])
    items = there(key)
    assert list(items) == list(range(COUNT))
    for game, item in items.items():
        late = game in LATE
        assert item["state"] == {"S": "over" if late else "early"}
        assert item["points"] == {"N": str(game + 1000 * late)}
        assert ("team" not in item, "changed" in item) == (late, late)
        assert item["undeclared"] == {"S": "x"}
    assert do(rows.update, state="over").matched == 0


def test_a_limit_is_exact(engine, do, put_scores, there, key):
    put_scores(key, COUNT)
    rows = Score.objects.filter(player=key, state="late").page_size(7)
    assert do(rows.limit(5).delete).changed == 5
    assert do(rows.reverse().limit(2).delete).changed == 2
    gone = sorted(set(range(COUNT)) - set(there(key)))
    assert gone == [*LATE[:5], *LATE[-2:]]
    assert do(rows.limit(1000).update, state="x").changed == len(LATE) - 7


def test_a_list_of_keys_and_several_hash_keys(engine, do, sent, put_scores, there, key):
    for name in "ab":
        put_scores(key + name, 30)
    games = [*range(5), 99]
    done = do(Score.objects.filter(player=key + "a", game__in=games).delete)
    assert (done.matched, done.changed) == (5, 5)
    assert sent.calls == ["BatchGetItem", "BatchWriteItem"]
    both = Score.objects.filter(player__in=[key + "a", key + "b"], state="late")
    assert do(both.delete).changed == 8 + 10
    assert [len(there(key + name)) for name in "ab"] == [17, 20]


def test_a_whole_key_takes_one_request(engine, do, sent, put_scores, there, key):
    put_scores(key, 3)
    one, none = (Score.objects.filter(player=key, game=game) for game in (1, 9))
    assert do(one.update, points=50) == Done(1, 1, requests=1)
    assert do(none.update, points=50) == Done(requests=1)
    assert do(none.delete) == Done(requests=1)
    assert points(there(key)) == {0: 0, 1: 50, 2: 2}, "no item was made"
    assert do(one.delete) == Done(1, 1, requests=1)
    assert points(there(key)) == {0: 0, 2: 2}
    assert sent.calls == ["UpdateItem", "UpdateItem", "DeleteItem", "DeleteItem"]


def test_a_whole_table(engine, do, client):
    table = engine.table_name("wholes")
    items = [{"key": {"S": str(n)}, "points": {"N": str(n)}} for n in range(60)]
    put_all(client, table, items)
    assert do(Whole.objects.scan(segments=4).filter(points__lt=10).delete).changed == 10
    assert do(Whole.objects.all().page_size(7).update, points=1, workers=2).changed == 50
    assert do(Whole.objects.all().page_size(7).delete).changed == 50
    assert client.scan(TableName=table)["Items"] == []


def test_what_moves_in_an_index_is_changed_once(engine, do, put_scores, there, key):
    """Each goes further on in the index that is read, where it would be found again."""
    put_scores(key, 40)
    add = Add(F("points")._path(), Value({"N": "7"}))
    for rows in (
        Score.objects.index("by_points").filter(player=key, points__gte=0).page_size(6),
        Score.teams.filter(team=key, points__gte=0).page_size(6),
    ):
        before = points(there(key))
        now = sum(before.values())
        soon(lambda rows=rows, now=now: _sum(rows) == now)
        done = do(rows.update, add)
        assert (done.matched, done.changed) == (40, 40)
        assert points(there(key)) == {game: each + 7 for game, each in before.items()}


def _sum(rows):
    return sum(rows.values_list("points", flat=True))


def test_an_index_tells_what_to_delete(engine, do, put_scores, there, key):
    put_scores(key, 30)
    rows = Score.teams.filter(team=key, points__lt=20)
    soon(lambda: len(rows.all()) == 20)
    assert do(rows.delete, checked=True).changed == 20
    assert list(there(key)) == list(range(20, 30))


class Meddling:
    """A transport before which somebody else does something, once, when a write is sent."""

    def __init__(self, inner, meddle):
        self.inner, self.meddle = inner, meddle

    def _before(self, operation):
        if self.meddle is not None and operation.api not in ("Query", "Scan"):
            meddle, self.meddle = self.meddle, None
            meddle()

    def send(self, operation):
        self._before(operation)
        return self.inner.send(operation)

    def close(self):
        self.inner.close()


class AsyncMeddling(Meddling):
    async def send(self, operation):
        self._before(operation)
        return await self.inner.send(operation)

    async def close(self):
        await self.inner.close()


@pytest.fixture
def meddled(engine, client, monkeypatch):
    """Let somebody change item 1, which then is not late any more, and delete item 2."""

    def prepare(key):
        table = engine.table_name("scores")

        def meddle():
            client.update_item(
                TableName=table,
                Key={"p": {"S": key}, "g": {"N": "3"}},
                UpdateExpression="SET #s = :s, points = :p",
                ExpressionAttributeNames={"#s": "state"},
                ExpressionAttributeValues={":s": {"S": "theirs"}, ":p": {"N": "77"}},
            )
            client.delete_item(TableName=table, Key={"p": {"S": key}, "g": {"N": "6"}})

        link = engine.connection
        monkeypatch.setattr(link, "transport", Meddling(link.transport, meddle))
        monkeypatch.setattr(link, "async_transport", AsyncMeddling(link.async_transport, meddle))

    return prepare


def test_an_update_overwrites_nothing_and_makes_nothing(
    engine, do, put_scores, there, key, meddled
):
    put_scores(key, 12)
    meddled(key)
    done = do(Score.objects.filter(player=key, state="late").update, points=500)
    assert (done.matched, done.changed, done.skipped) == (4, 2, 2)
    found = points(there(key))
    assert [found.get(game) for game in (0, 3, 6, 9)] == [500, 77, None, 500]


@pytest.mark.parametrize("checked", [False, True])
def test_only_a_checked_delete_spares_what_was_changed_meanwhile(
    engine, do, put_scores, there, key, meddled, checked
):
    put_scores(key, 12)
    meddled(key)
    done = do(Score.objects.filter(player=key, state="late").delete, checked=checked)
    assert (done.matched, done.changed, done.skipped) == ((4, 2, 2) if checked else (4, 4, 0))
    assert (3 in there(key)) is checked
    assert len(there(key)) == 8 + checked


def test_max_requests_and_on_from_its_cursor(engine, do, put_scores, there, key):
    put_scores(key, COUNT)
    rows = Score.objects.filter(player=key, state="late").page_size(10).max_requests(4)
    changed, cursors = 0, []
    asked = rows
    while True:
        try:
            done = do(asked.delete)
        except MaxRequestsReached as reached:
            changed += reached.done.changed
            cursors.append(reached.cursor)
            asked = rows.after(reached.cursor)
        else:
            changed += done.changed
            break
    assert len(cursors) == 3
    assert changed == len(LATE)
    assert list(there(key)) == EARLY


def test_progress_and_rate(engine, do, put_scores, key):
    put_scores(key, 60)
    told = []
    rows = Score.objects.filter(player=key)
    done = do(rows.delete, rate=10_000, progress=lambda *each: told.append(each))
    assert done.matched == 60
    assert done.units
    assert told[-1] == (60, 60)


def test_nothing_matches(engine, do, sent, key):
    rows = Score.objects.filter(player=key)
    assert do(rows.delete) == Done(requests=1)
    assert do(rows.update, points=1) == Done(requests=1)
    assert sent.calls == ["Query", "Query"]


# -- faults ------------------------------------------------------------------------------------

over_a_network = pytest.mark.engines("dynoxide", "extenddb")  # moto is not reached over one
DENIED = error("AccessDeniedException")
REFUSED = error("ValidationException")


@over_a_network
@pytest.mark.parametrize("name", ["close", "taken close", "500", "taken 500", "throttled", "half"])
def test_one_fault_anywhere_is_survived(
    engine, do, proxy, faulty, put_scores, there, key, name, subtests
):
    fault = {
        "close": close,
        "taken close": proxy.taken(close),
        "500": INTERNAL,
        "taken 500": proxy.taken(INTERNAL),
        "throttled": THROTTLE,
        "half": proxy.half,
    }[name]
    for before in range(4):
        with subtests.test(before=before):
            own = f"{key}-{before}"
            put_scores(own, 6)
            late = Score.objects.filter(player=own, state="late").page_size(3).consistent()
            for verb, values in (("update", {"points": 500}), ("delete", {"checked": True})):
                proxy.script(*[proxy.passed] * before, fault)
                done = do(getattr(late, verb), **values)
                assert (done.matched, done.changed, done.failed) == (2, 2, [])
            proxy.script(*[proxy.passed] * before, fault)
            assert do(Score.objects.filter(player=own).consistent().delete).changed == 4
            assert there(own) == {}


@over_a_network
def test_a_lost_answer_to_an_update_that_ends_its_own_condition(
    engine, do, proxy, faulty, put_scores, there, key
):
    put_scores(key, 3)
    proxy.script(proxy.passed, proxy.taken(close))
    done = do(Score.objects.filter(player=key, state="late").update, state="over")
    assert (done.matched, done.changed, done.skipped) == (1, 1, 0)
    assert there(key)[0]["state"] == {"S": "over"}


@over_a_network
@pytest.mark.parametrize("fault", [THROTTLE, close, REFUSED], ids=["throttled", "lost", "refused"])
def test_what_fails_for_good_is_told_and_the_rest_is_done(
    engine, do, proxy, faulty, put_scores, there, key, fault
):
    times = 1 if fault is REFUSED else ATTEMPTS
    put_scores(key, 9)
    proxy.script(proxy.passed, proxy.passed, *[fault] * times)
    done = do(Score.objects.filter(player=key, state="late").update, points=500)
    assert (done.matched, done.changed, done.skipped) == (3, 2, 0)
    ((said, _),) = done.failed
    assert said == (key, 3)
    assert [points(there(key))[game] for game in (0, 3, 6)] == [500, 3, 500]


@over_a_network
@pytest.mark.parametrize("workers", [1, 2])
def test_a_batch_that_fails_for_good_is_told_and_the_rest_is_done(
    engine, do, proxy, faulty, put_scores, there, key, workers
):
    put_scores(key, 60)
    proxy.script(proxy.passed, *[THROTTLE] * ATTEMPTS * (1 if workers == 1 else 4))
    done = do(Score.objects.filter(player=key).delete, workers=workers)
    failed = {game for (_, game), _ in done.failed}
    assert all(isinstance(each, Throttled) for _, each in done.failed)
    assert len(failed) == (25 if workers == 1 else 50)
    assert done.changed == 60 - len(failed)
    assert set(there(key)) == failed


@over_a_network
def test_what_is_handed_back_is_deleted_in_the_end(
    engine, do, proxy, faulty, put_scores, there, key
):
    put_scores(key, 30)
    proxy.script(proxy.passed, proxy.partly(10), proxy.partly(0), proxy.partly(1))
    assert do(Score.objects.filter(player=key).delete).changed == 30
    assert there(key) == {}


@over_a_network
@pytest.mark.parametrize("verb", ["delete", "update"])
def test_what_hits_every_item_is_raised(engine, do, proxy, faulty, put_scores, there, key, verb):
    put_scores(key, 30)
    values = {"points": 500} if verb == "update" else {}
    passed = 26 if values else 2
    proxy.script(*[proxy.passed] * passed, *[DENIED] * 30)
    with pytest.raises(AccessDenied) as raised:
        do(getattr(Score.objects.filter(player=key), verb), **values)
    proxy.script()
    done = raised.value.done
    assert (done.matched, done.changed, done.failed) == (30, 25, [])
    if values:
        assert sum(each == 500 for each in points(there(key)).values()) == 25
    else:
        assert len(there(key)) == 5


@over_a_network
def test_a_failure_of_reading_is_raised(engine, do, proxy, faulty, put_scores, there, key):
    put_scores(key, 60)
    proxy.script(*[proxy.passed] * 2, *[close] * ATTEMPTS)
    with pytest.raises(ConnectionFailed) as raised:
        do(Score.objects.filter(player=key).page_size(30).delete)
    assert (raised.value.done.matched, raised.value.done.changed) == (30, 25)
    assert len(there(key)) == 35
    assert do(Score.objects.filter(player=key).delete).changed == 35


@over_a_network
def test_whatever_happens_what_is_told_is_so(
    engine, do, proxy, faulty, put_scores, there, key, subtests
):
    """Faults at random: what was changed is, what failed is told, and no other item was touched."""
    faults = [close, INTERNAL, THROTTLE, REFUSED, proxy.half, proxy.taken(close), proxy.passed]
    for seed in range(12):
        with subtests.test(seed=seed):
            chance, own = random.Random(seed), f"{key}-{seed}"
            put_scores(own, 24)
            proxy.script(proxy.passed, *(chance.choice(faults) for _ in range(24)))
            rows = Score.objects.filter(player=own, state="late")
            done = do(rows.update, state="over", workers=chance.choice([1, 2]))
            proxy.script()
            failed = {game: each for (_, game), each in done.failed}
            assert (done.matched, done.skipped) == (8, 0)
            assert done.changed + len(failed) == 8
            for game, item in there(own).items():
                if game % 3:
                    assert item["state"] == {"S": "early"}
                elif game not in failed:
                    assert item["state"] == {"S": "over"}

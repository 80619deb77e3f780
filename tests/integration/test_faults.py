"""A network and a server at their worst: survived, or the right error, and never a wrong result."""

from __future__ import annotations

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from itertools import chain

import pytest

from dynamodb_py import (
    AlreadyExists,
    BatchIncomplete,
    CharField,
    ConditionFailed,
    ConnectionFailed,
    CounterField,
    IntegerField,
    InvalidRequest,
    Model,
    ReadTimeout,
    ResponseCorrupted,
    Retries,
    ServiceError,
    ServiceUnavailable,
    Table,
    Throttled,
    connect,
    options,
)

from ..engines import ACCESS_KEY, REGION, SECRET_KEY
from .proxy import ATTEMPTS, GATEWAY, INTERNAL, THROTTLE, close, error, reset, stall

# moto is not reached over a network.
pytestmark = pytest.mark.engines("dynoxide", "extenddb")


class Score(Model):
    class Meta:
        table_name = "scores"

    player = CharField(name="p", hash_key=True)
    game = IntegerField(name="g", range_key=True)
    points = IntegerField(default=0)
    wins = CounterField()


TABLES = [Score]

# What strikes, and the error where it strikes every time.
FAULTS = {
    "close before": (lambda proxy: close, ConnectionFailed),
    "close after": (lambda proxy: proxy.taken(close), ConnectionFailed),
    "reset before": (lambda proxy: reset, ConnectionFailed),
    "reset after": (lambda proxy: proxy.taken(reset), ConnectionFailed),
    "500 before": (lambda proxy: INTERNAL, ServiceUnavailable),
    "500 after": (lambda proxy: proxy.taken(INTERNAL), ServiceUnavailable),
    "502": (lambda proxy: GATEWAY, ServiceUnavailable),
    "502 after": (lambda proxy: proxy.taken(GATEWAY), ServiceUnavailable),
    "throttled": (lambda proxy: THROTTLE, Throttled),
    "half an answer": (lambda proxy: proxy.half, ResponseCorrupted),
    "wrong checksum": (lambda proxy: proxy.wrong_checksum, ResponseCorrupted),
}
# After these, what was asked has been done, and nobody here knows.
LOST = {"close after", "reset after", "500 after", "502 after", "half an answer", "wrong checksum"}
STALLS = {
    "stall before": (lambda proxy: stall, ReadTimeout),
    "stall after": (lambda proxy: proxy.taken(stall), ReadTimeout),
}


@pytest.fixture
def impatient(engine, do, proxy):
    """The same, for tests in which the server stalls."""
    connection = connect(
        "impatient",
        region_name=REGION,
        endpoint_url=proxy.url,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        table_prefix=engine.prefix,
        read_timeout=0.6,  # long enough for a busy machine
        retries=Retries(attempts=2, base=0),
    )
    with options(using="impatient"):
        yield connection
    if do.mode == "async":
        do.run(connection.aclose())
    connection.close()


@pytest.fixture
def put_scores(client, engine):
    """Write items as they are before a test, not through the proxy."""

    def write(key, count=1):
        table = engine.table_name("scores")
        for game in range(count):
            item = {"p": {"S": key}, "g": {"N": str(game)}, "points": {"N": str(game)}}
            client.put_item(TableName=table, Item=item)

    return write


@pytest.fixture
def there(client, engine):
    """Return what is really there under a key, as points by game, not through the proxy."""

    def look(key, name="points"):
        found = client.query(
            TableName=engine.table_name("scores"),
            KeyConditionExpression="p = :p",
            ExpressionAttributeValues={":p": {"S": key}},
            ConsistentRead=True,
        )
        return {int(item["g"]["N"]): int(item.get(name, {"N": -1})["N"]) for item in found["Items"]}

    return look


def get(do, key):
    assert do(Score.objects.get, key, 0).points == 0


def get_nothing(do, key):
    assert do(Score.get, key, 9) is None


def put(do, key):
    score = Score(player=key, game=0, points=5)
    do(score.save)
    assert score.persisted
    return {0: 5, 1: 1}


def save(do, key):
    score = Score.from_db({"p": {"S": key}, "g": {"N": "0"}, "points": {"N": "0"}})
    score.points = 5
    do(score.save)
    do(score.save)
    return {0: 5, 1: 1}


def delete(do, key):
    score = Score.from_db({"p": {"S": key}, "g": {"N": "0"}})
    do(score.delete)
    assert not score.persisted
    return {1: 1}


def replace(do, key):
    do(Score.create, player=key, game=0, points=7, overwrite=True)
    return {0: 7, 1: 1}


def query(do, key):
    rows = Score.objects.filter(player=key).page_size(1).consistent()
    assert [row.points for row in do.list(rows)] == [0, 1]


def batch_read(do, key):
    found = do(Score.batch_get, *((key, game) for game in range(150)), consistent=True)
    assert [score.points for score in found] == [0, 1]


def batch_write(do, key):
    do(
        Score.batch_write,
        [{"player": key, "game": n, "points": 9} for n in range(30)],
        overwrite=True,
    )
    return dict.fromkeys(range(30), 9)


def describe(do, key):
    assert do(Table(Score, using="faulty").info)["TableStatus"] == "ACTIVE"


WORK = [get, get_nothing, put, save, delete, replace, query, batch_read, batch_write, describe]


@pytest.mark.parametrize("name", FAULTS)
def test_one_fault_is_survived(engine, do, proxy, faulty, put_scores, there, key, name, subtests):
    make, _ = FAULTS[name]
    for work in WORK:
        for before in (0, 1):  # on a new connection, and on one that has answered already
            with subtests.test(work.__name__, before=before):
                own = f"{key}-{work.__name__}-{before}"
                put_scores(own, 2)
                received = len(proxy.received)
                proxy.script(*[proxy.passed] * before, make(proxy))
                wanted = work(do, own)
                assert there(own) == (wanted or {0: 0, 1: 1})
                assert len(proxy.received) > received + before or before


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_stays_is_the_right_error(
    engine, do, proxy, faulty, put_scores, there, key, name, subtests
):
    make, kind = FAULTS[name]
    for work in WORK:
        with subtests.test(work.__name__):
            own = f"{key}-{work.__name__}"
            put_scores(own, 2)
            proxy.received.clear()
            proxy.script(*[make(proxy)] * 100)
            with pytest.raises(kind) as raised:
                work(do, own)
            assert raised.value.attempts == ATTEMPTS
            assert len(proxy.received) == ATTEMPTS
            assert len(set(proxy.calls)) == 1
            assert raised.value.operation == proxy.calls[0]
            assert raised.value.table == engine.table_name("scores")
            proxy.script()
            wanted = work(do, own)
            assert there(own) == (wanted or {0: 0, 1: 1}), "what was tried again is right"


@pytest.mark.parametrize("name", STALLS)
@pytest.mark.parametrize("work", [get, save])
def test_a_server_that_stalls_once_is_asked_again(
    engine, do, proxy, impatient, put_scores, there, key, name, work
):
    make, _ = STALLS[name]
    put_scores(key, 2)
    proxy.script(make(proxy))
    wanted = work(do, key)
    assert there(key) == (wanted or {0: 0, 1: 1})


@pytest.mark.parametrize("name", STALLS)
def test_a_server_that_stalls_is_given_up(engine, do, proxy, impatient, put_scores, key, name):
    make, kind = STALLS[name]
    put_scores(key, 2)
    proxy.script(*[make(proxy)] * 2)
    with pytest.raises(kind) as raised:
        do(Score.objects.get, key, 0)
    assert raised.value.attempts == 2
    get(do, key)


def test_an_instance_knows_after_an_error_what_it_knew_before(
    engine, do, proxy, faulty, put_scores, there, key
):
    put_scores(key, 1)
    score = do(Score.objects.get, key, 0)
    score.points = 5
    proxy.script(*[close] * ATTEMPTS)
    with pytest.raises(ConnectionFailed):
        do(score.save)
    assert (score.points, score.persisted) == (5, True)
    do(score.save)
    assert there(key) == {0: 5}
    proxy.script(*[close] * ATTEMPTS)
    with pytest.raises(ConnectionFailed):
        do(score.delete)
    assert score.persisted
    new = Score(player=key, game=1)
    proxy.script(*[proxy.taken(close)] * ATTEMPTS)
    with pytest.raises(ConnectionFailed):
        do(new.save)
    assert not new.persisted
    do(new.save)
    assert there(key) == {0: 5, 1: 0}


def test_a_server_that_was_restarted_is_connected_to_anew(
    engine, do, proxy, faulty, put_scores, there, key
):
    put_scores(key, 2)
    for work in (get, save, query, get):
        proxy.drop()
        assert work(do, key) in (None, {0: 5, 1: 1})
        put_scores(key, 2)
    assert proxy.accepted >= 4


def test_what_is_no_fault_of_the_network_is_not_sent_again(engine, do, proxy, faulty, key):
    proxy.script(error("ValidationException"))
    with pytest.raises(InvalidRequest) as raised:
        do(Score.get, key, 0)
    assert raised.value.attempts == 1
    assert proxy.calls == ["GetItem"]


@pytest.mark.parametrize("name", sorted(LOST))
def test_an_insert_whose_answer_was_lost_tells_of_the_item_that_is_there(
    engine, do, proxy, faulty, there, key, name
):
    """Nobody can know whose it is: it is told, with how often it was tried, and not replaced."""
    make, _ = FAULTS[name]
    proxy.script(make(proxy))
    with pytest.raises(AlreadyExists) as raised:
        do(Score.create, player=key, game=0, points=5)
    assert raised.value.attempts == 2
    assert "2 attempts" in str(raised.value)
    assert raised.value.current.points == 5
    proxy.script(proxy.passed, make(proxy))
    score, _ = do(Score.objects.get_or_create, {"points": 6}, player=key, game=1)
    assert (score.points, score.persisted) == (6, True)
    proxy.script(make(proxy))
    with pytest.raises(AlreadyExists) as raised:
        do(Score.batch_write, [{"player": key, "game": n, "points": 7} for n in (2, 3)])
    assert [score.game for score in raised.value.unprocessed] == [2]
    assert there(key) == {0: 5, 1: 6, 2: 7, 3: 7}


def test_a_conditional_save_whose_answer_was_lost_tells_what_is_there(
    engine, do, proxy, faulty, put_scores, there, key
):
    put_scores(key, 1)
    score = do(Score.objects.get, key, 0)
    score.points = 5
    proxy.script(proxy.taken(close))
    with pytest.raises(ConditionFailed) as raised:
        do(score.save, condition=Score.points == 0)
    assert (raised.value.attempts, raised.value.current.points) == (2, 5)
    proxy.script(proxy.taken(close))
    with pytest.raises(ConditionFailed) as raised:
        do(score.delete, condition=Score.points == 5)
    assert (raised.value.attempts, raised.value.current) == (2, None)
    assert there(key) == {}


@pytest.mark.parametrize("name", FAULTS)
def test_a_count_is_never_counted_twice(engine, do, proxy, faulty, there, key, name):
    """An increment whose answer was lost is an error: to send it again could count twice."""
    make, kind = FAULTS[name]
    counter = Score(player=key, game=0)
    do(counter.incr, wins=1)
    proxy.script(make(proxy))
    try:
        do(counter.incr, wins=1)
    except kind:
        assert kind is not Throttled, "nothing was done, so it can be done again"
        assert (counter.wins, there(key, "wins")[0]) in {(1, 1), (1, 2)}
    else:
        assert (counter.wins, there(key, "wins")[0]) == (2, 2)


def test_a_query_that_breaks_off_is_an_error_not_an_end(engine, do, proxy, faulty, put_scores, key):
    put_scores(key, 5)
    rows = Score.objects.filter(player=key).page_size(2)
    proxy.script(proxy.passed, *[proxy.half] * ATTEMPTS)
    with pytest.raises(ResponseCorrupted):
        do.list(rows)
    proxy.script(proxy.passed, THROTTLE, proxy.half)
    assert [row.points for row in do.list(rows)] == list(range(5))
    proxy.script(proxy.passed, *[THROTTLE] * ATTEMPTS)
    with pytest.raises(Throttled):
        do.list(Score.objects.all().page_size(1))


def test_what_a_batch_leaves_undone_is_asked_for_again(
    engine, do, proxy, faulty, put_scores, there, key
):
    told = []
    given = [Score(player=key, game=n, points=n) for n in range(60)]
    proxy.script(
        proxy.partly(10), proxy.partly(0), proxy.partly(1), close, THROTTLE, proxy.partly(24)
    )
    do(
        Score.batch_write,
        given,
        overwrite=True,
        progress=lambda done, total: told.append((done, total)),
    )
    assert there(key) == {n: n for n in range(60)}
    assert told[:3] == [(10, 60), (10, 60), (11, 60)]
    assert told[-1] == (60, 60)
    assert all(score.persisted for score in given)

    proxy.script(proxy.partly(40), proxy.partly(0), proxy.half, proxy.partly(99))
    asked = [(key, n) for n in range(119, -1, -1)]
    found = do(Score.batch_get, *asked)
    assert [score.points for score in found] == list(range(59, -1, -1))

    proxy.script(proxy.partly(3), proxy.partly(0), proxy.wrong_checksum)
    do(Score.objects.bulk_delete, [(key, n) for n in range(1, 60)])
    assert there(key) == {0: 0}


def test_a_batch_that_gets_nowhere_is_given_up_with_what_is_left(
    engine, do, proxy, faulty, put_scores, there, key
):
    given = [Score(player=key, game=n, points=n) for n in range(30)]
    proxy.script(proxy.partly(20), proxy.partly(3), *[proxy.partly(0)] * 50)
    with pytest.raises(BatchIncomplete, match="left 7 of 30 writes undone") as raised:
        do(Score.batch_write, given, overwrite=True)
    proxy.script()
    left = raised.value.unprocessed
    assert all(any(each is score for score in given) for each in left)
    stored = there(key)
    assert {score.game for score in left} == set(range(30)) - stored.keys()
    do(Score.batch_write, left, overwrite=True)
    assert there(key) == {n: n for n in range(30)}

    keys = [(key, n) for n in range(30)]
    proxy.script(proxy.partly(10), *[proxy.partly(0)] * 50)
    with pytest.raises(BatchIncomplete, match="left 20 of 30 keys unread") as raised:
        do(Score.batch_get, *keys)
    assert raised.value.unprocessed == keys[10:]
    proxy.script(proxy.partly(10), *[proxy.partly(0)] * 50)
    with pytest.raises(BatchIncomplete) as raised:
        do(Score.objects.bulk_delete, keys)
    proxy.script()
    assert set(raised.value.unprocessed) == set(keys[10:])
    do(Score.objects.bulk_delete, raised.value.unprocessed)
    assert there(key) == {}


@pytest.mark.parametrize("workers", [1, 4])
def test_a_batch_of_which_one_request_fails_tells_what_is_not_done(
    engine, do, proxy, faulty, there, key, workers
):
    given = [Score(player=key, game=n, points=n) for n in range(100)]
    if workers == 1:
        proxy.script(proxy.passed, *[INTERNAL] * ATTEMPTS)
    else:
        proxy.script(*[INTERNAL] * (ATTEMPTS * 3 + 1))
    with pytest.raises(ServiceUnavailable) as raised:
        do(Score.batch_write, given, overwrite=True, workers=workers)
    proxy.script()
    left = raised.value.unprocessed
    assert {score.game for score in left} >= set(range(100)) - there(key).keys()
    assert len(left) == 75 or workers > 1
    do(Score.batch_write, left, overwrite=True, workers=workers)
    assert there(key) == {n: n for n in range(100)}


def test_inserting_many_tries_all_before_it_tells(engine, do, proxy, faulty, there, key):
    given = [Score(player=key, game=n, points=n) for n in range(10)]
    proxy.script(proxy.passed, *[close] * ATTEMPTS)
    with pytest.raises(ConnectionFailed) as raised:
        do(Score.batch_write, given)
    assert raised.value.unprocessed == [given[1]]
    assert [score.persisted for score in given] == [n != 1 for n in range(10)]
    assert there(key) == {n: n for n in range(10) if n != 1}


def test_many_at_once_get_their_own_answers_whatever_happens(
    engine, do, proxy, faulty, put_scores, key
):
    """Each reads items of its own while faults strike at random: right, or an error, never mixed up."""
    put_scores(key, 16)
    faults = [make(proxy) for make, _ in FAULTS.values()] + [proxy.passed] * 12
    chance = random.Random(7)
    proxy.script(*(chance.choice(faults) for _ in range(600)))

    def judged(outcome, game):
        if isinstance(outcome, (ConnectionFailed, ServiceError)):
            return False
        assert isinstance(outcome, Score), outcome
        assert (outcome.player, outcome.game, outcome.points) == (key, game, game)
        return True

    def work(game):
        found = []
        for _ in range(12):
            try:
                found.append(judged(Score.objects.get(key, game), game))
            except (ConnectionFailed, ServiceError) as failure:
                found.append(judged(failure, game))
        return found

    async def story():
        games = [number % 16 for number in range(192)]
        tasks = [Score.objects.aget(key, game) for game in games]
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        return [judged(each, game) for each, game in zip(outcomes, games, strict=True)]

    if do.mode == "async":
        right = do.run(story())
    else:
        # The option that chooses the connection is of this thread alone.
        context = [copy_context() for _ in range(16)]
        with ThreadPoolExecutor(16) as pool:
            found = pool.map(lambda game: context[game].run(work, game), range(16))
            right = list(chain.from_iterable(found))
    assert len(right) == 192
    assert sum(right) > 150, "most are survived"
    proxy.script()
    assert do(Score.objects.get, key, 3).points == 3
    if do.mode == "async":
        do.run(faulty.aclose())
    faulty.close()
    assert proxy.wait_until_empty()


# -- the proxy itself: what the tests above, and others, rely on -----------------------------------


def count_to(do, key, times):
    """Count *times* by many at once, a request each; return how many were answered."""

    def one(_):
        try:
            Score(player=key, game=0).incr(wins=1)
        except ConnectionFailed:
            return 0
        return 1

    async def aone():
        try:
            await Score(player=key, game=0).aincr(wins=1)
        except ConnectionFailed:
            return 0
        return 1

    async def story():
        return await asyncio.gather(*(aone() for _ in range(times)))

    if do.mode == "async":
        return sum(do.run(story()))
    contexts = [copy_context() for _ in range(times)]
    with ThreadPoolExecutor(8) as pool:
        return sum(pool.map(lambda context: context.run(one, None), contexts))


@pytest.mark.parametrize("fault", [close, reset])
def test_a_connection_dropped_after_the_request_was_taken_leaves_it_carried_out(
    engine, do, proxy, faulty, there, key, fault
):
    proxy.strike(proxy.taken(fault), calls=["UpdateItem"], every=4)
    answered = count_to(do, key, 80)
    assert proxy.struck == {"UpdateItem": 20}
    assert (answered, there(key, "wins")) == (60, {0: 80})
    proxy.strike(fault, calls=["UpdateItem"], every=4)
    assert count_to(do, key, 40) == 30
    assert there(key, "wins") == {0: 110}


def test_a_share_of_the_calls_that_are_named_is_struck(engine, do, proxy, faulty, put_scores, key):
    put_scores(key, 1)
    proxy.strike(INTERNAL, THROTTLE, calls=["GetItem"], rate=0.3)
    for _ in range(40):
        with suppress(ServiceError):
            do(Score.get, key, 0)
    put_scores(key, 2)
    query(do, key)
    assert proxy.struck.keys() == {"GetItem"}
    assert 5 < proxy.struck["GetItem"] < 35
    proxy.script(GATEWAY)
    proxy.strike()
    get(do, key)
    assert proxy.calls[-2:] == ["GetItem", "GetItem"]

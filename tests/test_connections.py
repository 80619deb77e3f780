"""Connections by alias, table names, and options that hold for a while, wherever they are used."""

from __future__ import annotations

import asyncio
import gc
import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from contextvars import copy_context
from itertools import permutations

import pytest

from dynamodb_py import (
    CharField,
    ConfigurationError,
    Model,
    QueryError,
    Retries,
    Table,
    connect,
    connections,
    options,
    save_all,
    transaction,
)
from dynamodb_py.connections import Connection, Options, current_options, get_connection
from dynamodb_py.models.bulk.bound_model import table_name
from dynamodb_py.models.instance import table_of

from .scripted import AsyncScriptedTransport, Script, ScriptedTransport


@pytest.fixture(autouse=True)
def none_known(monkeypatch):
    """Begin without any connection, and leave none behind."""
    monkeypatch.setattr(connections, "_connections", {})


class Score(Model):
    class Meta:
        table_name = "scores"

    k = CharField(hash_key=True)


# -- aliases -------------------------------------------------------------------------------------


def test_a_connection_is_found_by_its_alias_and_the_last_one_counts():
    first, second = connect(region_name="eu-west-1"), connect("replica", region_name="us-east-1")
    assert get_connection() is get_connection("default") is first
    assert get_connection("replica") is second
    again = connect("replica", region_name="eu-west-2")
    assert get_connection("replica") is again
    assert get_connection() is first
    assert (first.alias, again.alias) == ("default", "replica")


def test_the_default_connection_is_made_up_when_it_is_first_needed():
    made = get_connection()
    assert isinstance(made, Connection)
    assert made.alias == "default"
    assert get_connection() is made


@pytest.mark.parametrize(
    ("known", "message"),
    [
        (
            [],
            r"no connection is called 'other' \(there are: none yet\): define it by connect\('other', ...\)",
        ),
        (
            ["a", "b"],
            r"no connection is called 'other' \(there are: 'a', 'b'\): define it by connect\('other', ...\)",
        ),
    ],
)
def test_an_alias_that_was_never_connected_is_told(known, message):
    for alias in known:
        connect(alias)
    for ask in (
        lambda: get_connection("other"),
        lambda: Score.objects.using("other").get("a"),
        lambda: list(Score.objects.using("other").all()),
    ):
        with pytest.raises(ConfigurationError, match=message):
            ask()
    with options(using="other"), pytest.raises(ConfigurationError, match=message):
        Score.objects.get("a")


def test_connecting_opens_no_socket_and_looks_no_name_up(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the network was used")

    with monkeypatch.context() as patch:
        for name in ("socket", "create_connection", "getaddrinfo"):
            patch.setattr(socket, name, refuse)
        connection = connect(endpoint_url="http://nowhere.invalid:1", region_name="eu-west-1")
        assert table_of(Score("a")) == "scores"
        connection.close()
    asyncio.run(connection.aclose())


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"endpoint_url": "http://localhost:8000", "region_name": "x"}, "http://localhost:8000"),
        ({"region_name": "eu-west-1"}, "eu-west-1"),
        ({}, "boto3's defaults"),
    ],
)
def test_a_connection_says_where_it_goes_and_no_secret(given, where):
    connection = connect("one", aws_access_key_id="AKID", aws_secret_access_key="hush", **given)
    assert repr(connection) == f"<Connection 'one' to {where}>"


def test_closing_closes_both_doors():
    connection = connect()
    connection.transport = blocking = ScriptedTransport(Script())
    connection.async_transport = awaited = AsyncScriptedTransport(Script())
    connection.close()
    assert (blocking.closed, awaited.closed) == (1, 0)
    asyncio.run(connection.aclose())
    assert (blocking.closed, awaited.closed) == (1, 1)


# -- table names ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({}, "scores"),
        ({"table_prefix": "dev-"}, "dev-scores"),
        ({"table_name_format": "{}-v2".format}, "scores-v2"),
        ({"table_name_format": lambda name: name.upper()}, "SCORES"),
        ({"table_prefix": "dev-", "table_name_format": "{}-v2".format}, "dev-scores-v2"),
    ],
    ids=range(5),
)
def test_tables_are_called_as_the_connection_says(given, name):
    connection = connect(**given)
    assert connection.table_name("scores") == name
    assert table_of(Score("a")) == table_name(Score.objects) == name
    assert Score.objects.all().operation().table == name


# -- retries -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "given", "expected"),
    [
        (None, None, Retries()),
        ("7", None, Retries(attempts=7)),
        ("7", 2, Retries(attempts=2)),
        ("7", Retries(attempts=5, base=0.1), Retries(attempts=5, base=0.1)),
        ("nonsense", None, Retries()),
        (None, 1, Retries(attempts=1)),
    ],
)
def test_how_often_a_request_is_tried(monkeypatch, message, given, expected):
    if message is not None:
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", message)
    assert connect(retries=given).retries == expected


@pytest.mark.parametrize("retries", [0, -1])
def test_fewer_than_one_attempt_is_refused(retries):
    with pytest.raises(
        ConfigurationError, match=f"retries={retries}: a request is tried at least once"
    ):
        connect(retries=retries)
    assert connections._connections == {}


# -- options -------------------------------------------------------------------------------------


def test_options_nest_and_end():
    assert current_options() == Options(consistent=None, using=None)
    with options(consistent=True) as outer:
        assert outer == current_options() == Options(consistent=True)
        with options(using="replica"):
            assert current_options() == Options(consistent=True, using="replica")
            with options(consistent=False):
                assert current_options() == Options(consistent=False, using="replica")
        assert current_options() == Options(consistent=True)
    assert current_options() == Options()


def test_options_end_with_an_error_too():
    def fail():
        with options(consistent=True):
            raise KeyError("x")

    with pytest.raises(KeyError):
        fail()
    assert current_options() == Options()


def test_one_options_object_serves_again_and_inside_itself():
    again = options(consistent=True)
    for _ in range(2):
        with again, again:
            assert current_options().consistent
        assert not current_options().consistent


def test_options_choose_the_connection_of_models_that_name_none():
    default, replica = connect(), connect("replica", table_prefix="r-")

    class Elsewhere(Model):
        class Meta:
            using = "replica"

        k = CharField(hash_key=True)

    with options(using="replica"):
        assert Score("a")._link is Score.objects._link is replica
        assert Score.objects.using("default")._link is default
    assert Score("a")._link is default
    assert Elsewhere("a")._link is Elsewhere.objects._link is replica
    assert Elsewhere.objects.using("default")._link is default
    with options(using="default"):
        assert Elsewhere("a")._link is replica  # what a model says of itself counts more


def test_threads_have_their_own_options_even_of_one_object():
    shared = options(consistent=True)
    both_inside = threading.Barrier(2, timeout=10)
    one_left = threading.Event()

    def first():
        with shared:
            both_inside.wait()
        one_left.set()
        return current_options().consistent

    def second():
        with shared:
            both_inside.wait()
            assert one_left.wait(10)
            inside = current_options().consistent
        return inside, current_options().consistent

    with options(using="main"), ThreadPoolExecutor(2) as pool:
        outcomes = pool.submit(first), pool.submit(second)
        assert [each.result() for each in outcomes] == [None, (True, None)]
        assert current_options() == Options(using="main")


def test_tasks_have_their_own_options_even_of_one_object():
    shared = options(consistent=True)

    async def one(entered, leave):
        assert current_options().using == "main"  # that of whoever made the task
        with shared:
            entered.set()
            await leave.wait()
            inside = current_options()
        return inside.consistent, current_options().consistent

    async def main():
        gates = [(asyncio.Event(), asyncio.Event()) for _ in range(3)]
        with options(using="main"):
            tasks = [asyncio.create_task(one(*gate)) for gate in gates]
            for entered, _ in gates:
                await entered.wait()
            assert not current_options().consistent
            for _, leave in gates:  # first in, first out: not nested
                leave.set()
                await asyncio.sleep(0)
            return await asyncio.gather(*tasks)

    assert asyncio.run(main()) == [(True, None)] * 3


def _hold(alias):
    with options(using=alias):
        yield


@pytest.mark.parametrize("order", list(permutations("abc")))
def test_each_block_ends_its_own_options_in_any_order(order):
    held = {alias: _hold(alias) for alias in "abc"}
    for generator in held.values():
        next(generator)
    left = list("abc")
    for alias in order:
        assert current_options().using == left[-1]
        held[alias].close()
        left.remove(alias)
    assert current_options() == Options()


def _in_thread(function):
    with ThreadPoolExecutor(1) as pool:
        pool.submit(function).result()


def _in_task(function):
    async def call():
        function()

    asyncio.run(call())


@pytest.mark.parametrize("elsewhere", [_in_thread, _in_task, lambda f: copy_context().run(f)])
@pytest.mark.parametrize("around", [False, True])
def test_a_block_that_ends_elsewhere_ends_here_and_takes_nothing_there(elsewhere, around):
    held = _hold("a")
    next(held)

    def end():
        expected = Options(using="b") if around else None
        with options(using="b") if around else nullcontext():
            held.close()
            assert expected is None or current_options() == expected
        for _ in range(2):
            assert current_options() == Options()

    elsewhere(end)
    assert current_options() == Options()


def test_a_block_that_the_garbage_collector_ends_takes_no_other():
    held = _hold("a")
    next(held)
    loop = [held]
    loop.append(loop)
    del held
    with options(using="b"):
        del loop
        gc.collect()
        assert current_options().using == "b"
    assert current_options() == Options()


def test_a_task_keeps_the_options_of_a_block_that_ended_meanwhile():
    async def look():
        await asyncio.sleep(0)
        return current_options().using

    async def main():
        with options(using="a"):
            task = asyncio.create_task(look())
        return await task, current_options().using

    assert asyncio.run(main()) == ("a", None)


def test_an_async_generator_that_a_loop_closes_leaves_no_options():
    async def hold():
        with options(using="a"):
            yield

    async def main():
        held = hold()
        await anext(held)
        assert current_options().using == "a"
        await asyncio.create_task(held.aclose())
        return current_options().using

    assert asyncio.run(main()) is None


def test_options_of_a_caller_hold_in_a_thread_that_asyncio_starts():
    async def main():
        with options(consistent=True):
            return await asyncio.to_thread(lambda: current_options().consistent)

    assert asyncio.run(main())


def test_threads_that_first_need_the_default_connection_at_once_get_along():
    barrier = threading.Barrier(8, timeout=10)

    def ask(_):
        barrier.wait()
        return get_connection()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(8)))
    assert get_connection() in found


# -- no default connection -----------------------------------------------------------------------


class Elsewhere(Model):
    class Meta:
        table_name = "scores"
        using = "eu"

    k = CharField(hash_key=True)


ITEM = {"Item": {"k": {"S": "a"}}}


@pytest.fixture
def eu():
    """A process without a default connection, and what "eu" answers."""
    connect(default=False)
    script = Script([ITEM] * 9)
    connection = connect("eu")
    connection.transport, connection.async_transport = (
        ScriptedTransport(script),
        AsyncScriptedTransport(script),
    )
    return script


VERBS_WITHOUT = {
    "get": lambda do: do(Score.objects.get, "a"),
    "save": lambda do: do(Score("a").save),
    "delete": lambda do: do(Score("a").delete),
    "list": lambda do: do.list(Score.objects.filter(k="a")),
    "bulk": lambda do: do(Score.objects.bulk_create, [Score("a")]),
    "explicit": lambda do: do(Score.objects.using("default").get, "a"),
    "named": lambda do: do(Score("a").save, using="default"),
    "options": lambda do: _in_options(do),
}


def _in_options(do):
    with options(using="default"):
        do(Score.objects.get, "a")


@pytest.mark.parametrize("verb", VERBS_WITHOUT)
def test_without_a_default_connection_each_verb_says_how_to_choose(do, eu, verb):
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="no default connection") as caught:
            VERBS_WITHOUT[verb](do)
    for way in ("objects.using(", "save(using=", "options(using=", "Meta.using", "'eu'"):
        assert way in str(caught.value)
    assert eu.sent == []


def test_without_a_default_connection_each_way_of_choosing_works(do, eu):
    score = do(Score.objects.using("eu").get, "a")
    do(score.refresh_from_db)
    with options(using="eu"):
        do(Score.objects.get, "a")
    do(Elsewhere.objects.get, "a")
    do(Score("a").save, using="eu")
    do(Score("a").refresh_from_db, using="eu")
    assert len(eu.sent) == 6


def test_a_default_connection_can_be_defined_again(eu):
    with pytest.raises(ConfigurationError):
        get_connection()
    again = connect(region_name="eu-west-1")
    assert get_connection() is again


def test_the_connection_that_forbids_a_default_one_is_defined_under_its_alias():
    connect()
    only = connect("eu", region_name="eu-west-1", default=False)
    assert get_connection("eu") is only
    with pytest.raises(ConfigurationError, match=r"no default connection.*\(there are: 'eu'\)"):
        get_connection()
    with pytest.raises(ConfigurationError, match=r"called 'us' \(there are: 'eu'\)"):
        get_connection("us")


@pytest.mark.parametrize("given", [None, 0, "eu"])
def test_default_is_true_or_false(given):
    with pytest.raises(ConfigurationError, match="default="):
        connect(default=given)


# -- blocking an event loop ----------------------------------------------------------------------


def _with(sync_in_loop):
    script = Script([ITEM] * 9)
    connection = connect(sync_in_loop=sync_in_loop)
    connection.transport = ScriptedTransport(script)
    connection.async_transport = AsyncScriptedTransport(script)
    return script


BLOCKING = {
    "get": (lambda: Score.objects.get("a"), "await aget() instead"),
    "shortcut": (lambda: Score.get("a"), "await aget_or_none() instead"),
    "save": (lambda: Score("a").save(), r"save\(\) would block .* await asave\(\) instead"),
    "delete": (lambda: Score("a").delete(), "await adelete() instead"),
    "query set": (lambda: Score.objects.filter(k="a").first(), "await afirst() instead"),
    "loop": (lambda: list(Score.objects.filter(k="a")), "async for"),
    "length": (lambda: len(Score.objects.filter(k="a")), "an a in front"),
    "table": (lambda: Table(Score).exists(), "await aexists() instead"),
    "bulk": (lambda: Score.objects.bulk_create([Score("a")]), "await abulk_create() instead"),
    "function": (lambda: save_all([Score("a")]), "await asave_all() instead"),
    "transaction": (lambda: _write_in_block(), "asave"),
    "snapshot": (lambda: transaction.get([(Score, "a")]), "await aget() instead"),
    "batch": (lambda: _write_batch(), "a in front"),
}


def _write_in_block():
    with transaction.atomic():
        Score("a").save()


def _write_batch():
    with Score.objects.batch_write() as batch:
        batch.save(Score("a"))


@pytest.mark.parametrize("verb", BLOCKING)
def test_a_verb_that_would_block_a_running_loop_raises_and_names_its_twin(verb):
    call, how = BLOCKING[verb]
    script = _with("raise")

    async def main():
        with pytest.raises(QueryError, match="would block the event loop") as caught:
            call()
        return str(caught.value)

    text = asyncio.run(main())
    assert re.search(how.replace("()", r"\(\)") if "\\" not in how else how, text), text
    assert script.sent == []


def test_a_verb_without_a_loop_in_its_thread_is_as_ever():
    script = _with("raise")
    Score.objects.get("a")

    async def main():
        await asyncio.to_thread(Score.objects.get, "a")
        await Score.objects.aget("a")
        assert [row async for row in Score.objects.filter(k="a")] == []

    script.answers[2] = {"Items": []}
    asyncio.run(main())
    assert len(script.sent) == 4


def test_a_verb_may_block_a_loop_by_default():
    script = _with("allow")

    async def main():
        return Score.objects.get("a")

    assert asyncio.run(main()).k == "a"
    assert len(script.sent) == 1


@pytest.mark.parametrize("given", ["", "warn", None, True, []])
def test_other_values_of_sync_in_loop_are_refused(given):
    with pytest.raises(ConfigurationError, match=r"sync_in_loop=.*: give 'allow' or 'raise'"):
        connect(sync_in_loop=given)

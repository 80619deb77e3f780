"""Threads, tasks, event loops and processes that share a transport; cancellation and limits."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import sys
import threading
import warnings
from contextlib import ExitStack

import pytest

from dynamodb_py.exceptions import ConnectTimeout, ReadTimeout, RequestError
from dynamodb_py.transports import open_transports

from .. import faulty
from ..callers import Caller, Echo, settings
from ..faulty import FaultyServer


async def echo(transport, key):
    operation = Echo(key)
    return operation.parse(await transport.send(operation))


def test_sixteen_threads_each_get_their_own_answers():
    with FaultyServer() as server:
        client = Caller(settings(server.url, pool_size=4))
        wrong: list[object] = []

        def hammer(name):
            for number in range(40):
                key = f"{name}-{number}"
                got = client.outcome(Echo(key), attempts=3)
                if got != key:
                    wrong.append((key, got))

        threads = [threading.Thread(target=hammer, args=(name,)) for name in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert len(server.received) == 16 * 40
        assert server.wait_until_open(4) or server.open < 4  # the surplus is not kept
        client.close()
        assert server.wait_until_empty()


@pytest.mark.parametrize("pool_size", [3, 64])
def test_sixty_four_tasks_each_get_their_own_answers(pool_size):
    async def hammer(transport, name):
        keys = [f"{name}-{number}" for number in range(10)]
        return [await echo(transport, key) for key in keys] == keys

    async def main(url):
        _, transport = open_transports(settings(url, pool_size=pool_size))
        right = await asyncio.gather(*(hammer(transport, name) for name in range(64)))
        await transport.close()
        return right

    with FaultyServer() as server:
        assert all(asyncio.run(main(server.url)))
        assert len(server.received) == 640
        assert server.accepted <= pool_size
        assert server.wait_until_empty()


def test_faults_among_many_tasks_are_survived_and_leak_nothing():
    faults = [
        faulty.close_after_request,
        faulty.half_body,
        faulty.fine,
        faulty.wrong_crc,
        faulty.close_after_answer,
        faulty.error("ThrottlingException"),
        faulty.garbage,
        faulty.close_at_once,
    ] * 8

    async def one(transport, key):
        for _ in range(20):
            try:
                return await echo(transport, key) == key
            except RequestError:
                continue
        return False

    async def main(url):
        _, transport = open_transports(settings(url, pool_size=8))
        right = await asyncio.gather(*(one(transport, str(name)) for name in range(64)))
        [pool] = transport._wire._pools.values()
        assert pool._places == len(pool.streams) == len(pool.idle)
        await transport.close()
        assert (pool._places, pool.streams) == (0, set())
        return right

    with FaultyServer(*faults) as server:
        assert all(asyncio.run(main(server.url)))
        assert server.wait_until_empty()


def test_one_task_at_a_time_where_one_connection_is_all_there_may_be():
    async def main(url):
        _, transport = open_transports(settings(url, pool_size=1))
        order = []

        async def one(key):
            await echo(transport, key)
            order.append(key)

        await asyncio.gather(*(one(str(number)) for number in range(10)))
        return order

    with FaultyServer() as server:
        assert asyncio.run(main(server.url)) == [str(number) for number in range(10)]
        assert server.accepted == 1


def test_a_cancelled_request_closes_its_connection_and_frees_its_place():
    async def main(server):
        _, transport = open_transports(settings(server.url, pool_size=1))
        stalled = asyncio.ensure_future(echo(transport, "stalled"))
        while not server.received:
            await asyncio.sleep(0.001)
        waiting = [asyncio.ensure_future(echo(transport, str(number))) for number in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        stalled.cancel()
        outcomes = await asyncio.gather(stalled, *waiting, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes[:2]] == [asyncio.CancelledError] * 2
        assert outcomes[2:] == ["1", "2"]
        [pool] = transport._wire._pools.values()
        assert pool._places == 1

    with FaultyServer(faulty.stall) as server:
        asyncio.run(main(server))
        assert server.wait_until_empty()
        assert server.accepted == 2


def test_a_task_cancelled_with_a_connection_in_its_hand_gives_it_back():
    async def main(url):
        _, transport = open_transports(settings(url, pool_size=1))
        await echo(transport, "first")
        [pool] = transport._wire._pools.values()
        stream = pool.pop()
        waiting = asyncio.ensure_future(echo(transport, "waiting"))
        await asyncio.sleep(0)
        pool.give(stream)  # its future is done, the task has not gone on yet
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await asyncio.wait_for(echo(transport, "next"), 5) == "next"

    with FaultyServer() as server:
        asyncio.run(main(server.url))
        assert server.accepted == 1


def test_a_connection_that_dies_on_its_way_to_a_waiting_task_is_replaced():
    async def main(url):
        _, transport = open_transports(settings(url, pool_size=1))
        await echo(transport, "first")
        [pool] = transport._wire._pools.values()
        stream = pool.pop()
        waiting = asyncio.ensure_future(echo(transport, "waiting"))
        await asyncio.sleep(0)
        pool.give(stream)
        stream.abort()
        assert await asyncio.wait_for(waiting, 5) == "waiting"
        assert pool._places == 1

    with FaultyServer() as server:
        asyncio.run(main(server.url))


def test_close_lets_requests_under_way_finish_and_then_closes_their_connections():
    async def main(server):
        _, transport = open_transports(settings(server.url))
        await echo(transport, "idle")
        slow = asyncio.ensure_future(echo(transport, "slow"))
        while len(server.received) < 2:
            await asyncio.sleep(0.001)
        await transport.close()
        assert await slow == "slow"

    with FaultyServer(faulty.fine, faulty.in_pieces) as server:
        asyncio.run(main(server))
        assert server.wait_until_empty()


def test_one_loop_after_another_and_no_warning():
    with FaultyServer() as server, warnings.catch_warnings():
        warnings.simplefilter("error")
        _, transport = open_transports(settings(server.url))
        for number in range(3):
            assert asyncio.run(echo(transport, str(number))) == str(number)
            assert server.wait_until_empty()
        gc.collect()


@pytest.mark.parametrize("politely", [True, False])
def test_a_loop_that_is_closed_without_ceremony_leaves_no_warning(politely):
    with FaultyServer() as server, warnings.catch_warnings():
        warnings.simplefilter("error")
        _, transport = open_transports(settings(server.url))
        first = asyncio.new_event_loop()
        assert first.run_until_complete(echo(transport, "a")) == "a"
        if politely:
            first.run_until_complete(transport.close())
        first.close()
        assert asyncio.run(echo(transport, "b")) == "b"  # finds the closed loop's connections
        assert server.wait_until_empty()
        del first
        gc.collect()


def test_loops_in_threads_share_a_transport():
    with FaultyServer() as server:
        _, transport = open_transports(settings(server.url))
        got: dict[str, str] = {}

        async def main(name):
            for number in range(20):
                got[f"{name}-{number}"] = await echo(transport, f"{name}-{number}")

        threads = [threading.Thread(target=lambda n=n: asyncio.run(main(n))) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(got) == 80
        assert all(key == value for key, value in got.items())
        assert server.wait_until_empty()


def test_close_reaches_the_connections_of_other_loops():
    with FaultyServer() as server:
        _, transport = open_transports(settings(server.url))
        ready, done = threading.Event(), threading.Event()

        async def stay():
            await echo(transport, "stay")
            ready.set()
            while not done.is_set():
                await asyncio.sleep(0.001)

        thread = threading.Thread(target=lambda: asyncio.run(stay()))
        thread.start()
        assert ready.wait(5)
        closed = asyncio.new_event_loop()
        closed.run_until_complete(echo(transport, "closed"))
        closed.close()
        assert server.open == 2
        asyncio.run(transport.close())
        assert server.wait_until_open(0)  # while the other loop still turns
        done.set()
        thread.join()


def test_an_idle_transport_that_nobody_closed_leaves_no_warning():
    with FaultyServer() as server, warnings.catch_warnings():
        warnings.simplefilter("error")
        client = Caller(settings(server.url))
        client.send(Echo("a"))
        del client
        gc.collect()
        assert server.wait_until_empty()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are a matter of Unix")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_process_opens_connections_of_its_own(caller):
    with FaultyServer() as server:
        client = caller(server.url)
        assert client.send(Echo("parent")) == "parent"
        assert server.accepted == 1
        child = os.fork()
        if child == 0:
            code = 1
            try:
                other = client if type(client) is Caller else type(client)(settings(server.url))
                other.async_transport = client.async_transport
                code = 0 if other.send(Echo("child")) == "child" else 2
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert server.accepted == 2
        # The parent's connection is as it was.
        assert client.send(Echo("parent again")) == "parent again"
        assert server.accepted == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are a matter of Unix")
def test_a_child_closes_no_more_than_its_own_copies():
    with FaultyServer() as server:
        client = Caller(settings(server.url))
        client.send(Echo("parent"))
        pool = client.transport._wire._pool
        [connection] = pool.idle
        pool.after_fork()  # what a child does
        assert pool.idle == []
        assert connection._socket.fileno() == -1
        assert server.wait_until_empty()


@pytest.mark.skipif(sys.platform != "linux", reason="fills a queue as Linux keeps it")
def test_a_connection_that_is_not_accepted_in_time_is_a_connect_timeout(caller):
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port = server.getsockname()[1]
        for _ in range(4):  # more than wait to be accepted: the kernel ignores the others
            other = stack.enter_context(socket.socket())
            other.setblocking(False)
            other.connect_ex(("127.0.0.1", port))
        said = caller(f"http://127.0.0.1:{port}", connect_timeout=0.1).outcome(Echo("a"))
    assert type(said) is ConnectTimeout
    assert f"127.0.0.1:{port} within 0.1 seconds" in str(said)


def test_a_read_timeout_is_for_the_whole_answer(caller):
    with FaultyServer(faulty.trickle) as server:
        said = caller(server.url, read_timeout=0.2).outcome(Echo("a"))
        assert type(said) is ReadTimeout
        assert "read_timeout" in str(said)

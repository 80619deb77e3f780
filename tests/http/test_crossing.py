"""Answers never cross: whatever a server sends, and whichever loop or process goes on with a transport."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import socket
import sys
import threading
import time
import warnings

import pytest
import trustme

from dynamodb_py.exceptions import RequestError
from dynamodb_py.transports import open_transports

from .. import faulty
from ..callers import Echo, settings
from ..credentials.test_tls import tls
from ..faulty import FaultyServer, response

EVIL = response(json.dumps({"Item": {"name": {"S": "EVIL"}}}).encode())

# Data that belongs to no request.
EXTRA = {
    "an answer": EVIL,
    "two answers": EVIL * 2,
    "half an answer": EVIL[:50],
    "a byte": b"H",
    "a line end": b"\r\n",
    "an interim answer": b"HTTP/1.1 100 Continue\r\n\r\n",
    "a refusal": response(b'{"__type": "x#ValidationException"}', "400 Bad Request"),
    "a timeout": b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n",
}


async def echo(transport, key):
    operation = Echo(key)
    return operation.parse(await transport.send(operation))


def block_until(sent, count):
    """Wait, without giving way to an event loop, until *count* pieces of data were sent."""
    end = time.monotonic() + 5
    while len(sent) < count and time.monotonic() < end:
        time.sleep(0.001)
    assert len(sent) == count


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Return a server's context, and the file that makes it trusted."""
    made = trustme.CA()
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    made.cert_pem.write_to_path(str(path))
    return tls(made), str(path)


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("extra", EXTRA.values(), ids=EXTRA)
def test_data_that_belongs_to_no_request_closes_the_connection(caller, authority, secure, extra):
    sent: list[bytes] = []
    faults = [faulty.then(extra, sent)] * 4
    with FaultyServer(*faults, tls=authority[0] if secure else None) as server:
        client = caller(server.url, verify=authority[1] if secure else True)
        keys = [str(number) for number in range(6)]
        answers = []
        for key in keys:
            answers.append(client.send(Echo(key)))
            block_until(sent, min(len(answers), 4))  # the loop of asyncio does not read meanwhile
        assert answers == keys
        assert server.accepted == 5  # the last two share a connection


@pytest.mark.parametrize("extra", EXTRA.values(), ids=EXTRA)
def test_a_connection_that_passes_from_task_to_task_is_checked(extra):
    sent: list[bytes] = []
    answered: list[str] = []

    async def main(url):
        _, transport = open_transports(settings(url, pool_size=1))

        async def one(key):
            answer = await echo(transport, key)
            # The next task has the connection already, and the loop does not read.
            answered.append(key)
            block_until(sent, len(answered))
            return answer

        return await asyncio.gather(*(one(str(number)) for number in range(5)))

    with FaultyServer(*[faulty.then(extra, sent)] * 5) as server:
        assert asyncio.run(main(server.url)) == [str(number) for number in range(5)]
        assert server.accepted == 5


def test_a_connection_without_extra_data_is_kept_however_busy_the_loop_is(caller):
    with FaultyServer() as server:
        client = caller(server.url)
        for number in range(5):
            assert client.send(Echo(str(number))) == str(number)
            time.sleep(0.005)
        assert server.accepted == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are a matter of Unix")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_forked_workers_and_their_parent_each_get_their_own_answers(caller, authority, secure):
    def work(client, name):
        keys = [f"{name}{number}" for number in range(50)]
        return [client.outcome(Echo(key), attempts=1) for key in keys] == keys

    with FaultyServer(tls=authority[0] if secure else None) as server:
        client = caller(
            server.url, verify=authority[1] if secure else True, read_timeout=5, pool_size=2
        )
        assert client.send(Echo("warm")) == "warm"
        children = []
        for name in "AB":
            child = os.fork()
            if child == 0:
                code = 2
                try:
                    code = 0 if work(client, name) else 1
                finally:
                    os._exit(code)
            children.append(child)
        assert work(client, "P")
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        assert codes == [0, 0]
        assert server.accepted == 3  # the parent keeps its connection


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are a matter of Unix")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_while_requests_are_under_way_leaves_their_answers_to_the_parent():
    async def begin(server, transport):
        tasks = [asyncio.ensure_future(echo(transport, f"P{number}")) for number in range(3)]
        while not server.received:
            await asyncio.sleep(0.001)
        return tasks

    with FaultyServer(faulty.in_pieces) as server:
        _, transport = open_transports(settings(server.url, pool_size=1, read_timeout=5))
        loop = asyncio.new_event_loop()
        tasks = loop.run_until_complete(begin(server, transport))
        if (child := os.fork()) == 0:
            code = 2
            try:
                code = 0 if loop.run_until_complete(echo(transport, "C")) == "C" else 1
            finally:
                os._exit(code)
        assert loop.run_until_complete(asyncio.gather(*tasks)) == ["P0", "P1", "P2"]
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


# What a closed event loop left behind.
def begin(transport, key):
    """Begin a request that nobody waits for."""
    task = asyncio.ensure_future(echo(transport, key))
    task.add_done_callback(lambda _: None)


async def _nothing(server, transport):
    pass


async def _idle(server, transport):
    await echo(transport, "idle")


async def _under_way(server, transport):
    server.script(faulty.stall)
    begin(transport, "under way")
    await asyncio.sleep(0.02)


async def _waiting(server, transport):
    server.script(faulty.stall)
    for number in range(4):
        begin(transport, str(number))
    await asyncio.sleep(0.02)


async def _connecting(server, transport):
    begin(transport, "connecting")
    for _ in range(2):
        await asyncio.sleep(0)


async def _cancelled(server, transport):
    task = asyncio.ensure_future(echo(transport, "cancelled"))
    await asyncio.sleep(0)
    task.cancel()


LEFT = [_nothing, _idle, _under_way, _waiting, _connecting, _cancelled]


@pytest.mark.parametrize("close_first", [False, True])
@pytest.mark.parametrize("leave", LEFT, ids=lambda leave: leave.__name__[1:])
def test_a_closed_loop_does_not_break_requests_of_another_one(leave, close_first):
    with FaultyServer() as server, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # asyncio warns of what was left behind
        _, transport = open_transports(settings(server.url, pool_size=1))
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(lambda *_: None)
        loop.run_until_complete(leave(server, transport))
        loop.close()
        server.script()
        if close_first:
            asyncio.run(transport.close())
        assert asyncio.run(echo(transport, "next")) == "next"
        del loop
        gc.collect()
        assert server.wait_until_empty()


@pytest.mark.skipif(sys.platform != "linux", reason="fills a queue as Linux keeps it")
def test_a_loop_that_was_closed_while_a_connection_was_opened_does_not_break_the_next():
    async def leave(transport):
        begin(transport, "never")
        await asyncio.sleep(0.02)

    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        _, transport = open_transports(settings(url, connect_timeout=0.1))
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(lambda *_: None)
        loop.run_until_complete(leave(transport))
        loop.close()
        with pytest.raises(RequestError, match=r"within 0\.1 seconds"):
            asyncio.run(echo(transport, "next"))
        for filler in fillers:
            filler.close()
        del loop
        gc.collect()


def test_loops_in_threads_that_find_the_same_closed_loops_do_not_fail():
    errors: list[BaseException] = []

    def work(transport, name):
        for number in range(30):
            loop = asyncio.new_event_loop()
            try:
                key = f"{name}-{number}"
                assert loop.run_until_complete(echo(transport, key)) == key
            except BaseException as error:
                errors.append(error)
            loop.close()

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with FaultyServer() as server:
            _, transport = open_transports(settings(server.url))
            threads = [threading.Thread(target=work, args=(transport, n)) for n in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            asyncio.run(transport.close())
    finally:
        sys.setswitchinterval(before)
    assert errors == []

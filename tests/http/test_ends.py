"""Requests end: a cancelled task is cancelled, and a timeout holds."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
import time
from contextlib import suppress

import pytest
import trustme

from dynamodb_py.exceptions import ConnectTimeout, ReadTimeout
from dynamodb_py.transports import open_transports

from .. import faulty
from ..callers import Echo, settings
from ..credentials.test_tls import tls
from ..faulty import FaultyServer


async def echo(transport, key):
    operation = Echo(key)
    return operation.parse(await transport.send(operation))


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Return a server's context, and the file that makes it trusted."""
    made = trustme.CA()
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    made.cert_pem.write_to_path(str(path))
    return tls(made), str(path)


@pytest.mark.parametrize("pool_size", [1, 64])
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_a_cancelled_task_is_cancelled_at_whichever_step_it_is(authority, secure, pool_size):
    async def main(url):
        verify = authority[1] if secure else True
        _, transport = open_transports(settings(url, pool_size=pool_size, verify=verify))
        lost, cancelled = [], 0
        for steps in [*range(25), *range(0, 120, 5)]:
            if steps % 2:
                await transport.close()  # so that it opens a connection
            first = asyncio.ensure_future(echo(transport, "first"))
            task = asyncio.ensure_future(echo(transport, "cancelled"))
            for _ in range(steps):
                await asyncio.sleep(0)
            if task.cancel():
                try:
                    lost.append((steps, await task))
                except asyncio.CancelledError:
                    cancelled += 1
            assert await first == "first"
        await transport.close()
        return lost, cancelled

    with FaultyServer(tls=authority[0] if secure else None) as server:
        lost, cancelled = asyncio.run(main(server.url))
        assert lost == []
        assert cancelled > 10
        assert server.wait_until_empty()


def test_a_connection_that_takes_too_long_does_not_go_on_being_opened(monkeypatch):
    async def main():
        loop = asyncio.get_running_loop()
        _, transport = open_transports(settings("http://127.0.0.1:9", connect_timeout=0.05))

        async def never(*given, **options):
            await asyncio.sleep(60)

        monkeypatch.setattr(loop, "create_connection", never)
        with pytest.raises(ConnectTimeout):
            await echo(transport, "a")
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


TIMEOUT = 0.4  # seconds; each single step of the faults below takes less, all of them together more


def answer_late(visit):
    visit.stopping.wait(2.5)
    return faulty.fine(visit)


def answer_in_parts(visit):
    whole = faulty.response(visit.request.answer())
    for part in (whole[:1], whole[1:20], whole[20:60], whole[60:-5], whole[-5:]):
        visit.stopping.wait(TIMEOUT * 0.7)
        visit.socket.sendall(part)
    return True


def answer_at_length(visit):
    """Send a long answer in parts that are longer than what is read at once."""
    visit.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n")
    for _ in range(9):
        visit.stopping.wait(TIMEOUT * 0.7)
        visit.socket.sendall(b"x" * 1_000_000)
    return False


def answer_in_chunks(visit):
    visit.socket.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(9):
        visit.stopping.wait(TIMEOUT * 0.7)
        visit.socket.sendall(b"2\r\nxx\r\n")
    return False


@pytest.fixture(params=[False, True], ids=["quiet", "signals"])
def signals(request):
    """Send signals to this process more often than the timeout, or none."""
    if not request.param:
        yield
        return
    if not hasattr(signal, "setitimer"):
        pytest.skip("timers are a matter of Unix")
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, TIMEOUT / 4, TIMEOUT / 4)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def ends_in_time(client, key="a"):
    begun = time.monotonic()
    outcome = client.outcome(Echo(key))
    seconds = time.monotonic() - begun
    assert type(outcome) is ReadTimeout, outcome
    assert TIMEOUT * 0.9 < seconds < TIMEOUT * 3


@pytest.mark.usefixtures("signals")
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize(
    "fault",
    [answer_late, answer_in_parts, answer_at_length, answer_in_chunks, faulty.trickle],
    ids=lambda fault: fault.__name__,
)
def test_the_read_timeout_is_for_the_whole_answer(caller, authority, secure, fault):
    with FaultyServer(faulty.fine, fault, tls=authority[0] if secure else None) as server:
        verify = authority[1] if secure else True
        client = caller(server.url, verify=verify, read_timeout=TIMEOUT)
        assert client.run(Echo("first")) == "first"
        ends_in_time(client)
        assert client.run(Echo("next")) == "next"


@pytest.mark.usefixtures("signals")
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_the_read_timeout_is_for_sending_too(caller, authority, secure):
    def read_slowly():
        opened, _ = server.accept()
        with opened:
            if secure:
                opened = authority[0].wrap_socket(opened, server_side=True)
            with suppress(OSError):
                while opened.recv(1024):
                    time.sleep(0.01)
            opened.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=read_slowly)
        thread.start()
        scheme, verify = ("https", authority[1]) if secure else ("http", True)
        url = f"{scheme}://127.0.0.1:{server.getsockname()[1]}"
        client = caller(url, verify=verify, read_timeout=TIMEOUT)
        ends_in_time(client, "x" * 16_000_000)
        client.close()


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_a_request_and_an_answer_of_many_megabytes_arrive_in_time(caller, authority, secure):
    with FaultyServer(tls=authority[0] if secure else None) as server:
        client = caller(server.url, verify=authority[1] if secure else True, read_timeout=1e300)
        text = "é" * 4_000_000
        assert client.send(Echo(text)) == text
        assert client.send(Echo("short")) == "short"
        assert server.accepted == 1

"""Deadlines: a request ends in time with all that it takes, and so do all requests of a block."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import nullcontext, suppress

import pytest
import trustme
from moto import mock_aws

from dynamodb_py import CharField, IntegerField, Model, Table, connect, connections, options
from dynamodb_py.exceptions import (
    BatchIncomplete,
    ConfigurationError,
    ConnectionFailed,
    DeadlineExceeded,
    ReadTimeout,
    RequestError,
    Throttled,
)
from dynamodb_py.models import transaction
from dynamodb_py.models.bulk.results import status_of
from dynamodb_py.retries import DEADLINES, Retries

from .. import faulty
from ..callers import KEYS
from ..credentials.test_tls import tls
from ..faulty import FaultyServer

DEADLINE = 0.4
LATE = 2.5  # seconds after which a request did not end in time, on a busy machine too


class Thing(Model):
    class Meta:
        table_name = "things"

    name = CharField(hash_key=True)
    n = IntegerField()


@pytest.fixture(autouse=True)
def none_known(monkeypatch):
    monkeypatch.setattr(connections, "_connections", {})


@pytest.fixture(params=["connect", "options"])
def way(request):
    """Connect with a deadline, or return the block that has one."""

    def make(url=None, **given):
        given = {"region_name": "eu-west-1", "endpoint_url": url, **KEYS, **given}
        if request.param == "connect":
            connect(deadline=DEADLINE, **given)
            return nullcontext()
        connect(**given)
        return options(deadline=DEADLINE)

    yield make
    for connection in connections._connections.values():
        if connection is not None:
            connection.close()


def outcome_of(do, block, verb, *args, **kwargs):
    """Return the exception that a verb raises in a block, and the seconds until then."""
    begun = time.monotonic()
    with block, pytest.raises(RequestError) as caught:
        do(verb, *args, **kwargs)
    assert DEADLINES.get() == ()
    return caught.value, time.monotonic() - begun


def assert_in_time(error, seconds, *, in_doubt, api="GetItem"):
    assert type(error) is DeadlineExceeded, error
    assert isinstance(error, TimeoutError)
    assert seconds < LATE
    assert error.in_doubt is in_doubt
    assert (error.operation, error.table) == (api, "things")
    assert "within the deadline of 0.4 seconds" in str(error)


ANSWERS = {
    "no answer": ([faulty.stall], 4),
    "a slow answer": ([faulty.trickle], 4),
    "no answer, and no other attempt": ([faulty.stall], 1),
    "errors with pauses": ([faulty.error("InternalServerError", "500 X")] * 9, 9),
    "lost answers with pauses": ([faulty.close_after_request] * 9, 9),
}


@pytest.mark.parametrize("answers", ANSWERS)
def test_a_request_ends_in_time_with_all_attempts(do, way, answers):
    faults, attempts = ANSWERS[answers]
    with FaultyServer(*faults) as server:
        block = way(server.url, retries=Retries(attempts=attempts, base=40))
        error, seconds = outcome_of(do, block, Thing.objects.get, "a")
        assert_in_time(error, seconds, in_doubt=True)


def test_a_request_that_only_was_refused_is_not_in_doubt(do, way):
    with FaultyServer(*[faulty.error("ThrottlingException")] * 20) as server:
        block = way(server.url, retries=Retries(attempts=20, base=40))
        error, seconds = outcome_of(do, block, Thing(name="a").save)
        assert_in_time(error, seconds, in_doubt=False, api="PutItem")
        assert isinstance(error.__cause__, Throttled)
        assert status_of(error) == "failed"


def test_a_write_without_an_answer_is_in_doubt(do, way):
    with FaultyServer(faulty.stall) as server:
        error, seconds = outcome_of(do, way(server.url), Thing(name="a").save)
        assert_in_time(error, seconds, in_doubt=True, api="PutItem")
        assert isinstance(error.__cause__, ReadTimeout)
        assert status_of(error) == "unknown"


def test_the_last_failure_is_the_cause_where_attempts_are_left(do, way):
    with FaultyServer(*[faulty.close_after_request] * 9) as server:
        block = way(server.url, retries=Retries(attempts=9, base=400))
        error, _ = outcome_of(do, block, Thing.objects.get, "a")
        assert isinstance(error.__cause__, ConnectionFailed)
        # The deadline may end an attempt before the server has its request.
        assert error.attempts - len(server.received) in (0, 1)


@pytest.mark.parametrize("step", ["name", "handshake", "credentials"])
def test_what_comes_before_sending_ends_in_time_and_is_not_in_doubt(
    do, way, step, monkeypatch, tmp_path
):
    stop = threading.Event()
    given = {}
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        if step == "handshake":
            url = url.replace("http", "https")  # nobody answers
        elif step == "name":
            url = "http://a-slow-name.invalid:1"

            def look_up(*_, **__):
                stop.wait(8)
                raise socket.gaierror("never found")

            monkeypatch.setattr(socket, "getaddrinfo", look_up)
        else:
            config = tmp_path / "config"
            config.write_text("[default]\ncredential_process = sleep 8\n")
            for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
                monkeypatch.delenv(name, raising=False)
            monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
            given = dict.fromkeys(KEYS)
            import botocore.session  # noqa: F401 - its import is not in the time
        error, seconds = outcome_of(do, way(url, **given), Thing(name="a").save)
        stop.set()
    assert_in_time(error, seconds, in_doubt=False, api="PutItem")


def test_sending_ends_in_time(do, way):
    def read_slowly():
        opened, _ = server.accept()
        with opened, suppress(OSError):
            while opened.recv(1024):
                time.sleep(0.01)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=read_slowly, daemon=True).start()
        block = way(f"http://127.0.0.1:{server.getsockname()[1]}")
        things = [Thing(name="x" * 300 + str(n), n=n) for n in range(3)]
        things += [_Big(name=str(n), text="x" * 380_000) for n in range(20)]
        begun = time.monotonic()
        with block, pytest.raises((DeadlineExceeded, BatchIncomplete)):
            do(_Big.batch_write, things[3:], overwrite=True)
        assert time.monotonic() - begun < LATE


class _Big(Model):
    name = CharField(hash_key=True)
    text = CharField()


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_requests_in_time_are_as_without_a_deadline(do, way, secure, tmp_path):
    authority = trustme.CA()
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    with FaultyServer(
        faulty.close_after_request, faulty.fine, tls=tls(authority) if secure else None
    ) as server:
        with way(server.url, verify=str(path) if secure else True):
            for name in "abc":
                assert do(Thing.objects.get, name).name == name
        assert server.accepted == 2
        assert DEADLINES.get() == ()


def test_a_short_deadline_leaves_longer_ones_of_the_same_connection_alone(do):
    def later(visit):
        visit.stopping.wait(DEADLINE)
        return faulty.fine(visit)

    with FaultyServer(faulty.fine, faulty.fine, later) as server:
        connect(endpoint_url=server.url, region_name="x", **KEYS)
        do(Thing.objects.get, "a")
        with options(deadline=DEADLINE / 2):
            assert do(Thing.objects.get, "b").name == "b"
        assert do(Thing.objects.get, "c").name == "c"
        assert server.accepted == 1


def test_a_task_that_waits_for_a_free_connection_ends_in_time(way):
    async def main(url):
        with way(url, pool_size=1):
            begun = time.monotonic()
            found = await asyncio.gather(
                *(Thing.objects.aget(name) for name in "abcd"), return_exceptions=True
            )
            return found, time.monotonic() - begun

    with FaultyServer(faulty.stall) as server:
        found, seconds = asyncio.run(main(server.url))
        assert {type(each) for each in found} == {DeadlineExceeded}
        assert [each.in_doubt for each in found].count(True) == len(server.received) == 1
        assert seconds < LATE


def test_a_cancelled_task_is_cancelled_under_a_deadline_and_gives_its_connection_back():
    async def main(url):
        connection = connect(endpoint_url=url, region_name="x", deadline=30, pool_size=1, **KEYS)
        for steps in [*range(60), *range(60)]:
            if steps % 2:
                await connection.aclose()  # so that it opens one
            task = asyncio.ensure_future(Thing.objects.aget("a"))
            for _ in range(steps):
                await asyncio.sleep(0)
            if task.cancel():
                with pytest.raises(asyncio.CancelledError):
                    await task
            with options(deadline=10):  # the only place of the pool is free
                assert (await Thing.objects.aget("b")).name == "b"
        await connection.aclose()

    with FaultyServer() as server:
        asyncio.run(main(server.url))
        assert server.wait_until_empty()


# What the two are for


def test_the_deadline_of_a_connection_is_for_each_request(do):
    def slow(visit):
        visit.stopping.wait(DEADLINE * 0.6)
        return faulty.fine(visit)

    with FaultyServer(*[slow] * 3) as server:
        connect(endpoint_url=server.url, region_name="x", deadline=DEADLINE, **KEYS)
        for name in "abc":
            assert do(Thing.objects.get, name).name == name


def test_the_deadline_of_a_block_is_for_all_of_it(do):
    def slow(visit):
        visit.stopping.wait(DEADLINE * 0.6)
        return faulty.fine(visit)

    with FaultyServer(*[slow] * 3) as server:
        connect(endpoint_url=server.url, region_name="x", **KEYS)
        begun = time.monotonic()
        with options(deadline=DEADLINE):
            do(Thing.objects.get, "a")
            for _ in range(3):
                with pytest.raises(DeadlineExceeded):
                    do(Thing.objects.get, "b")
        assert time.monotonic() - begun < LATE
        assert len(server.received) == 2  # nothing is sent when the time is over
        assert do(Thing.objects.get, "c").name == "c"


@pytest.mark.parametrize(("outer", "inner"), [(60, DEADLINE), (DEADLINE, 60)])
def test_the_earliest_deadline_counts(do, outer, inner):
    with FaultyServer(faulty.stall) as server:
        connect(endpoint_url=server.url, region_name="x", deadline=30, **KEYS)
        error, seconds = outcome_of(
            do, _nested(options(deadline=outer), options(deadline=inner)), Thing.objects.get, "a"
        )
        assert_in_time(error, seconds, in_doubt=True)


class _nested:
    def __init__(self, *blocks):
        self.blocks = blocks

    def __enter__(self):
        for block in self.blocks:
            block.__enter__()

    def __exit__(self, *error):
        for block in reversed(self.blocks):
            block.__exit__(*error)


VERBS = {
    "batch_get": lambda do: do(Thing.batch_get, *map(str, range(250)), workers=2),
    "list": lambda do: do.list(Thing.objects.scan()),
    "segments": lambda do: do.list(Thing.objects.scan(segments=3)),
    "prefetch": lambda do: do.list(Thing.objects.scan().prefetch()),
    "wait": lambda do: Table(Thing).wait() if do.mode == "sync" else do.run(Table(Thing).await_()),
    "transaction": lambda do: _commit(do),
}


def _commit(do):
    if do.mode == "sync":
        with transaction.atomic():
            Thing(name="a").save()
        return

    async def main():
        async with transaction.atomic():
            await Thing(name="a").asave()

    do.run(main())


@pytest.mark.parametrize("verb", VERBS)
def test_verbs_of_many_requests_end_with_their_block(do, verb):
    with FaultyServer(*[faulty.stall] * 9) as server:
        connect(endpoint_url=server.url, region_name="x", **KEYS)
        begun = time.monotonic()
        with options(deadline=DEADLINE), pytest.raises(DeadlineExceeded):
            VERBS[verb](do)
        assert time.monotonic() - begun < LATE


def test_a_transaction_that_was_not_sent_is_not_in_doubt():
    connect(endpoint_url="http://127.0.0.1:9", region_name="x", **KEYS)
    atomic = transaction.atomic()

    def write_late():
        with options(deadline=0.01), atomic:
            Thing(name="a").save()
            time.sleep(0.05)

    with pytest.raises(DeadlineExceeded) as caught:
        write_late()
    assert not caught.value.in_doubt
    assert atomic.state == "not committed"


def test_a_task_keeps_the_deadline_of_the_block_that_started_it():
    async def main(url):
        connect(endpoint_url=url, region_name="x", **KEYS)
        with options(deadline=DEADLINE):
            task = asyncio.ensure_future(Thing.objects.aget("a"))
        with pytest.raises(DeadlineExceeded):
            await task
        await connections.get_connection().aclose()

    with FaultyServer(faulty.stall) as server:
        asyncio.run(main(server.url))


def test_a_block_that_ends_elsewhere_leaves_no_deadline():
    def hold():
        with options(deadline=0.01):
            yield

    held = hold()
    next(held)
    thread = threading.Thread(target=held.close)
    thread.start()
    thread.join()
    time.sleep(0.02)
    with FaultyServer() as server:
        connect(endpoint_url=server.url, region_name="x", **KEYS)
        assert Thing.objects.get("a").name == "a"


@pytest.mark.parametrize("given", [0, -1, "2", True, float("nan"), float("inf"), 1e300, [2]])
@pytest.mark.parametrize("where", [connect, options])
def test_a_deadline_that_is_no_time_is_refused(where, given):
    with pytest.raises(ConfigurationError, match=r"deadline=.*: give seconds"):
        where(deadline=given)
    assert connections._connections == {}


# Through botocore


def test_a_request_through_botocore_is_waited_for_no_longer(do, way):
    import boto3

    with FaultyServer(faulty.stall) as server:
        client = boto3.client("dynamodb", endpoint_url=server.url, region_name="x", **KEYS)
        block = way(None, client=client, region_name=None, **dict.fromkeys(KEYS))
        error, seconds = outcome_of(do, block, Thing(name="a").save)
        assert_in_time(error, seconds, in_doubt=True, api="PutItem")
    client.close()


@pytest.mark.parametrize("block", [nullcontext, lambda: options(deadline=60)], ids=range(2))
def test_a_mock_answers_under_a_deadline(do, block):
    with mock_aws(), block():
        connect(region_name="eu-west-1", deadline=60, **KEYS)
        do(Table(Thing).create)
        do(Thing(name="a").save)
        assert do(Thing.objects.get, "a").name == "a"

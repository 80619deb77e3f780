"""Under gevent, which patches sockets and threads, each request ends with an answer or a timeout."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest
import trustme

from .. import faulty
from ..credentials.test_tls import tls
from ..faulty import FaultyServer

PRELUDE = """
    from gevent import monkey; monkey.patch_all()
    import asyncio, sys, time
    import gevent, gevent.pool
    from dynamodb_py import *
    from dynamodb_py.exceptions import *

    class Thing(Model):
        class Meta: table_name = "things"
        name = CharField(hash_key=True)

    def connected(**given):
        return connect(**{
            "endpoint_url": sys.argv[1], "region_name": "x", "aws_access_key_id": "x",
            "aws_secret_access_key": "y", "retries": 1, "read_timeout": 20,
            "verify": sys.argv[2] or True, **given,
        })

    def get(key):
        return Thing.objects.get(key).name

    def kind_of(call, *args):
        begun = time.monotonic()
        try:
            return call(*args), time.monotonic() - begun
        except Exception as error:
            return type(error), time.monotonic() - begun
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    made = trustme.CA()
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    made.cert_pem.write_to_path(str(path))
    return tls(made), str(path)


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def run(request, authority):
    """Run a script in a process of its own that gevent has patched, against a faulty server."""

    def run_script(script, *faults):
        with FaultyServer(*faults, tls=authority[0] if request.param else None) as server:
            done = subprocess.run(
                [sys.executable, "-c", textwrap.dedent(PRELUDE) + textwrap.dedent(script),
                 server.url, authority[1] if request.param else ""],
                capture_output=True, text=True, timeout=60,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout + done.stderr
        return server

    return run_script


def late(visit):
    visit.stopping.wait(0.3)
    return faulty.fine(visit)


def test_requests_after_each_other_are_answered_however_long_the_connection_was_idle(run):
    server = run("""
        connected()
        for pause in (0, 0, 0.03, 0.1, 0.3):
            time.sleep(pause)
            assert get(str(pause)) == str(pause)
    """)
    assert server.accepted == 1


def test_greenlets_share_the_pool_and_get_their_own_answers(run):
    server = run("""
        connected()
        get("first")
        pool = gevent.pool.Pool(40)
        keys = [str(n) for n in range(400)]
        assert pool.map(get, keys) == keys
    """)
    assert len(server.received) == 401
    assert server.accepted <= 60


def test_greenlets_wait_for_answers_side_by_side(run):
    run(
        """
        connected()
        begun = time.monotonic()
        jobs = [gevent.spawn(get, str(n)) for n in range(20)]
        gevent.joinall(jobs, raise_error=True)
        assert time.monotonic() - begun < 3  # one after the other, it would be 6
    """,
        *[late] * 20,
    )


def test_a_server_that_does_not_answer_is_a_read_timeout(run):
    run(
        """
        connected(read_timeout=0.4)
        get("first")
        jobs = [gevent.spawn(kind_of, get, str(n)) for n in range(5)]
        gevent.joinall(jobs)
        for kind, seconds in (job.value for job in jobs):
            assert kind is ReadTimeout, kind
            assert 0.3 < seconds < 3
        assert get("next") == "next"
    """,
        faulty.fine,
        *[faulty.stall, faulty.trickle, faulty.stall_in_body, faulty.stall, faulty.trickle],
    )


def test_a_deadline_holds(run):
    run(
        """
        connected(deadline=0.4, retries=5)
        kind, seconds = kind_of(get, "a")
        assert kind is DeadlineExceeded and seconds < 3, (kind, seconds)
        connected(retries=5)
        with options(deadline=0.4):
            kind, seconds = kind_of(get, "a")
            job = gevent.spawn(get, "b")
            job.join()
        assert kind is DeadlineExceeded and seconds < 3, (kind, seconds)
        assert job.value == "b"  # a greenlet has options of its own
        assert get("next") == "next"
    """,
        faulty.stall,
        faulty.stall,
    )


def test_a_timeout_of_gevents_ends_a_request_and_closes_its_connection(run):
    server = run(
        """
        connected()
        get("first")
        for n in range(3):
            begun = time.monotonic()
            try:
                with gevent.Timeout(0.3):
                    get("never")
            except gevent.Timeout:
                pass
            else:
                raise SystemExit("an answer")
            assert time.monotonic() - begun < 3
            assert get(str(n)) == str(n)
        job = gevent.spawn(get, "killed")
        gevent.sleep(0.1)
        job.kill(timeout=3)
        assert job.ready()
        assert get("next") == "next"
    """,
        faulty.fine,
        *[faulty.stall, faulty.fine] * 3,
        faulty.stall,
    )
    assert server.accepted == 5


def test_closed_connections_and_lost_answers_are_no_hang(run):
    run(
        """
        connected(retries=4)
        keys = [str(n) for n in range(60)]
        assert gevent.pool.Pool(10).map(get, keys) == keys
    """,
        *[faulty.close_after_request, faulty.fine, faulty.close_after_answer, faulty.half_body] * 5,
    )


def test_what_runs_side_by_side_ends(run):
    run(
        """
        connected()
        assert len(Thing.objects.batch_get("a", workers=4)) <= 1
        list(Thing.objects.scan(segments=4))
        list(Thing.objects.scan().prefetch())
    """,
        *[faulty.answer({"Responses": {"things": [{"name": {"S": "a"}}]}})],
        *[faulty.answer({"Items": [], "Count": 0})] * 5,
    )


def test_asyncio_in_a_patched_process_is_answered_and_times_out(run):
    run(
        """
        connected(read_timeout=0.4)

        async def main():
            keys = [str(n) for n in range(30)]
            found = await asyncio.gather(*(Thing.objects.aget(key) for key in keys))
            assert [each.name for each in found] == keys
            try:
                await Thing.objects.aget("stall")
            except ReadTimeout:
                pass
            else:
                raise SystemExit("an answer")
            with options(deadline=0.2):
                try:
                    await Thing.objects.aget("stall")
                except DeadlineExceeded:
                    pass
                else:
                    raise SystemExit("an answer")
            assert (await Thing.objects.aget("next")).name == "next"

        def answer():
            return asyncio.run(main())

        gevent.spawn(answer).get(timeout=30)
        assert get("sync") == "sync"
    """,
        *[faulty.fine] * 30,
        faulty.stall,
        faulty.stall,
    )


def test_an_async_hook_of_a_verb_that_waits_is_awaited(run):
    run("""
        connected()

        class Hooked(Thing):
            class Meta: table_name = "things"
            async def before_save(self, created):
                await asyncio.sleep(0.01)
                self.seen = True

        def save(n):
            item = Hooked(name=str(n))
            item.save()
            return item.seen

        for n in range(3):
            assert gevent.spawn(save, n).get(timeout=10)
    """)


@pytest.mark.engines("dynoxide", "extenddb")
def test_the_engines_answer_greenlets(bare_engine):
    script = """
        from tests.engines import ACCESS_KEY, SECRET_KEY, REGION
        connected(
            aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, region_name=REGION,
            table_prefix=sys.argv[3],
        )
        Table(Thing).create()

        def work(n):
            Thing(name=str(n)).save()
            time.sleep(0.03 * (n % 3))
            assert get(str(n)) == str(n)
            Thing(name=str(n)).delete()
            return n

        assert gevent.pool.Pool(20).map(work, range(60)) == list(range(60))
        assert list(Thing.objects.scan()) == []
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PRELUDE) + textwrap.dedent(script),
         bare_engine.endpoint_url, "", bare_engine.prefix],
        capture_output=True, text=True, timeout=90,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr

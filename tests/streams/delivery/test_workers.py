"""Workers on a stream whose shards split, end and are trimmed: they come, stall, crash, and lose nothing."""

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from dynamodb_py import AccessDenied, IntegerField, Model, StreamTrimmed, connect
from dynamodb_py.exceptions import make_service_error
from dynamodb_py.flows import run
from dynamodb_py.local import Engine
from dynamodb_py.local.transport import LocalTransport
from dynamodb_py.operations.base import Call, Pause
from dynamodb_py.retries import Retries
from dynamodb_py.signals import item_changed
from dynamodb_py.streams.delivery import leases as leases_module
from dynamodb_py.streams.delivery import worker as worker_module
from dynamodb_py.streams.delivery.leases import LeaseTable, read_leases, take_lease
from dynamodb_py.streams.delivery.loaders import Loaders
from dynamodb_py.streams.delivery.worker import (
    Worker,
    WorkerOptions,
    deliver_all,
    keep_leases,
    prepare,
    read,
    release,
    work,
)

from ..fake import ARN, Change, FakeStream, spell

LEASES = LeaseTable("leases", "test")
SECONDS = 30.0


class Number(Model):
    class Meta:
        table_name = "numbers"
        using = "numbers"

    key = IntegerField(hash_key=True)
    value = IntegerField()


class Killed(BaseException):
    """The end of a worker: no code of it runs any more."""


class Transport:
    """Sends what is about the stream to a fake one, and what is about leases to an embedded database."""

    def __init__(self, fake: FakeStream, engine: Engine) -> None:
        self.fake, self.inner = fake, LocalTransport(engine)
        self.faults: list[Exception] = []
        """What the next writes of leases are answered with."""

    def send(self, operation, /) -> bytes:
        if operation.tables[0] == "numbers":
            return self.fake.answer(operation)
        if self.faults and operation.api == "UpdateItem":
            raise self.faults.pop(0)
        return self.inner.send(operation)


class Cluster:
    """Some workers, driven one after the other, and a clock."""

    def __init__(self, patch: pytest.MonkeyPatch, fake: FakeStream | None = None, **given) -> None:
        connect(alias="numbers", region_name="eu-west-1")
        self.fake = fake or FakeStream()
        self.engine = Engine(None)
        self.now = 0.0
        clock = SimpleNamespace(monotonic=lambda: self.now, time=lambda: self.now)
        patch.setattr(worker_module, "time", clock)
        patch.setattr(leases_module, "time", clock)
        self.link = SimpleNamespace(
            transport=Transport(self.fake, self.engine),
            async_transport=None,
            retries=Retries(attempts=1),
            deadline=None,
            sync_in_loop="allow",
        )
        self.options = WorkerOptions(
            **{
                "lease_seconds": SECONDS,
                "checkpoint_seconds": 5.0,
                "poll": 0.0,
                "attempts": 1,
                "start": 0.0,
                "on_failure": None,
                "on_trimmed": None,
                **given,
            }
        )
        self.workers: list[Worker] = []
        self.seen: list[Change] = []
        self.calls = -1
        """After so many records a worker is killed; negative: it is not."""

    def close(self) -> None:
        self.engine.close()

    def look(self, record, **kwargs) -> None:
        self.seen.append(
            Change(int(record.sequence_number) - 10**20, record.key["key"], record.new.value)
        )
        self.calls -= 1
        self.now += 0.3
        if self.calls == 0:
            raise Killed

    def start(self) -> Worker:
        worker = Worker(Loaders(Number), LEASES, self.options, lambda: False)
        run(prepare(worker), self.link)
        self.workers.append(worker)
        return worker

    def step(self, worker: Worker, calls: int = -1) -> None:
        """Let a worker read and deliver, three times; it is killed after so many records."""
        self.calls = calls
        try:
            for _ in range(3):
                self.now += 0.1
                run(read(worker), self.link)
                run(deliver_all(worker), self.link)
        except Killed:
            self.workers.remove(worker)

    def balance(self, times: int = 6) -> None:
        """Let all workers look at the leases, some times."""
        for _ in range(times):
            for each in [*self.workers]:
                each.balance_due = 0.0
                self.step(each)

    def finish(self) -> None:
        """Let a new worker read all that is left, after the leases of all others have expired."""
        self.workers.clear()
        self.start()
        self.balance(2)
        self.now += SECONDS + 1
        while len(set(self.seen)) < len(self.fake.written):
            before = len(self.seen), self.read_leases()
            self.balance(10)
            assert (len(self.seen), self.read_leases()) != before, "nothing is delivered any more"

    def read_leases(self):
        leases = run(read_leases(LEASES), self.link)
        return {each: leases[each] for each in leases if leases[each].number}

    def check(self) -> None:
        """Each change was delivered, and none before the one before it of the same item."""
        last: dict[int, int] = {}
        for change in self.seen:
            assert change.value <= last.get(change.key, -1) + 1, f"{change} comes too early"
            last[change.key] = max(last.get(change.key, -1), change.value)
        assert set(self.seen) == set(self.fake.written)


@pytest.fixture
def cluster(request):
    with make_cluster(**getattr(request, "param", {})) as found:
        yield found


class make_cluster:
    def __init__(self, fake: FakeStream | None = None, **given) -> None:
        self.patch = pytest.MonkeyPatch()
        self.cluster = Cluster(self.patch, fake, **given)

    def __enter__(self) -> Cluster:
        item_changed.connect(self.cluster.look, Number)
        return self.cluster

    def __exit__(self, *_) -> None:
        item_changed.disconnect(self.cluster.look)
        self.patch.undo()
        self.cluster.close()


EVENTS = st.one_of(
    st.tuples(st.just("write"), st.integers(0, 7)),
    st.tuples(st.just("write"), st.integers(0, 7)),
    st.tuples(st.just("split"), st.integers(0, 3), st.integers(1, 2), st.booleans()),
    st.tuples(st.just("show")),
    st.tuples(st.just("expire")),
    st.tuples(st.just("start")),
    st.tuples(st.just("start")),
    st.tuples(st.just("step"), st.integers(0, 3), st.booleans()),
    st.tuples(st.just("step"), st.integers(0, 3), st.booleans()),
    st.tuples(st.just("kill"), st.integers(0, 3), st.integers(1, 3)),
    st.tuples(st.just("stop"), st.integers(0, 3)),
    st.tuples(st.just("stall"), st.integers(1, 40)),
)


@settings(max_examples=50)
@given(
    events=st.lists(EVENTS, min_size=10, max_size=80),
    roots=st.integers(1, 3),
    empty=st.integers(0, 2),
)
def test_each_change_is_delivered_in_order_whatever_happens(events, roots, empty):
    fake = FakeStream(roots=roots, empty=empty)
    with make_cluster(fake) as cluster:
        for what, *values in events:
            if what == "write":
                for _ in range(3):
                    fake.write(values[0])
            elif what == "split":
                fake.split(values[0], values[1], hide=values[2])
            elif what == "show":
                fake.hidden.clear()
            elif what == "expire":
                fake.time += 1
            elif what == "start":
                cluster.start()
            elif what == "stall":
                cluster.now += values[0]
            elif cluster.workers:
                worker = cluster.workers[values[0] % len(cluster.workers)]
                if what == "step":
                    if values[1]:
                        worker.balance_due = 0.0
                    cluster.step(worker)
                elif what == "kill":
                    cluster.step(worker, values[1])
                else:
                    run(release(worker), cluster.link)
                    cluster.workers.remove(worker)
        fake.hidden.clear()
        cluster.finish()
        cluster.check()


def write(fake: FakeStream, *keys: int, times: int = 1) -> None:
    for _ in range(times):
        for key in keys:
            fake.write(key)


def owners(cluster: Cluster) -> list[str]:
    return sorted(each.owner for each in cluster.read_leases().values() if not each.finished)


@pytest.fixture
def four():
    with make_cluster(FakeStream(roots=4)) as found:
        yield found


def test_workers_share_the_shards_without_repeating_anything(four):
    one = four.start()
    write(four.fake, *range(8), times=3)
    four.balance()
    assert owners(four) == [one.name] * 4
    two = four.start()
    four.balance()
    write(four.fake, *range(8), times=3)
    four.balance()
    assert sorted(owners(four)) == sorted([one.name, one.name, two.name, two.name])
    assert len(one.held) == len(two.held) == 2
    assert len(four.seen) == len(four.fake.written)
    four.check()


def test_one_that_stops_leaves_its_shards_at_once(four):
    one, two = four.start(), four.start()
    write(four.fake, *range(8), times=3)
    four.balance()
    run(release(one), four.link)
    four.workers.remove(one)
    four.balance(1)
    assert owners(four) == [two.name] * 4
    four.check()
    assert len(four.seen) == len(four.fake.written)


def test_the_shards_of_a_dead_worker_are_taken_when_its_leases_expire(four):
    one, two = four.start(), four.start()
    four.balance()
    four.workers.remove(one)
    write(four.fake, *range(8))
    four.now += SECONDS - 5
    four.balance(1)
    assert sorted({*owners(four)}) == sorted([one.name, two.name])
    four.now += 10
    four.balance()
    assert owners(four) == [two.name] * 4
    four.check()


def test_what_was_not_in_a_checkpoint_is_repeated_after_a_crash(cluster):
    write(cluster.fake, 1, times=6)
    one = cluster.start()
    cluster.step(one, calls=4)
    assert [each.value for each in cluster.seen] == [0, 1, 2, 3]
    cluster.finish()
    # The first record is in a checkpoint, as there was none before; the next would have been due in 5 seconds.
    assert [each.value for each in cluster.seen] == [0, 1, 2, 3, 1, 2, 3, 4, 5]
    cluster.check()


def test_a_worker_that_lost_its_lease_delivers_and_writes_nothing(cluster):
    write(cluster.fake, 1, times=9)
    one = cluster.start()
    cluster.step(one)
    assert 0 < len(cluster.seen) < 9
    cluster.workers.remove(one)
    two = cluster.start()
    cluster.balance(1)
    cluster.now += SECONDS + 1
    cluster.balance(2)
    assert len(cluster.seen) > 9
    before, leases = len(cluster.seen), cluster.read_leases()
    one.balance_due = cluster.now + 9  # it does not look at the leases first
    cluster.step(one)
    run(release(one), cluster.link)
    assert (len(cluster.seen), cluster.read_leases(), one.held) == (before, leases, {})
    assert owners(cluster) == [two.name]


def test_a_child_is_read_by_no_worker_before_its_parent_was(four):
    write(four.fake, *range(8), times=9)
    for number in range(4):
        four.fake.split(number)
    write(four.fake, *range(8), times=9)
    four.start(), four.start(), four.start()
    four.balance(1)
    assert set(four.read_leases()) <= {f"{ARN}/{each}" for each in four.fake.roots}
    four.balance(30)
    four.check()


@pytest.mark.parametrize("reports", [False, True], ids=["raised", "reported"])
def test_trimmed_records_are_never_skipped_silently(reports):
    trimmed: list[StreamTrimmed] = []
    with make_cluster(on_trimmed=trimmed.append if reports else None) as cluster:
        write(cluster.fake, 1, times=9)
        one = cluster.start()
        cluster.step(one, calls=2)
        cluster.fake.trim(5)
        [shard] = cluster.read_leases().values()
        two = cluster.start()
        cluster.now += SECONDS + 1
        cluster.balance(0)
        two.balance_due = 0.0
        cluster.step(two)
        cluster.now += SECONDS + 1
        two.balance_due = 0.0
        if reports:
            cluster.balance(9)
            [error] = trimmed
            assert [each.value for each in cluster.seen] == [0, 1, 5, 6, 7, 8]
        else:
            with pytest.raises(StreamTrimmed, match=r"has not read shard .* in time") as info:
                cluster.step(two)
            error = info.value
            assert len(cluster.seen) == 2
        assert (error.shard, error.after) == (shard.shard.rpartition("/")[2], shard.checkpoint)


def test_a_shard_that_vanished_is_reported_and_its_lease_deleted():
    trimmed: list[StreamTrimmed] = []
    with make_cluster(on_trimmed=trimmed.append) as cluster:
        write(cluster.fake, 1, times=4)
        cluster.step(cluster.start(), calls=2)
        cluster.fake.split(0)
        write(cluster.fake, 1, times=2)
        cluster.fake.trim(4)
        cluster.start()
        cluster.balance(2)
        cluster.now += SECONDS + 1
        cluster.balance(9)
        assert [each.after for each in trimmed] == [spell(2)]
        assert [each.value for each in cluster.seen] == [0, 1, 4, 5]
        assert all(
            each.shard.rpartition("/")[2] in cluster.fake.shards
            for each in cluster.read_leases().values()
        )


DAY = 24 * 3600.0


def test_nothing_is_missed_silently_after_a_day_without_a_worker():
    """What was never read has no checkpoint: the time tells that records may be gone."""
    trimmed: list[StreamTrimmed] = []
    with make_cluster(on_trimmed=trimmed.append) as cluster:
        cluster.start()
        cluster.balance(2)
        write(cluster.fake, 1, times=4)
        cluster.workers.clear()
        cluster.now += DAY
        cluster.fake.trim(2)
        cluster.start()
        cluster.balance(2)
        cluster.now += SECONDS + 1
        cluster.balance(3)
        assert [each.after for each in trimmed] == [None]
        assert [each.value for each in cluster.seen] == [2, 3]


def test_a_gap_is_raised_again_until_a_function_takes_it(cluster):
    cluster.start()
    cluster.balance(2)
    cluster.workers.clear()
    cluster.now += DAY
    for _ in range(2):
        worker = cluster.start()
        cluster.step(worker)
        cluster.now += SECONDS + 1
        worker.balance_due = 0.0
        with pytest.raises(StreamTrimmed, match="at its beginning may be lost"):
            cluster.step(worker)
        run(release(worker), cluster.link)
        cluster.workers.clear()


@pytest.mark.parametrize("trim", [0, 2], ids=["whole", "trimmed"])
def test_a_shard_from_after_the_first_run_is_read_from_its_beginning(trim):
    trimmed: list[StreamTrimmed] = []
    with make_cluster(on_trimmed=trimmed.append) as cluster:
        write(cluster.fake, 1)
        cluster.start()
        cluster.balance(3)
        run(release(cluster.workers.pop()), cluster.link)
        cluster.fake.split(0, 1)
        cluster.fake.split(0, 1)
        write(cluster.fake, 1, times=3)
        cluster.fake.trim(trim)
        cluster.now += DAY
        cluster.start()
        cluster.balance(9)
        assert [each.value for each in cluster.seen] == [0, *range(max(trim, 1), 4)]
        assert bool(trimmed) == bool(trim)


def test_leases_of_shards_that_are_gone_are_deleted(cluster):
    write(cluster.fake, 1, times=2)
    cluster.fake.split(0)
    write(cluster.fake, 1, times=2)
    cluster.start()
    cluster.balance(9)
    assert sum(each.finished for each in cluster.read_leases().values()) == 1
    cluster.fake.trim(2)
    cluster.balance(2)
    assert not any(each.finished for each in cluster.read_leases().values())
    cluster.check()


CODES = [
    "LimitExceededException",
    "ThrottlingException",
    "ExpiredIteratorException",
    "InternalServerError",
]


@pytest.mark.parametrize("code", CODES)
def test_failures_that_pass_are_waited_out(cluster, code):
    write(cluster.fake, 1, times=3)
    cluster.fake.faults = [
        make_service_error(code, "", status=500 if "Server" in code else 400)
    ] * 3
    worker = Worker(Loaders(Number), LEASES, cluster.options, lambda: len(cluster.seen) == 3)
    run(work(worker), cluster.link)
    cluster.check()


def test_failures_that_stay_end_the_run(cluster):
    cluster.fake.faults = [make_service_error("AccessDeniedException", "no")]
    worker = Worker(Loaders(Number), LEASES, cluster.options, lambda: False)
    with pytest.raises(AccessDenied):
        run(work(worker), cluster.link)


def test_a_worker_that_cannot_renew_its_leases_stops_delivering_when_they_expire(cluster):
    one = cluster.start()
    cluster.balance(1)
    write(cluster.fake, 1, times=3)
    throttled = make_service_error("ThrottlingException", "")
    cluster.link.transport.faults = [throttled] * 2
    cluster.step(one)
    assert len(cluster.seen) == 3, "the lease is good for some time"
    write(cluster.fake, 1, times=3)
    one.balance_due = cluster.now + 2 * SECONDS
    cluster.now += SECONDS + 1
    cluster.link.transport.faults = [throttled] * 9
    cluster.step(one)
    assert len(cluster.seen) == 3
    cluster.link.transport.faults = []
    cluster.step(one)
    assert len(cluster.seen) == 6


def test_leases_are_renewed_beside_the_receivers(cluster):
    one = cluster.start()
    cluster.balance(1)
    [held] = one.held.values()
    waits = iter([False, False, True])
    one.ended = SimpleNamespace(wait=lambda seconds: next(waits))
    cluster.now += 7
    keep_leases(one, cluster.link)
    assert (held.renewed, held.is_lost) == (cluster.now, False)
    [lease] = cluster.read_leases().values()
    run(take_lease(LEASES, lease, "another"), cluster.link)
    waits = iter([False, True])
    keep_leases(one, cluster.link)
    assert held.is_lost
    write(cluster.fake, 1)
    cluster.step(one)
    assert cluster.seen == []


def test_receivers_are_called_as_often_as_they_may_fail(cluster):
    cluster.options = structs.replace(cluster.options, attempts=3, on_failure=lambda _: None)
    pauses, calls = [], []

    def fail(**kwargs):
        calls.append(1)
        raise LookupError

    def note(step):
        pauses.append(step.seconds)

    item_changed.connect(fail, Number)
    write(cluster.fake, 1)
    one = cluster.start()
    run(read(one), cluster.link)
    run(read(one), cluster.link)
    flow = deliver_all(one)
    drive(flow, cluster.link, note)
    assert len(calls) == 3
    assert len(pauses) == 2
    assert all(0 <= pause <= limit for pause, limit in zip(pauses, (1, 2), strict=True))


def drive(flow, link, note) -> None:
    """Drive *flow* without waiting; call *note* for each pause."""
    outcome = error = None
    while True:
        try:
            step = flow.throw(error) if error else flow.send(outcome)
        except StopIteration:
            return
        outcome = error = None
        if isinstance(step, Pause):
            note(step)
            continue
        try:
            outcome = step.function() if isinstance(step, Call) else link.transport.send(step)
        except Exception as raised:
            error = raised

"""Reading streams whose shards split, vanish and are trimmed: every change, once, in order for each item."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynamodb_py import (
    AccessDenied,
    DynamoDBError,
    IntegerField,
    InvalidPosition,
    Model,
    QueryError,
    StreamNotFound,
    StreamTrimmed,
    Table,
    connections,
)
from dynamodb_py.exceptions import make_service_error
from dynamodb_py.operations.base import Pause, Together
from dynamodb_py.streams import reader

from ..scripted import scripted_connection
from .fake import ARN, Change, FakeStream


class Number(Model):
    class Meta:
        table_name = "numbers"
        using = "fake"

    key = IntegerField(hash_key=True)
    value = IntegerField()


def open_stream(fake: FakeStream, position: Any = "trim_horizon", **options: Any) -> Any:
    connection = scripted_connection(fake, "fake")  # type: ignore[arg-type]
    connections._connections["fake"] = connection
    return Table(Number).stream(position, **{"follow": False, "poll": 0, **options})


def as_change(record: Any) -> Change:
    return Change(int(record.sequence_number) - 10**20, record.key["key"], record.new.value)


def read(fake: FakeStream, position: Any = "trim_horizon", **options: Any) -> list[Change]:
    return [as_change(each) for each in open_stream(fake, position, **options)]


def check_order(seen: list[Change]) -> None:
    values: dict[int, int] = {}
    for change in seen:
        assert change.value > values.get(change.key, -1), f"{change} comes too late"
        values[change.key] = change.value


EVENTS = st.one_of(
    st.tuples(st.just("write"), st.integers(0, 7)),
    st.tuples(st.just("write"), st.integers(0, 7)),
    st.tuples(st.just("split"), st.integers(0, 3), st.integers(1, 2), st.booleans()),
    st.tuples(st.just("show")),
    st.tuples(st.just("expire")),
    st.tuples(st.just("read"), st.integers(1, 6)),
    st.tuples(st.just("crash")),
    st.tuples(st.just("fail")),
)


class Reading:
    """A reader that reads some, crashes, and goes on from its position, through JSON."""

    def __init__(self, fake: FakeStream, position: Any, **options: Any) -> None:
        self.fake, self.options = fake, options
        self.stream = open_stream(fake, position, **options)
        self.seen: list[Change] = []

    def take(self, count: int) -> int:
        """Read up to *count* records, and return how many there were."""
        for taken in range(count):
            try:
                record = next(self.stream, None)
            except (StreamTrimmed, StreamNotFound):
                raise
            except DynamoDBError:
                continue
            if record is None:
                self.crash()
                return taken
            self.seen.append(as_change(record))
        return count

    def crash(self) -> None:
        try:
            position = json.loads(json.dumps(self.stream.position))
        except QueryError:  # nothing was read yet
            return
        self.stream = open_stream(self.fake, position, **self.options)

    def apply(self, event: tuple[Any, ...]) -> None:
        name, *arguments = event
        if name == "read":
            self.take(arguments[0])
        elif name == "crash":
            self.crash()
        elif name == "write":
            self.fake.write(arguments[0])
        elif name == "split":
            leaf, children, hide = arguments
            self.fake.split(leaf, children, hide=hide)
        elif name == "show":
            self.fake.hidden.clear()
        elif name == "expire":
            self.fake.time += 1
        elif name == "fail":
            self.fake.faults.append(make_service_error("AccessDeniedException", "no"))
        elif name == "trim":
            self.fake.trim(arguments[0])

    def drain(self) -> None:
        self.fake.close()
        self.fake.faults.clear()
        self.crash()  # a reader that does not follow may have had its fill
        while self.take(100):
            pass


@given(
    st.lists(EVENTS, max_size=40),
    st.integers(1, 2),
    st.integers(0, 3),
    st.one_of(st.none(), st.integers(1, 3)),
)
@settings(max_examples=150)
def test_every_change_is_read_once_and_in_order_whatever_happens(events, roots, empty, page_size):
    fake = FakeStream(roots=roots, empty=empty)
    reading = Reading(fake, "trim_horizon", page_size=page_size)
    for event in events:
        reading.apply(event)
    reading.drain()
    assert sorted(reading.seen) == fake.written
    check_order(reading.seen)


@given(st.lists(EVENTS, max_size=20), st.lists(EVENTS, max_size=20), st.integers(1, 2))
@settings(max_examples=100)
def test_from_the_latest_place_on_nothing_is_lost(before, after, roots):
    fake = FakeStream(roots=roots)
    for event in before:
        apply(fake, event)
    reading = Reading(fake, "latest")
    reading.take(1)
    old = len(fake.written)
    for event in after:
        if event[0] != "expire":
            reading.apply(event)
    reading.drain()
    assert sorted(reading.seen) == fake.written[old:]
    check_order(reading.seen)


def apply(fake: FakeStream, event: tuple[Any, ...]) -> None:
    name, *arguments = event
    if name == "write":
        fake.write(arguments[0])
    elif name == "split":
        fake.split(arguments[0], arguments[1])


# -- trimming ---------------------------------------------------------------------------------------

DAY = 24 * 3600


class Clock:
    """The time that readers go by; it stands still between the changes that a test makes."""

    def __init__(self) -> None:
        self.seconds = 1_700_000_000.0

    def time(self) -> float:
        return self.seconds

    monotonic = time


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(reader, "time", clock)
    return clock


def trim(fake: FakeStream, clock: Clock, count: int) -> None:
    """Let a day pass in which all but the latest changes are trimmed, and all iterators expire."""
    clock.seconds += DAY
    fake.time += 1
    fake.trim(count)


@given(st.lists(st.one_of(EVENTS, st.tuples(st.just("trim"), st.integers(0, 20))), max_size=40))
@settings(max_examples=150)
def test_no_change_is_lost_without_a_report(events):
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock()
        patch.setattr(reader, "time", clock)
        fake, reports = FakeStream(roots=2), list[StreamTrimmed]()
        reading = Reading(fake, "trim_horizon", on_trimmed=reports.append)
        reading.take(1)
        for event in events:
            if event[0] == "trim":
                trim(fake, clock, event[1])
            else:
                reading.apply(event)
        reading.drain()
    check_order(reading.seen)
    assert len(set(reading.seen)) == len(reading.seen)
    assert set(reading.seen) == set(fake.written) or reports


def write(fake: FakeStream, *keys: int) -> None:
    for key in keys:
        fake.write(key)


def test_what_was_trimmed_raises_and_reading_goes_on_behind_it(clock):
    fake = FakeStream()
    write(fake, 1, 1, 1, 1)
    stream = open_stream(fake, page_size=1)
    first = next(stream)
    trim(fake, clock, 3)
    with pytest.raises(StreamTrimmed, match=r"numbers.*24 hours") as caught:
        next(stream)
    assert (caught.value.shard, caught.value.after) == (first.shard, first.sequence_number)
    assert [as_change(each).value for each in stream] == [3]


def test_a_position_before_trimmed_changes_raises_each_time(clock):
    fake = FakeStream()
    write(fake, 1, 1, 1)
    stream = open_stream(fake)
    next(stream)
    position = stream.position
    trim(fake, clock, 2)
    for _ in range(2):
        with pytest.raises(StreamTrimmed):
            next(open_stream(fake, position))


@pytest.mark.parametrize("is_async", [False, True])
def test_what_was_trimmed_is_reported_where_that_is_wanted(clock, is_async):
    fake, reports = FakeStream(), list[StreamTrimmed]()

    async def report(error: StreamTrimmed) -> None:
        reports.append(error)

    write(fake, 1, 1, 1)
    stream = open_stream(fake, page_size=1, on_trimmed=report if is_async else reports.append)
    next(stream)
    trim(fake, clock, 2)
    assert [as_change(each).value for each in stream] == [2]
    assert [type(each) for each in reports] == [StreamTrimmed]


def test_a_shard_that_vanished_is_reported_and_its_children_are_read(clock):
    fake = FakeStream()
    write(fake, 1, 1)
    stream = open_stream(fake, page_size=1)
    first = next(stream)
    fake.split(0)
    write(fake, 1, 2)
    trim(fake, clock, 2)
    with pytest.raises(StreamTrimmed) as caught:
        next(stream)
    assert caught.value.shard == first.shard
    assert [as_change(each).key for each in stream] == [1, 2]


def test_a_shard_that_was_never_listed_is_reported(clock):
    fake = FakeStream()
    write(fake, 1)
    stream = open_stream(fake)
    assert len(list(stream)) == 1
    fake.split(0, 1)
    write(fake, 1)
    fake.split(0, 1)
    write(fake, 1)
    trim(fake, clock, 2)
    reports: list[StreamTrimmed] = []
    found = read(fake, stream.position, on_trimmed=reports.append)
    assert [each.value for each in found] == [2]
    assert [each.shard for each in reports] == [*fake.known][:2]


@pytest.mark.parametrize(("start", "expected"), [("trim_horizon", [1]), ("latest", [])])
def test_a_shard_without_records_may_have_had_some_a_day_later(clock, start, expected):
    fake = FakeStream()
    stream = open_stream(fake, start)
    assert list(stream) == []
    write(fake, 1, 1)
    trim(fake, clock, 1)
    with pytest.raises(StreamTrimmed, match="of which none was read"):
        read(fake, stream.position)
    clock.seconds = stream.position["at"] + 23 * 3600
    found = read(fake, stream.position)
    # The fake's changes are of 1970: before the time from which the latest ones are read again.
    assert [each.value for each in found] == expected


def test_an_iterator_that_expires_before_the_first_change_is_made_again():
    fake = FakeStream()
    write(fake, 1)
    stream = open_stream(fake)
    assert len(list(stream)) == 1
    fake.time += 1
    write(fake, 1)
    assert [each.value for each in read(fake, stream.position)] == [1]


# -- what goes wrong --------------------------------------------------------------------------------


def test_a_stream_that_is_gone_says_so():
    fake = FakeStream()
    stream = open_stream(fake)

    def refuse(payload: Any) -> Any:
        raise make_service_error("ResourceNotFoundException", "none")

    fake._DescribeStream = refuse  # type: ignore[method-assign]
    with pytest.raises(StreamNotFound, match="gone"):
        next(stream)


def test_throttling_is_waited_out():
    fake = FakeStream()
    write(fake, 1)
    fake.faults += [make_service_error("LimitExceededException", "too many") for _ in range(3)]
    assert [each.value for each in read(fake)] == [0]


def test_a_failed_shard_loses_nothing_of_the_others():
    fake = FakeStream(roots=2)
    write(fake, 0, 1, 0, 1)
    fake.faults.append(make_service_error("AccessDeniedException", "no"))
    stream = open_stream(fake, workers=1)
    found = [as_change(next(stream)) for _ in range(2)]
    with pytest.raises(AccessDenied):
        next(stream)
    found += map(as_change, stream)
    assert sorted(found) == fake.written


@pytest.mark.parametrize(
    "position",
    [
        "earliest",
        7,
        None,
        {},
        {"stream": ARN},
        {"stream": ARN, "shards": {}},
        {"stream": ARN, "at": 1.0, "shards": {"a": "b"}},
        {"stream": ARN, "at": 1.0, "shards": {"a": {"after": None}}},
        {"stream": ARN, "at": 1.0, "shards": {"a": {"elsewhere": "1"}}},
        {"stream": f"{ARN}x", "at": 1.0, "shards": {}},
    ],
)
def test_what_is_no_position_of_the_stream_is_refused(position):
    with pytest.raises(InvalidPosition):
        read(FakeStream(), position)


@pytest.mark.parametrize(
    "wrong", [{"poll": -1}, {"poll": "1"}, {"page_size": 0}, {"page_size": 1001}, {"workers": 0}]
)
def test_options_that_cannot_be_used_are_refused_at_once(wrong):
    fake = FakeStream()
    with pytest.raises(QueryError, match=next(iter(wrong))):
        open_stream(fake, **wrong)
    assert fake.sent == []


def test_there_is_no_position_before_the_first_request():
    stream = open_stream(FakeStream())
    with pytest.raises(QueryError, match="position"):
        _ = stream.position
    assert next(stream, None) is None
    assert stream.position["stream"] == ARN


# -- waiting ----------------------------------------------------------------------------------------


def test_a_stream_that_was_switched_off_ends():
    fake = FakeStream()
    write(fake, 1)
    fake.split(0)
    write(fake, 1, 2)
    fake.close()
    assert len(read(fake, follow=True)) == 3


def test_answers_without_records_are_not_the_end():
    fake = FakeStream(empty=4)
    write(fake, 1)
    assert len(read(fake)) == 1


def test_a_busy_shard_does_not_keep_a_reader_that_does_not_follow(clock):
    fake = FakeStream()
    fake.number = int(clock.seconds)
    write(fake, 1)
    stream = open_stream(fake)
    for _ in range(100):
        if next(stream, None) is None:
            return
        write(fake, 1)
    pytest.fail("it followed the changes that were made meanwhile")


def test_a_shard_without_news_gets_one_request_in_each_poll(clock):
    fake = FakeStream(roots=2)
    following = reader.StreamReader(ARN, "latest", reader.ReadingOptions(poll=2.0)).more()
    begin = clock.seconds
    pauses: list[float] = []
    outcome: Any = None
    while clock.seconds < begin + 100:
        step = following.send(outcome)
        if isinstance(step, Pause):
            pauses.append(step.seconds)
            clock.seconds += step.seconds
            outcome = None
        elif isinstance(step, Together):
            outcome = [fake.answer(each) for each in step.operations]
        else:
            outcome = fake.answer(step)
    apis = Counter(each.api for each in fake.sent)
    assert set(pauses) <= {2.0}
    assert apis["GetRecords"] <= 2 * (50 + 5)
    assert apis["DescribeStream"] <= 3


def test_a_time_leaves_out_what_was_before_in_all_shards():
    fake = FakeStream()
    for n in range(20):
        fake.write(n % 4)
        if n % 6 == 5:
            fake.split(0)
    middle = fake.written[11]
    found = read(fake, datetime.fromtimestamp(middle.number, timezone.utc))
    assert sorted(found) == [each for each in fake.written if each.number >= middle.number]


def test_pages_are_as_large_as_wanted_and_side_by_side():
    fake = FakeStream(roots=2)
    write(fake, 0, 1)
    read(fake, page_size=7)
    limits = {each.limit for each in fake.sent if each.api == "GetRecords"}
    assert limits == {7}


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_changes_of_several_shards_come_by_time(mode):
    fake = FakeStream(roots=2)
    write(fake, 0, 1, 1, 0, 0, 1)

    async def collect() -> list[Any]:
        return [each async for each in open_stream(fake)]

    records = asyncio.run(collect()) if mode == "async" else open_stream(fake)
    assert [as_change(each) for each in records] == fake.written


def test_a_cancelled_wait_loses_nothing():
    fake = FakeStream()

    async def follow() -> list[Change]:
        stream = open_stream(fake, "latest", follow=True, poll=0.001)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(anext(stream), 0.05)
        write(fake, 1)
        return [as_change(await anext(stream))]

    assert asyncio.run(follow()) == fake.written

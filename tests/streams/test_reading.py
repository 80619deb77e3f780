"""Reading streams whose shards split, vanish and are trimmed: every change, once, in order for each item."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dynamodb_py import (
    DynamoDBError,
    IntegerField,
    Model,
    QueryError,
    StreamNotFound,
    StreamTrimmed,
    Table,
    connections,
)
from dynamodb_py.exceptions import make_service_error

from ..scripted import scripted_connection
from .fake import Change, FakeStream


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
@settings(max_examples=300)
def test_every_change_is_read_once_and_in_order_whatever_happens(events, roots, empty, page_size):
    fake = FakeStream(roots=roots, empty=empty)
    reading = Reading(fake, "trim_horizon", page_size=page_size)
    for event in events:
        reading.apply(event)
    reading.drain()
    assert sorted(reading.seen) == fake.written
    check_order(reading.seen)


@given(st.lists(EVENTS, max_size=20), st.lists(EVENTS, max_size=20), st.integers(1, 2))
@settings(max_examples=200)
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

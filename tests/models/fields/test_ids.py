"""UUIDs of version 7 and ULIDs: in the order of time, as values and as text."""

from __future__ import annotations

import os
import threading
import uuid
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import (
    CharField,
    CompressedField,
    DictField,
    ForeignKey,
    ListField,
    Model,
    ModelDefinitionError,
    SetField,
    ULIDField,
    UUIDField,
    ValidationError,
)
from dynamodb_py.models.fields import ids as ordered_ids
from dynamodb_py.models.fields.ids import (
    Ticks,
    find_least_ulid,
    is_ulid,
    make_ulid,
    make_uuid7,
    parse_moment,
)

from ..wire import model_of, read_by, stored_by

UTC = timezone.utc
# The example of the specification, https://github.com/ulid/spec
SPEC = "01ARZ3NDEKTSV4RRFFQ69G5FAV"

MAKERS = {"uuid7": make_uuid7, "ulid": make_ulid}


@pytest.fixture
def clock(monkeypatch):
    """Return a list whose only element is the present, in milliseconds."""
    now = [1_793_491_200_000]
    monkeypatch.setattr(ordered_ids, "time_ns", lambda: now[0] * 1_000_000)
    for name in ("_for_uuids", "_for_ulids"):
        bits = getattr(ordered_ids, name)._bits
        monkeypatch.setattr(ordered_ids, name, Ticks(bits))
    return now


@pytest.mark.parametrize("make", MAKERS)
def test_each_is_greater_than_the_one_before_also_as_text(make, clock):
    made = [MAKERS[make]() for _ in range(500)]  # all of one millisecond
    clock[0] -= 5_000  # the clock is set back
    made += [MAKERS[make]() for _ in range(500)]
    clock[0] += 10_000
    made += [MAKERS[make]() for _ in range(500)]
    texts = list(map(str, made))
    assert texts == sorted(set(texts))
    assert made == sorted(set(made))


@pytest.mark.parametrize("make", MAKERS)
def test_threads_never_get_the_same_one(make):
    made = []

    def work():
        made.extend([MAKERS[make]() for _ in range(300)])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 2400


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of fork() beside threads, Python 3.12
def test_a_child_process_makes_others(make):
    MAKERS[make]()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:  # pragma: no cover - another process
        os.write(writing, str(MAKERS[make]()).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as message:
        assert message.read() != str(MAKERS[make]())


def test_steps_within_a_millisecond_grow_past_the_random_bits(clock):
    ticks = Ticks(74)
    ticks.next()
    ticks._latest = (clock[0] << 74) + (1 << 74) - 1
    assert ticks.next() >> 74 == clock[0] + 1


def test_a_uuid7_has_its_version_its_variant_and_the_moment(clock):
    made = make_uuid7()
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == clock[0]


def test_a_ulid_has_its_moment(clock):
    assert parse_moment(make_ulid()) == datetime.fromtimestamp(clock[0] // 1000, UTC)
    assert parse_moment(SPEC) == datetime(2016, 7, 30, 23, 54, 10, 259000, UTC)


@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)))
def test_a_moment_and_its_least_ulid_say_the_same(moment):
    least = find_least_ulid(moment)
    assert is_ulid(least)
    assert moment - parse_moment(least) < timedelta(milliseconds=1)
    assert find_least_ulid(moment.replace(tzinfo=None)) == least


@given(st.lists(st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31)), min_size=2))
def test_ulids_sort_as_their_moments_do(moments):
    def millisecond(moment):
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    by_ulid = sorted(moments, key=find_least_ulid)
    assert list(map(millisecond, by_ulid)) == sorted(map(millisecond, moments))


@pytest.mark.parametrize(
    "text", ["", SPEC.lower(), SPEC[:-1], SPEC + "0", "8" + SPEC[1:], SPEC[:-1] + "U"]
)
def test_what_is_no_ulid_is_refused(text):
    assert not is_ulid(text)
    with pytest.raises(ValidationError, match="is not a ULID"):
        ULIDField().encode(text)
    with pytest.raises(ValueError, match="is not a ULID"):
        ULIDField.moment(text)


def test_what_could_be_a_ulid_is_told_how():
    with pytest.raises(ValidationError, match=r"write it in capitals, \.upper\(\)"):
        ULIDField().encode(SPEC.lower())
    with pytest.raises(ValidationError, match="7 is an int, not a ULID, a text"):
        ULIDField().encode(7)


def test_a_moment_that_no_ulid_can_say_is_refused():
    with pytest.raises(ValueError, match="begins in 1970"):
        find_least_ulid(datetime(1969, 12, 31, 23, 59, 59))
    with pytest.raises(ValueError, match="after the year 9999"):
        parse_moment("7" + "Z" * 25)


# -- the fields ----------------------------------------------------------------------------------


class Order(Model):
    id = ULIDField(hash_key=True)
    part = ULIDField(default=ULIDField.new)
    of = ULIDField(default=None)
    after = ULIDField(null=True)
    others = ListField(ULIDField(), default=list)
    trace = UUIDField(version=7)
    token = UUIDField(version=4)


def test_a_new_instance_gets_new_ones():
    one, other = Order(), Order()
    assert one.id < one.part < other.id < other.part
    assert one.trace < other.trace
    assert (one.trace.version, one.token.version) == (7, 4)
    assert one.token != other.token
    assert (one.of, one.after, one.others) == (None, None, [])


@pytest.mark.parametrize("holder", [ListField, SetField, DictField, CompressedField])
def test_a_ulid_inside_another_value_is_given(holder):
    value = {ListField: [SPEC], SetField: {SPEC}, DictField: {"a": SPEC}, CompressedField: SPEC}
    field = holder(ULIDField())
    assert read_by(field, stored_by(field, value[holder])) == value[holder]


def test_a_reference_to_an_item_with_a_ulid_makes_none():
    class Line(Model):
        id = ULIDField(hash_key=True)
        order = ForeignKey(Order)

    line = Line()
    assert (line.order_id, Line(order=Order(id=SPEC)).order_id) == (None, SPEC)


def test_they_are_stored_and_read_as_text():
    assert stored_by(ULIDField(), SPEC) == {"S": SPEC}
    assert read_by(ULIDField(), {"S": SPEC}) == SPEC
    made = make_uuid7()
    assert stored_by(UUIDField(version=7), made) == {"S": str(made)}
    assert read_by(UUIDField(version=7), {"S": str(made)}) == made


def test_a_uuid_of_another_version_is_taken_too():
    value = uuid.uuid4()
    assert stored_by(UUIDField(version=7), value) == {"S": str(value)}


def test_a_model_without_a_default_key_has_none_made_up():
    assert Order.from_db({"id": {"S": SPEC}}).id == SPEC
    assert Order.of.at(datetime(2026, 11, 1)) == "01M6A6FT000000000000000000"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: UUIDField(version=1), "it takes 4, for random UUIDs, or 7"),
        (lambda: UUIDField(version=7, default=uuid.uuid4), "version=7 gives the default: drop"),
        (lambda: ULIDField(default="x"), "default='x' cannot be stored: 'x' is not a ULID"),
        (lambda: ULIDField(max_length=3), "max_length= means nothing for ULIDField"),
    ],
    ids=range(4),
)
def test_what_is_declared_wrongly_is_told(make, message):
    with pytest.raises(ModelDefinitionError, match=message):
        model_of(make())


def test_a_ulid_is_a_text_for_conditions():
    assert isinstance(Order.id, CharField)
    assert (Order.id >= ULIDField.at(datetime(2026, 11, 1))).paths

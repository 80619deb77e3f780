"""``rate=`` of what a query set writes: read units and write units, each for itself."""

from __future__ import annotations

import pytest

from dynamodb_py import (
    CharField,
    DeadlineExceeded,
    Done,
    IntegerField,
    Model,
    QueryError,
    SoftDelete,
    options,
)
from dynamodb_py.exceptions import make_service_error
from dynamodb_py.metering import METERS, payload_of

from ...scripted import checked

RATE = 0.5
SLOW = 0.001


class Score(Model):
    player = CharField(hash_key=True)
    day = IntegerField(range_key=True)
    wins = IntegerField()


class Kept(SoftDelete):
    player = CharField(hash_key=True)
    day = IntegerField(range_key=True)


ANN = Score.objects.filter(player="ann")


def page(operation, first=0, count=3, more=False):
    items = [{"player": {"S": "ann"}, "day": {"N": str(n)}} for n in range(first, first + count)]
    answer = {"Items": items, "Count": count, "ScannedCount": count}
    if more:
        answer["LastEvaluatedKey"] = items[-1]
    return with_units(operation, answer, 2)


def first_page(operation):
    return page(operation, more=True)


def second_page(operation):
    return page(operation, 3)


def written(operation):
    return with_units(operation, {}, 3)


def with_units(operation, body, units):
    checked(operation)
    consumed = {"TableName": operation.tables[0], "CapacityUnits": units}
    if payload_of(operation).get("ReturnConsumedCapacity"):
        body["ConsumedCapacity"] = [consumed] if "Batch" in operation.api else consumed
    return body


VERBS = {
    "delete": (lambda: ANN.delete, {}),
    "delete checked": (lambda: ANN.delete, {"checked": True}),
    "update": (lambda: ANN.update, {"wins": 1}),
    "delete softly": (lambda: Kept.objects.filter(player="ann").delete, {}),
}


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("verb", VERBS)
def test_each_write_waits_until_those_before_are_paid_for(script, do, pauses, verb, workers):
    make, named = VERBS[verb]
    script.answers = [page, written, written, written]
    done = do(make(), **named, rate=RATE, workers=workers)
    assert done == Done(3, 3, units=2, requests=4)
    assert [each * RATE for each in pauses] == [3, 3]
    assert METERS.get() == ()


@pytest.mark.parametrize("verb", VERBS)
def test_reads_wait_for_reads_and_writes_for_writes(script, do, pauses, verb):
    make, named = VERBS[verb]
    script.answers = [first_page, *[written] * 3, second_page, *[written] * 3]
    done = do(make(), **named, rate=RATE)
    assert done == Done(6, 6, units=4, requests=8)
    # The second read is paid for while the writes wait.
    assert [each * RATE for each in pauses] == [3, 3, 3, 3, 3]


def test_a_write_that_was_refused_is_paid_for(script, do, pauses):
    refused = make_service_error("ConditionalCheckFailedException", "no")
    script.answers = [page, refused, written, written]
    done = do(ANN.update, wins=1, rate=RATE)
    assert done == Done(3, 2, 1, units=2, requests=4)
    assert [each * RATE for each in pauses] == [1, 3]


def test_a_whole_key_is_one_write_that_waits_for_nothing(script, do, pauses):
    script.answers = [written, written]
    assert do(ANN.filter(day=1).update, wins=1, rate=RATE).changed == 1
    assert do(ANN.filter(day=1).delete, rate=RATE).changed == 1
    assert pauses == []


@pytest.mark.parametrize("rate", [0, -5, float("nan"), float("inf"), True, "5"], ids=repr)
@pytest.mark.parametrize("verb", [*VERBS, "update of a whole key"])
def test_a_rate_that_is_none_is_refused_before_anything_is_sent(script, do, verb, rate):
    whole = {"update of a whole key": (lambda: ANN.filter(day=1).update, {"wins": 1})}
    make, named = (VERBS | whole)[verb]
    with pytest.raises(QueryError, match=r"rate=.*a number of capacity units per second"):
        do(make(), **named, rate=rate)
    assert script.sent == []


@pytest.mark.parametrize("rate", [0, -5, float("nan"), float("inf"), True, "5"], ids=repr)
def test_a_rate_that_is_none_is_refused_where_a_scan_is_built(rate):
    with pytest.raises(QueryError, match=r"rate=.*a number of capacity units per second"):
        Score.objects.scan(rate=rate)


def test_batches_are_of_as_many_deletes_as_a_second_has_units(script, do, pauses):
    def many(operation):
        return page(operation, count=60)

    script.answers = [many, *[written] * 6]
    assert do(ANN.delete, rate=10.5).changed == 60
    assert [len(each.writes) for each in script.sent[1:]] == [10] * 6


@pytest.mark.parametrize(
    ("workers", "fail"),
    [(1, [True, False, False]), (2, [True, False, False]), (2, [True, True, True, False, False])],
)
def test_where_one_of_several_batches_fails_the_others_are_deleted(
    script, do, pauses, workers, fail
):
    refused = make_service_error("ValidationException", "no")
    script.answers = [page, *(refused if each else written for each in fail)]
    done = do(ANN.delete, rate=1, workers=workers)
    assert (done.matched, done.changed, done.failed) == (3, 2, [(("ann", 0), refused)])


@pytest.mark.parametrize("verb", VERBS)
def test_where_no_write_comes_in_time_the_call_ends_with_what_was_done(script, do, verb):
    make, named = VERBS[verb]
    script.answers = [first_page, written]
    with options(deadline=60), pytest.raises(DeadlineExceeded) as raised:
        do(make(), **named, rate=SLOW)
    assert raised.value.done == Done(3, 1, units=2, requests=2)
    assert not raised.value.in_doubt


def test_writes_of_one_round_that_would_be_too_late_fail(script, do):
    script.answers = [page, written]
    with options(deadline=60):
        done = do(ANN.update, wins=1, rate=SLOW, workers=3)
    assert (done.matched, done.changed) == (3, 1)
    assert [primary_key for primary_key, _ in done.failed] == [("ann", 1), ("ann", 2)]
    assert all(isinstance(error, DeadlineExceeded) for _, error in done.failed)

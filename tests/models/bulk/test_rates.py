"""``rate=``: every verb that reads or writes many items waits for its units, and is otherwise as without it."""

from __future__ import annotations

import pytest

from dynamodb_py import (
    CharField,
    DeadlineExceeded,
    IntegerField,
    Model,
    QueryError,
    SoftDelete,
    VersionField,
    delete_all,
    load,
    options,
    save_all,
)
from dynamodb_py.metering import METERS, payload_of

from ...scripted import checked

PRICE = 3.0
RATE = 0.5


class Score(Model):
    player = CharField(hash_key=True)
    points = IntegerField(default=0)
    note = CharField()


class Page(Model):
    name = CharField(hash_key=True)
    version = VersionField()


class Kept(SoftDelete):
    player = CharField(hash_key=True)


def scores(count):
    return [Score(player=f"p{n}") for n in range(count)]


def loaded(count):
    found = [Score.from_db({"player": {"S": f"p{n}"}, "points": {"N": "1"}}) for n in range(count)]
    for each in found:
        each.points = 2
    return found


def keys(count):
    return [f"p{n}" for n in range(count)]


def answer(operation):
    """Answer as DynamoDB does: with the units, if the request asks for them."""
    checked(operation)
    consumed = {"TableName": operation.tables[0], "CapacityUnits": PRICE}
    batch, body = "Batch" in operation.api, {}
    if operation.api == "BatchGetItem":
        [(table, found)] = operation.keys.items()
        body = {"Responses": {table: found}}
    elif operation.api == "Query":
        items = [{"player": {"S": "a"}, "day": {"N": str(n)}} for n in range(3)]
        body = {"Items": items, "Count": 3, "ScannedCount": 3}
    if payload_of(operation).get("ReturnConsumedCapacity"):
        body["ConsumedCapacity"] = [consumed] if batch else consumed
    return body


def write_block(**given):
    with Score.objects.batch_write(overwrite=True, **given) as batch:
        for each in scores(60):
            batch.put(each)


async def awrite_block(**given):
    async with Score.objects.abatch_write(overwrite=True, **given) as batch:
        for each in scores(60):
            await batch.put(each)


OVERWRITE = {"overwrite": True}
WRITES = {
    "batch_write": (Score.objects.batch_write, lambda: [scores(3)], OVERWRITE, 3),
    "batch_write of a model": (Score.batch_write, lambda: [scores(3)], OVERWRITE, 3),
    "batch_write, each by itself": (Score.objects.batch_write, lambda: [scores(3)], {}, 3),
    "batch_write, in the memory of a few": (
        Score.objects.batch_write,
        lambda: [iter(scores(60))],
        {"overwrite": True, "keep_written": False},
        60,
    ),
    "batch_write delete": (Score.objects.batch_write, list, {"delete": keys(3)}, 3),
    "a block": (write_block, list, {}, 60),
    "bulk_create": (Score.objects.bulk_create, lambda: [scores(3)], {}, 3),
    "bulk_create overwrite": (Score.objects.bulk_create, lambda: [scores(3)], OVERWRITE, 3),
    "bulk_create update": (
        Score.objects.bulk_create,
        lambda: [scores(3)],
        {"update_conflicts": True},
        3,
    ),
    "bulk_update": (Score.objects.bulk_update, lambda: [loaded(3), ["points"]], {}, 3),
    "bulk_delete": (Score.objects.bulk_delete, lambda: [keys(3)], {}, 3),
    "bulk_delete softly": (Kept.objects.bulk_delete, lambda: [keys(3)], {}, 3),
    "save_all of new ones": (save_all, lambda: [scores(3)], {}, 3),
    "save_all of changed ones": (save_all, lambda: [loaded(3)], {}, 3),
    "save_all of both": (save_all, lambda: [scores(2) + loaded(5)[2:]], {}, 5),
    "delete_all": (delete_all, lambda: [scores(3)], {}, 3),
}
READS = {
    "batch_get": (Score.objects.batch_get, lambda: keys(250), {}, 3),
    "batch_get of a model": (Score.batch_get, lambda: keys(250), {}, 3),
    "in_bulk": (Score.objects.in_bulk, lambda: [keys(250)], {}, 3),
    "load": (load, lambda: [scores(250)], {}, 3),
}
VERBS = WRITES | READS


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("verb", VERBS)
def test_each_request_waits_until_those_before_are_paid_for(script, do, pauses, verb, workers):
    function, make, named, count = VERBS[verb]
    script.answers = [answer] * count
    do(function, *make(), **named, rate=RATE, workers=workers)
    assert pauses == [PRICE / RATE] * (count - 1)
    assert METERS.get() == ()


def test_what_a_write_reads_first_is_paid_for_in_read_units(script, do, pauses):
    script.answers = [answer] * 6
    do(Page.objects.batch_write, [Page(name=name) for name in "abc"], overwrite=True, rate=RATE)
    assert [each.api for each in script.sent] == ["GetItem"] * 3 + ["PutItem"] * 3
    # The first write waits for the last read alone, and has the write units of a second.
    assert pauses == [6, 6, 6, 5, 6]


@pytest.mark.parametrize("verb", WRITES)
def test_a_rate_that_suffices_changes_no_request(script, do, pauses, verb):
    function, make, named, _ = WRITES[verb]
    sent = []
    for rate in ({}, {"rate": None}, {"rate": 10**9}):
        script.answers = [answer] * 60
        do(function, *make(), **named, **rate)
        sent.append([(each.api, getattr(each, "key", None) or each) for each in script.sent])
        script.sent.clear()
        script.answers.clear()
    assert sent[0] == sent[1] == sent[2]


@pytest.mark.parametrize("rate", [0, -5, float("nan"), float("inf"), True, "5"], ids=repr)
@pytest.mark.parametrize("verb", VERBS)
def test_a_rate_that_is_none_is_refused_before_anything_is_sent(script, do, verb, rate):
    function, make, named, _ = VERBS[verb]
    with pytest.raises(QueryError, match=r"rate=.*a number of capacity units per second"):
        do(function, *make(), **named, rate=rate)
    assert script.sent == []


@pytest.mark.parametrize(
    ("rate", "sizes"), [(0.5, [1] * 60), (10, [10] * 6), (24.9, [24, 24, 12]), (10**9, [25, 25, 10])]
)  # fmt: skip
def test_a_batch_has_no_more_items_than_a_second_has_units(script, do, pauses, rate, sizes):
    script.answers = [answer] * len(sizes)
    do(Score.objects.batch_write, scores(60), overwrite=True, rate=rate)
    assert [len(each.writes) for each in script.sent] == sizes
    script.sent.clear()
    script.answers = [answer] * len(sizes)
    do(delete_all, scores(60), rate=rate)
    assert [len(each.writes) for each in script.sent] == sizes


def test_the_smaller_of_two_sizes_counts(script, do, pauses):
    for rate, size, sizes in [(4, 3, [3, 3]), (2, 3, [2, 2, 2])]:
        script.answers = [answer] * len(sizes)
        do(Score.objects.bulk_create, scores(6), overwrite=True, batch_size=size, rate=rate)
        assert [len(each.writes) for each in script.sent] == sizes
        script.sent.clear()


def test_progress_is_told_as_without_a_rate(script, do, pauses):
    told = []
    script.answers = [answer] * 4
    do(
        Score.objects.batch_write,
        scores(40),
        overwrite=True,
        rate=10,
        progress=lambda *each: told.append(each),
    )
    assert told == [(10, 40), (20, 40), (30, 40), (40, 40)]


# -- deadlines: no pause of these is slept ---------------------------------------------------------

SLOW = 0.001  # units per second


@pytest.mark.parametrize(
    "verb", ["batch_write", "bulk_create", "bulk_update", "save_all of new ones"]
)
def test_a_pause_that_does_not_fit_ends_the_call_with_what_was_done(script, do, verb):
    function, make, named, _ = WRITES[verb]
    script.answers = [answer]
    with options(deadline=60), pytest.raises(DeadlineExceeded, match="deadline of 60") as raised:
        do(function, *make(), **named, rate=SLOW)
    first, *rest = raised.value.done.outcomes
    assert first.status in ("written", "created", "updated")
    assert {each.status for each in rest} <= {"failed", "not tried"}
    assert not raised.value.in_doubt
    assert raised.value.unprocessed == [each.instance for each in rest]


def test_a_block_that_is_too_late_ends(script, do):
    script.answers = [answer]
    with options(deadline=60), pytest.raises(DeadlineExceeded):
        do(write_block, rate=SLOW)
    assert len(script.sent) == 1


def test_keys_that_were_not_read_in_time_are_told(script, do):
    script.answers = [answer]
    with options(deadline=60), pytest.raises(DeadlineExceeded) as raised:
        do(Score.objects.in_bulk, keys(250), rate=SLOW)
    assert raised.value.unprocessed == keys(250)[100:]

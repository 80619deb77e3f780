"""Deleting and updating by query: what is sent, what is refused, and what is told of it."""

from __future__ import annotations

import copy
import datetime as dt
import pickle

import msgspec
import pytest

from dynamodb_py import (
    AccessDenied,
    BinaryField,
    CharField,
    ConnectionFailed,
    CounterField,
    DateTimeField,
    Done,
    F,
    GlobalIndex,
    IntegerField,
    InvalidRequest,
    ItemTooLarge,
    ListField,
    LocalIndex,
    Model,
    QueryError,
    RawExpression,
    ScanRequired,
    SetField,
    TableNotFound,
    TextField,
    Throttled,
    ValidationError,
)
from dynamodb_py.exceptions import MaxRequestsReached, make_service_error
from dynamodb_py.expressions import Add, Delete, Path, Remove, Set, Value
from dynamodb_py.flows import flow_of
from dynamodb_py.operations.base import Together

from ...scripted import checked


class Score(Model):
    class Meta:
        table_name = "scores"

    player = CharField(name="p", hash_key=True)
    game = IntegerField(name="g", range_key=True)
    wins = IntegerField(name="w", min_value=0)
    state = CharField(choices=["new", "old"])
    team = CharField(null=True)
    title = CharField(required=True, max_length=5, validators=lambda title: title != "bad")
    note = TextField()
    tags = SetField()
    ids = ListField()
    rank = IntegerField()

    by_wins = LocalIndex(range_key="wins")
    by_rank = GlobalIndex(hash_key="state", range_key="rank", projection="keys")


class Stamped(Model):
    class Meta:
        table_name = "stamped"

    key = BinaryField(hash_key=True)
    text = CharField()
    rate = IntegerField()
    made = DateTimeField(auto_now_add=True)
    changed = DateTimeField(name="c", auto_now=True)
    hits = CounterField()


ANN = Score.objects.filter(player="ann")


def key(game, player="ann"):
    return {"p": {"S": player}, "g": {"N": str(game)}}


def page(*games, more=False):
    """Return a page of keys, as a query for them gives it."""
    items = [key(game) for game in games]
    answer = {"Items": items, "Count": len(items), "ScannedCount": len(items)}
    return {**answer, "LastEvaluatedKey": items[-1]} if more else answer


def failed(item=None):
    body = {} if item is None else {"Item": item}
    return make_service_error("ConditionalCheckFailedException", "no", body=body)


def denied():
    return make_service_error("AccessDeniedException", "no")


def no_table():
    return make_service_error("ResourceNotFoundException", "no")


def throttled():
    return make_service_error("ProvisionedThroughputExceededException", "slow down")


def refused():
    return make_service_error("ValidationException", "no such thing")


def answers(*each):
    """Return answers of which each error is one of its own, and comes as often as it is tried."""
    return [copy.copy(one) for one in each]


def sent(script):
    """Return what was sent, after botocore looked at it."""
    for each in script.sent:
        checked(each)
    return script.payloads


def calls(script):
    return [each.api for each in script.sent]


def deleted(payload):
    """Return the games that a BatchWriteItem deletes."""
    ((_, requests),) = payload["RequestItems"].items()
    return [int(each["DeleteRequest"]["Key"]["g"]["N"]) for each in requests]


def left(*games):
    return {"UnprocessedItems": {"scores": [{"DeleteRequest": {"Key": key(g)}} for g in games]}}


# -- delete --------------------------------------------------------------------------------------


def test_only_keys_are_read_and_deleted_in_batches(script, do):
    script.answers = [page(0, 1), {}]
    done = do(ANN.delete)
    assert done == Done(matched=2, changed=2, requests=2)
    read, write = sent(script)
    assert read == {
        "TableName": "scores",
        "KeyConditionExpression": "#0 = :0",
        "ProjectionExpression": "#0, #1",
        "ExpressionAttributeNames": {"#0": "p", "#1": "g"},
        "ExpressionAttributeValues": {":0": {"S": "ann"}},
    }
    assert write == {
        "RequestItems": {
            "scores": [{"DeleteRequest": {"Key": key(0)}}, {"DeleteRequest": {"Key": key(1)}}]
        }
    }


def test_batches_are_full_whatever_the_pages_hold(script, do):
    script.answers = [
        page(*range(20), more=True),
        page(*range(20, 30), more=True),
        {},
        {**page(more=False), "LastEvaluatedKey": key(40)},
        page(*range(50, 90)),
        {},
        {},
    ]
    done = do(ANN.page_size(20).delete)
    assert (done.matched, done.changed, done.requests) == (70, 70, 7)
    written = [deleted(each) for each in sent(script) if "RequestItems" in each]
    assert [len(each) for each in written] == [25, 25, 20]
    assert [game for each in written for game in each] == [*range(30), *range(50, 90)]
    assert calls(script)[:3] == ["Query", "Query", "BatchWriteItem"]  # as the pages come


@pytest.mark.parametrize(
    ("verb", "values", "count"),
    [("delete", {}, 2), ("delete", {"checked": True}, 50), ("update", {"wins": 1}, 50)],
)
def test_workers_write_side_by_side(script, verb, values, count):
    flow = flow_of(type(ANN), verb)(ANN, workers=2, **values)
    assert next(flow).api == "Query"
    step = flow.send(msgspec.json.encode(page(*range(60))))
    assert isinstance(step, Together)
    assert (len(step.operations), step.workers) == (count, 2)


def test_as_many_batches_as_there_are_workers_are_sent_at_once(script, do):
    script.answers = [page(*range(60)), {}, {}, {}]
    assert do(ANN.delete, workers=2).changed == 60
    assert sorted(len(deleted(each)) for each in sent(script)[1:]) == [10, 25, 25]


def test_what_is_left_undone_is_asked_for_again(script, do, monkeypatch):
    monkeypatch.setattr("dynamodb_py.batching.BASE_PAUSE", 0.0)
    script.answers = [page(0, 1, 2), left(1, 2), left(2), {}]
    assert do(ANN.delete) == Done(matched=3, changed=3, requests=4)
    assert [deleted(each) for each in sent(script)[1:]] == [[0, 1, 2], [1, 2], [2]]


def test_a_checked_delete_asks_the_question_again(script, do):
    script.answers = [page(0, 1, 2), {}, failed({**key(1), "w": {"N": "9"}}), failed()]
    done = do(ANN.filter(wins__lt=3, game__lt=5).delete, checked=True)
    assert done == Done(matched=3, changed=1, skipped=2, requests=4)
    assert calls(script) == ["Query"] + ["DeleteItem"] * 3
    assert sent(script)[1] == {
        "TableName": "scores",
        "Key": key(0),
        "ConditionExpression": "(attribute_exists(#0) AND #1 < :0)",
        "ExpressionAttributeNames": {"#0": "p", "#1": "w"},
        "ExpressionAttributeValues": {":0": {"N": "3"}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


@pytest.mark.parametrize("checked_too", [False, True])
@pytest.mark.parametrize(
    ("answer", "done"),
    [({}, Done(1, 1, requests=1)), (failed(), Done(requests=1))],
    ids=["there", "not there"],
)
def test_a_whole_key_is_not_read(script, do, answer, done, checked_too):
    script.answers = answers(answer)
    assert do(ANN.filter(game=7).delete, checked=checked_too) == done
    assert sent(script) == [
        {
            "TableName": "scores",
            "Key": key(7),
            "ConditionExpression": "attribute_exists(#0)",
            "ExpressionAttributeNames": {"#0": "p"},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    ]


def test_a_list_of_keys_is_read_by_batches_of_them(script, do):
    script.answers = [{"Responses": {"scores": [key(2), key(1)]}}, {}]
    assert do(ANN.filter(game__in=[1, 2, 3]).delete) == Done(2, 2, requests=2)
    read, write = sent(script)
    assert read["RequestItems"]["scores"]["ProjectionExpression"] == "#0, #1"
    assert deleted(write) == [1, 2]


def test_an_item_that_comes_twice_counts_once(script, do):
    """Of two ranges that are read side by side, or of an index from which it just moves."""
    asked = Score.objects.filter(player__in=["ann", "bob"], note="x")
    script.answers = [page(0, 1), page(1, 2), {}]
    assert do(asked.delete) == Done(3, 3, requests=3)
    assert deleted(sent(script)[2]) == [0, 1, 2]


def test_a_limit_counts_what_is_deleted(script, do):
    script.answers = [page(0, more=True), page(1, 2, 3, more=True), {}]
    assert do(ANN.filter(wins=1).reverse().limit(3).delete) == Done(3, 3, requests=3)
    assert deleted(sent(script)[2]) == [0, 1, 2]
    assert all(each["ScanIndexForward"] is False for each in sent(script)[:2])


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("order", ["forward", "backward"])
@pytest.mark.parametrize("write", ["update", "delete", "checked delete"])
def test_a_slice_is_written_as_it_would_be_read(script, do, count, order, write):
    rows = ANN.filter(wins=1) if order == "forward" else ANN.filter(wins=1).order_by("-game")
    stored = list(range(4) if order == "forward" else reversed(range(4)))
    first = stored[:count]
    script.answers = [page(*stored[:2], more=True), page(*stored[2:])][: (count + 1) // 2]
    reads = len(script.answers)
    if write == "delete":
        script.answers += [{}] * bool(count)
        done = do(rows[:count].delete)
        written = [game for payload in sent(script)[reads:] for game in deleted(payload)]
    else:
        script.answers += [{}] * count
        verb = rows[:count].update if write == "update" else rows[:count].delete
        done = do(verb, **({"wins": 2} if write == "update" else {"checked": True}))
        written = [int(payload["Key"]["g"]["N"]) for payload in sent(script)[reads:]]
    assert (written, done.matched, done.changed) == (first, count, count)
    assert len(script.sent) == reads + (bool(count) if write == "delete" else count)


def test_a_slice_of_no_rows_of_a_whole_key_is_not_written(script, do):
    whole = ANN.filter(game=1)[:0]
    assert do(whole.update, wins=2) == do(whole.delete) == do(whole.delete, checked=True) == Done()
    for refused in (whole.modify, whole.update):
        options = {} if refused == whole.modify else {"must_exist": True}
        with pytest.raises(QueryError, match="for one item"):
            do(refused, wins=2, **options)
    assert script.sent == []


@pytest.mark.parametrize(
    ("write", "answers_", "changed"),
    [
        (lambda do: do(ANN.filter(game=1).update, wins=2), [{}], True),
        (lambda do: do(ANN.filter(game=1).update, wins=2), [failed()], False),
        (lambda do: do(ANN.filter(game=1, wins=1).update, wins=2), [failed(key(1))], False),
        (lambda do: do(ANN.filter(game=1).delete), [{}], True),
        (lambda do: do(ANN.filter(game=1).delete), [failed()], False),
        (lambda do: do(ANN.update, wins=2), [page(1, 2), {}, failed()], True),
        (lambda do: do(ANN.update, wins=2), [page(1, 2), failed(), failed()], False),
        (lambda do: do(ANN.update, wins=2), [page()], False),
        (lambda do: do(ANN.delete), [page(1), {}], True),
        (lambda do: do(ANN.delete), [page()], False),
        (lambda do: do(ANN.delete, checked=True), [page(1), failed()], False),
        (lambda do: do(ANN.none().delete), [], False),
        (lambda do: do(ANN.none().update, wins=2), [], False),
    ],
    ids=range(13),
)
def test_a_result_is_true_if_something_was_changed(script, do, write, answers_, changed):
    script.answers = answers(*answers_)
    done = write(do)
    assert bool(done) is changed
    assert bool(done.changed) is changed


def test_nothing_is_sent_for_nothing(script, do):
    assert do(ANN.none().delete) == Done()
    assert do(ANN.limit(0).delete) == Done()
    assert do(ANN.none().update, wins=1) == Done()
    assert do(Score.objects.filter(player__in=[]).delete, checked=True) == Done()


def test_rows_of_other_kinds_are_deleted_alike(script, do):
    for asked in (ANN.values("wins"), ANN.only("note"), ANN.values_list("wins", flat=True)):
        script.answers = [page(0), {}]
        assert do(asked.delete).changed == 1
        assert sent(script)[-2]["ProjectionExpression"] == "#0, #1"


def test_what_was_read_before_is_forgotten(script, do):
    asked = ANN.all()
    script.answers = [page(0), page(0), {}, page()]
    assert len(do.list(asked)) == 1
    do(asked.delete)
    assert do.list(asked) == []


def test_a_global_index_tells_the_keys(script, do):
    item = {**key(3), "state": {"S": "new"}, "rank": {"N": "1"}}
    script.answers = [{"Items": [item], "Count": 1, "ScannedCount": 1}, {}]
    assert do(Score.by_rank.filter(state="new").delete) == Done(1, 1, requests=2)
    read, write = sent(script)
    assert read["IndexName"] == "by_rank"
    assert write["RequestItems"] == {"scores": [{"DeleteRequest": {"Key": key(3)}}]}


def test_keys_of_bytes_are_sent_as_they_came(script, do):
    script.answers = [
        {"Items": [{"key": {"B": "AP8="}}], "Count": 1, "ScannedCount": 1},
        throttled(),
    ]
    script.answers += answers(*[throttled()] * 3)
    done = do(Stamped.objects.all().delete, checked=True)
    assert sent(script)[1]["Key"] == {"key": {"B": "AP8="}}
    ((message, error),) = done.failed
    assert message == b"\x00\xff"
    assert isinstance(error, Throttled)


# -- update --------------------------------------------------------------------------------------


def test_each_item_is_changed_as_long_as_it_matches(script, do):
    script.answers = [page(0, 1, 2), {}, failed({**key(1), "w": {"N": "9"}}), failed()]
    done = do(ANN.filter(wins__lt=3).update, wins=3, note=None, team=None)
    assert done == Done(matched=3, changed=1, skipped=2, requests=4)
    read, write, *_ = sent(script)
    assert read["IndexName"] == "by_wins"
    assert write == {
        "TableName": "scores",
        "Key": key(0),
        "UpdateExpression": "SET #0 = :0, #1 = :1 REMOVE #2",
        "ConditionExpression": "(attribute_exists(#3) AND #0 < :2)",
        "ExpressionAttributeNames": {"#0": "w", "#1": "team", "#2": "note", "#3": "p"},
        "ExpressionAttributeValues": {":0": {"N": "3"}, ":1": {"NULL": True}, ":2": {"N": "3"}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def test_no_item_is_made_where_none_is(script, do):
    script.answers = [failed()]
    assert do(ANN.filter(game=7).update, wins=1) == Done(requests=1)
    (write,) = sent(script)
    assert write["Key"] == key(7)
    assert write["ConditionExpression"] == "attribute_exists(#1)"
    assert write["ExpressionAttributeNames"]["#1"] == "p"


def spelled(payload, text):
    """Return an expression with names and values in place of what stands for them."""
    stand_for = dict(payload["ExpressionAttributeNames"])
    for name, wire in payload.get("ExpressionAttributeValues", {}).items():
        ((_, stand_for[name]),) = wire.items()
    for name, message in stand_for.items():
        text = text.replace(name, str(message))
    return text


STILL = [
    ("nothing", ANN, "attribute_exists(p)"),
    ("of the key", ANN.filter(game__between=(1, 3)), "attribute_exists(p)"),
    ("of both", ANN.filter(wins=1, game__gt=3), "(attribute_exists(p) AND w = 1)"),
    ("exclude", ANN.exclude(wins=1), "(attribute_exists(p) AND (NOT w = 1))"),
    (
        "or",
        ANN.filter((Score.note == "a") | (Score.note == "b")),
        "(attribute_exists(p) AND (note = a OR note = b))",
    ),
    (
        "of the key, or not",
        Score.objects.scan().filter((Score.game == 1) | (Score.wins == 2)),
        "(attribute_exists(p) AND (g = 1 OR w = 2))",
    ),
    (
        "a key beside another",
        Score.objects.scan().filter(F("game") < F("wins")),
        "(attribute_exists(p) AND g < w)",
    ),
    (
        "raw",
        Score.objects.scan().filter(RawExpression("note = :x", {}, {":x": "y"})),
        "(attribute_exists(p) AND (note = y))",
    ),
]


@pytest.mark.parametrize(
    ("asked", "condition"), [each[1:] for each in STILL], ids=[each[0] for each in STILL]
)
def test_the_condition_is_the_question_without_what_the_key_answers(script, do, asked, condition):
    script.answers = [page(0), {}]
    do(asked.update, note="x")
    payload = sent(script)[1]
    assert spelled(payload, payload["ConditionExpression"]) == condition


def test_many_keys_do_not_make_a_long_condition(script, do):
    games = list(range(400))
    script.answers = [
        {"Responses": {"scores": [key(game) for game in games[at : at + 100]]}}
        for at in range(0, 400, 100)
    ] + [{}] * 400
    assert do(ANN.filter(game__in=games).update, wins=1).changed == 400
    assert len(sent(script)[-1]["ConditionExpression"]) < 30


ACTIONS = [
    (Set(Path(("wins",), by_name=True), Value({"N": "1"})), "SET w = 1"),
    (Set(Path(("wins",)), Value({"N": "1"})), "SET wins = 1"),
    (Set(F("ids__0")._path(), Value({"N": "1"})), "SET ids[0] = 1"),
    (Set(F("wins")._path(), F("rank")._path()), "SET w = rank"),
    (Set(Score.rank._path(), F("wins")._path()), "SET rank = w"),
    (Remove(F("ids")._path()[2]), "REMOVE ids[2]"),
    (Add(F("wins")._path(), Value({"N": "2"})), "ADD w 2"),
    (Delete(F("tags")._path(), Value({"SS": ["a"]})), "DELETE tags ['a']"),
]


@pytest.mark.parametrize(("action", "text"), ACTIONS, ids=[text for _, text in ACTIONS])
def test_actions_name_fields_as_conditions_do(script, do, action, text):
    script.answers = [page(0), {}]
    assert do(ANN.update, action).changed == 1
    payload = sent(script)[1]
    assert spelled(payload, payload["UpdateExpression"]) == text


def test_actions_and_values_go_together(script, do):
    script.answers = [page(0), {}]
    do(ANN.update, Add(F("wins")._path(), Value({"N": "1"})), title="x")
    assert sent(script)[1]["UpdateExpression"] == "SET #0 = :0 ADD #1 :1"


def test_fields_that_set_themselves_do(script, do):
    script.answers = [{"Items": [{"key": {"B": "AA=="}}], "Count": 1, "ScannedCount": 1}, {}]
    before = dt.datetime.now(dt.timezone.utc)
    do(Stamped.objects.all().update, text="x")
    payload = sent(script)[1]
    assert payload["UpdateExpression"] == "SET #0 = :0, #1 = :1"
    assert payload["ExpressionAttributeNames"]["#1"] == "c"
    stamp = Stamped.changed.decode(payload["ExpressionAttributeValues"][":1"])
    assert before <= stamp.astimezone(dt.timezone.utc) <= dt.datetime.now(dt.timezone.utc)


def test_a_stamp_is_as_save_makes_it_but_for_an_action_on_it(script, do):
    long_ago = dt.datetime(2001, 1, 1, tzinfo=dt.timezone.utc)
    items = {"Items": [{"key": {"B": "AA=="}}], "Count": 1, "ScannedCount": 1}
    script.answers = [items, {}, items, {}]
    do(Stamped.objects.all().update, changed=long_ago)
    do(Stamped.objects.all().update, Set(F("changed")._path(), Value({"S": "long ago"})))
    _, by_field, _, by_action = sent(script)
    (stamp,) = by_field["ExpressionAttributeValues"].values()
    assert Stamped.changed.decode(stamp).year > 2001
    assert by_action["ExpressionAttributeValues"] == {":0": {"S": "long ago"}}


REFUSED = {
    "no change": (lambda rows: rows.update(), QueryError, "nothing to change"),
    "a range key": (
        lambda rows: rows.update(game=3),
        ValidationError,
        "game: it is part of the key",
    ),
    "a hash key": (
        lambda rows: rows.update(player="x"),
        ValidationError,
        "player: it is part of the key",
    ),
    "an action on a key": (
        lambda rows: rows.update(Add(F("game")._path(), Value({"N": "1"}))),
        ValidationError,
        "game: it is part of the key",
    ),
    "an action on the attribute of a key": (
        lambda rows: rows.update(Remove(Path(("p",)))),
        ValidationError,
        "player: it is part",
    ),
    "out of bounds": (
        lambda rows: rows.update(wins=-1),
        ValidationError,
        "wins: -1 is less than min_value",
    ),
    "of another type": (lambda rows: rows.update(wins="x"), ValidationError, "wins: "),
    "no choice": (
        lambda rows: rows.update(state="odd"),
        ValidationError,
        "state: 'odd' is not one of",
    ),
    "required": (lambda rows: rows.update(title=None), ValidationError, "title: it is required"),
    "a validator": (
        lambda rows: rows.update(title="bad"),
        ValidationError,
        "title: 'bad' is refused",
    ),
    "too long": (
        lambda rows: rows.update(title="too long"),
        ValidationError,
        "title: its length 8",
    ),
    "no text": (
        lambda rows: rows.update(note="\ud800"),
        ValidationError,
        "note: it is not valid Unicode",
    ),
    "several": (lambda rows: rows.update(wins=-1, game=1), ValidationError, "wins: .* game: "),
    "too large": (lambda rows: rows.update(note="x" * 410_000), ItemTooLarge, "409600"),
    "no field": (lambda rows: rows.update(level=3), TypeError, "no field level"),
    "a condition": (
        lambda rows: rows.update(Score.wins == 3),
        TypeError,
        "Set, Remove, Add, Delete",
    ),
    "twice": (lambda rows: rows.update(Remove(F("wins")._path()), wins=3), QueryError, "overlap"),
    "update, no workers": (lambda rows: rows.update(wins=1, workers=0), QueryError, "workers=0"),
    "delete, no workers": (lambda rows: rows.delete(workers=0), QueryError, "workers=0"),
    "no rate": (lambda rows: rows.delete(rate=0), QueryError, "rate=0"),
    "full": (lambda rows: rows.full().delete(), QueryError, r"drop full\(\)"),
    "delete a union": (
        lambda rows: rows.union(rows).delete(),
        QueryError,
        r"a union reads several .*delete\(\)",
    ),
    "update a union": (
        lambda rows: rows.union(rows).update(wins=1),
        QueryError,
        r"a union .*update\(\)",
    ),
    "delete by a scan": (
        lambda rows: Score.objects.filter(wins=1).delete(),
        ScanRequired,
        "whole table",
    ),
    "update by a scan": (
        lambda rows: Score.objects.filter(wins=1).update(wins=2),
        ScanRequired,
        "whole table",
    ),
    "an order": (lambda rows: rows.order_by("title").delete(), QueryError, "order of"),
}


@pytest.mark.parametrize(("ask", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_before_anything_is_sent(script, ask, error, message):
    with pytest.raises(error, match=message):
        ask(ANN)
    assert script.sent == []


def test_a_condition_too_long_to_ask_again_is_refused_before_anything_is_sent(script, do):
    asked = Score.objects.all().scan()
    for _ in range(310):
        asked = asked.filter(Score.wins != 1)
    with pytest.raises(QueryError, match="operators"):
        do(asked.update, wins=1)
    assert script.sent == []


def test_an_option_is_no_field(script, do):
    script.answers = [{"Items": [], "Count": 0, "ScannedCount": 0}]
    with pytest.raises(
        TypeError, match=r"rate=\.\.\.\) is the option, and Stamped\.rate is a field"
    ):
        do(Stamped.objects.all().update, text="x", rate=5)
    do(Stamped.objects.all().update, Set(Path(("rate",), by_name=True), Value({"N": "1"})))


MOVED = [
    ("an index, and its key", Score.by_rank.filter(state="new"), {"rank": 9}, True),
    ("a local index, and its key", ANN.index("by_wins"), {"wins": 9}, True),
    ("an index, and what is no key", Score.by_rank.filter(state="new"), {"note": "x"}, False),
    ("the table, and the key of an index", ANN, {"rank": 9}, False),
]


@pytest.mark.parametrize(
    ("asked", "values", "first"), [each[1:] for each in MOVED], ids=[each[0] for each in MOVED]
)
def test_what_moves_in_the_index_that_is_read_is_found_before_it_is_changed(
    script, do, asked, values, first
):
    def item(game):
        return {**key(game), "state": {"S": "new"}, "rank": {"N": "1"}, "w": {"N": "1"}}

    pages = [
        {"Items": [item(g) for g in range(at, at + 30)], "Count": 30, "ScannedCount": 30}
        for at in (0, 30)
    ]
    last = {"LastEvaluatedKey": item(29)}
    script.answers = [{**pages[0], **last}] + ([] if first else [{}] * 25) + [pages[1]]
    script.answers += [{}] * (60 if first else 35)
    assert do(asked.update, **values).changed == 60
    assert calls(script).index("UpdateItem") == (2 if first else 1)


# -- failures ------------------------------------------------------------------------------------


def test_one_item_that_fails_does_not_stop_the_others(script, do):
    script.answers = [page(0, 1, 2), {}, refused(), {}]
    done = do(ANN.update, wins=1)
    assert (done.matched, done.changed, done.skipped) == (3, 2, 0)
    ((message, error),) = done.failed
    assert message == ("ann", 1)
    assert isinstance(error, InvalidRequest)


def test_a_batch_that_fails_does_not_stop_the_others(script, do):
    script.answers = [page(*range(60)), {}, *answers(*[throttled()] * 4), {}]
    done = do(ANN.delete)
    assert (done.matched, done.changed, len(done.failed)) == (60, 35, 25)
    assert {game for (_, game), _ in done.failed} == set(range(25, 50))
    assert all(isinstance(error, Throttled) for _, error in done.failed)


def test_of_several_batches_only_the_one_that_fails_is_told(script, do):
    def answer(operation):
        games = deleted(msgspec.json.decode(msgspec.json.encode(operation.payload())))
        if 30 in games:
            raise refused()
        return {}

    script.answers = [page(*range(75)), *[answer] * 6]
    done = do(ANN.delete, workers=3)
    script.answers.clear()
    failed_ = {game for (_, game), _ in done.failed}
    assert 30 in failed_
    assert len(failed_) == 25
    assert done.changed == 50


def test_several_batches_that_failed_together_are_tried_once_more_apart(script, do):
    script.answers = [page(*range(50)), *answers(*[throttled()] * 8), {}, {}]
    done = do(ANN.delete, workers=2)
    assert (done.changed, done.failed) == (50, [])
    assert [len(deleted(each)) for each in sent(script)[-2:]] == [25, 25]


def test_what_dynamodb_keeps_leaving_is_told(script, do, monkeypatch):
    monkeypatch.setattr("dynamodb_py.batching.BASE_PAUSE", 0.0)
    script.answers = [page(*range(26)), left(3), *[left(3)] * 10, {}]
    done = do(ANN.delete)
    assert (done.matched, done.changed) == (26, 25)
    ((message, error),) = done.failed
    assert message == ("ann", 3)
    assert error.unprocessed == [("ann", 3)]
    script.answers.clear()


@pytest.mark.parametrize("make", [denied, no_table], ids=["denied", "no table"])
@pytest.mark.parametrize("checked_too", [False, True])
def test_what_hits_every_item_is_raised_with_what_was_done(script, do, make, checked_too):
    rest = [{}] * 25 + [make() for _ in range(5)] if checked_too else [{}, make()]
    script.answers = [page(*range(30)), *rest]
    with pytest.raises((AccessDenied, TableNotFound)) as raised:
        do(ANN.delete, checked=checked_too)
    assert raised.value.done == Done(30, 25, requests=len(rest) + 1)


@pytest.mark.parametrize("verb", ["delete", "update"])
def test_a_failure_of_reading_is_raised_with_what_was_done(script, do, verb):
    values = {"wins": 1} if verb == "update" else {}
    writes = [{}] * (25 if values else 1)
    script.answers = [page(*range(30), more=True), *writes]
    script.answers += [ConnectionFailed("gone") for _ in range(4)]
    with pytest.raises(ConnectionFailed) as raised:
        do(getattr(ANN, verb), **values)
    assert raised.value.done == Done(30, 25, requests=len(writes) + 2)


def test_max_requests_says_where_to_go_on_and_leaves_nothing_behind(script, do):
    script.answers = [page(*range(30), more=True), {}, {}]
    with pytest.raises(MaxRequestsReached) as raised:
        do(ANN.max_requests(1).delete)
    assert raised.value.done == Done(30, 30, requests=3)
    script.answers = [page(30, 31), {}]
    asked = ANN.max_requests(1).after(raised.value.cursor)
    assert do(asked.delete) == Done(2, 2, requests=2)
    assert sent(script)[3]["ExclusiveStartKey"] == key(29)


def test_a_callback_that_raises_stops_it_and_is_told_what_was_done(script, do):
    def stop(done, total):
        if done:
            raise RuntimeError("enough")

    script.answers = [page(*range(30)), {}]
    with pytest.raises(RuntimeError, match="enough") as raised:
        do(ANN.delete, progress=stop)
    assert raised.value.done == Done(30, 25, requests=2)


def lost():
    return ConnectionFailed("reset")


LOST = [
    ("it is as the update leaves it", {"state": {"S": "old"}, "ids": {"L": [{"N": "1.0"}]}}, True),
    ("somebody else changed it", {"state": {"S": "new"}, "ids": {"L": [{"N": "1"}]}}, False),
    ("the attribute is not there", {"ids": {"L": [{"N": "1"}]}}, False),
    (
        "what was to go is there",
        {"state": {"S": "old"}, "ids": {"L": [{"N": "1"}]}, "note": {"S": "x"}},
        False,
    ),
    ("it is gone", None, False),
]


@pytest.mark.parametrize(("item", "changed"), [each[1:] for each in LOST], ids=[e[0] for e in LOST])
def test_an_update_whose_answer_was_lost_is_not_taken_for_skipped(script, do, item, changed):
    current = None if item is None else {**key(0), **item}
    script.answers = [page(0), lost(), failed(current)]
    first = Set(F("ids__0")._path(), Value({"N": "1"}))
    done = do(ANN.filter(state="new").update, first, state="old", note=None)
    assert (done.changed, done.skipped) == ((1, 0) if changed else (0, 1))


@pytest.mark.parametrize(
    ("item", "changed"), [(None, True), (key(0), False)], ids=["gone", "there"]
)
def test_a_delete_whose_answer_was_lost_is_not_taken_for_skipped(script, do, item, changed):
    script.answers = [page(0), lost(), failed(item)]
    done = do(ANN.delete, checked=True)
    assert (done.changed, done.skipped) == ((1, 0) if changed else (0, 1))


# -- what is told --------------------------------------------------------------------------------


def test_progress_is_told_as_it_is_made(script, do):
    told = []
    script.answers = [page(*range(30), more=True), {}, page(*range(30, 40)), {}]
    do(ANN.delete, progress=lambda done, total: told.append((done, total)))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert (25, 0) in told
    assert told[-1] == (40, 40)
    assert {total for _, total in told[:-1]} == {0}


@pytest.mark.parametrize(
    ("rows", "described"),
    [(Score.objects.all(), True), (Score.objects.filter(wins__gt=0).scan(), False)],
    ids=["all", "a filter"],
)
def test_a_write_to_all_items_has_a_total(script, do, rows, described):
    told = []
    table = [{"Table": {"TableName": "scores", "ItemCount": 90}}] if described else []
    script.answers = [*table, page(*range(30), more=True), {}, page(*range(30, 40)), {}]
    do(rows.delete, progress=lambda done, total: told.append((done, total)))
    assert (25, 90 if described else 0) in told
    assert told[-1] == (40, 40)


def test_a_bar_is_drawn_and_closed(script, do, capsys):
    pytest.importorskip("tqdm")
    script.answers = [page(0, 1), {}]
    do(ANN.delete, progress=True)
    assert "2/2" in capsys.readouterr().err


def test_units_are_known_where_there_is_a_rate(script, do):
    script.answers = [{**page(0), "ConsumedCapacity": {"CapacityUnits": 2.5}}, {}, page(0), {}]
    done = do(ANN.delete, rate=1000)
    assert done.units == 2.5
    assert sent(script)[0]["ReturnConsumedCapacity"] == "TOTAL"
    assert str(done) == (
        "1 matched, 1 changed, 0 no longer matched, 0 failed; 2 requests, 2.5 read units"
    )
    assert do(ANN.delete).units is None


def test_what_was_done_is_a_value():
    done = Done(3, 2, 1, requests=4)
    assert repr(done) == "Done(matched=3, changed=2, skipped=1, failed=[], units=None, requests=4)"
    assert pickle.loads(pickle.dumps(done)) == done
    with pytest.raises(AttributeError):
        done.matched = 4

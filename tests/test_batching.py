"""Batches: few requests, every key once, nothing dropped, and an end to patience."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py.batching import (
    PATIENCE,
    batch_get,
    batch_write,
    identify_key,
    run_together,
    start_flow,
)
from dynamodb_py.codec import to_json
from dynamodb_py.exceptions import BatchIncomplete, QueryError, Throttled, make_service_error
from dynamodb_py.expressions import Path
from dynamodb_py.operations.base import Call, Pause, Together
from dynamodb_py.operations.batches import Delete, Found, Put
from dynamodb_py.operations.items import GetItem
from dynamodb_py.operations.read_expressions import Expressions

from .scripted import checked


def key(n: int, table: str = "t") -> tuple[str, dict[str, Any]]:
    return table, {"k": {"S": "a"}, "n": {"N": str(n)}}


def item(n: int) -> bytes:
    return to_json({"n": {"N": str(n)}, "more": {"S": "x"}, "k": {"S": "a"}})


def key_of(stored: bytes) -> dict[str, Any]:
    import json

    read = json.loads(stored)
    return {"k": read["k"], "n": read["n"]}


READERS = dict.fromkeys("tu", lambda stored: identify_key(key_of(stored)))


class Drive:
    """Drives a batch by hand: every round is answered, every pause noted, no one sleeps."""

    def __init__(self, flow, answer):
        self.requests: list[Any] = []
        self.rounds: list[int] = []
        self.pauses: list[float] = []
        self._flow, self._answer = flow, answer

    def value(self):
        outcome = None
        while True:
            try:
                step = self._flow.send(outcome)
            except StopIteration as stop:
                return stop.value
            if isinstance(step, Pause):
                self.pauses.append(step.seconds)
                outcome = None
                continue
            assert isinstance(step, Together)
            self.rounds.append(len(step.operations))
            for each in step.operations:
                checked(each)
            self.requests += step.operations
            # The flow parses; here the answers are given as they are.
            outcome = [self._body(each) for each in step.operations]

    def _body(self, operation):
        answer = self._answer(operation)
        return answer if isinstance(answer, Exception) else to_json(answer)


def asked(operation):
    return [
        (table, int(float(each["n"]["N"])))
        for table, keys in operation.keys.items()
        for each in keys
    ]


def found(*numbers, left=(), table="t"):
    """Return the body of a response to BatchGetItem."""
    import json

    body = {"Responses": {table: [json.loads(item(n)) for n in numbers]}}
    if left:
        # As a server may order the names of a key: not as it was asked.
        body["UnprocessedKeys"] = {
            table: {"Keys": [{"n": {"N": str(n)}, "k": {"S": "a"}} for n in left]}
        }
    return body


def all_of(operation):
    by_table: dict[str, list[int]] = {}
    for table, n in asked(operation):
        by_table.setdefault(table, []).append(n)
    return {
        "Responses": {
            t: found(*reversed(ns), table=t)["Responses"][t] for t, ns in by_table.items()
        }
    }


@pytest.mark.parametrize(
    ("count", "workers", "rounds"),
    [(0, 1, []), (1, 1, [1]), (100, 1, [1]), (101, 1, [1, 1]), (250, 1, [1, 1, 1]), (250, 2, [2, 1]), (250, 9, [3])],
)  # fmt: skip
def test_reading_takes_as_few_requests_as_there_must_be(count, workers, rounds):
    keys = [key(n) for n in range(count)]
    drive = Drive(batch_get(keys, READERS, workers=workers), all_of)
    assert drive.value() == [item(n) for n in range(count)]
    assert drive.rounds == rounds
    assert drive.pauses == []
    assert all(len(asked(each)) <= 100 for each in drive.requests)


def test_what_is_asked_twice_is_read_once_and_given_twice():
    keys = [key(1), key(2), key(1), ("t", {"k": {"S": "a"}, "n": {"N": "1.0"}})]
    drive = Drive(batch_get(keys, READERS), all_of)
    one, two, again, spelled = drive.value()
    assert (one, two) == (item(1), item(2))
    assert one is again is spelled
    assert len(asked(drive.requests[0])) == 2


def test_what_is_not_there_is_none_in_its_place():
    drive = Drive(batch_get([key(1), key(2), key(3)], READERS), lambda _: found(3, 1))
    assert drive.value() == [item(1), None, item(3)]


def test_items_of_several_tables_come_in_one_request():
    keys = [key(1, "t"), key(1, "u"), key(2, "t")]
    drive = Drive(batch_get(keys, READERS, consistent=True), all_of)
    assert drive.value() == [item(1), item(1), item(2)]
    requests = drive.requests[0].payload()["RequestItems"]
    assert {name: each["ConsistentRead"] for name, each in requests.items()} == {
        "t": True,
        "u": True,
    }


def test_every_request_says_what_to_read_of_its_tables():
    said = {"t": Expressions.of(projection=[Path(("n",)), Path(("k",))])}
    answers = iter([found(0, left=[1]), found(1)])
    drive = Drive(batch_get([key(0), key(1)], READERS, expressions=said), lambda _: next(answers))
    assert drive.value() == [item(0), item(1)]
    for each in drive.requests:
        request = each.payload()["RequestItems"]["t"]
        assert request["ProjectionExpression"] == "#0, #1"
        assert request["ExpressionAttributeNames"] == {"#0": "n", "#1": "k"}


def test_what_is_left_unread_is_asked_again_after_a_pause_and_comes_first():
    answers = iter([found(0, 2, left=[1]), found(1, 3), found(4)])

    def answer(operation):
        return next(answers)

    drive = Drive(batch_get([key(n) for n in range(3)], READERS), answer)
    assert drive.value() == [item(0), item(1), item(2)]
    assert [asked(each) for each in drive.requests] == [[("t", 0), ("t", 1), ("t", 2)], [("t", 1)]]
    assert len(drive.pauses) == 1


def test_left_overs_share_the_next_request_with_what_still_waits():
    def answer(operation):
        numbers = [n for _, n in asked(operation)]
        return (
            found(*numbers[10:], left=numbers[:10])
            if len(drive.requests) == 1
            else all_of(operation)
        )

    drive = Drive(batch_get([key(n) for n in range(150)], READERS), answer)
    assert drive.value() == [item(n) for n in range(150)]
    assert [len(asked(each)) for each in drive.requests] == [100, 60]


def test_patience_ends_where_nothing_gets_on_and_the_keys_are_told():
    keys = [key(1), key(2)]
    drive = Drive(batch_get(keys, READERS), lambda _: found(left=[1, 2]))
    with pytest.raises(BatchIncomplete) as caught:
        drive.value()
    assert caught.value.unprocessed == keys
    assert f"DynamoDB left 2 of 2 keys unread, {PATIENCE} times in a row" in str(caught.value)
    assert len(drive.requests) == PATIENCE
    assert len(drive.pauses) == PATIENCE - 1
    assert all(pause <= 10 for pause in drive.pauses)


def test_patience_begins_anew_when_something_gets_on():
    left = list(range(20))

    def answer(operation):
        if len(drive.requests) % (PATIENCE - 1):
            return found(left=left)
        return found(left.pop(), left=left)

    drive = Drive(batch_get([key(n) for n in left], READERS), answer)
    assert drive.value() == [item(n) for n in range(20)]


def test_progress_is_told_after_each_round():
    told: list[tuple[int, int]] = []
    answers = iter([found(*range(60), left=range(60, 100)), found(*range(60, 100))])
    keys = [key(n) for n in range(100)]
    drive = Drive(
        batch_get(keys, READERS, progress=lambda *x: told.append(x)), lambda _: next(answers)
    )
    drive.value()
    assert told == [(60, 100), (100, 100)]


@pytest.mark.parametrize("workers", [1, 3])
def test_a_reading_that_fails_tells_what_was_not_read(workers):
    def answer(operation):
        if ("t", 150) in asked(operation):
            return make_service_error("ProvisionedThroughputExceededException", "slow")
        return all_of(operation)

    keys = [key(n) for n in range(250)]
    drive = Drive(batch_get(keys, READERS, workers=workers), answer)
    with pytest.raises(Throttled) as caught:
        drive.value()
    left = keys[100:200] if workers == 3 else keys[100:]
    assert caught.value.unprocessed == left


# -- writing -------------------------------------------------------------------------------------


def put(n: int, table: str = "t") -> Put:
    return Put(table, key(n)[1], item(n))


def delete(n: int, table: str = "t") -> Delete:
    return Delete(table, key(n)[1])


def left_of(operation, keep):
    """Return the body that hands back the writes for which *keep* holds, as a server spells them."""
    import json

    back: dict[str, list[Any]] = {}
    for write in operation.writes:
        if keep(write):
            if isinstance(write, Put):
                request = {"PutRequest": {"Item": dict(reversed(json.loads(write.item).items()))}}
            else:
                request = {"DeleteRequest": {"Key": dict(reversed(write.key.items()))}}
            back.setdefault(write.table, []).append(request)
    return {"UnprocessedItems": back}


@pytest.mark.parametrize(
    ("count", "workers", "rounds"),
    [(0, 1, []), (25, 1, [1]), (26, 1, [1, 1]), (60, 2, [2, 1]), (60, 8, [3])],
)
def test_writing_takes_as_few_requests_as_there_must_be(count, workers, rounds):
    writes = [put(n) if n % 2 else delete(n) for n in range(count)]
    drive = Drive(batch_write(writes, workers=workers), lambda _: {})
    drive.value()
    assert drive.rounds == rounds
    assert [write for each in drive.requests for write in each.writes] == writes


def test_what_is_left_undone_is_sent_again_as_it_was_and_comes_first():
    writes = [put(n) for n in range(20)] + [delete(n, "u") for n in range(20, 30)]

    def answer(operation):
        return (
            left_of(operation, lambda write: write in writes[3:5])
            if len(drive.requests) == 1
            else {}
        )

    drive = Drive(batch_write(writes), answer)
    drive.value()
    assert [each.writes for each in drive.requests] == [writes[:25], writes[3:5] + writes[25:]]
    assert len(drive.pauses) == 1


def test_patience_ends_and_the_writes_are_told():
    writes = [put(1), delete(2)]
    drive = Drive(batch_write(writes), lambda each: left_of(each, lambda _: True))
    with pytest.raises(BatchIncomplete) as caught:
        drive.value()
    assert caught.value.unprocessed == writes
    assert f"DynamoDB left 2 of 2 writes undone, {PATIENCE} times in a row" in str(caught.value)
    assert (len(drive.requests), len(drive.pauses)) == (PATIENCE, PATIENCE - 1)


@pytest.mark.parametrize("workers", [1, 3])
def test_a_chunk_that_fails_tells_what_was_not_carried_out(workers):
    writes = [put(n) for n in range(80)]

    def answer(operation):
        if writes[30] in operation.writes:
            return make_service_error("AccessDeniedException", "no")
        return left_of(operation, lambda write: write is writes[2])

    drive = Drive(batch_write(writes, workers=workers), answer)
    with pytest.raises(Exception, match="no") as caught:
        drive.value()
    if workers == 1:  # what was handed back went out with the chunk that failed
        expected = [writes[2], *writes[25:]]
    else:  # all but the last five were under way
        expected = [writes[2], *writes[25:50], *writes[75:]]
    assert caught.value.unprocessed == expected


def test_progress_of_writing():
    told: list[tuple[int, int]] = []
    writes = [put(n) for n in range(60)]
    Drive(batch_write(writes, progress=lambda *x: told.append(x)), lambda _: {}).value()
    assert told == [(25, 60), (50, 60), (60, 60)]


@pytest.mark.parametrize(
    "flow", [batch_get([key(1)], READERS, workers=0), batch_write([put(1)], workers=0)]
)
def test_without_a_worker_nothing_is_waited_for(flow):
    with pytest.raises(QueryError, match="workers=0"):
        next(flow)


# -- identity ------------------------------------------------------------------------------------

PARTS = (
    st.text(max_size=3).map(lambda x: {"S": x})
    | st.integers(-9, 9).map(lambda x: {"N": str(x)})
    | st.binary(max_size=3).map(lambda x: {"B": x})
)


@given(PARTS, PARTS, PARTS, PARTS)
def test_keys_are_the_same_by_their_values_in_whatever_order(a, b, c, d):
    same = a == c and b == d
    assert (identify_key({"k": a, "n": b}) == identify_key({"n": d, "k": c})) is same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"n": {"N": "1.0"}}, {"n": {"N": "1"}}, True),
        ({"n": {"N": "1E+2"}}, {"n": {"N": "100"}}, True),
        ({"n": {"N": "0.1"}}, {"n": {"N": "0.10000000000000000000000000000001"}}, False),
        ({"b": {"B": b"\x01\x02"}}, {"b": {"B": "AQI="}}, True),
        ({"n": {"N": "1"}}, {"n": {"S": "1"}}, False),
        ({"s": {"S": "AQI="}}, {"s": {"B": "AQI="}}, False),
    ],
)
def test_keys_are_the_same_however_they_are_spelled(one, other, same):
    assert (identify_key(one) == identify_key(other)) is same


def test_a_response_is_read_without_decoding_its_items():
    from dynamodb_py.operations.batches import BatchGetItem

    body = b'{"Responses": {"t": [{"k": {"S": "a"}}]}, "UnprocessedKeys": {"u": {"Keys": []}}}'
    assert BatchGetItem({}).parse(body) == Found({"t": [b'{"k": {"S": "a"}}']}, {})


def test_what_a_write_failed_of_is_noted_by_request():
    writes = [Put("t", key(n)[1], item(n)) for n in range(80)]
    broken = Throttled("no")

    def answer(operation):
        first = int(operation.writes[0].key["n"]["N"])
        if first == 25:
            return broken
        left = [{"PutRequest": {"Item": key(n)[1]}} for n in (0, 1)] if first == 0 else []
        return {"UnprocessedItems": {"t": left} if left else {}}

    faults: dict[int, Any] = {}
    with pytest.raises(Throttled):
        Drive(batch_write(writes, workers=2, faults=faults), answer).value()
    noted = {int(each.key["n"]["N"]): faults[id(each)] for each in writes if id(each) in faults}
    assert noted == {
        **dict.fromkeys((0, 1), None),
        **dict.fromkeys(range(25, 50), broken),
        **dict.fromkeys(range(50, 80), None),
    }


# -- flows side by side ----------------------------------------------------------------------------


def get(n):
    return GetItem("t", key(n)[1])


def body(n):
    return to_json({"Item": {"n": {"N": str(n)}}})


def number_of(stored):
    import json

    return int(json.loads(stored)["n"]["N"])


class Rounds:
    """Drives flows side by side by hand; answers a GetItem with the number in its key."""

    def __init__(self, flow, failing=()):
        self.rounds: list[Any] = []
        self._flow, self._failing = flow, set(failing)

    def value(self):
        outcome = None
        while True:
            try:
                step = self._flow.send(outcome)
            except StopIteration as stop:
                return stop.value
            outcome = None
            if isinstance(step, Together):
                numbers = [int(each.key["n"]["N"]) for each in step.operations]
                self.rounds.append((step.workers, numbers))
                outcome = [Throttled(str(n)) if n in self._failing else body(n) for n in numbers]
            elif isinstance(step, Pause):
                self.rounds.append(step.seconds)
            else:
                self.rounds.append("call")
                outcome = step.function()


def test_flows_side_by_side_go_round_by_round():
    def flow(*numbers):
        total = 0
        for n in numbers:
            total += number_of((yield from get(n)))
        return total

    drive = Rounds(run_together([flow(1), flow(2, 3, 4), flow(), flow(5, 6)], 3))
    assert drive.value() == [1, 9, 0, 11]
    assert drive.rounds == [(3, [1, 2, 5]), (3, [3, 6]), (3, [4])]


def test_each_flow_gets_its_own_answers_errors_and_pauses():
    def several():
        outcomes = yield from Together([get(1), get(2), get(3)], 2)
        return [each if isinstance(each, Exception) else number_of(each) for each in outcomes]

    def patient():
        try:
            yield from get(4)
        except Throttled:
            yield from Pause(0.5)
            yield from Pause(0.25)
            return "waited"

    def calling():
        assert (yield from Call(lambda: "called")) == "called"
        raise LookupError("mine")

    def hasty():
        yield from Pause(0.1)
        return number_of((yield from get(5)))

    drive = Rounds(run_together([several(), patient(), calling(), hasty()], 4), failing={2, 4})
    mixed, waited, raised, value = drive.value()
    assert (mixed[0], str(mixed[1]), mixed[2]) == (1, "2", 3)
    assert (waited, value) == ("waited", 5)
    assert isinstance(raised, LookupError)
    assert drive.rounds == [(4, [1, 2, 3, 4]), "call", 0.1, (4, [5]), 0.5, 0.25]


def test_a_call_that_fails_is_of_its_flow_alone():
    def fail():
        raise ValueError("called")

    def calling():
        yield from Call(fail)

    def plain():
        return number_of((yield from get(1)))

    drive = run_together([calling(), plain()], 1)
    assert isinstance(next(drive), Together)
    step = drive.send([body(1)])
    assert isinstance(step, Call)
    with pytest.raises(StopIteration) as stop:
        drive.throw(ValueError("called"))
    failed, value = stop.value.value
    assert (str(failed), value) == ("called", 1)


@given(
    st.lists(st.lists(st.integers(0, 50), max_size=4), max_size=120),
    st.integers(1, 3),
    st.sets(st.integers(0, 50)),
)
def test_flows_side_by_side_come_to_what_they_come_to_alone(given, workers, failing):
    def flow(numbers):
        seen = []
        for n in numbers:
            seen.append(number_of((yield from get(n))))
        return seen

    def alone(numbers):
        wrong = next((n for n in numbers if n in failing), None)
        return numbers if wrong is None else str(wrong)

    told = []
    drive = Rounds(
        run_together([flow(each) for each in given], workers, lambda *done: told.append(done)),
        failing,
    )
    outcomes = [str(each) if isinstance(each, Exception) else each for each in drive.value()]
    assert outcomes == [alone(each) for each in given]
    assert all(len(numbers) <= 25 * workers for _, numbers in drive.rounds)
    assert told == sorted(told)
    assert not given or told[-1] == (len(given), len(given))


def test_no_more_flows_are_begun_than_can_go_together():
    under_way = most = 0

    def flow():
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        yield from get(1)
        yield from get(2)
        under_way -= 1

    assert Rounds(run_together([flow() for _ in range(200)], 2)).value() == [None] * 200
    assert most == 50


def test_flows_are_closed_when_nobody_drives_them_any_more():
    closed = []

    def flow():
        try:
            yield from get(1)
        finally:
            closed.append(1)

    drive = run_together([flow(), flow()], 1)
    next(drive)
    drive.close()
    assert closed == [1, 1]
    with pytest.raises(QueryError, match="workers=0"):
        next(run_together([flow()], 0))


def test_a_flow_that_is_begun_tells_at_once_what_is_wrong():
    def wrong():
        raise QueryError("wrong")
        yield

    with pytest.raises(QueryError, match="wrong"):
        start_flow(wrong())

    def right():
        try:
            yield from get(1)
        except Throttled:
            return number_of((yield from get(2)))

    assert Rounds(run_together([start_flow(right())], 1), failing={1}).value() == [2]

    def nothing():
        return 3
        yield

    assert Rounds(start_flow(nothing())).value() == 3

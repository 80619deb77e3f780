from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest

from dynamodb_py.exceptions import (
    AccessDenied,
    DynamoDBError,
    LimitExceeded,
    TableInUse,
    TableNotFound,
    Throttled,
    make_service_error,
)
from dynamodb_py.operations.base import Pause
from dynamodb_py.operations.tables import DescribeTable
from dynamodb_py.waiting import find_table, pauses, wait_until_active, wait_until_gone

MISSING = make_service_error("ResourceNotFoundException", "no such table")


def table(status: str, *indexes: str, table_id: str = "id-1") -> dict[str, Any]:
    described: dict[str, Any] = {"TableName": "tab", "TableStatus": status, "TableId": table_id}
    if indexes:
        described["GlobalSecondaryIndexes"] = [
            {"IndexName": f"index-{number}", "IndexStatus": index}
            for number, index in enumerate(indexes)
        ]
    return described


def play(flow, *seen):
    """Answer each DescribeTable of *flow* with the next of *seen*; return value and pauses."""
    answers, pauses = iter(seen), []
    try:
        step = next(flow)
        while True:
            if isinstance(step, Pause):
                pauses.append(step.seconds)
                step = flow.send(None)
                continue
            assert step == DescribeTable("tab")
            answer = next(answers)
            if isinstance(answer, Exception):
                step = flow.throw(answer)
            else:
                step = flow.send(encode(answer))
    except StopIteration as stop:
        assert not list(answers), "the flow ended before everything was seen"
        return stop.value, pauses


def encode(description: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"Table": description})


def test_a_table_that_is_active_is_asked_for_once_and_not_waited_for():
    assert play(wait_until_active("tab"), table("ACTIVE", "ACTIVE")) == (
        table("ACTIVE", "ACTIVE"),
        [],
    )


@pytest.mark.parametrize(
    "states",
    [
        [table("CREATING"), table("ACTIVE")],
        [table("UPDATING"), table("UPDATING"), table("ACTIVE")],
        # The table alone is not enough: an index may still be on its way.
        [table("ACTIVE", "ACTIVE", "CREATING"), table("ACTIVE", "ACTIVE", "ACTIVE")],
        [table("ACTIVE", "UPDATING"), table("ACTIVE", "ACTIVE")],
        [table("ACTIVE", "ACTIVE", "DELETING"), table("ACTIVE", "ACTIVE")],
        [make_service_error("ThrottlingException", "slow down"), table("ACTIVE")],
        [make_service_error("LimitExceededException", "too many at once"), table("ACTIVE")],
    ],
)
def test_until_active_waits_for_the_table_and_all_its_global_indexes(states):
    waits = [0.1, 0.2, 0.4]
    description, waited = play(wait_until_active("tab", waits=iter(waits)), *states)
    assert description == states[-1]
    assert waited == waits[: len(states) - 1]


def test_a_table_just_created_may_be_invisible_at_first():
    seen = [MISSING, MISSING, table("CREATING"), table("ACTIVE")]
    description, waited = play(wait_until_active("tab", appearing=True), *seen)
    assert description == seen[-1]
    assert len(waited) == 3


@pytest.mark.parametrize(
    ("appearing", "seen"),
    [
        (False, [MISSING]),
        (False, [table("CREATING"), MISSING]),
        # Once it was seen, it is no longer appearing but gone.
        (True, [MISSING, table("CREATING"), MISSING]),
    ],
)
def test_until_active_does_not_wait_for_a_table_that_is_not_there(appearing, seen):
    with pytest.raises(TableNotFound):
        play(wait_until_active("tab", appearing=appearing), *seen)


@pytest.mark.parametrize("code", ["AccessDeniedException", "InternalServerError"])
@pytest.mark.parametrize("flow", [wait_until_active, wait_until_gone])
def test_other_errors_end_the_waiting(flow, code):
    error = make_service_error(code, "no", status=500)
    with pytest.raises(DynamoDBError) as raised:
        play(flow("tab"), table("UPDATING"), error)
    assert raised.value is error
    assert isinstance(error, AccessDenied) == (code == "AccessDeniedException")


@pytest.mark.parametrize(
    ("flow", "options", "seen", "message"),
    [
        (wait_until_active, {}, [table("CREATING")] * 2, "not ACTIVE in time: it is CREATING"),
        (
            wait_until_active,
            {},
            [table("CREATING"), table("ACTIVE", "ACTIVE", "CREATING")],
            "not ACTIVE in time: it is ACTIVE, index index-1 CREATING",
        ),
        (wait_until_active, {"appearing": True}, [MISSING] * 2, "it is not visible yet"),
        (
            wait_until_active,
            {},
            [table("UPDATING"), make_service_error("ThrottlingException", "")],
            "it is unknown (ThrottlingException)",
        ),
        (
            wait_until_gone,
            {},
            [table("ACTIVE"), table("DELETING")],
            "not gone in time: it is DELETING",
        ),
        (
            wait_until_gone,
            {},
            [table("DELETING"), table("ACTIVE")],
            "not gone in time: it is ACTIVE",
        ),
    ],
)
def test_when_the_time_is_over_the_error_says_the_state_and_what_to_do(
    flow, options, seen, message
):
    with pytest.raises(TableInUse) as raised:
        play(flow("tab", waits=iter([0.1]), **options), *seen)
    assert message in str(raised.value)
    assert "wait longer with timeout=" in str(raised.value)
    assert str(raised.value).startswith("DescribeTable on tab: ")


@pytest.mark.parametrize(
    ("status", "mend"),
    [
        (
            "INACCESSIBLE_ENCRYPTION_CREDENTIALS",
            "give DynamoDB access to the table's KMS key again",
        ),
        ("ARCHIVED", "restore its backup to a new table"),
        ("ARCHIVING", "restore its backup to a new table"),
    ],
)
def test_a_state_that_waiting_does_not_change_is_not_waited_for(status, mend):
    with pytest.raises(TableInUse) as raised:
        play(wait_until_active("tab"), table(status))
    assert f"it is {status}, and waiting will not change that: " in str(raised.value)
    assert str(raised.value).endswith(mend)


@pytest.mark.parametrize(
    "seen",
    [
        [MISSING],
        # Right after DeleteTable, the table may be seen as it was.
        [table("ACTIVE"), table("DELETING"), MISSING],
        [make_service_error("LimitExceededException", "too many at once"), MISSING],
        # Somebody made another one of the same name.
        [table("DELETING"), table("CREATING", table_id="id-2")],
    ],
)
def test_until_gone_waits_until_the_table_is_missing_or_another(seen):
    value, waited = play(wait_until_gone("tab", table_id="id-1"), *seen)
    assert value is None
    assert len(waited) == len(seen) - 1


def test_without_an_id_a_table_of_that_name_is_the_one_waited_for():
    seen = [table("DELETING"), table("DELETING", table_id="id-2"), MISSING]
    assert len(play(wait_until_gone("tab"), *seen)[1]) == 2


def test_find_gives_the_description_or_none():
    assert play(find_table("tab"), table("DELETING")) == (table("DELETING"), [])
    assert play(find_table("tab"), MISSING) == (None, [])


@pytest.mark.parametrize("kind", [Throttled, LimitExceeded])
def test_find_raises_everything_else(kind):
    with pytest.raises(kind):
        play(find_table("tab"), kind("slow down"))


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_pauses_grow_and_end_when_the_time_does():
    clock, seen = Clock(), []
    for pause in pauses(60, clock):
        seen.append(pause)
        clock.now += pause
    assert 0.05 <= seen[0] <= 0.1
    assert all(later <= 4 * earlier for earlier, later in pairwise(seen))
    assert 1.5 <= max(seen) <= 3
    assert clock.now == pytest.approx(1060)
    assert 20 < len(seen) < 50


def test_the_time_of_the_requests_counts_too():
    clock = Clock()
    waits = pauses(10, clock)
    next(waits)
    clock.now += 9.98
    assert next(waits) == pytest.approx(0.02)
    clock.now += 0.02
    assert list(waits) == []


def test_the_time_runs_from_the_call_on():
    clock = Clock()
    waits = pauses(5, clock)
    clock.now += 6
    assert list(waits) == []


@pytest.mark.parametrize("timeout", [0, -1])
def test_without_time_there_is_one_look_and_no_pause(timeout):
    with pytest.raises(TableInUse, match="it is CREATING"):
        play(wait_until_active("tab", timeout=timeout), table("CREATING"))
    assert play(wait_until_active("tab", timeout=timeout), table("ACTIVE"))[1] == []

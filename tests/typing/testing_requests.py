"""What the type checkers know of assertions on requests."""

from decimal import Decimal

from typing_extensions import assert_type

from dynamodb_py import connect
from dynamodb_py.metering import Cost
from dynamodb_py.observing.requests import SentRequest
from dynamodb_py.signals import Signal, request_sent
from dynamodb_py.testing import (
    Requests,
    assert_capacity,
    assert_no_scans,
    assert_requests,
    capture_requests,
    forbid_n_plus_one,
)


def blocks() -> None:
    with capture_requests() as sent:
        assert_type(sent, Requests)
    assert_type(sent.total, Cost)
    assert_type(sent.total.cost(read="0.125", write=Decimal("0.625")), Decimal)
    assert_type(sent.operations, list[str])
    assert_type(sent[0], SentRequest)
    assert_type(sent[0].units, float | None)
    assert_type(sent[0].error, Exception | None)
    with assert_requests(2, at_most=3, Query=1) as counted:
        assert_type(counted, Requests)
    with assert_no_scans() as scans, assert_capacity(read=5, write=0.5) as used:
        assert_type(scans, Requests)
        assert_type(used, Requests)
    with forbid_n_plus_one(threshold=4) as nothing:
        assert_type(nothing, None)


def code_after_a_block_is_reached() -> int:
    with assert_requests(1), forbid_n_plus_one():
        return 1
    # An exception of the block is not hidden, so this is never reached.


def wrong() -> None:
    assert_requests("2")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert_requests(Query="2")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert_capacity(5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    connect(slow="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Cost().cost("1", "2")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    connect(through_instrumented_botocore=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    connect(warn_n_plus_one=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert_type(request_sent, Signal)

"""What is tried again, how often and after how long: as boto3's standard mode does for DynamoDB."""

from __future__ import annotations

from itertools import islice

import botocore.session
import pytest
from botocore.retries import standard

from dynamodb_py.exceptions import (
    ConfigurationError,
    ConnectionFailed,
    ConnectTimeout,
    ReadTimeout,
    ResponseCorrupted,
    ServiceError,
    ValidationError,
    make_service_error,
)
from dynamodb_py.retries import (
    RETRYABLE,
    THROTTLING,
    TRANSIENT,
    Retries,
    backoff,
    is_in_doubt,
    is_retryable,
    is_throttling,
)

MODEL = botocore.session.get_session().get_service_model("dynamodb")
OPERATIONS = [MODEL.operation_model(name) for name in MODEL.operation_names]
ERRORS = {shape.name: shape for each in OPERATIONS for shape in each.error_shapes}
OUR_OPERATIONS = [
    "GetItem",
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "Query",
    "Scan",
    "BatchGetItem",
    "BatchWriteItem",
    "CreateTable",
    "DeleteTable",
    "DescribeTable",
    "UpdateTable",
    "ListTables",
]


class Answer:
    """What botocore's checkers look at: an answer with a status."""

    def __init__(self, status: int) -> None:
        self.status_code, self.headers = status, {}


def boto3s_context(code, status, operation="PutItem", attempt=1):
    return standard.RetryContext(
        attempt_number=attempt,
        operation_model=MODEL.operation_model(operation),
        parsed_response={"Error": {"Code": code}},
        http_response=Answer(status),
    )


def boto3_tries_again(code, status, operation):
    return standard.StandardRetryConditions().is_retryable(boto3s_context(code, status, operation))


CODES = sorted(
    {*ERRORS, *RETRYABLE, *standard.ThrottledRetryableChecker._THROTTLED_ERROR_CODES}
    | {*standard.TransientRetryableChecker._TRANSIENT_ERROR_CODES}
    | {"AccessDeniedException", "ValidationException", "ExpiredTokenException", "UnheardOf", ""}
)


@pytest.mark.parametrize("operation", OUR_OPERATIONS)
@pytest.mark.parametrize("status", [400, 403, 413, 429, 500, 501, 502, 503, 504])
def test_the_same_errors_are_tried_again_as_by_boto3(status, operation):
    modelled = {shape.name for shape in MODEL.operation_model(operation).error_shapes}
    for code in CODES:
        if code in ERRORS and code not in modelled:
            continue  # an error that this operation does not have
        known = type(make_service_error(code, "")) is not ServiceError
        if status == 429 and known and code not in modelled:
            continue  # an error of all services: we know it, and boto3 goes by the status
        ours = is_retryable(make_service_error(code, "", status=status))
        assert ours == boto3_tries_again(code, status, operation), code


@pytest.mark.parametrize("status", [400, 429])
def test_the_same_errors_are_throttling_as_by_boto3(status):
    detector = standard.ThrottlingErrorDetector(None)
    for code in CODES:
        if status == 429 and type(make_service_error(code, "")) is not ServiceError:
            continue
        context = boto3s_context(code, status)
        ours = is_throttling(make_service_error(code, "", status=status))
        assert ours == detector.is_throttling_error_from_context(context), code
    assert {*standard.ThrottledRetryableChecker._THROTTLED_ERROR_CODES} == THROTTLING
    assert set(TRANSIENT) == {*standard.TransientRetryableChecker._TRANSIENT_STATUS_CODES}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionFailed("refused"), True),
        (ConnectTimeout("5 s"), True),
        (ReadTimeout("30 s"), True),
        (ResponseCorrupted("wrong checksum"), True),
        (ConfigurationError("no region"), False),
        (ValidationError("no"), False),
        (KeyboardInterrupt(), False),
        (ConnectionResetError(), False),  # a transport never raises a library's own
    ],
)
def test_an_answer_that_did_not_come_is_tried_again_and_nothing_of_ours(error, expected):
    assert is_retryable(error) is expected
    assert is_throttling(error) is False


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        (["None", "ThrottlingError"], True),
        (["ProvisionedThroughputExceeded", "None"], True),
        (["ThrottlingError", "TransactionConflict"], True),
        (["ThrottlingError", "ConditionalCheckFailed"], False),
        (["TransactionConflict"], False),  # tried again by those who know of conflicts
        (["None"], False),
        ([], False),
    ],
)
def test_a_transaction_that_throttling_alone_cancelled_is_tried_again(reasons, expected):
    body = {"CancellationReasons": [{"Code": code} for code in reasons]}
    error = make_service_error("TransactionCanceledException", "", body=body)
    assert is_throttling(error) is expected
    assert is_retryable(error) is is_retryable(error, repeatable=False) is expected
    assert not is_in_doubt(error)


NEVER_SENT = ConnectionFailed("refused")
NEVER_SENT.__cause__ = ConnectionRefusedError()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionFailed("reset"), True),
        (ReadTimeout("30 s"), True),
        (ResponseCorrupted("wrong checksum"), True),
        (ConnectTimeout("5 s"), False),
        (NEVER_SENT, False),
        (make_service_error("InternalServerError", "", status=500), True),
        (make_service_error("UnheardOf", "", status=503), True),
        (make_service_error("ThrottlingException", "", status=503), False),
        (make_service_error("RequestTimeout", "", status=400), True),
        (make_service_error("TransactionInProgressException", ""), True),
        (make_service_error("TransactionConflictException", ""), False),
        (make_service_error("ReplicatedWriteConflictException", ""), False),
        (make_service_error("TransactionCanceledException", ""), False),
        (make_service_error("ConditionalCheckFailedException", ""), False),
        (make_service_error("ValidationException", ""), False),
        (GeneratorExit(), True),
        (ValidationError("no"), False),
        (ValueError(), False),
    ],
    ids=repr,
)
def test_what_may_have_been_executed_is_in_doubt(error, expected):
    assert is_in_doubt(error) is expected


def test_as_many_attempts_as_boto3_makes():
    assert Retries().attempts == standard._SERVICE_MAX_ATTEMPTS["dynamodb"]


@pytest.mark.parametrize("attempt", [1, 2, 3, 4, 5, 6, 10, 2000])
@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerError"])
def test_the_pauses_are_those_of_boto3(code, share, attempt):
    theirs = standard.ExponentialBackoff(
        random=lambda: share,
        service_name="dynamodb",
        throttling_detector=standard.ThrottlingErrorDetector(None),
    )
    status = 500 if code == "InternalServerError" else 400
    context = boto3s_context(code, status, attempt=min(attempt, 1000))
    ours = Retries().pause(
        make_service_error(code, "", status=status), min(attempt, 1000), lambda: share
    )
    assert ours == pytest.approx(theirs.delay_amount(context))


def test_a_pause_is_a_random_share():
    pauses = {Retries().pause(ConnectionFailed(""), 3) for _ in range(50)}
    assert len(pauses) > 40
    assert 0 <= min(pauses) <= max(pauses) <= 0.1
    assert Retries(base=0).pause(make_service_error("ThrottlingException", ""), 3) == 0
    assert (
        Retries(cap=0.5).pause(make_service_error("ThrottlingException", ""), 9, lambda: 1.0) == 0.5
    )


def test_backoff_doubles_up_to_its_cap_and_never_ends():
    assert list(islice(backoff(1, 20, jitter=lambda: 1.0), 7)) == [1, 2, 4, 8, 16, 20, 20]
    assert set(islice(backoff(1, 20, jitter=lambda: 0.0), 5)) == {0.0}
    assert 0 <= next(islice(backoff(1, 20), 5000, None)) <= 20


@pytest.mark.parametrize(
    ("said", "attempts"),
    [("7", 7), ("1", 1), ("", 4), ("0", 4), ("-1", 4), ("many", 4), ("2.5", 4)],
)
def test_the_environment_says_how_many_attempts(monkeypatch, said, attempts):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", said)
    assert Retries.from_environment().attempts == attempts
    monkeypatch.delenv("AWS_MAX_ATTEMPTS")
    assert Retries.from_environment() == Retries()

"""The errors: which class follows from which code, what they know, and that they travel."""

from __future__ import annotations

import copy
import pickle

import botocore.session
import pytest

from dynamodb_py import exceptions
from dynamodb_py.exceptions import (
    AccessDenied,
    AlreadyExists,
    BatchIncomplete,
    CancellationReason,
    ConditionFailed,
    ConnectionFailed,
    ConnectTimeout,
    DoesNotExist,
    DynamoDBError,
    InvalidRequest,
    ItemCollectionTooLarge,
    ItemTooLarge,
    LimitExceeded,
    QueryError,
    ReadTimeout,
    RequestError,
    ResponseCorrupted,
    ScanRequired,
    ServiceError,
    ServiceUnavailable,
    StaleItem,
    TableAlreadyExists,
    TableInUse,
    TableMismatch,
    TableNotFound,
    Throttled,
    TransactionCanceled,
    TransactionConflict,
    ValidationError,
    make_service_error,
    narrow_error,
)

MODEL = botocore.session.get_session().get_service_model("dynamodb")

CODES = [
    ("ConditionalCheckFailedException", ConditionFailed),
    ("TransactionCanceledException", TransactionCanceled),
    ("TransactionConflictException", TransactionConflict),
    ("TransactionInProgressException", TransactionConflict),
    ("ReplicatedWriteConflictException", TransactionConflict),
    ("ResourceNotFoundException", TableNotFound),
    ("TableNotFoundException", TableNotFound),
    ("IndexNotFoundException", TableNotFound),
    ("ResourceInUseException", TableInUse),
    ("TableInUseException", TableInUse),
    ("TableAlreadyExistsException", TableAlreadyExists),
    ("ProvisionedThroughputExceededException", Throttled),
    ("ThrottlingException", Throttled),
    ("RequestLimitExceeded", Throttled),
    ("LimitExceededException", LimitExceeded),
    ("ItemCollectionSizeLimitExceededException", ItemCollectionTooLarge),
    ("AccessDeniedException", AccessDenied),
    ("UnrecognizedClientException", AccessDenied),
    ("InvalidSignatureException", AccessDenied),
    ("ExpiredTokenException", AccessDenied),
    ("ValidationException", InvalidRequest),
    ("SerializationException", InvalidRequest),
    ("IdempotentParameterMismatchException", InvalidRequest),
    ("InternalServerError", ServiceUnavailable),
    ("ServiceUnavailable", ServiceUnavailable),
]
# What DynamoDB has for features that are not spoken here.
ELSEWHERE = ("Backup", "Export", "Import", "GlobalTable", "Replica", "PointInTime", "Policy",
             "InvalidRestore", "InvalidExport", "ContinuousBackups", "DuplicateItem")  # fmt: skip


@pytest.mark.parametrize(("code", "kind"), CODES)
def test_the_class_follows_from_the_code_alone(code, kind):
    for message, status in (("", 400), ("anything at all", 400), ("ThrottlingException", 500)):
        error = make_service_error(code, message, status=status)
        assert type(error) is kind
        assert (error.code, error.message, error.status) == (code, message, status)
        said = f"{code}: {message}" if message else code
        assert str(error) == (f"{said}; {kind.advice}" if kind.advice else said)


def test_every_error_of_dynamodbs_model_has_a_class():
    operations = [MODEL.operation_model(name) for name in MODEL.operation_names]
    names = {shape.name for each in operations for shape in each.error_shapes}
    plain = {name for name in names if type(make_service_error(name, "")) is ServiceError}
    assert {name for name in plain if not name.startswith(ELSEWHERE)} == set()


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("UnheardOf", 400, ServiceError),
        ("UnheardOf", 500, ServiceUnavailable),
        ("UnheardOf", 503, ServiceUnavailable),
        ("", 400, ServiceError),
        ("ValidationException", 500, InvalidRequest),
    ],
)
def test_an_unknown_code_is_judged_by_its_status(code, status, kind):
    assert type(make_service_error(code, "", status=status)) is kind


@pytest.mark.parametrize(
    ("code", "body", "name", "value"),
    [
        ("ConditionalCheckFailedException", {"Item": {"k": {"S": "a"}}}, "current", {"k": {"S": "a"}}),
        ("ConditionalCheckFailedException", {"Item": None}, "current", None),
        ("ConditionalCheckFailedException", {}, "current", None),
        ("TransactionCanceledException", {"CancellationReasons": [{"Code": "None"}]}, "reasons", [CancellationReason("None")]),
        ("TransactionCanceledException", {"CancellationReasons": [{}, {"Code": None, "Message": None, "Item": None}]}, "reasons", [CancellationReason("None")] * 2),
        ("TransactionCanceledException", {"CancellationReasons": [{"Code": "X", "Message": "so it is", "Item": {"k": {"S": "a"}}}]}, "reasons", [CancellationReason("X", "so it is", {"k": {"S": "a"}})]),
        ("TransactionCanceledException", {"CancellationReasons": []}, "reasons", []),
        ("TransactionCanceledException", {"Message": "no more"}, "reasons", []),
        ("TransactionCanceledException", None, "reasons", ()),
        ("ThrottlingException", {"ThrottlingReasons": [{"reason": "x"}]}, "reasons", [{"reason": "x"}]),
        ("ThrottlingException", {}, "reasons", ()),
    ],
)  # fmt: skip
def test_what_the_body_says_more_is_kept(code, body, name, value):
    assert getattr(make_service_error(code, "", body=body), name) == value


def dressed(error):
    error.operation, error.table, error.request_id = "PutItem", "test", "R1"
    error.attempts, error.unprocessed = 3, [1]
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionFailed("reset"), "reset; {advice}"),
        (ConnectionFailed("No connection."), "No connection; {advice}"),
        (dressed(ConnectionFailed("reset")), "PutItem on test: reset; {advice} (request R1, 3 attempts)"),
        (dressed(ReadTimeout("30 s")), "PutItem on test: 30 s; {advice} (request R1, 3 attempts)"),
        (dressed(make_service_error("ThrottlingException", "slow")), "PutItem on test: ThrottlingException: slow; {advice} (request R1, 3 attempts)"),
    ],
)  # fmt: skip
def test_an_error_says_what_was_asked_of_which_table_how_often_and_what_to_do(error, said):
    assert type(error).advice
    assert str(error) == said.format(advice=type(error).advice)


ALL = [
    ValidationError({"a": ["b"]}, model="Test"),
    ItemTooLarge("too large", model="Test"),
    DoesNotExist("gone", missing=[1]),
    BatchIncomplete("left", unprocessed=[1, 2]),
    TableMismatch("differs", ["one"]),
    ScanRequired("scan"),
    StaleItem("stale"),
    *[dressed(kind("said")) for kind in (ConnectionFailed, ConnectTimeout, ReadTimeout, ResponseCorrupted)],
    *[dressed(make_service_error(code, "said", body={"Item": {}, "CancellationReasons": [{"Code": "X", "Item": {"k": {"S": "a"}}}], "ThrottlingReasons": [2]})) for code, _ in CODES],
]  # fmt: skip


@pytest.mark.parametrize(
    "error", ALL, ids=[f"{at}-{type(each).__name__}" for at, each in enumerate(ALL)]
)
@pytest.mark.parametrize(
    "again", [copy.copy, lambda x: pickle.loads(pickle.dumps(x))], ids=["copy", "pickle"]
)
def test_errors_travel_with_all_that_they_know(error, again):
    other = again(error)
    assert type(other) is type(error)
    assert str(other) == str(error)
    assert vars(other) == vars(error)


@pytest.mark.parametrize(
    ("kind", "bases"),
    [
        (ValidationError, (DynamoDBError, ValueError)),
        (ItemTooLarge, (ValidationError,)),
        (QueryError, (DynamoDBError, ValueError)),
        (ScanRequired, (QueryError,)),
        (DoesNotExist, (DynamoDBError, LookupError)),
        (ConnectionFailed, (RequestError, ConnectionError, OSError)),
        (ReadTimeout, (ConnectionFailed, TimeoutError)),
        (ConnectTimeout, (ConnectionFailed, TimeoutError)),
        (ResponseCorrupted, (ConnectionFailed,)),
        (AlreadyExists, (ConditionFailed, ServiceError, RequestError)),
        (StaleItem, (ConditionFailed, ServiceError, RequestError)),
    ],
)
def test_errors_are_caught_as_pythons_own_too(kind, bases):
    assert all(issubclass(kind, base) for base in bases)


def test_every_error_is_in_the_tree_that_is_drawn_at_the_top_and_has_one_root():
    kinds = [
        each
        for each in vars(exceptions).values()
        if isinstance(each, type) and issubclass(each, Exception) and not issubclass(each, Warning)
    ]
    assert kinds
    for kind in kinds:
        assert issubclass(kind, DynamoDBError)
        assert f" {kind.__name__}" in exceptions.__doc__ or kind in (DynamoDBError, RequestError)


def test_narrowing_keeps_all_that_is_known():
    class Own(AlreadyExists):
        pass

    error = dressed(
        make_service_error("ConditionalCheckFailedException", "no", body={"Item": {"k": 1}})
    )
    same = narrow_error(error, Own)
    assert type(same) is Own
    assert vars(same) == vars(error)
    assert str(same) == str(error).replace(error.advice, Own.advice)


def test_a_validation_error_of_one_sentence_has_no_field():
    error = ValidationError("no", model="Test")
    assert (str(error), error.errors) == ("Test: no", {"": ["no"]})
    assert str(ValidationError({"a": ["b", "c"], "d": ["e"]})) == "a: b; c | d: e"


class Account:
    """Stands for a model."""

    def __init__(self, key):
        self.primary_key = key

    def __eq__(self, other):
        return isinstance(other, Account) and other.primary_key == self.primary_key

    __hash__ = None


class Unfetched:
    @property
    def primary_key(self):
        raise exceptions.FieldNotLoaded("it was not fetched")


def canceled(*reasons):
    error = make_service_error("TransactionCanceledException", "no")
    error.reasons = reasons
    return error


NO = "ConditionalCheckFailed"


@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        ((), ""),
        ((CancellationReason("None"),), ""),
        ((CancellationReason("None"), CancellationReason(NO)), f"; reasons[1], {NO}"),
        (
            (CancellationReason(NO, "so it is", instance=Account("a"), verb="save"),),
            f"; reasons[0], save of Account('a'): {NO} (so it is)",
        ),
        (
            (
                CancellationReason("None", instance=Account("a"), verb="save"),
                CancellationReason(NO, instance=Account(("a", 7)), verb="delete"),
                CancellationReason("TransactionConflict", instance=Account(7)),
            ),
            f"; reasons[1], delete of Account('a', 7): {NO}; "
            "reasons[2], Account(7): TransactionConflict",
        ),
        ((CancellationReason(NO, verb="check"),), f"; reasons[0], check: {NO}"),
        (
            (CancellationReason(NO, instance=Unfetched(), verb="save"),),
            f"; reasons[0], save of Unfetched: {NO}",
        ),
        (
            [CancellationReason("X")] * 100,
            "; reasons[0], X; reasons[1], X; reasons[2], X; reasons[3], X; reasons[4], X; "
            "and 95 more",
        ),
    ],
)
def test_a_canceled_transaction_says_which_calls_are_to_blame(reasons, said):
    error = canceled(*reasons)
    assert str(error) == f"TransactionCanceledException: no{said}"
    assert str(dressed(error)).endswith(f"no{said} (request R1, 3 attempts)")


def test_one_reason_of_several_that_is_none_is_not_to_blame():
    error = make_service_error(
        "TransactionCanceledException",
        "no",
        body={"CancellationReasons": [{"Code": "None"}, {"Code": NO, "Message": "so it is"}]},
    )
    assert [each.is_to_blame for each in error.reasons] == [False, True]


@pytest.mark.parametrize(
    "again", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["deepcopy", "pickle"]
)
def test_a_canceled_transaction_travels_with_what_its_calls_were_about(again):
    stale = make_service_error("ConditionalCheckFailedException", "no")
    given, current = Account("a"), Account("a")
    reason = CancellationReason(NO, "no", {"k": {"S": "a"}}, given, "save", current, stale)
    error = dressed(canceled(CancellationReason("None"), reason))
    other = again(error)
    assert str(other) == str(error)
    assert other.reasons[0] == error.reasons[0]
    found = other.reasons[1]
    assert (found.code, found.item, found.verb) == (NO, {"k": {"S": "a"}}, "save")
    assert found.instance == given
    assert found.instance is not given
    assert found.current == current
    assert vars(found.error) == vars(stale)
    assert type(found.error) is ConditionFailed

"""PartiQL statements: their requests, and rows that know the request for the rest."""

from __future__ import annotations

import msgspec
import pytest

from dynamodb_py.exceptions import (
    AlreadyExists,
    ConditionFailed,
    InvalidRequest,
    QueryError,
    ResponseCorrupted,
    ServiceUnavailable,
    TableNotFound,
    Throttled,
    TransactionConflict,
)
from dynamodb_py.operations.statements import (
    BatchExecuteStatement,
    ExecuteStatement,
    ExecuteTransaction,
    Rows,
)

from ..scripted import checked

SELECT = 'SELECT * FROM "t" WHERE k = ?'
UPDATE = 'UPDATE "t" SET n = n + 1 WHERE k = ?'
READ = ExecuteStatement(SELECT, [{"S": "a"}], table="t")
WRITE = ExecuteStatement(UPDATE, [{"S": "a"}], table="t")
INSERT = ExecuteStatement("INSERT INTO u VALUE {'k': 'a'}", table="u")
EXISTS = ExecuteStatement('EXISTS(SELECT * FROM "v" WHERE k = 1 AND n = 2)', table="v")


@pytest.mark.parametrize(
    ("operation", "payload"),
    [
        (ExecuteStatement(SELECT), {"Statement": SELECT}),
        (
            ExecuteStatement(SELECT, [{"S": "a"}, {"B": b"\x01"}], True, 10, "token", "t"),
            {
                "Statement": SELECT,
                "Parameters": [{"S": "a"}, {"B": b"\x01"}],
                "ConsistentRead": True,
                "Limit": 10,
                "NextToken": "token",
            },
        ),
    ],
    ids=["bare", "all"],
)
def test_the_payload_is_what_dynamodb_takes(operation, payload):
    assert checked(operation) == payload
    assert operation.api == "ExecuteStatement"


def test_rows_know_the_request_for_the_rest_which_asks_the_same_from_there_on():
    operation = ExecuteStatement(SELECT, [{"S": "a"}], limit=2)
    rows = operation.parse(b'{"Items": [{"k": {"S": "a"}}, {}], "NextToken": "next"}')
    assert (rows.items, rows.next_token) == ([b'{"k": {"S": "a"}}', b"{}"], "next")
    assert checked(rows.rest) == {**checked(operation), "NextToken": "next"}


@pytest.mark.parametrize("body", [b"{}", b'{"Items": []}', b'{"Items": [], "NextToken": null}'])
def test_without_a_token_it_is_the_end(body):
    assert ExecuteStatement(SELECT).parse(body) == Rows([])


@pytest.mark.parametrize(
    ("statement", "reads"),
    [
        (SELECT, True),
        ("\n  select k from t", True),
        ("INSERT INTO t VALUE {'k': ?}", False),
        ("UPDATE t SET n = n + 1 WHERE k = ?", False),
        ("DELETE FROM t WHERE k = ?", False),
        ("", False),
    ],
)
def test_only_a_select_may_be_carried_out_twice(statement, reads):
    operation = ExecuteStatement(statement, table="t")
    assert operation.repeatable is operation.reads is reads
    assert operation.tables == ("t",)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"Items": {}}'])
def test_an_answer_that_is_none_is_refused(body):
    with pytest.raises(msgspec.DecodeError):
        ExecuteStatement(SELECT).parse(body)


def test_a_write_that_may_fail_asks_for_the_item_as_it_stands():
    for statement in (UPDATE, "delete from t where k = 'a'"):
        payload = checked(ExecuteStatement(statement))
        assert payload["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"
    for operation in (READ, INSERT):
        assert "ReturnValuesOnConditionCheckFailure" not in checked(operation)


# -- several ----------------------------------------------------------------------------------------


def test_a_batch_is_the_requests_of_its_statements():
    consistent = ExecuteStatement(SELECT, [{"S": "b"}], consistent=True, table="u")
    batch = BatchExecuteStatement([READ, consistent])
    assert checked(batch) == {"Statements": [checked(READ), checked(consistent)]}
    assert (batch.api, batch.tables, batch.reads, batch.repeatable) == (
        "BatchExecuteStatement", ("t", "u"), True, True,
    )  # fmt: skip
    writes = BatchExecuteStatement([WRITE, INSERT])
    assert checked(writes) == {"Statements": [checked(WRITE), checked(INSERT)]}
    assert (writes.reads, writes.repeatable) == (False, False)


def test_a_transaction_that_writes_has_a_token_and_is_repeatable_by_it():
    transaction = ExecuteTransaction([WRITE, INSERT, EXISTS], "token")
    assert checked(transaction) == {
        "TransactStatements": [checked(WRITE), checked(INSERT), checked(EXISTS)],
        "ClientRequestToken": "token",
    }
    assert (transaction.api, transaction.tables) == ("ExecuteTransaction", ("t", "u", "v"))
    assert (transaction.reads, transaction.repeatable) == (False, True)


def test_a_transaction_that_reads_has_no_token_and_says_nothing_of_consistency():
    consistent = ExecuteStatement(SELECT, [{"S": "b"}], consistent=True)
    transaction = ExecuteTransaction([READ, consistent], "token")
    assert checked(transaction) == {
        "TransactStatements": [
            {"Statement": SELECT, "Parameters": [{"S": "a"}]},
            {"Statement": SELECT, "Parameters": [{"S": "b"}]},
        ]
    }
    assert transaction.reads


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: BatchExecuteStatement([]), "a batch has 1 to 25 statements, not 0"),
        (lambda: BatchExecuteStatement([READ] * 26), "a batch has 1 to 25 statements, not 26"),
        (lambda: ExecuteTransaction([], "t"), "a transaction has 1 to 100 statements, not 0"),
        (lambda: ExecuteTransaction([READ] * 101, "t"), "1 to 100 statements, not 101"),
        (lambda: ExecuteTransaction([WRITE], ""), "has 1 to 36 characters, not 0"),
        (lambda: BatchExecuteStatement([WRITE, INSERT, READ]), "statement 3 is a SELECT, and statement 1 is not"),
        (lambda: ExecuteTransaction([READ, EXISTS], "t"), "a transaction of statements either reads or writes: statement 1 is"),
    ],
)  # fmt: skip
def test_what_dynamodb_takes_in_no_one_request_is_refused(make, words):
    with pytest.raises(QueryError, match=words):
        make()


@pytest.mark.parametrize("count", [25, 100])
def test_as_many_as_dynamodb_takes_are_no_error(count):
    make = BatchExecuteStatement if count == 25 else lambda given: ExecuteTransaction(given, "t")
    assert len(make([WRITE] * count).statements) == count


def test_the_items_of_a_batch_are_in_the_order_of_its_statements():
    batch = BatchExecuteStatement([READ, READ, READ])
    body = b'{"Responses": [{"TableName": "t", "Item": {"k": {"S": "a"}}}, {"TableName": "t"}, {"Item": {}}]}'
    assert batch.parse(body) == [b'{"k": {"S": "a"}}', None, b"{}"]


@pytest.mark.parametrize(
    ("code", "kind", "name"),
    [
        ("ConditionalCheckFailed", ConditionFailed, "ConditionalCheckFailedException"),
        ("DuplicateItem", AlreadyExists, "DuplicateItemException"),
        ("ThrottlingError", Throttled, "ThrottlingException"),
        ("ProvisionedThroughputExceeded", Throttled, "ProvisionedThroughputExceededException"),
        ("RequestLimitExceeded", Throttled, "RequestLimitExceeded"),
        ("ResourceNotFound", TableNotFound, "ResourceNotFoundException"),
        ("ValidationError", InvalidRequest, "ValidationException"),
        ("TransactionConflict", TransactionConflict, "TransactionConflictException"),
        ("InternalServerError", ServiceUnavailable, "InternalServerError"),
    ],
)
def test_the_error_of_a_statement_is_in_its_place_as_it_would_be_alone(code, kind, name):
    item = {"k": {"S": "a"}}
    failed = {"Error": {"Code": code, "Message": "why", "Item": item}, "TableName": "real"}
    body = msgspec.json.encode({"Responses": [{}, failed, {"Error": {"Code": code}}]})
    first, error, last = BatchExecuteStatement([WRITE, INSERT, INSERT]).parse(body)
    assert first is None
    assert (type(error), error.code, error.message) == (kind, name, "why")
    assert (error.operation, error.table, last.table) == ("BatchExecuteStatement", "real", "u")
    assert (getattr(error, "current", None) == item) is (kind is ConditionFailed)


def test_the_items_of_a_transaction_are_in_the_order_of_its_statements():
    body = b'{"Responses": [{}, {"Item": {"k": {"S": "a"}}}]}'
    assert ExecuteTransaction([READ, READ], "t").parse(body) == [None, b'{"k": {"S": "a"}}']
    for body in (b'{"Responses": []}', b'{"Responses": [{}, {}]}', b"{}"):
        assert ExecuteTransaction([WRITE, INSERT], "t").parse(body) == [None, None]


@pytest.mark.parametrize(
    "operation", [BatchExecuteStatement([WRITE, WRITE]), ExecuteTransaction([READ, READ], "t")]
)
def test_an_answer_of_other_length_is_corrupted(operation):
    with pytest.raises(ResponseCorrupted, match="1 responses came for 2 statements"):
        operation.parse(b'{"Responses": [{}]}')

"""PartiQL statements: their requests, and rows that know the request for the rest."""

from __future__ import annotations

import msgspec
import pytest

from dynamodb_py.operations.statements import ExecuteStatement, Rows

from ..scripted import checked

SELECT = 'SELECT * FROM "t" WHERE k = ?'


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

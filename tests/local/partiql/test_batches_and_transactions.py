"""BatchExecuteStatement and ExecuteTransaction."""

from __future__ import annotations

from typing import Any

import pytest

from ..database import Refused, to_item
from .tables import Statements, make_statements

INVALID = "ValidationException: "
NEEDS_KEY = "must specify the primary key in the where clause."


@pytest.fixture
def database() -> Statements:
    database = make_statements()
    database.put(to_item(h="a", r=1, n=1), to_item(h="b", r=1, n=2))
    return database


def test_a_batch_of_reads_answers_each_by_its_key(database):
    assert database.batch(
        "SELECT * FROM tab WHERE h = 'a' AND r = 1",
        "SELECT n FROM tab WHERE r = 1 AND h = 'b'",
        "SELECT n FROM tab WHERE r = 2 AND h = 'b'",
    ) == [
        {"TableName": "tab", "Item": to_item(h="a", r=1, n=1)},
        {"TableName": "tab", "Item": to_item(n=2)},
        {"TableName": "tab"},
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM tab",
        "SELECT * FROM tab WHERE h = 'a'",
        "SELECT * FROM tab WHERE h = 'a' AND r = 1 AND n = 1",
        "SELECT * FROM tab.by_l WHERE h = 'a' AND l = 1",
    ],
)
def test_a_select_of_a_batch_or_transaction_is_of_one_key(database, statement):
    refused = f"Select statements within BatchExecuteStatement {NEEDS_KEY}"
    good = "SELECT n FROM tab WHERE h = 'a' AND r = 1"
    assert database.batch(statement, good) == [
        {"Error": {"Code": "ValidationError", "Message": refused}},
        {"TableName": "tab", "Item": to_item(n=1)},
    ]
    with pytest.raises(Refused, match=r"Validation failed in TransactStatements\[1\]: "):
        database.transact(good, statement)


def test_a_batch_of_writes_carries_out_what_can_be(database):
    database.put(*(to_item(h=h, r=1, n=0) for h in "def"))
    answers = database.batch(
        "INSERT INTO tab VALUE {'h': 'c', 'r': 1}",
        "INSERT INTO tab VALUE {'h': 'd', 'r': 1}",
        "UPDATE tab SET n = 5 WHERE h = 'a' AND r = 1 RETURNING MODIFIED NEW *",
        "UPDATE tab REMOVE k WHERE h = 'e' AND r = 1 RETURNING MODIFIED NEW *",
        "UPDATE tab SET n = 5 WHERE h = 'f' AND r = 1 AND n = 7",
        "DELETE FROM none WHERE h = 'a'",
        "SLECT",
        "DELETE FROM tab WHERE h = 'b' AND r = 1 RETURNING MODIFIED OLD *",
        "DELETE FROM tab WHERE h = 'b' AND r = 1 RETURNING ALL OLD *",
    )
    codes = [answer.get("Error", {}).get("Code") for answer in answers]
    assert codes == [
        None,
        "DuplicateItem",
        None,
        None,
        "ConditionalCheckFailed",
        "ResourceNotFound",
        "ValidationError",
        "ValidationError",
        None,
    ]
    assert [number for number, answer in enumerate(answers) if "TableName" not in answer] == [
        5,
        6,
        7,
    ]
    items = {number: answer["Item"] for number, answer in enumerate(answers) if "Item" in answer}
    assert items == {2: to_item(n=5), 8: to_item(h="b", r=1, n=2)}
    assert database.find("c")
    assert not database.find("b")


def test_each_read_of_a_batch_is_consistent_by_itself(database):
    statement = "SELECT * FROM tab WHERE r = 1 AND h = "
    answer = database(
        "BatchExecuteStatement",
        Statements=[
            {"Statement": f"{statement}'a'"},
            {"Statement": f"{statement}'b'", "ConsistentRead": True},
        ],
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer["ConsumedCapacity"] == [{"TableName": "tab", "CapacityUnits": 1.5}]


def test_a_transaction_of_reads_answers_each(database):
    answer = database.transact(
        "SELECT n FROM tab WHERE h = 'a' AND r = 1",
        "SELECT * FROM tab WHERE h = 'x' AND r = 1",
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer["Responses"] == [{"Item": to_item(n=1)}, {}]
    assert answer["ConsumedCapacity"][0]["ReadCapacityUnits"] == 4


def test_a_transaction_writes_all_and_answers_no_items(database):
    answer = database.transact(
        "INSERT INTO tab VALUE {'h': 'c', 'r': 1}",
        "UPDATE tab SET n = n + 1 WHERE h = 'a' AND r = 1",
        "DELETE FROM tab WHERE h = 'b' AND r = 1 AND n = 2",
        "EXISTS(SELECT * FROM tab WHERE h = 'd' AND r = 1 AND n IS MISSING)",
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer["Responses"] == []
    assert answer["ConsumedCapacity"][0]["WriteCapacityUnits"] == 8
    assert database.find("a")["n"] == {"N": "2"}
    assert database.find("c")
    assert not database.find("b")


def test_a_transaction_that_fails_changes_nothing_and_says_why(database):
    with pytest.raises(Refused) as caught:
        database(
            "ExecuteTransaction",
            TransactStatements=[
                {"Statement": "INSERT INTO tab VALUE {'h': 'c', 'r': 1}"},
                {"Statement": "INSERT INTO tab VALUE {'h': 'a', 'r': 1}"},
                {
                    "Statement": "UPDATE tab SET n = 5 WHERE h = 'b' AND r = 1 AND n = ?",
                    "Parameters": [{"N": "7"}],
                    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                },
                {"Statement": "EXISTS(SELECT * FROM tab WHERE h = 'd' AND r = 1 AND n = 1)"},
            ],
        )
    assert caught.value.code == "TransactionCanceledException"
    assert caught.value.body["message"].endswith(
        "[None, DuplicateItem, ConditionalCheckFailed, ConditionalCheckFailed]"
    )
    reasons = caught.value.body["CancellationReasons"]
    assert reasons[1]["Message"] == "Duplicate primary key exists in table"
    assert reasons[2]["Item"] == to_item(h="b", r=1, n=2)
    assert database.find("c") is None


def test_a_token_carries_out_a_transaction_once(database):
    statement = "UPDATE tab SET n = n + 1 WHERE h = 'a' AND r = 1"
    for kind in ("Write", "Read"):
        answer = database.transact(
            statement, ClientRequestToken="token", ReturnConsumedCapacity="TOTAL"
        )
        assert answer["Responses"] == []
        (consumed,) = answer["ConsumedCapacity"]
        assert consumed[f"{kind}CapacityUnits"] == 2
    assert database.find("a")["n"] == {"N": "2"}
    with pytest.raises(Refused, match="IdempotentParameterMismatchException"):
        database.transact(f"{statement} AND n = 2", ClientRequestToken="token")


PART = "Validation failed in TransactStatements[0]: "


@pytest.mark.parametrize(
    ("operation", "statements", "message"),
    [
        ("ExecuteTransaction", [], "'transactStatements' failed to satisfy constraint"),
        ("BatchExecuteStatement", [], "'statements' failed to satisfy constraint"),
        ("ExecuteTransaction", ["SELECT * FROM tab"] * 101, "less than or equal to 100"),
        ("BatchExecuteStatement", ["SELECT * FROM tab"] * 26, "less than or equal to 25"),
        (
            "ExecuteTransaction",
            ["SELECT * FROM tab WHERE h = 'a' AND r = 1", "DELETE FROM tab WHERE h = 'b' AND r = 1"],
            "ExecuteTransaction API does not support both read and write operations in the same "
            "request.",
        ),
        (
            "BatchExecuteStatement",
            ["SELECT * FROM tab WHERE h = 'a' AND r = 1", "DELETE FROM tab WHERE h = 'b' AND r = 1"],
            "Read and write requests together in the same batch is not supported.",
        ),
        (
            "BatchExecuteStatement",
            ["SELECT * FROM tab WHERE h = 'a' AND r = 1", "SELECT n FROM tab WHERE h = 'a' AND r = 1.0"],
            "Provided list of item keys contains duplicates",
        ),
        (
            "ExecuteTransaction",
            ["SELECT * FROM tab WHERE"],
            f"{PART}Statement wasn't well formed, can't be processed: Unexpected term",
        ),
        (
            "ExecuteTransaction",
            ["DELETE FROM tab WHERE h = 'a' AND r = 1 RETURNING ALL OLD *"],
            "RETURNING clause is not supported in ExecuteTransaction",
        ),
        (
            "ExecuteTransaction",
            ["SELECT * FROM tab.by_g WHERE g = 'x'"],
            "Reads on indices are not supported within transactions",
        ),
        (
            "ExecuteTransaction",
            ["EXISTS(SELECT * FROM tab WHERE h = 'a' AND r = 1)"],
            f"{PART}EXISTS() must contain a single item read with additional condition",
        ),
        (
            "ExecuteTransaction",
            ["EXISTS(SELECT * FROM tab.by_l WHERE h = 'a' AND l = 1 AND n = 1)"],
            f"{PART}Reads on indices are not supported within transactions",
        ),
        (
            "ExecuteTransaction",
            ["DELETE FROM tab WHERE h = 'a' AND r = 1", "DELETE FROM tab WHERE h = 'a' AND r = 1"],
            "Transaction request cannot include multiple operations on one item",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_together_is_refused(database, operation, statements, message):
    name = "Statements" if operation.startswith("Batch") else "TransactStatements"
    members: Any = {name: [{"Statement": each} for each in statements]}
    refused = database.refuse(operation, **members)
    assert refused.startswith(INVALID)
    assert message in refused


def test_a_part_that_is_no_structure_is_refused(database):
    part = "SELECT * FROM tab"
    for each in (part, {"Statement": part, "Parameters": "x"}, {"Statement": 1}):
        refused = database.refuse("BatchExecuteStatement", Statements=[each])
        assert refused.startswith("SerializationException")


def test_a_transaction_needs_all_its_tables(database):
    with pytest.raises(Refused, match="ResourceNotFoundException: Requested resource not found"):
        database.transact(
            "DELETE FROM tab WHERE h = 'a' AND r = 1", "DELETE FROM none WHERE h = 'a'"
        )
    assert database.find("a")

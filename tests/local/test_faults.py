"""Faults on demand: each kind does what it promises, by operation, table, probability and count."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dynamodb_py.exceptions import ConfigurationError, ConnectionFailed
from dynamodb_py.local.database.engine import Engine
from dynamodb_py.local.database.faults import Rule, find_tables

INDEX = {
    "IndexName": "by_n",
    "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=["memory", "file"])
def engine(request, tmp_path):
    path = str(tmp_path / "app.db") if request.param == "file" else None
    engine = Engine(path, clock=Clock())
    for name in ("users", "orders"):
        answer = send(
            engine,
            "CreateTable",
            TableName=name,
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            AttributeDefinitions=[
                {"AttributeName": each, "AttributeType": kind} for each, kind in ("kS", "nN")
            ],
            GlobalSecondaryIndexes=[INDEX],
            BillingMode="PAY_PER_REQUEST",
        )
        assert "TableDescription" in answer, answer
    yield engine
    engine.close()


def send(engine: Engine, operation: str, **request: Any) -> Any:
    """Return the answer, or the code of the error."""
    status, body = engine.call(operation, json.dumps(request).encode())
    answer = json.loads(body)
    return answer if status == 200 else answer["__type"].rpartition("#")[2]


def put(engine: Engine, k: str = "a", n: int = 1, table: str = "users") -> Any:
    return send(engine, "PutItem", TableName=table, Item={"k": {"S": k}, "n": {"N": str(n)}})


def get(engine: Engine, k: str = "a", table: str = "users") -> Any:
    return send(engine, "GetItem", TableName=table, Key={"k": {"S": k}})


def find(engine: Engine, n: int, **more: Any) -> list[str]:
    answer = send(
        engine,
        "Query",
        TableName="users",
        IndexName="by_n",
        KeyConditionExpression="n = :n",
        ExpressionAttributeValues={":n": {"N": str(n)}},
        **more,
    )
    return [item["k"]["S"] for item in answer["Items"]]


THROTTLED = "ProvisionedThroughputExceededException"


def test_a_throttled_request_does_nothing_and_others_are_answered(engine):
    rule = engine.faults.add(Rule("throttle", operation="PutItem", table="users"))
    assert put(engine) == THROTTLED
    assert put(engine, table="orders") == {}
    assert get(engine) == {}
    assert (rule.matched, rule.applied) == (1, 1)
    engine.faults.clear()
    assert put(engine) == {}


def test_the_nth_request_alone_fails(engine):
    engine.faults.add(Rule("throttle", operation="GetItem", nth=3))
    assert [get(engine) for _ in range(5)] == [{}, {}, THROTTLED, {}, {}]


def test_a_seed_makes_the_same_choices_again(engine):
    def choose() -> list[Any]:
        engine.faults.clear()
        engine.faults.seed(7)
        engine.faults.add(Rule("throttle", probability=0.5))
        return [get(engine) for _ in range(40)]

    first = choose()
    assert first == choose()
    assert 5 < first.count(THROTTLED) < 35


PARTS = [
    {"Put": {"TableName": "users", "Item": {"k": {"S": "a"}}}},
    {"Delete": {"TableName": "orders", "Key": {"k": {"S": "b"}}}},
]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("throttle", "ProvisionedThroughputExceeded"), ("conflict", "TransactionConflict")],
)
def test_a_transaction_is_canceled_with_a_reason_for_each_part(engine, kind, reason):
    engine.faults.add(Rule(kind, table="orders"))
    payload = json.dumps({"TransactItems": PARTS}).encode()
    status, body = engine.call("TransactWriteItems", payload)
    answer = json.loads(body)
    assert (status, answer["__type"].rpartition("#")[2]) == (400, "TransactionCanceledException")
    assert [each["Code"] for each in answer["CancellationReasons"]] == [reason, "None"]
    assert get(engine) == {}


def test_a_conflict_refuses_writes_and_no_reads(engine):
    engine.faults.add(Rule("conflict"))
    assert put(engine) == "TransactionConflictException"
    assert get(engine) == {}


def test_a_lost_answer_belongs_to_a_request_that_was_carried_out(engine):
    engine.faults.add(Rule("lose", operation="PutItem", nth=1))
    with pytest.raises(ConnectionFailed):
        put(engine, n=5)
    assert get(engine)["Item"]["n"] == {"N": "5"}


def test_latency_makes_a_request_wait(engine, monkeypatch):
    waited: list[float] = []
    monkeypatch.setattr("dynamodb_py.local.database.faults.time.sleep", waited.append)
    engine.faults.add(Rule("latency", operation="GetItem", seconds=0.25))
    assert get(engine) == {}
    put(engine)
    assert waited == [0.25]


def test_a_batch_leaves_items_that_can_be_sent_again(engine):
    engine.faults.add(Rule("unprocessed", table="users", probability=0.5))
    requests = {
        table: [{"PutRequest": {"Item": {"k": {"S": f"{n}"}}}} for n in range(10)]
        for table in ("users", "orders")
    }
    left = send(engine, "BatchWriteItem", RequestItems=requests)["UnprocessedItems"]
    assert set(left) == {"users"}
    assert 0 < len(left["users"]) < 10
    stored = {item["k"]["S"] for item in send(engine, "Scan", TableName="users")["Items"]}
    unstored = {each["PutRequest"]["Item"]["k"]["S"] for each in left["users"]}
    assert stored | unstored == {str(n) for n in range(10)}
    assert not stored & unstored

    keys = [{"k": {"S": f"{n}"}} for n in range(10)]
    wanted = {name: {"Keys": keys, "ConsistentRead": True} for name in ("users", "orders")}
    answer = send(engine, "BatchGetItem", RequestItems=wanted)
    rest = answer["UnprocessedKeys"]["users"]
    assert rest["ConsistentRead"] is True
    assert len(answer["Responses"]["orders"]) == 10
    found = {item["k"]["S"] for item in answer["Responses"]["users"]}
    assert found == stored - {each["k"]["S"] for each in rest["Keys"]}


def test_a_batch_of_which_nothing_can_be_processed_is_throttled(engine):
    engine.faults.add(Rule("unprocessed"))
    request = {"users": [{"PutRequest": {"Item": {"k": {"S": "a"}}}}]}
    assert send(engine, "BatchWriteItem", RequestItems=request) == THROTTLED


def test_an_invalid_batch_stays_invalid(engine):
    engine.faults.add(Rule("unprocessed", probability=0.5))
    request = {"users": [{"PutRequest": {"Item": {"k": {"N": "1"}}}}] * 2}
    assert send(engine, "BatchWriteItem", RequestItems=request) == "ValidationException"


def test_a_stale_index_gives_what_was_there_and_the_table_what_is(engine):
    put(engine, "a", 1)
    put(engine, "b", 2)
    engine.clock.now += 100
    engine.faults.add(Rule("stale", seconds=10))
    put(engine, "a", 2)
    put(engine, "c", 1)
    send(engine, "DeleteItem", TableName="users", Key={"k": {"S": "b"}})
    assert (find(engine, 1), find(engine, 2)) == (["a"], ["b"])
    assert get(engine)["Item"]["n"] == {"N": "2"}
    assert get(engine, "b") == {}
    assert len(send(engine, "Scan", TableName="users")["Items"]) == 2
    engine.clock.now += 6
    put(engine, "d", 2)
    assert (find(engine, 1), find(engine, 2)) == (["a"], ["b"])
    engine.clock.now += 5
    assert (find(engine, 1), find(engine, 2)) == (["c"], ["a"])
    engine.clock.now += 6
    assert (find(engine, 1), find(engine, 2)) == (["c"], ["a", "d"])


def test_a_stale_read_changes_nothing_in_the_end(engine):
    engine.faults.add(Rule("stale", seconds=10))
    put(engine, "a", 1)
    assert find(engine, 1) == []
    engine.faults.clear()
    assert find(engine, 1) == ["a"]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("explode", {}),
        ("latency", {}),
        ("stale", {"seconds": -1}),
        ("throttle", {"probability": 1.5}),
        ("throttle", {"nth": 0}),
        ("throttle", {"nth": "1"}),
        ("throttle", {"nth": True}),
        ("throttle", {"nth": 1.0}),
        ("throttle", {"nth": 1, "probability": 0.5}),
        ("throttle", {"probability": "0.5"}),
        ("throttle", {"probability": float("nan")}),
        ("latency", {"seconds": "1"}),
        ("latency", {"seconds": float("nan")}),
        ("throttle", {"operation": 5}),
        ("throttle", {"table": b"users"}),
    ],
)
def test_a_rule_that_means_nothing_is_refused(kind, options):
    with pytest.raises(ConfigurationError):
        Rule(kind, **options)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"TableName": "a"}, ["a"]),
        ({"TableName": "arn:aws:dynamodb:local:000000000000:table/a"}, ["a"]),
        ({"RequestItems": {"a": [], "b": []}}, ["a", "b"]),
        ({"TransactItems": PARTS}, ["users", "orders"]),
        ({"Statement": "UPDATE a SET x = 1"}, ["a"]),
        ({"Statements": [{"Statement": "INSERT INTO 'b' VALUE {}"}]}, ["b"]),
        ({"TransactStatements": [{"Statement": 'DELETE FROM "c"."i"'}]}, ["c"]),
        ({"TransactItems": [1, {"Put": 2}], "TableName": 3, "RequestItems": []}, []),
    ],
)
def test_the_tables_of_every_request_are_found(request_, expected):
    assert find_tables(request_) == expected


@pytest.mark.parametrize("operation", ["putitem", "Put", "CreateBackup", ""])
def test_a_rule_for_an_operation_that_there_is_not_is_refused(engine, operation):
    with pytest.raises(ConfigurationError, match=f"no operation {operation!r}.*PutItem"):
        engine.faults.add(Rule("throttle", operation=operation))
    assert not engine.faults.rules

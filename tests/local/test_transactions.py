"""TransactWriteItems and TransactGetItems: all or nothing, once, and as of one moment."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from dynamodb_py.local.database.expiry import TOKEN_LIFE

from .database import KEYS, Database, Refused, to_item


@pytest.fixture
def database() -> Database:
    database = Database()
    database.make_table(lsi={"by_l": ("h:S l:N", KEYS)})
    database.make_table("other", "id:S", gsi={"by_g": ("g:S", KEYS)})
    return database


def write(database: Database, *parts: Any, **members: Any) -> Any:
    return database("TransactWriteItems", TransactItems=list(parts), **members)


def cancel(database: Database, *parts: Any, **members: Any) -> list[Any]:
    """Return the reasons why a transaction was cancelled."""
    with pytest.raises(Refused) as caught:
        write(database, *parts, **members)
    body = caught.value.body
    assert caught.value.code == "TransactionCanceledException"
    reasons: list[Any] = body["CancellationReasons"]
    codes = ", ".join(reason["Code"] for reason in reasons)
    assert body["message"] == (
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    )
    return reasons


def put(table: str = "tab", *, condition: str | None = None, **item: Any) -> Any:
    members = {"TableName": table, "Item": to_item(**item)}
    return {"Put": members if condition is None else {**members, "ConditionExpression": condition}}


def delete(table: str = "tab", **key: Any) -> Any:
    return {"Delete": {"TableName": table, "Key": to_item(**key)}}


def check(condition: str, **key: Any) -> Any:
    members = {"TableName": "tab", "Key": to_item(**key), "ConditionExpression": condition}
    return {"ConditionCheck": members}


def update(expression: str, values: Any = None, **key: Any) -> Any:
    members = {"TableName": "tab", "Key": to_item(**key), "UpdateExpression": expression}
    if values is not None:
        members["ExpressionAttributeValues"] = to_item(**values)
    return {"Update": members}


def get(table: str = "tab", *, projection: str | None = None, **key: Any) -> Any:
    members = {"TableName": table, "Key": to_item(**key)}
    return {
        "Get": members if projection is None else {**members, "ProjectionExpression": projection}
    }


def read(database: Database, **key: Any) -> Any:
    return database("GetItem", TableName="tab", Key=to_item(**key)).get("Item")


def scan(database: Database) -> Any:
    return database("Scan", TableName="tab")["Items"]


def test_all_four_kinds_are_done_together_in_several_tables(database):
    database.put(to_item(h="gone", r=1), to_item(h="there", r=1), to_item(h="count", r=1, n=1))
    answer = write(
        database,
        put(h="new", r=1),
        put("other", id="x"),
        delete(h="gone", r=1),
        update("SET n = n + :one", {":one": 1}, h="count", r=1),
        check("attribute_exists(h)", h="there", r=1),
    )
    assert answer == {}
    assert {item["h"]["S"] for item in scan(database)} == {"new", "count", "there"}
    assert read(database, h="count", r=1)["n"] == {"N": "2"}
    assert database("Scan", TableName="other")["Count"] == 1


@pytest.mark.parametrize(
    ("part", "code", "message"),
    [
        (
            check("attribute_exists(h)", h="none", r=1),
            "ConditionalCheckFailed",
            "The conditional request failed",
        ),
        (
            put(condition="attribute_not_exists(h)", h="there", r=1),
            "ConditionalCheckFailed",
            "The conditional request failed",
        ),
        (delete(h="there"), "ValidationError", "does not match the schema"),
        (put(h="there"), "ValidationError", "Missing the key r in the item"),
        (put(h="x", r=1, l="x"), "ValidationError", "Type mismatch for Index Key l"),
        (update("SET n = n + :n", {":n": 1}, h="there", r=1), "ValidationError", ""),
        (update("ADD h :n", {":n": 1}, h="there", r=1), "ValidationError", "Cannot update"),
        (
            update("SET x = :x", {":x": "x" * 409_600}, h="there", r=1),
            "ValidationError",
            "Item size to update has exceeded the maximum allowed size",
        ),
    ],
)
def test_one_part_that_fails_cancels_all_and_says_why(database, part, code, message):
    database.put(to_item(h="there", r=1, h2="x"))
    before = scan(database)
    reasons = cancel(database, put(h="a", r=1), part, put("other", id="x"))
    assert [reason["Code"] for reason in reasons] == ["None", code, "None"]
    assert message in reasons[1]["Message"]
    assert reasons[0] == {"Code": "None"}
    assert scan(database) == before
    assert database("Scan", TableName="other")["Count"] == 0


def test_every_failed_part_has_its_reason_and_the_item_where_it_is_wanted(database):
    there = to_item(h="there", r=1, x="x")
    database.put(there)
    wanted = check("attribute_not_exists(h)", h="there", r=1)
    wanted["ConditionCheck"]["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    missing = check("attribute_exists(h)", h="none", r=1)
    missing["ConditionCheck"]["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    reasons = cancel(database, wanted, put(h="a", r=1), missing)
    failed = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
    assert reasons == [{**failed, "Item": there}, {"Code": "None"}, failed]


HUNDRED = [put(h="a", r=number) for number in range(100)]


def test_a_hundred_parts_are_done_and_more_are_refused(database):
    assert write(database, *HUNDRED) == {}
    assert len(scan(database)) == 100
    message = database.refuse("TransactWriteItems", TransactItems=[*HUNDRED, put(h="b", r=1)])
    assert "Member must have length less than or equal to 100" in message


DUPLICATE = "Transaction request cannot include multiple operations on one item"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([], "Member must have length greater than or equal to 1"),
        ([{}], "TransactItems can only contain one of Check, Put, Update or Delete"),
        ([{**put(h="a", r=1), **delete(h="b", r=1)}], "TransactItems can only contain one of"),
        (["x"], "SerializationException"),
        ([put(h="a", r=1), delete(h="a", r=1)], DUPLICATE),
        ([put(h="a", r=1), update("SET n = :n", {":n": 1}, h="a", r="1")], "Cancel"),
        ([put("none", h="a", r=1)], "ResourceNotFoundException: Requested resource not found"),
        ([{"Put": {"TableName": "tab"}}], "'transactItems.1.member.put.item' failed to satisfy"),
        ([put(h="b", r=1), {"ConditionCheck": {**delete(h="a", r=1)["Delete"]}}], "2.member"),
        ([put(h="a", r=1, l="bad"), delete(h="a", r=1)], DUPLICATE),
        ([put(h="", r=1)], "ValidationException: One or more parameter values are not valid"),
        ([delete(h="", r=1)], "ValidationException: One or more parameter values are not valid"),
        ([put("other", id="x", g="")], "ValidationException: One or more parameter values were"),
        ([put("none", h="a", r=1), check("nonsense(", h="a", r=1)], "Invalid ConditionExpression"),
        ([put(condition="nonsense(", h="a", r=1)], "Invalid ConditionExpression"),
        ([put(h="a", r=1, x="x" * 410_000)], "Item size has exceeded the maximum allowed size"),
    ],
)
def test_a_wrong_request_is_refused_as_a_whole(database, parts, message):
    assert message in database.refuse("TransactWriteItems", TransactItems=parts)
    assert scan(database) == []


def test_four_megabytes_are_the_most(database):
    parts = [put(h="a", r=number, x="x" * 390_000) for number in range(11)]
    assert write(database, *parts[:10]) == {}
    assert "4 MB" in database.refuse("TransactWriteItems", TransactItems=parts)
    assert len(scan(database)) > 0
    database.put(parts[10]["Put"]["Item"])
    gets = [get(h="a", r=number) for number in range(11)]
    assert "4 MB" in database.refuse("TransactGetItems", TransactItems=gets)
    assert len(database("TransactGetItems", TransactItems=gets[:10])["Responses"]) == 10


def add_one(number: int = 1) -> Any:
    return update("ADD n :n", {":n": number}, h="count", r=1)


def test_a_token_makes_a_repetition_harmless_for_ten_minutes(database):
    members = {"ClientRequestToken": "token", "ReturnConsumedCapacity": "TOTAL"}
    first = write(database, add_one(), **members)["ConsumedCapacity"]
    again = write(database, add_one(), **members)["ConsumedCapacity"]
    assert read(database, h="count", r=1)["n"] == {"N": "1"}
    assert first == [{"TableName": "tab", "CapacityUnits": 2.0, "WriteCapacityUnits": 2.0}]
    assert again == [{"TableName": "tab", "CapacityUnits": 2.0, "ReadCapacityUnits": 2.0}]
    with pytest.raises(Refused, match="IdempotentParameterMismatchException"):
        write(database, add_one(2), **members)
    write(database, add_one(), ClientRequestToken="another")
    database.now += TOKEN_LIFE + 1
    write(database, add_one(), **members)
    assert read(database, h="count", r=1)["n"] == {"N": "3"}


def test_the_order_of_members_is_no_other_request(database):
    write(database, add_one(), ClientRequestToken="token")
    (kind, members), *_ = add_one().items()
    turned = {kind: dict(reversed(members.items()))}
    write(database, turned, ClientRequestToken="token")
    assert read(database, h="count", r=1)["n"] == {"N": "1"}


def test_a_cancelled_transaction_leaves_its_token_free(database):
    parts = [check("attribute_exists(h)", h="there", r=1), add_one()]
    cancel(database, *parts, ClientRequestToken="token")
    database.put(to_item(h="there", r=1))
    write(database, *parts, ClientRequestToken="token")
    assert read(database, h="count", r=1)["n"] == {"N": "1"}


@pytest.mark.parametrize("token", ["", "x" * 37])
def test_a_token_has_36_characters_at_most(database, token):
    request = {"TransactItems": [add_one()], "ClientRequestToken": token}
    assert "clientRequestToken" in database.refuse("TransactWriteItems", **request)


def test_capacity_and_collections_are_counted_by_table(database):
    database.put(to_item(h="there", r=1, x="x" * 1500))
    answer = write(
        database,
        put(h="a", r=1),
        check("attribute_exists(h)", h="there", r=1),
        put("other", id="x"),
        ReturnConsumedCapacity="TOTAL",
        ReturnItemCollectionMetrics="SIZE",
    )
    units = {each["TableName"]: each["CapacityUnits"] for each in answer["ConsumedCapacity"]}
    assert units == {"tab": 6.0, "other": 2.0}
    (metrics,) = answer["ItemCollectionMetrics"]["tab"]
    assert metrics["ItemCollectionKey"] == {"h": {"S": "a"}}


def test_indexes_take_no_more_in_a_transaction_than_alone(database):
    answer = write(database, put("other", id="x", g="g"), ReturnConsumedCapacity="INDEXES")
    (units,) = answer["ConsumedCapacity"]
    assert units["Table"]["CapacityUnits"] == 2.0
    assert units["GlobalSecondaryIndexes"]["by_g"]["CapacityUnits"] == 1.0
    assert units["CapacityUnits"] == 3.0


def test_choices_of_a_request_are_checked_before_its_parts(database):
    for operation, part in (("TransactWriteItems", put("none", h="")), ("TransactGetItems", {})):
        request = {"TransactItems": [part], "ReturnConsumedCapacity": "SOME"}
        assert "'returnConsumedCapacity' failed" in database.refuse(operation, **request)


def test_a_read_gives_its_answers_in_order_and_projected(database):
    database.put(to_item(h="a", r=1, x="x", y="y"))
    database.put(to_item(id="x"), table="other")
    answer = database(
        "TransactGetItems",
        TransactItems=[
            get(h="none", r=1),
            get(projection="x, absent", h="a", r=1),
            get("other", id="x"),
        ],
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer["Responses"] == [{}, {"Item": to_item(x="x")}, {"Item": to_item(id="x")}]
    units = {each["TableName"]: each["ReadCapacityUnits"] for each in answer["ConsumedCapacity"]}
    assert units == {"tab": 4.0, "other": 2.0}


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([], "Member must have length greater than or equal to 1"),
        (
            [get(h="a", r=n) for n in range(101)],
            "Member must have length less than or equal to 100",
        ),
        ([{}], "'transactItems.1.member.get' failed to satisfy constraint"),
        ([get(h="a", r=1), get(h="a", r=1)], DUPLICATE),
        ([get("none", h="a", r=1)], "ResourceNotFoundException"),
        ([get(h="a", r=1), get(h="a")], "specific reasons [None, ValidationError]"),
    ],
)
def test_a_wrong_read_is_refused(database, parts, message):
    assert message in database.refuse("TransactGetItems", TransactItems=parts)


@pytest.mark.parametrize("is_file", [False, True])
def test_threads_that_transfer_keep_the_sum_and_never_see_half_of_it(tmp_path, is_file):
    database = Database(str(tmp_path / "file.db") if is_file else None)
    database.make_table()
    database.put(to_item(h="a", r=1, n=100), to_item(h="b", r=1, n=100))
    sums: list[int] = []

    def transfer() -> None:
        for _ in range(15):
            write(
                database,
                update("ADD n :n", {":n": -1}, h="a", r=1),
                update("ADD n :n", {":n": 1}, h="b", r=1),
            )

    def look() -> None:
        for _ in range(30):
            parts = [get(h="a", r=1), get(h="b", r=1)]
            found = database("TransactGetItems", TransactItems=parts)["Responses"]
            sums.append(sum(int(each["Item"]["n"]["N"]) for each in found))

    threads = [threading.Thread(target=work) for work in [transfer] * 4 + [look] * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(sums) == {200}
    assert len(sums) == 120
    assert read(database, h="a", r=1)["n"] == {"N": "40"}
    database.engine.close()

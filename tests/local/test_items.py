"""Single items: what is stored and returned, what conditions and return values do, and what it costs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .calls import Calls, define, index, schema, table, wire

KEY = wire(id="a", n=1)
FAILED = "ConditionalCheckFailedException"
BIG = "x" * 409_000


@pytest.fixture
def scores(calls: Calls) -> Calls:
    """The engine with a table that has an index of each kind."""
    calls(
        "CreateTable",
        **table(
            AttributeDefinitions=define("id:S", "n:N", "g:S"),
            GlobalSecondaryIndexes=[index("by-g", "g")],
            LocalSecondaryIndexes=[index("loc", "id", "g", kind="KEYS_ONLY")],
        ),
    )
    return calls


def put(calls: Calls, item: dict[str, Any], **options: Any) -> dict[str, Any]:
    return calls("PutItem", TableName="scores", Item=item, **options)


def update(calls: Calls, expression: str | None = None, **options: Any) -> dict[str, Any]:
    """Update the item KEY; names ending in _ are values of the expression."""
    values = {f":{name[:-1]}": value for name, value in options.items() if name.endswith("_")}
    request = {name: value for name, value in options.items() if not name.endswith("_")}
    if values:
        request["ExpressionAttributeValues"] = wire(**values)
    if expression is not None:
        request["UpdateExpression"] = expression
    return calls("UpdateItem", **{"TableName": "scores", "Key": KEY, **request})


# -- values and keys -----------------------------------------------------------------------------


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {"S": "x"}
    for _ in range(depth):
        value = {"L": [value]}
    return value


STORED = [
    ({"N": "1.50"}, {"N": "1.5"}),
    ({"N": "1E+3"}, {"N": "1000"}),
    ({"N": "-0.0"}, {"N": "0"}),
    ({"N": "007"}, {"N": "7"}),
    ({"S": ""}, {"S": ""}),
    ({"B": ""}, {"B": ""}),
    ({"S": "Ω\x00"}, {"S": "Ω\x00"}),
    ({"NS": ["10", "9", "1E0"]}, {"NS": ["1", "9", "10"]}),
    ({"SS": ["b", "a"]}, {"SS": ["a", "b"]}),
    ({"L": [{"NULL": True}, {"L": []}, {"M": {"": {"BOOL": False}}}]},) * 2,
    (nested(31),) * 2,
]


@pytest.mark.parametrize(("given", "stored"), STORED)
def test_values_come_back_in_normal_form(scores, given, stored):
    put(scores, {**KEY, "v": given})
    assert scores.read("scores", id="a", n=1) == {**KEY, "v": stored}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "must contain exactly one"),
        ({"S": "a", "N": "1"}, "more than one datatypes"),
        ({"X": "a"}, "must contain exactly one"),
        ({"SS": []}, "may not be empty"),
        ({"SS": ["a", "a"]}, "contains duplicates"),
        ({"NS": ["1", "1.0"]}, "contains duplicates"),
        ({"N": ""}, "cannot be converted to a numeric value"),
        ({"N": "abc"}, "cannot be converted to a numeric value"),
        ({"N": "NaN"}, "cannot be converted to a numeric value"),
        ({"N": "1" * 39}, "more than 38 significant digits"),
        ({"N": "1E126"}, "overflow"),
        ({"N": "1E-131"}, "underflow"),
        ({"NULL": False}, "must have the value of true"),
        (nested(32), "Nesting Levels"),
    ],
)
def test_a_value_that_dynamodb_cannot_hold_is_refused(scores, value, message):
    scores.refuse(message, "PutItem", TableName="scores", Item={**KEY, "v": value})
    assert scores.read("scores", id="a", n=1) is None


@pytest.mark.parametrize(
    "value",
    [
        {"S": 7},
        {"N": 7},
        {"B": "!"},
        {"B": "YQ"},
        {"BOOL": "true"},
        {"L": {}},
        {"M": []},
        {"SS": "a"},
    ],
)
def test_json_of_another_type_is_no_value(scores, value):
    failure = scores.fail("PutItem", TableName="scores", Item={**KEY, "v": value})
    assert failure["code"] == "SerializationException"


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({}, "Missing the key id in the item"),
        (wire(id="a"), "Missing the key n in the item"),
        (wire(id=1, n=1), "Type mismatch for key id expected: S actual: N"),
        (wire(id="", n=1), "cannot contain an empty string value. Key: id"),
        (wire(id="x" * 2049, n=1), "2048 bytes"),
        ({**KEY, **wire(g=1)}, "Type mismatch for Index Key g Expected: S Actual: N"),
        ({**KEY, **wire(g="")}, "IndexKey: g"),
        ({**KEY, **wire(g="x" * 1025)}, "1024 bytes"),
        ({**KEY, **wire(v="x" * 410_000)}, "Item size has exceeded"),
    ],
)
def test_an_item_must_fit_the_keys_of_the_table_and_its_indexes(scores, item, message):
    scores.refuse(message, "PutItem", TableName="scores", Item=item)


@pytest.mark.parametrize(
    "key",
    [{}, wire(id="a"), wire(id="a", n="1"), wire(id="a", n=1, x=1), wire(id="a", m=1)],
)
@pytest.mark.parametrize("api", ["GetItem", "DeleteItem", "UpdateItem"])
def test_a_key_is_all_of_the_key_and_nothing_else(scores, api, key):
    scores.refuse("does not match the schema", api, TableName="scores", Key=key)


def test_an_item_of_exactly_400_kb_is_stored(scores):
    rest = 400 * 1024 - len("id") - len("a") - len("n") - 2 - len("v")
    put(scores, {**KEY, **wire(v="x" * rest)})
    scores.refuse(
        "exceeded", "PutItem", TableName="scores", Item={**KEY, **wire(v="x" * (rest + 1))}
    )


# -- reading -------------------------------------------------------------------------------------


def test_a_missing_item_has_no_member(scores):
    assert scores("GetItem", TableName="scores", Key=KEY) == {}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"ProjectionExpression": "v"}, wire(v=1)),
        ({"ProjectionExpression": "m.x, l[1]"}, {"m": {"M": wire(x=1)}, "l": {"L": [{"S": "b"}]}}),
        ({"ProjectionExpression": "#v", "ExpressionAttributeNames": {"#v": "v"}}, wire(v=1)),
        ({"ProjectionExpression": "nothing"}, {}),
        ({"AttributesToGet": ["v", "id"]}, wire(id="a", v=1)),
    ],
)
def test_a_projection_chooses_what_is_read(scores, options, expected):
    more = {"m": {"M": wire(x=1, y=2)}, "l": {"L": [{"S": "a"}, {"S": "b"}]}}
    put(scores, {**KEY, **wire(v=1), **more})
    answer = scores("GetItem", TableName="scores", Key=KEY, **options)
    assert answer == {"Item": expected}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ProjectionExpression": ""}, "ProjectionExpression"),
        ({"ProjectionExpression": "v, id.x"}, "Key attributes must be scalars"),
        ({"ProjectionExpression": "g[0]"}, "are not allowed: IndexKey: g"),
        ({"ProjectionExpression": "a", "AttributesToGet": ["a"]}, "both expression and non-"),
        ({"ExpressionAttributeNames": {"#a": "a"}}, "only be specified when using expressions"),
        (
            {"ProjectionExpression": "a", "ExpressionAttributeNames": {"#a": "a"}},
            "unused in expressions: keys: {#a}",
        ),
        ({"ReturnConsumedCapacity": "ALL"}, "enum value set: [INDEXES, TOTAL, NONE]"),
    ],
)
def test_a_read_that_dynamodb_would_refuse_is_refused(scores, options, message):
    scores.refuse(message, "GetItem", TableName="scores", Key=KEY, **options)


# -- conditions ----------------------------------------------------------------------------------

WRITES = {
    "PutItem": {"Item": {**KEY, **wire(v=2)}},
    "UpdateItem": {"Key": KEY, "UpdateExpression": "SET v = v + :one"},
    "DeleteItem": {"Key": KEY},
}


@pytest.mark.parametrize("api", WRITES)
def test_a_condition_that_fails_leaves_the_item_and_can_show_it(scores, api):
    item = {**KEY, **wire(v=1)}
    put(scores, item)
    values = {":two": {"N": "2"}, **({":one": {"N": "1"}} if api == "UpdateItem" else {})}
    request = {
        "TableName": "scores",
        **WRITES[api],
        "ConditionExpression": "v = :two",
        "ExpressionAttributeValues": values,
    }
    failure = scores.fail(api, **request)
    assert (failure["code"], "Item" in failure) == (FAILED, False)
    failure = scores.fail(api, **request, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert (failure["code"], failure["Item"]) == (FAILED, item)
    assert scores.read("scores", id="a", n=1) == item
    scores(api, **{**request, "ConditionExpression": "v <> :two"})
    assert scores.read("scores", id="a", n=1) != item


def test_a_condition_on_a_missing_item_sees_no_attributes(scores):
    missing = {"ConditionExpression": "attribute_not_exists(id)"}
    there = {"ConditionExpression": "attribute_exists(id)"}
    failure = scores.fail(
        "PutItem",
        TableName="scores",
        Item=KEY,
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
        **there,
    )
    assert (failure["code"], "Item" in failure) == (FAILED, False)
    put(scores, KEY, **missing)
    assert scores.fail("PutItem", TableName="scores", Item=KEY, **missing)["code"] == FAILED


@pytest.mark.parametrize("api", WRITES)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ConditionExpression": ""}, "ConditionExpression"),
        ({"ConditionExpression": "v ="}, "Syntax error"),
        ({"ConditionExpression": "v = :x"}, ":x"),
        ({"ReturnValues": "SOME"}, "enum value set"),
        ({"ConditionExpression": "v = v", "Expected": {}}, "both expression and non-"),
        ({"ExpressionAttributeNames": {"#x": "x"}}, "ExpressionAttributeNames"),
        ({"ReturnItemCollectionMetrics": "ALL"}, "enum value set: [SIZE, NONE]"),
        ({"ReturnValuesOnConditionCheckFailure": "ALL_NEW"}, "enum value set: [ALL_OLD, NONE]"),
    ],
)
def test_a_write_that_dynamodb_would_refuse_is_refused(scores, api, options, message):
    put(scores, {**KEY, **wire(v=1)})
    request: dict[str, Any] = {"TableName": "scores", **WRITES[api]}
    if api == "UpdateItem":
        request["ExpressionAttributeValues"] = {":one": {"N": "1"}}
    scores.refuse(message, api, **request, **options)
    assert scores.read("scores", id="a", n=1) == {**KEY, **wire(v=1)}


@pytest.mark.parametrize("api", ["PutItem", "DeleteItem"])
@pytest.mark.parametrize("returned", ["ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"])
def test_puts_and_deletes_return_the_old_item_or_nothing(scores, api, returned):
    scores.refuse(
        "can only be ALL_OLD or NONE", api, TableName="scores", **WRITES[api], ReturnValues=returned
    )


@pytest.mark.parametrize("api", ["PutItem", "DeleteItem"])
def test_the_old_item_is_returned_where_there_was_one(scores, api):
    request = {"TableName": "scores", **WRITES[api], "ReturnValues": "ALL_OLD"}
    assert scores(api, **request) == {}
    item = {**KEY, **wire(v=1)}
    put(scores, item)
    assert scores(api, **request) == {"Attributes": item}


def test_the_parameters_before_expressions_work(scores):
    put(scores, {**KEY, **wire(v=1)})
    expected = {"v": {"Value": {"N": "2"}}}
    assert (
        scores.fail("DeleteItem", TableName="scores", Key=KEY, Expected=expected)["code"] == FAILED
    )
    updates = {"v": {"Action": "ADD", "Value": {"N": "2"}}, "w": {"Value": {"S": "x"}}}
    answer = update(scores, AttributeUpdates=updates, ReturnValues="UPDATED_NEW")
    assert answer == {"Attributes": wire(v=3, w="x")}
    scores.refuse(
        "cannot be used without",
        "DeleteItem",
        TableName="scores",
        Key=KEY,
        ConditionalOperator="OR",
    )


def test_a_legacy_update_that_only_deletes_makes_no_item(scores):
    update(scores, AttributeUpdates={"v": {"Action": "DELETE"}})
    assert scores.read("scores", id="a", n=1) is None


# -- updates -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ("NONE", None),
        ("ALL_OLD", {**KEY, "m": {"M": wire(x=1, y=2)}, **wire(v=1)}),
        ("ALL_NEW", {**KEY, "m": {"M": wire(x=1, y=5)}, **wire(w=7)}),
        ("UPDATED_OLD", {"m": {"M": wire(y=2)}, **wire(v=1)}),
        ("UPDATED_NEW", {"m": {"M": wire(y=5)}, **wire(w=7)}),
    ],
)
def test_an_update_returns_what_is_wanted(scores, returned, expected):
    put(scores, {**KEY, "m": {"M": wire(x=1, y=2)}, **wire(v=1)})
    answer = update(scores, "SET m.y = :y, w = :w REMOVE v", y_=5, w_=7, ReturnValues=returned)
    assert answer.get("Attributes") == expected


@pytest.mark.parametrize("expression", [None, "REMOVE v"])
def test_an_update_makes_the_item_even_of_nothing_but_its_key(scores, expression):
    assert update(scores, expression, ReturnValues="ALL_OLD") == {}
    assert scores.read("scores", id="a", n=1) == KEY


@pytest.mark.parametrize(
    ("expression", "values", "message"),
    [
        (
            "SET id = :v",
            {"v_": "b"},
            "Cannot update attribute id. This attribute is part of the key",
        ),
        ("REMOVE n", {}, "Cannot update attribute n. This attribute is part of the key"),
        ("SET g = :v", {"v_": 1}, "Type mismatch for Index Key g"),
        ("SET big = :v", {"v_": BIG}, "Item size to update has exceeded"),
        ("SET v = v + :v", {"v_": "text"}, "Incorrect operand type"),
        ("SET nope.x = :v", {"v_": 1}, "document path"),
        ("", {}, "UpdateExpression"),
    ],
)
def test_an_update_that_cannot_be_done_changes_nothing(scores, expression, values, message):
    item = {**KEY, **wire(v=1, more="x" * 2000)}
    put(scores, item)
    request: dict[str, Any] = {"UpdateExpression": expression}
    if values:
        request["ExpressionAttributeValues"] = {":v": next(iter(wire(**values).values()))}
    scores.refuse(message, "UpdateItem", TableName="scores", Key=KEY, **request)
    assert scores.read("scores", id="a", n=1) == item


def test_an_update_nests_no_deeper_than_a_put(scores):
    scores("PutItem", TableName="scores", Item={**KEY, "m": {"M": {"x": {"M": {}}}}})
    deep = {":v": nested(30)}
    request = {"TableName": "scores", "Key": KEY, "ExpressionAttributeValues": deep}
    scores("UpdateItem", **request, UpdateExpression="SET m.x = :v")  # 31 around the text
    scores.refuse("Nesting Levels", "UpdateItem", **request, UpdateExpression="SET m.x[0] = :v")


# -- capacity ------------------------------------------------------------------------------------


def units(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the units of an answer: of the table, and of each index."""
    found = answer["ConsumedCapacity"]
    assert found["TableName"] == "scores"
    kinds = ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
    each = {name: unit for kind in kinds for name, unit in found.get(kind, {}).items()}
    flat = {name: unit["CapacityUnits"] for name, unit in each.items()}
    flat["table"] = found["Table"]["CapacityUnits"]
    assert found["CapacityUnits"] == sum(flat.values())
    return flat


@pytest.mark.parametrize(
    ("size", "consistent", "expected"),
    [(10, False, 0.5), (10, True, 1), (4097, False, 1), (4097, True, 2), (9000, False, 1.5)],
)
def test_a_read_costs_by_its_size(scores, size, consistent, expected):
    put(scores, {**KEY, **wire(v="x" * (size - 7))})
    for key in (KEY, wire(id="missing", n=1)):
        answer = scores(
            "GetItem",
            TableName="scores",
            Key=key,
            ConsistentRead=consistent,
            ReturnConsumedCapacity="TOTAL",
        )
        found = expected if key is KEY else (1 if consistent else 0.5)
        assert answer["ConsumedCapacity"] == {"TableName": "scores", "CapacityUnits": found}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (None, {}, {"table": 1}),
        (None, {"g": "x"}, {"table": 1, "by-g": 1, "loc": 1}),
        (None, {"v": "x" * 1024}, {"table": 2}),
        ({"v": "x" * 3000}, {"v": "y"}, {"table": 3}),
        ({"g": "x"}, {"g": "x"}, {"table": 1}),
        ({"g": "x"}, {"g": "x", "v": "y"}, {"table": 1, "by-g": 1}),
        ({"g": "x"}, {"g": "y"}, {"table": 1, "by-g": 2, "loc": 2}),
        ({"g": "x", "v": "x" * 2000}, {"g": "y"}, {"table": 2, "by-g": 3, "loc": 2}),
        ({"g": "x"}, {}, {"table": 1, "by-g": 1, "loc": 1}),
    ],
)
def test_a_write_costs_by_the_larger_item_and_the_entries_that_change(scores, old, new, expected):
    if old is not None:
        put(scores, {**KEY, **wire(**old)})
    answer = put(scores, {**KEY, **wire(**new)}, ReturnConsumedCapacity="INDEXES")
    assert units(answer) == expected


def test_metrics_are_of_collections_of_tables_with_local_indexes(scores):
    answer = put(scores, KEY, ReturnItemCollectionMetrics="SIZE")
    metrics = {"ItemCollectionKey": wire(id="a"), "SizeEstimateRangeGB": [0.0, 1.0]}
    assert answer == {"ItemCollectionMetrics": metrics}
    scores("CreateTable", **table("plain"))
    options = {"ReturnItemCollectionMetrics": "SIZE"}
    assert scores("PutItem", TableName="plain", Item=KEY, **options) == {}


# -- batches -------------------------------------------------------------------------------------


def writes(*requests: Any) -> dict[str, Any]:
    """Return the RequestItems of puts, which are items, and deletes, which are keys in a list."""
    return {
        "RequestItems": {
            "scores": [
                {"DeleteRequest": {"Key": each[0]}}
                if isinstance(each, list)
                else {"PutRequest": {"Item": each}}
                for each in requests
            ]
        }
    }


def test_a_batch_puts_and_deletes_items_of_several_tables(scores):
    scores(
        "CreateTable", **table("other", AttributeDefinitions=define("id:S"), KeySchema=schema("id"))
    )
    put(scores, KEY)
    request = writes([KEY], wire(id="b", n=2, g="x"))
    request["RequestItems"]["other"] = [{"PutRequest": {"Item": wire(id="c")}}]
    options = {"ReturnConsumedCapacity": "INDEXES", "ReturnItemCollectionMetrics": "SIZE"}
    answer = scores("BatchWriteItem", **request, **options)
    assert answer["UnprocessedItems"] == {}
    assert [(each["TableName"], each["CapacityUnits"]) for each in answer["ConsumedCapacity"]] == [
        ("scores", 4.0),
        ("other", 1.0),
    ]
    assert len(answer["ItemCollectionMetrics"]["scores"]) == 2
    keys = [KEY, wire(id="b", n=2)]
    gets = {"scores": {"Keys": keys}, "other": {"Keys": [wire(id="c")]}}
    found = scores("BatchGetItem", RequestItems=gets, ReturnConsumedCapacity="TOTAL")
    assert found["Responses"] == {"scores": [wire(id="b", n=2, g="x")], "other": [wire(id="c")]}
    assert found["UnprocessedKeys"] == {}
    assert [each["CapacityUnits"] for each in found["ConsumedCapacity"]] == [1.0, 0.5]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({}, "Value null at 'requestItems'"),
        ({"RequestItems": {}}, "length greater than or equal to 1"),
        ({"RequestItems": {"scores": []}}, "length greater than or equal to 1"),
        ({"RequestItems": {"scores": [{}]}}, "exactly one of"),
        (writes(KEY, [KEY]), "contains duplicates"),
        (writes(*(wire(id="b", n=n) for n in range(26))), "length less than or equal to 25"),
        (writes(KEY, wire(id="b")), "Missing the key n"),
        (writes(KEY, {**wire(id="b", n=1), **wire(g="")}), "IndexKey: g"),
        (writes(KEY, {**wire(id="b", n=1), "v": {"SS": []}}), "may not be empty"),
        (writes(KEY, {**wire(id="b", n=1), **wire(v="x" * 410_000)}), "Item size"),
        (writes(KEY, [wire(id="b")]), "does not match the schema"),
    ],
)
def test_nothing_of_a_batch_is_written_unless_all_is_valid(scores, request_, message):
    scores.refuse(message, "BatchWriteItem", **request_)
    assert scores.read("scores", id="a", n=1) is None


def test_all_tables_of_a_batch_together_have_25_writes_and_100_reads(scores):
    scores("CreateTable", **table("other"))
    for api, count, api_name in (("Write", 13, "BatchWriteItem"), ("Get", 51, "BatchGetItem")):
        keys = [wire(id="b", n=n) for n in range(count)]
        each = (
            [{"DeleteRequest": {"Key": key}} for key in keys] if api == "Write" else {"Keys": keys}
        )
        scores.refuse(
            f"Too many items requested for the {api_name} call",
            api_name,
            RequestItems={"scores": each, "other": each},
        )


@pytest.mark.parametrize(
    ("gets", "message"),
    [
        ({"Keys": []}, "length greater than or equal to 1"),
        ({}, "Value null at 'requestItems.scores.member.keys'"),
        ({"Keys": [KEY, {**KEY, **wire(n="1.0")}]}, "does not match the schema"),
        ({"Keys": [KEY, {**KEY, "n": {"N": "1.0"}}]}, "contains duplicates"),
        ({"Keys": [wire(id="a")]}, "does not match the schema"),
        ({"Keys": [KEY], "ProjectionExpression": "a,"}, "Syntax error"),
        ({"Keys": [KEY], "ProjectionExpression": "n.x"}, "are not allowed: Key: n"),
        ({"Keys": [wire(id="b", n=n) for n in range(101)]}, "less than or equal to 100"),
    ],
)
def test_a_batch_of_reads_that_dynamodb_would_refuse_is_refused(scores, gets, message):
    scores.refuse(message, "BatchGetItem", RequestItems={"scores": gets})


@pytest.mark.parametrize("api", ["BatchGetItem", "BatchWriteItem"])
def test_a_batch_on_a_missing_table_does_nothing(scores, api):
    given = {"Keys": [KEY]} if api == "BatchGetItem" else [{"PutRequest": {"Item": KEY}}]
    request = {"scores": given, "nope": given}
    assert scores.fail(api, RequestItems=request)["code"] == "ResourceNotFoundException"
    assert scores.read("scores", id="a", n=1) is None


def test_what_is_over_16_mb_is_left_unprocessed(scores):
    keys = [wire(id="b", n=n) for n in range(45)]
    scores.fill("scores", *({**key, **wire(v="x" * 400_000)} for key in keys))
    options = {"ConsistentRead": True, "ProjectionExpression": "n"}
    found, gets, rounds = [], {"scores": {"Keys": keys, **options}}, 0
    while gets:
        answer = scores("BatchGetItem", RequestItems=gets)
        found += answer["Responses"]["scores"]
        gets, rounds = answer["UnprocessedKeys"], rounds + 1
        for rest in gets.values():
            assert {name: rest[name] for name in options} == options
    assert rounds == 2
    assert sorted(int(item["n"]["N"]) for item in found) == list(range(45))


def test_an_item_is_stored_as_it_is_sent_by_boto3(scores):
    body = b'{"TableName":"scores","Item":{"id":{"S":"a"},"n":{"N":"1"},"b":{"B":"AP8="}}}'
    assert scores.engine.call("PutItem", body) == (200, b"{}")
    status, answer = scores.engine.call(
        "GetItem", json.dumps({"TableName": "scores", "Key": KEY}).encode()
    )
    assert (status, answer) == (200, b'{"Item":{"id":{"S":"a"},"n":{"N":"1"},"b":{"B":"AP8="}}}')

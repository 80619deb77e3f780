"""Transactions and batches: the answers of real engines, or a listed difference."""

from __future__ import annotations

import uuid
from typing import Any

from hypothesis import strategies as st

from .examples import examples
from .peers import show_sorted
from .requests import attributes, conditions, projections, rough_attributes, updates

numbers = st.integers(0, 3)


@st.composite
def parts(draw: Any) -> tuple[str, int, dict[str, Any]]:
    """Give the kind of a part, the number of its item, and its members."""
    kind = draw(st.sampled_from(["Put", "Update", "Delete", "ConditionCheck"]))
    members: dict[str, Any] = {}
    condition = draw(
        conditions()
        | st.sampled_from([("attribute_exists(h)", {}), ("attribute_not_exists(h)", {})])
        | st.none()
    )
    if kind == "Update":
        text, members = draw(updates())
        members = {"UpdateExpression": text, **members}
        condition = draw(st.sampled_from([("attribute_exists(h)", {}), None]))
    if kind == "ConditionCheck" and condition is None:
        condition = ("attribute_exists(h)", {})
    if condition:
        members = {**members, "ConditionExpression": condition[0], **condition[1]}
        if draw(st.booleans()):
            members["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    if kind == "Put":
        members["Item"] = draw(rough_attributes)
    return kind, draw(numbers), members


@examples(
    stored=st.lists(st.tuples(numbers, attributes), max_size=3),
    transaction=st.lists(parts(), min_size=1, max_size=4),
    consumed=st.sampled_from(["NONE", "TOTAL", "INDEXES"]),
)
def test_transactions_do_all_or_nothing_for_the_same_reasons(bench, stored, transaction, consumed):
    keys = [{"h": {"S": uuid.uuid4().hex}, "r": {"N": str(number)}} for number in range(4)]
    requests = []
    for kind, number, members in transaction:
        if kind == "Put":
            place = {"Item": {**members["Item"], **keys[number]}}
        else:
            place = {"Key": keys[number]}
        requests.append({kind: {**members, "TableName": "things", **place}})
    story = bench.story()
    for number, item in stored:
        story.compare("PutItem", TableName="things", Item={**keys[number], **item})
    story.compare("TransactWriteItems", TransactItems=requests, ReturnConsumedCapacity=consumed)
    gets = [{"Get": {"TableName": "things", "Key": key}} for key in keys]
    story.compare("TransactGetItems", TransactItems=gets, ReturnConsumedCapacity=consumed)


@examples(
    first=st.tuples(numbers, attributes),
    again=st.sampled_from(["the same", "another", "a wrong one", "none"]),
    between=st.booleans(),
    repeated=st.tuples(numbers, attributes),
)
def test_a_token_makes_of_two_transactions_one(bench, first, again, between, repeated):
    hashed, token = {"S": uuid.uuid4().hex}, uuid.uuid4().hex

    def put(number: int, item: dict[str, Any]) -> list[Any]:
        key = {"h": hashed, "r": {"N": str(number)}}
        return [
            {"Put": {"TableName": "things", "Item": {**item, **key}}},
            {
                "Update": {
                    "TableName": "things",
                    "Key": {**key, "r": {"N": "9"}},
                    "UpdateExpression": "ADD n :one",
                    "ExpressionAttributeValues": {":one": {"N": "1"}},
                }
            },
        ]

    tokens = {"the same": token, "another": uuid.uuid4().hex, "a wrong one": "x" * 37}
    given = {"ClientRequestToken": tokens[again]} if again in tokens else {}
    second = first if again != "the same" or not between else repeated
    story = bench.story()
    story.compare("TransactWriteItems", TransactItems=put(*first), ClientRequestToken=token)
    story.compare("TransactWriteItems", TransactItems=put(*second), **given)
    for number in (*range(4), 9):
        key = {"h": hashed, "r": {"N": str(number)}}
        story.compare("GetItem", TableName="things", Key=key, ConsistentRead=True)


@examples(
    stored=st.lists(st.tuples(numbers, attributes), max_size=3),
    wanted=st.lists(st.tuples(numbers, st.just({}) | projections()), min_size=1, max_size=4),
    projection=st.just({}) | projections(),
    consumed=st.sampled_from(["NONE", "TOTAL"]),
)
def test_reads_of_several_items_give_the_same(bench, stored, wanted, projection, consumed):
    keys = [{"h": {"S": uuid.uuid4().hex}, "r": {"N": str(number)}} for number in range(4)]
    story = bench.story()
    for number, item in stored:
        story.compare("PutItem", TableName="things", Item={**keys[number], **item})
    gets = [{"Get": {"TableName": "things", "Key": keys[n], **each}} for n, each in wanted]
    story.compare("TransactGetItems", TransactItems=gets, ReturnConsumedCapacity=consumed)
    batch = {"Keys": [keys[n] for n, _ in wanted], "ConsistentRead": True, **projection}
    story.reduce = sort_items
    story.compare("BatchGetItem", RequestItems={"things": batch}, ReturnConsumedCapacity=consumed)


def sort_items(answer: Any) -> Any:
    """Return the answer of a BatchGetItem with its items in one order: DynamoDB has none."""
    items = sorted(answer["Responses"].get("things", ()), key=show_sorted)
    return {**answer, "Responses": items}


@examples(
    items=st.lists(st.tuples(numbers, rough_attributes), min_size=1, max_size=4),
    deleted=st.sets(numbers, max_size=2),
)
def test_batches_do_the_same(bench, items, deleted):
    keys = [{"h": {"S": uuid.uuid4().hex}, "r": {"N": str(number)}} for number in range(4)]
    requests: list[dict[str, Any]] = [
        {"PutRequest": {"Item": {**item, **keys[number]}}} for number, item in items
    ]
    requests += [{"DeleteRequest": {"Key": keys[number]}} for number in deleted]
    story = bench.story()
    story.compare("BatchWriteItem", RequestItems={"things": requests})
    for key in keys:
        story.compare("GetItem", TableName="things", Key=key, ConsistentRead=True)

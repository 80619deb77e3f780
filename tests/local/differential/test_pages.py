"""Queries and scans, page by page: the answers of real engines, or a listed difference."""

from __future__ import annotations

import uuid
from typing import Any

from hypothesis import strategies as st

from .examples import examples
from .peers import Bench, Story
from .requests import attributes, conditions, projections

ranges = st.lists(
    st.integers(-30, 30) | st.sampled_from([-1.5, 0.001, 1e20, -1e-20]),
    min_size=1,
    max_size=8,
    unique=True,
)
bounds = st.integers(-20, 20).map(lambda each: {"N": str(each)})
MOST_PAGES = 12


@st.composite
def key_conditions(draw: Any) -> tuple[str, dict[str, Any]]:
    """Give what a key condition says of the range key, and its values."""
    form = draw(
        st.sampled_from(["", "r = :x", "r < :x", "r <= :x", "r > :x", "r >= :x", "between"])
    )
    if not form:
        return "", {}
    if form != "between":
        return f" AND {form}", {":x": draw(bounds)}
    low, high = draw(bounds), draw(bounds)
    return " AND r BETWEEN :x AND :y", {":x": low, ":y": high}


def put_all(bench: Bench, items: list[dict[str, Any]]) -> None:
    for start in range(0, len(items), 25):
        requests = [{"PutRequest": {"Item": each}} for each in items[start : start + 25]]
        bench.send_to_all("BatchWriteItem", RequestItems={"things": requests})


def read_pages(story: Story, operation: str, **request: Any) -> None:
    for _ in range(MOST_PAGES):
        answer = story.compare(operation, **request).answer
        if not answer.get("LastEvaluatedKey"):
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def merge(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Return the members of two expressions in one request."""
    return {
        name: {**first.get(name, {}), **second.get(name, {})}
        if name.startswith("Expression")
        else {**first, **second}[name]
        for name in {**first, **second}
    }


@examples(
    keys=ranges,
    condition=key_conditions(),
    limit=st.none() | st.integers(1, 5),
    forward=st.booleans(),
    filtering=st.none() | conditions(),
    projection=st.just({}) | projections(),
    item=attributes,
)
def test_queries_give_the_same_pages(
    bench, keys, condition, limit, forward, filtering, projection, item
):
    hashed, (text, values) = {"S": uuid.uuid4().hex}, condition
    request: dict[str, Any] = {
        "KeyConditionExpression": f"h = :h{text}",
        "ExpressionAttributeValues": {":h": hashed, **values},
        "ScanIndexForward": forward,
        "ConsistentRead": True,
    }
    if filtering:
        request = merge(request, {"FilterExpression": filtering[0], **filtering[1]})
    request = merge(request, projection)
    if limit:
        request["Limit"] = limit
    story = bench.story()
    put_all(bench, [{"h": hashed, "r": {"N": str(key)}, **item} for key in keys])
    read_pages(story, "Query", TableName="things", **request)


@examples(
    texts=st.lists(st.text("aAbé€😀z", min_size=1, max_size=3), min_size=1, max_size=6),
    form=st.sampled_from(["", "l = :x", "l < :x", "l >= :x", "begins_with(l, :x)"]),
    bound=st.text("aAbé€z", min_size=1, max_size=2),
    forward=st.booleans(),
    limit=st.none() | st.integers(1, 4),
    select=st.sampled_from(["ALL_ATTRIBUTES", "COUNT", "ALL_PROJECTED_ATTRIBUTES"]),
)
def test_queries_of_a_local_index_give_the_same_pages(
    bench, texts, form, bound, forward, limit, select
):
    hashed = {"S": uuid.uuid4().hex}
    items = [
        {"h": hashed, "r": {"N": str(number)}, "l": {"S": text}}
        for number, text in enumerate(texts)
    ]
    items.append({"h": hashed, "r": {"N": "99"}})  # which the index does not have
    request: dict[str, Any] = {
        "KeyConditionExpression": f"h = :h AND {form}" if form else "h = :h",
        "ExpressionAttributeValues": {":h": hashed, **({":x": {"S": bound}} if form else {})},
        "ScanIndexForward": forward,
        "Select": select,
        "IndexName": "by_l",
        "ConsistentRead": True,
    }
    if limit:
        request["Limit"] = limit
    story = bench.story()
    put_all(bench, items)
    read_pages(story, "Query", TableName="things", **request)


@examples(
    written=st.lists(
        st.tuples(
            st.integers(0, 3), st.sampled_from("gx"), st.text("aAbé", max_size=2), attributes
        ),
        min_size=1,
        max_size=8,
    ),
    deleted=st.sets(st.integers(0, 3), max_size=2),
    forward=st.booleans(),
    limit=st.none() | st.integers(1, 3),
    select=st.sampled_from([{}, {"Select": "COUNT"}, {"Select": "ALL_ATTRIBUTES"}]) | projections(),
)
def test_a_global_index_follows_its_table(bench, written, deleted, forward, limit, select):
    hashed = {"S": uuid.uuid4().hex}
    story = bench.story("dynoxide")  # the index of the other one lags
    for number, group, text, item in written:
        key = {"h": hashed, "r": {"N": str(number)}}
        group = {"S": hashed["S"] + group}
        story.compare(
            "PutItem", TableName="things", Item={**key, "g": group, "l": {"S": text}, **item}
        )
    for number in deleted:
        story.compare("DeleteItem", TableName="things", Key={"h": hashed, "r": {"N": str(number)}})
    request = {
        "KeyConditionExpression": "g = :g",
        "ExpressionAttributeValues": {":g": {"S": hashed["S"] + "g"}},
        "ScanIndexForward": forward,
    }
    if limit:
        request["Limit"] = limit
    read_pages(story, "Query", TableName="things", IndexName="by_g", **merge(request, select))

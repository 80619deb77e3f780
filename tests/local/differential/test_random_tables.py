"""Tables of random shapes with items: what their indexes hold, in pages and in segments."""

from __future__ import annotations

import uuid
from base64 import b64encode
from typing import Any

from hypothesis import strategies as st

from .examples import examples
from .peers import Story
from .requests import Placeholders, draw_condition, draw_path, values

KEYS = {
    "S": ["a", "A", "b", "é", "€", "😀", "ab"],
    "N": ["0", "1", "-1", "1.5", "10", "-1E-20", "1e20"],
    "B": [b64encode(each).decode() for each in (b"\0", b"a", b"ab", b"\xff", b"\x80")],
}
PARTS = ["a", "b", "c", "n"]
"""The attributes that keys are made of: they may be in an expression too."""
rarely = st.integers(0, 9).map(lambda each: each == 0)


def key_schema(*names: str) -> list[dict[str, str]]:
    kinds = ("HASH", "RANGE")
    return [{"AttributeName": n, "KeyType": kind} for n, kind in zip(names, kinds, strict=False)]


@st.composite
def projections(draw: Any) -> dict[str, Any]:
    kind = draw(st.sampled_from(["ALL", "KEYS_ONLY", "INCLUDE"]))
    if kind != "INCLUDE":
        return {"ProjectionType": kind}
    return {"ProjectionType": kind, "NonKeyAttributes": draw(st.sampled_from([["x"], ["x", "y"]]))}


@st.composite
def tables(draw: Any) -> dict[str, Any]:
    """Give a CreateTable request without the name."""
    has_range = draw(st.booleans())
    request: dict[str, Any] = {
        "KeySchema": key_schema("a", "b") if has_range else key_schema("a"),
        "BillingMode": "PAY_PER_REQUEST",
    }
    if has_range and draw(st.booleans()):
        keys = key_schema("a", draw(st.sampled_from("cn")))
        index = {"IndexName": "local", "KeySchema": keys, "Projection": draw(projections())}
        request["LocalSecondaryIndexes"] = [index]
    if draw(st.booleans()):
        names = draw(st.lists(st.sampled_from(PARTS), min_size=1, max_size=2, unique=True))
        index = {
            "IndexName": "global",
            "KeySchema": key_schema(*names),
            "Projection": draw(projections()),
        }
        request["GlobalSecondaryIndexes"] = [index]
    used = {part["AttributeName"] for keyed in find_keyed(request) for part in keyed["KeySchema"]}
    request["AttributeDefinitions"] = [
        {"AttributeName": name, "AttributeType": draw(st.sampled_from("SNB"))}
        for name in sorted(used)
    ]
    return request


def find_keyed(table: dict[str, Any]) -> list[dict[str, Any]]:
    indexes = ("LocalSecondaryIndexes", "GlobalSecondaryIndexes")
    return [table, *(index for kind in indexes for index in table.get(kind, ()))]


def draw_key_value(draw: Any, table: dict[str, Any], name: str) -> dict[str, str]:
    definitions = {d["AttributeName"]: d["AttributeType"] for d in table["AttributeDefinitions"]}
    kind = definitions[name]
    if draw(rarely):
        kind = draw(st.sampled_from("SNB"))  # mostly a wrong one
    return {kind: draw(st.sampled_from(KEYS[kind]))}


def draw_item(draw: Any, table: dict[str, Any]) -> dict[str, Any]:
    item = {name: draw(values) for name in draw(st.sets(st.sampled_from("xyz")))}
    for definition in table["AttributeDefinitions"]:
        name = definition["AttributeName"]
        if name in get_key_names(table) or draw(st.integers(0, 3)):
            item[name] = draw_key_value(draw, table, name)
    return item


def get_key_names(keyed: dict[str, Any]) -> list[str]:
    return [part["AttributeName"] for part in keyed["KeySchema"]]


def draw_write(draw: Any, table: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    item = draw_item(draw, table)
    key = {name: item.pop(name) for name in get_key_names(table)}
    kind = draw(st.sampled_from(["PutItem", "PutItem", "PutItem", "UpdateItem", "DeleteItem"]))
    returned = {"ReturnValues": draw(st.sampled_from(["NONE", "ALL_OLD"]))}
    if kind == "PutItem":
        return kind, {"Item": {**key, **item}, **returned}
    if kind == "UpdateItem" and item:
        holders = Placeholders()
        actions = [f"{holders.name(name)} = {holders.value(item[name])}" for name in item]
        removed = [holders.name(name) for name in "cnxyz" if name not in item and name not in key]
        text = f"SET {', '.join(actions)} REMOVE {', '.join(removed[:1])}" if removed else ""
        text = text or f"SET {', '.join(actions)}"
        return kind, {"Key": key, "UpdateExpression": text, **holders.members(), **returned}
    return "DeleteItem", {"Key": key, **returned}


def draw_options(draw: Any, holders: Placeholders, *, filters: bool = True) -> dict[str, Any]:
    """Draw what queries and scans have in common."""
    request: dict[str, Any] = {}
    if draw(st.booleans()):
        request["Limit"] = draw(st.integers(1, 4))
    if filters and draw(rarely):
        request["FilterExpression"] = draw_condition(draw, holders, 1)
    form = draw(
        st.sampled_from(["", "", "project", "ALL_ATTRIBUTES", "COUNT", "ALL_PROJECTED_ATTRIBUTES"])
    )
    if form == "project":
        request["ProjectionExpression"] = draw_path(draw, holders)
    elif form:
        request["Select"] = form
    return request


def draw_query(draw: Any, table: dict[str, Any], keyed: dict[str, Any]) -> dict[str, Any]:
    holders = Placeholders()
    # That a query filters only by what its index projects is in no documentation.
    projection = keyed.get("Projection", {"ProjectionType": "ALL"})
    request = draw_options(draw, holders, filters=projection["ProjectionType"] == "ALL")
    hashed, *ranged = get_key_names(keyed)
    text = f"{holders.name(hashed)} = {holders.value(draw_key_value(draw, table, hashed))}"
    for name in ranged:
        sign = draw(st.sampled_from(["", "=", "<", "<=", ">", ">=", "BETWEEN", "begins_with"]))
        bound = holders.name(name)
        several = [holders.value(draw_key_value(draw, table, name)) for _ in range(2)]
        if sign == "BETWEEN":
            text += f" AND {bound} BETWEEN {several[0]} AND {several[1]}"
        elif sign:
            del holders.values[several[1]]
            call = f"begins_with({bound}, {several[0]})"
            text += f" AND {call}" if sign == "begins_with" else f" AND {bound} {sign} {several[0]}"
        else:
            for each in several:
                del holders.values[each]
            if not any(bound in str(part) for part in request.values()):
                del holders.names[bound]
    return {
        "KeyConditionExpression": text,
        "ScanIndexForward": draw(st.booleans()),
        **request,
        **holders.members(),
    }


def draw_scan(draw: Any) -> dict[str, Any]:
    holders = Placeholders()
    request = draw_options(draw, holders)
    if draw(st.booleans()):
        request["TotalSegments"] = draw(st.integers(1, 4))
    return {**request, **holders.members()}


@st.composite
def stories(draw: Any) -> tuple[dict[str, Any], list[Any], list[Any], list[Any]]:
    """Give a table, writes, queries and scans; the last two with the index, or None."""
    table = draw(tables())
    writes = [draw_write(draw, table) for _ in range(draw(st.integers(1, 10)))]
    keyed = find_keyed(table)
    queries = [(each.get("IndexName"), draw_query(draw, table, each)) for each in keyed]
    scans = [(each.get("IndexName"), draw_scan(draw)) for each in keyed]
    return table, writes, queries, scans


@examples(25, drawn=stories())
def test_the_indexes_of_a_random_table_hold_the_same(bench, drawn):
    table, writes, queries, scans = drawn
    name = f"t{uuid.uuid4().hex}"
    bench.send_to_all("CreateTable", TableName=name, **table)
    try:
        story = bench.story()
        for operation, request in writes:
            story.compare(operation, TableName=name, **request)
        if "GlobalSecondaryIndexes" in table:
            story.leave("extenddb")  # its global indexes lag
        for index, request in queries:
            compare_pages(story, "Query", name, index, request)
        for index, request in scans:
            compare_pages(story, "Scan", name, index, request)
    finally:
        bench.send_where_possible("DeleteTable", TableName=name)


def compare_pages(
    story: Story, operation: str, table: str, index: str | None, request: dict[str, Any]
) -> None:
    place = {"TableName": table} if index is None else {"TableName": table, "IndexName": index}
    consistent = {} if index == "global" else {"ConsistentRead": True}
    story.compare_whole(operation, **place, **consistent, **request)

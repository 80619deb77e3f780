"""Tables of every shape: what real engines make and refuse, or a listed difference."""

from __future__ import annotations

import uuid
from typing import Any

from hypothesis import strategies as st

from .examples import examples

names = st.sampled_from(["a", "b", "c", "d"])
kinds = st.sampled_from("SNB")
odd = st.integers(0, 9).map(lambda each: each == 0)
KEPT = ("KeySchema", "IndexName", "Projection")


@st.composite
def schemas(draw: Any) -> list[dict[str, str]]:
    schema = [{"AttributeName": draw(names), "KeyType": "RANGE" if draw(odd) else "HASH"}]
    if draw(st.booleans()):
        schema.append({"AttributeName": draw(names), "KeyType": "HASH" if draw(odd) else "RANGE"})
    return schema


@st.composite
def projections(draw: Any) -> dict[str, Any]:
    kind = draw(st.sampled_from(["ALL", "KEYS_ONLY", "INCLUDE"]))
    projection: dict[str, Any] = {"ProjectionType": kind}
    if (kind == "INCLUDE") is not draw(odd):
        projection["NonKeyAttributes"] = draw(st.lists(names, min_size=1, max_size=2, unique=True))
    return projection


@st.composite
def indexes(draw: Any) -> dict[str, Any]:
    name = draw(st.sampled_from(["one", "two", "x" if draw(odd) else "three"]))
    return {"IndexName": name, "KeySchema": draw(schemas()), "Projection": draw(projections())}


@st.composite
def tables(draw: Any) -> dict[str, Any]:
    """Give a CreateTable request without the name."""
    request: dict[str, Any] = {"KeySchema": draw(schemas()), "BillingMode": "PAY_PER_REQUEST"}
    globals_ = draw(st.lists(indexes(), max_size=2))
    locals_ = draw(st.lists(indexes(), max_size=1))
    if locals_:
        hashed = request["KeySchema"][0]
        for index in locals_:
            index["KeySchema"][0] = hashed
        request["LocalSecondaryIndexes"] = locals_
    if globals_:
        request["GlobalSecondaryIndexes"] = globals_
    used = {
        part["AttributeName"]
        for keyed in (request, *globals_, *locals_)
        for part in keyed["KeySchema"]
    }
    defined = sorted(used) if not draw(odd) else draw(st.lists(names, unique=True))
    request["AttributeDefinitions"] = [
        {"AttributeName": name, "AttributeType": draw(kinds)} for name in defined
    ]
    if draw(st.booleans()):
        throughput = {
            "ReadCapacityUnits": 1,
            "WriteCapacityUnits": draw(st.sampled_from([1, 1, 0])),
        }
        request |= {"BillingMode": "PROVISIONED", "ProvisionedThroughput": throughput}
        for index in globals_:
            index["ProvisionedThroughput"] = throughput
    return request


def reduce(answer: Any) -> Any:
    """Return what a table is, without its state, numbers and moments."""
    table = answer.get("Table") or answer.get("TableDescription")
    found: dict[str, Any] = {"KeySchema": table["KeySchema"]}
    definitions = table["AttributeDefinitions"]
    found["Definitions"] = sorted((d["AttributeName"], d["AttributeType"]) for d in definitions)
    for kind in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        several = [{name: each[name] for name in KEPT} for each in table.get(kind) or ()]
        found[kind] = sorted(several, key=lambda each: str(each["IndexName"]))
    return found


@examples(25, table=tables())
def test_tables_are_made_and_refused_alike(bench, table):
    name = f"t{uuid.uuid4().hex}"
    story = bench.story()
    story.reduce = reduce
    try:
        if not story.compare("CreateTable", TableName=name, **table).code:
            story.compare("DescribeTable", TableName=name)
    finally:
        bench.send_where_possible("DeleteTable", TableName=name)

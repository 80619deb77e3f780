"""Query and Scan: what they read, page by page, of tables and of indexes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .database import ALL, KEYS, Database, include, to_item


@pytest.fixture
def database() -> Database:
    return Database()


def query(database: Database, condition: str = "h = :h", **members: Any) -> Any:
    values = {":h": {"S": "a"}, **members.pop("values", {})}
    return database(
        "Query",
        TableName="tab",
        KeyConditionExpression=condition,
        ExpressionAttributeValues=values,
        **members,
    )


def read_pages(database: Database, operation: str, **members: Any) -> Iterator[Any]:
    while True:
        answer = database(operation, **members)
        yield answer
        if "LastEvaluatedKey" not in answer:
            return
        members["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def read_all(database: Database, operation: str, **members: Any) -> list[Any]:
    pages = read_pages(database, operation, **members)
    return [item for page in pages for item in page["Items"]]


def ranges(answer: Any) -> list[int]:
    return [int(item["r"]["N"]) for item in answer["Items"]]


@pytest.mark.parametrize(
    ("condition", "values", "expected"),
    [
        ("", {}, [-10, -1, 0, 2, 3, 10, 200]),
        ("r = :v", {":v": 2}, [2]),
        ("r = :v", {":v": 4}, []),
        ("r < :v", {":v": 2}, [-10, -1, 0]),
        ("r <= :v", {":v": 2}, [-10, -1, 0, 2]),
        ("r > :v", {":v": -1}, [0, 2, 3, 10, 200]),
        ("r >= :v", {":v": -1}, [-1, 0, 2, 3, 10, 200]),
        ("r BETWEEN :v AND :w", {":v": -1, ":w": 10}, [-1, 0, 2, 3, 10]),
    ],
)
@pytest.mark.parametrize("forward", [True, False])
def test_a_query_reads_a_range_of_one_hash_key_in_order(
    database, condition, values, expected, forward
):
    database.make_table()
    for r in (10, 2, -10, 200, 0, 3, -1):
        database.put(to_item(h="a", r=r), to_item(h="b", r=r))
    found = query(
        database,
        " AND ".join(filter(None, ["h = :h", condition])),
        values=to_item(**values),
        ScanIndexForward=forward,
    )
    assert ranges(found) == (expected if forward else expected[::-1])
    assert found["Count"] == found["ScannedCount"] == len(expected)
    assert "LastEvaluatedKey" not in found


def test_texts_are_in_the_order_of_their_bytes_and_found_by_prefix(database):
    database.make_table(key="h:S r:S")
    texts = ["", "B", "a", "aZ", "ab", "ab\x00", "abc", "ac", "b", "é", "\uffff", "\U00010000"][1:]
    for text in reversed(texts):
        database.put(to_item(h="a", r=text))
    assert [item["r"]["S"] for item in query(database)["Items"]] == texts
    found = query(database, "h = :h AND begins_with(r, :p)", values={":p": {"S": "ab"}})
    assert [item["r"]["S"] for item in found["Items"]] == ["ab", "ab\x00", "abc"]


def test_the_last_key_is_there_at_a_limit_even_where_nothing_follows(database):
    database.make_table()
    database.put(*(to_item(h="a", r=r) for r in range(3)))
    assert query(database, Limit=3)["LastEvaluatedKey"] == to_item(h="a", r=2)
    assert "LastEvaluatedKey" not in query(database, Limit=4)
    rest = query(database, Limit=3, ExclusiveStartKey=to_item(h="a", r=2))
    assert rest == {"Items": [], "Count": 0, "ScannedCount": 0}


def test_a_page_may_begin_behind_an_item_that_is_gone(database):
    database.make_table()
    database.put(*(to_item(h="a", r=r) for r in (1, 3)))
    assert ranges(query(database, ExclusiveStartKey=to_item(h="a", r=2))) == [3]
    found = query(database, ExclusiveStartKey=to_item(h="a", r=2), ScanIndexForward=False)
    assert ranges(found) == [1]


def make_indexed(database: Database) -> None:
    database.make_table(
        lsi={"by_l": ("h:S l:N", KEYS)},
        gsi={
            "by_g": ("g:S", KEYS),
            "by_gl": ("g:S l:N", ALL),
            "with_x": ("g:S l:N", include("x")),
        },
    )


SOURCES = [(None, "h"), ("by_l", "h"), ("by_g", "g"), ("by_gl", "g"), ("with_x", "g")]
ITEMS = st.dictionaries(
    st.tuples(st.sampled_from("ab"), st.integers(0, 9)),
    st.tuples(st.none() | st.sampled_from("ab"), st.none() | st.integers(-2, 2)),
    max_size=14,
)


def expect(items: list[Any], index: str | None, hashed: str | None) -> list[Any]:
    """Return the keys of what an index has, in order, as a plain list finds them."""
    hash_name = "h" if index in (None, "by_l") else "g"
    range_name = "r" if index is None else None if index == "by_g" else "l"
    found = [
        item for item in items if hash_name in item and (range_name is None or range_name in item)
    ]
    if hashed is not None:
        found = [item for item in found if item[hash_name]["S"] == hashed]
    if range_name is not None:
        found.sort(key=lambda item: int(item[range_name]["N"]))
    return found


def to_key(item: Any) -> tuple[str, int]:
    return item["h"]["S"], int(item["r"]["N"])


@settings(max_examples=25, deadline=None)
@given(
    contents=ITEMS,
    source=st.sampled_from(SOURCES),
    limit=st.none() | st.integers(1, 4),
    forward=st.booleans(),
)
def test_pages_of_a_query_have_every_item_once_and_in_order(contents, source, limit, forward):
    database, (index, hash_name) = Database(), source
    make_indexed(database)
    items = []
    for (h, r), (g, number) in contents.items():
        given_ones = {"g": g, "l": number}
        items.append(to_item(h=h, r=r, **{k: v for k, v in given_ones.items() if v is not None}))
    database.put(*items)
    members: dict[str, Any] = {"Limit": limit, "IndexName": index, "ScanIndexForward": forward}
    pages = list(
        read_pages(
            database,
            "Query",
            TableName="tab",
            KeyConditionExpression=f"{hash_name} = :h",
            ExpressionAttributeValues={":h": {"S": "a"}},
            **{name: value for name, value in members.items() if value is not None},
        )
    )
    found = [item for page in pages for item in page["Items"]]
    expected = expect(items, index, "a")
    assert sorted(map(to_key, found)) == sorted(map(to_key, expected))
    if index != "by_g":
        name = "r" if index is None else "l"
        order = [int(item[name]["N"]) for item in found]
        assert order == sorted(order, reverse=not forward)
    if limit is not None:
        assert all(page["ScannedCount"] == limit for page in pages[:-1])


@settings(max_examples=25, deadline=None)
@given(
    contents=ITEMS,
    source=st.sampled_from(SOURCES),
    limit=st.none() | st.integers(1, 4),
    total=st.none() | st.integers(1, 7),
)
def test_the_segments_of_a_scan_have_every_item_once(contents, source, limit, total):
    database, (index, _) = Database(), source
    make_indexed(database)
    items = []
    for (h, r), (g, number) in contents.items():
        given_ones = {"g": g, "l": number}
        items.append(to_item(h=h, r=r, **{k: v for k, v in given_ones.items() if v is not None}))
    database.put(*items)
    found: list[Any] = []
    for segment in range(total or 1):
        members = {
            "Limit": limit,
            "IndexName": index,
            "TotalSegments": total,
            "Segment": None if total is None else segment,
        }
        given_members = {name: value for name, value in members.items() if value is not None}
        found += read_all(database, "Scan", TableName="tab", **given_members)
    assert sorted(map(to_key, found)) == sorted(map(to_key, expect(items, index, None)))


def test_a_page_holds_one_megabyte_before_the_filter(database):
    database.make_table()
    database.put(*(to_item(h="a", r=r, x="x" * 300_000) for r in range(8)))
    for operation in ("Query", "Scan"):
        members: dict[str, Any] = {
            "TableName": "tab",
            "FilterExpression": "y = :y",
            "ExpressionAttributeValues": {":y": {"S": "none"}},
        }
        if operation == "Query":
            members["KeyConditionExpression"] = "h = :h"
            members["ExpressionAttributeValues"][":h"] = {"S": "a"}
        pages = list(read_pages(database, operation, **members))
        assert [page["ScannedCount"] for page in pages] == [3, 3, 2]
        assert [page["Count"] for page in pages] == [0, 0, 0]
        assert pages[0]["LastEvaluatedKey"] == to_item(h="a", r=2)


def test_the_size_in_an_index_is_what_fills_a_page_of_it(database):
    make_indexed(database)
    database.put(*(to_item(h="a", r=r, l=r, g="g", y="y" * 300_000) for r in range(5)))
    assert query(database, IndexName="by_l")["Count"] == 5
    answer = query(database, "g = :h", IndexName="by_gl", values={":h": {"S": "g"}})
    assert answer["Count"] == 3
    assert answer["LastEvaluatedKey"] == to_item(h="a", r=2, g="g", l=2)


@pytest.mark.parametrize(
    ("members", "names"),
    [
        ({}, "hrlgxy"),
        ({"IndexName": "by_l"}, "hrl"),
        ({"IndexName": "by_l", "Select": "ALL_PROJECTED_ATTRIBUTES"}, "hrl"),
        ({"IndexName": "by_l", "Select": "ALL_ATTRIBUTES"}, "hrlgxy"),
        ({"IndexName": "by_l", "ProjectionExpression": "x, l"}, "xl"),
        ({"IndexName": "by_g"}, "hrg"),
        ({"IndexName": "by_gl"}, "hrlgxy"),
        ({"IndexName": "by_gl", "Select": "ALL_ATTRIBUTES"}, "hrlgxy"),
        ({"IndexName": "with_x"}, "hrlgx"),
        ({"IndexName": "with_x", "ProjectionExpression": "x"}, "x"),
        ({"ProjectionExpression": "y, r", "Select": "SPECIFIC_ATTRIBUTES"}, "yr"),
        ({"AttributesToGet": ["x", "none"]}, "x"),
        ({"Select": "ALL_ATTRIBUTES"}, "hrlgxy"),
    ],
)
def test_a_scan_gives_what_is_selected_and_local_indexes_fetch(database, members, names):
    make_indexed(database)
    item = to_item(h="a", r=1, l=1, g="g", x="x", y="y")
    database.put(item)
    (found,) = database("Scan", TableName="tab", **members)["Items"]
    assert found == {name: item[name] for name in names}


@pytest.mark.parametrize("index", [None, "by_l", "with_x"])
def test_a_count_has_no_items(database, index):
    make_indexed(database)
    database.put(*(to_item(h="a", r=r, l=1, g="g") for r in range(3)))
    members = {} if index is None else {"IndexName": index}
    found = database("Scan", TableName="tab", Select="COUNT", **members)
    assert found == {"Count": 3, "ScannedCount": 3}


@pytest.mark.parametrize("index", ["by_l", "with_x"])
def test_a_filter_of_a_scan_sees_what_the_index_has(database, index):
    make_indexed(database)
    database.put(*(to_item(h="a", r=r, l=r, g="g", y=r % 2) for r in range(4)))
    members = {
        "IndexName": index,
        "FilterExpression": "y = :y",
        "ExpressionAttributeValues": {":y": {"N": "1"}},
    }
    found = database("Scan", TableName="tab", **members)
    assert (found["Count"], found["ScannedCount"]) == (0, 4)
    if index == "by_l":
        found = database("Scan", TableName="tab", Select="ALL_ATTRIBUTES", **members)
        assert ranges(found) == [1, 3]


def test_keys_of_several_attributes_are_queried_from_left_to_right(database):
    parts = "a:S b:N c:S d:N"
    database.make_table(key="h:S", gsi={"many": (parts, ALL, 2)})
    for number, (a, b, c, d) in enumerate(
        [("x", 1, "p", 1), ("x", 1, "p", 10), ("x", 1, "p", 2), ("x", 1, "pq", 1), ("x", 2, "p", 1)]
    ):
        database.put(to_item(h=str(number), a=a, b=b, c=c, d=d))
    database.put(to_item(h="partly", a="x", b=1, c="p"))

    def ask(condition: str, limit: int | None = None, **values: Any) -> str:
        members = {} if limit is None else {"Limit": limit}
        items = read_all(
            database,
            "Query",
            TableName="tab",
            IndexName="many",
            KeyConditionExpression=condition,
            ExpressionAttributeValues={f":{k}": v for k, v in to_item(**values).items()},
            **members,
        )
        return "".join(item["h"]["S"] for item in items)

    assert ask("a = :a AND b = :b", a="x", b=1) == "0213"
    assert ask("a = :a AND b = :b", a="x", b=1, limit=1) == "0213"
    assert ask("a = :a AND b = :b AND c = :c", a="x", b=1, c="p") == "021"
    assert ask("a = :a AND b = :b AND begins_with(c, :c)", a="x", b=1, c="p") == "0213"
    assert ask("a = :a AND b = :b AND c = :c AND d > :d", a="x", b=1, c="p", d=1) == "21"


def test_capacity_is_that_of_the_bytes_that_are_read(database):
    make_indexed(database)
    database.put(*(to_item(h="a", r=r, l=r, g="g", y="y" * 3000) for r in range(4)))

    def measure(**members: Any) -> Any:
        return query(database, ReturnConsumedCapacity="INDEXES", **members)["ConsumedCapacity"]

    assert measure()["CapacityUnits"] == 1.5
    assert measure(ConsistentRead=True)["CapacityUnits"] == 3
    assert measure(values={":h": {"S": "none"}})["CapacityUnits"] == 0.5
    narrow = measure(IndexName="by_l", ConsistentRead=True)
    assert narrow["LocalSecondaryIndexes"] == {"by_l": {"CapacityUnits": 1.0}}
    assert narrow["Table"] == {"CapacityUnits": 0.0}
    fetched = measure(IndexName="by_l", Select="ALL_ATTRIBUTES", ConsistentRead=True)
    assert fetched["Table"] == {"CapacityUnits": 4.0}
    assert fetched["CapacityUnits"] == 5


def test_the_parameters_that_expressions_replaced_still_work(database):
    database.make_table()
    database.put(*(to_item(h="a", r=r, x=r % 2) for r in range(6)))
    odd = {"x": {"ComparisonOperator": "EQ", "AttributeValueList": [{"N": "1"}]}}
    found = database(
        "Query",
        TableName="tab",
        KeyConditions={
            "h": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]},
            "r": {"ComparisonOperator": "GT", "AttributeValueList": [{"N": "1"}]},
        },
        QueryFilter=odd,
        AttributesToGet=["r"],
    )
    assert found["Items"] == [to_item(r=3), to_item(r=5)]
    assert (found["Count"], found["ScannedCount"]) == (2, 4)
    assert database("Scan", TableName="tab", ScanFilter=odd)["Count"] == 3
    either = {**odd, "r": {"ComparisonOperator": "LT", "AttributeValueList": [{"N": "2"}]}}
    found = database("Scan", TableName="tab", ScanFilter=either, ConditionalOperator="OR")
    assert sorted(ranges(found)) == [0, 1, 3, 5]
    refused = database.refuse(
        "Query",
        TableName="tab",
        KeyConditions={"h": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}},
        QueryFilter={"r": {"ComparisonOperator": "NOT_NULL"}},
    )
    assert "QueryFilter can only contain non-primary key attributes" in refused


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("index", [None, "by_g", "by_l"])
def test_a_page_costs_the_same_wherever_it_begins(database, index, forward):
    make_indexed(database)
    count = 1500
    database.put(*(to_item(h="a", r=r, l=1, g="a") for r in range(count)))
    steps = [0]
    connection = database.engine.store._write_connection()
    hash_name = "g" if index == "by_g" else "h"
    members: dict[str, Any] = {"Limit": 10, "ScanIndexForward": forward}
    if index is not None:
        members["IndexName"] = index

    def count_steps(r: int) -> int:
        names = {"by_g": {"g": "a"}, "by_l": {"l": 1}, None: {}}[index]
        start = to_item(h="a", r=r, **names)
        steps[0] = 0
        connection.set_progress_handler(lambda: steps.__setitem__(0, steps[0] + 1), 1)
        try:
            condition = f"{hash_name} = :h"
            found = query(database, condition, ExclusiveStartKey=start, **members)
        finally:
            connection.set_progress_handler(None, 1)
        expected = range(r + 1, r + 11) if forward else range(r - 1, r - 11, -1)
        assert ranges(found) == list(expected)
        return steps[0]

    assert count_steps(count - 50) < 1.2 * count_steps(50) < 1.5 * count_steps(count // 2)


def test_a_scan_goes_on_in_a_file_that_is_written_meanwhile(tmp_path):
    database = Database(str(tmp_path / "file.db"))
    database.make_table()
    database.put(*(to_item(h=str(n), r=n) for n in range(5)))
    before = database("Scan", TableName="tab", Limit=1)
    database.put(to_item(h="new", r=1))
    rest = database("Scan", TableName="tab", ExclusiveStartKey=before["LastEvaluatedKey"])
    assert database("Scan", TableName="tab")["Count"] == 6
    assert rest["Count"] in (4, 5)
    database.engine.close()

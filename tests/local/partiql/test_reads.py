"""SELECT, and the members of all requests."""

from __future__ import annotations

from typing import Any

import pytest

from ..database import to_item

INVALID = "ValidationException: "


def numbers(items: list[Any]) -> list[int]:
    return [int(item["r"]["N"]) for item in items]


def test_a_select_of_everything_gives_whole_items(filled):
    assert len(filled.run("SELECT * FROM tab")) == 6
    assert filled.run("SELECT * FROM tab WHERE h = 'b'") == [filled.find("b")]


@pytest.mark.parametrize(
    ("columns", "item"),
    [
        ("r", {"r": {"N": "1"}}),
        ("map.sub.n", {"n": {"N": "1.5"}}),
        ("list[1], s", {"list[1]": {"S": "two"}, "s": {"S": "text"}}),
        ("list[2][0]", {"list[2][0]": {"N": "3"}}),
        ("absent, map.absent, r", {"r": {"N": "1"}}),
        ("absent", {}),
    ],
)
def test_columns_are_called_by_the_last_name_of_their_path(filled, columns, item):
    columns = columns.replace("list", '"list"')
    assert filled.run(f"SELECT {columns} FROM tab WHERE h = 'b'") == [item]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("r = 2", [2]),
        ("2 = r", [2]),
        ("r <> 2", [1, 3, 4, 5]),
        ("r != 2", [1, 3, 4, 5]),
        ("r < 3", [1, 2]),
        ("3 >= r", [1, 2, 3]),
        ("r > 3 AND r <= 5", [4, 5]),
        ("r BETWEEN 2 AND 4 AND r > 2", [3, 4]),
        ("r NOT BETWEEN 2 AND 4", [1, 5]),
        ("r IN [1, 4, 7]", [1, 4]),
        ("r IN (1, 4)", [1, 4]),
        ("NOT r IN [1, 4]", [2, 3, 5]),
        ("r NOT IN [1, 4]", [2, 3, 5]),
        ("n > 20 AND (n = 30 OR n = 50)", [3, 5]),
        ("n = 10 OR n = 20 AND r = 9", [1]),
        ("NOT (n = 10 OR n = 20)", [3, 4, 5]),
        ("absent IS MISSING AND n < l", []),
        ("n IS MISSING", []),
        ("n IS NOT MISSING AND r = 1", [1]),
        ("l < n", [1, 2, 3, 4, 5]),
        ("n < 1", []),
        ("r > 5", []),
        ("r = 1 AND r = 2", []),
        ("r >= n", []),
        ("(r BETWEEN n AND 5 OR r = 1)", [1]),
        ("(begins_with(g, x) OR r = 2)", [2]),
        ("r BETWEEN n AND 5", []),
        ("begins_with(g, x) AND NOT h IN [g]", []),
    ],
)
def test_conditions_choose_among_the_items_of_a_hash_key(filled, where, found):
    assert numbers(filled.run(f"SELECT r FROM tab WHERE h = 'a' AND {where}")) == found


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        ("begins_with(s, 'te')", True),
        ("NOT begins_with(\"s\", 'te')", False),
        ("BEGINS_WITH(s, 'TE')", False),
        ("contains(ss, 'a')", True),
        ("contains(s, 'ex')", True),
        ("contains(\"list\", 1)", True),
        ("size(ss) = 2 AND size(s) < 5", True),
        ("attribute_type(ss, 'SS')", True),
        ("attribute_type(ss, 'S')", False),
        ("attribute_exists(map.sub)", True),
        ("attribute_exists(map.absent)", False),
        ("attribute_not_exists(absent)", True),
        ("attribute_exists(ss) = true", True),
        ("attribute_exists(ss) <> TRUE", False),
        ("(attribute_exists(absent) OR attribute_exists(ss))", True),
        ("nul IS NULL", True),
        ("s IS NULL", False),
        ("absent IS NULL", False),
        ("s IS NOT NULL", True),
        ("flag IS BOOL", True),
        ("flag IS STRING", False),
        ("s IS STRING", True),
        ("flag = true", True),
        ("nul = NULL", True),
        ("ss = <<'b', 'a'>>", True),
        ("\"list\" = [1, 'two', [3]]", True),
        ("map = {'sub': {'n': 1.5}}", True),
        ("map.sub.n = 15e-1", True),
        ("\"list\"[1] = 'two'", True),
        ("s < 5", False),
    ],
)  # fmt: skip
def test_functions_types_and_values_of_all_kinds_are_compared(filled, where, holds):
    assert len(filled.run(f"SELECT * FROM tab WHERE h = 'b' AND {where}")) == holds
    assert len(filled.run(f"SELECT * FROM tab WHERE {where} AND h = 'b'")) == holds


@pytest.mark.parametrize(
    ("order", "found"),
    [
        ("h = 'a' ORDER BY r", "a1 a2 a3 a4 a5"),
        ("h = 'a' ORDER BY r DESC", "a5 a4 a3 a2 a1"),
        ("h = 'a' AND r > 3 ORDER BY r ASC", "a4 a5"),
        # Where only the hash key is named, the service reads the range keys backwards.
        ("h = 'a' AND r > 3 ORDER BY h ASC", "a5 a4"),
        ("h IN ['a', 'b'] AND r < 3 ORDER BY h DESC, r ASC", "b1 a1 a2"),
        ("h IN ['b', 'a'] AND r < 3 ORDER BY h, r DESC", "a2 a1 b1"),
        ("(h = 'b' OR h = 'a') AND r = 1 ORDER BY h", "a1 b1"),
    ],
)
def test_rows_come_in_the_order_of_the_key_also_over_pages(filled, order, found):
    statement = f"SELECT h, r FROM tab WHERE {order}"
    rows = [row["h"]["S"] + row["r"]["N"] for row in filled.run(statement)]
    assert rows == found.split()
    for limit in (1, 2, 3):
        paged: list[str] = []
        token: dict[str, Any] = {}
        while token is not None:
            page = filled.execute(statement, Limit=limit, **token)
            paged += [row["h"]["S"] + row["r"]["N"] for row in page["Items"]]
            token = {"NextToken": page["NextToken"]} if "NextToken" in page else None
        assert paged == rows


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("ORDER BY r", "Must have WHERE clause in the statement when using ORDER BY clause."),
        (
            "WHERE h = 'a' ORDER BY n",
            "Attribute n in ORDER BY clause must be part of the primary key",
        ),
        (
            "WHERE h > 'a' ORDER BY r",
            "Must have at least one non-optional hash key condition in WHERE clause when using "
            "ORDER BY clause.",
        ),
        (
            "WHERE h IN ['a', 'b'] ORDER BY r",
            "Must have hash key in ORDER BY clause when more than one hash key condition specified "
            "in WHERE clause.",
        ),
        (
            "WHERE h = 1",
            "One or more parameter values were invalid: "
            "Condition parameter type does not match schema type",
        ),
        (
            "WHERE h = 'a' AND r > 'x'",
            "One or more parameter values were invalid: "
            "Condition parameter type does not match schema type",
        ),
        (
            "WHERE h IN [" + ", ".join(map(repr, map(str, range(51)))) + "]",
            "The WHERE clause has more than 50 values of the hash key h",
        ),
        (
            "WHERE n < true",
            "Incorrect operand type for operator or function; operator or function: <, "
            "operand type: BOOL",
        ),
        (
            "WHERE attribute_exists('n')",
            "Operator or function requires a document path; operator or function: attribute_exists",
        ),
        ("WHERE h = ?", "Number of parameters in request and statement don't match."),
        ("WHERE n = <<>>", "Empty bags are not supported"),
        (
            "WHERE n = <<1, 'a'>>",
            "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags",
        ),
        (
            "WHERE n = <<'a', 'a'>>",
            "One or more parameter values were invalid: "
            "Input collection [a, a] contains duplicates.",
        ),
    ],
)
def test_a_select_that_no_range_of_keys_serves_is_refused(database, statement, message):
    assert database.reject(f"SELECT * FROM tab {statement}") == INVALID + message


def test_an_index_is_read_by_its_own_keys(filled):
    rows = filled.run("SELECT * FROM tab.by_g WHERE g = 'all' AND r < 3 ORDER BY r DESC")
    assert [row["n"]["N"] for row in rows] == ["20", "10"]
    rows = filled.run('SELECT * FROM "tab"."by_l" WHERE h = \'a\' AND l BETWEEN 4 AND 6')
    assert rows == [to_item(h="a", r=9 - left, l=left) for left in (4, 5, 6)]
    # A local index reaches the attributes that are only in the table.
    rows = filled.run("SELECT n FROM tab.by_l WHERE h = 'a' AND l = 4", ConsistentRead=True)
    assert rows == [to_item(n=50)]
    assert len(filled.run("SELECT x FROM tab.narrow WHERE x = 'x'")) == 5


@pytest.mark.parametrize(
    ("statement", "members", "message"),
    [
        ("SELECT n FROM tab.narrow", {}, "Global secondary index narrow does not project [n]"),
        ("SELECT * FROM tab.none", {}, "The table does not have the specified index: none"),
        (
            "SELECT * FROM tab.by_g",
            {"ConsistentRead": True},
            "Consistent reads are not supported on global secondary indexes",
        ),
        (
            "SELECT COUNT FROM many.parts",
            {},
            "Unexpected keyword",
        ),
        (
            "SELECT * FROM many.parts WHERE a = 5",
            {},
            "PartiQL statements cannot be executed on tables with multi-attribute HASH keys or "
            "multi-attribute RANGE keys.",
        ),
    ],
)
def test_what_an_index_cannot_give_is_refused(database, statement, members, message):
    refused = database.reject(statement, **members)
    assert refused.startswith(INVALID)
    assert refused.endswith(message)


def test_a_page_ends_at_its_limit_before_the_condition(filled):
    page = filled.execute("SELECT r FROM tab WHERE h = 'a' AND n > 20", Limit=3)
    assert numbers(page["Items"]) == [3]
    assert page["LastEvaluatedKey"] == to_item(h="a", r=3)
    rest = filled.execute("SELECT r FROM tab WHERE h = 'a' AND n > 20", NextToken=page["NextToken"])
    assert numbers(rest["Items"]) == [4, 5]
    assert rest.keys() == {"Items"}


@pytest.mark.parametrize(
    "token", ["", "x", "bm9uZQ==", "WyJhIiwxXQ==", "e30=", "W10=", "\u00e9", "[[1"]
)
def test_a_token_of_another_request_is_refused(filled, token):
    own = filled.execute("SELECT r FROM tab", Limit=1)["NextToken"]
    for other in (token, own):
        refused = filled.reject("SELECT r FROM tab WHERE h = 'a'", NextToken=other)
        assert refused.startswith(INVALID)


def test_reading_and_writing_consume_capacity(filled):
    def consume(statement: str, **members: Any) -> Any:
        answer = filled.execute(statement, ReturnConsumedCapacity="TOTAL", **members)
        return answer["ConsumedCapacity"]

    single = {"TableName": "tab", "CapacityUnits": 0.5}
    assert consume("SELECT * FROM tab WHERE h = 'a' AND r = 1") == single
    assert consume("SELECT * FROM tab WHERE h = 'a'", ConsistentRead=True)["CapacityUnits"] == 1
    assert consume("INSERT INTO single VALUE {'h': 'a'}")["CapacityUnits"] == 1


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"Statement": ""}, "at 'statement' failed to satisfy constraint"),
        ({"Statement": "S" * 8193}, "less than or equal to 8192"),
        ({}, "at 'statement' failed to satisfy constraint: Member must not be null"),
        ({"Statement": "SELECT * FROM tab", "Limit": 0}, "greater than or equal to 1"),
        ({"Statement": "SELECT * FROM tab", "Parameters": []}, "'parameters' failed"),
        (
            {"Statement": "SELECT * FROM tab", "Parameters": [{"S": "a"}]},
            "Number of parameters in request and statement don't match.",
        ),
        (
            {"Statement": "SELECT * FROM tab WHERE h = ?", "Parameters": [{"N": "1e99999999999"}]},
            "The parameter cannot be converted to a numeric value: 1e99999999999",
        ),
        (
            {"Statement": "EXISTS(SELECT * FROM tab WHERE h = 'a' AND r = 1 AND n = 1)"},
            "EXISTS can only be used in ExecuteTransaction write requests.",
        ),
    ],
)
def test_members_are_checked(database, members, message):
    refused = database.refuse("ExecuteStatement", **members)
    assert refused.startswith(INVALID)
    assert message in refused


def test_a_table_that_is_not_there_is_not_found(database):
    for statement in (
        "SELECT * FROM none",
        "INSERT INTO none VALUE {'h': 'a'}",
        "DELETE FROM none WHERE h = 'a'",
        "FROM none WHERE h = 'x' SET c = 1",
    ):
        refused = database.reject(statement)
        assert refused == "ResourceNotFoundException: Requested resource not found"

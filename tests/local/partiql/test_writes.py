"""INSERT, UPDATE and DELETE."""

from __future__ import annotations

import pytest

from ..database import Refused, to_item

FAILED = "ConditionalCheckFailedException: The conditional request failed"
INVALID = "ValidationException: "
NO_KEY = INVALID + "Where clause does not contain a mandatory equality on all key attributes"


def test_an_insert_stores_an_item_once(database):
    assert database.execute("INSERT INTO tab VALUE {'h': 'a', 'r': 1, 'v': 'x'}") == {"Items": []}
    refused = database.reject("INSERT INTO tab VALUE {'h': 'a', 'r': 1}")
    assert refused == "DuplicateItemException: Duplicate primary key exists in table"
    assert database.find("a") == to_item(h="a", r=1, v="x")


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("{'h': 'a'}", "One or more parameter values were invalid: Missing the key r in the item"),
        (
            "{'h': 'a', 'r': 'x'}",
            "One or more parameter values were invalid: "
            "Type mismatch for key r expected: N actual: S",
        ),
        (f"{{'h': 'a', 'r': 1, 'x': {'[' * 33}{']' * 33}}}", "Nesting Levels have exceeded"),
    ],
)
def test_an_insert_is_checked_as_every_put(database, item, message):
    assert database.reject(f"INSERT INTO tab VALUE {item}").startswith(INVALID + message)


CHANGES = [
    ("SET n = n + 5", {"n": {"N": "15"}}),
    ("SET n = n - 5, m = n", {"n": {"N": "5"}, "m": {"N": "10"}}),
    ("SET n = 1 SET s = 'x' REMOVE v", {"n": {"N": "1"}, "s": {"S": "x"}, "v": None}),
    ("SET v = list_append(v, [3])", {"v": {"L": [{"N": "1"}, {"N": "2"}, {"N": "3"}]}}),
    ("SET v = LIST_APPEND([0], v)", {"v": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}]}}),
    ("SET v[5] = 9 REMOVE v[0]", {"v": {"L": [{"N": "2"}, {"N": "9"}]}}),
    ("SET m.x = {'y': [TRUE]}", "document path"),
    ("SET ss = set_add(ss, <<'c'>>)", {"ss": {"SS": ["a", "b", "c"]}}),
    ("SET new = SET_ADD(new, <<1>>)", "Unexpected keyword"),
    ("SET fresh = SET_ADD(fresh, <<1>>)", {"fresh": {"NS": ["1"]}}),
    ("SET ss = set_delete(ss, <<'a', 'z'>>)", {"ss": {"SS": ["b"]}}),
    ("SET ss = set_delete(ss, <<'a', 'b'>>)", {"ss": None}),
    ("SET none = list_append(none, [1])", "refers to an attribute that does not exist"),
    ("SET ss = set_add(ss, <<1>>)", "An operand in the update expression has an incorrect data"),
    (
        "SET ss = set_add(ss, 'c')",
        "The second argument to SET_ADD must be a value with type SET at",
    ),
    ("SET n = s + 1", "refers to an attribute that does not exist"),
    ("SET n = 'a' + 1", "Incorrect operand type for operator or function"),
    ("SET r = 2", "Cannot update attribute r. This attribute is part of the key"),
    ("SET v = 1 REMOVE v[0]", "Two document paths overlap"),
]


@pytest.mark.parametrize(("changes", "expected"), CHANGES)
def test_an_update_computes_from_the_item_before_it(database, changes, expected):
    item = {
        **to_item(h="a", r=1, n=10),
        "v": {"L": [{"N": "1"}, {"N": "2"}]},
        "ss": {"SS": ["a", "b"]},
    }
    for statement in (
        f"UPDATE tab {changes} WHERE h = 'a' AND r = 1",
        f"FROM tab WHERE r = 1 AND h = 'a' {changes}",
    ):
        database("PutItem", TableName="tab", Item=item)
        if isinstance(expected, str):
            assert expected in database.reject(statement)
            assert database.find("a") == item
        else:
            assert database.execute(statement) == {"Items": []}
            new = {name: value for name, value in {**item, **expected}.items() if value}
            assert database.find("a") == new


@pytest.mark.parametrize(
    ("returning", "items"),
    [
        ("ALL OLD", [to_item(h="a", r=1, n=1, k=5)]),
        ("ALL NEW", [to_item(h="a", r=1, n=2, k=5)]),
        ("MODIFIED OLD", [to_item(n=1)]),
        ("MODIFIED NEW", [to_item(n=2)]),
    ],
)
def test_an_update_returns_what_its_returning_says(database, returning, items):
    database.run("INSERT INTO tab VALUE {'h': 'a', 'r': 1, 'n': 1, 'k': 5}")
    statement = f"UPDATE tab SET n = 2 WHERE h = 'a' AND r = 1 RETURNING {returning} *"
    assert database.run(statement) == items


@pytest.mark.parametrize("returning", ["MODIFIED NEW", "MODIFIED OLD"])
def test_an_update_that_has_nothing_to_return_returns_no_item(database, returning):
    database.run("INSERT INTO tab VALUE {'h': 'a', 'r': 1}")
    statement = f"UPDATE tab REMOVE absent WHERE h = 'a' AND r = 1 RETURNING {returning} *"
    assert database.execute(statement) == {"Items": []}


def test_an_update_of_no_item_fails_and_makes_none(database):
    for rest in ("", " AND attribute_not_exists(h)", " AND n IS MISSING"):
        statement = f"UPDATE tab SET n = 1 WHERE h = 'a' AND r = 1{rest}"
        assert database.reject(statement) == FAILED
    assert database.find("a") is None


def test_the_rest_of_a_where_is_the_condition_of_a_write(filled):
    old = filled.find("a")
    for statement in (
        "UPDATE tab SET n = 1 WHERE h = 'a' AND r = 1 AND (n = 1 OR n = 2)",
        "DELETE FROM tab WHERE h = 'a' AND r = 1 AND NOT n = 10",
    ):
        assert filled.reject(statement) == FAILED
    with pytest.raises(Refused) as caught:
        filled.execute(statement, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert caught.value.body["Item"] == old == filled.find("a")
    filled.run("UPDATE tab SET n = 1 WHERE h = 'a' AND r = 1 AND n = 10 AND l BETWEEN 1 AND 9")
    assert filled.find("a")["n"] == {"N": "1"}
    filled.run("DELETE FROM tab WHERE n = 1 AND r = 1 AND h = 'a'")
    assert filled.find("a") is None


def test_a_delete_returns_the_item_and_of_nothing_nothing(filled):
    old = filled.find("a")
    statement = "DELETE FROM tab WHERE h = 'a' AND r = 1 RETURNING ALL OLD *"
    assert filled.run(statement) == [old]
    assert filled.run(statement) == []
    assert filled.run("DELETE FROM tab WHERE h = 'a' AND r = 1 AND n = 5") == []


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM tab",
        "DELETE FROM tab WHERE h = 'a'",
        "DELETE FROM tab WHERE h = 'a' OR r = 1",
        "DELETE FROM tab WHERE h = 'a' AND r > 1",
        "DELETE FROM tab WHERE h = 'a' AND r IN [1]",
        "UPDATE tab SET n = 1 WHERE n = 1",
        "UPDATE tab SET n = 1",
        "FROM tab SET n = 1",
    ],
)
def test_a_write_needs_the_whole_key(database, statement):
    assert database.reject(statement) == NO_KEY

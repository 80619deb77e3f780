from __future__ import annotations

import pytest

from dynamodb_py.exceptions import QueryError, ValidationError
from dynamodb_py.expressions import F, RawExpression

from .spelling import spell


@pytest.mark.parametrize(
    ("given", "text", "names", "values"),
    [
        (("a = b",), "(a = b)", {}, {}),
        (("a = :v", {}, {":v": [1]}), "(a = :0)", {}, {":0": {"L": [{"N": "1"}]}}),
        (("#a = #a1", {"#a": "x", "#a1": "y"}), "(#0 = #1)", {"#0": "x", "#1": "y"}, {}),
        (("#1 = #0", {"#0": "x", "#1": "y"}), "(#1 = #0)", {"#0": "x", "#1": "y"}, {}),
        (
            ("#a.#a[0] < :v", {"#a": "x"}, {":v": 1}),
            "(#0.#0[0] < :0)",
            {"#0": "x"},
            {":0": {"N": "1"}},
        ),
        (("a = :v OR b = :v", {}, {":v": 1}), "(a = :0 OR b = :0)", {}, {":0": {"N": "1"}}),
        (("(a = b)",), "(a = b)", {}, {}),
        ((" ( ( a = b ) ) ",), "(a = b)", {}, {}),
        (("(a = b) OR (c = d)",), "((a = b) OR (c = d))", {}, {}),
        (("(a)(",), "((a)()", {}, {}),  # DynamoDB says what is wrong with it
    ],
)
def test_spelling(given, text, names, values):
    assert spell(RawExpression(*given)) == (text, names, values)


def test_placeholders_do_not_collide_with_those_of_others():
    raw = RawExpression("#0 = :0 OR #1 = :0", {"#0": "x", "#1": "a"}, {":0": 1})
    text, names, values = spell((F("a") == 5) & raw & ~raw)
    assert text == "(#0 = :0 AND (#1 = :1 OR #0 = :1) AND (NOT (#1 = :2 OR #0 = :2)))"
    assert names == {"#0": "a", "#1": "x"}
    assert values == {":0": {"N": "5"}, ":1": {"N": "1"}, ":2": {"N": "1"}}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("",), "the text is empty"),
        ((" ( ) ",), "the text is empty"),
        (("#a = :v", {"#a": "x"}), "'#a = :v': :v: every placeholder must be used"),
        (("a = b", {"#a": "x"}, {":v": 1}), "#a, :v: every placeholder must be used"),
    ],
)
def test_what_is_not_whole_is_refused(given, expected):
    with pytest.raises(QueryError, match=expected):
        RawExpression(*given)


def test_a_wrong_value_is_told_where_it_is_written():
    with pytest.raises(ValidationError, match=r":v\[0\]: a value of type object cannot be stored"):
        RawExpression("a = :v", {}, {":v": [object()]})


def test_later_changes_of_what_was_given_do_not_matter():
    names, values = {"#a": "x"}, {":v": 1}
    raw = RawExpression("#a = :v", names, values)
    names.clear()
    values[":v"] = 2
    assert spell(raw)[1:] == ({"#0": "x"}, {":0": {"N": "1"}})


def test_raw_expressions_are_values():
    one, other = (RawExpression("a = :v", {}, {":v": {"x": [1]}}) for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert one != RawExpression("a = :v", {}, {":v": {"x": [2]}})


def test_the_paths_are_those_of_its_names():
    raw = RawExpression("#a = #b", {"#a": "x.y", "#b": "z"})
    assert [path.parts for path in (raw & F("q").exists()).paths()] == [("x.y",), ("z",), ("q",)]

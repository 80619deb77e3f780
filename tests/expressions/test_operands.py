from __future__ import annotations

from decimal import Decimal
from itertools import count

import pytest

from dynamodb_py.exceptions import QueryError, ValidationError
from dynamodb_py.expressions import (
    AFFIX,
    And,
    Attr,
    Coder,
    Comparable,
    Condition,
    Contains,
    F,
    In,
    Never,
    NotExists,
    Operand,
    Path,
    Value,
)

from .spelling import spell


class Question(Operand[int]):
    """An operand of another class, as a model's field is one."""

    label = "Test.number"

    def __init__(self, name: str, coder: Coder | None = None) -> None:
        self.name, self.coder = name, coder or Whole()

    def _path(self) -> Path:
        return Path((self.name,), self.coder, self.label)


class Whole:
    """Whole numbers; 0 is stored as absent."""

    def encode(self, value, where, /):
        if not isinstance(value, int):
            raise ValidationError({where: ["a whole number is needed"]})
        return {"N": str(value)} if value else None

    def sub(self, part, /):
        return None

    def element(self):
        return None


number = Question("n")


@pytest.mark.parametrize(
    ("condition", "text", "names", "values"),
    [
        (F("a") == 10, "#0 = :0", "a", [{"N": "10"}]),
        (F("a") != 1.5, "#0 <> :0", "a", [{"N": "1.5"}]),
        (F("a") < Decimal("0.1"), "#0 < :0", "a", [{"N": "0.1"}]),
        (F("a") <= "x", "#0 <= :0", "a", [{"S": "x"}]),
        (F("a") > b"x", "#0 > :0", "a", [{"B": b"x"}]),
        (F("a") >= 1, "#0 >= :0", "a", [{"N": "1"}]),
        (3 < F("a"), "#0 > :0", "a", [{"N": "3"}]),  # noqa: SIM300
        (3 == F("a"), "#0 = :0", "a", [{"N": "3"}]),  # noqa: SIM300
        (F("a").eq(1), "#0 = :0", "a", [{"N": "1"}]),
        (F("a").ne(1), "#0 <> :0", "a", [{"N": "1"}]),
        (F("a").lt(1), "#0 < :0", "a", [{"N": "1"}]),
        (F("a").lte(1), "#0 <= :0", "a", [{"N": "1"}]),
        (F("a").gt(1), "#0 > :0", "a", [{"N": "1"}]),
        (F("a").gte(1), "#0 >= :0", "a", [{"N": "1"}]),
        (F("a") == True, "#0 = :0", "a", [{"BOOL": True}]),  # noqa: E712
        (F("a") == {"x": [None]}, "#0 = :0", "a", [{"M": {"x": {"L": [{"NULL": True}]}}}]),
        (F("a") == {2, 1}, "#0 = :0", "a", [{"NS": ["1", "2"]}]),
        (F("a") == F("b"), "#0 = #1", "ab", []),
        (F("a") < F("b"), "#0 < #1", "ab", []),
        (F("a__b") >= F("b__a__0"), "#0.#1 >= #1.#0[0]", "ab", []),
        (number == 7, "#0 = :0", "n", [{"N": "7"}]),
        (number == F("a"), "#0 = #1", "na", []),
        (number == 0, "(attribute_not_exists(#0) OR attribute_type(#0, :0))", "n", [{"S": "NULL"}]),
        (F("a").between(1, 1), "#0 BETWEEN :0 AND :1", "a", [{"N": "1"}, {"N": "1"}]),
        (F("a").between(9, 10), "#0 BETWEEN :0 AND :1", "a", [{"N": "9"}, {"N": "10"}]),
        (F("a").between("Z", "a"), "#0 BETWEEN :0 AND :1", "a", [{"S": "Z"}, {"S": "a"}]),
        (F("a").between(1, F("b")), "#0 BETWEEN :0 AND #1", "ab", [{"N": "1"}]),
        (F("a").between(F("b"), F("c")), "#0 BETWEEN #1 AND #2", "abc", []),
        (F("a").is_in(1, "x"), "#0 IN (:0, :1)", "a", [{"N": "1"}, {"S": "x"}]),
        (F("a").is_in([1, 2]), "#0 IN (:0, :1)", "a", [{"N": "1"}, {"N": "2"}]),
        (F("a").is_in(i for i in (1, 1, 1)), "#0 IN (:0)", "a", [{"N": "1"}]),
        (F("a").is_in("xy"), "#0 IN (:0)", "a", [{"S": "xy"}]),
        (F("a").is_in(b"xy"), "#0 IN (:0)", "a", [{"B": b"xy"}]),
        (F("a").is_in({"x": 1}), "#0 IN (:0)", "a", [{"M": {"x": {"N": "1"}}}]),
        (F("a").is_in([[1]]), "#0 IN (:0)", "a", [{"L": [{"N": "1"}]}]),
        (F("a").is_in(F("b")), "#0 IN (#1)", "ab", []),
        (F("a").is_in([F("b"), 5]), "#0 IN (#1, :0)", "ab", [{"N": "5"}]),
        (
            F("a").is_in([None, 1]),
            "(#0 IN (:0) OR attribute_not_exists(#0) OR attribute_type(#0, :1))",
            "a",
            [{"N": "1"}, {"S": "NULL"}],
        ),
        (
            F("a").is_in(None),
            "(attribute_not_exists(#0) OR attribute_type(#0, :0))",
            "a",
            [{"S": "NULL"}],
        ),
        (
            F("a").is_in(),
            "(attribute_exists(#0) AND attribute_not_exists(#0))",
            "a",
            [],
        ),
        (F("a").begins_with("x"), "begins_with(#0, :0)", "a", [{"S": "x"}]),
        (F("a").begins_with(b"x"), "begins_with(#0, :0)", "a", [{"B": b"x"}]),
        (F("a").begins_with(F("b")), "begins_with(#0, #1)", "ab", []),
        (number.begins_with("2024-"), "begins_with(#0, :0)", "n", [{"S": "2024-"}]),
        (F("a").contains("x"), "contains(#0, :0)", "a", [{"S": "x"}]),
        (F("a").contains(None), "contains(#0, :0)", "a", [{"NULL": True}]),
        (F("a").contains([1]), "contains(#0, :0)", "a", [{"L": [{"N": "1"}]}]),
        (F("a").contains(F("b")), "contains(#0, #1)", "ab", []),
        (F("a").exists(), "attribute_exists(#0)", "a", []),
        (F("a").not_exists(), "attribute_not_exists(#0)", "a", []),
        (F("a").attribute_type("SS"), "attribute_type(#0, :0)", "a", [{"S": "SS"}]),
        (F("a").size() > 3, "size(#0) > :0", "a", [{"N": "3"}]),
        (F("a").size() == F("b").size(), "size(#0) = size(#1)", "ab", []),
        (F("a").size() <= F("b"), "size(#0) <= #1", "ab", []),
        (F("a") <= F("b").size(), "#0 <= size(#1)", "ab", []),
        (F("a").size() == F("a"), "size(#0) = #0", "a", []),
        (F("a").size().between(1, 2), "size(#0) BETWEEN :0 AND :1", "a", [{"N": "1"}, {"N": "2"}]),
        (F("a").size().is_in(1, 2), "size(#0) IN (:0, :1)", "a", [{"N": "1"}, {"N": "2"}]),
        (
            F("a").size().is_in([]),
            "(attribute_exists(#0) AND attribute_not_exists(#0))",
            "a",
            [],
        ),
        (
            F("a") == None,  # noqa: E711
            "(attribute_not_exists(#0) OR attribute_type(#0, :0))",
            "a",
            [{"S": "NULL"}],
        ),
        (
            F("a") != None,  # noqa: E711
            "(NOT (attribute_not_exists(#0) OR attribute_type(#0, :0)))",
            "a",
            [{"S": "NULL"}],
        ),
        (Attr(Path(("a.b",)))["c.d"][0] == 1, "#0.#1[0] = :0", ["a.b", "c.d"], [{"N": "1"}]),
    ],
)
def test_spelling(condition, text, names, values):
    assert spell(condition) == (
        text,
        {f"#{place}": name for place, name in enumerate(names)},
        {f":{place}": value for place, value in enumerate(values)},
    )


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (lambda: number == "x", "Test.number: a whole number is needed"),
        (lambda: number.is_in(1, "x"), "Test.number: a whole number is needed"),
        (lambda: number.between(1, "x"), "Test.number: a whole number is needed"),
        (lambda: F("a__b") == [object()], r"a value of type object cannot be stored"),
        (lambda: F("a") == float("nan"), r"F\('a'\): NaN is not a number"),
        (lambda: F("a").begins_with(1), r"F\('a'\).begins_with\(\): only str or bytes"),
        (lambda: F("a").begins_with(None), r"F\('a'\).begins_with\(\): only str or bytes"),
        (lambda: F("a").size() == "x", r"F\('a'\).size\(\): a size compares with an int, not 'x'"),
        (lambda: F("a").size() > 1.5, "a size compares with an int, not 1.5"),
        (lambda: F("a").size() == True, "a size compares with an int, not True"),  # noqa: E712
    ],
    ids=count(),
)
def test_a_wrong_value_is_told_where_it_is_written(ask, expected):
    with pytest.raises(ValidationError, match=expected):
        ask()


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (lambda: number.contains("x"), r"Test\.number\.contains\(\): only text, lists and sets"),
        (lambda: number["a"] == 1, r"Test\.number\['a'\]: nothing lies inside Test\.number"),
        (lambda: F("a") < True, "orders text, numbers and bytes, and a BOOL is none of them"),
        (lambda: F("a") >= [1], "and a L is none of them"),
        (lambda: F("a") > None, "and a NULL is none of them"),
        (lambda: F("a").between(None, 1), "and a NULL is none of them"),
        (lambda: F("a").between({1}, {2}), "and a NS is none of them"),
        (lambda: F("a").between(10, 9), r"F\('a'\).between\(\): the lower bound is greater"),
        (lambda: F("a").between("a", "Z"), "the lower bound is greater"),
        (lambda: F("a").between(b"\x80", b"\x7f"), "the lower bound is greater"),
        (lambda: F("a").between(1, "1"), "N and S have no order in common"),
        (lambda: F("a").size() == None, r"F\('a'\).size\(\) is never None"),  # noqa: E711
        (lambda: F("a") == F("a"), r"=: DynamoDB does not compare F\('a'\) with itself"),
        (lambda: F("a").is_in(1, F("a")), "does not compare"),
        (lambda: F("a").between(F("a"), 1), "does not compare"),
        (lambda: F("a").contains(F("a")), "does not compare"),
        (lambda: F("a").begins_with(F("a")), "does not compare"),
        (lambda: F("a").attribute_type("STRING"), "DynamoDB's types are S, SS, N, NS"),
        (lambda: F("a") == (F("b") == 1), "put parentheses around each side of &"),
        (lambda: F("a").contains(F("b") == 1), "put parentheses around each side of &"),
    ],
    ids=count(),
)
def test_a_question_that_dynamodb_would_refuse_is_refused(ask, expected):
    with pytest.raises(QueryError, match=expected):
        ask()


def test_text_is_ordered_by_its_utf8_bytes_not_by_its_utf16():
    assert F("a").between("\uffff", "\U00010000").operators() == 1


@pytest.mark.parametrize("total", [1, 100, 101, 250])
def test_any_number_of_values_can_be_asked_for(total):
    condition = F("a").is_in(range(total))
    assert isinstance(condition, In)
    assert len(condition.values) == total
    text, _, values = spell(condition)
    assert len(values) == total
    sizes = [chunk.count(":") for chunk in text.split(" OR ")]
    assert sum(sizes) == total
    assert max(sizes) <= 100
    assert len(sizes) == -(-total // 100)


def test_none_of_no_values_is_known_without_asking():
    assert F("a").is_in([]) == Never(Path(("a",)))


def test_a_python_in_is_refused():
    with pytest.raises(TypeError, match=r"use \.contains\(.x.\)"):
        "x" in F("a")  # noqa: B015


def test_a_chain_of_comparisons_is_refused():
    with pytest.raises(TypeError, match="a < b < c"):
        1 < F("a") < 5  # noqa: B015


def test_operands_are_keys_by_identity():
    a, b = F("a"), F("a")
    kept = {a: 1, b: 2}
    assert (kept[a], kept[b]) == (1, 2)
    assert len({a, b, a}) == 2


def test_a_text_contains_a_piece_of_it_whatever_its_coder_allows():
    class Text(Whole):
        def element(self):
            return AFFIX

    text = Question("t", Text())
    assert text.contains("x") == Contains(Path(("t",)), Value({"S": "x"}))
    with pytest.raises(ValidationError, match="only str or bytes"):
        text.contains(1)


def test_an_element_that_is_stored_as_absent_cannot_be_contained():
    class Numbers(Whole):
        def element(self):
            return Whole()

    with pytest.raises(QueryError, match=r"contains\(0\): this value is stored as absent"):
        Question("t", Numbers()).contains(0)


def test_operands_are_readable():
    assert repr(F("a__b__0")) == "F('a')['b'][0]"
    assert repr(F("a").size()) == "F('a').size()"


def test_the_bases_say_nothing_themselves():
    with pytest.raises(NotImplementedError):
        Comparable().eq(1)
    with pytest.raises(NotImplementedError):
        Operand().exists()
    with pytest.raises(NotImplementedError):
        Comparable()._wire(1)


def test_operators_give_conditions():
    both = (F("a") == 1) & NotExists(Path(("b",)))
    assert isinstance(both, And)
    assert isinstance(both, Condition)

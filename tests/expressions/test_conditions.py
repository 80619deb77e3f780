from __future__ import annotations

import copy
import functools
import operator
import pickle
from itertools import count

import msgspec
import pytest
from hypothesis import given

from dynamodb_py.codec import encode
from dynamodb_py.exceptions import QueryError
from dynamodb_py.expressions import (
    And,
    Compare,
    Condition,
    Exists,
    F,
    Names,
    Never,
    Not,
    NotExists,
    Or,
    Path,
    RawExpression,
    Size,
    Value,
)

from .reference import holds
from .spelling import spell
from .strategies import conditions, items

a, b, c = F("a") == 1, F("b") == 2, F("c") == 3
EMPTY = Condition()


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (a & b, "(#0 = :0 AND #1 = :1)"),
        (a | b, "(#0 = :0 OR #1 = :1)"),
        (~a, "(NOT #0 = :0)"),
        (a & b & c, "(#0 = :0 AND #1 = :1 AND #2 = :2)"),
        (a & (b & c), "(#0 = :0 AND #1 = :1 AND #2 = :2)"),
        ((a | b) | (c | a), "(#0 = :0 OR #1 = :1 OR #2 = :2 OR #0 = :3)"),
        (a & b | c, "((#0 = :0 AND #1 = :1) OR #2 = :2)"),
        (a & (b | c), "(#0 = :0 AND (#1 = :1 OR #2 = :2))"),
        (~(a & b), "(NOT (#0 = :0 AND #1 = :1))"),
        (~(a | ~b), "(NOT (#0 = :0 OR (NOT #1 = :1)))"),
        (~~a, "#0 = :0"),
        (~F("a").exists(), "attribute_not_exists(#0)"),
        (~F("a").not_exists(), "attribute_exists(#0)"),
        (~F("a").is_in([]), "(NOT (attribute_exists(#0) AND attribute_not_exists(#0)))"),
        (a ^ b, "((#0 = :0 AND (NOT #1 = :1)) OR ((NOT #0 = :2) AND #1 = :3))"),
        (And((a,)), "#0 = :0"),
        (And((Or((a, b)),)), "(#0 = :0 OR #1 = :1)"),
    ],
)
def test_spelling(condition, text):
    assert spell(condition)[0] == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (EMPTY & a, a),
        (a & EMPTY, a),
        (EMPTY | a, a),
        (a | EMPTY, a),
        (EMPTY ^ a, a),
        (a ^ EMPTY, a),
        (EMPTY & EMPTY, EMPTY),
        (~EMPTY, EMPTY),
        (~EMPTY & a, a),
        ((a & b) & EMPTY, a & b),
        (EMPTY | (a & b) | EMPTY | c, (a & b) | c),
        (~(EMPTY & a), ~a),
    ],
)
def test_the_empty_condition_adds_nothing(one, other):
    assert one == other


def test_the_empty_condition_is_known_and_renders_to_nothing():
    names = Names()
    assert EMPTY.is_empty
    assert not a.is_empty
    assert EMPTY.render(names) == ""
    assert names.into({}) == {}
    assert list(EMPTY.paths()) == []
    assert repr(EMPTY) == "<Condition: none>"


def test_conditions_collect_in_a_loop():
    wanted = Condition()
    for name in "ab":
        wanted &= F(name) == 1
    assert spell(wanted)[0] == "(#0 = :0 AND #1 = :1)"


def test_conditions_are_values():
    assert (F("a__b") >= 18) == Compare(Path(("a", "b")), ">=", Value({"N": "18"}))
    assert len({F("a") == 1, F("a") == 1, F("a") == 2, F("a") != 1}) == 3
    assert (a & b) == And((a, b))
    assert (a & b) != (a | b)
    assert (a & b) != (a & c)
    assert (a & b & c) != (a & b)
    assert (a & b) == (b & a)
    assert ((a & b) | ~c) == (~c | (b & a))
    assert hash((a & b) | ~c) == hash(~c | (b & a))
    assert (F("a").size() > 1) == Compare(Size(Path(("a",))), ">", Value({"N": "1"}))
    assert len({Exists(Path(("a",))), NotExists(Path(("a",))), Never(Path(("a",)))}) == 3


def test_conditions_cannot_be_changed():
    with pytest.raises(AttributeError):
        a.operator = "<"


@pytest.mark.parametrize("again", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_conditions_survive_copies_and_pickles(again):
    condition = (a & F("t").contains({"x"})) | ~F("s__0").is_in(1, None) | RawExpression("q = r")
    assert again(condition) == condition
    assert again(condition).render(Names()) == condition.render(Names())


@pytest.mark.parametrize(
    "ask",
    [
        lambda: bool(a),
        lambda: not a,
        lambda: a and b,
        lambda: a or b,
        lambda: F("x") in [F("y"), F("z")],
        lambda: all([a, b]),
    ],
    ids=count(),
)
def test_a_condition_has_no_truth(ask):
    with pytest.raises(TypeError, match=r"join conditions with & \| ~"):
        ask()


@given(conditions, conditions, items)
def test_an_exclusive_or_holds_where_one_side_alone_does(one, other, item):
    item = encode(item)["M"]
    assert holds(one ^ other, item) == (holds(one, item) != holds(other, item))


@pytest.mark.parametrize("other", [True, None, "x", F("a"), {}])
@pytest.mark.parametrize("join", [operator.and_, operator.or_, operator.xor])
def test_only_conditions_join(join, other):
    with pytest.raises(TypeError, match="unsupported operand"):
        join(a, other)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (a, "a = 1"),
        (F("a__b__0") >= "x", "a.b[0] >= 'x'"),
        ((a & b) | ~c, "((a = 1 AND b = 2) OR (NOT c = 3))"),
        (F("a") == b"\0", "a = b'\\x00'"),
        (F("a").size() > 3, "size(a) > 3"),
        (RawExpression("#x < :y", {"#x": "a"}, {":y": 1}), "(a < 1)"),
    ],
)
def test_conditions_are_readable(condition, expected):
    assert repr(condition) == f"<Condition: {expected}>"


def test_a_condition_knows_its_paths_in_order():
    condition = (F("a") < F("b__0")) & ~(F("c").size() > F("d").size()) | F("a").between(1, F("e"))
    expected = [str(path.parts) for path in condition.paths()]
    assert expected == ["('a',)", "('b', 0)", "('c',)", "('d',)", "('a',)", "('e',)"]
    functions = (
        F("a").exists() & F("b").not_exists() & F("c").contains(1) & F("d").begins_with("x")
    ) | (F("e").attribute_type("S") & F("f").is_in(1, F("g")) & F("h").is_in())
    assert [path.parts[0] for path in functions.paths()] == list("abcdefgh")


@pytest.mark.parametrize(
    ("condition", "operators"),
    [
        (a, 1),
        (a & b & c, 5),
        (~(a | b), 4),
        (F("a").size() == F("b").size(), 3),
        (F("a").is_in(1, 2), 1),
        (F("a").is_in(), 3),
        (F("a").exists() | F("a").between(1, 2), 3),
        (EMPTY, 1),
    ],
)
def test_operators_are_counted(condition, operators):
    assert condition.operators() == operators


def all_of(number):
    return functools.reduce(operator.and_, [a] * number)


def test_150_comparisons_are_as_many_as_dynamodb_takes():
    assert all_of(150).operators() == 299
    spell(all_of(150))
    with pytest.raises(QueryError, match="has 301 operators, and DynamoDB takes 300"):
        all_of(151).render(Names())


def test_more_than_four_kilobytes_are_refused():
    spell(F("a").is_in(range(600)))
    with pytest.raises(QueryError, match="bytes long, and DynamoDB takes 4096"):
        F("a").is_in(range(700)).render(Names())


def nested(depth):
    condition = a
    for level in range(depth):
        condition = ~(condition | b) if level % 2 else condition & ~(c & b)
    return condition


def test_what_is_not_too_long_is_not_too_deep():
    condition: Condition = a
    for _ in range(99):
        condition = ~(condition & b)
    assert condition.operators() == 298
    text = spell(condition)[0]
    assert text.count("NOT") == 99
    assert repr(condition).count("NOT") == 99


def test_depth_is_no_matter_for_questions_about_a_condition():
    deep = nested(5000)
    assert len(list(deep.paths())) > 5000
    assert repr(deep) == f"<Condition: {deep.operators()} operators>"
    with pytest.raises(QueryError, match="operators, and DynamoDB takes 300"):
        deep.render(Names())
    with pytest.raises(QueryError, match="operators, and DynamoDB takes 300"):
        deep.bind(lambda path: path)


def resolve(path):
    return Path((f"wire_{path.parts[0]}", *path.parts[1:]), label=f"Test.{path}")


def test_names_become_the_fields_they_stand_for():
    known = Path(("k",))
    condition = (
        (F("a__0") == F("b"))
        & ~(F("c").size() > 1)
        & Compare(known, "<", F("d")._path())
        & F("e").is_in(1, F("f"))
        & F("g").attribute_type("S")
        & F("h").begins_with("x")
    )
    bound = condition.bind(resolve)
    expected = [(path.parts[0], path.by_name) for path in bound.paths()]
    assert expected == [
        *[(f"wire_{name}", False) for name in "abc"],
        ("k", False),
        *[(f"wire_{name}", False) for name in "defgh"],
    ]
    assert spell(condition)[0] == spell(bound)[0]
    assert spell(condition)[2] == spell(bound)[2]


def test_what_is_bound_stays_as_it_is():
    condition = Not(Compare(Path(("a",)), "=", Path(("b",))))
    assert condition.bind(resolve) is condition


def test_two_names_of_one_attribute_are_not_compared():
    condition = Compare(Path(("wire_a",)), "=", F("a")._path())
    with pytest.raises(QueryError, match=r"does not compare wire_a with itself"):
        condition.bind(resolve)


def test_nodes_are_ordinary_structs():
    assert msgspec.structs.replace(a, operator="<") == (F("a") < 1)
    assert And.__struct_fields__ == ("terms",)

"""Shapes: what a condition says without its values, by which plans are kept."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dynamodb_py.exceptions import QueryError
from dynamodb_py.expressions import (
    AttributeType,
    Compare,
    Condition,
    F,
    Names,
    Never,
    Path,
    Q,
    RawExpression,
    Value,
)

from .strategies import conditions, leaves


def shape_of(condition):
    values: list[dict[str, object]] = []
    return condition.shape(values), values


def said(condition):
    """Return the text, the names and the types: what a request says but the values."""
    names = Names()
    text = condition.render(names)
    # The type that attribute_type asks for is a word of the condition, though it is sent as a value.
    words = [each.type for each in condition._nodes() if isinstance(each, AttributeType)]
    return text, names.names, [next(iter(wire)) for wire in names.values.values()], words


raw = st.sampled_from(
    [
        RawExpression("#a = :v", {"#a": "a.b"}, {":v": 1}),
        RawExpression("#a = :v", {"#a": "a.b"}, {":v": True}),
        RawExpression("#a = :v", {"#a": "Name"}, {":v": 1}),
    ]
)
few = leaves() | conditions | raw


@settings(max_examples=150, deadline=None)
@given(one=few, other=few)
@example(one=F("a") == 1, other=F("a") == 2)
def test_equal_shapes_are_equal_texts_and_names_and_types(one, other):
    (shape, values), (other_shape, other_values) = shape_of(one), shape_of(other)
    assert shape == shape_of(one)[0]
    assert hash(shape) == hash(shape_of(one)[0])
    nodes = [*one._nodes(), *other._nodes()]
    if shape == other_shape:
        assert said(one) == said(other)
        assert len(values) == len(other_values)
    elif not any(isinstance(node, (RawExpression, Never)) for node in nodes):
        # A raw one has its values in its shape; a Never has the text of two others.
        assert said(one) != said(other)


def with_other_values(part):
    """Return a condition, or a part of one, with other values of the same types."""
    match part:
        case Value({"S": text}):
            return Value({"S": text + "z"})
        case Value({"N": _}):
            return Value({"N": "77"})
        case tuple():
            return tuple(map(with_other_values, part))
        case Condition():
            fields = [with_other_values(getattr(part, each)) for each in part.__struct_fields__]
            return type(part)(*fields)
    return part


@settings(max_examples=50, deadline=None)
@given(condition=conditions)
def test_other_values_are_of_the_same_shape(condition):
    other = with_other_values(condition)
    assert shape_of(other)[0] == shape_of(condition)[0]
    assert said(other) == said(condition)


@settings(max_examples=50, deadline=None)
@given(condition=conditions)
def test_values_are_those_that_are_rendered_in_their_order(condition):
    names = Names()
    condition.render(names)
    _, values = shape_of(condition)
    rendered = iter(names.values.values())
    # All of them but the words of attribute_type, and the very same objects.
    assert all(any(wire is value for wire in rendered) for value in values)


a, b = F("a") == 1, F("b") == "x"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (a, F("a") == 2),
        (a & b, (F("a") == 5) & (F("b") == "y")),
        (~(a | b), ~((F("a") == 5) | (F("b") == "y"))),
        (F("a").between(1, 2), F("a").between(3, 4)),
        (F("a").is_in(1, 2), F("a").is_in(3, 4)),
        (F("a").begins_with("x"), F("a").begins_with("y")),
        (F("a").contains(1), F("a").contains(2)),
        (F("a").size() > 1, F("a").size() > 2),
        (F("a") == None, F("a").eq(None)),  # noqa: E711
        (Condition(), Condition()),
        (F("a").is_in(), F("a").is_in()),
        (F("a").attribute_type("S"), F("a").attribute_type("S")),
        (RawExpression("a = :b", {}, {":b": [1]}), RawExpression("a = :b", {}, {":b": [1]})),
    ],
)
def test_conditions_that_differ_in_values_alone_have_one_shape(one, other):
    assert shape_of(one)[0] == shape_of(other)[0]
    assert len({shape_of(one)[0], shape_of(other)[0]}) == 1


DIFFERENT = [
    Condition(),
    a,
    b,
    F("a") == "1",
    F("a") != 1,
    F("b") == 1,
    F("a__b") == 1,
    F("a__0") == 1,
    F("a")["0"] == 1,
    F("a") == F("b"),
    F("a") == F("S"),
    F("a").size() == 1,
    F("a") == F("b").size(),
    F("a").is_in(1),
    F("a").is_in(1, 2),
    F("a").is_in(1, "2"),
    F("a").is_in("1", 2),
    F("a").is_in(),
    F("a").between(1, 2),
    F("a").between(1, F("b")),
    F("a").between(F("b"), 1),
    F("a").exists(),
    F("a").not_exists(),
    F("a").attribute_type("S"),
    F("a").attribute_type("N"),
    F("a").begins_with("x"),
    F("a").contains("x"),
    F("a").contains(None),
    a & b,
    b & a,
    a | b,
    a & b & a,
    ~a,
    ~(a & b),
    ~a & b,
    RawExpression("a = :b", {}, {":b": 1}),
    RawExpression("a = :b", {}, {":b": 2}),
    RawExpression("a = :b", {}, {":b": True}),
    RawExpression("a = #b", {"#b": "b"}),
    RawExpression("a = #b", {"#b": "c"}),
]


def test_what_else_differs_differs_in_shape():
    shapes = [shape_of(condition)[0] for condition in DIFFERENT]
    assert len(set(shapes)) == len(DIFFERENT)


class Mine(Compare, frozen=True):
    """It spells itself in a way that the package does not know."""

    def _spell(self, names: Names) -> str:
        return f"NOT {super()._spell(names)}"


class Tagged(Compare, frozen=True):
    """It is spelled as its base is."""

    tag: str = ""


def test_a_class_of_its_own_spelling_shares_its_shape_with_nothing():
    mine = Mine(Path(("a",)), "=", Value({"N": "1"}))
    assert shape_of(mine)[0] != shape_of(mine)[0]
    assert shape_of(mine & b)[0] != shape_of(mine & b)[0]
    tagged = Tagged(Path(("a",)), "=", Value({"N": "1"}), "x")
    assert shape_of(tagged)[0] == shape_of(a)[0]


def test_a_condition_that_is_too_deep_says_what_to_do():
    deep: Condition = a
    for _ in range(3000):
        deep = ~(deep & b)
    with pytest.raises(QueryError, match="operators, and DynamoDB takes 300"):
        deep.shape([])


def test_lookups_that_no_model_has_seen_have_no_shape():
    with pytest.raises(QueryError, match="a lookup needs a model's fields"):
        (Q(a=1) & b).shape([])

"""Each problem of a ValidationError has its path as a tuple, by the values that were given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import ValidationError
from dynamodb_py.models.interop.problems import Problem, list_problems, split_path

REQUIRED = "it is required: give it a value"


@pytest.mark.parametrize(
    ("text", "values", "path"),
    [
        ("", {}, ()),
        ("name", None, ("name",)),
        ("lines[2].qty", None, ("lines", 2, "qty")),
        ("grid[0][1]", None, ("grid", 0, 1)),
        ("doc.a.b", {"doc": {"a": {"b": 1}}}, ("doc", "a", "b")),
        ("doc.a.b", {"doc": {"a.b": 1}}, ("doc", "a.b")),
        ("doc.a.b", {"doc": {"a": {"b": 1}, "a.b": 1}}, ("doc", "a.b")),
        ("doc.a[0].b", {"doc": {"a[0]": {"b": 1}}}, ("doc", "a[0]", "b")),
        ("doc.a.c", {"doc": {"ab": 1}}, ("doc", "a", "c")),
        ("doc.[x].b", {"doc": {"[x]": {}}}, ("doc", "[x]", "b")),
        ("doc.a", {"doc": [1]}, ("doc", "a")),
    ],
)
def test_a_path_is_split_where_the_values_say(text, values, path):
    assert split_path(text, values) == path


steps = st.lists(st.text(min_size=1) | st.integers(0, 3), max_size=4).map(
    lambda each: ["top", *each]
)


@given(steps)
def test_a_path_into_values_is_found_again(path):
    values, text = "wrong", ""
    for step in reversed(path):
        values = {step: values} if isinstance(step, str) else [None] * step + [values]
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    error = ValidationError({text.removeprefix("."): "it is wrong"})
    assert list_problems(error, values) == [
        Problem("value_error", tuple(path), "it is wrong", "wrong")
    ]


@given(st.text(alphabet="a.[]0", max_size=12))
def test_any_text_is_split(text):
    assert isinstance(split_path(text), tuple)


@pytest.mark.parametrize(
    ("path", "message", "kind", "value"),
    [
        ("lines[0].qty", REQUIRED, "missing", {"sku": None}),
        ("lines[0].sku", REQUIRED, "value_error", None),
        ("lines[1]", "'x' is not a Line", "value_error", "x"),
        ("nope", "Order has no field nope: its fields are lines", "extra_forbidden", 1),
        ("", "it is too large", "value_error", {"lines": [{"sku": None}, "x"], "nope": 1}),
    ],
)
def test_a_problem_has_a_kind_and_the_value(path, message, kind, value):
    values = {"lines": [{"sku": None}, "x"], "nope": 1}
    (found,) = list_problems(ValidationError({path: message}), values)
    assert (found.kind, found.value) == (kind, value)
    assert "fields are" not in found.message

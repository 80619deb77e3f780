import pytest

from dynamodb_py.local.expressions.conditions import parse_condition
from dynamodb_py.local.expressions.placeholders import Placeholders
from dynamodb_py.local.expressions.projections import parse_projection
from dynamodb_py.local.expressions.updates import parse_update

from .parsing import refusal

NAMES, VALUES = "ExpressionAttributeNames", "ExpressionAttributeValues"
LONG = "a" * 255


@pytest.mark.parametrize(
    ("names", "values", "message"),
    [
        ({}, None, f"{NAMES} must not be empty"),
        (None, {}, f"{VALUES} must not be empty"),
        ([], None, f"{NAMES} must be a map"),
        ({"a": "b"}, None, f'{NAMES} contains invalid key: Syntax error; key: "a"'),
        ({"#": "b"}, None, f'{NAMES} contains invalid key: Syntax error; key: "#"'),
        ({"#a-b": "b"}, None, f'{NAMES} contains invalid key: Syntax error; key: "#a-b"'),
        (None, {"v": {"S": ""}}, f'{VALUES} contains invalid key: Syntax error; key: "v"'),
        (
            {f"#{LONG}": "b"},
            None,
            f"{NAMES} contains invalid key: The expression attribute map contains a key that is too "
            "long;",
        ),
        (
            {"#a": ""},
            None,
            f"{NAMES} contains invalid value: Empty attribute name for key #a",
        ),
        ({"#a": 1}, None, f"{NAMES} contains invalid value: A name must be a string for key #a"),
        (
            None,
            {":v": {}},
            f"{VALUES} contains invalid value: Supplied AttributeValue is empty, must contain exactly "
            "one of the supported datatypes for key :v",
        ),
        (
            None,
            {":v": {"N": "x"}},
            f"{VALUES} contains invalid value: The parameter cannot be converted to a numeric value: "
            "x for key :v",
        ),
    ],
)
def test_wrong_placeholders_are_refused(names, values, message):
    assert refusal(Placeholders, names, values) == message


def test_names_may_have_any_letters_and_values_be_empty():
    placeholders = Placeholders({"#1_a": "a.b[0] #ö"}, {":0": {"S": ""}})
    condition = parse_condition("#1_a = :0", placeholders)
    assert condition.holds({"a.b[0] #ö": {"S": ""}})


@pytest.mark.parametrize(
    ("names", "values", "message"),
    [
        ({"#b": "b"}, None, f"Value provided in {NAMES} unused in expressions: keys: {{#b}}"),
        (
            None,
            {":y": {"S": ""}, ":z": {"S": ""}},
            f"Value provided in {VALUES} unused in expressions: keys: {{:y, :z}}",
        ),
    ],
)
def test_what_no_expression_uses_is_refused(names, values, message):
    placeholders = Placeholders({"#a": "a", **(names or {})}, {":v": {"N": "1"}, **(values or {})})
    parse_projection("#a", placeholders)
    parse_condition("a = :v OR a = :v", placeholders)
    assert refusal(placeholders.check_used) == message


def test_all_expressions_of_a_request_share_its_placeholders():
    placeholders = Placeholders({"#a": "a", "#b": "b"}, {":v": {"N": "1"}, ":w": {"N": "2"}})
    parse_update("SET #a = :v", placeholders)
    parse_condition("#b = :w", placeholders)
    placeholders.check_used()


@pytest.mark.parametrize(
    ("names", "values", "kind"),
    [({"#a": "a"}, None, NAMES), (None, {":v": {"S": ""}}, VALUES)],
)
def test_placeholders_without_an_expression_are_refused(names, values, kind):
    found = refusal(Placeholders(names, values).check_used)
    assert found == f"{kind} can only be specified when using expressions"


def test_one_text_is_bound_anew_to_each_request():
    text = "#a = :v"
    first = parse_condition(text, Placeholders({"#a": "x"}, {":v": {"N": "1"}}))
    second = parse_condition(text, Placeholders({"#a": "y"}, {":v": {"S": "1"}}))
    item = {"x": {"N": "1"}, "y": {"S": "1"}}
    assert first.holds(item)
    assert second.holds(item)
    assert not first.holds({"y": {"S": "1"}})

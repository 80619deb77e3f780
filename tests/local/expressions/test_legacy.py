import pytest

from dynamodb_py.local.expressions.key_conditions import KeyCondition
from dynamodb_py.local.expressions.legacy import (
    make_expected,
    make_filter,
    make_key_condition,
    make_projection,
    make_update,
)

from .parsing import ITEM, KEYED, refusal

N, S = {"N": "5"}, {"S": "h"}


def use(name, operator, *values):
    return {name: {"ComparisonOperator": operator, "AttributeValueList": [*values]}}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (use("n", "EQ", {"N": "5.0"}), True),
        (use("n", "EQ", S), False),
        (use("ss", "EQ", {"SS": ["b", "a"]}), True),
        (use("n", "NE", S), True),
        (use("q", "NE", S), True),
        (use("n", "LT", {"N": "10"}), True),
        (use("n", "LE", {"N": "4"}), False),
        (use("s", "GT", S), True),
        (use("q", "GE", S), False),
        (use("n", "BETWEEN", {"N": "5"}, {"N": "10"}), True),
        (use("n", "IN", {"N": "1"}, {"N": "5"}), True),
        (use("s", "BEGINS_WITH", S), True),
        (use("n", "BEGINS_WITH", S), False),
        (use("ss", "CONTAINS", {"S": "a"}), True),
        (use("s", "CONTAINS", N), False),
        (use("l", "CONTAINS", {"N": "1"}), True),
        (use("ss", "NOT_CONTAINS", {"S": "z"}), True),
        (use("s", "NOT_CONTAINS", N), True),
        (use("q", "NOT_CONTAINS", S), False),  # though CONTAINS is false as well
        (use("n", "NOT_NULL"), True),
        ({"q": {"ComparisonOperator": "NULL"}}, True),
        (use("nil", "NULL"), False),
    ],
)
def test_a_legacy_condition_means_what_the_service_lets_it_mean(condition, expected):
    for make in (make_filter, make_expected):
        made = make(condition)
        assert made.holds(ITEM) is expected
        assert made.names == set(condition)


def test_legacy_conditions_are_joined():
    both = {**use("n", "EQ", N), **use("s", "EQ", S)}
    assert not make_filter(both).holds(ITEM)
    assert not make_filter(both, "AND").holds(ITEM)
    assert make_filter(both, "OR").holds(ITEM)
    assert make_filter({}).holds(ITEM)
    assert make_expected(None).holds(ITEM)


@pytest.mark.parametrize(
    ("expectation", "expected"),
    [
        ({"Value": N}, True),
        ({"Value": N, "Exists": True}, True),
        ({"Value": S}, False),
        ({"Exists": False}, False),
        ({"ComparisonOperator": "EQ", "Value": N}, True),
    ],
)
def test_expectations_have_a_short_form(expectation, expected):
    assert make_expected({"n": expectation}).holds(ITEM) is expected


INVALID = "One or more parameter values were invalid: "
COUNT = f"{INVALID}Invalid number of argument(s) for the "


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (use("n", "EQ"), f"{COUNT}EQ ComparisonOperator"),
        (use("n", "EQ", N, N), f"{COUNT}EQ ComparisonOperator"),
        (use("n", "NULL", N), f"{COUNT}NULL ComparisonOperator"),
        (use("n", "BETWEEN", N), f"{COUNT}BETWEEN ComparisonOperator"),
        (use("n", "IN"), f"{COUNT}IN ComparisonOperator"),
        (
            use("n", "IN", N, S),
            f"{INVALID}AttributeValues inside AttributeValueList must be of same type",
        ),
        (
            use("n", "LT", {"SS": ["a"]}),
            f"{INVALID}ComparisonOperator LT is not valid for SS AttributeValue type",
        ),
        (
            use("n", "BEGINS_WITH", N),
            f"{INVALID}ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type",
        ),
        (
            use("n", "CONTAINS", {"L": []}),
            f"{INVALID}ComparisonOperator CONTAINS is not valid for L AttributeValue type",
        ),
        (
            use("n", "BETWEEN", {"N": "9"}, N),
            "The BETWEEN condition was provided a range where the lower bound is greater than the "
            "upper bound",
        ),
        (
            use("n", "DOG", N),
            "1 validation error detected: Value 'DOG' at 'scanFilter.n.member.comparisonOperator' "
            "failed to satisfy constraint: Member must satisfy enum value set: [IN, NULL, BETWEEN, "
            "LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS]",
        ),
        (
            use("n", ["EQ"], N),
            "1 validation error detected: Value '['EQ']' at 'scanFilter.n.member.comparisonOperator' "
            "failed to satisfy constraint: Member must satisfy enum value set: [IN, NULL, BETWEEN, "
            "LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS]",
        ),
        (
            {"n": {}},
            "1 validation error detected: Value null at 'scanFilter.n.member.comparisonOperator' "
            "failed to satisfy constraint: Member must not be null",
        ),
        ([], "1 validation error detected: Value at 'scanFilter' must be a map"),
        ({"n": 1}, "1 validation error detected: Value at 'scanFilter.n.member' must be a map"),
    ],
)
def test_wrong_legacy_conditions_are_refused(condition, message):
    assert refusal(make_filter, condition) == message


@pytest.mark.parametrize(
    ("expectation", "message"),
    [
        ({}, "Value must be provided when Exists is null for Attribute: n"),
        ({"Exists": True}, "Value must be provided when Exists is true for Attribute: n"),
        (
            {"Exists": False, "Value": N},
            "Value cannot be used when Exists is false for Attribute: n",
        ),
        (
            {"AttributeValueList": [N]},
            "AttributeValueList can only be used with a ComparisonOperator for Attribute: n",
        ),
        (
            {"ComparisonOperator": "EQ", "AttributeValueList": [N], "Value": N},
            "Value and AttributeValueList cannot be used together for Attribute: n",
        ),
        (
            {"ComparisonOperator": "EQ", "Value": N, "Exists": True},
            "Exists and ComparisonOperator cannot be used together for Attribute: n",
        ),
    ],
)
def test_wrong_expectations_are_refused(expectation, message):
    assert refusal(make_expected, {"n": expectation}) == f"{INVALID}{message}"


@pytest.mark.parametrize(
    ("conditions", "operator", "message"),
    [
        (None, "OR", "ConditionalOperator cannot be used without Filter or Expected"),
        (
            use("n", "NULL"),
            "AND",
            "ConditionalOperator can only be used when Filter or Expected has two or more elements",
        ),
        (
            use("n", "NULL"),
            "XOR",
            "1 validation error detected: Value 'XOR' at 'conditionalOperator' failed to satisfy "
            "constraint: Member must satisfy enum value set: [OR, AND]",
        ),
    ],
)
def test_a_conditional_operator_joins_two_or_more(conditions, operator, message):
    assert refusal(make_expected, conditions, operator) == message


@pytest.mark.parametrize(
    ("condition", "low", "high"),
    [
        ({}, b"", None),
        (use("r", "EQ", {"S": "a"}), b"a", b"a\x00"),
        (use("r", "GT", {"S": "a"}), b"a\x00", None),
        (use("r", "BETWEEN", {"S": "a"}, {"S": "b"}), b"a", b"b\x00"),
        (use("r", "BEGINS_WITH", {"S": "a"}), b"a", b"b"),
    ],
)
def test_legacy_key_conditions_are_ranges(condition, low, high):
    found = make_key_condition({**use("k", "EQ", S), **condition}, KEYED)
    assert found == KeyCondition(b"h", low, high)


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        (None, "Conditions can be of length 1 or 2 only"),
        (use("k", "LT", S), "Query key condition not supported"),
        (use("k", "NE", S), "Attempted conditional constraint is not an indexable operation"),
        (use("r", "EQ", S), "Query condition missed key schema element: k"),
    ],
)
def test_wrong_legacy_key_conditions_are_refused(conditions, message):
    assert refusal(make_key_condition, conditions, KEYED) == message


def test_legacy_updates_put_add_and_delete():
    found = make_update(
        {
            "n": {"Action": "ADD", "Value": N},
            "q": {"Action": "ADD", "Value": N},
            "s": {"Action": "DELETE"},
            "t": {"Value": S},
            "l": {"Action": "ADD", "Value": {"L": [S]}},
            "ss": {"Action": "DELETE", "Value": {"SS": ["a"]}},
            "ns": {"Action": "ADD", "Value": {"NS": ["3"]}},
        }
    )
    expected = {
        **ITEM,
        "n": {"N": "10"},
        "q": N,
        "t": S,
        "l": {"L": [*ITEM["l"]["L"], S]},
        "ss": {"SS": ["b"]},
        "ns": {"NS": ["1", "2", "3"]},
    }
    del expected["s"]
    assert found.apply(ITEM) == expected
    assert found.names == {"n", "q", "s", "t", "l", "ss", "ns"}
    assert found.project_touched(ITEM)["s"] == ITEM["s"]


@pytest.mark.parametrize("updates", [None, {}])
def test_an_update_of_nothing_makes_an_item(updates):
    found = make_update(updates)
    assert found.apply(ITEM) == ITEM
    assert found.project_touched(ITEM) == {}
    assert found.creates


@pytest.mark.parametrize(
    ("update", "message"),
    [
        ({}, f"{INVALID}Only DELETE action is allowed when no attribute value is specified"),
        ({"Action": "ADD", "Value": S}, f"{INVALID}ADD action is not supported for the type S"),
        (
            {"Action": "DELETE", "Value": N},
            f"{INVALID}DELETE action with value is not supported for the type N",
        ),
        (
            {"Action": "SET", "Value": N},
            "1 validation error detected: Value 'SET' at 'attributeUpdates.n.member.action' failed to "
            "satisfy constraint: Member must satisfy enum value set: [ADD, PUT, DELETE]",
        ),
    ],
)
def test_wrong_legacy_updates_are_refused(update, message):
    assert refusal(make_update, {"n": update}) == message


def test_a_legacy_update_of_another_type_is_refused():
    made = make_update({"s": {"Action": "ADD", "Value": N}})
    assert refusal(made.apply, ITEM) == "Type mismatch for attribute to update"


def test_attributes_to_get_are_a_projection():
    found = make_projection(["n", "q", "m.x"])
    assert found.project({**ITEM, "m.x": S}) == {"n": N, "m.x": S}
    assert found.names == {"n", "q", "m.x"}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("n", "AttributesToGet must be a list of names"),
        ([1], "AttributesToGet must be a list of names"),
        ([], "length greater than or equal to 1"),
        (["n", "n"], f"{INVALID}Duplicate value in attribute name: n"),
    ],
)
def test_wrong_attributes_to_get_are_refused(names, message):
    assert message in refusal(make_projection, names)

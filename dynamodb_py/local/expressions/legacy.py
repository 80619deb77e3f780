"""The legacy parameters, which expressions replaced, as conditions, projections and updates.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from ..database.errors import INVALID, make_invalid, make_violation
from ..database.tables import Keyed
from ..database.values import ORDERED, TYPES, Value, check_value
from . import terms
from .changes import WRONG_LEGACY_TYPE, Add, Assign, Change, Delete, Remove
from .conditions import Condition
from .key_conditions import KeyCondition, KeyTest, make_range
from .projections import Projection
from .updates import Update

_SIGNS = {"EQ": "=", "NE": "<>", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">"}
_KEY_SIGNS = {
    **{operator: sign for operator, sign in _SIGNS.items() if operator != "NE"},
    "BETWEEN": "BETWEEN",
    "BEGINS_WITH": "begins_with",
}
_COUNTS = {
    **dict.fromkeys([*_SIGNS, "CONTAINS", "NOT_CONTAINS", "BEGINS_WITH"], 1),
    "NOT_NULL": 0,
    "NULL": 0,
    "BETWEEN": 2,
}
_OPERATORS = (
    "[IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS]"
)


def make_expected(expected: object, operator: object = None) -> Condition:
    """Return the condition of Expected, joined by ConditionalOperator."""
    return _join(
        {
            name: _make_expectation(name, each)
            for name, each in _check_map("expected", expected).items()
        },
        operator,
    )


def make_filter(filters: object, operator: object = None, kind: str = "scanFilter") -> Condition:
    """Return the condition of ScanFilter or QueryFilter, joined by ConditionalOperator."""
    return _join(
        {
            name: _make_test(name, *_read_condition(kind, name, each))
            for name, each in _check_map(kind, filters).items()
        },
        operator,
    )


def make_key_condition(conditions: object, keyed: Keyed) -> KeyCondition:
    """Return the key condition of KeyConditions."""
    tests: dict[str, KeyTest] = {}
    for name, each in _check_map("keyConditions", conditions).items():
        operator, values = _read_condition("keyConditions", name, each)
        if operator not in _KEY_SIGNS:
            raise make_invalid("Attempted conditional constraint is not an indexable operation")
        tests[name] = KeyTest(_KEY_SIGNS[operator], tuple(values))
    if not tests:
        raise make_invalid("Conditions can be of length 1 or 2 only")
    return make_range(tests, keyed)


def make_update(updates: object) -> Update:
    """Return the update of AttributeUpdates."""
    return Update(
        ((name,), _make_change(name, each))
        for name, each in _check_map("attributeUpdates", updates).items()
    )


def make_projection(names: object) -> Projection:
    """Return the projection of AttributesToGet."""
    found: list[Any] = cast("list[Any]", names) if isinstance(names, list) else [None]
    if not all(isinstance(name, str) for name in found):
        raise make_invalid(f"{INVALID}AttributesToGet must be a list of names")
    if not found:
        raise make_violation(
            "[]", "attributesToGet", "Member must have length greater than or equal to 1"
        )
    for name in found:
        if found.count(name) > 1:
            raise make_invalid(f"{INVALID}Duplicate value in attribute name: {name}")
    return Projection([(name,) for name in found])


def _join(tests: Mapping[str, terms.Test], operator: object) -> Condition:
    if operator is not None:
        if operator not in ("AND", "OR"):
            raise make_violation(
                operator, "conditionalOperator", "Member must satisfy enum value set: [OR, AND]"
            )
        if not tests:
            raise make_invalid("ConditionalOperator cannot be used without Filter or Expected")
        if len(tests) == 1:
            raise make_invalid(
                "ConditionalOperator can only be used when Filter or Expected has two or more "
                "elements"
            )
    every = tuple(tests.values())
    return Condition(terms.Either(every) if operator == "OR" else terms.All(every), tests)


def _make_expectation(name: str, expectation: object) -> terms.Test:
    members = _check_map(f"expected.{name}.member", expectation)
    value, exists = members.get("Value"), members.get("Exists")
    values = members.get("AttributeValueList")
    if members.get("ComparisonOperator") is not None:
        if exists is not None:
            raise make_invalid(
                f"{INVALID}Exists and ComparisonOperator cannot be used together for Attribute: {name}"
            )
        if value is not None and values is not None:
            raise make_invalid(
                f"{INVALID}Value and AttributeValueList cannot be used together for Attribute: {name}"
            )
        if value is not None:
            members = {**members, "AttributeValueList": [value]}
        return _make_test(name, *_read_condition("expected", name, members))
    if values is not None:
        raise make_invalid(
            f"{INVALID}AttributeValueList can only be used with a ComparisonOperator "
            f"for Attribute: {name}"
        )
    if exists is False:
        if value is not None:
            raise make_invalid(
                f"{INVALID}Value cannot be used when Exists is false for Attribute: {name}"
            )
        return terms.Not(terms.Exists(terms.Attribute(name)))
    if value is None:
        shown = "null" if exists is None else "true"
        raise make_invalid(
            f"{INVALID}Value must be provided when Exists is {shown} for Attribute: {name}"
        )
    return terms.Compare("=", terms.Attribute(name), terms.Literal(check_value(value)))


def _read_condition(kind: str, name: str, condition: object) -> tuple[str, list[Value]]:
    """Return the operator of a condition and its values; raise a ValidationException if they are not valid."""
    members = _check_map(f"{kind}.{name}.member", condition)
    operator = members.get("ComparisonOperator")
    place = f"{kind}.{name}.member.comparisonOperator"
    if operator is None:
        raise make_violation(None, place, "Member must not be null")
    if not isinstance(operator, str) or (operator not in _COUNTS and operator != "IN"):
        raise make_violation(
            str(operator), place, f"Member must satisfy enum value set: {_OPERATORS}"
        )
    found = members.get("AttributeValueList")
    if found is not None and not isinstance(found, list):
        raise make_invalid(f"{INVALID}AttributeValueList must be a list for Attribute: {name}")
    values = [check_value(each) for each in cast("list[object]", found or [])]
    _check_values(operator, values)
    return operator, values


def _check_values(operator: str, values: Sequence[Value]) -> None:
    if len(values) != _COUNTS.get(operator, len(values) or 1):
        raise make_invalid(
            f"{INVALID}Invalid number of argument(s) for the {operator} ComparisonOperator"
        )
    types = {kind for value in values for kind in value}
    if len(types) > 1:
        raise make_invalid(
            f"{INVALID}AttributeValues inside AttributeValueList must be of same type"
        )
    allowed = TYPES if operator in ("EQ", "NE") else ORDERED
    if operator == "BEGINS_WITH":
        allowed = ORDERED - {"N"}
    for kind in types - allowed:
        raise make_invalid(
            f"{INVALID}ComparisonOperator {operator} is not valid for {kind} AttributeValue type"
        )
    if operator == "BETWEEN" and terms.COMPARISONS[">"](*values):
        raise make_invalid(
            "The BETWEEN condition was provided a range where the lower bound is greater than the "
            "upper bound"
        )


def _make_test(name: str, operator: str, values: Sequence[Value]) -> terms.Test:
    attribute = terms.Attribute(name)
    literals = [terms.Literal(value) for value in values]
    if operator in _SIGNS:
        return terms.Compare(_SIGNS[operator], attribute, *literals)
    if operator == "BETWEEN":
        return terms.Between(attribute, *literals)
    if operator == "IN":
        return terms.Among(attribute, tuple(literals))
    if operator == "BEGINS_WITH":
        return terms.BeginsWith(attribute, *literals)
    if operator == "CONTAINS":
        return terms.Contains(attribute, *literals)
    if operator == "NOT_CONTAINS":  # false for a missing attribute
        return terms.All((terms.Exists(attribute), terms.Not(terms.Contains(attribute, *literals))))
    exists = terms.Exists(attribute)
    return exists if operator == "NOT_NULL" else terms.Not(exists)


def _make_change(name: str, update: object) -> Change:
    members = _check_map(f"attributeUpdates.{name}.member", update)
    action = members.get("Action")
    action = "PUT" if action is None else action
    if action not in ("ADD", "PUT", "DELETE"):
        raise make_violation(
            action,
            f"attributeUpdates.{name}.member.action",
            "Member must satisfy enum value set: [ADD, PUT, DELETE]",
        )
    if members.get("Value") is None:
        if action == "DELETE":
            return Remove()
        raise make_invalid(
            f"{INVALID}Only DELETE action is allowed when no attribute value is specified"
        )
    value = check_value(members["Value"])
    (kind,) = value
    if action == "PUT":
        return Assign(terms.Literal(value))
    if action == "ADD":
        if kind not in ("N", "L", "SS", "NS", "BS"):
            raise make_invalid(f"{INVALID}ADD action is not supported for the type {kind}")
        return Add(value, WRONG_LEGACY_TYPE)
    if kind not in ("SS", "NS", "BS"):
        raise make_invalid(
            f"{INVALID}DELETE action with value is not supported for the type {kind}"
        )
    return Delete(value, WRONG_LEGACY_TYPE)


def _check_map(place: str, content: object) -> dict[str, Any]:
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise make_invalid(f"1 validation error detected: Value at '{place}' must be a map")
    return cast("dict[str, Any]", content)

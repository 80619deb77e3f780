"""Where an engine answers otherwise than ours, and what settles it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .peers import Difference, Outcome

_GUIDE = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide"
UPDATES = f"{_GUIDE}/Expressions.UpdateExpressions.html"
OPERATORS = f"{_GUIDE}/Expressions.OperatorsAndFunctions.html"

Holds = Callable[[str, Any, Outcome, Outcome], bool]


def refuses(fragment: str, *operations: str) -> Holds:
    """Return what holds where we refuse a request, with *fragment* in the message, and they do not."""

    def holds(operation: str, request: Any, ours: Outcome, theirs: Outcome) -> bool:
        return (
            operation in operations
            and ours.code == "ValidationException" != theirs.code
            and fragment in ours.message
        )

    return holds


def _both(reason: str, holds: Holds) -> list[Difference]:
    return [Difference(engine, reason, holds) for engine in ("dynoxide", "extenddb")]


_CONDITIONS = ("PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "TransactWriteItems")


def _checks_types_of_paths(operation: str, request: Any, ours: Outcome, theirs: Outcome) -> bool:
    return (
        theirs.code == "ValidationException" != ours.code
        and "Incorrect operand type" in theirs.message
    )


def _update_of(pattern: str) -> Holds:
    compiled = re.compile(pattern)

    def holds(operation: str, request: Any, ours: Outcome, theirs: Outcome) -> bool:
        parts = [each.get("Update", {}) for each in request.get("TransactItems", ())]
        return any(compiled.search(each.get("UpdateExpression", "")) for each in (request, *parts))

    return holds


def _cancels(operation: str, request: Any, ours: Outcome, theirs: Outcome) -> bool:
    reasons = theirs.answer.get("CancellationReasons") or ()
    return (
        operation == "TransactWriteItems"
        and ours.code == "ValidationException"
        and theirs.code == "TransactionCanceledException"
        and any(each["Code"] == "ValidationError" for each in reasons)
    )


def _cancels_removal(operation: str, request: Any, ours: Outcome, theirs: Outcome) -> bool:
    reasons = ours.answer.get("CancellationReasons") or ()
    return (
        any(each["Code"] == "ValidationError" for each in reasons)
        and ours.answer != theirs.answer
        and _update_of("REMOVE .*[.[]")(operation, request, ours, theirs)
    )


def _ends_without_key(operation: str, request: Any, ours: Outcome, theirs: Outcome) -> bool:
    answer = {name: value for name, value in ours.answer.items() if name != "LastEvaluatedKey"}
    return operation in ("Query", "Scan") and "Limit" in request and answer == theirs.answer


_VALUES = (
    "numeric value",
    "significant digits",
    "Number overflow",
    "Number underflow",
    "set  may not be empty",
    "contains duplicates",
    "Supplied AttributeValue",
    "Null attribute value",
)


def _accepts_values(operation: str, request: Any, ours: Outcome, theirs: Outcome) -> bool:
    return (
        operation in ("BatchWriteItem", "TransactWriteItems")
        and ours.code == "ValidationException" != theirs.code
        and any(each in ours.message for each in _VALUES)
    )


def _checks_conditions_first(operation: str, request: Any, ours: Outcome, theirs: Outcome) -> bool:
    return (
        operation == "TransactWriteItems"
        and ours.code == "ValidationException"
        and theirs.code == "TransactionCanceledException"
        and "Two document paths" in ours.message
    )


def _statement(pattern: str) -> Holds:
    compiled = re.compile(pattern)

    def holds(operation: str, request: Any, ours: Outcome, theirs: Outcome) -> bool:
        return bool(compiled.search(request.get("Statement", "")))

    return holds


DIFFERENCES: list[Difference] = [
    Difference(
        "dynoxide",
        f"A global index gives only what it projects: {_GUIDE}/GSI.html",
        refuses("does not project", "Query"),
    ),
    Difference(
        "dynoxide",
        f"An UPDATE may have several clauses: {_GUIDE}/ql-reference.update.html",
        _statement(r"UPDATE .*(SET|REMOVE) .*(SET|REMOVE) "),
    ),
    Difference(
        "dynoxide",
        f"An attribute that is not there differs from every value, as in conditions: {OPERATORS}",
        _statement("<>"),
    ),
    *_both(
        "Invalid values are refused with the request, or by a cancellation: the documentation has both, "
        "and either way nothing is written",
        _cancels,
    ),
    *_both(
        "A request is validated before its conditions are looked at",
        _checks_conditions_first,
    ),
    Difference(
        "extenddb",
        "A page that ends at the limit has a LastEvaluatedKey: "
        "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html",
        _ends_without_key,
    ),
    Difference(
        "extenddb",
        "A batch or transaction with an invalid value writes nothing: "
        "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html",
        _accepts_values,
    ),
    *_both(
        "BETWEEN is refused by the service where its bounds are of two types, or the wrong way round",
        refuses("BETWEEN operator requires", *_CONDITIONS),
    ),
    Difference(
        "dynoxide",
        f"begins_with distinguishes upper and lower case: {OPERATORS}",
        lambda operation, request, ours, theirs: (
            "begins_with(" in request.get("KeyConditionExpression", "")
        ),
    ),
    *_both(
        "An operator whose operands are one path is refused by the service",
        refuses("first operand must be distinct", *_CONDITIONS),
    ),
    *_both(
        "Paths that take one value for a list and for a map are refused by the service",
        refuses("conflict with each other", "GetItem", "Query", "Scan", "UpdateItem"),
    ),
    *_both(
        f"An operator is not made for sets, nor begins_with for numbers: {OPERATORS}",
        refuses("Incorrect operand type", *_CONDITIONS),
    ),
    *_both(
        f"Paths of an update must not overlap: {UPDATES}",
        refuses("overlap with each other", "UpdateItem", "TransactWriteItems"),
    ),
    *_both(
        "What an update removes must be within a list or a map, else its path is invalid",
        refuses("document path provided in the update expression is invalid", "UpdateItem"),
    ),
    *_both(
        "What a transaction removes must be within a list or a map, too",
        _cancels_removal,
    ),
    Difference(
        "extenddb",
        "Both parts of a key cannot be one attribute",
        refuses("have the same name", "CreateTable"),
    ),
    Difference(
        "extenddb",
        f"An attribute of another type is not a faulty expression, but not equal: {OPERATORS}",
        _checks_types_of_paths,
    ),
    Difference(
        "dynoxide",
        f"Elements are removed by their places before the update: {UPDATES}",
        _update_of(r"REMOVE .*\[\d\]"),
        lasting=True,
    ),
    Difference(
        "extenddb",
        f"Elements are removed by their places before the update: {UPDATES}",
        _update_of(r"REMOVE .*\[\d\].*\[\d\]"),
        lasting=True,
    ),
    Difference(
        "dynoxide",
        f"SET beyond the end of a list appends: {UPDATES}",
        _update_of(r"SET .*\[\d\]"),
        lasting=True,
    ),
]

"""Where an engine answers otherwise than ours, and the page that settles it.

Most pages are Amazon's. Where those are silent, the page quotes what the service answers: the tests of
ScyllaDB's Alternator, of dynalite and of the conformance suite also run against it. What no page
settles is left out of the random requests, which say so where they are made.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .peers import ENDLESS, Difference, Outcome

_AMAZON = "https://docs.aws.amazon.com/amazondynamodb/latest"
GUIDE = f"{_AMAZON}/developerguide"
API = f"{_AMAZON}/APIReference"
ALTERNATOR = "https://github.com/scylladb/scylladb/blob/master/test/alternator"
DYNALITE = "https://github.com/architect/dynalite/blob/main/test"
EXTENDDB = "https://github.com/ExtendDB/extenddb"
SUITE = "https://github.com/paritysuite/dynamodb-conformance/blob/main/tests"

UPDATES = f"{GUIDE}/Expressions.UpdateExpressions.html"
OPERATORS = f"{GUIDE}/Expressions.OperatorsAndFunctions.html"

Holds = Callable[[str, Any, Outcome, Outcome], bool]

_READS = ("GetItem", "BatchGetItem", "TransactGetItems", "Query", "Scan")
_CONDITIONS = ("PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "TransactWriteItems")


def refuses(fragment: str, *operations: str) -> Holds:
    """Return what holds where we refuse a request, with *fragment* in the message, and they do not."""

    def holds(operation: str, request: Any, ours: Outcome, theirs: Outcome) -> bool:
        return (
            operation in operations
            and ours.code == "ValidationException" != theirs.code
            and fragment in ours.message
        )

    return holds


def _both(reason: str, page: str, holds: Holds) -> list[Difference]:
    return [Difference(engine, reason, page, holds) for engine in ("dynoxide", "extenddb")]


def _expression(pattern: str, *members: str) -> Holds:
    """Return what holds where one of some members, of the request or of a part, has *pattern*."""
    compiled = re.compile(pattern)

    def holds(operation: str, request: Any, ours: Outcome, theirs: Outcome) -> bool:
        parts = [part for each in request.get("TransactItems", ()) for part in each.values()]
        texts = [each.get(member, "") for each in (request, *parts) for member in members]
        return any(map(compiled.search, texts))

    return holds


def _update_of(pattern: str) -> Holds:
    return _expression(pattern, "UpdateExpression")


_compares = _expression("[<>]|BETWEEN|begins_with", "ConditionExpression", "FilterExpression")


def _has_failed_part(outcome: Outcome) -> bool:
    reasons = outcome.answer.get("CancellationReasons") or ()
    return any(each["Code"] == "ValidationError" for each in reasons)


def _checks_types_of_paths(operation: str, request: Any, ours: Outcome, theirs: Outcome) -> bool:
    if operation == "TransactWriteItems" and not _has_failed_part(ours):
        return _has_failed_part(theirs) and _compares(operation, request, ours, theirs)
    return (
        theirs.code == "ValidationException" != ours.code
        and "Incorrect operand type" in theirs.message
    )


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


def _has_invalid_value(ours: Outcome) -> bool:
    return ours.code == "ValidationException" and any(each in ours.message for each in _VALUES)


def _cancels(operation: str, request: Any, ours: Outcome, theirs: Outcome) -> bool:
    return (
        operation == "TransactWriteItems" and _has_invalid_value(ours) and _has_failed_part(theirs)
    )


def _accepts_values(operation: str, request: Any, ours: Outcome, theirs: Outcome) -> bool:
    return (
        operation in ("BatchWriteItem", "TransactWriteItems")
        and _has_invalid_value(ours)
        and theirs.code != "ValidationException"
    )


def _cancels_removal(operation: str, request: Any, ours: Outcome, theirs: Outcome) -> bool:
    return _has_failed_part(ours) and _update_of("REMOVE .*[.[]")(operation, request, ours, theirs)


def _ends_without_key(operation: str, request: Any, ours: Outcome, theirs: Outcome) -> bool:
    answer = {name: value for name, value in ours.answer.items() if name != "LastEvaluatedKey"}
    return operation in ("Query", "Scan") and "Limit" in request and answer == theirs.answer


def _checks_conditions_first(operation: str, request: Any, ours: Outcome, theirs: Outcome) -> bool:
    return (
        operation == "TransactWriteItems"
        and ours.code == "ValidationException"
        and theirs.code == "TransactionCanceledException"
        and re.match("Invalid (Condition|Update)Expression: ", ours.message) is not None
    )


def _reads_index_alone(operation: str, request: Any, ours: Outcome, theirs: Outcome) -> bool:
    asks = "ProjectionExpression" in request or request.get("Select") == "ALL_ATTRIBUTES"
    is_local = "IndexName" in request and "ConsistentRead" in request
    return operation in ("Query", "Scan") and is_local and asks and ours.code == theirs.code == ""


_EXPONENT = re.compile(r'(?<="N": ")-?[\d.]+E[-+]?\d+(?=")')


def _writes_exponents(operation: str, request: Any, ours: Outcome, theirs: Outcome) -> bool:
    return bool(_EXPONENT.search(str(theirs)))


def _makes_old_item(operation: str, request: Any, ours: Outcome, theirs: Outcome) -> bool:
    return (
        operation == "UpdateItem"
        and request["ReturnValues"] == "ALL_OLD"
        and not ours.answer
        and theirs.answer.get("Attributes") == request["Key"]
    )


def _projects_nothing(operation: str, request: Any, ours: Outcome, theirs: Outcome) -> bool:
    responses = ours.answer.get("Responses") or ()
    return operation == "TransactGetItems" and {"Item": {}} in responses


def _ignores_projection(operation: str, request: Any, ours: Outcome, theirs: Outcome) -> bool:
    gets = [each["Get"] for each in request["TransactItems"]] if "TransactItems" in request else ()
    return operation == "TransactGetItems" and any("ProjectionExpression" in get for get in gets)


def _counts_found_only(operation: str, request: Any, ours: Outcome, theirs: Outcome) -> bool:
    return operation == "BatchGetItem" and (
        ours.answer["Responses"] == theirs.answer["Responses"]
        and ours.answer.get("ConsumedCapacity") != theirs.answer.get("ConsumedCapacity")
    )


def _stops_at_first_reason(operation: str, request: Any, ours: Outcome, theirs: Outcome) -> bool:
    return (
        operation == "ExecuteTransaction"
        and ours.code == theirs.code == "TransactionCanceledException"
    )


def _statement(pattern: str) -> Holds:
    compiled = re.compile(pattern)

    def holds(operation: str, request: Any, ours: Outcome, theirs: Outcome) -> bool:
        return bool(compiled.search(request.get("Statement", "")))

    return holds


DIFFERENCES: list[Difference] = [
    # -- values -------------------------------------------------------------------------------------
    Difference(
        "extenddb",
        "A number has no exponent: also where an update computed it",
        f"{SUITE}/tier3/limits/numberByteSize.test.ts",
        _writes_exponents,
        lasting=True,
    ),
    Difference(
        "extenddb",
        "A batch or transaction with an invalid value writes nothing",
        f"{API}/API_BatchWriteItem.html",
        _accepts_values,
    ),
    Difference(
        "dynoxide",
        "Invalid values are refused with the request, not by a cancellation",
        f"{SUITE}/tier3/error-messages/valueLayers.test.ts",
        _cancels,
    ),
    # -- conditions ---------------------------------------------------------------------------------
    *_both(
        "BETWEEN is refused where its bounds are of two types, or the wrong way round",
        f"{EXTENDDB}/pull/102",
        refuses("BETWEEN operator requires", *_CONDITIONS),
    ),
    *_both(
        "The operands of an operator or function must not be one path",
        OPERATORS,
        refuses("first operand must be distinct", *_CONDITIONS),
    ),
    *_both(
        "Values without an order, and numbers for begins_with, are refused",
        f"{ALTERNATOR}/test_condition_expression.py",
        refuses("Incorrect operand type", *_CONDITIONS),
    ),
    Difference(
        "extenddb",
        "Attributes without an order are not refused, but fulfil nothing",
        f"{ALTERNATOR}/test_condition_expression.py",
        _checks_types_of_paths,
    ),
    Difference(
        "extenddb",
        "Lists, maps, sets and booleans have no order, even where they are equal",
        f"{API}/API_Condition.html",
        _expression("<=|>=|BETWEEN", "ConditionExpression", "FilterExpression"),
    ),
    # -- paths and updates --------------------------------------------------------------------------
    *_both(
        "Paths that take one value for a list and for a map are refused",
        f"{ALTERNATOR}/test_projection_expression.py",
        refuses("conflict with each other", *_READS),
    ),
    *_both(
        "Paths of an update that take one value for a list and for a map are refused",
        f"{DYNALITE}/updateItem.js",
        refuses("conflict with each other", "UpdateItem"),
    ),
    *_both(
        "Paths do not lead into keys, nor into keys of indexes",
        f"{DYNALITE}/getItem.js",
        refuses("Key attributes must be scalars", *_READS),
    ),
    *_both(
        "Paths of an update must not overlap",
        f"{ALTERNATOR}/test_update_expression.py",
        refuses("overlap with each other", "UpdateItem", "TransactWriteItems"),
    ),
    *_both(
        "Expressions are validated before conditions are looked at",
        f"{SUITE}/tier3/validation-ordering/transactions.test.ts",
        _checks_conditions_first,
    ),
    *_both(
        "What an update removes must be within a list or a map",
        f"{ALTERNATOR}/test_update_expression.py",
        refuses("document path provided in the update expression is invalid", "UpdateItem"),
    ),
    *_both(
        "What a transaction removes must be within a list or a map, too",
        f"{API}/API_TransactWriteItems.html",
        _cancels_removal,
    ),
    Difference(
        "dynoxide",
        "Elements are removed by their places before the update",
        f"{ALTERNATOR}/test_update_expression.py",
        _update_of(r"REMOVE .*\[\d\]"),
        lasting=True,
    ),
    Difference(
        "extenddb",
        "Elements are removed by their places before the update",
        f"{ALTERNATOR}/test_update_expression.py",
        _update_of(r"REMOVE .*\[\d\].*\[\d\]"),
        lasting=True,
    ),
    Difference(
        "dynoxide",
        "An update has no old attributes where there was no item",
        f"{API}/API_UpdateItem.html",
        _makes_old_item,
    ),
    Difference(
        "dynoxide",
        "SET beyond the end of a list appends",
        UPDATES,
        _update_of(r"SET .*\[\d\]"),
        lasting=True,
    ),
    # -- reads by key -------------------------------------------------------------------------------
    *_both(
        "A transaction gives an empty map for an item that has none of what is projected",
        f"{API}/API_TransactGetItems.html",
        _projects_nothing,
    ),
    Difference(
        "dynoxide",
        "A transaction gives what is projected, and not the key",
        f"{API}/API_TransactGetItems.html",
        _ignores_projection,
    ),
    Difference(
        "extenddb",
        "A batch counts reads of items that are not there",
        f"{API}/API_BatchGetItem.html",
        _counts_found_only,
    ),
    # -- pages --------------------------------------------------------------------------------------
    Difference(
        "extenddb",
        "A page that ends at the limit has a LastEvaluatedKey",
        f"{API}/API_Query.html",
        _ends_without_key,
    ),
    Difference(
        "dynoxide",
        "The pages of a query in a table without a range key have an end",
        f"{GUIDE}/Query.Pagination.html",
        lambda operation, request, ours, theirs: ours.code != ENDLESS == theirs.code,
    ),
    *_both(
        "A query compares keys with values of their types",
        f"{SUITE}/tier3/error-messages/queryKeyConditionOperands.test.ts",
        refuses("does not match schema type", "Query"),
    ),
    Difference(
        "extenddb",
        "A query does not filter by attributes of its key",
        f"{API}/API_Query.html",
        refuses("non-primary key attributes", "Query"),
    ),
    Difference(
        "dynoxide",
        "begins_with compares bytes: upper and lower case differ",
        f"{GUIDE}/HowItWorks.NamingRulesDataTypes.html",
        lambda operation, request, ours, theirs: (
            "begins_with(" in request.get("KeyConditionExpression", "")
        ),
    ),
    *_both(
        "What a local index does not project is fetched from the table",
        f"{API}/API_Query.html",
        _reads_index_alone,
    ),
    Difference(
        "dynoxide",
        "A global index gives only what it projects",
        f"{API}/API_Query.html",
        refuses("does not project [", "Query", "Scan"),
    ),
    # -- tables and statements ----------------------------------------------------------------------
    Difference(
        "extenddb",
        "Both parts of a key cannot be one attribute",
        f"{DYNALITE}/createTable.js",
        refuses("have the same name", "CreateTable"),
    ),
    Difference(
        "dynoxide",
        "The hash key of a global index may have several attributes",
        f"{GUIDE}/GSI.DesignPattern.MultiAttributeKeys.html",
        lambda operation, request, ours, theirs: (
            operation == "CreateTable" and "second KeySchemaElement" in theirs.message
        ),
    ),
    Difference(
        "dynoxide",
        "An UPDATE may have several clauses",
        f"{GUIDE}/ql-reference.update.html",
        _statement(r"UPDATE .*(SET|REMOVE) .*(SET|REMOVE) "),
    ),
    Difference(
        "dynoxide",
        "Each statement of a canceled transaction has its own reason",
        f"{API}/API_ExecuteTransaction.html",
        _stops_at_first_reason,
    ),
]

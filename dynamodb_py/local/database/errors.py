"""The errors of the service, by their codes."""

from __future__ import annotations

from typing import Any

from ...codec import to_json

_NAMESPACES = {
    "ValidationException": "com.amazon.coral.validate",
    "IncompleteSignatureException": "com.amazon.coral.service",
    "MissingAuthenticationTokenException": "com.amazon.coral.service",
    "SerializationException": "com.amazon.coral.service",
    "UnknownOperationException": "com.amazon.coral.service",
}


INVALID = "One or more parameter values were invalid: "
"""The beginning of many messages of ValidationExceptions."""


class ServiceError(Exception):
    """An operation failed, as it would fail at the service.

    *code* is the error code of DynamoDB, and *status* the HTTP status. *fields* are further members of the
    body, such as ``CancellationReasons`` or the ``Item`` of a failed condition.
    """

    def __init__(self, code: str, message: str, *, status: int = 400, **fields: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status, self.fields = code, message, status, fields

    def body(self) -> bytes:
        """Return the body of the response."""
        space = _NAMESPACES.get(self.code, "com.amazonaws.dynamodb.v20120810")
        return to_json({"__type": f"{space}#{self.code}", "message": self.message, **self.fields})


class EmptyKeyError(ServiceError):
    """A key has an empty value. It fails a whole transaction, without cancellation reasons."""

    def __init__(self, message: str) -> None:
        super().__init__("ValidationException", message)


def make_invalid(message: str) -> ServiceError:
    """Return a ValidationException."""
    return ServiceError("ValidationException", message)


def make_violation(value: object, member: str, constraint: str) -> ServiceError:
    """Return the ValidationException for a member that breaks a constraint of the API's model."""
    shown = "null " if value is None else f"'{value}' "
    if isinstance(value, (dict, list)):
        shown = ""
    return make_invalid(
        f"1 validation error detected: Value {shown}at '{member}' failed to satisfy constraint: "
        f"{constraint}"
    )


def make_canceled(reasons: list[dict[str, Any]]) -> ServiceError:
    """Return the TransactionCanceledException with the reasons of all parts of a transaction."""
    codes = ", ".join(reason["Code"] for reason in reasons)
    return ServiceError(
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        CancellationReasons=reasons,
    )


def make_not_found(message: str) -> ServiceError:
    """Return a ResourceNotFoundException."""
    return ServiceError("ResourceNotFoundException", message)

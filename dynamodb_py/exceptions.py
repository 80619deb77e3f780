"""The exceptions of the package.

::

    DynamoDBError
    ├── ModelDefinitionError          a model class is declared wrongly
    ├── ConfigurationError            no region, no credentials, an unknown alias
    ├── ValidationError               values that cannot be stored (.errors by field)
    │   └── ItemTooLarge              over 400 KB, found before sending
    ├── QueryError                    a query that DynamoDB cannot answer
    │   ├── ScanRequired              ... other than by reading the whole table
    │   ├── InvalidCursor             a cursor that does not belong to this query
    │   └── InvalidPosition           a position that does not belong to this stream
    ├── MaxRequestsReached            more items than max_requests() allows (.cursor)
    ├── FieldNotLoaded                the field was not fetched
    ├── UnreadableValue               a stored attribute is not of its field's type
    ├── DoesNotExist                  no item has the key (.missing)
    ├── ProtectedError                other items refer to the item to delete (.objects)
    ├── MultipleObjectsReturned
    ├── TableMismatch                 the live table differs from the model (.differences)
    ├── MigrationError                a migration is wrong, or failed (.key of the item)
    │   ├── MigrationsLocked          another run has the lease
    │   └── LeaseLost                 another run has taken the lease of this one
    ├── DumpError                     a table cannot be dumped, or a file loaded
    ├── StreamNotFound                the table has no stream, or it is gone
    ├── StreamTrimmed                 records were gone before they were read (.shard)
    ├── DeliveryFailed                receivers fail for a record of a stream (.failed)
    ├── BatchIncomplete               part of a batch was not executed (.unprocessed)
    ├── ConnectionFailed              no response: refused, reset, unreachable
    │   ├── ConnectTimeout
    │   ├── ReadTimeout
    │   └── ResponseCorrupted         the response is cut short, or its checksum is wrong
    ├── DeadlineExceeded              the time of deadline= is over
    └── ServiceError                  DynamoDB responded with an error (.code, .status)
        ├── ConditionFailed           (.current)
        │   ├── AlreadyExists         an item has this key or unique value (.fields, .owner)
        │   └── StaleItem             changed by another writer since it was loaded
        ├── TransactionCanceled       (.reasons, one CancellationReason for each call)
        ├── TransactionConflict
        ├── TableNotFound
        ├── TableInUse
        ├── TableAlreadyExists
        ├── Throttled                 (.reasons)
        ├── LimitExceeded
        ├── ItemCollectionTooLarge
        ├── AccessDenied
        ├── InvalidRequest
        └── ServiceUnavailable        5xx

The error *code* alone decides the class, in :func:`make_service_error`: DynamoDB's messages differ
between regions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, cast

from msgspec import Struct


class DynamoDBError(Exception):
    """The base of all exceptions of this package."""

    done: Any = None
    """After a delete or update of a query set: the result up to the error."""


class ModelDefinitionError(DynamoDBError):
    """A model, field or index is declared wrongly; raised when the class is created."""


class ConfigurationError(DynamoDBError):
    """The connection is not configured: no region, no credentials, an unknown alias."""


class ValidationError(DynamoDBError, ValueError):
    """Values that cannot be stored; nothing was sent.

    ``errors`` maps each field (a path such as ``lines[2].qty`` inside documents) to its messages; a text
    becomes the message of the name ``""``. ``model`` is the name of the model, ``""`` by default.
    """

    def __init__(self, errors: Mapping[str, Sequence[str] | str] | str, *, model: str = "") -> None:
        if isinstance(errors, str):
            errors = {"": [errors]}
        self.model = model
        self.errors: dict[str, list[str]] = {
            name: [text] if isinstance(text, str) else list(text) for name, text in errors.items()
        }
        named = [(f"{name}: " if name else "") + "; ".join(t) for name, t in self.errors.items()]
        super().__init__((f"{model}: " if model else "") + " | ".join(named))

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return partial(type(self), model=self.model), (self.errors,)


class ItemTooLarge(ValidationError):
    """The item is over DynamoDB's limit of 400 KB; nothing was sent.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
    """


class QueryError(DynamoDBError, ValueError):
    """A query that DynamoDB cannot answer in this form."""


class ScanRequired(QueryError):
    """Only a scan of the whole table could answer the query, and ``scan()`` was not called."""


class InvalidCursor(QueryError):
    """A cursor that was altered, cut short, or made for another query."""


class InvalidPosition(QueryError):
    """A position in a stream that is malformed, or that was made for another stream."""


class MaxRequestsReached(DynamoDBError):
    """The read sent all requests that ``max_requests()`` allows, and there are more items.

    ``cursor`` is the position to continue at: ``after(cursor)``, or ``page(cursor=...)``.
    """

    def __init__(self, message: str = "", *, cursor: str | None = None) -> None:
        super().__init__(message)
        self.cursor = cursor


class FieldNotLoaded(DynamoDBError):
    """The field was not fetched with this instance; ``refresh_from_db()`` fetches it."""


class UnreadableValue(DynamoDBError, ValueError):
    """A stored attribute does not have the type of its field; the other fields can be read."""


class DoesNotExist(DynamoDBError, LookupError):
    """No item has the key. ``missing`` lists the keys or instances that were not found."""

    def __init__(self, message: str = "", *, missing: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.missing = list(missing)


class ProtectedError(DynamoDBError):
    """Items with ``on_delete=PROTECT`` refer to the item to delete; nothing was written.

    ``objects`` has some of them.
    """

    def __init__(self, message: str = "", *, objects: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.objects = list(objects)


class MultipleObjectsReturned(DynamoDBError, LookupError):
    """More than one item matched where one was expected."""


class BatchIncomplete(DynamoDBError):
    """Part of a batch was not executed.

    ``unprocessed`` has the rest, as passed by the caller; ``__cause__`` is the reason.
    """

    def __init__(self, message: str, *, unprocessed: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.unprocessed = list(unprocessed)


class TableMismatch(DynamoDBError):
    """The live table differs from the model, and ``update()`` does not change that.

    ``differences`` lists them, a sentence each.
    """

    def __init__(self, message: str, differences: list[str] | None = None) -> None:
        super().__init__(message)
        self.differences = differences or []


class StreamNotFound(DynamoDBError):
    """The table has no stream, or its stream is gone with the table."""


class StreamTrimmed(DynamoDBError):
    """Records may have been trimmed before they were read: DynamoDB keeps them for 24 hours.

    Reading can continue after the lost records. ``shard`` is the shard that they were in. ``after`` is the
    sequence number of the last record that was read from that shard, None if there is none.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
    """

    def __init__(self, message: str = "", *, shard: str = "", after: str | None = None) -> None:
        super().__init__(message)
        self.shard, self.after = shard, after


class DumpError(DynamoDBError):
    """A table cannot be dumped to this file, or the file cannot be loaded; the next run continues."""


class MigrationError(DynamoDBError):
    """A migration cannot be run, or failed; the next run continues.

    ``key`` is the primary key of the item at which it failed, None if it failed elsewhere.
    """

    def __init__(self, message: str = "", *, key: Any = None) -> None:
        super().__init__(message)
        self.key = key


class MigrationsLocked(MigrationError):
    """Another run of migrations has the lease; nothing was changed."""


class LeaseLost(MigrationError):
    """Another run has taken over the lease, as this run did not renew it in time."""


class DeliveryFailed(DynamoDBError):
    """Receivers of ``item_changed`` failed for a record of a stream at every attempt.

    ``failed`` is the ``FailedRecord`` that ``StreamRunner(on_failure=)`` would have received.
    """

    def __init__(self, message: str = "", *, failed: Any = None) -> None:
        super().__init__(message)
        self.failed = failed


class RequestError(DynamoDBError):
    """A request that failed.

    ``operation`` is DynamoDB's name of the call, ``table`` the table, ``attempts`` the number of
    attempts. An earlier attempt may have been executed although its response was lost.
    """

    advice: ClassVar[str] = ""
    """What to do, in a few words."""

    operation: str = ""
    """The operation of DynamoDB: ``PutItem``."""
    table: str = ""
    """The name of the table, if there is one; of several, with commas."""
    request_id: str = ""
    """The id of the request, for AWS support; empty if no response came."""
    attempts: int = 1
    """The number of times that it was sent."""
    in_doubt: bool = False
    """Whether an earlier attempt may have been executed: its response was lost, or it still runs."""
    unprocessed: Sequence[Any] = ()
    """After a batch: the part that was not executed, as passed by the caller."""

    def _describe(self) -> str:
        """Return the problem, without the request."""
        return super().__str__()

    def __str__(self) -> str:
        text = self._describe()
        about = " on ".join(part for part in (self.operation, self.table) if part)
        tail = [f"request {self.request_id}"] if self.request_id else []
        if self.attempts > 1:
            tail.append(f"{self.attempts} attempts")
        if self.advice and getattr(self, "code", True):  # this package's messages contain advice
            text = f"{text.removesuffix('.')}; {self.advice}"
        return (f"{about}: " if about else "") + text + (f" ({', '.join(tail)})" if tail else "")


class ConnectionFailed(RequestError, ConnectionError):
    """No response came: the connection was refused or reset, or could not be made."""

    advice = "check that the endpoint is right and reachable"


class ConnectTimeout(ConnectionFailed, TimeoutError):
    """No connection was made within ``connect_timeout`` seconds."""

    advice = "check that the endpoint is reachable, or increase connect(connect_timeout=)"


class ReadTimeout(ConnectionFailed, TimeoutError):
    """No response came within ``read_timeout`` seconds; the request may have been executed."""

    advice = "it may have been executed; increase connect(read_timeout=) if responses take longer"


class ResponseCorrupted(ConnectionFailed):
    """The response was cut short, is not HTTP, or does not match its checksum."""


class DeadlineExceeded(RequestError, TimeoutError):
    """The request did not succeed before the deadline of ``connect(deadline=)`` or ``options(deadline=)``.

    ``__cause__`` is the failure of the last attempt, if there was one. ``in_doubt`` is True if any
    attempt, the last one included, may have been executed.
    """

    advice = "increase connect(deadline=) or options(deadline=) if the request needs more time"


class ServiceError(RequestError):
    """DynamoDB responded with an error.

    ``code`` is DynamoDB's name for it (``ValidationException``), ``status`` the HTTP status,
    ``message`` the message.
    """

    code: str = ""
    """DynamoDB's name for the error: ``ValidationException``."""
    status: int = 0
    """The HTTP status."""
    message: str = ""
    """The message of DynamoDB."""


class ConditionFailed(ServiceError):
    """The condition did not hold; nothing was written.

    ``current`` is the current item (an instance for a request of a model, else the plain item), or
    None if there is none.
    """

    advice = ".current is the item as it is stored now"

    current: Any = None
    """The current item, an instance for a request of a model; None if there is none."""


class AlreadyExists(ConditionFailed):
    """An item with this key, or with this unique value, exists; nothing was written."""

    advice = ".current is the item; overwrite=True replaces it"

    fields: Sequence[str] = ()
    """The fields whose unique value another item has; empty if another item has the key."""
    owner: Any = None
    """The primary key of the item with these values, if known."""


class StaleItem(ConditionFailed):
    """Another writer changed the item since it was loaded; nothing was written.

    ``current`` is the current item, or None if it was deleted.
    """

    advice = (
        ".current is the item as it is stored now: refresh_from_db(), change it again and save()"
    )


class CancellationReason(Struct):
    """Why a transaction was canceled, for one of its calls.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CancellationReason.html
    """

    code: str
    """DynamoDB's code (``ConditionalCheckFailed``); ``"None"`` if another call failed."""
    message: str = ""
    """DynamoDB's message."""
    item: Mapping[str, Any] | None = None
    """The stored item as on the wire, if the condition failed and the call requested it."""
    instance: Any = None
    """The instance of the call, for calls of models."""
    verb: str = ""
    """The action: ``save``, ``create``, ``update``, ``delete``, ``check``, ``get``; of a PartiQL statement, its
    verb and model, ``UPDATE of Account``."""
    current: Any = None
    """The current item as an instance."""
    error: Exception | None = None
    """The error that the call would raise outside of a transaction."""

    @property
    def is_to_blame(self) -> bool:
        """Whether the transaction was canceled because of this call."""
        return self.code != "None"

    def __str__(self) -> str:
        about = " of ".join(part for part in (self.verb, _describe_instance(self.instance)) if part)
        text = f"{self.code} ({self.message})" if self.message else self.code
        return f"{about}: {text}" if about else text


def _describe_instance(instance: Any) -> str:
    """Return the class and the key of *instance*, for messages."""
    if instance is None:
        return ""
    try:
        text = repr(instance.primary_key)
    except Exception:  # the message of an error must not raise another
        return type(instance).__name__
    # A pair of keys has parentheses of its own.
    return type(instance).__name__ + (text if text.startswith("(") else f"({text})")


_MAX_BLAMED = 5
"""The most calls of a transaction in a message."""


class TransactionCanceled(ServiceError):
    """No call of the transaction was executed; ``reasons`` are in the order of the calls.

    Each is a :class:`CancellationReason`; the message has those that ``is_to_blame``.
    """

    reasons: Sequence[CancellationReason] = ()
    """One reason for each call, in the order of the calls."""

    def _describe(self) -> str:
        blamed = [(at, each) for at, each in enumerate(self.reasons) if each.is_to_blame]
        text = [f"reasons[{at}], {each}" for at, each in blamed[:_MAX_BLAMED]]
        if len(blamed) > _MAX_BLAMED:
            text.append(f"and {len(blamed) - _MAX_BLAMED} more")
        return "; ".join([super()._describe(), *text])


class TransactionConflict(ServiceError):
    """Another transaction is running on the same item, or this one is (``in_doubt``)."""

    advice = "try again a little later"


class TableNotFound(ServiceError):
    """The table or index does not exist; ``Table(Model).create()`` creates it."""

    advice = "create it with Table(Model).create(), or correct the region or the endpoint"


class TableInUse(ServiceError):
    """The table is being created, changed or deleted; ``Table(Model).wait()`` waits for it."""

    advice = "Table(Model).wait() waits until it is ACTIVE"


class TableAlreadyExists(ServiceError):
    """A table of this name exists already; ``create(if_not_exists=True)`` accepts that."""

    advice = "create(if_not_exists=True) accepts that"


class Throttled(ServiceError):
    """The requests exceed the throughput of the table, the key or the account.

    ``reasons`` has DynamoDB's ``ThrottlingReasons``.
    """

    advice = "send fewer requests, or increase the table's throughput"

    reasons: Sequence[Any] = ()
    """DynamoDB's ``ThrottlingReasons``, as dicts."""


class LimitExceeded(ServiceError):
    """Too many operations on tables run at once, or a limit of the account is reached.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
    """

    advice = "wait until the other table operations are done"


class ItemCollectionTooLarge(ServiceError):
    """The items of one hash key (partition key) are over 10 GB in a table with local indexes.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html
    """


class AccessDenied(ServiceError):
    """The credentials are wrong, missing or expired, or do not allow the request."""

    advice = "check the credentials and their permissions"


class InvalidRequest(ServiceError):
    """DynamoDB rejected the request as malformed."""


class ServiceUnavailable(ServiceError):
    """DynamoDB failed (HTTP 5xx)."""

    advice = "try again a little later"


_IN_PROGRESS = "TransactionInProgressException"
"""An earlier request with the same token still runs."""

_CODES: dict[type[ServiceError], str] = {
    ConditionFailed: "ConditionalCheckFailedException",
    AlreadyExists: "DuplicateItemException",
    TransactionCanceled: "TransactionCanceledException",
    TransactionConflict: f"TransactionConflictException {_IN_PROGRESS} ReplicatedWriteConflictException",
    TableNotFound: "ResourceNotFoundException TableNotFoundException IndexNotFoundException",
    TableInUse: "ResourceInUseException TableInUseException",
    TableAlreadyExists: "TableAlreadyExistsException",
    Throttled: (
        "ProvisionedThroughputExceededException ProvisionedThroughputExceeded "
        "ThrottlingException Throttling ThrottledException RequestThrottled "
        "RequestThrottledException RequestLimitExceeded TooManyRequestsException SlowDown "
        "BandwidthLimitExceeded"
    ),
    LimitExceeded: "LimitExceededException",
    ItemCollectionTooLarge: "ItemCollectionSizeLimitExceededException",
    AccessDenied: (
        "AccessDeniedException AccessDenied UnrecognizedClientException "
        "IncompleteSignatureException InvalidSignatureException SignatureDoesNotMatch "
        "MissingAuthenticationTokenException MissingAuthenticationToken InvalidClientTokenId "
        "ExpiredTokenException ExpiredToken"
    ),
    InvalidRequest: (
        "ValidationException SerializationException IdempotentParameterMismatchException"
    ),
    ServiceUnavailable: (
        "InternalServerError InternalFailure ServiceUnavailable ServiceUnavailableException"
    ),
}
"""DynamoDB's error codes by class."""

_BY_CODE = {code: kind for kind, codes in _CODES.items() for code in codes.split()}


def _parse_reasons(found: Any) -> list[CancellationReason]:
    """Return the CancellationReasons of an error's body, in order."""
    reasons: list[CancellationReason] = []
    for each in cast("list[Any]", found) if isinstance(found, list) else ():
        one = cast("Mapping[str, Any]", each if isinstance(each, Mapping) else {})
        texts = str(one.get("Code") or "None"), str(one.get("Message") or "")
        reasons.append(CancellationReason(*texts, _as_item(one.get("Item")) or None))
    return reasons


def _as_item(found: Any) -> Any:
    """Return the item in an error's body; None for anything else than an item."""
    whole = isinstance(found, Mapping) and all(
        isinstance(wire, Mapping) and len(cast("Mapping[str, Any]", wire)) == 1
        for wire in cast("Mapping[str, Any]", found).values()
    )
    return cast("Mapping[str, Any]", found) if whole else None


def make_service_error(
    code: str, message: str, *, status: int = 400, body: Mapping[str, Any] | None = None
) -> ServiceError:
    """Return the exception for DynamoDB's error *code*.

    An unknown code becomes :class:`ServiceUnavailable` with an HTTP status of 500 and more, else
    plain :class:`ServiceError`. *body* is the parsed body of the error.

    >>> type(make_service_error("ThrottlingException", "slow down")).__name__
    'Throttled'
    """
    kind = _BY_CODE.get(code, ServiceUnavailable if status >= 500 else ServiceError)
    error: Any = kind(f"{code}: {message}" if message else code)
    error.code, error.message, error.status = code, message, status
    error.in_doubt = code == _IN_PROGRESS
    if body and kind is ConditionFailed:
        error.current = _as_item(body.get("Item"))
    elif body and kind is Throttled and isinstance(body.get("ThrottlingReasons"), list):
        error.reasons = body["ThrottlingReasons"]
    elif body and kind is TransactionCanceled:
        error.reasons = _parse_reasons(body.get("CancellationReasons"))
    return cast("ServiceError", error)


service_error = make_service_error  # the earlier name, which users' tests may import


class NPlusOneWarning(UserWarning):
    """A loop read items one by one that one request could have read.

    ``connect(warn_n_plus_one=True)`` switches these warnings on.
    """


def narrow_error(error: ServiceError, kind: type[ServiceError]) -> ServiceError:
    """Return *error* as an instance of its subclass *kind*, with all attributes."""
    same = kind(*error.args)
    vars(same).update(vars(error))
    return same


__all__ = [
    "AccessDenied",
    "AlreadyExists",
    "BatchIncomplete",
    "CancellationReason",
    "ConditionFailed",
    "ConfigurationError",
    "ConnectTimeout",
    "ConnectionFailed",
    "DeadlineExceeded",
    "DeliveryFailed",
    "DoesNotExist",
    "DumpError",
    "DynamoDBError",
    "FieldNotLoaded",
    "InvalidCursor",
    "InvalidPosition",
    "InvalidRequest",
    "ItemCollectionTooLarge",
    "ItemTooLarge",
    "LeaseLost",
    "LimitExceeded",
    "MaxRequestsReached",
    "MigrationError",
    "MigrationsLocked",
    "ModelDefinitionError",
    "MultipleObjectsReturned",
    "NPlusOneWarning",
    "ProtectedError",
    "QueryError",
    "ReadTimeout",
    "RequestError",
    "ResponseCorrupted",
    "ScanRequired",
    "ServiceError",
    "ServiceUnavailable",
    "StaleItem",
    "StreamNotFound",
    "StreamTrimmed",
    "TableAlreadyExists",
    "TableInUse",
    "TableMismatch",
    "TableNotFound",
    "Throttled",
    "TransactionCanceled",
    "TransactionConflict",
    "UnreadableValue",
    "ValidationError",
]

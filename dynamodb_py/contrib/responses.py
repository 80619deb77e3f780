"""Parts of a web service's responses: a status for each error, links between pages, ETags of versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, TypeVar

from msgspec import Struct

from ..exceptions import (
    AlreadyExists,
    BatchIncomplete,
    ConditionFailed,
    ConnectionFailed,
    DeadlineExceeded,
    DoesNotExist,
    DynamoDBError,
    InvalidCursor,
    ModelDefinitionError,
    ProtectedError,
    ServiceUnavailable,
    StaleItem,
    Throttled,
    TransactionCanceled,
    TransactionConflict,
    ValidationError,
)
from ..models.instance import options_of
from ..models.interop.problems import list_problems
from ..models.managers.manager import Manager
from ..models.managers.queryset import QuerySet
from ..models.model import Model
from ..models.queryset.pages import Page
from ..retries import PASSING_CALLS

M = TypeVar("M", bound=Model)

Source: TypeAlias = type[M] | Manager[M] | QuerySet[M, M]
"""The classes that ``get_object_or_404()`` accepts."""

RETRY_AFTER = "1"
"""The value of ``Retry-After``: the seconds after which a client may try again."""

_CHANGED = "somebody else changed it meanwhile"
BUSY = "the database is busy: try again a little later"
_STATUSES: Mapping[type[DynamoDBError], tuple[int, str]] = {
    DoesNotExist: (404, "not found"),
    AlreadyExists: (409, "it exists already"),
    StaleItem: (409, _CHANGED),
    ConditionFailed: (409, "its present state does not allow that"),
    ProtectedError: (409, "others refer to it"),
    TransactionCanceled: (503, BUSY),
    ValidationError: (422, ""),
    InvalidCursor: (422, ""),
    Throttled: (503, BUSY),
    BatchIncomplete: (503, BUSY),
    TransactionConflict: (503, BUSY),
    ServiceUnavailable: (503, BUSY),
    ConnectionFailed: (503, BUSY),
    DeadlineExceeded: (503, BUSY),
}
_FAILED = frozenset({"ConditionalCheckFailed", "DuplicateItem"})
"""Codes in the reasons of a canceled transaction for a condition of the caller that failed."""
ANSWERED = tuple(_STATUSES)
"""The errors that clients cause, and temporary errors; all others are faults of the program or its set-up."""


class Answer(Struct, frozen=True):
    """The status, the ``detail`` of the body, and the headers of a response to an error."""

    status: int
    detail: Any
    headers: dict[str, str] = {}


def answer_error(error: DynamoDBError, *, if_match: str | None = None) -> Answer:
    """Return the response to an error of one of the classes ``ANSWERED``, without words of the database.

    :param if_match: the request's ``If-Match``; if it has one, the status for ``StaleItem`` is 412, not 409.
    :raises TransactionCanceled: *error* itself, if a fault of the program canceled the transaction.

    >>> answer_error(DoesNotExist("no Player has the key 'ann'"))
    Answer(status=404, detail='not found', headers={})
    """
    if isinstance(error, TransactionCanceled):
        error = _find_cause(error)
    status, detail = next(_STATUSES[each] for each in type(error).__mro__ if each in _STATUSES)
    if isinstance(error, ValidationError):
        return Answer(status, list_details(error))
    if isinstance(error, InvalidCursor):
        return Answer(status, [_describe("value_error", ("query", "cursor"), str(error))])
    if isinstance(error, StaleItem) and if_match is not None:
        status = 412
    if isinstance(error, AlreadyExists) and error.fields:
        detail = f"there is one with the same {', '.join(error.fields)} already"
    return Answer(status, detail, {"Retry-After": RETRY_AFTER} if status == 503 else {})


def _find_cause(error: TransactionCanceled) -> DynamoDBError:
    """Return the error of the first condition that failed, or *error* if all its causes are temporary.

    Otherwise raise *error*: it is a fault of the program.
    """
    blamed = [each for each in error.reasons if each.is_to_blame]
    for each in blamed:
        if each.code in _FAILED:
            return each.error if isinstance(each.error, ConditionFailed) else ConditionFailed()
    if all(each.code in PASSING_CALLS for each in blamed):
        return error
    raise error


def list_details(error: ValidationError, given: Any = None) -> list[dict[str, Any]]:
    """Return the problems in FastAPI's form: dicts with ``type``, ``loc`` and ``msg``.

    :param given: the dict of the values, if it is known.
    """
    return [
        _describe(each.kind, ("body", *each.path), each.message)
        for each in list_problems(error, given)
    ]


def _describe(kind: str, place: tuple[str | int, ...], message: str) -> dict[str, Any]:
    return {"type": kind, "loc": list(place), "msg": message}


def find_manager(source: Source[M]) -> Any:
    """Return the manager if *source* is a model, else *source* itself; both have ``get()`` and ``aget()``."""
    return source.objects if isinstance(source, type) else source


def make_etag(instance: Model) -> str:
    """Return the strong ETag of an instance: its version.

    :raises ModelDefinitionError: the model has no version field.

    https://www.rfc-editor.org/rfc/rfc9110#name-etag
    """
    version = options_of(type(instance)).version
    if version is None:
        name = type(instance).__name__
        raise ModelDefinitionError(f"{name} has no VersionField for an ETag: add one")
    return f'"{getattr(instance, version.name)}"'


def has_match(etag: str, header: str) -> bool:
    """Tell whether the value of ``If-Match`` has *etag*, or ``*`` for every ETag.

    >>> has_match('"3"', '"2", "3"'), has_match('"3"', 'W/"3"'), has_match('"3"', "*")
    (True, False, True)
    """
    return "*" in header or etag in [each.strip() for each in header.split(",")]


def check_precondition(instance: Model, header: str | None, *, required: bool) -> Answer | None:
    """Return the response if ``If-Match`` forbids a write of *instance*, or None if it allows the write.

    :param header: the value of ``If-Match``, or None if the request has none.
    :param required: forbid the write, with 428, if the request has no ``If-Match``.
    """
    if header is None:
        return (
            Answer(428, "If-Match is required: send the ETag of the version that you read")
            if required
            else None
        )
    return None if has_match(make_etag(instance), header) else Answer(412, _CHANGED)


def list_cursors(page: Page[Any]) -> dict[str, str]:
    """Return the cursors of the next and previous page, by their relation in a ``Link`` header."""
    cursors = {"next": page.next_cursor, "prev": page.previous_cursor}
    return {relation: cursor for relation, cursor in cursors.items() if cursor is not None}


def format_links(urls: Mapping[str, str]) -> str:
    """Return the value of the header ``Link`` for addresses by their relation.

    https://www.rfc-editor.org/rfc/rfc8288

    >>> format_links({"next": "http://shop/orders?cursor=abc"})
    '<http://shop/orders?cursor=abc>; rel="next"'
    """
    return ", ".join(f'<{url}>; rel="{relation}"' for relation, url in urls.items())

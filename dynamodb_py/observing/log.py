"""The lines about requests on the logger ``dynamodb_py``, which cost next to nothing while it is off.

Each line has fields beside its text, as attributes of its record: ``operation``, ``table``, ``index``,
``seconds``, ``attempts``, ``units``, ``bytes``, ``error``. A field that is not known is None. No field
has keys or values of items.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, cast

from ..exceptions import ServiceError
from ..operations.base import Operation

if TYPE_CHECKING:
    from logging import Logger

_DEBUG = 10
_logger: Logger | None = None


def get_debug_logger() -> Logger | None:
    """Return the logger if its debug lines are enabled, else None.

    A process that never imported :mod:`logging` cannot have enabled them.
    """
    global _logger
    logger = _logger
    if logger is None:
        logging: Any = sys.modules.get("logging")
        if not hasattr(logging, "getLogger"):  # not imported, or another thread is importing it
            return None
        logger = _logger = cast("Logger", logging.getLogger("dynamodb_py"))
    return logger if logger.isEnabledFor(_DEBUG) else None


def log_answer(
    logger: Logger,
    operation: Operation[Any],
    status: int | None,
    seconds: float,
    size: int | None,
) -> None:
    """Write the debug line of one attempt.

    :param size: the bytes of the response; None for one that came through botocore.
    """
    way = "through botocore" if size is None else f"{size} bytes"
    logger.debug(
        "%s %s: status %s, %s, %.2f ms",
        operation.api,
        ", ".join(operation.tables),
        status,
        way,
        seconds * 1000,
        extra=make_fields(operation, seconds=seconds, size=size),
    )


def warn(text: str, *arguments: object, fields: dict[str, Any]) -> None:
    """Write a line at level WARNING."""
    import logging  # loaded only for requests that are slow or throttled

    logging.getLogger("dynamodb_py").warning(text, *arguments, extra=fields)


def warn_of_retry(operation: Operation[Any], error: Exception, attempts: int, pause: float) -> None:
    """Write the line of a retry after throttling.

    :param attempts: the number of attempts so far.
    :param pause: the seconds before the next attempt.
    """
    warn(
        "%s %s: throttled (%s), attempt %d in %.2f s",
        operation.api,
        ", ".join(operation.tables),
        describe_error(error),
        attempts + 1,
        pause,
        fields=make_fields(operation, attempts=attempts, error=error),
    )


def warn_of_unprocessed(operation: Operation[Any], count: int, pause: float) -> None:
    """Write the line of a batch that DynamoDB processed only in part, as it does when it is throttled.

    :param count: the number of unprocessed keys or writes, of all requests that were sent together.
    :param pause: the seconds before they are sent again.
    """
    warn(
        "%s %s: throttled, %d left unprocessed, again in %.2f s",
        operation.api,
        ", ".join(operation.tables),
        count,
        pause,
        fields=make_fields(operation),
    )


def describe_error(error: BaseException | None) -> str | None:
    """Return the code of an error, else its class; not its message, which may have values of items."""
    if isinstance(error, ServiceError):
        return error.code
    return None if error is None else type(error).__name__


def make_fields(
    operation: Operation[Any],
    *,
    seconds: float | None = None,
    attempts: int | None = None,
    units: float | None = None,
    size: int | None = None,
    error: BaseException | None = None,
) -> dict[str, Any]:
    """Return the fields of a line."""
    return {
        "operation": operation.api,
        "table": ", ".join(operation.tables),
        "index": getattr(operation, "index", None),
        "seconds": seconds,
        "attempts": attempts,
        "units": units,
        "bytes": size,
        "error": describe_error(error),
    }

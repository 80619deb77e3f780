"""Reading the body of a successful response, and making the exception of any other."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from zlib import crc32

import msgspec

from ..exceptions import RequestError, ResponseCorrupted, make_service_error
from ..operations.base import Operation
from .binaries import with_bytes
from .codec import Response

# DynamoDB's codes for responses with a status only, such as those of a proxy.
_CODES = {408: "RequestTimeout", 429: "TooManyRequestsException"}


def read_answer(response: Response, operation: Operation[Any]) -> bytes:
    """Return the body of *response* if it is a success that arrived undamaged; else raise an error.

    Raises :class:`~dynamodb_py.exceptions.ResponseCorrupted` if the body is damaged, or the
    :class:`~dynamodb_py.exceptions.ServiceError` for the error's code.
    """
    body, headers = response.body, response.headers
    checksum = headers.get(b"x-amz-crc32")
    if checksum is not None and checksum != b"%d" % crc32(body):
        error: RequestError = ResponseCorrupted("The response does not match its checksum.")
    elif response.status != 200:
        error = _make_error(response)
    elif not (body.isascii() or _is_text(body)):
        error = ResponseCorrupted("The response is not valid UTF-8.")
    elif (body[-1:] == b"}" and body[:1] == b"{") or (
        body.lstrip()[:1] == b"{" and body.rstrip()[-1:] == b"}"
    ):
        return body
    else:
        error = ResponseCorrupted(f"The response is not a JSON object: {body[:80]!r}.")
    request_id = headers.get(b"x-amzn-requestid", b"").decode("latin-1")
    raise describe_request(error, operation, request_id)


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def describe_request(
    error: RequestError, operation: Operation[Any], request_id: str = ""
) -> RequestError:
    """Set the operation, the table and the request id of *error*, and return it."""
    error.operation = operation.api
    error.table = ", ".join(operation.tables)
    error.request_id = request_id
    return error


def _make_error(response: Response) -> RequestError:
    """Return the exception for a response with another status than 200."""
    status, body = response.status, response.body
    parsed: dict[str, Any] = {}
    with suppress(ValueError, RecursionError):  # the error page of a proxy is not JSON
        parsed = msgspec.json.decode(body, type=dict[str, Any])
    kind = str(parsed.get("__type") or parsed.get("code") or "")
    code = kind.rpartition("#")[2].partition(":")[0]
    message = parsed.get("message") or parsed.get("Message") or ""
    if not code:
        code = _CODES.get(status, f"HTTP{status}")
        message = message or body[:200].decode("utf-8", "replace")
    try:
        return make_service_error(code, str(message), status=status, body=with_bytes(parsed))
    except (ValueError, RecursionError) as failure:
        return ResponseCorrupted(f"The response, a {code}, cannot be read: {failure}")

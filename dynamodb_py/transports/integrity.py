"""The check that a response is complete, which botocore lacks.

botocore reads half a response, or one that is not JSON, as an empty one, so that an existing item seems
missing. An event handler checks the responses to this package's requests.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from zlib import crc32

from ..exceptions import ResponseCorrupted

_EVENTS = ("response-received.dynamodb", "response-received.dynamodb-streams")
_NAME = "dynamodb_py-integrity"

_ours = threading.local()


@contextmanager
def check_responses(client: Any) -> Generator[None]:
    """Check the responses of *client* in this thread within the block.

    The handler stays registered and does nothing at other times. It raises
    :class:`~dynamodb_py.exceptions.ResponseCorrupted`.
    """
    for event in _EVENTS:
        client.meta.events.register(event, _check, unique_id=f"{_NAME}-{event}")
    _ours.request = True
    try:
        yield
    finally:
        _ours.request = False


def _check(response_dict: Any = None, **_: Any) -> None:
    if response_dict is None or not getattr(_ours, "request", False):
        return
    headers, body = response_dict["headers"], response_dict["body"]
    length, checksum = headers.get("content-length"), headers.get("x-amz-crc32")
    if length is not None and length != str(len(body)):
        raise ResponseCorrupted(f"The response has {len(body)} bytes of the {length} announced.")
    if checksum is not None and checksum != str(crc32(body)):
        raise ResponseCorrupted("The response does not match its checksum.")
    whole = body.lstrip()[:1] == b"{" and body.rstrip()[-1:] == b"}"
    if response_dict["status_code"] == 200 and not whole:
        raise ResponseCorrupted(f"The response is not a JSON object: {body[:80]!r}.")

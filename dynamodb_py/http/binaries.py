"""Binary values: bytes in Python and in botocore's parameters, base64 text in DynamoDB's JSON."""

from __future__ import annotations

from binascii import a2b_base64
from typing import Any, cast


def with_bytes(value: Any) -> Any:
    r"""Return *value*, which is parsed JSON, with bytes in its attribute values of the types B and BS.

    A dict with the only key B is such a value if it has a text there: an attribute *named* B has a dict.

    >>> with_bytes({"Item": {"B": {"B": "AAE="}}})
    {'Item': {'B': {'B': b'\x00\x01'}}}
    """
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        if len(members) == 1:
            kind, inner = next(iter(members.items()))
            if kind == "B" and isinstance(inner, str):
                return {kind: a2b_base64(inner)}
            if kind == "BS" and _are_texts(inner):
                return {kind: [a2b_base64(text) for text in inner]}
        return {name: with_bytes(inner) for name, inner in members.items()}
    if isinstance(value, list):
        return [with_bytes(inner) for inner in cast("list[Any]", value)]
    return value


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(i, str) for i in cast("list[Any]", value))

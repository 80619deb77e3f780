"""How a field's value is looked at on the wire, and back."""

from __future__ import annotations

from typing import Any

from dynamodb_py import CharField, Field, Model
from dynamodb_py.models.records.encoding import encode_fields

from ..expressions.spelling import check_request


def model_of(field: Field[Any, Any], **options: Any) -> Any:
    """Return a model with the key ``k`` and the attribute ``x``."""
    return type("Test", (Model,), {"k": CharField(hash_key=True), "x": field, **options})


def stored_by(field: Field[Any, Any], value: object) -> Any:
    """Return what an item with *value* has on the wire, in a request that botocore would send."""
    wires = encode_fields(model_of(field)(k="a", x=value), adding=True)
    check_request("PutItem", {"TableName": "test", "Item": wires})
    return wires.get("x")


def read_by(field: Field[Any, Any], wire: object) -> Any:
    """Return the value that an item with *wire* reads as, through the compiled reader."""
    return model_of(field).from_db({"k": {"S": "a"}, "x": wire}).x


def ids(rows: list[tuple[Any, ...]]) -> list[str]:
    """Return a name for each row of a table."""
    return [f"{at}-{'-'.join(_name(x) for x in row[:2])}" for at, row in enumerate(rows)]


def _name(value: object) -> str:
    """Return a name that is the same in every process: without addresses or the order of sets."""
    if isinstance(value, (Field, memoryview)):
        return type(value).__name__
    if isinstance(value, set):
        return f"{{{', '.join(sorted(map(repr, value)))}}}"[:30]
    return f"{value!r:.30}"

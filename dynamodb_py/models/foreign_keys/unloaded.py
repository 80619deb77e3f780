"""Instances that know only their key, as references give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...codec import to_json
from ...operations.base import Wire


def is_stub(instance: Any) -> bool:
    """Tell whether an instance knows only its key, as one made from a reference."""
    aside = instance._state
    return aside is not None and bool(aside.stub)


def make_stub(target: type[Any], key: Mapping[str, Wire], alias: str | None) -> Any:
    """Return an instance that knows only its key."""
    stub = target._load_partially(frozenset(field.attribute for field in target._meta.keys))(
        to_json(key)
    )
    stub._state.stub = True
    if alias is not None:
        stub.__dict__["_using"] = alias
    return stub


def log_fetch(message: str, *arguments: object) -> None:
    """Write to the debug log that a reference was fetched on demand."""
    import logging  # imported only when references are followed

    logging.getLogger("dynamodb_py.relations").debug(message, *arguments)

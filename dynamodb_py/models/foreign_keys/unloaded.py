"""What references are made of: keys, instances that know only these, and what deleting does."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from ...codec import to_json
from ...operations.base import Wire


def is_stub(instance: Any) -> bool:
    """Tell whether nothing but its key is known of an instance, since that was all that was read."""
    aside = instance._state
    return aside is not None and bool(aside.stub)


def make_stub(target: type[Any], key: Mapping[str, Wire], alias: str | None) -> Any:
    """Return an instance of which nothing is known but the key."""
    stub = target._load_partially(frozenset(field.attribute for field in target._meta.keys))(
        to_json(key)
    )
    stub._state.stub = True
    if alias is not None:
        stub.__dict__["_using"] = alias
    return stub


def has_running_loop() -> bool:
    """Tell whether an event loop runs in this thread, which nothing may block."""
    asyncio = sys.modules.get("asyncio")  # a script that never awaits does not pay for its import
    return asyncio is not None and asyncio._get_running_loop() is not None


def log_fetch(message: str, *arguments: object) -> None:
    """Say in the debug log that a reference was fetched on demand."""
    import logging  # only who follows references pays for its import

    logging.getLogger("dynamodb_py.relations").debug(message, *arguments)

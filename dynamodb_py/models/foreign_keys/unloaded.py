"""Instances that know only their key, as references give them."""

from __future__ import annotations

import sys
from typing import Any


def is_stub(instance: Any) -> bool:
    """Tell whether an instance knows only its key, as one made from a reference."""
    state = instance._state
    return state is not None and bool(state.stub)


def has_running_loop() -> bool:
    """Tell whether an event loop runs in this thread, which nothing may block."""
    asyncio = sys.modules.get("asyncio")  # a script that never awaits does not pay for its import
    return asyncio is not None and asyncio._get_running_loop() is not None


def log_fetch(message: str, *arguments: object) -> None:
    """Write to the debug log that a reference was fetched on demand."""
    import logging  # imported only when references are followed

    logging.getLogger("dynamodb_py.relations").debug(message, *arguments)

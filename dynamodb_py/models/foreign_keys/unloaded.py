"""Stubs: instances with only their key, which references and ``by_key()`` return."""

from __future__ import annotations

from typing import Any


def is_stub(instance: Any) -> bool:
    """Tell whether an instance has only its key, because a reference or ``by_key()`` made it."""
    state = instance._state
    return state is not None and bool(state.stub)


def log_fetch(message: str, *arguments: object) -> None:
    """Write to the debug log that a reference was fetched on demand."""
    import logging  # imported only when references are followed

    logging.getLogger("dynamodb_py.relations").debug(message, *arguments)

"""Instances that know only their key, as references and ``by_key()`` give them."""

from __future__ import annotations

from typing import Any


def is_stub(instance: Any) -> bool:
    """Tell whether an instance knows only its key, as one of a reference or of ``by_key()``."""
    state = instance._state
    return state is not None and bool(state.stub)


def log_fetch(message: str, *arguments: object) -> None:
    """Write to the debug log that a reference was fetched on demand."""
    import logging  # imported only when references are followed

    logging.getLogger("dynamodb_py.relations").debug(message, *arguments)

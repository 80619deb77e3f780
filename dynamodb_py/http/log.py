"""The logger ``dynamodb_py``: one line per request at level DEBUG, next to free while it is off."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, cast

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

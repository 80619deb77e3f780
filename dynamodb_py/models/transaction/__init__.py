"""``from dynamodb_py import transaction``: atomic writes, reads of one moment, statements.

The collected writes are in ``unit_of_work/``, requests in ``operations.transactions``.
"""

from __future__ import annotations

from .atomic import atomic, check, on_commit, on_rollback
from .snapshot import aget, get
from .statements import aexecute, execute

aatomic = atomic
"""The same as ``atomic``, as the counterpart of ``aget``: ``async with transaction.aatomic()``."""

__all__ = [
    "aatomic",
    "aexecute",
    "aget",
    "atomic",
    "check",
    "execute",
    "get",
    "on_commit",
    "on_rollback",
]

"""``from dynamodb_py import transaction``: atomic writes, and reads of one moment.

The collected writes are in ``unit_of_work/``, requests in ``operations.transactions``.
"""

from __future__ import annotations

from .atomic import atomic, check, on_commit, on_rollback
from .snapshot import aget, get

aatomic = atomic
"""The same as ``atomic``, as the counterpart of ``aget``: ``async with transaction.aatomic()``."""

__all__ = ["aatomic", "aget", "atomic", "check", "get", "on_commit", "on_rollback"]
